import EvidenceModel
import Foundation
import Testing

@Suite("Carving test images with the real program")
struct CarvingImageTests {
    @Test("every file in one piece is found exactly, nothing whole is wrong", arguments: ["contiguous", "hostile"])
    func images(name: String) throws {
        let job = try FinishedCase(image: Laboratory.testImage("\(name)/image.dd"), options: ["--no-report"])
        try Truth(name).compare(with: try job.artifacts())
    }

    @Test("nothing proven is wrong where files lie in pieces")
    func fragmented() throws {
        let job = try FinishedCase(image: Laboratory.testImage("fragmented/image.dd"), options: ["--no-report"])
        try Truth("fragmented").compare(with: try job.artifacts(), types: [], claims: ["proven"])
    }

    @Test("1, 2 and 8 workers give the same bytes, and so does carving alone")
    func workers() throws {
        let image = Laboratory.testImage("contiguous/image.dd")
        let jobs = try [1, 2, 8].map {
            try FinishedCase(image: image, options: ["--no-report", "--workers", String($0)])
        }
        let exports = try jobs.map { try $0.export() }
        #expect(!exports[0].isEmpty)
        #expect(exports[1] == exports[0])
        #expect(exports[2] == exports[0])
        let again = try jobs[0].laboratory.signed(
            "carve", "--case", jobs[0].casePath, "--item", "E001", "--workers", "2")
        #expect(again.status == 0, "\(again.errors)")
        #expect(try jobs[0].export() == exports[0])
    }

    @Test("artifacts are written out as they were catalogued")
    func writing() throws {
        let job = try WholeJobTests.stick.get()
        let target = job.laboratory.path("written")
        let answer = try job.laboratory.run(["artifact", "write", "--case", job.casePath, "--all", "--to", target])
        #expect(answer.status == 0, "\(answer.errors)")
        let written = try FileManager.default.contentsOfDirectory(atPath: target)
        let artifacts = try job.artifacts()
        #expect(written.count == artifacts.count)
        for artifact in artifacts {
            let id = try #require(artifact["id"]?.string)
            let name = try #require(written.first { $0.contains(id) })
            let digest = try job.laboratory.tool("sha256sum", target + "/" + name).text.prefix { $0 != " " }
            #expect(String(digest) == artifact["sha256"]?.string)
        }
        let twice = try job.laboratory.run(["artifact", "write", "--case", job.casePath, "--all", "--to", target])
        #expect(twice.status == 1, "files are never overwritten")
    }

    @Test("a folder is taken in with every name, and its files are named where they lie")
    func folderExport() throws {
        let lab = try Laboratory()
        let names = [
            "a b.txt", "quote\"'.html", "<script>alert(1)<>.png", "línea\nnueva", "\u{202E}gpj.exe", "目录/图.png", "leer",
        ]
        for name in names {
            let url = lab.folder.appending(path: "export").appending(path: name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            let content = name.hasSuffix("png") ? try pngSample() : Array("text of \(name)".utf8)
            try Data(name == "leer" ? [] : content).write(to: url)
        }
        try FileManager.default.createSymbolicLink(atPath: lab.path("export/link"), withDestinationPath: "/etc/passwd")
        let answer = try lab.signed(
            "process", lab.path("export"), "--case", lab.path("case"), "--number", "F-1", "--no-report")
        #expect(answer.status == 0, "\(answer.errors)")
        let listing = String(decoding: try lab.content(lab.path("case/evidence/E001/files.jsonl")), as: UTF8.self)
        let lines = listing.split(separator: "\n")
        #expect(lines.count == names.count + 1)
        #expect(listing.contains("not followed"))
        let export = try lab.run(["catalog", "export", "--case", lab.path("case")]).text
        #expect(export.split(separator: "\n").count == names.count - 1)
        #expect(export.contains("\"confidence\":\"proven\""))
        #expect(try lab.run(["verify", "--case", lab.path("case")]).status == 0)
        let report = try lab.signed("report", "--case", lab.path("case"))
        try #require(report.status == 0, "\(report.errors)")
        let page = String(decoding: try lab.content(lab.path("case/reports/R01/report.html")), as: UTF8.self)
        #expect(!page.contains("All of it was read"), "a link was not read")
        #expect(page.contains("symbolic link, not followed"))
        #expect(!page.contains("may be cut short"), "the files of a folder have the borders they have there")
        try Data("changed".utf8).write(to: URL(filePath: lab.path("export/a b.txt")))
        let changed = try lab.run(["verify", "--case", lab.path("case")])
        #expect(changed.status == 1)
        #expect(changed.text.contains("a b.txt") || changed.text.contains("bytes"), "\(changed.text)")
    }

    private func pngSample() throws -> [UInt8] {
        let folder = Laboratory.testImage("samples/png")
        let name = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()[0]
        return Array(try Data(contentsOf: URL(filePath: folder + "/" + name)))
    }
}
