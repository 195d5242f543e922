internal import EvidenceModel

/// RAR archives, versions 1.5 to 4 (technote.txt of WinRAR 4) and 5 (the RAR 5.0 archive format).
///
/// Blocks with checksums of their headers, up to the end-of-archive block.
struct RARWalker: FormatWalker {
    let name = "rar"
    let signatures = [WalkerSignature([0x52, 0x61, 0x72, 0x21, 0x1A, 0x07])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try RARWalk(reader).verdict() }
}

private struct RARWalk: FileWalk {
    /// Largest header block (RAR 5.0: 2 MiB).
    static let largestHeader = 2 << 20

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "rar", fileExtension: "rar", mime: "application/vnd.rar")
    var isRecognised = false
    var names: [CanonicalValue] = []
    var members = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        if try input.u8(6) == 0 {
            file.length = 7
            file.note("format_version", 4)
            while try !block4(at: file.length) {}
        } else if try input.u8(6) == 1, try input.u8(7) == 0 {
            file.length = 8
            file.note("format_version", 5)
            while try !block5(at: file.length) {}
        } else {
            throw .rejected("not a RAR marker")
        }
        file.note("members", members)
        if !names.isEmpty { file.facts["names"] = .array(names) }
    }

    private mutating func add(name: [UInt8]) {
        members += 1
        if names.count < ZipContents.mostNames, let text = EvidenceText.clean(name) { names.append(.string(text)) }
    }

    // MARK: Version 4

    /// True when the block ends the archive.
    private mutating func block4(at start: Int) throws(WalkStop) -> Bool {
        let type = try input.u8(start + 2)
        let flags = try input.u16le(start + 3)
        let size = try input.u16le(start + 5)
        let isKnown = (0x73...0x7B).contains(type) && size >= 7 && input.fits(start, size)
        let crc = isKnown ? try input.crc32(of: start + 2..<start + size) : 0
        guard isKnown, Int(crc & 0xFFFF) == (try input.u16le(start)) else {
            // Before version 3 archives had no end block.
            guard isRecognised, members > 0, file.facts["old"] != nil else {
                throw .broken("a block header's CRC does not hold")
            }
            file.confidence = .header
            file.warnings.append("an archive without an end block: ended where no further block follows")
            return true
        }
        isRecognised = true
        var data = 0
        if type == 0x74 || type == 0x7A {
            guard size >= 32 else { throw .broken("a file header of impossible size") }
            data = try input.u32le(start + 7)
            if flags & 0x100 != 0 {
                guard size >= 40 else { throw .broken("a file header of impossible size") }
                data += try input.u32le(start + 32) << 32
            }
            if type == 0x74 {
                if try input.u8(start + 24) < 29 { file.note("old") }
                let nameStart = start + (flags & 0x100 != 0 ? 40 : 32)
                let nameLength = min(try input.u16le(start + 26), start + size - nameStart)
                add(name: try input.bytes(at: nameStart, count: max(0, nameLength)))
            }
        } else if flags & 0x8000 != 0 {
            data = try input.u32le(start + 7)
        }
        if type == 0x73, flags & 0x80 != 0 {
            file.note("encrypted")
            file.length = start + size
            throw .broken("the headers are encrypted: where the archive ends is not to be read")
        }
        guard input.fits(start + size, data) else {
            file.length = start + size
            throw .broken("a member reaches past the end of the source")
        }
        file.length = start + size + data
        return type == 0x7B
    }

    // MARK: Version 5

    /// True when the block ends the archive.
    private mutating func block5(at start: Int) throws(WalkStop) -> Bool {
        var at = start + 4
        let size = try number(&at)
        guard size > 0, size <= Self.largestHeader, input.fits(at, size) else {
            throw .broken("a block header of impossible size")
        }
        let end = at + size
        guard try Int(input.crc32(of: start + 4..<end)) == input.u32le(start) else {
            throw .broken("a block header's CRC-32 does not hold")
        }
        isRecognised = true
        let type = try number(&at)
        let flags = try number(&at)
        if flags & 1 != 0 { _ = try number(&at) }
        let data = flags & 2 != 0 ? try number(&at) : 0
        guard at <= end else { throw .broken("a block header of impossible size") }
        if type == 4 {
            file.note("encrypted")
            file.length = end
            throw .broken("the headers are encrypted: where the archive ends is not to be read")
        }
        if type == 2 { try fileHeader(at: at, end: end) }
        guard input.fits(end, data) else {
            file.length = end
            throw .broken("a member reaches past the end of the source")
        }
        file.length = end + data
        return type == 5
    }

    private mutating func fileHeader(at start: Int, end: Int) throws(WalkStop) {
        var at = start
        let flags = try number(&at)
        _ = try number(&at)
        _ = try number(&at)
        if flags & 2 != 0 { at += 4 }
        if flags & 4 != 0 { at += 4 }
        _ = try number(&at)
        _ = try number(&at)
        let length = try number(&at)
        guard at <= end, length <= end - at else { throw .broken("a file header longer than its block") }
        add(name: try input.bytes(at: at, count: length))
    }

    /// A variable-length integer of at most ten bytes.
    private func number(_ at: inout Int) throws(WalkStop) -> Int {
        var value: UInt64 = 0
        for index in 0..<10 {
            let byte = try input.u8(at)
            at += 1
            value |= UInt64(byte & 0x7F) << UInt64(7 * index)
            if byte & 0x80 == 0 { return min(Int(exactly: value) ?? Int.max / 4, Int.max / 4) }
        }
        throw .broken("a number longer than any real one")
    }
}
