import EvidenceModel
import Foundation
import Testing

@Suite("Proofs of single blocks")
struct ProofTests {
    /// The recipe of CHAIN_OF_CUSTODY.md for proofs.
    private static func recipe() throws -> String {
        let page = try String(contentsOf: Laboratory.package.appending(path: "CHAIN_OF_CUSTODY.md"), encoding: .utf8)
        return page.components(separatedBy: "```shell\n").dropFirst()
            .map { $0.components(separatedBy: "\n```")[0] }.joined(separator: "\n")
    }

    private func follow(_ lab: Laboratory, _ proof: String) throws -> Answer {
        try lab.shell(try Self.recipe(), ["PROOF": proof])
    }

    /// A case with a medium of `size` bytes.
    private func laboratory(size: Int) throws -> Laboratory {
        let lab = try Laboratory()
        var numbers = SeededNumbers(seed: 23)
        try lab.file("medium.dd", (0..<size).map { _ in UInt8(truncatingIfNeeded: numbers.next()) })
        var made = try lab.signed("case", "new", "--case", lab.path("case"), "--number", "P-1")
        try #require(made.status == 0, "\(made.errors)")
        made = try lab.signed("ingest", lab.path("medium.dd"), "--case", lab.path("case"))
        try #require(made.status == 0, "\(made.errors)")
        return lab
    }

    private func prove(_ lab: Laboratory, _ place: String..., to: String) throws -> Answer {
        try lab.run(["prove"] + place + ["--case", lab.path("case"), "--to", lab.path(to)])
    }

    @Test("places in one block, over a border, in the short last block and over all verify, here and with stock tools")
    func places() throws {
        let lab = try laboratory(size: (6 << 20) + 1000)
        let bytes = try lab.content(lab.path("medium.dd"))
        let places = [
            ("one", 5, 100, 1), ("border", (3 << 20) - 7, 14, 2), ("last", (6 << 20) + 999, 1, 1),
            ("all", 0, bytes.count, 7),
        ]
        for (name, offset, length, blocks) in places {
            let answer = try prove(lab, "E001", "\(offset)", "\(length)", to: name)
            #expect(answer.status == 0, "\(name): \(answer.errors)")
            let files = try FileManager.default.contentsOfDirectory(atPath: lab.path(name))
            #expect(files.count(where: { $0.hasPrefix("block-") }) == blocks)
            let check = try lab.run(["prove", "--check", lab.path(name)])
            #expect(check.status == 0, "\(name): \(check.text)\(check.errors)")
            let stock = try follow(lab, lab.path(name))
            #expect(stock.status == 0, "\(name): \(stock.text)\(stock.errors)")
            try lab.file("part", Array(bytes[offset..<offset + length]))
            let digest = try lab.tool("sha256sum", lab.path("part")).text.prefix(64)
            #expect(stock.text.contains(digest))
            #expect(try lab.content(lab.path(name) + "/README.txt").count > 500)
        }
        let root = try lab.run(["prove", "--check", lab.path("one"), "--root", lab.path("case/ca.pem")])
        #expect(root.status == 0, "\(root.text)")
        let stranger = try Laboratory()
        #expect(
            try stranger.signed("case", "new", "--case", stranger.path("case"), "--number", "P-2").status == 0)
        let foreign = try lab.run(["prove", "--check", lab.path("one"), "--root", stranger.path("case/ca.pem")])
        #expect(foreign.status == 1, "\(foreign.text)")
    }

    @Test("a changed byte anywhere in a proof is caught, here and with stock tools")
    func flips() throws {
        let lab = try laboratory(size: (2 << 20) + 700)
        #expect(try prove(lab, "E001", "\((2 << 20) - 10)", "20", to: "proof").status == 0)
        let files = try FileManager.default.contentsOfDirectory(atPath: lab.path("proof")).sorted()
        #expect(files.count == 9)
        for file in files {
            let path = lab.path("proof/" + file)
            let content = try lab.content(path)
            for place in stride(from: 0, to: content.count, by: max(1, content.count / 25)) {
                var changed = content
                changed[place] ^= place % 2 == 0 ? 0x01 : 0x20
                try Data(changed).write(to: URL(filePath: path))
                let check = try lab.run(["prove", "--check", lab.path("proof")])
                #expect(check.status == 1, "\(file), byte \(place): \(check.text)\(check.errors)")
                guard place % 8 == 0 else { continue }
                #expect(try follow(lab, lab.path("proof")).status == 1, "\(file), byte \(place)")
            }
            try Data(content).write(to: URL(filePath: path))
        }
        try lab.file("proof/more", [1])
        #expect(try lab.run(["prove", "--check", lab.path("proof")]).status == 1)
        #expect(try follow(lab, lab.path("proof")).status == 1)
    }

    @Test("a forged proof is caught although its list of digests fits it")
    func forgery() throws {
        let lab = try laboratory(size: (2 << 20) + 700)
        #expect(try prove(lab, "E001", "10", "20", to: "proof").status == 0)
        let renew = "cd proof && sha256sum README.txt block-* ca.pem manifest* proof.txt >SHA256SUMS"
        let forgeries = [
            "printf x | dd of=block-00000000.bin bs=1 seek=12 conv=notrunc",
            "sed -i 's/^extent 10 20/extent 11 20/' proof.txt", "sed -i 's/^item E001/item E002/' proof.txt",
            "sed -i 's/^node .*/node \(String(repeating: "0", count: 64))/' proof.txt", "sed -i '/^node/d' proof.txt",
            "sed -i 's/^blocks 3/blocks 2/' proof.txt", "sed -i 's/^block 0/block 1/' proof.txt",
        ]
        for forgery in forgeries {
            let made = try lab.shell("cp -r proof kept && (cd proof && \(forgery)) 2>/dev/null; \(renew)")
            #expect(made.status == 0, "\(forgery): \(made.errors)")
            let check = try lab.run(["prove", "--check", lab.path("proof")])
            #expect(check.status == 1, "\(forgery): \(check.text)")
            #expect(try follow(lab, lab.path("proof")).status == 1, "\(forgery)")
            #expect(try lab.shell("rm -r proof && mv kept proof").status == 0)
        }
        #expect(try follow(lab, lab.path("proof")).status == 0)
    }

    @Test("a medium that has changed gives an error and no proof; places that are not there are refused")
    func refusals() throws {
        let lab = try laboratory(size: (2 << 20) + 700)
        var bytes = try lab.content(lab.path("medium.dd"))
        for place in [("0", "0"), ("\((2 << 20) + 700)", "1"), ("5", "\(Int.max)"), ("0", "\((2 << 20) + 701)")] {
            let answer = try prove(lab, "E001", place.0, place.1, to: "proof")
            #expect(answer.status == 2, "\(place): \(answer.text)\(answer.errors)")
        }
        #expect(try prove(lab, "E002", "0", "1", to: "proof").status == 2)
        bytes[(1 << 20) + 5] ^= 1
        try lab.file("medium.dd", bytes)
        let changed = try prove(lab, "E001", "\(1 << 20)", "4", to: "proof")
        #expect(changed.status == 1)
        #expect(changed.errors.contains("bytes 1048576 to 2097151"), "\(changed.errors)")
        #expect(!FileManager.default.fileExists(atPath: lab.path("proof")))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: lab.folder.path).allSatisfy { !$0.contains(".new-") })
        // The other blocks are what they were.
        #expect(try prove(lab, "E001", "0", "4", to: "proof").status == 0)
        #expect(try prove(lab, "E001", "0", "4", to: "proof").status == 2)
    }

    @Test("an artifact in two pieces is proven with both; the disclosure is recorded")
    func artifact() throws {
        let lab = try Laboratory()
        let image = Laboratory.testImage("fragmented/image.dd")
        let job = try lab.signed(
            "process", image, "--case", lab.path("case"), "--number", "P-3", "--no-report")
        try #require(job.status == 0, "\(job.errors)")
        let list = try lab.run(["catalog", "export", "--case", lab.path("case")]).text
        let lines = try list.split(separator: "\n").map { try CanonicalValue(parsing: Array($0.utf8)) }
        let pieces = try #require(lines.first { $0["extents"]?.array?.count == 2 })
        let id = try #require(pieces["id"]?.string)
        let answer = try lab.signed(
            "prove", "--artifact", id, "--case", lab.path("case"), "--to", lab.path("proof"))
        #expect(answer.status == 0, "\(answer.errors)")
        let statement = String(decoding: try lab.content(lab.path("proof/proof.txt")), as: UTF8.self)
        #expect(statement.contains("artifact \(id)\n"))
        #expect(statement.contains("content \(pieces["sha256"]?.string ?? "-")\n"))
        #expect(try lab.run(["prove", "--check", lab.path("proof")]).status == 0)
        #expect(try follow(lab, lab.path("proof")).status == 0)
        let ledger = try lab.run(["ledger", "show", "--case", lab.path("case"), "--json"]).text
        #expect(ledger.contains("proof of single blocks: artifact \(id)"))
        #expect(try lab.run(["ledger", "audit", "--case", lab.path("case")]).status == 0)
    }
}
