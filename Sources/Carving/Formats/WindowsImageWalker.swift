internal import EvidenceModel

/// Windows images (WIM, ESD, SWM; Microsoft, Windows Imaging File Format): the header states where each table lies, the
/// lookup table where each resource does.
///
/// An integrity table, where there is one, holds a SHA-1 of every piece of the resources and the lookup table.
struct WindowsImageWalker: FormatWalker {
    let name = "wim"
    let signatures = [WalkerSignature([0x4D, 0x53, 0x57, 0x49, 0x4D, 0, 0, 0, 0xD0, 0, 0, 0])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try WindowsImageWalk(reader).verdict() }
}

private struct WindowsImageWalk: FileWalk {
    static let header = 208
    static let largestList = 16 << 20
    static let mostPieces = 1 << 20

    let input: WalkInput
    var file = WalkedFile(
        length: header, confidence: .structural, format: "wim", fileExtension: "wim", mime: "application/x-ms-wim")
    var isRecognised = false
    var end = header

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let part = try input.u16le(40)
        let parts = try input.u16le(42)
        guard parts > 0, part > 0, part <= parts, [0x10D00, 0xE00].contains(try input.u32le(12)) else {
            throw .rejected("not the header of an image")
        }
        let lookup = try resource(48)
        let list = try resource(72)
        let boot = try resource(96)
        let integrity = try resource(124)
        guard lookup.count > 0, lookup.count % 50 == 0 || lookup.isPacked, list.count >= 2,
            list.count <= Self.largestList
        else { throw .rejected("an image without its tables") }
        isRecognised = true
        for part in [lookup, list, boot, integrity] where part.count > 0 {
            guard part.start >= Self.header, input.fits(part.start, part.count) else {
                throw .broken("a table lies past the end of the source")
            }
            end = max(end, part.start + part.count)
        }
        if !list.isPacked, !(try input.matches([0xFF, 0xFE, 0x3C, 0x00], at: list.start)) {
            throw .broken("no description of the images where the header says")
        }
        if !lookup.isPacked { try resources(lookup.start, count: lookup.count / 50, part: part) }
        file.length = end
        if integrity.count > 0, try holds(integrity.start, integrity.count, lookupEnd: lookup.start + lookup.count) {
            file.confidence = .proven
        } else {
            file.leaveUnchecked(Self.header..<end)
        }
        if try input.u32le(12) == 0xE00 { file.fileExtension = "esd" } else if parts > 1 { file.fileExtension = "swm" }
        file.note("images", try input.u32le(44))
        if !list.isPacked { try describe(list.start, list.count) }
    }

    /// A resource by its 24 bytes of size, flags and place.
    private func resource(_ at: Int) throws(WalkStop) -> (start: Int, count: Int, isPacked: Bool) {
        let low = try input.u32le(at) | input.u24le(at + 4) << 32
        return (try input.length64le(at + 8), low, try input.u8(at + 7) & 4 != 0)
    }

    private mutating func resources(_ table: Int, count: Int, part: Int) throws(WalkStop) {
        for index in 0..<count {
            let at = table + 50 * index
            guard try input.u16le(at + 24) == part else { continue }
            let resource = try resource(at)
            // Of solid resources, only the first entry has a place in the file.
            guard try input.u8(at + 7) & 0x10 == 0 else { continue }
            guard resource.count == 0 || resource.start >= Self.header, input.fits(resource.start, resource.count)
            else {
                throw .broken("a resource lies past the end of the source")
            }
            end = max(end, resource.start + resource.count)
        }
    }

    /// True when every piece's SHA-1 holds; throws when one does not.
    private func holds(_ table: Int, _ size: Int, lookupEnd: Int) throws(WalkStop) -> Bool {
        let count = try input.u32le(table + 4)
        let piece = try input.u32le(table + 8)
        guard size >= 12, count > 0, count <= Self.mostPieces, size >= 12 + 20 * count, piece > 0,
            (lookupEnd - Self.header + piece - 1) / piece == count
        else { throw .broken("the integrity table is damaged") }
        for index in 0..<count {
            let start = Self.header + index * piece
            guard let digest = try input.digest(.sha1, of: [start..<min(start + piece, lookupEnd)]) else {
                return false
            }
            guard try input.matches(digest, at: table + 12 + 20 * index) else {
                throw .broken("a SHA-1 of the integrity table does not hold")
            }
        }
        return true
    }

    private mutating func describe(_ start: Int, _ count: Int) throws(WalkStop) {
        let raw = try input.bytes(at: start, count: min(count, 64 * 1024))
        // UTF-16; what matters in it is ASCII, and anything else becomes a question mark.
        let text = stride(from: 2, to: raw.count - 1, by: 2).map { raw[$0 + 1] == 0 ? raw[$0] : 0x3F }
        for (element, key) in [("DISPLAYNAME", "title"), ("NAME", "name"), ("EDITIONID", "edition")] {
            if let value = MetadataText.element(element, in: text) { file.note(key, text: value) }
        }
        if let build = MetadataText.element("BUILD", in: text) { file.note("build", text: build) }
    }
}
