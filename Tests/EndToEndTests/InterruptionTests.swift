import EvidenceModel
import Foundation
import Testing

@Suite("Interruptions and company")
struct InterruptionTests {
    @Test("killed at 20 moments, a case audits clean, shows the interruption and is finished by the same command")
    func killed() throws {
        let lab = try Laboratory()
        let image = Laboratory.testImage("fat-stick/image.dd")
        let whole = Date()
        _ = try process(lab, image, "reference").answer()
        let duration = Date().timeIntervalSince(whole)
        var numbers = SeededNumbers(seed: 20)
        var interrupted = 0
        for round in 0..<20 {
            let name = "case-\(round)"
            let program = try process(lab, image, name)
            Thread.sleep(forTimeInterval: Double.random(in: 0...duration * 0.9, using: &numbers))
            program.kill()
            _ = try program.answer()
            // A case appears whole or not at all.
            guard FileManager.default.fileExists(atPath: lab.path(name)) else {
                #expect(try process(lab, image, name).answer().status == 0)
                continue
            }
            let audit = try lab.run(["ledger", "audit", "--case", lab.path(name)])
            #expect(audit.status == 0, "round \(round): \(audit.text)\(audit.errors)")
            let before = try verbs(lab, name)
            let again = try process(lab, image, name).answer()
            #expect(again.status == 0, "round \(round): \(again.text)\(again.errors)")
            let after = try verbs(lab, name)
            #expect(after.starts(with: before), "round \(round): history is kept")
            for needed in ["acquire.end", "carve.run", "verify", "report.issue"] {
                #expect(after.contains("custody.\(needed)"), "round \(round): \(needed)")
            }
            if before.filter({ $0 == "custody.acquire.begin" }).count
                > before.filter({ $0 == "custody.acquire.end" }).count
            {
                interrupted += 1
                #expect(after.filter { $0 == "custody.acquire.begin" }.count == 2, "the interruption stays visible")
            }
            let verify = try lab.run(["verify", "--case", lab.path(name)])
            #expect(verify.status == 0, "round \(round): \(verify.text)")
        }
        print("interrupted while reading: \(interrupted) of 20")
    }

    @Test("four processes on one case at once leave no gap")
    func company() throws {
        let lab = try Laboratory()
        #expect(try lab.signed("case", "new", "--case", lab.path("case"), "--number", "C-1").status == 0)
        var numbers = SeededNumbers(seed: 4)
        let programs = try (1...4).map { number in
            let image = try lab.file(
                "disk\(number).dd", (0..<200_000).map { _ in UInt8.random(in: 0...255, using: &numbers) })
            return try lab.start([
                "ingest", image, "--case", lab.path("case"), "--item", "E00\(number)", "--passphrase-file",
                lab.passphrase.path,
            ])
        }
        for program in programs {
            let answer = try program.answer()
            #expect(answer.status == 0, "\(answer.errors)")
        }
        let audit = try lab.run(["ledger", "audit", "--case", lab.path("case")])
        #expect(audit.status == 0, "\(audit.text)")
        #expect(try verbs(lab, "case").count == 1 + 4 * 3)
    }

    private func process(_ lab: Laboratory, _ image: String, _ name: String) throws -> RunningProgram {
        try lab.start([
            "process", image, "--case", lab.path(name), "--number", "K-\(name)", "--passphrase-file",
            lab.passphrase.path,
        ])
    }

    private func verbs(_ lab: Laboratory, _ name: String) throws -> [String] {
        let answer = try lab.run(["ledger", "show", "--case", lab.path(name), "--json"])
        let entries = try CanonicalValue(parsing: answer.output.dropLast())
        return (entries["entries"]?.array ?? []).compactMap { $0["type"]?.string }
    }
}

extension CanonicalValue {
    fileprivate init(parsing bytes: ArraySlice<UInt8>) throws { try self.init(parsing: Array(bytes)) }
}
