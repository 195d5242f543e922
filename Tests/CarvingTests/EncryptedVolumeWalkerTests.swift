import EvidenceModel
import SourceMedia
import Testing

@testable import Carving

@Suite struct EncryptedVolumeWalkerTests {
    @Test func luksHeadersAreRecognised() {
        var file = [UInt8](repeating: 0, count: 4096)
        file.put([0x4C, 0x55, 0x4B, 0x53, 0xBA, 0xBE, 0, 1] + Array("aes".utf8), at: 0)
        file.put(Array("xts-plain64".utf8), at: 40)
        file.put(Array("sha256".utf8), at: 72)
        file.put(joined(.be32(8), .be32(64)), at: 104)
        file.put(Array("b3c1a2e4-0000-4000-8000-000000000001".utf8), at: 168)
        for slot in 0..<8 { file.put(.be32(slot == 0 ? 0x00AC_71F3 : 0xDEAD), at: 208 + 48 * slot) }
        let found = judgedVerdict(of: LUKSWalker(), on: file + [1, 2, 3])
        #expect(found?.format == "luks1")
        #expect(found?.confidence == .header)
        #expect(found?.length == 4096)
        #expect(found?.facts["cipher"] == "aes-xts-plain64")
        #expect(found?.facts["key_slots"] == 1)
        #expect(found?.facts["uuid"] == "b3c1a2e4-0000-4000-8000-000000000001")
        expectSteadfast(LUKSWalker(), file, every: 17, decoy: 8)
    }

    @Test func luks2HeadersCarryTheirDigest() throws {
        var file = [UInt8](repeating: 0, count: 16_384)
        file.put([0x4C, 0x55, 0x4B, 0x53, 0xBA, 0xBE, 0, 2, 0, 0, 0, 0, 0, 0, 0x40, 0], at: 0)
        file.put(Array("archive".utf8), at: 24)
        file.put(Array("sha256".utf8), at: 72)
        file.put(Array("b3c1a2e4-0000-4000-8000-000000000002".utf8), at: 168)
        file.put(Array("{\"segments\":{\"0\":{\"encryption\":\"aes-xts-plain64\"}}}".utf8), at: 4096)
        file.put(try WalkInput(ByteReader(MemorySource(file), at: 0)).hash(file, .sha256), at: 448)
        let found = judgedVerdict(of: LUKSWalker(), on: file)
        #expect(found?.format == "luks2")
        #expect(found?.confidence == .header)
        #expect(found?.facts["label"] == "archive")
        #expect(found?.facts["cipher"] == "aes-xts-plain64")
        file[5000] ^= 1
        #expect(judgedVerdict(of: LUKSWalker(), on: file) == nil)
        expectSteadfast(LUKSWalker(), file, every: 511, decoy: 8)
    }

    @Test func bitLockerVolumesAreDescribedByTheirMetadata() {
        func entry(_ kind: Int, _ value: Int, _ data: [UInt8]) -> [UInt8] {
            joined(.le16(8 + data.count), .le16(kind), .le16(value), .le16(1), data)
        }
        let label = entry(7, 2, .utf16("LAB-PC C: 01/02/2021") + [0, 0])
        let key = entry(2, 8, [UInt8](repeating: 7, count: 26) + .le16(0x0800) + [1, 2, 3, 4])
        let size = 48 + label.count + key.count
        var block = Array("-FVE-FS-".utf8) + .le16(64) + .le16(2) + [UInt8](repeating: 0, count: 52)
        block.put(.le64(1 << 30), at: 16)
        block += joined(.le32(size), .le32(1), .le32(48), .le32(size), (0..<16).map { UInt8($0) }, .le32(1))
        block += joined(.le16(0x8004), .le16(0), .le64(132_000_000_000_000_000)) + label + key
        let found = judgedVerdict(of: BitLockerWalker(), on: block + [UInt8](repeating: 0, count: 600))
        #expect(found?.format == "bitlocker-metadata")
        #expect(found?.length == block.count)
        #expect(found?.facts["label"] == "LAB-PC C: 01/02/2021")
        #expect(found?.facts["protectors"] == ["recovery password"])
        #expect(found?.facts["encryption"] == "AES-XTS 128-bit")
        #expect(found?.facts["volume_guid"] == "03020100-0504-0706-0809-0a0b0c0d0e0f")
        expectSteadfast(BitLockerWalker(), block, decoy: 8)

        var volume = [UInt8](repeating: 0, count: 4096)
        volume.put([0xEB, 0x58, 0x90] + Array("-FVE-FS-".utf8), at: 0)
        volume.put(.le64(4096), at: 176)
        volume.put([0x55, 0xAA], at: 510)
        let whole = judgedVerdict(of: BitLockerWalker(), on: volume + block)
        #expect(whole?.format == "bitlocker")
        #expect(whole?.confidence == .header)
        #expect(whole?.length == 512)
        #expect(whole?.facts["label"] == "LAB-PC C: 01/02/2021")
        expectSteadfast(BitLockerWalker(), volume, every: 7, decoy: 11)
    }
}
