import Casework
import EvidenceModel
import SourceMedia

/// What was taken in and what was found, for the end of a command.
enum Summary {
    /// Most unreadable ranges that are shown one by one.
    static let mostRanges = 20

    static func value(_ manifest: EvidenceManifest) -> CanonicalValue {
        [
            "item": .string(manifest.item.id), "kind": .string(manifest.kind.rawValue),
            "media_size": .size(manifest.mediaSize),
            "digests": .object(
                Dictionary(
                    uniqueKeysWithValues: manifest.digests.map {
                        ($0.algorithm.rawValue.replacing("-", with: "_"), .string($0.hex))
                    })),
            "stored": .array(
                manifest.stored.map {
                    [
                        "alg": .string($0.digest.algorithm.rawValue), "hex": .string($0.digest.hex),
                        "match": .bool(!manifest.mismatches.contains($0)),
                    ]
                }),
            "properties": .object(
                Dictionary(
                    manifest.properties.map { ($0.name, .string($0.value)) }, uniquingKeysWith: { first, _ in first })),
            "damage": .array(manifest.damage.map { .string($0) }), "sound": .bool(manifest.isSound),
            "known": manifest.known.map { value($0) } ?? .null,
            "blocks_root": .string(manifest.blocks.root.hex), "unreadable": .integer(manifest.unreadable.count),
            "warnings": .array(manifest.warnings.map { .string($0) }),
        ]
    }

    static func value(_ known: EvidenceManifest.Known) -> CanonicalValue {
        [
            "list": .string(known.list), "list_sha256": .string(known.listSHA256.hex), "holds": .bool(known.holds),
            "counts": .object(known.counts.mapValues { .integer($0) }),
            "digests": .array(
                known.digests.map {
                    [
                        "alg": .string($0.digest.algorithm.rawValue), "hex": .string($0.digest.hex),
                        "result": .string($0.result),
                    ]
                }),
        ]
    }

    static func text(_ manifest: EvidenceManifest) -> String {
        var table = Table([
            "Item \(manifest.item.id)", "\(manifest.kind.rawValue), \(SizeText.text(manifest.mediaSize))",
        ])
        for digest in manifest.digests { table.add([digest.algorithm.displayName, digest.hex]) }
        for stored in manifest.stored {
            let verdict = manifest.mismatches.contains(stored) ? "NOT the medium's" : "as the container says"
            table.add([stored.digest.algorithm.displayName + " stored", verdict])
        }
        for property in manifest.properties {
            table.add([property.name.replacing("_", with: " "), property.value.replacing("\n", with: " ")])
        }
        var lines = [table.text]
        if let known = manifest.known {
            lines.append(
                (known.holds ? "" : "NOT as known: ") + known.sentence + (known.holds ? "" : "; see known.jsonl"))
        }
        lines += manifest.damage.map { "Damaged: \($0)" }
        if !manifest.unreadable.isEmpty {
            let bytes = manifest.unreadable.reduce(0) { $0 + $1.extent.length }
            lines.append(
                "\(manifest.unreadable.count) ranges (\(bytes) bytes) could not be read; what stands in their place counts:"
            )
            for range in manifest.unreadable.prefix(mostRanges) {
                lines.append("  bytes \(range.extent.offset) to \(range.extent.end - 1): \(range.error)")
            }
            let more = manifest.unreadable.count - mostRanges
            if more > 0 { lines.append("  and \(more) more, listed in the manifest") }
        }
        lines += manifest.warnings.map { "Warning: \($0)" }
        return lines.joined(separator: "\n")
    }

    static func value(_ artifacts: [Artifact]) -> CanonicalValue {
        .object(Dictionary(grouping: artifacts, by: \.confidence.rawValue).mapValues { .integer($0.count) })
    }

    /// The fields of a run that go with its finds.
    static func value(_ artifacts: [Artifact], _ record: CarvingRecord?) -> CanonicalValue {
        guard case .object(var fields) = value(artifacts), case .object(let further)? = record?.canonical else {
            return value(artifacts)
        }
        fields.merge(further) { first, _ in first }
        return .object(fields)
    }

    /// What a run found, how often it asked libmagic, and what became of the rest of the medium.
    static func text(_ artifacts: [Artifact], _ record: CarvingRecord?) -> String {
        var lines = [text(artifacts)]
        let embedded = artifacts.count { $0.origin == .embedded }
        if embedded > 0 { lines.append("Of these in other finds: \(embedded)") }
        if let coverage = record?.coverage { lines.append(CoverageText.line(coverage)) }
        if let calls = record?.libmagicCalls { lines.append("Calls of libmagic: \(calls)") }
        if let hit = record?.limitsHit, !hit.isEmpty {
            let list = hit.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }
            lines.append("Limits that left something out, and how often: \(list.joined(separator: ", "))")
        }
        return lines.joined(separator: "\n")
    }

    /// A table of artifacts by format and confidence.
    static func text(_ artifacts: [Artifact]) -> String {
        guard !artifacts.isEmpty else { return "No artifact was found." }
        let columns = Confidence.allCases
        var table = Table(
            ["Format", "Total"] + columns.map(\.rawValue) + ["Bytes"], numeric: Set(1...(columns.count + 2)))
        for (format, found) in Dictionary(grouping: artifacts, by: \.format).sorted(by: { $0.key < $1.key }) {
            table.add(row(format, found, columns))
        }
        table.add(row("all", artifacts, columns))
        return table.text
    }

    private static func row(_ name: String, _ found: [Artifact], _ columns: [Confidence]) -> [String] {
        let counts = columns.map { confidence in found.count(where: { $0.confidence == confidence }) }
        let bytes = found.reduce(0) { $0 + $1.size }
        return [name, String(found.count)] + counts.map { $0 == 0 ? "-" : String($0) } + [SizeText.text(bytes)]
    }
}
