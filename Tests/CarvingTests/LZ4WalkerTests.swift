import EvidenceModel
import Testing

@testable import Carving

@Suite struct LZ4WalkerTests {
    /// A block: five literals, a match that repeats them, and six literals more.
    static let block: [UInt8] =
        [0x56] + Array("abcde".utf8) + [5, 0] + [0x60] + Array("fghijk".utf8)

    static func frame(
        _ block: [UInt8] = block, blockChecks: Bool = false, contentCheck: Bool = true, statesSize: Bool = true
    ) -> [UInt8] {
        let flags: UInt8 = 0x60 | (blockChecks ? 0x10 : 0) | (statesSize ? 8 : 0) | (contentCheck ? 4 : 0)
        let raw = [UInt8](repeating: 0x33, count: 40)
        let content = expected + raw
        let header = [flags, 0x40] + (statesSize ? [UInt8].le64(content.count) : [])
        var file: [UInt8] = [0x04, 0x22, 0x4D, 0x18] + header
        file.append(UInt8(XXHash32.of(header[...]) >> 8 & 0xFF))
        file += .le32(block.count) + block + (blockChecks ? .le32(XXHash32.of(block[...])) : [])
        file += .le32(raw.count | 0x8000_0000) + raw + (blockChecks ? .le32(XXHash32.of(raw[...])) : [])
        file += .le32(0)
        if contentCheck { file += .le32(XXHash32.of(content[...])) }
        return file
    }

    static let expected = Array("abcdeabcdeabcdefghijk".utf8)

    /// Values of the reference implementation (xxhsum -H32).
    @Test func checksumsAreTheOnesOfTheReference() {
        #expect(XXHash32.of([]) == 0x02CC_5D05)
        #expect(XXHash32.of(Array("abc".utf8)[...]) == 0x32D1_53FF)
        #expect(XXHash32.of(Array("Nobody inspects the spammish repetition".utf8)[...]) == 0xE229_3B2F)
        var pieces = XXHash32()
        for byte in Array("Nobody inspects the spammish repetition".utf8) { pieces.update([byte]) }
        #expect(pieces.value == 0xE229_3B2F)
    }

    @Test(arguments: [(true, true), (false, true), (true, false)])
    func aFrameWithChecksumsIsProven(_ checks: (Bool, Bool)) {
        let file = Self.frame(blockChecks: checks.0, contentCheck: checks.1)
        expectExact(LZ4Walker(), file, .proven, format: "lz4")
        expectNeverWholeWhenTruncated(LZ4Walker(), file)
        // Without checksums of the blocks, other compressed data may give the same content.
        if checks.0 { expectNeverProvenWhenFlipped(LZ4Walker(), file, in: 0..<file.count) }
        expectNeverTraps(LZ4Walker(), file)
        expectLiesAreFound(LZ4Walker(), file, isChecked: true)
        expectDecoyRefused(LZ4Walker(), file, keeping: 4)
        expectDecoyRefused(LZ4Walker(), file, keeping: 15)
    }

    @Test func aFrameWithoutChecksumsIsNotProven() {
        let file = Self.frame(contentCheck: false)
        expectExact(LZ4Walker(), file, .structural, format: "lz4")
        expectNeverWholeWhenTruncated(LZ4Walker(), file)
    }

    @Test func framesThatFollowBelongToTheFile() {
        let skippable: [UInt8] = [0x51, 0x2A, 0x4D, 0x18] + .le32(3) + [1, 2, 3]
        let found = verdict(of: LZ4Walker(), on: Self.frame() + skippable + Self.frame() + [0, 0]).completed
        #expect(found?.length == 2 * Self.frame().count + skippable.count)
        #expect(found?.facts["frames"] == .size(2))
        #expect(found?.confidence == .structural)
    }

    @Test func aBlockThatGivesMoreThanTheFrameAllowsIsRefused() {
        // One literal, then a match of more than 64 KiB.
        let bomb: [UInt8] = [0x1F, 0x41, 1, 0] + [UInt8](repeating: 255, count: 300) + [0, 0x10, 0x42]
        #expect(verdict(of: LZ4Walker(), on: Self.frame(bomb)).completed == nil)
    }
}
