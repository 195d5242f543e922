import EvidenceModel
import Foundation
import Testing

@testable import SourceMedia

@Suite("Damaged virtual disks")
struct VirtualDiskDamageTests {
    static let formats = [
        ("qcow2", "a.qcow2", ""), ("qcow", "a.qcow", ""), ("vmdk", "a.vmdk", ""),
        ("vmdk", "a.vmdk", "subformat=streamOptimized"), ("vmdk", "a.vmdk", "subformat=monolithicFlat"),
        ("vpc", "a.vhd", "force_size=on"), ("vhdx", "a.vhdx", ""), ("vdi", "a.vdi", ""),
    ]

    /// Every byte that is not listed as unreadable is the medium's.
    private func expectHonest(_ source: any SourceReader, _ medium: [UInt8], _ context: String) throws {
        let read = try wholeContent(source)
        #expect(read.count == medium.count)
        var expected = medium
        for range in source.unreadable {
            for offset in range.extent.offset..<range.extent.end { expected[offset] = 0 }
        }
        #expect(read == expected, "\(context)")
    }

    @Test("an image that is cut off is never called intact", arguments: formats)
    func cutOff(format: String, name: String, options: String) throws {
        let bench = try DiskBench()
        let medium = DiskBench.medium(9 << 20, seed: 3)
        _ = try bench.convert(medium, to: name, format: format, options: options)
        let file = options.hasSuffix("Flat") ? "a-flat.vmdk" : name
        let whole = try bench.content(file)
        for cut in [whole.count / 2, whole.count - 100_000, whole.count - 70_000, whole.count / 10] {
            try bench.file(file, Array(whole[..<cut]))
            do {
                let source = try SourceOpener.open(bench.path(name))
                #expect(!source.description.damage.isEmpty, "\(format) \(cut)")
                try expectHonest(source, medium, "\(format) \(cut)")
                #expect(!source.unreadable.isEmpty || cut > whole.count - 100_001)
            } catch let error as SourceError {
                #expect([.damaged, .unreadable].contains(error.code), "\(error.message)")
            }
        }
    }

    @Test("a flipped compressed cluster costs that cluster only")
    func damagedCluster() throws {
        let bench = try DiskBench()
        let medium = [UInt8]((0..<2 << 20).map { UInt8(truncatingIfNeeded: $0 / 3 ^ $0 >> 9) })
        let path = try bench.convert(medium, to: "a.qcow2", format: "qcow2", more: ["-c"])
        var bytes = try bench.content("a.qcow2")
        // Rubbish in the middle of the data, behind the tables.
        for offset in bytes.count - 9000..<bytes.count - 8600 { bytes[offset] = 0xFF }
        try bench.file("a.qcow2", bytes)
        let source = try SourceOpener.open(path)
        let read = try wholeContent(source)
        #expect(!source.unreadable.isEmpty)
        let lost = source.unreadable.reduce(0) { $0 + $1.extent.length }
        #expect(lost <= 4 * 65536)
        for range in source.unreadable { #expect(range.error.contains("no bytes")) }
        #expect(read.count == medium.count)
        try expectHonest(source, medium, "")
    }

    @Test("a killed process is started again, and nothing is lost")
    func killed() throws {
        let bench = try DiskBench()
        let medium = DiskBench.medium(4 << 20)
        let source = try #require(
            try SourceOpener.open(try bench.convert(medium, to: "a.vdi", format: "vdi")) as? VirtualDiskImage)
        for offset in [0, 1 << 20, 2 << 20] {
            let process = try #require(source.processID)
            #expect(kill(process, SIGKILL) == 0)
            #expect(try source.bytes(at: offset, count: 100_000) == Array(medium[offset..<offset + 100_000]))
            #expect(!DiskBench.isRunning(process))
        }
        #expect(source.unreadable.isEmpty)
    }

    @Test("a process that keeps dying is given up with a clear error")
    func keepsDying() throws {
        let bench = try DiskBench()
        let source = try #require(
            try SourceOpener.open(try bench.convert(DiskBench.medium(1 << 20), to: "a.vdi", format: "vdi"))
                as? VirtualDiskImage)
        let error = #expect(throws: SourceError.self) {
            for _ in 0...DiskServer.mostRestarts + 1 {
                if let process = source.processID { kill(process, SIGKILL) }
                _ = try source.bytes(at: 0, count: 4096)
            }
        }
        #expect(error?.message.contains("qemu-nbd") == true)
        #expect(source.processID == nil)
    }

    @Test("the process ends with the source")
    func ends() throws {
        let bench = try DiskBench()
        var source: VirtualDiskImage? =
            try SourceOpener.open(try bench.convert(DiskBench.medium(1 << 20), to: "a.vdi", format: "vdi"))
            as? VirtualDiskImage
        let process = try #require(source?.processID)
        #expect(DiskBench.isRunning(process))
        source = nil
        #expect(!DiskBench.isRunning(process))
    }

    @Test("an image that is changed while it is read is noticed")
    func changed() throws {
        let bench = try DiskBench()
        let path = try bench.convert(DiskBench.medium(1 << 20), to: "a.vmdk", format: "vmdk")
        let source = try SourceOpener.open(path)
        try source.checkUnchanged()
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: [0])
        try handle.close()
        #expect(throws: SourceError.self) { try source.checkUnchanged() }
    }

    @Test("altered headers are refused or read, never believed, and nothing stays behind", arguments: formats)
    func mutations(format: String, name: String, options: String) throws {
        let bench = try DiskBench()
        let medium = DiskBench.medium(300_032, seed: 9)
        _ = try bench.convert(medium, to: name, format: format, options: options)
        let whole = try bench.content(name)
        var state: UInt64 = 77
        func next() -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33)
        }
        for _ in 0..<30 {
            var bytes = whole
            for _ in 0...next() % 3 {
                let offset = next() % min(bytes.count, next() % 3 == 0 ? 200_000 : 600)
                bytes[offset] = [0, 0xFF, 0x7F, 0x80, UInt8(next() & 0xFF)][next() % 5]
            }
            try bench.file(name, bytes)
            var process: Int32?
            do {
                let source = try SourceOpener.open(bench.path(name))
                process = (source as? VirtualDiskImage)?.processID
                _ = try source.bytes(at: 0, count: 100_000)
                _ = try source.bytes(at: max(0, source.size - 1000), count: 1000)
            } catch {
                // Refused in words.
            }
            if let process { #expect(!DiskBench.isRunning(process)) }
        }
    }
}
