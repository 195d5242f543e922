internal import EvidenceModel

/// Windows shortcuts (MS-SHLLINK): a header and the parts that its flags announce.
struct ShellLinkWalker: FormatWalker {
    let name = "lnk"
    let signatures = [
        WalkerSignature([0x4C, 0, 0, 0, 0x01, 0x14, 0x02, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46])
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try ShellLinkWalk(reader).verdict() }
}

private struct ShellLinkWalk: FileWalk {
    static let mostExtraBlocks = 64

    let input: WalkInput
    var file = WalkedFile(
        length: 76, confidence: .structural, format: "lnk", fileExtension: "lnk", mime: "application/x-ms-shortcut")
    var isRecognised = true

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let flags = try input.u32le(20)
        guard try input.isZero(66..<76), try input.u32le(60) <= 10 else {
            throw .rejected("reserved fields are not zero")
        }
        do {
            file.facts["target_created"] = EvidenceTime.fileTime(try input.reader.u64le(28))
            file.facts["target_accessed"] = EvidenceTime.fileTime(try input.reader.u64le(36))
            file.facts["target_modified"] = EvidenceTime.fileTime(try input.reader.u64le(44))
        } catch { throw .failed(error) }
        file.note("target_bytes", try input.u32le(52))
        var at = 76
        if flags & 1 != 0 { try itemList(&at) }
        if flags & 2 != 0 { try linkInfo(&at) }
        let isWide = flags & 0x80 != 0
        for (bit, fact) in [
            (2, "description"), (3, "relative_path"), (4, "working_folder"), (5, "arguments"), (6, "icon"),
        ]
        where flags & 1 << bit != 0 {
            let length = try input.u16le(at) * (isWide ? 2 : 1)
            guard input.fits(at + 2, length) else { throw .failed(.pastEnd(offset: at)) }
            let raw = try input.bytes(at: at + 2, count: length)
            let text = isWide ? EvidenceText.cleanUTF16(raw, bigEndian: false) : EvidenceText.clean(raw)
            if let text { file.facts[fact] = .string(text) }
            at += 2 + length
            file.length = at
        }
        try extraData(&at)
        file.length = at
    }

    /// The target's item identifiers (2.2): they fill the list up to its empty last one.
    private mutating func itemList(_ at: inout Int) throws(WalkStop) {
        let end = at + 2 + (try input.u16le(at))
        at += 2
        while true {
            let size = try input.u16le(at)
            if size == 0 { break }
            guard size >= 2, size <= end - at else { throw .broken("an item identifier longer than its list") }
            at += size
        }
        guard at + 2 == end else { throw .broken("a list of item identifiers of the wrong length") }
        at = end
        file.length = at
    }

    private mutating func linkInfo(_ at: inout Int) throws(WalkStop) {
        let size = try input.u32le(at)
        let header = try input.u32le(at + 4)
        guard size >= 28, size <= 65_536, header >= 28, header <= size, input.fits(at, size) else {
            throw .broken("a location of impossible size")
        }
        let path = try input.u32le(at + 16)
        if path > 0, path < size { file.note("target", text: try input.bytes(at: at + path, count: size - path)) }
        at += size
        file.length = at
    }

    /// Extra data blocks (2.5) up to the one of less than four bytes.
    private mutating func extraData(_ at: inout Int) throws(WalkStop) {
        for _ in 0..<Self.mostExtraBlocks {
            let size = try input.u32le(at)
            if size < 4 {
                at += 4
                return
            }
            guard size >= 8, size <= 1 << 20, input.fits(at, size), try input.u32le(at + 4) & 0xFFFF_FF00 == 0xA000_0000
            else { throw .broken("an extra data block of no known kind") }
            if try input.u32le(at + 4) == 0xA000_0003, size >= 32 {
                file.note("machine", text: try input.bytes(at: at + 16, count: 16))
            }
            at += size
            file.length = at
        }
        throw .broken("more extra data blocks than any real shortcut has")
    }
}
