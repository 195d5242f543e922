import EvidenceModel
import Testing

@testable import Reporting

struct PDFStructureTests {
    private static let page = Task { try await PDFRenderer.pdf(html: Array("<p>A page</p>".utf8), identifier: "00ff") }
    private static let claims = PDFSigner.Claims(
        time: SampleReport.issued, name: "A. Exämîner (証拠)", reason: "Issue \\ (1)", location: "")

    @Test(arguments: [
        "<< /A 1 /B [ 1 0 R 2.50 (a\\)b\\\\) <4142> /N#20x true null -3 ] /C << >> >>", "[1 2 R]", "(\\101\\n\\\n(x))",
        "<4>",
        "12 0 R", "[ 0 0 595.27 841.88 ]", "% comment\n/Name",
    ])
    func whatIsReadIsWrittenTheSame(_ text: String) throws {
        var parser = PDFParser(Array(text.utf8), at: 0)
        let object = try parser.object()
        var again = PDFParser(object.encoded, at: 0)
        #expect(try again.object() == object)
    }

    @Test(arguments: [
        "", "<<", "<< /A", "<< /A 1", "<< /A 1 /A 2 >>", "<< 1 2 >>", "[", "(", "(a\\", "<41", "<zz>", "/a#g1", "tru",
        ">>",
        "99999999999999999999999999", "1e5", "--", String(repeating: "[", count: 10_000),
    ])
    func malformedObjectsAreErrors(_ text: String) {
        var parser = PDFParser(Array(text.utf8), at: 0)
        if let object = try? parser.object() {
            // Numbers that fit no integer are kept as they are written.
            if case .real = object { return }
            Issue.record("\(text) was read as \(object)")
        }
    }

    /// A page cut or changed anywhere is signed or refused, never a trap.
    @Test func damagedPagesDoNotTrap() async throws {
        let pdf = try await Self.page.value
        let signer = PDFSigner(claims: Self.claims, annexes: [])
        func attempt(_ bytes: [UInt8]) { _ = try? signer.sign(bytes) { _ throws(ReportError) in [0x30, 0x00] } }
        for length in stride(from: 0, to: pdf.count, by: 97) { attempt(Array(pdf[..<length])) }
        var generator = SeededGenerator(seed: 7)
        for position in pdf.count - 1200..<pdf.count {
            var changed = pdf
            changed[position] = UInt8.random(in: .min ... .max, using: &generator)
            attempt(changed)
        }
        for position in 0..<1500 {
            var changed = pdf
            changed[position] = UInt8(ascii: "9")
            attempt(changed)
        }
    }

    @Test func namesOfAnyScriptAreWritten() async throws {
        let pdf = try await Self.page.value
        let folder = try TemporaryFolder()
        let annex = ReportModel.Annex(
            fileName: "a.bin", mediaType: "application/x-a (b)", relationship: .supplement, title: "Größe 証拠",
            bytes: Array(0...255))
        let signed = try PDFSigner(claims: Self.claims, annexes: [annex]).sign(pdf) { _ throws(ReportError) in
            [0x30, 0x00]
        }
        #expect(signed.starts(with: pdf))
        try folder.write(signed, "signed.pdf")
        #expect(try folder.run("qpdf", "--check", "signed.pdf").status == 0)
        let json = try folder.run("qpdf", "--json", "signed.pdf").output
        #expect(json.contains("A. Exämîner (証拠)") && json.contains("Größe 証拠"))
        try folder.run("pdfdetach", "-save", "1", "-o", "a.bin", "signed.pdf")
        #expect(try folder.read("a.bin") == annex.bytes)
    }

    @Test func aSignatureThatIsTooLargeIsRefused() async throws {
        let pdf = try await Self.page.value
        let signer = PDFSigner(claims: Self.claims, annexes: [])
        let largest = PDFSigner.contentsDigits / 2
        _ = try signer.sign(pdf) { _ throws(ReportError) in [UInt8](repeating: 1, count: largest) }
        #expect(throws: ReportError.self) {
            try signer.sign(pdf) { _ throws(ReportError) in [UInt8](repeating: 1, count: largest + 1) }
        }
    }

    /// All bytes but the signature's own are given to the signer.
    @Test func everythingIsCovered() async throws {
        let pdf = try await Self.page.value
        var covered: [ArraySlice<UInt8>] = []
        let signed = try PDFSigner(claims: Self.claims, annexes: []).sign(pdf) { pieces throws(ReportError) in
            covered = pieces
            return [0x30, 0x00]
        }
        #expect(covered.count == 2)
        #expect(covered[0].elementsEqual(signed[..<covered[0].endIndex]))
        #expect(covered[1].elementsEqual(signed[covered[1].startIndex...]))
        let gap = signed[covered[0].endIndex..<covered[1].startIndex]
        #expect(gap.first == UInt8(ascii: "<") && gap.last == UInt8(ascii: ">"))
        #expect(gap.count == PDFSigner.contentsDigits + 2)
    }
}
