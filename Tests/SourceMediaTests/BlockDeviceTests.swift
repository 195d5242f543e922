import EvidenceModel
import Foundation
import SourceMedia
import Testing

@Suite("Block devices, as the system describes them")
final class BlockDeviceTests {
    let system = FileManager.default.temporaryDirectory.appending(path: "sysfs-\(UUID().uuidString)")

    deinit { try? FileManager.default.removeItem(at: system) }

    /// Writes a file of a system that is made up.
    private func put(_ path: String, _ content: String) throws {
        let file = system.appending(path: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content.utf8).write(to: file)
    }

    private func link(_ path: String, to target: String) throws {
        let file = system.appending(path: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: file.path, withDestinationPath: system.appending(path: target).path)
    }

    private func identity(_ number: String) -> BlockDeviceIdentity {
        BlockDeviceIdentity(number: number, system: system.path, records: system.path + "/udev")
    }

    @Test("a SATA disk and its partition")
    func sata() throws {
        let disk = "devices/pci0000:00/0000:00:17.0/ata3/host2/target2:0:0/2:0:0:0/block/sda"
        let unit = "devices/pci0000:00/0000:00:17.0/ata3/host2/target2:0:0/2:0:0:0"
        try put(disk + "/dev", "8:0\n")
        try put(disk + "/ro", "1\n")
        try put(disk + "/queue/logical_block_size", "512\n")
        try put(disk + "/queue/physical_block_size", "4096\n")
        try put(disk + "/sda1/dev", "8:1\n")
        try put(disk + "/sda1/partition", "1\n")
        try put(disk + "/sda1/ro", "1\n")
        try put(unit + "/vendor", "ATA     \n")
        try put(unit + "/model", "WDC WD10EZEX-08W\n")
        try put(unit + "/rev", "1A01\n")
        try put(unit + "/vpd_pg80", "\0\u{80}\0\u{14}     WD-WCC6Y1234567")
        // In UTF-8 the page's second byte would be two.
        var page = Array("\0".utf8) + [0x80, 0x00, 0x14] + Array("     WD-WCC6Y1234567".utf8)
        page += Array("rest".utf8)
        try Data(page).write(to: system.appending(path: unit + "/vpd_pg80"))
        try link(disk + "/device", to: unit)
        try link("dev/block/8:0", to: disk)
        try link("dev/block/8:1", to: disk + "/sda1")
        for number in ["8:0", "8:1"] {
            let identity = identity(number)
            #expect(identity.model == "WDC WD10EZEX-08W")
            #expect(identity.serial == "WD-WCC6Y1234567")
            #expect(identity.firmware == "1A01")
            #expect(identity.transport == "ata")
            #expect(identity.logicalSectorSize == 512)
            #expect(identity.physicalSectorSize == 4096)
            #expect(identity.isReadOnly)
            #expect(identity.hiddenAreas.hasPrefix("not determined"))
        }
        #expect(BlockDeviceTopology(number: "8:0", system: system.path).numbers == ["8:0", "8:1"])
        #expect(BlockDeviceTopology(number: "8:1", system: system.path).numbers == ["8:1"])
    }

    @Test("a stick on USB, of which udev knows the serial number")
    func usb() throws {
        let unit = "devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0"
        try put(unit + "/block/sdb/dev", "8:16\n")
        try put(unit + "/block/sdb/ro", "0\n")
        try put(unit + "/vendor", "Kingston\n")
        try put(unit + "/model", "DataTraveler 3.0\n")
        try link(unit + "/block/sdb/device", to: unit)
        try link("dev/block/8:16", to: unit + "/block/sdb")
        try put("udev/b8:16", "S:disk/by-id/usb\nE:ID_SERIAL_SHORT=E0D55EA57389\nE:ID_BUS=usb\n")
        let identity = identity("8:16")
        #expect(identity.model == "Kingston DataTraveler 3.0")
        #expect(identity.serial == "E0D55EA57389")
        #expect(identity.transport == "usb")
        #expect(!identity.isReadOnly)
        #expect(identity.logicalSectorSize == nil)
    }

    @Test("an NVMe disk")
    func nvme() throws {
        let unit = "devices/pci0000:00/0000:03:00.0/nvme/nvme0"
        try put(unit + "/nvme0n1/dev", "259:0\n")
        try put(unit + "/nvme0n1/queue/logical_block_size", "4096\n")
        try put(unit + "/model", "Samsung SSD 980 PRO 1TB   \n")
        try put(unit + "/serial", "S5GXNF0R123456\n")
        try put(unit + "/firmware_rev", "5B2QGXA7\n")
        try link(unit + "/nvme0n1/device", to: unit)
        try link("dev/block/259:0", to: unit + "/nvme0n1")
        let identity = identity("259:0")
        #expect(identity.model == "Samsung SSD 980 PRO 1TB")
        #expect(identity.serial == "S5GXNF0R123456")
        #expect(identity.firmware == "5B2QGXA7")
        #expect(identity.transport == "nvme")
        #expect(identity.logicalSectorSize == 4096)
    }

    @Test("what is made of a disk counts as the disk when an image must not lie on it")
    func holders() throws {
        try put("devices/sda/dev", "8:0\n")
        try put("devices/sda/sda2/dev", "8:2\n")
        try put("devices/sda/sda2/partition", "2\n")
        try put("devices/dm-0/dev", "254:0\n")
        try put("devices/dm-1/dev", "254:1\n")
        try link("devices/sda/sda2/holders/dm-0", to: "devices/dm-0")
        try link("devices/dm-0/holders/dm-1", to: "devices/dm-1")
        try link("dev/block/8:0", to: "devices/sda")
        #expect(
            BlockDeviceTopology(number: "8:0", system: system.path).numbers == ["8:0", "8:2", "254:0", "254:1"])
    }

    @Test("nothing is made up for a device that the system does not know")
    func unknown() {
        let identity = identity("1:2")
        #expect(identity.model == nil)
        #expect(identity.serial == nil)
        #expect(identity.transport == nil)
        #expect(!identity.isReadOnly)
        #expect(BlockDeviceTopology(number: "1:2", system: system.path).numbers == ["1:2"])
    }
}

@Suite("Ranges that could not be read")
struct UnreadableRangesTests {
    @Test("ranges are kept in order, and those that touch and failed alike are one")
    func merging() {
        var ranges = UnreadableRanges()
        for sector in [9, 3, 5, 4, 20, 19] { ranges.add(sector * 512..<(sector + 1) * 512, "EIO") }
        ranges.add(21 * 512..<22 * 512, "other")
        #expect(ranges.ranges.map { $0.extent.offset / 512 } == [3, 9, 19, 21])
        #expect(ranges.ranges.map { $0.extent.length / 512 } == [3, 1, 2, 1])
        #expect(ranges.byteCount == 7 * 512)
        #expect(ranges.sectors(of: 512) == [3..<6, 9..<10, 19..<21, 21..<22])
        #expect(ranges.sectors(of: 4096) == [0..<1, 1..<2, 2..<3, 2..<3])
        #expect(ranges.overlaps(0..<1537))
        #expect(!ranges.overlaps(0..<1536))
        #expect(!ranges.overlaps(3072..<4608))
        #expect(ranges.before(4 * 512).ranges.map(\.extent.length) == [512])
        #expect(ranges.before(0).ranges.isEmpty)
        #expect(UnreadableRanges(ranges.ranges.reversed()) == ranges)
    }
}
