import ArgumentParser
import Casework
import EvidenceModel
import Foundation
import Trust

/// `exhibit timestamp`.
struct TimestampCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "timestamp",
        abstract: "Carry time-stamp requests and answers by hand, and look at the stamps of a case.",
        discussion: """
            For laboratories without a network: `request` writes a file that holds nothing but a digest and a random \
            number; an authority answers it; `import` checks the answer and keeps it beside the laboratory's own stamp.
            """, subcommands: [Show.self, Request.self, Import.self], defaultSubcommand: Show.self)

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List every time stamp of the case, who made it, and whether it holds.")

        @OptionGroup var location: CaseOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let (workstation, _) = try Setting.workstation()
            let lines = try TimestampWorkflow(location.open(), workstation: workstation).lines()
            try output.write(["timestamps": .array(lines.map(Self.value))]) {
                var table = Table(["File", "Over", "Verdict", "Time", "Level", "Authority"])
                for line in lines { table.add(Self.row(line)) }
                return table.text
            }
            let allHold = lines.allSatisfy { if case .invalid? = $0.verdict { false } else { true } }
            if !allHold { throw ExitStatus.notVerified }
        }

        private static func row(_ line: TimestampWorkflow.Line) -> [String] {
            switch line.verdict {
            case .valid(let stamp)?:
                [
                    line.name, line.subject.words, "ok", stamp.genTime.rfc3339, stamp.trust.words,
                    stamp.signer.subjectCommonName,
                ]
            case .invalid(let problem)?: [line.name, line.subject.words, "FAILED", "", "", "\(problem)"]
            case nil: [line.name, line.subject.words, "no answer yet", "", "", ""]
            }
        }

        private static func value(_ line: TimestampWorkflow.Line) -> CanonicalValue {
            var members: [String: CanonicalValue] = ["file": .string(line.name), "over": .string(line.subject.words)]
            switch line.verdict {
            case .valid(let stamp)?:
                members["verdict"] = "ok"
                members["time"] = .string(stamp.genTime.rfc3339)
                members["level"] = .string(stamp.trust.rawValue)
                members["claims_to_be_qualified"] = .bool(stamp.claimsToBeQualified)
                members["authority"] = .string(stamp.signer.subjectCommonName)
                members["policy"] = .string(stamp.policy)
                members["serial"] = .string(stamp.serialHex)
                if let accuracy = stamp.accuracyMicroseconds { members["accuracy_us"] = .integer(accuracy) }
            case .invalid(let problem)?:
                members["verdict"] = "failed"
                members["problem"] = .string("\(problem)")
            case nil: members["verdict"] = "no_answer"
            }
            return .object(members)
        }
    }

    struct Request: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a request to carry to an authority.",
            discussion: "The answer is taken in with `exhibit timestamp import`.")

        @Argument(help: "The item whose signed manifest is to be stamped, for example E001.")
        var item: String?

        @Flag(help: "The newest published checkpoint of the ledger.")
        var checkpoint = false

        @Option(help: ArgumentHelp("Where to write the request.", valueName: "file.tsq"))
        var out: String

        @OptionGroup var location: CaseOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if (item != nil) == checkpoint { throw ValidationError("Name an item, or use --checkpoint.") }
        }

        func run() throws {
            let (workstation, _) = try Setting.workstation()
            let workflow = TimestampWorkflow(try location.open(), workstation: workstation)
            let subject = try item.map { TimestampWorkflow.Subject.item($0) } ?? workflow.newestCheckpoint()
            try workflow.writeRequest(for: subject, to: CaseFolder.absolute(out))
            try output.write(["request": .string(out), "over": .string(subject.words)]) {
                "Request for \(subject.words) written to \(out). It holds a digest and a random number, nothing else."
            }
        }
    }

    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check answers of an authority and keep them in the case.",
            discussion: """
                What an answer is over is found by its digest. It is kept beside the laboratory's own stamp, which is never \
                replaced, and recorded in the ledger. An answer that does not hold is not taken in.
                """)

        @Argument(help: "Answers of an authority (.tsr).")
        var files: [String]

        @Option(
            help: ArgumentHelp(
                "The authority's root certificate (PEM), with intermediate ones where its stamps lack them; kept in the "
                    + "case.", valueName: "file"))
        var tsaRoot: String?

        @OptionGroup var location: CaseOptions
        @OptionGroup var examiner: ExaminerOptions
        @OptionGroup var output: OutputOptions

        /// Largest answer that is read, in bytes.
        private static let largestAnswer = 1 << 20

        func run() throws {
            let folder = try location.open()
            let (workstation, _) = try Setting.workstation()
            let roots = try tsaRoot.map { try CertificateFile.read($0) } ?? []
            let session = try CaseSession(
                folder, workstation: workstation, examiner: try examiner.examiner(at: workstation))
            let workflow = TimestampWorkflow(folder, workstation: workstation, session: session)
            var taken: [CanonicalValue] = []
            var lines: [String] = []
            var refused: [String] = []
            for file in files {
                let response = try DurableFile.read(file, limit: Self.largestAnswer)
                do {
                    let (subject, stamp) = try workflow.take(response, roots: roots)
                    taken.append([
                        "file": .string(file), "over": .string(subject.words), "kept_as": .string(stamp.path),
                        "time": .string(stamp.stamp.genTime.rfc3339), "level": .string(stamp.stamp.trust.rawValue),
                    ])
                    lines.append(
                        "\(file): \(subject.words), \(stamp.stamp.genTime.rfc3339), \(stamp.stamp.trust.words); kept as "
                            + stamp.path)
                } catch let error as CaseError where error.code == .refused {
                    refused.append("\(file): \(error)")
                }
            }
            try output.write([
                "taken": .array(taken), "refused": .array(refused.map { .string($0) }),
            ]) { lines.joined(separator: "\n") }
            for line in refused { Terminal.say(line) }
            if !refused.isEmpty { throw ExitStatus.notVerified }
        }
    }
}
