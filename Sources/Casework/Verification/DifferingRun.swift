public import EvidenceModel
import SourceMedia

/// Neighbouring blocks of a medium that are not what they were.
///
/// A block's digest tells that something within the block differs, not which of its sectors: so the sectors are all
/// those that the blocks hold.
public struct DifferingRun: Hashable, Sendable {
    /// Numbers of the first and the last block, counted from 0.
    public let blocks: ClosedRange<Int>
    /// The bytes of the medium that the blocks hold.
    public let bytes: Extent
    /// Numbers of the first and the last sector, counted from 0; nil where there are no sectors, as in a folder.
    public let sectors: ClosedRange<Int>?

    /// - Parameter blocks: numbers of the blocks; not empty.
    init(blocks: Range<Int>, in manifest: EvidenceManifest) {
        let from = blocks.lowerBound * manifest.blocks.size
        let to = min(blocks.upperBound * manifest.blocks.size, manifest.mediaSize)
        self.blocks = blocks.lowerBound...blocks.upperBound - 1
        bytes = Extent(offset: from, length: to - from)
        sectors = SectorNumbers.covering(bytes, of: manifest)
    }

    /// For example "bytes 2097152 to 3145727 (block 2, sectors 4096 to 6143)".
    public var text: String {
        var places = [SectorNumbers.text("block", blocks)]
        if let sectors { places.append(SectorNumbers.text("sector", sectors)) }
        return "bytes \(bytes.offset) to \(bytes.end - 1) (\(places.joined(separator: ", ")))"
    }

    /// The same for programs.
    public var canonical: CanonicalValue {
        .object(compacting: [
            "first_block": .integer(blocks.lowerBound), "last_block": .integer(blocks.upperBound),
            "offset": .size(bytes.offset), "length": .size(bytes.length),
            "first_sector": sectors.map { .size($0.lowerBound) }, "last_sector": sectors.map { .size($0.upperBound) },
        ])
    }
}

/// Sector numbers of places on a medium.
enum SectorNumbers {
    /// The sectors that hold at least one of the bytes; nil where the medium has no sectors or there are no bytes.
    static func covering(_ bytes: Extent, of manifest: EvidenceManifest) -> ClosedRange<Int>? {
        guard manifest.kind != .folder, manifest.sectorSize > 0, bytes.length > 0 else { return nil }
        return bytes.offset / manifest.sectorSize...(bytes.end - 1) / manifest.sectorSize
    }

    /// For example "sector 7" or "sectors 7 to 9".
    static func text(_ noun: String, _ range: ClosedRange<Int>) -> String {
        range.count == 1 ? "\(noun) \(range.lowerBound)" : "\(noun)s \(range.lowerBound) to \(range.upperBound)"
    }
}
