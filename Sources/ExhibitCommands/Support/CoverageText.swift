import Casework
import EvidenceModel

/// The coverage statement for people.
enum CoverageText {
    /// One line: what part of the medium was explained.
    static func line(_ coverage: CoverageStatement) -> String {
        var parts = [share(coverage.carved, of: coverage.size) + " in finds"]
        for kind in [CoverageStatement.Kind.zero, .filled, .text, .highEntropy, .unexplained, .unreadable]
        where coverage.bytes(of: kind) > 0 {
            parts.append("\(share(coverage.bytes(of: kind), of: coverage.size)) \(name(kind))")
        }
        return "Of \(coverage.size) bytes: " + parts.joined(separator: ", ")
    }

    /// All classes, and the largest runs that nobody knows.
    static func text(_ item: String, _ coverage: CoverageStatement) -> String {
        var table = Table([item, "Bytes", "Share", "Runs"], numeric: [1, 2, 3])
        for kind in CoverageStatement.Kind.allCases {
            table.add([
                name(kind), String(coverage.bytes(of: kind)), share(coverage.bytes(of: kind), of: coverage.size),
                String(coverage.runs[kind] ?? 0),
            ])
        }
        let runs = CoverageStatement.Kind.allCases.reduce(0) { $0 + (coverage.runs[$1] ?? 0) }
        table.add(["all", String(coverage.size), share(coverage.size, of: coverage.size), String(runs)])
        var parts = [table.text]
        for kind in CoverageStatement.listedKinds {
            guard let runs = coverage.largest[kind], !runs.isEmpty else { continue }
            var table = Table(["Largest runs: \(name(kind))", "Offset", "Length"], numeric: [1, 2])
            for run in runs { table.add(["", String(run.offset), String(run.length)]) }
            parts.append(table.text)
        }
        parts.append(
            "High entropy: compressed, encrypted or random data, which this cannot tell apart. It proves no encryption."
        )
        return parts.joined(separator: "\n\n")
    }

    private static func name(_ kind: CoverageStatement.Kind) -> String {
        switch kind {
        case .unreadable: "unreadable"
        case .carvedProven: "in proven finds"
        case .carvedStructural: "in structural finds"
        case .carvedHeader: "in header finds"
        case .carvedBroken: "in broken finds"
        case .zero: "zero"
        case .filled: "one other value repeated"
        case .text: "text"
        case .highEntropy: "high entropy"
        case .unexplained: "unexplained"
        }
    }

    /// Rounded down to a tenth, so that nothing is "100.0 %" that is not all; what is less than a tenth is not called 0.
    private static func share(_ part: Int, of whole: Int) -> String {
        guard whole > 0 else { return "-" }
        let (tenths, _) = whole.dividingFullWidth(part.multipliedFullWidth(by: 1000))
        return part > 0 && tenths == 0 ? "<0.1 %" : "\(tenths / 10).\(tenths % 10) %"
    }
}
