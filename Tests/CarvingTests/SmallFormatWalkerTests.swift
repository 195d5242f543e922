import EvidenceModel
import Foundation
import Testing

@testable import Carving

/// Formats that a few bytes are enough for.
@Suite struct SmallFormatWalkerTests {
    @Test func richText() {
        let file = Array("{\\rtf1\\ansi{\\info{\\title A ledger}}{\\b brace \\} \\{}\\par\n}\n".utf8)
        expectExact(RTFWalker(), file, .structural, format: "rtf")
        #expect(verdict(of: RTFWalker(), on: file).completed?.facts["title"] == "A ledger")
        expectNeverWholeWhenTruncated(RTFWalker(), Array(file.dropLast()))
        expectNeverTraps(RTFWalker(), file, rounds: 1000)
    }

    @Test func keys() {
        let block = "-----BEGIN CERTIFICATE-----\nMIICujCCAiOg\nAwIB==\n-----END CERTIFICATE-----\n"
        expectExact(PEMWalker(), Array((block + block).utf8), .structural, format: "pem")
        expectNeverWholeWhenTruncated(PEMWalker(), Array(block.utf8.dropLast()))
    }

    @Test func cards() {
        let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A. Examiner of the ledger\r\nEND:VCARD\r\n"
        expectExact(CardWalker(), Array((card + card).utf8), .structural, format: "vcf")
        expectNeverWholeWhenTruncated(CardWalker(), Array(card.utf8.dropLast(2)))
    }

    @Test func mail() {
        let head = "From: a@example.org\r\nTo: b@example.org\r\nSubject: Seals\r\nMIME-Version: 1.0\r\n"
        let file = Array(
            (head + "Content-Type: multipart/mixed; boundary=\"=_x\"\r\n\r\n--=_x\r\n\r\ntext\r\n--=_x--\r\n").utf8)
        expectExact(MailWalker(), file, .structural, format: "eml")
        expectNeverWholeWhenTruncated(MailWalker(), Array(file.dropLast(2)))
        let plain = Array((head + "\r\nNothing says where this ends.\r\n").utf8)
        #expect(verdict(of: MailWalker(), on: plain + [0, 0, 0]).completed?.length == plain.count)
        #expect(verdict(of: MailWalker(), on: plain + [0, 0, 0]).completed?.confidence == .header)
        expectNeverTraps(MailWalker(), file, rounds: 500)
    }

    @Test func binaryPropertyList() {
        let objects = joined(Array("bplist00".utf8), [0xD1, 1, 2, 0x51, 0x61, 0x10, 7])
        let table: [UInt8] = [8, 11, 13]
        let trailer = joined(
            [0, 0, 0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0, 0, 3], [0, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, UInt8(objects.count)])
        let file = objects + table + trailer
        expectExact(BinaryPropertyListWalker(), file, .structural, format: "bplist")
        expectNeverWholeWhenTruncated(BinaryPropertyListWalker(), file)
        expectNeverTraps(BinaryPropertyListWalker(), file, rounds: 1000)
    }

    @Test func shortcut() {
        var header = [UInt8](repeating: 0, count: 76)
        header.put(ShellLinkWalker().signatures[0].bytes, at: 0)
        header.put(.le32(0x81), at: 20)
        header.put(.le32(1), at: 60)
        let file = joined(
            header, .le16(6), .le16(4), [1, 2], .le16(0), .le32(12), .le32(0xA000_0009), .le32(0), .le32(0))
        expectExact(ShellLinkWalker(), file, .structural, format: "lnk")
        expectNeverWholeWhenTruncated(ShellLinkWalker(), file, noise: 0)
        expectNeverTraps(ShellLinkWalker(), file, rounds: 1000)
    }

    /// The last block of extra data lies in unused space behind a block border: the rest of the file is elsewhere.
    @Test func shortcutThatEndsInZerosIsNotSure() {
        var header = [UInt8](repeating: 0, count: 76)
        header.put(ShellLinkWalker().signatures[0].bytes, at: 0)
        header.put(.le32(0x80), at: 20)
        header.put(.le32(1), at: 60)
        let block = joined(.le32(600), .le32(0xA000_0009), [UInt8](repeating: 7, count: 512 - 84))
        let cut = joined(header, block) + [UInt8](repeating: 0, count: 2048)
        #expect(verdict(of: ShellLinkWalker(), on: cut).completed?.confidence == .header)
    }

    @Test func torrent() {
        let file = Array("d8:announce14:udp://tracker/4:infod6:lengthi5e4:name4:note6:pieces4:abcdee".utf8)
        expectExact(TorrentWalker(), file, .structural, format: "torrent")
        expectNeverWholeWhenTruncated(TorrentWalker(), file)
        expectNeverTraps(TorrentWalker(), file, rounds: 1000)
    }

    /// Any bytes behind any walker's signature end in a verdict.
    @Test func randomBytesNeverTrap() {
        var generator = SeededGenerator(seed: 11)
        for walker in documentWalkers {
            for signature in walker.signatures.prefix(4) {
                for round in 0..<40 {
                    var bytes = generator.bytes(signature.offset) + signature.bytes + generator.bytes(600)
                    // Extreme numbers reach further than random ones.
                    if round % 2 == 0 {
                        for index in signature.offset + signature.bytes.count..<bytes.count where index % 3 == round % 3
                        {
                            bytes[index] = [0, 0xFF, 0x7F, 0x80][Int.random(in: 0..<4, using: &generator)]
                        }
                    }
                    let found = verdict(of: walker, on: bytes)
                    #expect(found.completed?.confidence != .proven, "\(walker.name): \(found)")
                }
            }
        }
    }
}
