import EvidenceModel
import Foundation
import Testing

@Suite("The whole job")
struct WholeJobTests {
    /// The stick's job, done once; tests work on copies of its case.
    static let stick = Result { try FinishedCase(image: Laboratory.testImage("fat-stick/image.dd")) }

    @Test("one command goes from a source to a signed report; everything verifies")
    func stickToReport() throws {
        let job = try Self.stick.get()
        let lab = job.laboratory
        let verification = try lab.run(["verify", "--case", job.casePath])
        #expect(verification.status == 0, "\(verification.text)\(verification.errors)")
        let audit = try lab.run(["ledger", "audit", "--case", job.casePath])
        #expect(audit.status == 0, "\(audit.text)")
        #expect(audit.text.contains("for trying out"))
    }

    @Test("pdfsig finds the signature valid over the whole document, qpdf finds the file clean")
    func reportSignature() throws {
        let job = try Self.stick.get()
        let lab = job.laboratory
        let report = "\(job.casePath)/reports/R01/report.pdf"
        let store = "sql:" + lab.path("nss")
        try FileManager.default.createDirectory(atPath: lab.path("nss"), withIntermediateDirectories: true)
        #expect(try lab.tool("certutil", "-N", "-d", store, "--empty-password").status == 0)
        let trust = try lab.tool(
            "certutil", "-A", "-d", store, "-n", "root", "-t", "C,C,C", "-i", job.casePath + "/ca.pem")
        #expect(trust.status == 0, "\(trust.errors)")
        let signature = try lab.tool("pdfsig", "-nssdir", store, report).text
        #expect(signature.contains("Signature is Valid"), "\(signature)")
        #expect(signature.contains("Certificate is Trusted"), "\(signature)")
        #expect(signature.contains("Total document signed"), "\(signature)")
        let check = try lab.tool("qpdf", "--check", report)
        #expect(check.status == 0, "\(check.text)")
    }

    @Test("what was planted on the stick is found exactly, and nothing whole is claimed that is not there")
    func stickTruth() throws {
        let job = try Self.stick.get()
        try Truth("fat-stick").compare(with: try job.artifacts())
    }

    @Test("the source's digests are those of stock tools, and the source is untouched")
    func digestsOfTheStick() throws {
        let job = try Self.stick.get()
        let image = Laboratory.testImage("fat-stick/image.dd")
        let manifest = String(
            decoding: try job.laboratory.content(job.casePath + "/evidence/E001/manifest.json"), as: UTF8.self)
        for tool in ["md5sum", "sha1sum", "sha256sum"] {
            let digest = try job.laboratory.tool(tool, image).text.prefix { $0 != " " }
            #expect(manifest.contains("\"\(digest)\""), "\(tool)")
        }
    }

    @Test("done again it changes nothing")
    func repetition() throws {
        let job = try Self.stick.get().copy()
        let before = try job.laboratory.run(["ledger", "show", "--case", job.casePath, "--json"]).text
        let again = try job.process()
        #expect(again.status == 0, "\(again.errors)")
        #expect(try job.laboratory.run(["ledger", "show", "--case", job.casePath, "--json"]).text == before)
    }

    @Test("a report in French is issued beside the first one")
    func frenchReport() throws {
        let job = try Self.stick.get().copy()
        let answer = try job.laboratory.signed("report", "--case", job.casePath, "--lang", "fr")
        #expect(answer.status == 0, "\(answer.errors)")
        let text = try job.laboratory.tool("pdftotext", job.casePath + "/reports/R02/report.pdf", "-").text
        #expect(text.contains("Rapport"))
        #expect(try job.laboratory.run(["verify", "--case", job.casePath]).status == 0)
    }

}

/// A case that `process` has finished.
final class FinishedCase: Sendable {
    let laboratory: Laboratory
    let casePath: String
    let image: String

    init(image: String, options: [String] = []) throws {
        let laboratory = try Laboratory()
        self.laboratory = laboratory
        self.image = image
        casePath = laboratory.path("case")
        let answer = try process(options)
        try #require(answer.status == 0, "\(answer.errors)")
    }

    private init(copying original: FinishedCase) throws {
        laboratory = try Laboratory(copying: original.laboratory)
        casePath = laboratory.path("case")
        image = original.image
    }

    /// A copy that a test may change, in a laboratory of its own: the first one would notice the fork.
    func copy() throws -> FinishedCase { try FinishedCase(copying: self) }

    func process(_ options: [String] = []) throws -> Answer {
        try laboratory.run(
            ["process", image, "--case", casePath, "--number", "T-1", "--passphrase-file", laboratory.passphrase.path]
                + options)
    }

    func export() throws -> [UInt8] {
        try laboratory.run(["catalog", "export", "--case", casePath, "--format", "jsonl"]).output
    }

    func artifacts() throws -> [CanonicalValue] {
        try export().split(separator: UInt8(ascii: "\n")).map { try CanonicalValue(parsing: Array($0)) }
    }
}
