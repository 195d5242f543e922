internal import EvidenceModel

/// Section 4: how the work was done.
struct MethodsView {
    let steps: [String]
    let fields: [FieldView]
    let magic: [DigestView]
    let commandLine: EvidenceView
    let hasLimits: Bool
    let limits: [LimitRow]
    let deviations: [Phrase]

    struct LimitRow {
        let name: Phrase
        let value: EvidenceView
        let hits: String
        let wasHit: Bool
    }

    init(_ context: ViewContext) {
        let (methods, text, format) = (context.model.methods, context.text, context.format)
        steps = methods.steps.map { text("methods.step_\($0.rawValue)") }
        let tool = methods.tool
        var libraries = [
            Phrase.evidence(tool.openssl, limit: 100), Phrase.evidence("libmagic " + tool.libmagic, limit: 100),
        ]
        libraries += methods.libraries.map { .evidence("\($0.name) \($0.version)", limit: 100) }
        fields = [
            FieldView(
                label: text("methods.tool"), evidence: EvidenceView("\(tool.name) \(tool.version)", limit: 100)),
            FieldView(label: text("methods.commit"), evidence: EvidenceView(tool.commit, limit: 100)),
            .digest(text("methods.build"), tool.buildSHA256),
            FieldView(label: text("methods.libraries"), lines: libraries),
        ]
        magic = tool.magicSHA256.map { DigestView(hex: $0) }
        commandLine = EvidenceView(methods.commandLine.map(Shell.quoted).joined(separator: " "), limit: 2000)
        hasLimits = !methods.limits.isEmpty
        // Each format has limits of its own; those that decided nothing would fill pages.
        limits = methods.limits.filter { $0.hits > 0 || !$0.name.hasPrefix("walk_") }.map {
            LimitRow(
                name: text.optional("limit." + $0.name).map { .plain($0) } ?? .evidence($0.name, limit: 80),
                value: EvidenceView($0.value, limit: 80),
                hits: format.number($0.hits), wasHit: $0.hits > 0)
        }
        deviations =
            methods.deviations.isEmpty
            ? [.plain(text("methods.deviations_none"))] : methods.deviations.map { .evidence($0) }
    }
}

/// Words of a command line as a POSIX shell reads them.
enum Shell {
    static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./:=,@%+".utf8.contains(byte)
            }
        }
        guard !isPlain || word.isEmpty else { return word }
        return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
