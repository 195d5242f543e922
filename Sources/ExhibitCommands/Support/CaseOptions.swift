import ArgumentParser
import Casework
import EvidenceModel
import Trust

/// The case that a command works on.
struct CaseOptions: ParsableArguments {
    @Option(name: .customLong("case"), help: ArgumentHelp("The case's folder.", valueName: "folder"))
    var folder: String

    func open() throws -> CaseFolder { try CaseFolder(opening: folder) }
}

/// Who acts.
struct ExaminerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The identity that signs; the one made or imported last by default.", valueName: "name"))
    var identity: String?

    @OptionGroup var passphrase: PassphraseOptions

    /// Unlocks the examiner's key.
    func examiner(at workstation: Workstation) throws -> Examiner {
        let known = try workstation.identities.identity(named: identity)
        let secret = try passphrase.passphrase(for: "identity \(known.slug)")
        let examiner = Examiner(
            try workstation.identities.signer(named: known.slug, passphrase: secret), id: known.slug)
        if examiner.isTrial {
            Terminal.say(
                "Note: \(known.slug) has a trial certificate. What it signs is marked as a trial, not for casework.")
        }
        return examiner
    }
}

/// How a command answers.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Answer with one JSON object on standard output.")
    var json = false

    /// Writes a result: as JSON when asked for, else as text.
    ///
    /// - Throws: ``OutputError``.
    func write(_ value: CanonicalValue, text: () -> String) throws(OutputError) {
        if json {
            try Output.line(value.encodedText)
        } else {
            let text = text()
            if !text.isEmpty { try Output.line(text) }
        }
    }
}

/// How many threads work.
struct WorkerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Threads that work; results do not depend on it.", valueName: "number"))
    var workers: Int?

    func validate() throws {
        if let workers, !(1...256).contains(workers) {
            throw ValidationError("--workers takes a number from 1 to 256.")
        }
    }
}

/// What the laboratory knows of an item.
struct ItemOptions: ParsableArguments {
    @Option(help: "The item's number in the case.")
    var item = "E001"

    @Option(help: "What the item is, in your words.")
    var description: String?

    @Option(help: "Manufacturer.")
    var make: String?

    @Option(help: "Model.")
    var model: String?

    @Option(help: "Serial number.")
    var serial: String?

    @Option(help: "Number of the seal it arrived under.")
    var seal: String?

    @Option(help: "The condition it arrived in.")
    var condition: String?

    func itemDescription() throws -> ItemDescription {
        try ItemDescription(
            id: item, description: description, make: make, model: model, serial: serial, seal: seal,
            condition: condition)
    }
}

/// How a source is read.
struct ReadingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Another digest to take: sha512, sha3-256, blake2b512. MD5, SHA-1 and SHA-256 are always taken. May be "
                + "repeated.",
            valueName: "algorithm"))
    var digest: [String] = []

    @Flag(help: "Read a device although it is mounted for writing. Needs --reason.")
    var force = false

    @Option(help: ArgumentHelp("Why --force is needed; goes into the ledger.", valueName: "text"))
    var reason: String?

    @Option(
        help: ArgumentHelp(
            "What a QCOW2, QCOW or VMDK image rests on: its backing file or parent, which is never read without "
                + "being named. "
                + "Repeat it for what that one rests on.",
            valueName: "path"))
    var backing: [String] = []

    func validate() throws {
        if force, (reason ?? "").isEmpty {
            throw ValidationError("--force needs --reason \"…\": it goes into the ledger.")
        }
        _ = try algorithms()
    }

    func algorithms() throws -> [DigestAlgorithm] {
        var all: [DigestAlgorithm] = [.md5, .sha1, .sha256]
        for name in digest {
            guard let algorithm = DigestAlgorithm(rawValue: name.lowercased()) else {
                let known = DigestAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("There is no digest \"\(name)\". Known are \(known).")
            }
            if !all.contains(algorithm) { all.append(algorithm) }
        }
        return all
    }
}

/// Digests that came with the item.
struct KnownOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Compare with the digests in this list: plain, md5sum, sha256sum, BSD, hashdeep or DFXML.",
            valueName: "file"))
    var known: String?

    /// The list that --known names; nil when none was given.
    func list() throws -> KnownDigestList? { try known.map { try KnownDigestList(path: $0) } }
}
