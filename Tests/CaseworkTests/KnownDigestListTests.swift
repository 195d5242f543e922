import Digesting
import EvidenceModel
import Testing

@testable import Casework

@Suite("Lists of known digests")
struct KnownDigestListTests {
    private static let md5 = String(repeating: "0a", count: 16)
    private static let sha1 = String(repeating: "1b", count: 20)
    private static let sha256 = String(repeating: "2c", count: 32)
    private static let sha512 = String(repeating: "3d", count: 64)

    private func list(_ text: String) throws -> KnownDigestList { try KnownDigestList(Array(text.utf8), name: "list") }

    private func names(_ list: KnownDigestList) -> [String?] {
        list.entries.map { entry in entry.name.map { String(decoding: $0, as: UTF8.self) } }
    }

    @Test("a digest a line: alone, labelled, with names, escaped, of BSD and of openssl")
    func lines() throws {
        let plain = try list(
            """
            # a comment
            \(Self.md5)
            \(Self.sha1.uppercased())
            \(Self.sha256)  image.dd
            \(Self.sha512) *binary name.dd
            \\\(Self.md5)  line\\nfeed and \\\\
            MD5 (a (b).dd) = \(Self.md5)
            SHA3-256 (c.dd) = \(Self.sha256)
            SHA2-256(d.dd)= \(Self.sha256)
            SHA1: \(Self.sha1)
            MD5 checksum:    \(Self.md5) : verified
            BLAKE2b (e) = \(Self.sha512)
            """)
        #expect(plain.format == .lines)
        #expect(
            plain.entries.map(\.digest.algorithm) == [
                .md5, .sha1, .sha256, .sha512, .md5, .md5, .sha3_256, .sha256, .sha1, .md5, .blake2b512,
            ])
        #expect(
            names(plain) == [
                nil, nil, "image.dd", "binary name.dd", "line\nfeed and \\", "a (b).dd", "c.dd", "d.dd", nil, nil, "e",
            ])
        #expect(plain.notUnderstood == 0)
        #expect(plain.algorithms == [.md5, .sha1, .sha256, .sha512, .sha3_256, .blake2b512])
    }

    @Test("what is not understood is counted, never guessed")
    func strange() throws {
        let strange = try list(
            """
            hello
            \(Self.md5)x
            SHA384 (a) = \(String(repeating: "4e", count: 48))
            MD5 (a) = \(Self.sha1)
            MD5: computed \(Self.md5) stored \(Self.md5)
            BLAKE2b-256 (a) = \(Self.sha256)
            """)
        #expect(strange.entries.isEmpty)
        #expect(strange.unsupported == 1)
        #expect(strange.notUnderstood == 5)
        #expect(try list("").entries.isEmpty)
    }

    @Test("UTF-16 of Windows and CR LF are read")
    func windows() throws {
        var bytes: [UInt8] = [0xFF, 0xFE]
        for unit in "\(Self.md5)  é.dd\r\n".utf16 { bytes += [UInt8(unit & 0xFF), UInt8(unit >> 8)] }
        #expect(names(try KnownDigestList(bytes, name: "l")) == ["é.dd"])
        #expect(names(try list("\u{FEFF}\(Self.md5)  a\r\n")) == ["a"])
    }

    @Test("hashdeep: columns in any order, commas in names")
    func hashdeep() throws {
        let deep = try list(
            """
            %%%% HASHDEEP-1.0
            %%%% size,md5,sha256,tiger,filename
            ## Invoked from: /
            ##
            5,\(Self.md5),\(Self.sha256),\(String(repeating: "5f", count: 24)),/x/a, b.txt
            6,\(Self.md5)
            """)
        #expect(deep.format == .hashdeep)
        #expect(deep.entries.map(\.digest.algorithm) == [.md5, .sha256])
        #expect(names(deep) == ["/x/a, b.txt", "/x/a, b.txt"])
        #expect(deep.unsupported == 1)
        #expect(deep.notUnderstood == 1)
    }

    @Test("DFXML: files and the whole image, nothing of parts, nothing expanded")
    func dfxml() throws {
        let xml = try list(
            """
            <?xml version="1.0"?>
            <!DOCTYPE dfxml [<!ENTITY lol "lollol"> <!ENTITY x SYSTEM "file:///etc/passwd">]>
            <d:dfxml xmlns:d="x"><!-- <hashdigest type="md5">\(Self.md5)</hashdigest> -->
            <source><image_filename>a.dd</image_filename><hashdigest type='SHA1'> \(Self.sha1) </hashdigest></source>
            <fileobject><filename>a &amp; b&#x41;.txt</filename>
              <byte_runs><byte_run offset="0"><hashdigest type="md5">\(Self.md5)</hashdigest></byte_run></byte_runs>
              <hashdigest type="md5">\(Self.md5)</hashdigest><d:hashdigest type="sha256">\(Self.sha256)</d:hashdigest>
            </fileobject>
            <fileobject><filename>&lol;</filename><hashdigest type="md5">\(Self.md5)</hashdigest></fileobject>
            <fileobject><filename><![CDATA[<c>]]></filename><hashdigest type="md5">\(Self.md5)</hashdigest></fileobject>
            </d:dfxml>
            """)
        #expect(xml.format == .dfxml)
        #expect(names(xml) == [nil, "a & bA.txt", "a & bA.txt", "<c>"])
        #expect(xml.entries.map(\.digest.algorithm) == [.sha1, .md5, .sha256, .md5])
        #expect(xml.notUnderstood == 2)
    }

    @Test("no list traps or hangs, however it is cut or changed")
    func hostile() throws {
        var generator = SeededGenerator(seed: 5)
        let seeds = [
            "\\\(Self.md5)  a\\", "MD5 (a) = \(Self.md5)", "%%%% HASHDEEP-1.0\n%%%% md5,filename\n\(Self.md5),a",
            "<dfxml><fileobject><filename>a&amp;&#65;</filename><hashdigest type=\"md5\">\(Self.md5)</hashdigest>"
                + "</fileobject><!-- --><![CDATA[x]]><!X [ ]></dfxml>",
        ]
        for seed in seeds {
            let bytes = Array(seed.utf8)
            for count in bytes.indices { _ = try KnownDigestList(Array(bytes[..<count]), name: "l") }
            for _ in 0..<300 {
                var changed = bytes
                changed[Int.random(in: bytes.indices, using: &generator)] = .random(
                    in: .min ... .max, using: &generator)
                _ = try KnownDigestList(changed, name: "l")
            }
        }
        let deep = String(repeating: "<a>", count: 100_000)
        #expect(try list(deep).notUnderstood > 0)
    }

    @Test("files are compared by one rule for names, and by content")
    func files() throws {
        func digest(_ text: String) throws -> Digest { try Digesting.digest(.md5, of: Array(text.utf8)) }
        let there = try ["a.txt", "sub/b.txt", "c.txt", "new.txt"].map { name in
            (name: Array(name.utf8), digests: [try digest(name)])
        }
        let known = try list(
            """
            \(try digest("a.txt").hex)  /home/x/export/a.txt
            \(try digest("other").hex)  /home/x/export/sub/b.txt
            \(try digest("c.txt").hex)  /home/x/export/was-c.txt
            \(try digest("gone").hex)  /home/x/export/gone.txt
            \(Self.sha256)  /home/x/export/a.txt
            """)
        let comparison = KnownComparison(known, files: there)
        #expect(
            comparison.lines.map(\.result) == [.matched, .differs, .renamed, .missing, .notCompared, .unlisted])
        #expect(comparison.lines.last?.name == Array("new.txt".utf8))
        let windows = try list(
            "\(try digest("sub/b.txt").hex)  D:\\x\\sub\\b.txt\n\(try digest("a.txt").hex)  D:\\x\\a.txt")
        #expect(KnownComparison(windows, files: there).lines.prefix(2).map(\.result) == [.matched, .matched])
    }

    @Test("a medium's digests: names of other items are left out, a container's file is told apart from its medium")
    func medium() throws {
        let medium = try [DigestAlgorithm.md5, .sha256].map { try Digesting.digest($0, of: [1]) }
        let file = try Digesting.digest(.sha256, of: [2])
        func results(_ text: String, container: Bool = false) throws -> [KnownComparison.Result] {
            KnownComparison(
                try list(text), medium: medium, sourceName: Array("a.dd".utf8),
                files: [(Array("a.dd".utf8), container ? file : medium[1])], isContainer: container
            ).lines.map(\.result)
        }
        #expect(try results("\(medium[0].hex)\n\(Self.sha256)\n\(Self.sha1)") == [.matched, .differs, .notCompared])
        #expect(try results("\(Self.md5)  b.dd") == [.differs])
        #expect(try results("\(Self.md5)  b.dd\n\(medium[1].hex)  x/a.dd") == [.notCompared, .matched])
        #expect(try results("\(file.hex)  a.dd\n\(medium[1].hex)  a.dd", container: true) == [.matched, .matched])
        #expect(try results("\(Self.md5)  a.dd\n\(Self.sha256)  a.dd", container: true) == [.notCompared, .differs])
    }
}
