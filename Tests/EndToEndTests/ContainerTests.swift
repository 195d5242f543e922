import EvidenceModel
import Foundation
import Testing

/// One of each kind of container, through the real program; the whole table is made by `scripts/container-table`.
@Suite("Containers, with the real program")
struct ContainerTests {
    static let hasTools = FileManager.default.isExecutableFile(atPath: "/usr/bin/qemu-img")

    let lab: Laboratory
    let medium: [UInt8]

    init() throws {
        lab = try Laboratory()
        var numbers = SeededNumbers(seed: 11)
        medium = (0..<2_000_384).map { $0 / 40_000 % 3 == 0 ? 0 : UInt8(truncatingIfNeeded: numbers.next()) }
        try lab.file("medium.dd", medium)
        let made = try lab.signed("case", "new", "--case", lab.path("case"), "--number", "T-1")
        try #require(made.status == 0, "\(made.errors)")
    }

    private func shell(_ command: String) throws {
        let answer = try lab.shell(command)
        try #require(answer.status == 0, "\(command): \(answer.text)\(answer.errors)")
    }

    private func ingest(
        _ file: String, item: String, _ more: String...
    ) throws -> (answer: Answer, value: CanonicalValue?) {
        let answer = try lab.run(
            ["ingest", lab.path(file), "--case", lab.path("case"), "--item", item, "--json"] + more
                + ["--passphrase-file", lab.passphrase.path])
        let line = answer.text.split(separator: "\n").last.map { Array($0.utf8) } ?? []
        return (answer, line.isEmpty ? nil : try CanonicalValue(parsing: line))
    }

    private func sha256(_ file: String) throws -> String {
        String(try lab.tool("sha256sum", lab.path(file)).text.prefix(64))
    }

    private func listing(_ item: String) throws -> [CanonicalValue] {
        try lab.content(lab.path("case/evidence/\(item)/files.jsonl")).split(separator: 10)
            .map { try CanonicalValue(parsing: Array($0)) }
    }

    @Test("virtual disks give the medium's digest, and all of it verifies; no process stays", .enabled(if: hasTools))
    func virtualDisks() throws {
        let right = try sha256("medium.dd")
        let makers = [
            ("a.qcow2", "qcow2", "-c"), ("a.vmdk", "vmdk", "-o subformat=twoGbMaxExtentSparse"),
            ("a.vhd", "vpc", "-o subformat=fixed,force_size=on"), ("a.vhdx", "vhdx", ""), ("a.vdi", "vdi", ""),
        ]
        for (name, format, options) in makers {
            try shell("qemu-img convert -f raw -O \(format) \(options) medium.dd \(name)")
            let (answer, value) = try ingest(name, item: format)
            #expect(answer.status == 0, "\(format): \(answer.errors)")
            #expect(value?["digests"]?["sha256"]?.string == right, "\(format)")
            let recipe = try lab.shell(
                try TamperingTests.recipe(), ["CASE": lab.path("case"), "IMAGE": lab.path(name), "ITEM": format])
            #expect(recipe.status == 0, "\(format): \(recipe.text)\(recipe.errors)")
        }
        let verification = try lab.run(["verify", "--case", lab.path("case")])
        #expect(verification.status == 0, "\(verification.text)")
        let processes = try lab.shell("ps -eo args")
        #expect(!processes.text.contains(lab.folder.path + "/a."))
    }

    @Test("a virtual disk that is cut off ends with status 1 and names what is lost", .enabled(if: hasTools))
    func cutOff() throws {
        try shell("qemu-img convert -f raw -O qcow2 medium.dd a.qcow2 && truncate -s 1500000 a.qcow2")
        let (answer, value) = try ingest("a.qcow2", item: "E1")
        #expect(answer.status == 1, "\(answer.errors)")
        #expect(value?["damage"]?.array?.isEmpty == false)
        #expect((value?["unreadable"]?.size ?? 0) > 0)
        let verification = try lab.run(["verify", "--case", lab.path("case")])
        #expect(verification.status == 1)
        #expect(verification.text.contains("beyond the end of the file"), "\(verification.text)")
    }

    @Test("a backing file is read when it is named, and its place is remembered", .enabled(if: hasTools))
    func backing() throws {
        try shell("mkdir base && qemu-img convert -f raw -O qcow2 medium.dd base/base.qcow2")
        try shell("qemu-img create -f qcow2 -b base/base.qcow2 -F qcow2 top.qcow2")
        let refused = try ingest("top.qcow2", item: "E1")
        #expect(refused.answer.status == 2)
        #expect(refused.answer.errors.contains("--backing"))
        let (answer, value) = try ingest("top.qcow2", item: "E2", "--backing", lab.path("base/base.qcow2"))
        #expect(answer.status == 0, "\(answer.errors)")
        #expect(value?["digests"]?["sha256"]?.string == (try sha256("medium.dd")))
        #expect(try lab.run(["verify", "--case", lab.path("case")]).status == 0)
        try shell("mv base moved")
        #expect(try lab.run(["verify", "--case", lab.path("case")]).status == 1)
        let found = try lab.run([
            "verify", "--case", lab.path("case"), "--backing", "E2=" + lab.path("moved/base.qcow2"),
        ])
        #expect(found.status == 0, "\(found.text)")
    }

    @Test("an archive is its file, and its members are listed and signed")
    func archives() throws {
        try shell("mkdir -p in/sub && cp medium.dd in/sub && echo evidence >in/a.txt && cd in && tar -czf ../a.tgz .")
        let (answer, value) = try ingest("a.tgz", item: "E1")
        #expect(answer.status == 0, "\(answer.errors)")
        #expect(value?["kind"]?.string == "archive")
        #expect(value?["digests"]?["sha256"]?.string == (try sha256("a.tgz")))
        let member = try listing("E1").first { $0["path"]?.string == "./sub/medium.dd" }
        #expect(member?["sha256"]?.string == (try sha256("medium.dd")))
        #expect(member?["size"]?.size == medium.count)
        let verification = try lab.run(["verify", "--case", lab.path("case")])
        #expect(verification.status == 0, "\(verification.text)")
        #expect(verification.text.contains("files.jsonl"))
        try shell("printf x >>case/evidence/E1/files.jsonl")
        #expect(try lab.run(["verify", "--case", lab.path("case")]).status == 1)
    }

    @Test("bombs and damaged archives end with status 1, in words; nothing is written outside")
    func bombs() throws {
        // 600 MiB of zeros in a file of less than 100 KiB.
        try shell("truncate -s 600M zeros && tar -cJf bomb.tar.xz zeros && rm zeros")
        let bomb = try ingest("bomb.tar.xz", item: "E1")
        #expect(bomb.answer.status == 1, "\(bomb.answer.errors)")
        #expect(bomb.answer.text.contains("limit on ratio"))
        try shell("tar -cf out.tar --transform 's,^,../../../escaped/,' -P medium.dd")
        let outside = try ingest("out.tar", item: "E2")
        #expect(outside.answer.status == 0, "\(outside.answer.errors)")
        #expect(outside.answer.text.contains("lead out"))
        #expect(!FileManager.default.fileExists(atPath: lab.path("../../../escaped")))
        try shell("tar -czf cut.tgz medium.dd && truncate -s 300000 cut.tgz")
        let cut = try ingest("cut.tgz", item: "E3")
        #expect(cut.answer.status == 1)
        #expect(try listing("E3").first?["not_read"]?.string?.contains("damaged") == true)
        // What was damaged when it came stays so: no later check may call it whole.
        let verification = try lab.run(["verify", "E3", "--case", lab.path("case")])
        #expect(verification.status == 1 && verification.text.contains("archive of E3"), "\(verification.text)")
        try shell("mv cut.tgz none.zip")
        let none = try ingest("none.zip", item: "E4")
        #expect(none.answer.text.contains("named like an archive"), "\(none.answer.text)")
    }

    @Test("fifty thousand members are listed, each of them")
    func manyMembers() throws {
        // One header of an empty file, again and again.
        try shell(
            "touch empty && tar --format=ustar -cf one.tar empty && head -c 512 one.tar >block && "
                + "for i in $(seq 200); do cat block; done >some && for i in $(seq 250); do cat some; done >many.tar && "
                + "head -c 1024 /dev/zero >>many.tar")
        let (answer, _) = try ingest("many.tar", item: "E1")
        #expect(answer.status == 0, "\(answer.errors)")
        #expect(answer.text.contains("more than once"))
        #expect(try listing("E1").count == 50_000)
    }
}
