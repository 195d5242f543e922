internal import EvidenceModel

/// LZ4 frames (LZ4 Frame Format 1.6.4): decompressed, so that the content's xxHash-32 can be compared.
struct LZ4Walker: FormatWalker {
    let name = "lz4"
    let signatures = [WalkerSignature([0x04, 0x22, 0x4D, 0x18])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try LZ4Walk(reader).verdict() }
}

private struct LZ4Walk: FileWalk {
    /// Bytes before a block to which its matches may reach.
    static let history = 64 * 1024

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .proven, format: "lz4", fileExtension: "lz4", mime: "application/x-lz4")
    var isRecognised = false
    var content = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var frames = 0
        repeat {
            try frame()
            frames += 1
        } while try goesOn()
        file.note("frames", frames)
        file.note("content_bytes", content)
    }

    /// Another frame follows; those that readers skip are stepped over.
    private mutating func goesOn() throws(WalkStop) -> Bool {
        while try input.continues(with: [0x2A, 0x4D, 0x18], at: file.length + 1),
            try input.u8(file.length) & 0xF0 == 0x50
        {
            let size = try input.u32le(file.length + 4)
            guard input.fits(file.length + 8, size) else { return false }
            file.leaveUnchecked(file.length + 8..<file.length + 8 + size)
            file.confidence = .structural
            file.length += 8 + size
        }
        return try input.continues(with: [0x04, 0x22, 0x4D, 0x18], at: file.length)
    }

    private mutating func frame() throws(WalkStop) {
        let start = file.length
        let flags = try input.u8(start + 4)
        let descriptor = try input.u8(start + 5)
        let blockSize = 1 << (8 + 2 * (descriptor >> 4 & 7))
        guard try input.matches([0x04, 0x22, 0x4D, 0x18], at: start), flags >> 6 == 1, flags & 2 == 0,
            descriptor & 0x8F == 0, blockSize >= 1 << 16
        else {
            throw .rejected("not a frame header")
        }
        let isIndependent = flags & 0x20 != 0
        let hasBlockChecks = flags & 0x10 != 0
        var at = start + 6
        var statedSize: Int?
        if flags & 8 != 0 {
            statedSize = try input.length64le(at)
            at += 8
        }
        if flags & 1 != 0 { at += 4 }
        let header = try input.bytes(at: start + 4, count: at - start - 4)
        guard XXHash32.of(header[...]) >> 8 & 0xFF == (try input.u8(at)) else {
            throw .rejected("the frame header's checksum does not hold")
        }
        at += 1
        var output: [UInt8] = []
        var hash = XXHash32()
        var size = 0
        let needsDictionary = flags & 1 != 0
        while true {
            let word = try input.u32le(at)
            at += 4
            if word == 0 { break }
            let length = word & 0x7FFF_FFFF
            guard length <= blockSize else { throw stop("a block larger than the frame allows") }
            let block = try input.bytes(at: at, count: length)
            if hasBlockChecks, XXHash32.of(block[...]) != (try input.u32le(at + length)) {
                throw stop("a block's checksum does not hold")
            }
            if !needsDictionary {
                if isIndependent { output.removeAll(keepingCapacity: true) }
                let before = output.count
                if word >> 31 == 1 {
                    output += block
                } else if !LZ4Block.decode(block, into: &output, most: blockSize) {
                    throw stop("a block is not LZ4 data")
                }
                size += output.count - before
                hash.update(output[before...])
                if output.count > Self.history { output.removeFirst(output.count - Self.history) }
                guard content + size <= InflateLimit.mostBytes else {
                    throw .broken("stopped at the limit on decompressed bytes")
                }
            }
            file.leaveUnchecked(at..<at + length)
            at += length + (hasBlockChecks ? 4 : 0)
            isRecognised = true
            file.length = at
        }
        if flags & 4 != 0 {
            if !needsDictionary, hash.value != (try input.u32le(at)) {
                throw .broken("the content's checksum does not hold")
            }
            _ = try input.u8(at + 3)
            at += 4
        }
        if let statedSize, !needsDictionary, statedSize != size {
            throw .broken("the frame states another size of its content")
        }
        if !hasBlockChecks, flags & 4 == 0 || needsDictionary { file.confidence = .structural }
        isRecognised = true
        content += size
        file.length = at
    }

    private func stop(_ reason: String) -> WalkStop { isRecognised ? .broken(reason) : .rejected(reason) }
}

/// One LZ4 block (LZ4 Block Format).
enum LZ4Block {
    /// Appends the block's content; false when the bytes are no block or give more than `most` bytes.
    ///
    /// What `output` holds already is the history that matches may reach into.
    static func decode(_ block: [UInt8], into output: inout [UInt8], most: Int) -> Bool {
        let limit = output.count + most
        var at = 0
        while at < block.count {
            let token = Int(block[at])
            at += 1
            guard let literals = length(token >> 4, block, &at), literals <= block.count - at,
                output.count + literals <= limit
            else { return false }
            output += block[at..<at + literals]
            at += literals
            // The last sequence has no match.
            if at == block.count { return true }
            guard block.count - at >= 2 else { return false }
            let distance = Int(block[at]) | Int(block[at + 1]) << 8
            at += 2
            guard var match = length(token & 15, block, &at), distance > 0, distance <= output.count else {
                return false
            }
            match += 4
            guard output.count + match <= limit else { return false }
            var from = output.count - distance
            // A match may overlap what it gives: then it repeats.
            while match > 0 {
                let run = min(match, output.count - from)
                output.append(contentsOf: output[from..<from + run])
                from += run
                match -= run
            }
        }
        return false
    }

    private static func length(_ nibble: Int, _ block: [UInt8], _ at: inout Int) -> Int? {
        var value = nibble
        guard nibble == 15 else { return value }
        while true {
            guard at < block.count else { return nil }
            let byte = Int(block[at])
            at += 1
            value += byte
            if byte != 255 { return value }
        }
    }
}
