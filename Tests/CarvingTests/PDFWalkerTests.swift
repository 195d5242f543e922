import EvidenceModel
import Testing

@testable import Carving

@Suite struct PDFWalkerTests {
    /// A PDF of these object bodies, with a cross-reference table and a trailer.
    static func document(_ bodies: [[UInt8]], lineEnd: String = "\n", info: Int? = nil) -> [UInt8] {
        var file = Array("%PDF-1.4\(lineEnd)%\u{E2}\u{E3}\(lineEnd)".utf8)
        var offsets: [Int] = []
        for (index, body) in bodies.enumerated() {
            offsets.append(file.count)
            file += joined(Array("\(index + 1) 0 obj\(lineEnd)".utf8), body, Array("\(lineEnd)endobj\(lineEnd)".utf8))
        }
        let table = file.count
        file += Array("xref\(lineEnd)0 \(bodies.count + 1)\(lineEnd)0000000000 65535 f\r\n".utf8)
        for offset in offsets {
            let digits = String(offset)
            file += Array((String(repeating: "0", count: 10 - digits.count) + digits + " 00000 n\r\n").utf8)
        }
        let extra = info.map { " /Info \($0) 0 R" } ?? ""
        file += Array("trailer\(lineEnd)<< /Root 1 0 R\(extra) /Size \(bodies.count + 1) >>\(lineEnd)".utf8)
        file += Array("startxref\(lineEnd)\(table)\(lineEnd)%%EOF\(lineEnd)".utf8)
        return file
    }

    private static func stream(_ content: [UInt8], length: String? = nil) -> [UInt8] {
        joined(
            Array("<< /Length \(length ?? String(content.count)) >>\nstream\n".utf8), content,
            Array("\nendstream".utf8))
    }

    private static let catalog = Array("<< /Type /Catalog /Pages 2 0 R >>".utf8)
    private static let pages = Array("<< /Type /Pages /Kids [] /Count 3 >>".utf8)
    private static let info = Array("<< /Title (A \\(small\\) ledger) /Author <FEFF00C4> >>".utf8)

    private var generator = SeededGenerator(seed: 3)

    @Test(arguments: ["\n", "\r\n", "\r"]) func endsWithItsLastMarkerAndLineEnd(lineEnd: String) {
        let file = Self.document([Self.catalog, Self.pages, Self.info], lineEnd: lineEnd, info: 3)
        expectExact(PDFWalker(), file, .structural, format: "pdf")
        let facts = verdict(of: PDFWalker(), on: file).completed?.facts
        #expect(facts?["title"] == "A (small) ledger")
        #expect(facts?["author"] == "Ä")
        #expect(facts?["pages"] == 3)
    }

    @Test func updatesBelongToTheFileAndTheNextFileDoesNot() {
        let base = Self.document([Self.catalog, Self.pages])
        let update = Array("2 0 obj\n<< /Count 4 >>\nendobj\n".utf8)
        let table = base.count + update.count
        let tail = "xref\n0 0\ntrailer\n<< /Root 1 0 R >>\nstartxref\n\(table)\n%%EOF\n"
        let updated = base + update + Array(tail.utf8)
        expectExact(PDFWalker(), updated, .structural, format: "pdf")
        #expect(verdict(of: PDFWalker(), on: updated).completed?.facts["updates"] == 1)
        #expect(verdict(of: PDFWalker(), on: base + base).completed?.length == base.count)
    }

    @Test func anEmbeddedDocumentDoesNotEndIt() {
        let inner = Self.document([Self.catalog, Self.pages])
        expectExact(
            PDFWalker(), Self.document([Self.catalog, Self.pages, Self.stream(inner)]), .structural, format: "pdf")
        // The length stands in an object behind the stream.
        let indirect = Self.document([
            Self.catalog, Self.pages, Self.stream(inner, length: "4 0 R"), Array(String(inner.count).utf8),
        ])
        expectExact(PDFWalker(), indirect, .structural, format: "pdf")
    }

    @Test func isNeverWholeWhenTruncated() {
        let file = Self.document([Self.catalog, Self.pages, Self.stream([1, 2, 3, 40, 41])])
        // Without its last line end a PDF is a whole PDF.
        expectNeverWholeWhenTruncated(PDFWalker(), Array(file.dropLast()))
    }

    @Test mutating func bytesInsertedIntoAStreamBreakIt() {
        let file = Self.document([Self.catalog, Self.pages, Self.stream(generator.bytes(3000))])
        let gap = generator.bytes(512)
        let found = verdict(of: PDFWalker(), on: file[..<1024] + gap + file[1024...])
        #expect((found.brokenPrefix ?? 0) > 100)
        #expect((found.brokenPrefix ?? 5000) <= 1024)
    }

    @Test func damageNeverTraps() {
        let file = Self.document([Self.catalog, Self.pages, Self.info, Self.stream([1, 2, 3])], info: 3)
        expectNeverTraps(PDFWalker(), file, rounds: 2000)
        let lying = Self.document([Self.catalog, Self.stream([1], length: "9223372036854775807")])
        _ = verdict(of: PDFWalker(), on: lying)
        let selfish = Self.document([Self.catalog, Self.stream([1], length: "2 0 R")])
        _ = verdict(of: PDFWalker(), on: selfish)
    }
}
