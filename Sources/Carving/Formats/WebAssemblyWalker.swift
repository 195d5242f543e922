internal import EvidenceModel

/// WebAssembly modules, version 1 (WebAssembly Core Specification 2.0, 5.5): sections that state their sizes.
///
/// Nothing states where the last section stands; the order of the sections and what some say of others must agree.
struct WebAssemblyWalker: FormatWalker {
    let name = "wasm"
    let signatures = [WalkerSignature([0x00, 0x61, 0x73, 0x6D, 1, 0, 0, 0])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try WebAssemblyWalk(reader).verdict() }
}

private struct WebAssemblyWalk: FileWalk {
    /// Sections in the order in which they stand; 0, custom sections, may stand anywhere.
    static let order = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]

    let input: WalkInput
    var file = WalkedFile(
        length: 8, confidence: .header, format: "wasm", fileExtension: "wasm", mime: "application/wasm")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var at = 8
        var rank = -1
        var counts: [Int: Int] = [:]
        var sections = 0
        while input.fits(at, 2) {
            let type = try input.u8(at)
            var body = at + 1
            guard type == 0 || Self.order.firstIndex(of: type) ?? -1 > rank, let size = try number(&body) else { break }
            // Where a section would begin, another file may: its bytes need not be one.
            guard size > 0, input.fits(body, size) else { break }
            var content = body
            guard let first = try number(&content), content <= body + size else { break }
            if type == 0 {
                guard first > 0, first <= body + size - content,
                    let name = String(validating: try input.bytes(at: content, count: min(first, 256)), as: UTF8.self)
                else { break }
                if name == "sourceMappingURL" || name == "external_debug_info" {
                    file.note(
                        "debug_file", text: try input.bytes(at: content + first, count: min(size - first - 1, 512)))
                }
            } else {
                counts[type] = first
                rank = Self.order.firstIndex(of: type) ?? rank
            }
            at = body + size
            sections += 1
            file.length = at
            isRecognised = isRecognised || sections >= 2
        }
        guard sections > 0, counts[1] != nil || counts[10] != nil || counts[5] != nil else {
            throw .rejected("no sections of a module")
        }
        isRecognised = true
        guard counts[3] ?? 0 == counts[10] ?? 0 else { throw .broken("the code of some functions is missing") }
        guard counts[12] == nil || counts[12] == counts[11] ?? 0 else { throw .broken("data are missing") }
        file.warnings.append("the format has no end mark: the file ends where no section follows")
        file.note("sections", sections)
        file.note("functions", counts[10] ?? 0)
        file.note("imports", counts[2] ?? 0)
        file.note("exports", counts[7] ?? 0)
    }

    /// An unsigned number of at most five bytes (LEB128); nil when it is longer.
    private func number(_ at: inout Int) throws(WalkStop) -> Int? {
        var value = 0
        for index in 0..<5 {
            guard input.fits(at, 1) else { return nil }
            let byte = try input.u8(at)
            at += 1
            value |= (byte & 0x7F) << (7 * index)
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }
}
