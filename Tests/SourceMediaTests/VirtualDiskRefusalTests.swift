import EvidenceModel
import Foundation
import Testing

@testable import SourceMedia

@Suite("What a virtual disk asks for and does not get")
struct VirtualDiskRefusalTests {
    private func refusal(_ path: String, backing: [String] = []) -> SourceError? {
        #expect(throws: SourceError.self) { _ = try SourceOpener.open(path, SourceOptions(backing: backing)) }
    }

    @Test("a backing file is refused by name, and read when the user names it", arguments: ["qcow2", "qcow", "vmdk"])
    func backing(format: String) throws {
        let bench = try DiskBench()
        let medium = DiskBench.medium(2 << 20)
        let base = try bench.convert(medium, to: "base." + format, format: format)
        try bench.run("qemu-img", ["create", "-f", format, "-b", "base." + format, "-F", format, "top." + format])
        let change = [UInt8](repeating: 0xA5, count: 4096)
        try bench.run("qemu-io", ["-f", format, "-c", "write -P 0xa5 64k 4k", "top." + format])
        let top = bench.path("top." + format)
        let error = refusal(top)
        #expect(error?.code == .incomplete)
        #expect(error?.message.contains("base." + format) == true)
        let source = try SourceOpener.open(top, SourceOptions(backing: [base]))
        var expected = medium
        expected.replaceSubrange(65536..<65536 + 4096, with: change)
        #expect(try wholeContent(source) == expected)
        #expect(source.description.files.map(\.name) == ["top." + format, "base." + format])
        #expect(refusal(base, backing: [top])?.code == .unsupported)
        #expect(refusal(top, backing: [base, base])?.code == .unsupported)
    }

    @Test("a raw backing file is taken as raw only where the image says so")
    func rawBacking() throws {
        let bench = try DiskBench()
        let medium = DiskBench.medium(1 << 20)
        let base = try bench.file("base.dd", medium)
        try bench.run("qemu-img", ["create", "-f", "qcow2", "-b", "base.dd", "-F", "raw", "top.qcow2"])
        #expect(try wholeContent(SourceOpener.open(bench.path("top.qcow2"), SourceOptions(backing: [base]))) == medium)
        try bench.run("qemu-img", ["create", "-f", "qcow2", "-b", "x", "-F", "qcow2", "-u", "top.qcow2", "1M"])
        #expect(refusal(bench.path("top.qcow2"), backing: [base])?.code == .unsupported)
    }

    @Test("--backing for what rests on nothing is an error")
    func needlessBacking() throws {
        let bench = try DiskBench()
        let raw = try bench.file("disk.dd", [1, 2, 3])
        #expect(refusal(raw, backing: [raw])?.code == .unsupported)
    }

    @Test("external data files, encryption and unknown features are refused")
    func features() throws {
        let bench = try DiskBench()
        let plain = try bench.content(
            URL(filePath: try bench.convert([UInt8](repeating: 7, count: 65536), to: "a.qcow2", format: "qcow2"))
                .lastPathComponent)
        for (offset, value) in [(79, 4), (79, 128), (35, 1), (35, 2)] as [(Int, UInt8)] {
            var bytes = plain
            bytes[offset] = value
            let error = refusal(try bench.file("b.qcow2", bytes))
            #expect(error?.code == .unsupported, "\(offset) \(value) \(error?.message ?? "")")
        }
        try bench.run("qemu-img", ["create", "-f", "qcow2", "-o", "data_file=x.raw,data_file_raw=on", "d.qcow2", "1M"])
        #expect(refusal(bench.path("d.qcow2"))?.message.contains("external data file") == true)
    }

    static let extentLines = [
        "RW 8 FLAT \"/etc/passwd\" 0", "RW 8 FLAT \"../secret\" 0", "RW 8 FLAT \"nbd:unix:/x\" 0",
        "RW 8 FLAT \"json:{}\" 0", "RW 8 VMFSRAW \"x\" 0", "RW 8 VMFSRDM \"disk-flat.vmdk\"", "RW 8 FLAT \"link\" 0",
        "RW 8 FLAT \"pipe\" 0", "RW 8 FLAT \"folder\" 0", "NOACCESS 8 FLAT \"disk-flat.vmdk\" 0",
        "RW 99999999999999999999 FLAT \"disk-flat.vmdk\" 0", "RW 8 FLAT \"disk-flat.vmdk\" 9223372036854775807",
        "RW 8 SPARSE \"disk-flat.vmdk\"", "RW 8 FLAT \"\" 0", "RW 8 FLAT disk-flat.vmdk 0", "",
    ]

    @Test("extents that are not plain files beside the descriptor are refused", arguments: extentLines)
    func extents(line: String) throws {
        let bench = try DiskBench()
        try bench.file("disk-flat.vmdk", [UInt8](repeating: 1, count: 4096))
        try FileManager.default.createSymbolicLink(atPath: bench.path("link"), withDestinationPath: "/etc/passwd")
        try bench.run("mkfifo", ["pipe"])
        try FileManager.default.createDirectory(atPath: bench.path("folder"), withIntermediateDirectories: true)
        let text =
            "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"custom\"\n\(line)\n"
        let path = try bench.file("disk.vmdk", Array(text.utf8))
        let error = refusal(path)
        #expect([.unsupported, .damaged].contains(error?.code), "\(error?.message ?? "")")
    }

    @Test("a footer that does not fit leaves the file raw, and is told")
    func foreignFooter() throws {
        let bench = try DiskBench()
        let medium = DiskBench.medium(1 << 20)
        let image = try bench.content(
            URL(
                filePath: try bench.convert(
                    medium, to: "a.vhd", format: "vpc", options: "subformat=fixed,force_size=on")
            ).lastPathComponent)
        let fixed = try SourceOpener.open(bench.path("a.vhd"))
        #expect(fixed.description.kind == .vhd)
        #expect(fixed.description.warnings.contains { $0.contains("512 bytes") })
        let longer = try SourceOpener.open(try bench.file("b.dd", [UInt8](repeating: 0, count: 512) + image))
        #expect(longer.description.kind == .raw)
        #expect(longer.size == image.count + 512)
        #expect(longer.description.warnings.contains { $0.contains("footer") })
        var altered = image
        altered[altered.count - 100] ^= 1
        #expect(try SourceOpener.open(try bench.file("c.dd", altered)).description.kind == .raw)
        #expect(refusal(try bench.file("c.vhd", altered))?.code == .damaged)
    }

    @Test(
        "files that are named like virtual disks and are none",
        arguments: ["a.vmdk", "a.vhd", "a.vhdx", "a.qcow2", "a.vdi"])
    func named(name: String) throws {
        let bench = try DiskBench()
        #expect(refusal(try bench.file(name, DiskBench.medium(100_000)))?.code == .damaged)
        #expect(refusal(try bench.file(name, []))?.code == .damaged)
    }

    @Test("differencing images and logs that wait to be replayed are refused")
    func differencing() throws {
        let bench = try DiskBench()
        let medium = DiskBench.medium(1 << 20)
        _ = try bench.convert(medium, to: "a.vdi", format: "vdi")
        var vdi = try bench.content("a.vdi")
        vdi[0x1B8] = 1
        #expect(refusal(try bench.file("b.vdi", vdi))?.message.contains("differencing") == true)
        _ = try bench.convert(medium, to: "a.vhd", format: "vpc", options: "force_size=on")
        var vhd = try bench.content("a.vhd")
        vhd[63] = 4
        #expect(refusal(try bench.file("b.vhd", vhd))?.message.contains("differencing") == true)
        _ = try bench.convert(medium, to: "a.vhdx", format: "vhdx")
        var vhdx = try bench.content("a.vhdx")
        for start in [64 << 10, 128 << 10] {
            vhdx[start + 48] = 1
            for index in 4..<8 { vhdx[start + index] = 0 }
            let sum = CRC32C.of(Array(vhdx[start..<start + 4096]))
            for index in 0..<4 { vhdx[start + 4 + index] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * index)) }
        }
        #expect(refusal(try bench.file("b.vhdx", vhdx))?.message.contains("log") == true)
    }

    @Test("a missing program is named with its package")
    func missingProgram() {
        let error = #expect(throws: SourceError.self) {
            try QEMUTools.require("/nonexistent/qemu-nbd", for: "a virtual disk")
        }
        #expect(error?.message.contains("qemu-utils") == true)
    }
}
