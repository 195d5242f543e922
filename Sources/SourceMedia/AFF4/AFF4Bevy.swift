import EvidenceModel

/// A segment of an image stream: its chunks, where they begin, and their hashes.
struct AFF4Bevy: Sendable {
    /// Bytes of an entry of the index: offset (8), length (4).
    static let entrySize = 12

    let number: Int
    let data: AFF4Segment
    let index: AFF4Segment
    let hashes: AFF4BlockHashes

    /// Bytes of it that are held in memory: of members that were deflated.
    var heldBytes: Int { hashes.lists.reduce(data.heldBytes + index.heldBytes) { $0 + $1.segment.heldBytes } }

    /// What opening came to.
    enum Opened: Sendable {
        case bevy(AFF4Bevy)
        case lost(String)
    }

    /// Opens a bevy, and checks what can be checked of it at once.
    ///
    /// - Parameters:
    ///   - chunkCount: chunks that it must have.
    ///   - notes: takes damage that loses no bytes by itself.
    static func open(
        _ number: Int, of urn: String, chunkCount: Int, in set: AFF4Set, home: AFF4Volume, notes: AFF4Notes
    ) throws(SourceError) -> Opened {
        let name = urn + "/" + Self.name(number)
        let data: AFF4Segment
        let index: AFF4Segment
        switch try set.segment(name, home: home) {
        case .missing: return .lost("segment \(number) is missing")
        case .damaged(let problem): return .lost("segment \(number): \(problem)")
        case .found(let segment): data = segment
        }
        switch try set.segment(name + ".index", home: home) {
        case .missing: return .lost("the index of segment \(number) is missing")
        case .damaged(let problem): return .lost("the index of segment \(number): \(problem)")
        case .found(let segment): index = segment
        }
        if !index.checksumHolds {
            notes.add("the checksum of the index of segment \(number) of \(AFF4Text.shown(urn)) does not hold")
        }
        var lists: [AFF4BlockHashes.List] = []
        for algorithm in AFF4Digests.blockHashNames {
            for ending in [".blockHash." + algorithm, "." + algorithm] {
                guard case .found(let segment) = try set.segment(name + ending, home: home),
                    let kind = AFF4Digests.algorithm(algorithm)
                else { continue }
                if !segment.checksumHolds {
                    notes.add(
                        "the checksum of the \(kind.displayName) block hashes of segment \(number) of "
                            + "\(AFF4Text.shown(urn)) does not hold")
                }
                lists.append(AFF4BlockHashes.List(algorithm: kind, segment: segment))
                break
            }
        }
        let hashes = AFF4BlockHashes(lists: lists)
        // Without a hash for each chunk the checksum of the member is all that guards its bytes.
        if !hashes.covers(chunkCount), !data.checksumHolds {
            notes.add(
                "the checksum of segment \(number) of \(AFF4Text.shown(urn)) does not hold: some of its \(chunkCount) chunks "
                    + "are not what was stored")
        }
        return .bevy(AFF4Bevy(number: number, data: data, index: index, hashes: hashes))
    }

    /// The number of a bevy as names have it: decimal, at least eight digits.
    static func name(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    /// Where a chunk lies in ``data``; nil when the index does not list it.
    func place(of chunk: Int) -> (offset: Int, length: Int)? {
        guard let entry = index.bytes(at: chunk * Self.entrySize, count: Self.entrySize) else { return nil }
        let offset = entry.littleEndian64(at: 0)
        guard offset <= UInt64(Int.max / 4) else { return (Int.max / 4, entry.littleEndian32(at: 8)) }
        return (Int(offset), entry.littleEndian32(at: 8))
    }
}
