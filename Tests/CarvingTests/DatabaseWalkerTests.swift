import EvidenceModel
import Foundation
import SourceMedia
import Testing

@testable import Carving

@Suite struct DatabaseWalkerTests {
    // MARK: Extensible Storage Engine

    private static func words(_ bytes: ArraySlice<UInt8>, from seed: UInt32) -> UInt32 {
        stride(from: bytes.startIndex, to: bytes.endIndex, by: 4).reduce(seed) { sum, at in
            (0..<4).reduce(sum) { $0 ^ UInt32(bytes[at + $1]) << UInt32(8 * $1) }
        }
    }

    /// A page with its checksums; entries lie one behind the other, their tags at the end.
    private static func page(_ number: Int, size: Int, flags: Int = 0x2000, entries: [[UInt8]] = []) -> [UInt8] {
        var page = [UInt8](repeating: 0, count: size)
        let header = size > 8192 ? 80 : 40
        page.put(.le32(flags), at: 36)
        page.put(.le16(entries.count), at: 34)
        var at = 0
        for (index, entry) in entries.enumerated() {
            page.put(entry, at: header + at)
            page.put(joined(.le16(entry.count), .le16(at)), at: size - 4 * (index + 1))
            at += entry.count
        }
        if size > header + 200 { page.put(Array("content \(number)".utf8), at: size / 2) }
        let part = size <= 8192 ? size : size / 4
        for index in 1..<max(2, size / part) where size > 8192 {
            let sum = words(page[index * part..<(index + 1) * part], from: UInt32(number))
            page.put(.le32(Int(sum)), at: 32 + 8 * index)
        }
        page.put(.le32(Int(words(page[8..<part], from: UInt32(number)))), at: 0)
        return page
    }

    private static func store(pageSize: Int, pages: Int, unused: Int = 0) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: pageSize)
        header.put(joined([0xEF, 0xCD, 0xAB, 0x89], .le32(0x620), .le32(0)), at: 4)
        header.put([5, 4, 3, 2, 1, 121], at: 28)
        header.put(.le32(3), at: 52)
        header.put(joined(.le32(10), .le32(0), .le32(19_041)), at: 216)
        header.put(joined(.le32(0x14), .le32(pageSize)), at: 232)
        header.put(.le32(Int(words(header[4...], from: 0x89AB_CDEF))), at: 0)
        var file = header + header
        file += page(1, size: pageSize, flags: 0x2003, entries: [joined(.le32(pages), .le32(0), .le32(1), .le32(2))])
        let extents: [[UInt8]] = [
            joined(.le16(4), .be32(3), .le32(3)), joined(.le16(4), .be32(pages), .le32(pages - 3)),
        ]
        file += page(2, size: pageSize, flags: 0x2003, entries: [[UInt8](repeating: 0, count: 16)] + extents)
        for number in 3...pages - unused { file += page(number, size: pageSize) }
        return file + [UInt8](repeating: 0, count: unused * pageSize)
    }

    @Test(arguments: [4096, 8192, 16_384, 32_768]) func storesEndWithTheLastOwnedPage(pageSize: Int) {
        let file = Self.store(pageSize: pageSize, pages: 6)
        expectExact(ExtensibleStorageWalker(), file, .proven, format: "ese")
        let facts = verdict(of: ExtensibleStorageWalker(), on: file).completed?.facts
        #expect(facts?["pages"] == 6)
        #expect(facts?["state"] == "clean shutdown")
        #expect(facts?["windows_version"] == "10.0.19041")
        #expect(facts?["created"] == "2021-01-02T03:04:05")
        expectNeverProvenWhenFlipped(ExtensibleStorageWalker(), file, in: 5 * pageSize + 100..<5 * pageSize + 108)
        // The last page's end is zeros; a cut in front of it is seen all the same, because the page is not whole.
        expectSteadfast(
            ExtensibleStorageWalker(), file, every: pageSize / 2 - 3, lies: [12, 52, 236, pageSize + 4, 2 * pageSize],
            decoy: 668)
    }

    @Test func pagesThatWereNeverUsedAreNotProven() {
        let file = Self.store(pageSize: 4096, pages: 8, unused: 2)
        let found = verdict(of: ExtensibleStorageWalker(), on: file + [UInt8](repeating: 0, count: 9000)).completed
        #expect(found?.length == file.count)
        #expect(found?.confidence == .header)
    }

    // MARK: Berkeley DB

    private static func bitcoinWallet() -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 4096)
        header.put(joined(.le32(0), .le32(0x0005_3162), .le32(9), .le32(4096), [0, 9]), at: 8)
        header.put(.le32(2), at: 32)
        func text(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }
        let items: [[UInt8]] = [
            text("ckey") + [UInt8](repeating: 2, count: 33), [1, 2, 3], text("mkey") + .le32(1), [9, 9],
            text("minversion"), .le32(60_000), text("name") + text("1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
            text("savings"),
            text("tx") + [UInt8](repeating: 7, count: 32), [5],
        ]
        func leaf(_ number: Int, _ items: [[UInt8]]) -> [UInt8] {
            var page = [UInt8](repeating: 0, count: 4096)
            page.put(joined(.le32(number), .le32(0), .le32(0), .le16(items.count)), at: 8)
            var at = 4096
            for (index, item) in items.enumerated() {
                at -= item.count + 3
                page.put(joined(.le16(item.count), [1], item), at: at)
                page.put(.le16(at), at: 26 + 2 * index)
            }
            page.put(joined(.le16(at), [1, 5]), at: 22)
            return page
        }
        return header + leaf(1, items) + leaf(2, [[1, 2], [3]])
    }

    @Test func bitcoinWalletsAreToldApartByTheirKeys() {
        let file = Self.bitcoinWallet()
        expectExact(BerkeleyDatabaseWalker(), file, .structural, format: "bitcoin-wallet")
        let facts = verdict(of: BerkeleyDatabaseWalker(), on: file).completed?.facts
        #expect(facts?["wallet_encrypted"] == true)
        #expect(facts?["keys"] == 1)
        #expect(facts?["transactions"] == 1)
        #expect(facts?["address_book"] == ["1BoatSLRHtKNngkdXEeobR76b53LETtpyT"])
        expectSteadfast(BerkeleyDatabaseWalker(), file, every: 101, lies: Array(0..<60), decoy: 512)
    }
}
