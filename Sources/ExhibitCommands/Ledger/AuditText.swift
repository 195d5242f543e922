import CustodyLedger
import EvidenceModel

/// An audit for people and programs.
enum AuditText {
    static func text(_ report: AuditReport) -> String { report.lines.joined(separator: "\n") }

    static func value(_ report: AuditReport) -> CanonicalValue {
        .object(compacting: [
            "verified": .bool(report.isClean), "origin": report.origin.map { .string($0) },
            "entries": .integer(report.entryCount), "root": report.root.map { .string($0.hex) },
            "trial": .bool(report.isTrial),
            "findings": .array(
                report.findings.map {
                    .object(compacting: [
                        "severity": .string($0.severity.rawValue), "entry": $0.entry.map { .integer($0) },
                        "problem": .string($0.problem), "meaning": .string($0.meaning),
                    ])
                }),
            "newest_checkpoint": report.newestCheckpoint.map(head), "newest_anchor": report.newestAnchor.map(head),
            "not_checked": .array(report.couldNotCheck.map { .string($0) }),
        ])
    }

    private static func head(_ head: AuditedHead) -> CanonicalValue {
        .object(compacting: [
            "size": .integer(head.size), "kind": .string(head.kind), "outside": .bool(head.isFromOutside),
            "time": head.time.map { .string($0.rfc3339) },
        ])
    }
}
