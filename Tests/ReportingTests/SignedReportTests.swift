import EvidenceModel
import Foundation
import Testing

@testable import Reporting

/// The signed PDF as the stock tools see it.
struct SignedReportTests {
    @Test func signatureIsValidAndCoversTheWholeDocument() async throws {
        for sample in [try await IssuedSample.english.value, try await IssuedSample.french.value] {
            let output = try sample.folder.run("pdfsig", "-nssdir", "sql:nss", "R01/report.pdf").output
            #expect(output.contains("Signature is Valid."), "\(output)")
            #expect(output.contains("Certificate is Trusted."), "\(output)")
            #expect(output.contains("Total document signed"), "\(output)")
            #expect(output.contains("ETSI.CAdES.detached"), "\(output)")
            #expect(!output.contains("Not total document signed"), "\(output)")
        }
    }

    @Test func structureIsClean() async throws {
        for sample in [try await IssuedSample.english.value, try await IssuedSample.french.value] {
            let check = try sample.folder.run("qpdf", "--check", "R01/report.pdf")
            #expect(check.status == 0, "\(check.output)")
            #expect(check.output.contains("No syntax or stream encoding errors found"), "\(check.output)")
            let fonts = try sample.folder.run("pdffonts", "R01/report.pdf").output.split(separator: "\n").dropFirst(2)
            #expect(!fonts.isEmpty)
            for font in fonts { #expect(font.contains(" yes yes "), "not embedded: \(font)") }
        }
    }

    @Test func annexesAreInside() async throws {
        let sample = try await IssuedSample.english.value
        let list = try sample.folder.run("pdfdetach", "-list", "R01/report.pdf").output
        #expect(list.contains("2 embedded files"), "\(list)")
        try sample.folder.run("pdfdetach", "-savefile", "artifacts.csv", "-o", "saved.csv", "R01/report.pdf")
        #expect(try sample.folder.read("saved.csv") == sample.folder.read("R01/artifacts.csv"))
        let json = try sample.folder.run("qpdf", "--json", "R01/report.pdf").output
        for part in ["/AFRelationship", "/text/csv", "/application/json", "/EmbeddedFiles", "\"/AF\""] {
            #expect(json.contains(part), "\(part) is missing")
        }
    }

    /// pdfsig says in words that a byte was changed, wherever it is; its exit status says nothing.
    @Test func eachFlippedByteIsSeen() async throws {
        let sample = try await IssuedSample.french.value
        let original = try sample.folder.read("R01/report.pdf")
        let folder = try TemporaryFolder()
        try sample.folder.run("cp", "-r", "nss", folder.file("nss"))
        for step in 0..<60 {
            var changed = original
            let position = 7 + (original.count - 64) / 60 * step
            changed[position] ^= 1
            try folder.write(changed, "changed.pdf")
            let output = try folder.run("pdfsig", "-nssdir", "sql:nss", "changed.pdf").output
            let isIntact =
                output.contains("Signature is Valid.") && output.contains("Total document signed")
                && !output.contains("Not total document signed")
            // Room behind the signature's last byte is not covered; everything else is.
            if isIntact { #expect(isUnused(position, in: original), "the change at \(position) is not seen") }
        }
    }

    private func isUnused(_ position: Int, in pdf: [UInt8]) -> Bool {
        var start = position
        while start > 0, pdf[start] == UInt8(ascii: "0") { start -= 1 }
        return position - start > 64
    }

    /// The commands that the report prints, word for word, in a plain shell.
    @Test func printedCommandsVerifyTheReport() async throws {
        let sample = try await IssuedSample.english.value
        let step = try #require(
            ReportModel.VerificationStep.standard(reportID: "R01", items: []).first { $0.subject == .report })
        let script = step.commands.joined(separator: "\n")
        try sample.folder.run("mkdir", "-p", "reports")
        try sample.folder.run("cp", "-r", "R01", "reports/R01")
        let intact = try sample.folder.run("sh", "-e", "-c", script)
        #expect(intact.status == 0 && intact.output.contains("CMS Verification successful"), "\(intact.output)")
        var changed = try sample.folder.read("R01/report.pdf")
        changed[changed.count / 3] ^= 4
        try sample.folder.write(changed, "reports/R01/report.pdf")
        let broken = try sample.folder.run("sh", "-e", "-c", script)
        #expect(broken.status != 0 && !broken.output.contains("successful"), "\(broken.output)")
        #expect(try sample.folder.run("openssl", "version").status == 0)
    }

    @Test func issuedFilesAreThoseOnDisk() async throws {
        let sample = try await IssuedSample.english.value
        #expect(sample.report.id == "2026-0042-R01")
        #expect(sample.report.files.map(\.name) == ["report.pdf", "report.html", "artifacts.csv", "ledger.json"])
        for file in sample.report.files {
            let line = try sample.folder.run("sha256sum", "R01/" + file.name).output
            #expect(line.hasPrefix(file.sha256.hex))
            #expect(try sample.folder.read("R01/" + file.name).count == file.size)
        }
    }

    @Test func aTrialCertificateMarksTheReport() async throws {
        let sample = try await IssuedSample.english.value
        let text = try sample.folder.run("pdftotext", "-layout", "R01/report.pdf", "-").output
        let pages = text.split(separator: "\u{0C}", omittingEmptySubsequences: true).filter { $0.contains("Page") }
        #expect(pages.count > 8)
        for (index, page) in pages.enumerated() {
            #expect(page.contains("TRIAL – not for use as evidence"))
            #expect(page.contains("2026-0042-R01"))
            #expect(page.contains("Page \(index + 1) of \(pages.count)"))
        }
        #expect(pages.last?.contains("End of report 2026-0042-R01") == true)
    }

    @Test func aReportIsNeverOverwritten() async throws {
        let sample = try await IssuedSample.english.value
        let before = try sample.folder.read("R01/report.pdf")
        await #expect(throws: ReportError.self) {
            try await ReportWriter.write(
                SampleReport.model(), language: .english, into: sample.folder.file("R01"),
                signer: sample.laboratory.signer, timestamp: nil)
        }
        #expect(try sample.folder.read("R01/report.pdf") == before)
        #expect(try sample.folder.run("find", ".", "-name", "*.tmp").output.isEmpty)
    }
}
