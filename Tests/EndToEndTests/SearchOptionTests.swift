import EvidenceModel
import Foundation
import Testing

@Suite("What carving is asked for on the command line")
struct SearchOptionTests {
    private static let ownMagic = "0\tstring\tLEDGERv1\tLedger of seals\n!:mime\tapplication/x-ledger\n!:ext\tldg\n"

    /// An archive at a block, a picture at no block behind it, and a file that only the examiner's own magic knows.
    private static func medium(_ lab: Laboratory) throws -> String {
        let archive = try lab.tool(
            "python3", "-c",
            """
            import sys, zipfile, io
            b = io.BytesIO()
            with zipfile.ZipFile(b, 'w') as z: z.writestr('inside.txt', 'a member of the archive\\n' * 40)
            sys.stdout.buffer.write(b.getvalue())
            """
        ).output
        var numbers = SeededNumbers(seed: 12)
        func noise(_ count: Int) -> [UInt8] { (0..<count).map { _ in .random(in: 1...255, using: &numbers) } }
        var medium = [UInt8](repeating: 0, count: 1024) + archive
        medium += [UInt8](repeating: 0, count: -medium.count & 511)
        medium += noise(700) + (try picture(lab))
        medium += [UInt8](repeating: 0, count: -medium.count & 511)
        medium += Array("LEDGERv1".utf8) + noise(504) + [UInt8](repeating: 0, count: 8192)
        return try lab.file("medium.dd", medium)
    }

    private static func picture(_ lab: Laboratory) throws -> [UInt8] {
        try lab.tool(
            "python3", "-c",
            """
            import struct, sys, zlib
            def chunk(kind, body):
                return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))
            rows = b''.join(b'\\0' + bytes((x * y) % 251 for x in range(40)) for y in range(40))
            sys.stdout.buffer.write(b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 40, 40, 8, 0, 0, 0, 0))
                + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
            """
        ).output
    }

    private static func artifacts(_ lab: Laboratory) throws -> [CanonicalValue] {
        let export = try lab.run(["catalog", "export", "--case", lab.path("case")])
        return try export.text.split(separator: "\n").map { try CanonicalValue(parsing: Array($0.utf8)) }
    }

    private static func formats(_ lab: Laboratory) throws -> [String] {
        try artifacts(lab).compactMap { $0["format"]?.string }.sorted()
    }

    @Test("every offset, own magic and no children")
    func options() throws {
        let lab = try Laboratory()
        let image = try Self.medium(lab)
        let magic = try lab.file("own.magic", Array(Self.ownMagic.utf8))
        let first = try lab.signed(
            "process", image, "--case", lab.path("case"), "--number", "S-1", "--no-report", "--no-children")
        #expect(first.status == 0, "\(first.errors)")
        // Gaps are searched at every byte too.
        #expect(try Self.formats(lab) == ["png", "zip"])

        let whole = try lab.signed(
            "carve", "--case", lab.path("case"), "--item", "E001", "--embedded", "--magic", magic)
        #expect(whole.status == 0, "\(whole.errors)")
        #expect(try Self.formats(lab) == ["ldg", "png", "text", "zip"])
        let member = try #require(try Self.artifacts(lab).first { $0["origin"]?.string == "embedded" })
        #expect(member["path"]?.string == "E001/1024/inside.txt")
        let coverage = try lab.run(["catalog", "coverage", "--case", lab.path("case"), "--format", "json"])
        #expect(coverage.status == 0, "\(coverage.errors)")
        let item = try #require(try CanonicalValue(parsing: Array(coverage.output.dropLast()))["items"]?.array?.first)
        #expect(item["item"]?.string == "E001")
        #expect(item["statistics"]?["embedded"]?.size == 1)
        let bytes = try #require(item["coverage"]?["bytes"])
        #expect(bytes["carved_header"]?.size ?? 0 >= 8)

        let none = try lab.signed(
            "carve", "--case", lab.path("case"), "--item", "E001", "--no-children", "--json")
        #expect(none.status == 0, "\(none.errors)")
        #expect(try Self.formats(lab) == ["png", "zip"])
        #expect(try CanonicalValue(parsing: Array(none.output.dropLast()))["coverage"] != nil)
    }

    @Test("the list of formats names each one's source, with the examiner's own first")
    func list() throws {
        let lab = try Laboratory(withIdentity: false)
        let magic = try lab.file("own.magic", Array(Self.ownMagic.utf8))
        let answer = try lab.run(["carve", "--list-formats", "--magic", magic, "--format", "json"])
        #expect(answer.status == 0, "\(answer.errors)")
        let value = try CanonicalValue(parsing: Array(answer.output.dropLast()))
        let formats = try #require(value["formats"]?.array)
        #expect(formats.count > 1500)
        let own = try #require(formats.first { $0["name"]?.string == "Ledger of seals" })
        #expect(own["source"]?.string == magic)
        #expect(formats.contains { $0["name"]?.string == "png" && $0["source"]?.string == "walker" })
        let table = try lab.run(["carve", "--list-formats", "--magic", magic])
        #expect(table.status == 0 && table.text.contains("Ledger of seals"))
    }

    @Test("a magic file that cannot be used is refused in one line, and nothing is begun")
    func refusedMagic() throws {
        let lab = try Laboratory()
        let image = try Self.medium(lab)
        let wrong = try lab.file("wrong.magic", Array("0\tstring\tABC\tfine\n0\tstrnig\tXYZ\tbad\n".utf8))
        for (path, words) in [
            (lab.folder.path, "it is a folder"), (lab.path("missing.magic"), "there is no such file"),
            (wrong, "wrong.magic, line 2"),
        ] {
            for call in [
                ["carve", "--list-formats"], ["process", image, "--case", lab.path("case"), "--number", "S-1"],
            ] {
                let answer = try lab.run(
                    call
                        + ["--magic", path, "--passphrase-file", lab.passphrase.path].prefix(
                            call[0] == "process" ? 4 : 2))
                #expect(answer.status == 2)
                #expect(answer.output.isEmpty)
                #expect(answer.errors.contains(path) && answer.errors.contains(words), "\(answer.errors)")
                #expect(answer.errors.split(separator: "\n").count == 1, "\(answer.errors)")
            }
        }
        #expect(!FileManager.default.fileExists(atPath: lab.path("case")))
    }
}
