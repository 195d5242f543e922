import EvidenceModel
import Foundation
import Testing

@testable import Carving

/// Files whose later parts look like files of their own.
@Suite struct TailTests {
    private static func carve(_ file: [UInt8]) throws -> [Artifact] {
        let noise = EmbeddedTesting.noise(1024, seed: 5)
        let slack = [UInt8](repeating: 0, count: 512 - file.count % 512)
        return try EmbeddedTesting.carve(medium: noise + file + slack + noise, workers: 2).artifacts
            .filter { $0.origin == .carved }
    }

    private static func header(_ name: String, size: Int) -> [UInt8] {
        func octal(_ number: Int, _ width: Int) -> String {
            let digits = String(number, radix: 8)
            return String(repeating: "0", count: width - digits.count) + digits
        }
        var header = [UInt8](repeating: 0, count: 512)
        header.put(Array(name.utf8), at: 0)
        for at in [100, 108, 116] { header.put(Array("0000644\0".utf8), at: at) }
        header.put(Array((octal(size, 11) + " ").utf8), at: 124)
        header.put(Array("14000000000 ".utf8), at: 136)
        header.put(Array("        0".utf8), at: 148)
        header.put(Array("ustar\u{0}00".utf8), at: 257)
        header.put(Array((octal(header.reduce(0) { $0 + Int($1) }, 6) + "\0 ").utf8), at: 148)
        return header
    }

    /// Certificates of 512 bytes each: every one begins at a block.
    @Test func aBundleOfCertificatesIsOneFile() throws {
        let head = "-----BEGIN CERTIFICATE-----\n"
        let end = "-----END CERTIFICATE-----\n"
        let body = String(repeating: String(repeating: "Q", count: 66) + "\n", count: 6)
        let room = 512 - (head + body + end).utf8.count
        let part = Array((head + body + String(repeating: "Q", count: room - 1) + "\n" + end).utf8)
        try #require(part.count == 512)
        let found = try Self.carve((0..<5).flatMap { _ in part })
        #expect(found.map(\.format) == ["pem"])
        #expect(found.first?.size == 5 * 512)
        #expect(found.first?.confidence == .header)
    }

    /// A tar that ends with its two blocks of zeros is not also the tars that begin with its later members.
    @Test func anArchiveIsNotItsOwnTailsToo() throws {
        var archive: [UInt8] = []
        for number in 0..<30 {
            let content = EmbeddedTesting.noise(700, seed: UInt64(number))
            archive += Self.header("f\(number)", size: content.count)
            archive += content + [UInt8](repeating: 0, count: 1024 - content.count)
        }
        archive += [UInt8](repeating: 0, count: 1024)
        let found = try Self.carve(archive).filter { $0.format == "tar" }
        #expect(found.count == 1)
        #expect(found.first?.extents.first?.offset == 1024)
    }

    @Test func aValueBeforeOldTextIsKnownByItsHeader() throws {
        let value = Array("{\"a\": [1, 2, 3, 4, 5, 6], \"b\": {\"c\": 7, \"d\": 8, \"e\": \"f\"}, \"g\": 9}".utf8)
        let slack = Array(String(repeating: "old text of this block ", count: 40).utf8).prefix(512 - value.count)
        let found = try Self.carve(value + slack)
        #expect(found.map(\.format) == ["json"])
        #expect(found.first?.size == value.count)
        #expect(found.first?.confidence == .header)
    }
}
