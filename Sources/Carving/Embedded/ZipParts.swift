internal import EvidenceModel

/// The members of a ZIP archive, as its central directory lists them (PKWARE APPNOTE 6.3, 4.3.12).
struct ZipParts {
    /// Longest archive comment, and the end record before it.
    private static let farthestEnd = 65_535 + 22
    /// Kinds of member that are the text of a document and no file of its own.
    private static let documentText: Set<String> = [
        "xml", "rels", "rdf", "xhtml", "html", "htm", "css", "ncx", "opf", "vml", "smil",
    ]

    private let input: WalkInput

    init(_ input: WalkInput) { self.input = input }

    private struct Entry {
        var name: [UInt8]
        var part: EmbeddedPart
        var refusal: PartRefusal?
    }

    func list(into list: inout PartList) throws(WalkStop) {
        guard let (start, end, shift) = try directory() else { return }
        var at = start
        var isDocument = false
        // Two passes keep memory flat: only the first members tell whether it is a document.
        while at < end, try input.matches([0x50, 0x4B, 1, 2], at: at) {
            let nameLength = try input.u16le(at + 28)
            if nameLength == 8, try input.matches("mimetype", at: at + 46) { isDocument = true }
            if nameLength == 19, try input.matches("[Content_Types].xml", at: at + 46) { isDocument = true }
            at += 46 + nameLength + (try input.u16le(at + 30)) + (try input.u16le(at + 32))
        }
        at = start
        var listed: [Int: Int] = [:]
        while at < end, try input.matches([0x50, 0x4B, 1, 2], at: at) {
            let header = try directoryHeader(at: at)
            if listed.count <= WalkLimit.zipListed.value { listed[header.offset - shift] = header.packed }
            guard let entry = try entry(at: &at, shift: shift, directory: start) else { continue }
            if isDocument, isText(entry.name) { continue }
            if let refusal = entry.refusal {
                list.refuse(refusal)
            } else {
                list.add(entry.part)
            }
        }
        guard listed.count <= WalkLimit.zipListed.value else { return input.reached(.zipListed) }
        try unlisted(listed, before: start, into: &list)
    }

    /// Sizes and place of a member, as its entry of the directory states them.
    private func directoryHeader(at: Int) throws(WalkStop) -> ZipLocalHeader {
        var header = ZipLocalHeader(
            crc: try input.u32le(at + 16), packed: try input.u32le(at + 20), size: try input.u32le(at + 24))
        header.offset = try input.u32le(at + 42)
        try header.readZip64(
            input, at: at + 46 + (try input.u16le(at + 28)), length: try input.u16le(at + 30))
        return header
    }

    /// Members that the directory does not name: found by going from one local header to the next, as far as the
    /// headers and the directory state sizes. They are what somebody has taken out of the list and left in the file.
    private func unlisted(_ listed: [Int: Int], before directory: Int, into list: inout PartList) throws(WalkStop) {
        var at = 0
        while at < directory, input.fits(at, 30), try input.matches([0x50, 0x4B, 3, 4], at: at) {
            let flags = try input.u16le(at + 6)
            let method = try input.u16le(at + 8)
            let nameLength = try input.u16le(at + 26)
            let extraLength = try input.u16le(at + 28)
            var header = ZipLocalHeader(
                crc: try input.u32le(at + 14), packed: try input.u32le(at + 18), size: try input.u32le(at + 22))
            try header.readZip64(input, at: at + 30 + nameLength, length: extraLength)
            let start = at + 30 + nameLength + extraLength
            let packed = listed[at] ?? header.packed
            guard input.fits(start, packed), start + packed <= directory else { return }
            if listed[at] == nil {
                guard flags & 8 == 0 || header.packed > 0 else { return list.refuse(.unlisted) }
                let name = try input.bytes(at: at + 30, count: nameLength)
                if name.last != 0x2F, packed > 0 {
                    var part = EmbeddedPart(PartPath.escaped(name), [start..<start + packed])
                    part.size = header.size
                    part.crc = UInt32(truncatingIfNeeded: header.crc)
                    part.coding = method == 8 ? .deflate : method == 12 ? .bzip2 : .stored
                    part.warnings.append("not in the archive's directory: found by its own header")
                    if flags & 0x2041 != 0 {
                        list.refuse(.encrypted)
                    } else if ![0, 8, 12].contains(method) {
                        list.refuse(.method)
                    } else {
                        list.add(part)
                    }
                }
            }
            at = start + packed
            guard flags & 8 != 0 else { continue }
            // The descriptor behind it, with or without signature, of 32 or 64 bits (4.3.9).
            let lengths = try input.matches([0x50, 0x4B, 7, 8], at: at) ? [16, 24] : [12, 20]
            var next: Int?
            for length in lengths where next == nil && at + length <= directory {
                if try input.matches([0x50, 0x4B], at: at + length) { next = at + length }
            }
            guard let next else { return }
            at = next
        }
    }

    private func isText(_ name: [UInt8]) -> Bool {
        if name.elementsEqual("mimetype".utf8) { return true }
        guard let dot = name.lastIndex(of: 0x2E) else { return false }
        return Self.documentText.contains(String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased())
    }

    /// Where the central directory lies, and by how much its offsets count from before this file.
    private func directory() throws(WalkStop) -> (start: Int, end: Int, shift: Int)? {
        var at = input.count - 22
        while at >= 0, input.count - at <= Self.farthestEnd {
            if try input.matches([0x50, 0x4B, 5, 6], at: at), at + 22 + (try input.u16le(at + 20)) == input.count {
                break
            }
            at -= 1
        }
        guard at >= 0, input.count - at <= Self.farthestEnd else { return nil }
        var end = at
        var size = try input.u32le(at + 12)
        var offset = try input.u32le(at + 16)
        if at >= 20, try input.matches([0x50, 0x4B, 6, 7], at: at - 20) {
            // The Zip64 record states its own length; it ends where its locator begins (4.3.14, 4.3.15).
            for length in [56, 56 + 28] where at - 20 - length >= 0 {
                guard try input.matches([0x50, 0x4B, 6, 6], at: at - 20 - length) else { continue }
                end = at - 20 - length
                size = try input.length64le(end + 40)
                offset = try input.length64le(end + 48)
            }
        }
        guard size <= end else { return nil }
        return (end - size, end, offset - (end - size))
    }

    private func entry(at position: inout Int, shift: Int, directory: Int) throws(WalkStop) -> Entry? {
        let at = position
        let flags = try input.u16le(at + 8)
        let method = try input.u16le(at + 10)
        let nameLength = try input.u16le(at + 28)
        let extraLength = try input.u16le(at + 30)
        let header = try directoryHeader(at: at)
        position = at + 46 + nameLength + extraLength + (try input.u16le(at + 32))
        let name = try input.bytes(at: at + 46, count: nameLength)
        // Folders have no content, and neither have empty files.
        guard name.last != 0x2F, header.size > 0 || header.packed > 0 else { return nil }
        let local = header.offset - shift
        guard local >= 0, input.fits(local, 30), try input.matches([0x50, 0x4B, 3, 4], at: local) else { return nil }
        let start = local + 30 + (try input.u16le(local + 26)) + (try input.u16le(local + 28))
        guard input.fits(start, header.packed), start + header.packed <= directory else { return nil }
        var part = EmbeddedPart(PartPath.escaped(name), [start..<start + header.packed])
        part.size = header.size
        part.crc = UInt32(truncatingIfNeeded: header.crc)
        part.facts["member_modified"] = Self.time(date: try input.u16le(at + 14), time: try input.u16le(at + 12))
        let ownName = try input.bytes(at: local + 30, count: input.u16le(local + 26))
        if ownName != name {
            part.warnings.append("its own header gives it another name: " + PartPath.escaped(ownName))
        }
        var entry = Entry(name: name, part: part)
        if flags & 0x2041 != 0 {
            entry.refusal = .encrypted
        } else if method == 8 {
            entry.part.coding = .deflate
        } else if method == 12 {
            entry.part.coding = .bzip2
        } else if method != 0 {
            entry.refusal = .method
        }
        return entry
    }

    /// A DOS date and time, in the writer's own time zone (4.4.6).
    private static func time(date: Int, time: Int) -> CanonicalValue? {
        let (year, month, day) = (1980 + date >> 9, date >> 5 & 15, date & 31)
        let (hour, minute, second) = (time >> 11, time >> 5 & 63, (time & 31) * 2)
        guard (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60,
            date != 0x21
        else { return nil }
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return .string("\(year)-\(two(month))-\(two(day))T\(two(hour)):\(two(minute)):\(two(second))")
    }
}
