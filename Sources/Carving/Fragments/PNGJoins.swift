/// The chunk in which the walk failed states its length: so the next chunk's name tells the gap, and the chunk's own
/// CRC-32 the place of the split.
extension PNGWalker: JoinProvingWalker {
    func searchJoin(_ search: JoinSearch) throws(ReadFailure) {
        let reader = search.reader
        let start = search.prefix
        guard reader.count - start > 12 else { return }
        let length = try reader.u32be(start)
        if try Self.isKnown(reader, at: start), length < reader.count - start - 12 {
            try searchIn(chunk: start, length: length, search)
        }
        // The head of a chunk lies on the border, or begins the second piece.
        for split in JoinSearch.borders(from: start, through: start + 7) where !search.isOver {
            for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) where !search.isOver {
                guard let head = try search.bytes(at: start, count: 8, split: split, gap: gap) else { break }
                if Self.isKnown(head) { try search.attempt(split: split, gap: gap) }
            }
        }
    }

    private func searchIn(chunk start: Int, length: Int, _ search: JoinSearch) throws(ReadFailure) {
        let reader = search.reader
        let end = start + 12 + length
        let isLast = try reader.matches("IEND", at: start + 4)
        for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) where !search.isOver {
            guard end + gap + 12 <= reader.count else { break }
            search.spend(16)
            if !isLast { guard try Self.isKnown(reader, at: end + gap) else { continue } }
            let stated = try reader.u32be(end + gap - 4)
            var crc = CRC32()
            var at = start + 4
            for split in JoinSearch.borders(from: start + 8, through: end) where !search.isOver {
                let stop = min(split, end - 4)
                try reader.forEachPiece(of: at..<stop) { (piece: ArraySlice<UInt8>) in crc.update(piece) }
                at = stop
                var whole = crc
                if stop < end - 4 {
                    try reader.forEachPiece(of: stop + gap..<end - 4 + gap) { (piece: ArraySlice<UInt8>) in
                        whole.update(piece)
                    }
                }
                search.spend(end - start)
                if Int(whole.value) == stated || split > end - 4 { try search.attempt(split: split, gap: gap) }
            }
        }
    }

    private static let names: Set<String> = [
        "IDAT", "IEND", "PLTE", "tEXt", "zTXt", "iTXt", "tIME", "eXIf", "fdAT", "fcTL", "acTL", "gAMA", "pHYs", "bKGD",
        "tRNS", "cHRM", "sRGB", "iCCP", "sBIT", "hIST", "sPLT", "caBX", "vpAg", "iDOT", "oFFs", "pCAL", "sCAL",
    ]

    /// True when the head of a chunk that is in use stands at an offset.
    private static func isKnown(_ reader: ByteReader, at offset: Int) throws(ReadFailure) -> Bool {
        guard offset >= 0, reader.count - offset >= 8 else { return false }
        return isKnown(try reader.bytes(at: offset, count: 8))
    }

    /// True when the bytes are the head of a chunk that is in use.
    private static func isKnown(_ head: [UInt8]) -> Bool {
        head[0] < 0x80 && names.contains(String(decoding: head[4..<8], as: UTF8.self))
    }
}
