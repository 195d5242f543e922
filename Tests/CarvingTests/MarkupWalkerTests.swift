import EvidenceModel
import Testing

@testable import Carving

@Suite struct MarkupWalkerTests {
    private static let svg = """
        <?xml version="1.0" encoding="UTF-8"?>
        <!DOCTYPE svg [ <!ENTITY a "b>c"> ]>
        <!-- a </svg> in a comment -->
        <svg xmlns="http://www.w3.org/2000/svg"><text a='x > y'>é<![CDATA[</svg>]]></text><g/></svg>

        """

    private static let page = """
        <!DOCTYPE html>
        <html><head><title>Ledger of seals</title><script>var end = "</html>";</script>
        <!-- </html> --></head><body>unclosed <p> & < text</body></html>

        """

    @Test func xmlEndsWithItsRootElement() {
        expectExact(MarkupWalker(), Array(Self.svg.utf8), .structural, format: "svg")
        expectExact(MarkupWalker(), Array("<plist version='1.0'><dict/></plist>".utf8), .structural, format: "plist")
        expectExact(MarkupWalker(), Array("<?xml version='1.0'?>\r\n<a:b/>\r\n".utf8), .structural, format: "xml")
        expectExact(
            MarkupWalker(), Array("<?xml version='1.0'?>\n<a></a>\n<!-- sealed -->\n".utf8), .structural, format: "xml")
    }

    @Test func htmlEndsWithItsEndTag() {
        expectExact(MarkupWalker(), Array(Self.page.utf8), .structural, format: "html")
        let file = verdict(of: MarkupWalker(), on: Array(Self.page.utf8)).completed
        #expect(file?.facts["title"] == "Ledger of seals")
        expectExact(MarkupWalker(), Array("<HTML>\r<BODY></BODY>\r</HTML >\r".utf8), .structural, format: "html")
    }

    @Test func utf16IsReadByItsMark() {
        let units = Array(Self.svg.utf16)
        expectExact(
            MarkupWalker(), [0xFF, 0xFE] + units.flatMap { [UInt8].le16(Int($0)) }, .structural, format: "svg")
        expectExact(
            MarkupWalker(), [0xFE, 0xFF] + units.flatMap { [UInt8].be16(Int($0)) }, .structural,
            format: "svg")
    }

    @Test func isNeverWholeWhenTruncated() {
        expectNeverWholeWhenTruncated(MarkupWalker(), Array(Self.svg.utf8.dropLast()))
        expectNeverWholeWhenTruncated(MarkupWalker(), Array(Self.page.utf8.dropLast()))
    }

    @Test(arguments: [
        "<?xml version='1.0'?><a><b></a></b>", "<svg><g", "<?xml version='1.0'?><a b=c></a>", "<!-- only a comment -->",
        "<?xml version='1.0'?><a>\u{1}</a>", "<!DOCTYPE html><html><script></html>",
    ])
    func whatIsNotWellFormedIsNotWhole(text: String) {
        #expect(verdict(of: MarkupWalker(), on: Array(text.utf8)).completed == nil)
    }

    @Test func malformedUTF8IsNotXML() {
        let text = Array("<?xml version='1.0'?><a>".utf8) + [0xC3, 0x28] + Array("</a>".utf8)
        #expect(verdict(of: MarkupWalker(), on: text).brokenPrefix == 25)
        let latin = Array("<?xml version='1.0' encoding='ISO-8859-1'?><a>".utf8) + [0xC3, 0x28] + Array("</a>".utf8)
        #expect(verdict(of: MarkupWalker(), on: latin).completed?.length == latin.count)
    }

    @Test func damageNeverTraps() {
        expectNeverTraps(MarkupWalker(), Array(Self.svg.utf8), rounds: 1000)
        expectNeverTraps(MarkupWalker(), Array(Self.page.utf8), rounds: 1000)
    }
}
