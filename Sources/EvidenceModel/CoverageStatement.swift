/// What became of every byte of a medium: each belongs to one class, and the classes add up to its size.
///
/// `Documentation/Formats/coverage.md` says what each class means and what it does not.
public struct CoverageStatement: Hashable, Sendable {
    /// What a byte can be; the first that fits, in this order.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        /// Could not be read.
        case unreadable
        /// Part of a find with this confidence.
        case carvedProven = "carved_proven"
        case carvedStructural = "carved_structural"
        case carvedHeader = "carved_header"
        case carvedBroken = "carved_broken"
        /// In a block of nothing but 00.
        case zero
        /// In a block of nothing but one other value.
        case filled
        /// In a block that reads as text.
        case text
        /// In a block with nearly as many byte values as chance gives.
        case highEntropy = "high_entropy"
        /// None of these.
        case unexplained

        /// The class of what belongs to a find.
        public init(_ confidence: Confidence) {
            self =
                switch confidence {
                case .proven: .carvedProven
                case .structural: .carvedStructural
                case .header: .carvedHeader
                case .broken: .carvedBroken
                }
        }
    }

    /// Bytes of a block.
    public static let blockSize = 512
    /// Most runs that are listed of a class: the limit `coverage_listed_runs`.
    public static let mostListedRuns = 50
    /// Bytes from which a run is called large: `coverage_large_run`.
    public static let largeRun = 1 << 20
    /// The classes whose largest runs are listed.
    public static let listedKinds: [Kind] = [.highEntropy, .unexplained]

    /// Bytes of the medium.
    public let size: Int
    /// Bytes of each class; a class without any is absent.
    public let bytes: [Kind: Int]
    /// Runs of neighbouring bytes of each class.
    public let runs: [Kind: Int]
    /// Runs of at least ``largeRun`` bytes, of the ``listedKinds``.
    public let large: [Kind: Int]
    /// The largest runs of the ``listedKinds``, the largest first.
    public let largest: [Kind: [Extent]]
    /// Bytes that were read once more to tell their class.
    public let readAgain: Int

    /// Creates the value from its parts.
    ///
    /// - Precondition: the bytes of the classes add up to the size.
    public init(
        size: Int, bytes: [Kind: Int], runs: [Kind: Int], large: [Kind: Int], largest: [Kind: [Extent]], readAgain: Int
    ) {
        precondition(Self.sum(bytes) == size, "every byte of the medium belongs to one class")
        self.size = size
        self.bytes = bytes
        self.runs = runs
        self.large = large
        self.largest = largest
        self.readAgain = readAgain
    }

    /// Bytes of a class.
    public func bytes(of kind: Kind) -> Int { bytes[kind] ?? 0 }

    /// Bytes that belong to finds, of whatever confidence.
    public var carved: Int { Confidence.allCases.reduce(0) { $0 + bytes(of: Kind($1)) } }

    /// The statement as it stands in the catalogue.
    public var canonical: CanonicalValue {
        .object([
            "size": .size(size), "block": .integer(Self.blockSize), "read_again": .size(readAgain),
            "bytes": Self.counts(bytes, of: Kind.allCases), "runs": Self.counts(runs, of: Kind.allCases),
            "large": Self.counts(large, of: Self.listedKinds),
            "largest": .object(
                Dictionary(
                    uniqueKeysWithValues: Self.listedKinds.map { kind in
                        (
                            kind.rawValue,
                            .array(
                                (largest[kind] ?? []).map { ["offset": .size($0.offset), "length": .size($0.length)] })
                        )
                    })),
        ])
    }

    /// Reads a statement from a catalogue; nil when it is not what ``canonical`` writes.
    public init?(_ value: CanonicalValue) {
        guard let size = value["size"]?.size, size >= 0, value["block"]?.integer == Self.blockSize,
            let readAgain = value["read_again"]?.size, readAgain >= 0,
            let bytes = Self.counts(value["bytes"], of: Kind.allCases),
            let runs = Self.counts(value["runs"], of: Kind.allCases),
            let large = Self.counts(value["large"], of: Self.listedKinds), Self.sum(bytes) == size
        else { return nil }
        var largest: [Kind: [Extent]] = [:]
        for kind in Self.listedKinds {
            guard let listed = value["largest"]?[kind.rawValue]?.array, listed.count <= Self.mostListedRuns else {
                return nil
            }
            for run in listed {
                guard let offset = run["offset"]?.size, let length = run["length"]?.size, (0...size).contains(offset),
                    length > 0, length <= size - offset
                else { return nil }
                largest[kind, default: []].append(Extent(offset: offset, length: length))
            }
        }
        self.init(size: size, bytes: bytes, runs: runs, large: large, largest: largest, readAgain: readAgain)
    }

    /// Nil when it does not fit: then it is not the size of anything.
    private static func sum(_ bytes: [Kind: Int]) -> Int? {
        var sum = 0
        for count in bytes.values {
            let (next, overflow) = sum.addingReportingOverflow(count)
            if overflow { return nil }
            sum = next
        }
        return sum
    }

    private static func counts(_ counts: [Kind: Int], of kinds: [Kind]) -> CanonicalValue {
        .object(Dictionary(uniqueKeysWithValues: kinds.map { ($0.rawValue, .size(counts[$0] ?? 0)) }))
    }

    private static func counts(_ value: CanonicalValue?, of kinds: [Kind]) -> [Kind: Int]? {
        var counts: [Kind: Int] = [:]
        for kind in kinds {
            guard let count = value?[kind.rawValue]?.size, count >= 0 else { return nil }
            if count > 0 { counts[kind] = count }
        }
        return counts
    }
}
