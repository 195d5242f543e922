import EvidenceModel
import SourceMedia
import Testing

@testable import Carving

/// Pieces of other files inside of a file: what a format would not notice is not believed.
@Suite struct ForeignPieceTests {
    @Test func inMarkup() {
        let row = "<tr class='seal'><td>ledger</td><td>42</td></tr>\n"
        let rows = String(repeating: row, count: 60)
        expectPiecesNoticed(
            MarkupWalker(), Array("<!DOCTYPE html>\n<html><body><table>\n\(rows)</table></body></html>\n".utf8))
        expectPiecesNoticed(MarkupWalker(), Array("<?xml version='1.0'?>\n<table>\n\(rows)</table>\n".utf8))
        // A document that does not pair its tags would take a piece of any other one.
        let open = Array("<html><body>\(String(repeating: "<p>a seal\n", count: 200))</body></html>\n".utf8)
        #expect(believed(MarkupWalker(), open)?.confidence == .header)
    }

    @Test func inEncodedData() {
        var generator = SeededGenerator(seed: 31)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let line = {
            String(decoding: (0..<76).map { _ in alphabet.randomElement(using: &generator) ?? 65 }, as: UTF8.self)
        }
        let data = (0..<40).map { _ in line() }.joined(separator: "\r\n")
        expectPiecesNoticed(MarkupWalker(), Array("<?xml version='1.0'?>\r\n<seal>\(data)</seal>\r\n".utf8))
        expectPiecesNoticed(
            PEMWalker(), Array("-----BEGIN CERTIFICATE-----\r\n\(data)\r\nAwIB\r\n-----END CERTIFICATE-----\r\n".utf8))
        let head = "From: a@example.org\r\nTo: b@example.org\r\nSubject: Seals\r\nMIME-Version: 1.0\r\n"
        let part = "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n\(data)\r\nAwIB\r\n"
        expectPiecesNoticed(
            MailWalker(),
            Array("\(head)Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\(part)\r\n--x--\r\n".utf8))
        let path = (0..<300).map { "L\($0 * 7),\($0 * 3) " }.joined()
        expectPiecesNoticed(MarkupWalker(), Array("<svg><path d='M0,0 \(path)z'/></svg>\n".utf8))
    }

    @Test func inRichText() {
        let text = String(repeating: "\\pard\\plain\\f0 A line of the ledger.\\par\n", count: 60)
        expectPiecesNoticed(RTFWalker(), Array("{\\rtf1\\ansi\n\(text)}\n".utf8))
        // Prose without a control word for a whole block is as good as any other prose.
        let plain = Array("{\\rtf1\\ansi \(String(decoding: prose(3000), as: UTF8.self))\\par}".utf8)
        #expect(believed(RTFWalker(), plain)?.confidence == .header)
    }

    @Test func inCardsAndMail() {
        let card =
            "BEGIN:VCALENDAR\r\n"
            + String(repeating: "BEGIN:VEVENT\r\nSUMMARY:Seal\r\nEND:VEVENT\r\n", count: 60) + "END:VCALENDAR\r\n"
        expectPiecesNoticed(CardWalker(), Array(card.utf8))
        let head = "From: a@example.org\r\nTo: b@example.org\r\nSubject: Seals\r\nMIME-Version: 1.0\r\n"
        let body = String(repeating: "A line of the ledger.\r\n", count: 60)
        let mail = Array(
            "\(head)Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n\(body)\r\n--x--\r\n".utf8)
        #expect(believed(MailWalker(), mail)?.confidence == .header)
    }

    // MARK: Outlook stores

    /// A store with one block, named by a tree of blocks of one page.
    private static func store() -> [UInt8] {
        var generator = SeededGenerator(seed: 12)
        var bytes = [UInt8](repeating: 0, count: 0x5000)
        func crc(_ range: Range<Int>) -> [UInt8] {
            var crc = CRC32(register: 0)
            crc.update(bytes[range])
            return .le32(Int(crc.register))
        }
        func page(_ at: Int, type: UInt8) {
            bytes.put([type, type], at: at + 496)
            bytes.put(crc(at..<at + 496), at: at + 500)
        }
        bytes.put(Array("!BDN".utf8), at: 0)
        bytes.put(Array("SM".utf8), at: 8)
        bytes.put(.le16(23), at: 10)
        bytes.put(.le32(bytes.count), at: 184)
        bytes.put(.le32(0x4600), at: 224)
        bytes.put(.le32(0x4800), at: 240)
        page(0x4400, type: 0x84)
        bytes.put([0, 20, 24, 0], at: 0x4600 + 488)
        page(0x4600, type: 0x81)
        let block = 0x4C00
        bytes.put(generator.bytes(1000), at: block)
        bytes.put(.le16(1000), at: block + 1008)
        bytes.put(crc(block..<block + 1000), at: block + 1012)
        bytes.put(joined(.le32(4), .le32(0), .le32(block), .le32(0), .le16(1000)), at: 0x4800)
        bytes.put([1, 20, 24, 0], at: 0x4800 + 488)
        page(0x4800, type: 0x80)
        return bytes
    }

    @Test func inStores() {
        let store = Self.store()
        expectExact(OutlookStoreWalker(), store, .structural, format: "pst")
        for border in stride(from: 512, to: 0x5000, by: 512) {
            let joint: [UInt8] = store[..<border] + prose(1024) + store[border...]
            #expect(believed(OutlookStoreWalker(), joint)?.isBelieved != true, "at \(border)")
        }
        var circular = store
        circular.put([1, 20, 24, 1], at: 0x4800 + 488)
        circular.put(.le32(0x4800), at: 0x4810)
        #expect(verdict(of: OutlookStoreWalker(), on: circular).completed == nil)
        expectNeverTraps(OutlookStoreWalker(), store, rounds: 100)
    }

    // MARK: Mock headers

    /// The signature alone, before random bytes, zeros or text, is no file of any format.
    @Test(arguments: Array(allFormatWalkers.indices)) func signaturesAloneAreRefused(index: Int) {
        let walker = allFormatWalkers[index]
        var generator = SeededGenerator(seed: UInt64(index))
        for signature in walker.signatures.prefix(6) {
            for tail in [generator.bytes(40_000), [UInt8](repeating: 0, count: 40_000), prose(40_000)] {
                let mock = tail[..<signature.offset] + signature.bytes + tail
                let found = believed(walker, Array(mock))
                #expect(found?.isBelieved != true || (found?.length ?? 0) <= 512, "\(walker.name): \(found as Any)")
            }
        }
    }
}
