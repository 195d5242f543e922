internal import EvidenceModel

/// OpenEXR pictures (OpenEXR File Layout, version 2): headers, a table of the chunks' places, and the chunks.
///
/// Each chunk states its size, and each place in the table must be where the chunk before it ends.
struct OpenEXRWalker: FormatWalker {
    let name = "exr"
    let signatures = [WalkerSignature([0x76, 0x2F, 0x31, 0x01, 2])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try OpenEXRWalk(reader).verdict() }
}

private struct OpenEXRWalk: FileWalk {
    static let mostParts = 256
    static let mostAttributes = 4096
    static let mostChunks = 1 << 22

    /// What the attributes of one part say about its chunks.
    private struct Part {
        var window: [Int] = []
        var compression = 0
        var tile: [Int] = []
        var mode = 0
        var chunks: Int?
    }

    let input: WalkInput
    var file = WalkedFile(length: 8, confidence: .structural, format: "exr", fileExtension: "exr", mime: "image/x-exr")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let flags = try input.u8(5)
        guard flags & 0xE1 == 0, try input.u16le(6) == 0 else { throw .rejected("flags of no known version") }
        let hasParts = flags & 0x10 != 0
        let isTiled = flags & 2 != 0
        var at = 8
        var parts: [Part] = []
        var goesOn = false
        repeat {
            guard parts.count < Self.mostParts else { throw .broken("more parts than any real file has") }
            parts.append(try header(&at))
            isRecognised = true
            file.length = at
            if hasParts { goesOn = try input.u8(at) != 0 }
        } while goesOn
        if hasParts { at += 1 }
        guard flags & 8 == 0 else { throw .broken("deep data are not followed") }
        var chunks = 0
        for part in parts {
            if let stated = part.chunks { chunks += stated } else { chunks += try Self.count(part, isTiled: isTiled) }
            guard chunks <= Self.mostChunks else { throw .broken("a table of impossible size") }
        }
        guard chunks > 0, chunks <= Self.mostChunks, input.fits(at, 8 * chunks) else {
            throw .broken("a table of impossible size")
        }
        let skip = (hasParts ? 4 : 0) + (isTiled && !hasParts ? 16 : 4)
        var places: [Int] = []
        for index in 0..<chunks { places.append(try input.length64le(at + 8 * index)) }
        var end = at + 8 * chunks
        file.length = end
        var last = end..<end
        for place in places.sorted() {
            guard place == end else { throw .broken("a chunk does not follow the one before it") }
            var head = skip
            if hasParts {
                let part = try input.u32le(place)
                guard part < parts.count else { throw .broken("a chunk of no part") }
                head = parts[part].tile.isEmpty ? 8 : 20
            }
            let size = try input.u32le(place + head)
            guard input.fits(place + head + 4, size) else { throw .broken("the source ends inside a chunk") }
            end = place + head + 4 + size
            last = place + head + 4..<end
            file.length = end
        }
        file.leaveUnchecked(last)
        if hasParts { file.note("parts", parts.count) }
    }

    private mutating func header(_ at: inout Int) throws(WalkStop) -> Part {
        var part = Part()
        for _ in 0..<Self.mostAttributes {
            let name = try text(&at)
            if name.isEmpty {
                guard part.window.count == 4 else { throw stop("a header without a data window") }
                return part
            }
            let type = try text(&at)
            let size = try input.u32le(at)
            at += 4
            guard !type.isEmpty, input.fits(at, size) else { throw stop("an impossible attribute") }
            try attribute(name, type, at, size, &part)
            at += size
        }
        throw stop("more attributes than any real file has")
    }

    private mutating func attribute(
        _ name: String, _ type: String, _ at: Int, _ size: Int, _ part: inout Part
    ) throws(WalkStop) {
        func signed(_ at: Int) throws(WalkStop) -> Int { Int(Int32(truncatingIfNeeded: try input.u32le(at))) }
        switch name {
        case "dataWindow" where size == 16:
            part.window = [try signed(at), try signed(at + 4), try signed(at + 8), try signed(at + 12)]
            let (width, height) = (part.window[2] - part.window[0] + 1, part.window[3] - part.window[1] + 1)
            guard width > 0, height > 0, width <= 1 << 24, height <= 1 << 24 else { throw stop("an impossible window") }
            file.note("width", width)
            file.note("height", height)
        case "compression" where size == 1:
            let names = ["none", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB"]
            part.compression = try input.u8(at)
            guard part.compression < names.count else { throw stop("a compression of no known kind") }
            file.facts["codec"] = .string(names[part.compression])
        case "tiles" where size == 9:
            part.tile = [try input.u32le(at), try input.u32le(at + 4)]
            part.mode = try input.u8(at + 8)
        case "chunkCount" where size == 4: part.chunks = try input.u32le(at)
        case "capDate" where type == "string": file.note("taken", text: try input.bytes(at: at, count: min(size, 64)))
        case "owner" where type == "string": file.note("artist", text: try input.bytes(at: at, count: min(size, 1024)))
        case "comments" where type == "string":
            file.note("comment", text: try input.bytes(at: at, count: min(size, 1024)))
        case "software" where type == "string":
            file.note("software", text: try input.bytes(at: at, count: min(size, 1024)))
        default: break
        }
    }

    /// Chunks of a part: blocks of lines, or the tiles of all its levels.
    private static func count(_ part: Part, isTiled: Bool) throws(WalkStop) -> Int {
        let (width, height) = (part.window[2] - part.window[0] + 1, part.window[3] - part.window[1] + 1)
        guard isTiled else {
            let lines = [1, 1, 1, 16, 32, 16, 32, 32, 32, 256][part.compression]
            return (height + lines - 1) / lines
        }
        guard part.tile.count == 2, part.tile[0] > 0, part.tile[1] > 0 else { throw .broken("tiles without a size") }
        func sides(_ side: Int) -> [Int] {
            var sides = [side]
            while let last = sides.last, last > 1, part.mode & 15 > 0 {
                sides.append(part.mode >> 4 == 1 ? (last + 1) / 2 : last / 2)
            }
            return sides
        }
        func tiles(_ side: Int, _ tile: Int) -> Int { (side + tile - 1) / tile }
        let (wide, high) = (sides(width), sides(height))
        if part.mode & 15 == 2 {
            return wide.reduce(0) { $0 + tiles($1, part.tile[0]) } * high.reduce(0) { $0 + tiles($1, part.tile[1]) }
        }
        return (0..<max(wide.count, high.count)).reduce(0) { sum, level in
            sum + tiles(level < wide.count ? wide[level] : 1, part.tile[0])
                * tiles(level < high.count ? high[level] : 1, part.tile[1])
        }
    }

    private func text(_ at: inout Int) throws(WalkStop) -> String {
        guard let end = try input.firstOffset(of: [0], from: at, to: at + 256) else {
            throw stop("a name without an end")
        }
        let bytes = try input.bytes(at: at, count: end - at)
        guard bytes.allSatisfy({ $0 >= 0x20 }) else { throw stop("a name with control characters") }
        at = end + 1
        return String(decoding: bytes, as: UTF8.self)
    }

    private func stop(_ reason: String) -> WalkStop { isRecognised ? .broken(reason) : .rejected(reason) }
}
