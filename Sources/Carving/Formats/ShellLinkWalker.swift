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
        if try input.isZero(20..<76) {
            file.confidence = .header
            file.warnings.append("a header that says nothing: only its first bytes are those of the format")
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
        try judgeEnd()
    }

    /// Zeros end the blocks of extra data, and unused space is zero too: a last block of nothing else may not be the file's.
    private mutating func judgeEnd() throws(WalkStop) {
        let border = (file.length - 1) / WalkInput.blockSize * WalkInput.blockSize
        guard border >= 76, try input.isZero(border..<file.length) else { return }
        file.confidence = .header
        file.warnings.append("only zeros follow the last block border in it: it may end there, and go on elsewhere")
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
        let flags = try input.u32le(at + 8)
        func place(_ field: Int) throws(WalkStop) -> Range<Int>? {
            let offset = try input.u32le(at + field)
            return offset >= header && offset < size ? at + offset..<at + size : nil
        }
        if flags & 1 != 0 {
            if let volume = try place(12) { try describeVolume(volume) }
            if header >= 36, let path = try place(28) {
                let raw = try input.bytes(at: path.lowerBound, count: min(path.count, 2048))
                if let text = EvidenceText.cleanUTF16(raw, bigEndian: false) { file.facts["target"] = .string(text) }
            }
            if let path = try place(16) {
                file.note("target", text: try input.bytes(at: path.lowerBound, count: path.count))
            }
        }
        if flags & 2 != 0, let share = try place(20), share.count >= 20 {
            let name = try input.u32le(share.lowerBound + 8)
            if name >= 20, name < share.count {
                file.note(
                    "network_share",
                    text: try input.bytes(at: share.lowerBound + name, count: share.count - name))
            }
            if let suffix = try place(24) {
                file.note("share_path", text: try input.bytes(at: suffix.lowerBound, count: suffix.count))
            }
        }
        at += size
        file.length = at
    }

    /// The volume that the target was on (2.3.1): kind of drive, serial number and name.
    private mutating func describeVolume(_ place: Range<Int>) throws(WalkStop) {
        guard place.count >= 17 else { return }
        let at = place.lowerBound
        let kinds = [2: "removable", 3: "fixed", 4: "network", 5: "optical", 6: "memory"]
        if let kind = kinds[try input.u32le(at + 4)] { file.facts["drive_kind"] = .string(kind) }
        let serial = String(try input.u32le(at + 8), radix: 16, uppercase: true)
        let digits = String(repeating: "0", count: 8 - serial.utf8.count) + serial
        file.facts["volume_serial"] = .string(digits.prefix(4) + "-" + digits.suffix(4))
        let name = try input.u32le(at + 12)
        let wideName = name == 20 && place.count >= 20 ? try input.u32le(at + 16) : 0
        if wideName > 20, wideName < place.count {
            let raw = try input.bytes(at: at + wideName, count: min(place.count - wideName, 512))
            if let text = EvidenceText.cleanUTF16(raw, bigEndian: false) { file.facts["volume_name"] = .string(text) }
        } else if name >= 16, name < place.count {
            file.note("volume_name", text: try input.bytes(at: at + name, count: min(place.count - name, 256)))
        }
    }

    /// The tracker's data (2.5.10): the machine, and identifiers of volume and file, of which the latter tells a network
    /// card's address and the time at which it was made (RFC 9562, 5.1).
    private mutating func describeTracker(_ at: Int) throws(WalkStop) {
        file.note("machine", text: try input.bytes(at: at + 16, count: 16))
        guard try !input.isZero(at + 32..<at + 64) else { return }
        file.facts["volume_identifier"] = .string(try identifier(at + 32))
        file.facts["file_identifier"] = .string(try identifier(at + 48))
        guard try input.u8(at + 48 + 7) >> 4 == 1 else { return }
        let low = try input.u32le(at + 48)
        let ticks = low | (try input.u16le(at + 52)) << 32 | (try input.u16le(at + 54) & 0x0FFF) << 48
        // From 1582 to 1601, in units of 100 ns.
        let since1601 = ticks - 5_748_192_000_000_000
        if since1601 > 0 { file.facts["file_identifier_made"] = EvidenceTime.fileTime(UInt64(since1601)) }
        let node = try input.bytes(at: at + 58, count: 6)
        // A random number in the place of an address has this bit set.
        if node[0] & 1 == 0 {
            let pairs = node.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            file.facts["network_address"] = .string(pairs.joined(separator: ":"))
        }
    }

    private func identifier(_ at: Int) throws(WalkStop) -> String {
        let bytes = try input.bytes(at: at, count: 16)
        let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
        var text = ""
        for (index, position) in order.enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            text += (bytes[position] < 16 ? "0" : "") + String(bytes[position], radix: 16)
        }
        return text
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
            if try input.u32le(at + 4) == 0xA000_0003, size >= 96 { try describeTracker(at) }
            at += size
            file.length = at
        }
        throw .broken("more extra data blocks than any real shortcut has")
    }
}
