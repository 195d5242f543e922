import ArgumentParser
import Casework
import EvidenceModel

/// `exhibit verify`.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check everything a case claims: sources, manifests, ledger, catalogue, reports.",
        discussion: """
            Reads every source again and compares it with its signed manifest; a difference is named by its 1 MiB blocks \
            and the sectors in them. With ITEM only that item is checked, with its manifest, time stamps, block digests, \
            catalogue and ledger entries; --json lists every place that differs. \
            With a passphrase the check becomes an entry of the ledger. CHAIN_OF_CUSTODY.md shows the same checks with \
            stock tools.
            """)

    @Argument(help: "Check these items only, for example E001; the whole case when none is named.")
    var items: [String] = []

    @OptionGroup var location: CaseOptions

    @Option(
        help: ArgumentHelp("Where an item's source lies now: ITEM=PATH. May be repeated.", valueName: "item=path"))
    var source: [String] = []

    @Option(
        help: ArgumentHelp(
            "Where what an item's virtual disk rests on lies now: ITEM=PATH. Repeat it for what that one rests on.",
            valueName: "item=path"))
    var backing: [String] = []

    @Flag(help: "Do not read the sources again; check everything else.")
    var skipSources = false

    @Flag(
        help: ArgumentHelp(
            "Take every digest of the manifest again. SHA-256 alone, the default, says as much and is faster: all were "
                + "taken of the same bytes."))
    var allDigests = false

    @Option(
        help: ArgumentHelp(
            "Compare the one ITEM also with the digests in this list: plain, md5sum, sha256sum, BSD, hashdeep or DFXML.",
            valueName: "file"))
    var known: String?

    @OptionGroup var workers: WorkerOptions
    @OptionGroup var examiner: ExaminerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if known != nil, items.count != 1 || skipSources {
            throw ValidationError("--known needs the one ITEM that the list belongs to, and its source read again.")
        }
    }

    func run() throws {
        let folder = try location.open()
        let (workstation, _) = try Setting.workstation()
        var workflow = VerifyWorkflow(folder, workstation: workstation, progress: ProgressLine())
        workflow.items = items
        workflow.known = try known.map { try KnownDigestList(path: $0) }
        workflow.readsSources = !skipSources
        workflow.takesAllDigests = allDigests
        workflow.sourcePaths = try sourcePaths()
        for (item, path) in try pairs(backing, "--backing") { workflow.backingPaths[item, default: []].append(path) }
        if let count = workers.workers { workflow.workers = count }
        let verification: Verification
        if examiner.passphrase.isGiven {
            let session = try CaseSession(
                folder, workstation: workstation, examiner: try examiner.examiner(at: workstation))
            verification = try workflow.run(recordingIn: session)
        } else {
            verification = try workflow.run(recordingIn: nil)
        }
        try output.write(VerificationText.value(verification)) { VerificationText.text(verification) }
        if !verification.holds { throw ExitStatus.notVerified }
    }

    private func sourcePaths() throws -> [String: String] {
        Dictionary(try pairs(source, "--source"), uniquingKeysWith: { _, last in last })
    }

    private func pairs(_ values: [String], _ option: String) throws -> [(String, String)] {
        try values.map { pair in
            guard let equals = pair.firstIndex(of: "=") else {
                throw ValidationError("\(option) takes ITEM=PATH, for example \(option) E001=/media/stick.dd.")
            }
            return (String(pair[..<equals]), String(pair[pair.index(after: equals)...]))
        }
    }
}

/// A verification for people and programs.
enum VerificationText {
    static func text(_ verification: Verification) -> String {
        var table = Table(["Verdict", "What", ""])
        for check in verification.checks { table.add([word(check.verdict), check.subject, detail(check.verdict)]) }
        return table.text + "\n\n" + summary(verification)
    }

    static func summary(_ verification: Verification) -> String {
        var failed: [String] = []
        var skipped = 0
        for check in verification.checks {
            switch check.verdict {
            case .holds: break
            case .skipped: skipped += 1
            case .differs, .notChecked:
                failed.append("  \(check.subject): \(word(check.verdict)): \(detail(check.verdict))")
            }
        }
        guard failed.isEmpty else { return "NOT VERIFIED:\n" + failed.joined(separator: "\n") }
        let rest = skipped == 0 ? "" : "; \(skipped) skipped"
        return "Verified: \(verification.checks.count - skipped) checks hold\(rest)."
    }

    static func value(_ verification: Verification) -> CanonicalValue {
        [
            "verified": .bool(verification.holds),
            "checks": .array(
                verification.checks.map {
                    [
                        "subject": .string($0.subject), "verdict": .string(word($0.verdict)),
                        "detail": .string(detail($0.verdict)),
                    ]
                }),
            "sources": .array(verification.sources.sorted { $0.key < $1.key }.map { value($0.value, of: $0.key) }),
        ]
    }

    /// The comparison of one source: every place, however many there are.
    private static func value(_ source: Verification.SourceCheck, of item: String) -> CanonicalValue {
        .object(compacting: [
            "item": .string(item), "time": .string(source.time.rfc3339), "unchanged": .bool(source.difference == nil),
            "expected": .string(source.expected.hex), "observed": source.observed.map { .string($0.hex) },
            "difference": source.difference.map { .string($0) }, "differing": .array(source.runs.map(\.canonical)),
            "files": .array(source.files.map { .string($0) }),
            "unreadable": .array(
                source.unreadable.map {
                    [
                        "offset": .size($0.extent.offset), "length": .size($0.extent.length),
                        "error": .string($0.error),
                    ]
                }),
            "damage": .array(source.damage.map { .string($0) }),
            "known": source.known.map { Summary.value($0) },
        ])
    }

    private static func word(_ verdict: Verification.Verdict) -> String {
        switch verdict {
        case .holds: "ok"
        case .differs: "FAILED"
        case .notChecked: "NOT CHECKED"
        case .skipped: "skipped"
        }
    }

    private static func detail(_ verdict: Verification.Verdict) -> String {
        switch verdict {
        case .holds(let text), .differs(let text), .notChecked(let text), .skipped(let text): text
        }
    }
}
