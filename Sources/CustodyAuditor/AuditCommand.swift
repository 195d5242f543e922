import CustodyLedger
import Foundation
import Trust

/// `swift package audit-custody [LEDGER...]`: the table of test images, and any ledger that is named.
///
/// Status 0: all holds; 1: something does not; 2: the call was wrong or something could not be read.
struct AuditCommand {
    static let usage = """
        usage: swift package audit-custody [LEDGER...] [--ca FILE] [--checkpoint FILE]...
          LEDGER             a ledger.custody, or a case folder that holds one
          --ca FILE          the laboratory's root certificates (PEM); ca.pem beside each ledger when not given
          --checkpoint FILE  a signed checkpoint that was kept outside the case; may be repeated
        """

    var package = FileManager.default.currentDirectoryPath
    var ledgers: [String] = []
    var ca: String?
    var checkpoints: [String] = []

    /// Why a call cannot be carried out.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    init(_ arguments: [String]) throws(Failure) {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--package", "--ca", "--checkpoint":
                guard let value = rest.popFirst() else { throw Failure(description: "\(word) takes a value") }
                switch word {
                case "--package": package = value
                case "--ca": ca = value
                default: checkpoints.append(value)
                }
            case _ where word.hasPrefix("-"): throw Failure(description: "\(word) is not an option")
            default: ledgers.append(word)
            }
        }
    }

    /// Runs the checks and gives each line that they say.
    func run(_ say: (String) -> Void) throws -> Int32 {
        var isClean = true
        let problems = ProvenanceAudit(package: URL(fileURLWithPath: package)).problems()
        for problem in problems { say("test-images: \(problem)") }
        say("test-images: \(problems.isEmpty ? "as CHAIN_OF_CUSTODY.md says" : "\(problems.count) problems")")
        isClean = problems.isEmpty
        let notes = try checkpoints.map { try String(contentsOfFile: $0, encoding: .utf8) }
        for ledger in ledgers {
            let report = try LedgerAudit.run(
                ledgerAt: file(of: ledger), roots: roots(for: ledger), checkpoints: notes)
            for line in report.lines { say(line) }
            isClean = isClean && report.isClean
        }
        return isClean ? 0 : 1
    }

    private func file(of ledger: String) -> String {
        var isFolder: ObjCBool = false
        let exists = unsafe FileManager.default.fileExists(atPath: ledger, isDirectory: &isFolder)
        return exists && isFolder.boolValue ? ledger + "/ledger.custody" : ledger
    }

    private func roots(for ledger: String) throws -> [Certificate] {
        let path =
            ca
            ?? URL(fileURLWithPath: file(of: ledger)).deletingLastPathComponent().appendingPathComponent("ca.pem").path
        let roots = try Certificate.all(inPEM: String(contentsOfFile: path, encoding: .utf8))
        guard !roots.isEmpty else { throw Failure(description: "\(path) holds no certificate") }
        return roots
    }
}
