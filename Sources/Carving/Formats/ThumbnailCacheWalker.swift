internal import EvidenceModel

/// Windows' cache of thumbnails (`thumbcache_*.db`, Vista to 11): entries one behind the other, each with its lengths.
///
/// The pictures in it are those of files that were looked at, also of files that are gone. The cache grows in steps, and
/// nothing states how far: it is taken to end with its last entry.
struct ThumbnailCacheWalker: FormatWalker {
    let name = "thumbcache"
    let signatures = ThumbnailCache.versions.map { WalkerSignature(ThumbnailCache.signature + [$0, 0, 0, 0]) }

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try ThumbnailCacheWalk(reader).verdict() }

    /// A known kind of cache.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 12 else { return true }
        return head[8] < 32 && head[9] | head[10] | head[11] == 0
    }
}

private struct ThumbnailCacheWalk: FileWalk {
    static let mostEntries = 1 << 20

    let input: WalkInput
    var file = WalkedFile(
        length: 24, confidence: .header, format: "thumbcache", fileExtension: "db", mime: "application/x-ms-thumbcache")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        guard try input.u32le(8) < 32, let first = try ThumbnailCache.firstEntry(input) else {
            throw .rejected("no entry behind the header")
        }
        let version = try input.u8(4)
        var at = first
        var entries = 0
        var pictures = 0
        while entries < Self.mostEntries, let entry = try ThumbnailCache.Entry(input, at: at) {
            guard input.fits(at, entry.length) else {
                guard isRecognised else { throw .rejected("an entry that reaches past the end") }
                throw .broken("the source ends inside an entry")
            }
            isRecognised = true
            entries += 1
            if !entry.data.isEmpty { pictures += 1 }
            at += entry.length
            file.length = at
        }
        guard entries > 0 else { throw .rejected("no entry behind the header") }
        let systems: [Int: String] = [20: "Windows Vista", 21: "Windows 7", 32: "Windows 10"]
        file.facts["made_for"] = .string(systems[version] ?? "Windows 8")
        file.note("cache_kind", try input.u32le(8))
        file.note("entries", entries)
        file.note("pictures", pictures)
        file.warnings.append("the cache states no length: ended behind its last entry")
    }
}

/// The structure of a cache of thumbnails.
enum ThumbnailCache {
    static let signature: [UInt8] = [0x43, 0x4D, 0x4D, 0x4D]
    /// Vista, 7, then those of 8, 8.1 and 10.
    static let versions: [UInt8] = [20, 21, 26, 28, 30, 31, 32]

    /// Where the first entry begins.
    static func firstEntry(_ input: WalkInput) throws(WalkStop) -> Int? {
        // The header is of one of three lengths; it states where the first entry is at a place that differs as well.
        for at in [24, 28, 32] where try Entry(input, at: at) != nil { return at }
        return nil
    }

    struct Entry {
        var length: Int
        var name: [UInt8]
        var data: Range<Int>

        /// Nil when no entry stands there: its lengths must add up.
        init?(_ input: WalkInput, at: Int) throws(WalkStop) {
            guard input.fits(at, 48), try input.matches(signature, at: at) else { return nil }
            let length = try input.u32le(at + 4)
            // Places of the three lengths, and the bytes before the name: Windows 7, Vista, and since Windows 8.
            for (lengths, header) in [(16, 48), (24, 56), (16, 56)] where input.fits(at, header) {
                let name = try input.u32le(at + lengths)
                let padding = try input.u32le(at + lengths + 4)
                let data = try input.u32le(at + lengths + 8)
                guard header + name + padding + data == length, name <= 1024, name % 2 == 0, padding <= 4096 else {
                    continue
                }
                guard input.fits(at + header, name) else { return nil }
                let start = at + header + name + padding
                self.length = length
                self.name = try input.bytes(at: at + header, count: name)
                self.data = start..<start + data
                return
            }
            return nil
        }
    }
}

/// The pictures in a cache of thumbnails, named by the identifier that the cache's index knows them by.
struct ThumbnailCacheParts {
    private let input: WalkInput

    init(_ input: WalkInput) { self.input = input }

    func list(into list: inout PartList) throws(WalkStop) {
        guard var at = try ThumbnailCache.firstEntry(input) else { return }
        while let entry = try ThumbnailCache.Entry(input, at: at), input.fits(at, entry.length) {
            if !entry.data.isEmpty {
                let name = EvidenceText.cleanUTF16(entry.name, bigEndian: false) ?? ""
                list.add(EmbeddedPart(PartPath.escapedName(name.utf8), [entry.data]))
            }
            at += entry.length
        }
    }
}
