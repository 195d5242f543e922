import EvidenceModel
import Foundation
import Testing

@testable import SourceMedia

@Suite("Virtual disks as qemu-img makes them")
struct VirtualDiskReaderTests {
    struct Variant: CustomTestStringConvertible, Sendable {
        let format: String
        let name: String
        var options = ""
        var more: [String] = []
        let kind: SourceKind
        var testDescription: String { "\(format) \(options) \(more.joined(separator: " "))" }
    }

    static let variants = [
        Variant(format: "qcow2", name: "a.qcow2", kind: .qcow2),
        Variant(format: "qcow2", name: "a.qcow2", options: "compat=0.10", kind: .qcow2),
        Variant(format: "qcow2", name: "a.qcow2", options: "cluster_size=512", kind: .qcow2),
        Variant(format: "qcow2", name: "a.qcow2", options: "cluster_size=2M", kind: .qcow2),
        Variant(format: "qcow2", name: "a.qcow2", options: "extended_l2=on,cluster_size=128k", kind: .qcow2),
        Variant(format: "qcow2", name: "a.qcow2", options: "extended_l2=on", kind: .qcow2),
        Variant(format: "qcow2", name: "a.qcow2", more: ["-c"], kind: .qcow2),
        Variant(format: "qcow2", name: "a.qcow2", options: "compression_type=zstd", more: ["-c"], kind: .qcow2),
        Variant(format: "qcow2", name: "a.qcow2", options: "preallocation=metadata", kind: .qcow2),
        Variant(format: "qcow", name: "a.qcow", kind: .qcow2),
        Variant(format: "vmdk", name: "a.vmdk", kind: .vmdk),
        Variant(format: "vmdk", name: "a.vmdk", options: "subformat=monolithicFlat", kind: .vmdk),
        Variant(format: "vmdk", name: "a.vmdk", options: "subformat=twoGbMaxExtentSparse", kind: .vmdk),
        Variant(format: "vmdk", name: "a.vmdk", options: "subformat=twoGbMaxExtentFlat", kind: .vmdk),
        Variant(format: "vmdk", name: "a.vmdk", options: "subformat=streamOptimized", kind: .vmdk),
        Variant(format: "vpc", name: "a.vhd", options: "subformat=dynamic,force_size=on", kind: .vhd),
        Variant(format: "vpc", name: "a.vhd", options: "subformat=fixed,force_size=on", kind: .vhd),
        Variant(format: "vhdx", name: "a.vhdx", kind: .vhdx),
        Variant(format: "vhdx", name: "a.vhdx", options: "subformat=fixed", kind: .vhdx),
        Variant(format: "vdi", name: "a.vdi", kind: .vdi),
        Variant(format: "vdi", name: "a.vdi", options: "static=on", kind: .vdi),
    ]

    @Test("every format gives the bytes of its medium", arguments: variants)
    func formats(variant: Variant) throws {
        let bench = try DiskBench()
        let medium = DiskBench.medium(5 << 20 | 512 * 17)
        let path = try bench.convert(
            medium, to: variant.name, format: variant.format, options: variant.options, more: variant.more)
        let source = try SourceOpener.open(path)
        #expect(source.description.kind == variant.kind)
        #expect(source.description.damage.isEmpty, "\(source.description.damage)")
        #expect(source.size == medium.count)
        #expect(try wholeContent(source) == medium)
        #expect(try source.bytes(at: 1_000_001, count: 70_000) == Array(medium[1_000_001..<1_070_001]))
        #expect(source.unreadable.isEmpty)
        try source.checkUnchanged()
    }

    @Test(
        "a medium that ends within a cluster, and one that ends within a sector", arguments: [512, 1_000_000, 1 << 20])
    func oddSizes(size: Int) throws {
        let bench = try DiskBench()
        let medium = DiskBench.medium(size, seed: 5)
        let path = try bench.convert(medium, to: "a.qcow2", format: "qcow2")
        let source = try SourceOpener.open(path)
        // qemu-img itself counts whole sectors.
        let whole = (size + 511) / 512 * 512
        #expect(source.size == whole)
        #expect(try wholeContent(source) == medium + [UInt8](repeating: 0, count: whole - size))
    }

    @Test("images of which only parts of clusters were ever written are whole", arguments: ["", "-o extended_l2=on"])
    func partlyWritten(options: String) throws {
        let bench = try DiskBench()
        for format in ["qcow2", "vdi", "vmdk", "vhdx", "vpc", "qcow"] where options.isEmpty || format == "qcow2" {
            let words = options.split(separator: " ").map(String.init)
            try bench.run("qemu-img", ["create", "-f", format] + words + ["a.img", "4M"])
            for place in ["0 512", "1M 512", "2047k 1k", "3000k 1536"] {
                try bench.run("qemu-io", ["-f", format, "-c", "write -P 0x5a \(place)", "a.img"])
            }
            let source = try SourceOpener.open(bench.path("a.img"))
            #expect(source.description.damage.isEmpty, "\(format) \(source.description.damage)")
            let read = try wholeContent(source)
            #expect(source.unreadable.isEmpty, "\(format) \(source.unreadable)")
            #expect(read.count { $0 == 0x5A } == 512 + 512 + 1024 + 1536, "\(format)")
        }
    }

    @Test("several threads read at once")
    func threads() async throws {
        let bench = try DiskBench()
        let medium = DiskBench.medium(3 << 20)
        let source = try SourceOpener.open(try bench.convert(medium, to: "a.qcow2", format: "qcow2", more: ["-c"]))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for task in 0..<12 {
                group.addTask {
                    let offset = task * 200_003
                    return try source.bytes(at: offset, count: 300_000)
                        == Array(medium[offset..<min(medium.count, offset + 300_000)])
                }
            }
            for try await isEqual in group { #expect(isEqual) }
        }
    }

    @Test("runs of zeros that need not be read are zeros")
    func zeroRuns() throws {
        let bench = try DiskBench()
        var medium = [UInt8](repeating: 0, count: 6 << 20)
        for offset in 1 << 20..<(1 << 20) + 5000 { medium[offset] = 3 }
        for offset in medium.count - 700..<medium.count { medium[offset] = 4 }
        for (format, name) in [("qcow2", "a.qcow2"), ("vdi", "a.vdi"), ("vmdk", "a.vmdk")] {
            let source = try SourceOpener.open(try bench.convert(medium, to: name, format: format))
            #expect(try source.zeroRun(at: 0) > 0, "\(format)")
            #expect(try source.zeroRun(at: 1 << 20) == 0)
            for offset in stride(from: 0, to: medium.count, by: 99_991) {
                let run = try source.zeroRun(at: offset)
                #expect(medium[offset..<offset + run].allSatisfy { $0 == 0 })
            }
            #expect(try wholeContent(source) == medium)
        }
    }

    @Test("what the header tells is told")
    func properties() throws {
        let bench = try DiskBench()
        let medium = DiskBench.medium(1 << 20)
        let vhd = try SourceOpener.open(
            try bench.convert(medium, to: "a.vhd", format: "vpc", options: "force_size=on"))
        let names = Dictionary(
            vhd.description.properties.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        #expect(names["format"] == "VHD")
        #expect(names["variant"] == "dynamic")
        #expect(names["created"]?.hasPrefix("20") == true)
        let vmdk = try SourceOpener.open(
            try bench.convert(medium, to: "a.vmdk", format: "vmdk", options: "subformat=twoGbMaxExtentSparse"))
        #expect(vmdk.description.properties.contains(SourceProperty("variant", "twoGbMaxExtentSparse")))
        #expect(vmdk.description.files.map(\.name) == ["a.vmdk", "a-s001.vmdk"])
    }
}
