import CustodyLedger
import EvidenceModel

/// What an entry records, in a few words that need no translation: names, numbers, digests.
enum EntrySummary {
    static func text(of entry: LedgerEntry) -> String {
        if let reason = entry.reason { return reason }
        switch entry.detail {
        case .acquisitionStart(let start): return start.sourceName
        case .acquisitionResult:
            let digest = entry.items.flatMap(\.digests).first { $0.algorithm == .sha256 }
            return digest.map { "SHA-256 \($0.hex)" } ?? ""
        case .carving(let result): return "artifacts.jsonl: SHA-256 \(result.catalog.hex)"
        case .report(let report): return "\(report.id) (\(report.language))"
        case .export(let export): return "\(export.count) × artifacts, \(export.bytes) B"
        default: return entry.body.draft.anchor.map { "0 … \($0.size - 1)" } ?? ""
        }
    }
}
