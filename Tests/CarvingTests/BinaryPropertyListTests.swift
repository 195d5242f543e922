import EvidenceModel
import Testing

@testable import Carving

/// Binary property lists: their objects, their table, and their pieces.
@Suite struct BinaryPropertyListTests {
    /// An array of texts and numbers, as CoreFoundation lays it out.
    private func list(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        let objects: [[UInt8]] = (0..<count).map { index in
            if index % 5 == 4 { return [0x12] + generator.bytes(4) }
            let text = (0..<(20 + Int(generator.next() % 60))).map { _ in UInt8(97 + generator.next() % 26) }
            return [0x5F, 0x10, UInt8(text.count)] + text
        }
        var file = Array("bplist00".utf8)
        var offsets = [file.count]
        let references = (1...count).flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        file += [0xAF, 0x11, UInt8(count >> 8), UInt8(count & 255)] + references
        for object in objects {
            offsets.append(file.count)
            file += object
        }
        let table = file.count
        file += offsets.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        return file + [0, 0, 0, 0, 0, 0, 2, 2] + be64(count + 1) + be64(0) + be64(table)
    }

    private func be64(_ value: Int) -> [UInt8] { (0..<8).map { UInt8(value >> (56 - 8 * $0) & 255) } }

    @Test func objectsLieEndToEnd() {
        var file = list(40, seed: 1)
        expectExact(BinaryPropertyListWalker(), file, .structural, format: "bplist")
        expectNeverWholeWhenTruncated(BinaryPropertyListWalker(), file)
        expectNeverTraps(BinaryPropertyListWalker(), file, rounds: 1000)
        // A text of another length: what follows it is out of its place.
        file[8 + 4 + 80 + 2] ^= 1
        #expect(verdict(of: BinaryPropertyListWalker(), on: file).completed?.confidence == .header)
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func piecesAreTied(seed: UInt64) throws {
        let file = list(120, seed: seed)
        var generator = SeededGenerator(seed: seed + 100)
        for split in stride(from: 512, to: file.count, by: 512) {
            let gaps = [generator.bytes(512 * 3), [UInt8](repeating: 0, count: 1024), list(90, seed: seed + 50)]
            for gap in gaps {
                let padded = gap + [UInt8](repeating: 0, count: (512 - gap.count % 512) % 512)
                let medium = generator.bytes(512) + file[..<split] + padded + file[split...] + generator.bytes(2000)
                let found = try PieceTesting.carve(
                    medium, with: [BinaryPropertyListWalker()], workers: 1, limits: CarveLimits()
                ).artifacts.filter { $0.extents.first?.offset == 512 }
                let sure = found.filter { $0.confidence == .structural || $0.confidence == .proven }
                let second = 512 + split + padded.count
                let expected = [
                    Extent(offset: 512, length: split), Extent(offset: second, length: file.count - split),
                ]
                // A border inside a number or a text of letters may be one of several: then it is not believed.
                #expect(sure.allSatisfy { $0.extents == expected }, "split \(split)")
                #expect(found.contains { $0.extents == expected }, "split \(split), gap of \(gap.count)")
            }
        }
    }

    @Test func withoutItsEndItIsBroken() throws {
        let file = list(120, seed: 7)
        var generator = SeededGenerator(seed: 8)
        let medium = generator.bytes(512) + file[..<2048] + generator.bytes(8192)
        let found = try PieceTesting.carve(
            medium, with: [BinaryPropertyListWalker()], workers: 1, limits: CarveLimits()
        ).artifacts
        #expect(found.map(\.confidence) == [.broken])
    }
}
