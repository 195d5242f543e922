import Foundation
import Testing

@Suite("Writes that were cut off")
struct CutOffWriteTests {
    /// strace kills the process at the given call of one kind: journals are made, synchronised and removed in between.
    @Test(
        "killed at any step of a ledger's write, the case audits clean and the job goes on",
        arguments: [
            ("unlink", 2), ("unlink", 4), ("unlink", 6), ("unlink", 9), ("fdatasync", 3), ("fdatasync", 8),
            ("fsync", 12),
            ("pwrite64", 10), ("pwrite64", 30), ("pwrite64", 31), ("pwrite64", 32), ("pwrite64", 33), ("pwrite64", 47),
        ])
    func killedInside(call: String, number: Int) throws {
        let lab = try Laboratory()
        let image = try lab.file("disk.dd", (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) })
        let job = [
            "process", image, "--case", lab.path("case"), "--number", "S-1", "--no-report", "--passphrase-file",
            lab.passphrase.path,
        ]
        let killed = try lab.tool(
            "strace",
            [
                "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
                "inject=\(call):signal=KILL:when=\(number)", Laboratory.program.path,
            ]
                + job)
        guard !killed.errors.contains("ptrace") else { return }
        if FileManager.default.fileExists(atPath: lab.path("case")) {
            let audit = try lab.run(["ledger", "audit", "--case", lab.path("case")])
            #expect(audit.status == 0, "\(audit.text)\(audit.errors)")
        }
        let again = try lab.run(job)
        #expect(again.status == 0, "\(again.errors)")
        let verify = try lab.run(["verify", "--case", lab.path("case")])
        #expect(verify.status == 0, "\(verify.text)")
    }
}
