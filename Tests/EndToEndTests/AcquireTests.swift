import EvidenceModel
import Foundation
import Testing

/// A disk that fails at chosen sectors: an NBD server in a shell script, shown as a file by nbdfuse, and as a block
/// device where the system lets us.
private final class FailingDisk {
    let file: String
    private let lab: Laboratory
    private let mount: String
    private let server: RunningProgram
    private var loop: String?

    static let isPossible =
        geteuid() == 0 && FileManager.default.fileExists(atPath: "/dev/fuse")
        && FileManager.default.isExecutableFile(atPath: "/usr/bin/nbdfuse")
        && FileManager.default.isExecutableFile(atPath: "/usr/bin/nbdkit")

    private static let script = """
        #!/bin/sh
        case "$1" in
          get_size) stat -c %s DISK ;;
          pread)
            if [ -e DISK.gone ]; then echo EIO >&2; exit 1; fi
            first=$(($4 / 512)); last=$((($4 + $3 - 1) / 512))
            for bad in BAD; do
              if [ "$bad" -ge "$first" ] && [ "$bad" -le "$last" ]; then echo EIO >&2; exit 1; fi
            done
            dd if=DISK iflag=skip_bytes,count_bytes,fullblock skip="$4" count="$3" bs=1M status=none ;;
          *) exit 2 ;;
        esac
        """

    /// - Parameter delay: seconds that each request takes.
    init(_ lab: Laboratory, _ content: [UInt8], bad: [Int], delay: Double = 0) throws {
        self.lab = lab
        let disk = try lab.file("disk.content", content)
        let script = Self.script.replacingOccurrences(of: "DISK", with: disk)
            .replacingOccurrences(of: "BAD", with: bad.isEmpty ? "-1" : bad.map(String.init).joined(separator: " "))
            .replacingOccurrences(of: "pread)", with: delay > 0 ? "pread)\n    sleep \(delay)" : "pread)")
        let path = try lab.file("disk.sh", Array(script.utf8))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        mount = lab.path("mount")
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
        file = mount + "/sdx"
        server = try lab.startTool("nbdfuse", [file, "--command", "nbdkit", "-s", "sh", path])
        let deadline = Date().addingTimeInterval(20)
        while !FileManager.default.fileExists(atPath: file), Date() < deadline { usleep(20_000) }
        try #require(FileManager.default.fileExists(atPath: file))
    }

    /// The disk does not answer any more, or again.
    func setGone(_ isGone: Bool) throws {
        let flag = lab.path("disk.content.gone")
        if isGone {
            try Data().write(to: URL(filePath: flag))
        } else {
            try FileManager.default.removeItem(atPath: flag)
        }
    }

    /// The disk as a block device; nil where the system has none to give.
    func device() throws -> String? {
        let answer = try lab.tool("losetup", "-f", "--show", "-r", "--direct-io=on", file)
        guard answer.status == 0 else { return nil }
        loop = answer.text.trimmingCharacters(in: .whitespacesAndNewlines)
        return loop
    }

    deinit {
        if let loop { _ = try? lab.tool("losetup", "-d", loop) }
        _ = try? lab.tool("fusermount3", "-u", "-z", mount)
        _ = try? server.answer()
    }
}

@Suite("Acquisition, with the real program", .timeLimit(.minutes(5)))
struct AcquireTests {
    static let hasTools = FileManager.default.isExecutableFile(atPath: "/usr/bin/ewfverify")

    let lab: Laboratory

    init() throws {
        lab = try Laboratory()
        let made = try lab.signed("case", "new", "--case", lab.path("case"), "--number", "T-1")
        try #require(made.status == 0, "\(made.errors)")
    }

    /// Noise that is the same in every run, with zeros between when asked for.
    private func content(_ count: Int, zeros: Bool = true) throws -> [UInt8] {
        let answer = try lab.shell(
            "openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null | head -c $COUNT", ["COUNT": String(count)]
        )
        var content = answer.output
        try #require(content.count == count)
        guard zeros else { return content }
        for start in stride(from: 70_000, to: count - 30_000, by: 150_000) {
            content.replaceSubrange(start..<start + 30_000, with: repeatElement(0, count: 30_000))
        }
        return content
    }

    private func arguments(_ source: String, _ item: String, _ target: String, _ more: [String] = []) -> [String] {
        [
            "acquire", source, "--case", lab.path("case"), "--item", item, "--to", lab.path(target), "--json",
            "--passphrase-file", lab.passphrase.path,
        ] + more
    }

    private func value(_ answer: Answer) throws -> CanonicalValue {
        let line = try #require(answer.text.split(separator: "\n").last, "\(answer.errors)")
        return try CanonicalValue(parsing: Array(line.utf8))
    }

    private func manifest(_ item: String) throws -> CanonicalValue {
        try CanonicalValue(parsing: try lab.content(lab.path("case/evidence/\(item)/manifest.json")))
    }

    private func unreadable(_ item: String) throws -> [Range<Int>] {
        try #require(try manifest(item)["unreadable"]?.array).map {
            let offset = try #require($0["offset"]?.size)
            return offset / 512..<(offset + (try #require($0["length"]?.size))) / 512
        }
    }

    @Test(
        "an image of either format has the medium's digests, is verified, signed and recorded",
        arguments: ["e01", "raw"])
    func wholeFlow(format: String) throws {
        let content = try self.content((3 << 20) + 1024)
        let source = try lab.file("source.bin", content)
        let sha256 = String(try lab.tool("sha256sum", source).text.prefix(64))
        let more = format == "e01" ? ["--segment-size", "1MiB"] : []
        let answer = try lab.run(arguments(source, "E001", "stick", ["--format", format, "--digest", "sha512"] + more))
        try #require(answer.status == 0, "\(answer.errors)")
        let result = try value(answer)
        #expect(result["digests"]?["sha256"]?.string == sha256)
        #expect(result["digests"]?["sha512"] != nil)
        #expect(result["image"]?["read_back"]?.string == "match")
        #expect(result["image"]?["read_back_ms"]?.integer != nil)
        #expect(!FileManager.default.fileExists(atPath: lab.path("stick.acquire")))
        #expect(!FileManager.default.fileExists(atPath: lab.path("stick.acquire.blocks")))

        let manifest = try manifest("E001")
        let files = try #require(manifest["image"]?["files"]?.array)
        #expect(files.count == (format == "e01" ? 3 : 1))
        for file in files {
            let name = try #require(file["name"]?.string)
            #expect(file["sha256"]?.string == String(try lab.tool("sha256sum", lab.path(name)).text.prefix(64)))
        }
        let verification = try lab.run(["verify", "--case", lab.path("case")])
        #expect(verification.status == 0, "\(verification.text)")
        let ledger = try lab.run(["ledger", "show", "--case", lab.path("case"), "--json"]).text
        for verb in ["acquire.begin", "acquire.end", "custody.verify"] { #expect(ledger.contains(verb), "\(verb)") }
        #expect(try lab.run(["ledger", "audit", "--case", lab.path("case")]).status == 0)

        let image = lab.path(format == "e01" ? "stick.E01" : "stick.dd")
        let recipe = try lab.shell(try TamperingTests.recipe(), ["CASE": lab.path("case"), "IMAGE": image])
        #expect(recipe.status == 0, "\(recipe.text)\(recipe.errors)")

        // The image, and not the source, is what is verified from now on.
        try FileManager.default.removeItem(atPath: source)
        #expect(try lab.run(["verify", "--case", lab.path("case")]).status == 0)
        var changed = try lab.content(image)
        // In an E01: a letter of the header, which no digest of the medium covers.
        changed[format == "e01" ? 100 : 1000] ^= 1
        try lab.file((image as NSString).lastPathComponent, changed)
        #expect(try lab.run(["verify", "--case", lab.path("case")]).status == 1)
        let again = try lab.run(arguments(lab.path("passphrase"), "E002", "stick", ["--format", format]))
        #expect(again.status == 2)
        #expect(again.errors.contains("not overwritten"))
    }

    @Test(
        "a disk with bad sectors is imaged with exactly those listed", .enabled(if: FailingDisk.isPossible),
        arguments: ["e01", "raw"])
    func badSectors(format: String) throws {
        let content = try self.content(3 << 20)
        // A file is looked at from both ends to tell what it is; a device need not show these.
        let isFile = format == "raw" || !FileManager.default.fileExists(atPath: "/dev/loop-control")
        let outer = isFile ? (200, 5500) : (0, 6143)
        let bad = [outer.0, 1037, 1038, 1039, 2047, 2048, 4000, outer.1]
        let disk = try FailingDisk(lab, content, bad: bad)
        var expected = content
        for sector in bad { for index in sector * 512..<(sector + 1) * 512 { expected[index] = 0 } }
        let source = isFile ? disk.file : try #require(try disk.device())
        let answer = try lab.run(arguments(source, "E001", "disk", ["--format", format, "--retries", "0"]))
        #expect(answer.status == 1, "\(answer.errors)")
        let ranges = [outer.0..<outer.0 + 1, 1037..<1040, 2047..<2049, 4000..<4001, outer.1..<outer.1 + 1]
        #expect(try unreadable("E001") == ranges)
        #expect(try value(answer)["image"]?["read_back"]?.string == "match")
        let ledger = try lab.run(["ledger", "show", "--case", lab.path("case"), "--json"]).text
        #expect(ledger.contains("\"unreadable_ranges\":5"))
        if format == "raw" {
            let isEqual = try lab.content(lab.path("disk.dd")) == expected
            #expect(isEqual)
        } else if Self.hasTools {
            #expect(try lab.tool("ewfverify", "-q", "-d", "sha1", lab.path("disk.E01")).status == 0)
            let info = try lab.tool("ewfinfo", lab.path("disk.E01")).text
            for words in ["total number: 5", "1037 - 1039 number: 3", "2047 - 2048 number: 2"] {
                #expect(info.contains(words), "\(info)")
            }
            let exported = try lab.tool("ewfexport", "-u", "-q", "-f", "raw", "-t", "-", lab.path("disk.E01")).output
            let isEqual = Array(exported.prefix(expected.count)) == expected
            #expect(isEqual)
        }
        #expect(try lab.run(["verify", "--case", lab.path("case")]).status == 0)
    }

    @Test(
        "a disk that is gone ends the acquisition; what it did not give is not taken for zeros",
        .enabled(if: FailingDisk.isPossible))
    func goneDisk() throws {
        let content = try self.content(12 << 20)
        let disk = try FailingDisk(lab, content, bad: [100], delay: 0.05)
        let run = try lab.start(arguments(disk.file, "E001", "disk", ["--durable-every", "0", "--retries", "0"]))
        let journal = lab.path("disk.acquire.blocks")
        let deadline = Date().addingTimeInterval(60)
        while Date() < deadline, try !FileManager.default.fileExists(atPath: journal) || lab.content(journal).count < 64
        {
            usleep(10_000)
        }
        try disk.setGone(true)
        let answer = try run.answer()
        #expect(answer.status == 1)
        #expect(answer.errors.contains("does not answer any more"), "\(answer.errors)")
        #expect(answer.errors.contains("--resume"))
        #expect(try lab.run(["ledger", "show", "--case", lab.path("case"), "--json"]).text.contains("interruption"))
        try disk.setGone(false)
        let resumed = try lab.run(arguments(disk.file, "E001", "disk", ["--resume", "--retries", "0"]))
        #expect(resumed.status == 1, "\(resumed.errors)")
        #expect(try unreadable("E001") == [100..<101])
        #expect(try manifest("E001")["image"]?["resumptions"]?.integer == 1)
        #expect(try lab.run(["verify", "--case", lab.path("case")]).status == 0)
    }

    @Test(
        "killed ten times at random, an acquisition gives the same image as one that was not",
        arguments: ["e01", "raw"])
    func killed(format: String) throws {
        let content = try self.content(12 << 20)
        let source = try lab.file("source.bin", content)
        let sha256 = String(try lab.tool("sha256sum", source).text.prefix(64))
        let options = ["--format", format, "--durable-every", "0", "--workers", "1"]
        var generator = SystemRandomNumberGenerator()
        // The journal of the first run holds the time that all of them write; from it one run goes through to its end.
        var first = try lab.start(arguments(source, "E001", "cut", options))
        let deadline = Date().addingTimeInterval(60)
        while Date() < deadline, first.isRunning, !FileManager.default.fileExists(atPath: lab.path("cut.acquire")) {
            usleep(1000)
        }
        first.kill()
        _ = try first.answer()
        try #require(FileManager.default.fileExists(atPath: lab.path("cut.acquire")))
        let whole = try Laboratory(copying: lab)
        for name in try FileManager.default.contentsOfDirectory(atPath: lab.folder.path) where name.hasPrefix("cut.") {
            try FileManager.default.copyItem(atPath: lab.path(name), toPath: whole.path(name))
        }
        let uninterrupted = try whole.run([
            "acquire", source, "--case", whole.path("case"), "--item", "E001", "--to", whole.path("cut"), "--resume",
            "--passphrase-file", whole.passphrase.path,
        ])
        try #require(uninterrupted.status == 0, "\(uninterrupted.errors)")

        for _ in 0..<10 {
            first = try lab.start(arguments(source, "E001", "cut", options + ["--resume"]))
            usleep(UInt32.random(in: 0...400_000, using: &generator))
            first.kill()
            _ = try first.answer()
        }
        if FileManager.default.fileExists(atPath: lab.path("cut.acquire")) {
            let last = try lab.run(arguments(source, "E001", "cut", options + ["--resume"]))
            #expect(last.status == 0, "\(last.errors)")
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: whole.folder.path)
            .filter { $0.hasPrefix("cut.") }.sorted()
        #expect(names == (format == "raw" ? ["cut.dd"] : ["cut.E01"]))
        for name in names {
            let isEqual = try lab.content(lab.path(name)) == whole.content(whole.path(name))
            #expect(isEqual, "\(name)")
        }
        #expect(try manifest("E001")["digests"]?.array?.contains { $0["hex"]?.string == sha256 } == true)
        #expect(try lab.run(["ledger", "audit", "--case", lab.path("case")]).status == 0)
        #expect(try lab.run(["verify", "--case", lab.path("case")]).status == 0)
        let ledger = try lab.run(["ledger", "show", "--case", lab.path("case"), "--json"]).text
        #expect(ledger.contains("continues an interrupted acquisition"))
    }

    @Test("Ctrl-C ends at a durable point and tells how to go on")
    func stopped() throws {
        let source = try lab.file("source.bin", content(30 << 20))
        let run = try lab.start(arguments(source, "E001", "disk", ["--workers", "1"]))
        let deadline = Date().addingTimeInterval(60)
        while Date() < deadline, run.isRunning, !FileManager.default.fileExists(atPath: lab.path("disk.acquire")) {
            usleep(1000)
        }
        run.interrupt()
        let answer = try run.answer()
        #expect(answer.status == 1, "\(answer.errors)")
        #expect(answer.errors.contains("--resume"))
        let resumed = try lab.run(arguments(source, "E001", "disk", ["--resume"]))
        #expect(resumed.status == 0, "\(resumed.errors)")
    }

    @Test("a full disk leaves an image that can be continued", .enabled(if: geteuid() == 0))
    func fullDisk() throws {
        let source = try lab.file("source.bin", content(8 << 20, zeros: false))
        let small = lab.path("small")
        try FileManager.default.createDirectory(atPath: small, withIntermediateDirectories: true)
        guard try lab.tool("mount", "-t", "tmpfs", "-o", "size=5m", "none", small).status == 0 else { return }
        defer { _ = try? lab.tool("umount", "-l", small) }
        let answer = try lab.run(arguments(source, "E001", "small/disk", ["--durable-every", "0"]))
        #expect(answer.status == 1)
        #expect(answer.errors.contains("No space left on device"), "\(answer.errors)")
        #expect(answer.errors.contains("more bytes may be needed"))
        #expect(try lab.run(["ledger", "show", "--case", lab.path("case"), "--json"]).text.contains("disk_full"))
        let raw = try lab.run(arguments(source, "E002", "small/raw", ["--format", "raw"]))
        #expect(raw.status == 2)
        #expect(raw.errors.contains("Make room"))
        try #require(try lab.tool("mount", "-o", "remount,size=30m", small).status == 0)
        let resumed = try lab.run(arguments(source, "E001", "small/disk", ["--resume"]))
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(try manifest("E001")["image"]?["read_back"]?.string == "match")
    }

    @Test("an image is never put onto the device that it is made of", .enabled(if: geteuid() == 0))
    func ontoItself() throws {
        let volume = lab.path("volume.img")
        let mount = lab.path("mounted")
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
        try #require(try lab.tool("mkfs.fat", "-C", volume, "16384").status == 0)
        let loop = try lab.tool("losetup", "-f", "--show", volume)
        // Where there are no loop devices there is nothing to try it with.
        guard loop.status == 0 else { return }
        let device = loop.text.trimmingCharacters(in: .whitespacesAndNewlines)
        defer { _ = try? lab.tool("losetup", "-d", device) }
        guard try lab.tool("mount", device, mount).status == 0 else { return }
        defer { _ = try? lab.tool("umount", "-l", mount) }
        let mounted = try lab.run(arguments(device, "E001", "image"))
        #expect(mounted.status == 2)
        #expect(mounted.errors.contains("mounted for writing"))
        let onto = try lab.run(arguments(device, "E001", "mounted/image", ["--force", "--reason", "test"]))
        #expect(onto.status == 2)
        #expect(onto.errors.contains("itself"), "\(onto.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: mount).isEmpty)
    }

    @Test("another device is not taken for the one that was interrupted")
    func otherDevice() throws {
        let content = try self.content(8 << 20)
        let source = try lab.file("source.bin", content)
        let run = try lab.start(arguments(source, "E001", "disk", ["--durable-every", "0", "--workers", "1"]))
        let blocks = lab.path("disk.acquire.blocks")
        let deadline = Date().addingTimeInterval(60)
        while Date() < deadline, run.isRunning,
            try !FileManager.default.fileExists(atPath: blocks) || lab.content(blocks).count < 64
        {
            usleep(1000)
        }
        run.kill()
        _ = try run.answer()
        guard FileManager.default.fileExists(atPath: blocks) else { return }
        var other = content
        other[10] ^= 1
        try lab.file("other.bin", other)
        let answer = try lab.run(arguments(lab.path("other.bin"), "E001", "disk", ["--resume"]))
        #expect(answer.status != 0)
        #expect(answer.errors.contains("not the device") || answer.errors.contains("ledger"), "\(answer.errors)")
        try lab.file("short.bin", Array(content.dropLast(512)))
        let short = try lab.run(arguments(lab.path("short.bin"), "E001", "disk", ["--resume"]))
        #expect(short.status == 2)
        #expect(short.errors.contains("another one"))
    }
}
