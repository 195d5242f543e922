import Foundation
import Testing

@Suite("One changed byte is named")
struct TamperingTests {
    /// The recipe of CHAIN_OF_CUSTODY.md: its shell blocks, in order.
    static func recipe() throws -> String {
        let page = try String(contentsOf: Laboratory.package.appending(path: "CHAIN_OF_CUSTODY.md"), encoding: .utf8)
        var blocks: [Substring] = []
        var isInside = false
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            if isInside, line == "```" {
                isInside = false
            } else if isInside {
                blocks.append(line)
            } else if line == "```sh" {
                isInside = true
            }
        }
        return blocks.joined(separator: "\n")
    }

    private func follow(_ job: FinishedCase, image: String) throws -> Answer {
        try job.laboratory.shell(try Self.recipe(), ["CASE": job.casePath, "IMAGE": image])
    }

    @Test("the recipe for stock tools passes on a case as it is")
    func recipePasses() throws {
        let job = try WholeJobTests.stick.get()
        let answer = try follow(job, image: job.image)
        #expect(answer.status == 0, "\(answer.text)\(answer.errors)")
    }

    @Test(
        "after a flipped byte both the recipe and verify fail and name what changed",
        arguments: [
            ("image", 70_000), ("evidence/E001/manifest.json", 40), ("evidence/E001/manifest.json.p7s", 200),
            ("evidence/E001/blocks.sha256", 3), ("evidence/E001/artifacts.jsonl", 100), ("ledger.custody", 9000),
            ("reports/R01/report.pdf", 5000), ("reports/R01/report.html", 500), ("ca.pem", 200),
            ("checkpoints/00000010.note", 68), ("checkpoints/00000010.note.tsr", 650),
        ])
    func flippedByte(file: String, offset: Int) throws {
        let job = try WholeJobTests.stick.get().copy()
        var image = job.image
        if file == "image" {
            image = job.laboratory.path("changed-\(UUID().uuidString).dd")
            try flip(job.image, offset, to: image)
        } else {
            try flip(job.casePath + "/" + file, offset, to: job.casePath + "/" + file)
        }
        let verify = try job.laboratory.run(["verify", "--case", job.casePath, "--source", "E001=" + image])
        #expect(verify.status == 1, "\(verify.text)\(verify.errors)")
        let recipe = try follow(job, image: image)
        #expect(recipe.status != 0, "\(recipe.text)")
        let name =
            file == "image"
            ? "E001" : file == "ledger.custody" ? "ledger" : String(file.split(separator: "/").last ?? "")
        #expect(verify.text.contains(name), "\(verify.text)")
        let said = (recipe.text + recipe.errors).lowercased()
        #expect(
            file == "image" ? said.contains("medium of e001") : said.contains(name.lowercased()),
            "\(said)")
    }

    @Test("the recipe finds the files of a folder whatever their names")
    func recipeOnHostileNames() throws {
        let lab = try Laboratory()
        let names: [[UInt8]] = [
            Array("a\nb".utf8), [0x62, 0xFF, 0xFE, 0x0A], Array(" -rf ' \" \\n $(id) `id` %s\r".utf8), Array("é".utf8),
        ]
        try FileManager.default.createDirectory(atPath: lab.path("export"), withIntermediateDirectories: true)
        for (index, name) in names.enumerated() {
            let octal = name.map { "\\" + String(512 + Int($0), radix: 8).dropFirst() }.joined()
            let made = try lab.shell("cd export && name=$(printf '\(octal).') && echo \(index) >\"./${name%.}\"")
            try #require(made.status == 0, "\(made.errors)")
        }
        let job = try lab.signed(
            "process", lab.path("export"), "--case", lab.path("case"), "--number", "H-1", "--no-report")
        try #require(job.status == 0, "\(job.errors)")
        let variables = ["CASE": lab.path("case"), "IMAGE": lab.path("export")]
        let answer = try lab.shell(try Self.recipe(), variables)
        #expect(answer.status == 0, "\(answer.text)\(answer.errors)")
        _ = try lab.shell("echo x >\"export/$(printf 'a\\nb')\"")
        #expect(try lab.shell(try Self.recipe(), variables).text.contains("DIFFERS the medium"))
    }

    @Test("a changed catalogue is named")
    func changedCatalogue() throws {
        let job = try WholeJobTests.stick.get().copy()
        let change = try job.laboratory.tool(
            "sqlite3", job.casePath + "/catalog.sqlite",
            "UPDATE artifact SET line = replace(line, '\"origin\":\"carved\"', '\"origin\":\"embedded\"')")
        #expect(change.status == 0)
        let verify = try job.laboratory.run(["verify", "--case", job.casePath, "--skip-sources"])
        #expect(verify.status == 1)
        #expect(verify.text.contains("catalogue of E001"))
    }

    @Test("a catalogue that is gone is missed, not made anew empty")
    func missingCatalogue() throws {
        let job = try WholeJobTests.stick.get().copy()
        let catalogue = job.casePath + "/catalog.sqlite"
        try FileManager.default.removeItem(atPath: catalogue)
        let verify = try job.laboratory.run(["verify", "--case", job.casePath, "--skip-sources"])
        #expect(verify.status == 1)
        #expect(verify.text.contains("catalog.sqlite is missing"), "\(verify.text)")
        let export = try job.laboratory.run(["catalog", "export", "--case", job.casePath])
        #expect(export.status == 2)
        #expect(!FileManager.default.fileExists(atPath: catalogue))
    }

    @Test("evidence that no entry speaks of is named")
    func strangeEvidence() throws {
        let job = try WholeJobTests.stick.get().copy()
        try FileManager.default.copyItem(
            atPath: job.casePath + "/evidence/E001", toPath: job.casePath + "/evidence/E777")
        let verify = try job.laboratory.run(["verify", "--case", job.casePath, "--skip-sources"])
        #expect(verify.status == 1)
        #expect(verify.text.contains("evidence/E777"), "\(verify.text)")
    }

    @Test("a changed place of the medium is named by its block")
    func namesTheBlock() throws {
        let job = try WholeJobTests.stick.get().copy()
        let image = job.laboratory.path("block-\(UUID().uuidString).dd")
        try flip(job.image, (2 << 20) + 5, to: image)
        let verify = try job.laboratory.run(["verify", "--case", job.casePath, "--source", "E001=" + image])
        #expect(verify.text.contains("bytes 2097152 to 3145727"), "\(verify.text)")
    }

    private func flip(_ path: String, _ offset: Int, to target: String) throws {
        var bytes = Array(try Data(contentsOf: URL(filePath: path)))
        let place = min(offset, bytes.count - 1)
        bytes[place] ^= 1
        try Data(bytes).write(to: URL(filePath: target))
    }
}
