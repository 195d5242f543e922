import Digesting
import EvidenceModel
import FormatIdentification
import SourceMedia
import Testing

@testable import Carving

/// Images of discs and disks, and of Windows installations.
@Suite struct DiskImageWalkerTests {
    private static func both32(_ value: Int) -> [UInt8] { .le32(value) + .be32(value) }

    private static func record(_ name: [UInt8], sector: Int, size: Int, isDirectory: Bool) -> [UInt8] {
        let length = 33 + name.count + (name.count % 2 == 0 ? 1 : 0)
        var record = joined(
            [UInt8(length), 0], both32(sector), both32(size), [124, 1, 2, 3, 4, 5, 0], [isDirectory ? 2 : 0, 0, 0],
            .le16(1), .be16(1), [UInt8(name.count)], name)
        while record.count < length { record.append(0) }
        return record
    }

    /// A disc with a file in its root and another in a directory; the system area is random.
    static func disc() -> [UInt8] {
        var generator = SeededGenerator(seed: 91)
        let sector = 2048
        var image = [UInt8](repeating: 0, count: 24 * sector)
        image.put(generator.bytes(500), at: 0)
        var primary: [UInt8] = [1] + Array("CD001".utf8) + [1, 0] + [UInt8](repeating: 0x20, count: 64)
        primary.put(Array("HOLIDAYS".utf8), at: 40)
        primary += [UInt8](repeating: 0, count: sector - primary.count)
        primary.put(both32(24), at: 80)
        primary.put(.le16(sector) + .be16(sector), at: 128)
        primary.put(record([0], sector: 18, size: sector, isDirectory: true), at: 156)
        primary.put(Array("2023040506070800".utf8) + [0], at: 813)
        image.put(primary, at: 16 * sector)
        image.put([255] + Array("CD001".utf8) + [1], at: 17 * sector)
        image.put(
            joined(
                record([0], sector: 18, size: sector, isDirectory: true),
                record([1], sector: 18, size: sector, isDirectory: true),
                record(Array("README.TXT;1".utf8), sector: 20, size: 3000, isDirectory: false),
                record(Array("SUB".utf8), sector: 19, size: sector, isDirectory: true)), at: 18 * sector)
        image.put(
            joined(
                record([0], sector: 19, size: sector, isDirectory: true),
                record([1], sector: 18, size: sector, isDirectory: true),
                record(Array("A.BIN;1".utf8), sector: 22, size: 4096, isDirectory: false)), at: 19 * sector)
        image.put(generator.bytes(3000), at: 20 * sector)
        image.put(generator.bytes(4096), at: 22 * sector)
        return image
    }

    private func found(_ image: [UInt8], behind: [UInt8] = []) -> WalkVerdict {
        verdict(of: OpticalDiscWalker(), on: image + behind, at: 32768)
    }

    @Test func aDiscBeginsBeforeItsVolumeDescriptor() {
        let image = Self.disc()
        let file = found(image, behind: [1, 2, 3]).completed
        #expect(file?.leading == 32768)
        #expect(file?.length == image.count)
        #expect(file?.confidence == .structural)
        #expect(file?.unchecked == [20 * 2048..<24 * 2048])
        #expect(file?.facts["volume_name"] == "HOLIDAYS")
        #expect(file?.facts["created"] == "20230405060708")
        #expect(file?.facts["names"] == .array(["README.TXT", "A.BIN"]))
        for length in stride(from: 32768, to: image.count, by: 61) {
            #expect(found(Array(image[..<length])).completed == nil, "cut to \(length)")
        }
        #expect(verdict(of: OpticalDiscWalker(), on: Array(image[512...]), at: 32256).completed == nil)
        for place in [32848, 32926, 18 * 2048 + 2, 18 * 2048 + 70 + 10, 19 * 2048 + 2] {
            for lie in [0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF] {
                var lying = image
                lying.put(Self.both32(lie), at: place)
                #expect(found(lying).completed?.length ?? 0 <= lying.count)
            }
        }
    }

    @Test func aDirectoryThatNamesItselfEndsTheWalk() {
        var image = Self.disc()
        image.put([UInt8](repeating: 0, count: 40), at: 19 * 2048 + 68)
        image.put(Self.record(Array("SUB".utf8), sector: 18, size: 2048, isDirectory: true), at: 19 * 2048 + 68)
        #expect(found(image).completed?.length == image.count)
    }

    /// Three blocks of the image's own zlib data, its property list, and the trailer.
    private static func appleImage(checksum: Bool = true, inside: [UInt8] = []) -> [UInt8] {
        var generator = SeededGenerator(seed: 92)
        var data = generator.bytes(3 * 512)
        if !inside.isEmpty { data += inside + generator.bytes((512 - inside.count % 512) % 512) }
        var list = Array(
            ("<?xml version=\"1.0\"?><plist><dict><key>resource-fork</key><dict><key>blkx</key><array>"
                + String(repeating: "<data>AAAA</data>", count: 8) + "</array></dict></dict>").utf8)
        // The trailer is at a block's start here, where the tests look.
        while (list.count + 9) % 512 != 0 { list.append(0x20) }
        list += Array("</plist>\n".utf8)
        var trailer: [UInt8] = Array("koly".utf8) + .be32(4) + .be32(512) + [UInt8](repeating: 0, count: 500)
        trailer.put(.be32(0) + .be32(data.count), at: 32)
        trailer.put(.be32(1) + .be32(1), at: 56)
        var crc = CRC32()
        crc.update(data[...])
        if checksum { trailer.put(.be32(2) + .be32(32) + .be32(Int(crc.value)), at: 80) }
        trailer.put(.be32(0) + .be32(data.count) + .be32(0) + .be32(list.count), at: 216)
        trailer.put(.be32(0) + .be32(6), at: 492)
        return data + list + trailer
    }

    @Test(arguments: [true, false]) func anAppleImageIsFoundByItsTrailer(checksum: Bool) {
        let image = Self.appleImage(checksum: checksum)
        var generator = SeededGenerator(seed: 93)
        let before = generator.bytes(1024)
        let walker = AppleDiskImageWalker()
        let at = before.count + image.count - 512
        let file = verdict(of: walker, on: before + image + [9, 9], at: at).completed
        #expect(file?.length == image.count)
        #expect(file?.leading == image.count - 512)
        #expect(file?.confidence == (checksum ? .proven : .structural))
        #expect(file?.facts["sectors"] == .size(6))
        if checksum {
            for index in stride(from: 0, to: 1536, by: 7) {
                var damaged = image
                damaged[index] ^= 4
                let found = verdict(of: walker, on: damaged, at: image.count - 512)
                #expect(found.brokenPrefix == 512, "byte \(index)")
            }
        }
        for cut in 1..<image.count - 512 {
            #expect(verdict(of: walker, on: Array(image[cut...]), at: image.count - 512 - cut).completed == nil)
        }
        for offset in 0..<508 {
            for lie in [0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF] {
                var lying = image
                lying.put(.be32(lie), at: image.count - 512 + offset)
                let found = verdict(of: walker, on: lying, at: image.count - 512).completed
                #expect(found?.length ?? 0 <= image.count)
            }
        }
    }

    // MARK: On a medium

    private func carve(_ medium: [UInt8], workers: Int) throws -> [Artifact] {
        let magic = try MagicDatabases.standard()
        let index = SignatureIndex.forCarving(walkers: allFormatWalkers, magic: magic)
        var candidates: [Int] = []
        index.candidates(in: medium.span, count: medium.count, baseOffset: 0, blockSize: 512, into: &candidates)
        let carver = Carver(
            item: "E001", source: MemorySource(medium), walkers: allFormatWalkers, magic: magic, limits: CarveLimits(),
            workers: workers)
        return try carver.carve(candidates: candidates).artifacts
    }

    @Test(arguments: [1, 3]) func aDiscIsFoundWhereItBegins(workers: Int) throws {
        var generator = SeededGenerator(seed: 94)
        let image = Self.disc()
        let medium = generator.bytes(4096) + image + [UInt8](repeating: 0, count: 512)
        let disc = try carve(medium, workers: workers).first { $0.format == "iso9660" }
        #expect(disc?.extents == [Extent(offset: 4096, length: image.count)])
        // A disc ends at a sector's border: what follows does not show that it ends there.
        #expect(disc?.confidence == .header)
    }

    @Test(arguments: [1, 3]) func knowingAnImageHidesNoFileInIt(workers: Int) throws {
        var generator = SeededGenerator(seed: 96)
        let before = generator.bytes(1024)
        let behind = [UInt8](repeating: 0, count: 1024)
        let artifacts = try carve(before + Self.appleImage(inside: MIDIWalkerTests.sample()) + behind, workers: workers)
        #expect(artifacts.contains { $0.format == "midi" })
        #expect(artifacts.first { $0.format == "dmg" }?.confidence == .proven)

        var disc = Self.disc()
        disc.put(MIDIWalkerTests.sample(), at: 22 * 2048)
        let whole = try carve(disc, workers: workers)
        #expect(whole.contains { $0.format == "midi" && $0.extents.first?.offset == 22 * 2048 })
        #expect(whole.first { $0.format == "iso9660" }?.confidence == .structural)
    }

    // MARK: Windows images

    private static func windowsImage(integrity: Bool) throws -> [UInt8] {
        var generator = SeededGenerator(seed: 95)
        let resources = [generator.bytes(600), generator.bytes(900)]
        var file: [UInt8] = Array("MSWIM\0\0\0".utf8) + .le32(208) + .le32(0x10D00) + [UInt8](repeating: 0, count: 192)
        file.put(.le16(1) + .le16(1) + .le32(1), at: 40)
        func place(_ size: Int, _ at: Int, flags: UInt8) -> [UInt8] {
            var size = [UInt8].le64(size)
            size[7] = flags
            return joined(size, .le64(at), size)
        }
        var lookup: [UInt8] = []
        for resource in resources {
            lookup += place(resource.count, file.count, flags: 4) + .le16(1) + .le32(1) + generator.bytes(20)
            file += resource
        }
        file.put(place(lookup.count, file.count, flags: 0), at: 48)
        file += lookup
        let lookupEnd = file.count
        let list: [UInt8] =
            [0xFF, 0xFE] + "<WIM><IMAGE><NAME>Office</NAME></IMAGE></WIM>".utf16.flatMap { [UInt8].le16(Int($0)) }
        file.put(place(list.count, file.count, flags: 0), at: 72)
        file += list
        guard integrity else { return file }
        var table: [UInt8] = []
        for start in stride(from: 208, to: lookupEnd, by: 1000) {
            table += try digest(.sha1, of: file[start..<min(start + 1000, lookupEnd)]).bytes
        }
        file.put(place(table.count + 12, file.count, flags: 0), at: 124)
        return file + .le32(table.count + 12) + .le32(table.count / 20) + .le32(1000) + table
    }

    @Test(arguments: [true, false]) func anIntegrityTableProvesAWindowsImage(integrity: Bool) throws {
        let file = try Self.windowsImage(integrity: integrity)
        let walker = WindowsImageWalker()
        expectExact(walker, file, integrity ? .proven : .structural, format: "wim")
        expectNeverWholeWhenTruncated(walker, file, noise: 0)
        if integrity { expectNeverProvenWhenFlipped(walker, file, in: 208..<1700) }
        expectNeverTraps(walker, file)
        expectLiesAreFound(walker, file)
        expectDecoyRefused(walker, file, keeping: 12)
        expectDecoyRefused(walker, file, keeping: 208)
        #expect(verdict(of: walker, on: file).completed?.facts["name"] == "Office")
    }
}
