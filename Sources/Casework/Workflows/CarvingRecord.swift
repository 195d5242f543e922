import ArtifactCatalog
import Carving
public import EvidenceModel

/// What the catalogue keeps of the run that catalogued an item, beside the finds.
public struct CarvingRecord: Hashable, Sendable {
    /// Counts of what was done, by name; empty when an earlier version made the catalogue.
    public let statistics: [String: Int]
    /// What became of every byte of the medium; nil when an earlier version made the catalogue.
    public let coverage: CoverageStatement?
    /// Names of the limits that decided something, each with how often.
    public let limitsHit: [String: Int]

    /// Times that libmagic was given bytes to name; nil when an earlier version made the catalogue.
    public var libmagicCalls: Int? { statistics["libmagic_calls"] }

    init(_ result: CarveResult, _ coverage: CoverageStatement) {
        let statistics = result.statistics
        self.statistics = [
            "candidates": statistics.candidates, "covered": statistics.covered, "examined": statistics.examined,
            "rejected": statistics.rejected, "libmagic_confirmations": statistics.confirmationCalls,
            "libmagic_descriptions": statistics.descriptionCalls, "libmagic_calls": statistics.libmagicCalls,
            "bytes_hashed": statistics.bytesHashed, "embedded": statistics.embedded,
            "gap_bytes_searched": statistics.gapBytesSearched,
        ]
        self.coverage = coverage
        limitsHit = result.limitsHit
    }

    /// Reads it from the provenance of a run.
    ///
    /// - Throws: `damaged` when a part of it is there and is not what this version writes.
    init(_ provenance: CanonicalValue, of item: String) throws(CatalogError) {
        statistics = try Self.counts(provenance["statistics"], of: item)
        limitsHit = try Self.counts(provenance["limits_hit"], of: item)
        var coverage: CoverageStatement?
        if let value = provenance["coverage"] {
            coverage = CoverageStatement(value)
            if coverage == nil { throw Self.damaged(item) }
        }
        self.coverage = coverage
    }

    private static func counts(_ value: CanonicalValue?, of item: String) throws(CatalogError) -> [String: Int] {
        guard case .object(let fields)? = value else { return [:] }
        var counts: [String: Int] = [:]
        for (name, value) in fields {
            guard let count = value.size, count >= 0 else { throw damaged(item) }
            counts[name] = count
        }
        return counts
    }

    /// The fields that it adds to a run's provenance.
    public var canonical: CanonicalValue {
        .object(compacting: [
            "statistics": .object(statistics.mapValues { .size($0) }), "coverage": coverage?.canonical,
            "limits_hit": .object(limitsHit.mapValues { .size($0) }),
        ])
    }

    private static func damaged(_ item: String) -> CatalogError {
        CatalogError(
            .damaged,
            "The catalogue's record of the run on \(item) is damaged. Make it again with `exhibit carve --item \(item)`."
        )
    }
}

extension CatalogReading {
    /// What the catalogue keeps of the run on an item; nil when the item was not carved.
    ///
    /// - Throws: errors of the catalogue.
    public static func record(of item: String, in folder: CaseFolder) throws -> CarvingRecord? {
        guard let provenance = try store(of: folder).run(of: item) else { return nil }
        return try CarvingRecord(provenance, of: item)
    }

    /// The items that were carved, in order, with what the catalogue keeps of each run.
    ///
    /// - Throws: errors of the catalogue.
    public static func records(in folder: CaseFolder) throws -> [(item: String, record: CarvingRecord)] {
        let store = try store(of: folder)
        return try store.runs().map { item, provenance in (item, try CarvingRecord(provenance, of: item)) }
    }
}
