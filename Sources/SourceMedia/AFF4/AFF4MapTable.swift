internal import Synchronization

/// The entries of a map, in the order of its bytes (Standard v1.0, 4).
///
/// A map of a large disk has millions of entries. When they stand in order in the file, as writers leave them, they stay
/// there; only the first offset of each block of them is kept.
final class AFF4MapTable: Sendable {
    /// Bytes of an entry: offset (8), length (8), offset in the target (8), number of the target (4).
    static let entrySize = 28
    /// Entries that are read together.
    static let blockSize = 512
    /// Most blocks that are kept.
    static let mostBlocks = 64
    /// Most entries of a map whose entries are out of order: those are sorted in memory.
    static let mostSortedEntries = 1 << 20

    struct Entry: Hashable, Sendable {
        var start: Int
        var length: Int
        var targetOffset: Int
        let target: Int

        var end: Int { start + length }
    }

    /// Consecutive bytes of the map that have one origin.
    struct Piece: Hashable, Sendable {
        let range: Range<Int>
        /// Nil for a gap.
        let target: Int?
        /// Where ``range`` begins in the target.
        let targetOffset: Int
    }

    private enum Storage: Sendable {
        /// The offset of the first entry of each block.
        case inFile(AFF4Segment, anchors: [Int])
        case inMemory([Entry])
    }

    /// Bytes of the map: as declared, or as far as its entries go.
    let size: Int
    let count: Int
    /// What is wrong with the entries.
    let damage: [String]
    private let storage: Storage
    private let blocks = Mutex(AFF4Recent<[Entry]>(limit: mostBlocks))

    /// - Parameter declared: bytes of the map as its description says; nil when it does not.
    /// - Throws: ``SourceError`` with code `damaged` or `unsupported`.
    init(_ segment: AFF4Segment, declared: Int?, urn: String) throws(SourceError) {
        count = segment.size / Self.entrySize
        var scan = Scan()
        let isRead = segment.forEachPiece(of: Self.entrySize) { scan.take($0) }
        guard isRead else {
            throw SourceError(
                .damaged, "The map \(AFF4Text.shown(urn)) cannot be read. Copy the image again from its source.")
        }
        var damage: [String] = []
        if segment.size % Self.entrySize != 0 {
            damage.append("the map \(AFF4Text.shown(urn)) ends within an entry")
        }
        let end: Int
        if scan.isOrdered {
            storage = .inFile(segment, anchors: scan.anchors)
            end = scan.end
        } else {
            guard count <= Self.mostSortedEntries else {
                throw SourceError(
                    .unsupported,
                    "The map \(AFF4Text.shown(urn)) has \(count) entries out of order; at most \(Self.mostSortedEntries) can be "
                        + "put in order. Nothing was taken in.")
            }
            var sorter = Sorter()
            _ = segment.forEachPiece(of: Self.entrySize) { sorter.take($0) }
            let entries = sorter.flattened()
            damage += sorter.problems.map { "the map \(AFF4Text.shown(urn)): \($0)" }
            storage = .inMemory(entries)
            end = entries.last?.end ?? 0
        }
        if let declared, end > declared {
            damage.append(
                "the map \(AFF4Text.shown(urn)) has \(declared) bytes, but its entries go on to byte \(end)")
        }
        size = declared ?? end
        self.damage = damage
    }

    /// The piece that holds a byte.
    ///
    /// - Precondition: `position` is less than ``size``.
    func piece(at position: Int) throws(SourceError) -> Piece {
        switch storage {
        case .inMemory(let entries): return Self.piece(at: position, in: entries, next: size, before: size)
        case .inFile(let segment, let anchors):
            guard let first = anchors.first, position >= first else {
                return Piece(range: 0..<min(size, anchors.first ?? size), target: nil, targetOffset: 0)
            }
            var low = 0
            var high = anchors.count
            while high - low > 1 {
                let middle = (low + high) / 2
                if anchors[middle] <= position { low = middle } else { high = middle }
            }
            let next = low + 1 < anchors.count ? anchors[low + 1] : size
            return Self.piece(at: position, in: try block(low, of: segment), next: next, before: size)
        }
    }

    /// - Parameters:
    ///   - next: where the entries after these begin.
    ///   - size: where the map ends.
    private static func piece(at position: Int, in entries: [Entry], next: Int, before size: Int) -> Piece {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].start <= position { low = middle + 1 } else { high = middle }
        }
        let gapEnd = min(size, low < entries.count ? entries[low].start : next)
        guard low > 0 else { return Piece(range: 0..<gapEnd, target: nil, targetOffset: 0) }
        let entry = entries[low - 1]
        if position < entry.end {
            return Piece(
                range: entry.start..<min(size, entry.end), target: entry.target, targetOffset: entry.targetOffset)
        }
        // What fills a gap has the offsets of the map.
        return Piece(range: entry.end..<max(position + 1, gapEnd), target: nil, targetOffset: entry.end)
    }

    private func block(_ number: Int, of segment: AFF4Segment) throws(SourceError) -> [Entry] {
        if let known = blocks.withLock({ $0[number] }) { return known }
        let first = number * Self.blockSize
        let length = min(Self.blockSize, count - first) * Self.entrySize
        guard let bytes = segment.bytes(at: first * Self.entrySize, count: length) else {
            throw SourceError(
                .unreadable, "Entries of the map can no longer be read. Check the medium that holds the image.")
        }
        // They were valid when the map was opened; a file that changes meanwhile must not do harm.
        let entries = Self.raw(bytes).compactMap(Self.valid)
        blocks.withLock { $0[number] = entries }
        return entries
    }

    // MARK: Entries

    private struct Raw {
        let start: UInt64
        let length: UInt64
        let targetOffset: UInt64
        let target: Int
    }

    private static func raw(_ bytes: [UInt8]) -> [Raw] {
        stride(from: 0, to: bytes.count - bytes.count % entrySize, by: entrySize).map {
            Raw(
                start: bytes.littleEndian64(at: $0), length: bytes.littleEndian64(at: $0 + 8),
                targetOffset: bytes.littleEndian64(at: $0 + 16), target: bytes.littleEndian32(at: $0 + 24))
        }
    }

    /// Nil for an entry of no bytes, or with ends that cannot be.
    private static func valid(_ raw: Raw) -> Entry? {
        let most = UInt64(AFF4ImageStream.largestStream)
        guard raw.length > 0, raw.start <= most, raw.length <= most - raw.start, raw.targetOffset <= most,
            raw.length <= most - raw.targetOffset
        else { return nil }
        return Entry(
            start: Int(raw.start), length: Int(raw.length), targetOffset: Int(raw.targetOffset), target: raw.target)
    }

    /// Finds out whether entries can stay in the file.
    private struct Scan {
        var anchors: [Int] = []
        var isOrdered = true
        var end = 0
        private var index = 0

        mutating func take(_ bytes: [UInt8]) {
            for raw in AFF4MapTable.raw(bytes) {
                guard let entry = AFF4MapTable.valid(raw), index == 0 || entry.start >= end else {
                    isOrdered = false
                    return
                }
                if index % AFF4MapTable.blockSize == 0 { anchors.append(entry.start) }
                end = entry.end
                index += 1
            }
        }
    }

    /// Puts entries in order, each byte in one of them.
    private struct Sorter {
        private(set) var problems: [String] = []
        private var entries: [Entry] = []
        private var invalid = 0

        mutating func take(_ bytes: [UInt8]) {
            for raw in AFF4MapTable.raw(bytes) where raw.length > 0 {
                if let entry = AFF4MapTable.valid(raw) { entries.append(entry) } else { invalid += 1 }
            }
        }

        /// Where two entries disagree, the one that begins first counts, and it is said.
        mutating func flattened() -> [Entry] {
            let sorted = entries.enumerated().sorted { ($0.element.start, $0.offset) < ($1.element.start, $1.offset) }
            var flat: [Entry] = []
            var overlaps = 0
            var firstOverlap = 0
            for (_, entry) in sorted {
                var entry = entry
                if let last = flat.last, entry.start < last.end {
                    let agrees =
                        entry.target == last.target
                        && entry.targetOffset - entry.start == last.targetOffset - last.start
                    if !agrees {
                        if overlaps == 0 { firstOverlap = entry.start }
                        overlaps += 1
                    }
                    guard entry.end > last.end else { continue }
                    let cut = last.end - entry.start
                    entry = Entry(
                        start: entry.start + cut, length: entry.length - cut, targetOffset: entry.targetOffset + cut,
                        target: entry.target)
                }
                flat.append(entry)
            }
            if invalid > 0 { problems.append("\(invalid) of its entries have offsets that cannot be") }
            if overlaps > 0 {
                problems.append("\(overlaps) of its entries contradict others, the first one at byte \(firstOverlap)")
            }
            return flat
        }
    }
}

extension AFF4MapTable {
    /// Bytes that the table holds in memory.
    var heldBytes: Int {
        switch storage {
        case .inFile(let segment, let anchors): segment.heldBytes + anchors.count * MemoryLayout<Int>.stride
        case .inMemory(let entries): entries.count * MemoryLayout<Entry>.stride
        }
    }
}

extension AFF4Segment {
    /// Gives its bytes in pieces of whole units, in order; false when they cannot all be read. The last one may be less.
    func forEachPiece(of unit: Int, _ body: ([UInt8]) -> Void) -> Bool {
        var at = 0
        while at < size {
            guard let piece = bytes(at: at, count: min(8192 * unit, size - at)) else { return false }
            body(piece)
            at += piece.count
        }
        return true
    }
}
