internal import EvidenceModel

/// Headers of LUKS volumes (LUKS on-disk format 1.2.3 and 2): key slots, cipher and UUID. The volume itself has no end.
struct LUKSWalker: FormatWalker {
    let name = "luks"
    let signatures = [
        WalkerSignature([0x4C, 0x55, 0x4B, 0x53, 0xBA, 0xBE, 0, 1]),
        WalkerSignature([0x4C, 0x55, 0x4B, 0x53, 0xBA, 0xBE, 0, 2]),
        WalkerSignature([0x53, 0x4B, 0x55, 0x4C, 0xBA, 0xBE, 0, 2]),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try LUKSWalk(reader).verdict() }
}

private struct LUKSWalk: FileWalk {
    static let largestHeader = 4 << 20
    static let noEnd = "only the volume's header: nothing in it states where the volume ends"

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .header, format: "luks1", fileExtension: "luks", mime: "application/x-luks")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        if try input.u8(7) == 1 { try first() } else { try second() }
        file.warnings.append(Self.noEnd)
    }

    private func text(_ offset: Int, _ count: Int) throws(WalkStop) -> [UInt8] {
        Array(try input.bytes(at: offset, count: count).prefix { $0 != 0 })
    }

    private func isWord(_ bytes: [UInt8]) -> Bool { !bytes.isEmpty && bytes.allSatisfy { (0x21...0x7E).contains($0) } }

    private mutating func first() throws(WalkStop) {
        let cipher = try text(8, 32)
        let mode = try text(40, 32)
        let hash = try text(72, 32)
        let payload = try input.u32be(104)
        guard isWord(cipher), isWord(mode), isWord(hash), isWord(try text(168, 40)), payload >= 2, payload <= 1 << 16,
            try (16...128).contains(input.u32be(108))
        else { throw .rejected("not a LUKS header") }
        var slots = 0
        for slot in 0..<8 {
            let state = try input.u32be(208 + 48 * slot)
            guard state == 0x00AC_71F3 || state == 0x0000_DEAD else { throw .rejected("a key slot in no known state") }
            if state == 0x00AC_71F3 { slots += 1 }
        }
        isRecognised = true
        file.note("cipher", text: cipher + Array("-".utf8) + mode)
        file.note("hash", text: hash)
        file.note("uuid", text: try text(168, 40))
        file.note("key_bytes", try input.u32be(108))
        file.note("key_slots", slots)
        file.note("payload_offset", payload * 512)
        file.length = payload * 512
        guard input.fits(0, file.length) else { throw .broken("the source ends before the volume's content") }
    }

    private mutating func second() throws(WalkStop) {
        file.format = "luks2"
        let size = try input.length64be(8)
        let place = try input.length64be(256)
        let algorithm = String(decoding: try text(72, 32), as: UTF8.self)
        guard size >= 16_384, size <= Self.largestHeader, size & (size - 1) == 0, place == 0 || place == size,
            isWord(try text(168, 40))
        else { throw .rejected("not a LUKS2 header") }
        let isSecond = try input.u8(0) == 0x53
        guard isSecond == (place != 0) else { throw .rejected("a header that belongs elsewhere") }
        isRecognised = true
        file.length = 4096
        guard input.fits(0, size) else { throw .broken("the source ends inside the header") }
        let digests: [String: DigestAlgorithm] = ["sha256": .sha256, "sha512": .sha512, "sha1": .sha1]
        guard let digest = digests[algorithm] else { throw .broken("a checksum of no known kind") }
        var header = try input.bytes(at: 0, count: size)
        let stated = Array(header[448..<512])
        header.replaceSubrange(448..<512, with: [UInt8](repeating: 0, count: 64))
        let found = try input.hash(header, digest)
        guard stated.starts(with: found), stated.dropFirst(found.count).allSatisfy({ $0 == 0 }) else {
            throw .broken("the header's checksum does not hold")
        }
        file.length = size
        file.note("header_digest_holds")
        if isSecond { file.note("second_header") }
        file.note("uuid", text: try text(168, 40))
        file.note("label", text: try text(24, 48))
        file.note("subsystem", text: try text(208, 48))
        file.note("sequence", try input.length64be(16))
        for (key, fact) in [("encryption", "cipher"), ("key_size", "key_bytes")] {
            let area = header[4096...]
            if let value = Self.member(key, of: area) { file.note(fact, text: value) }
        }
    }

    /// The first value of this name in the JSON area.
    private static func member(_ name: String, of area: ArraySlice<UInt8>) -> [UInt8]? {
        let pattern = Array("\"\(name)\":".utf8)
        guard let start = Array(area).firstIndex(of: pattern, from: 0) else { return nil }
        let value = area.dropFirst(start + pattern.count).prefix(64)
        return Array(value.drop { $0 == 0x22 || $0 == 0x20 }.prefix { $0 != 0x22 && $0 != 0x2C && $0 != 0x7D })
    }
}

/// BitLocker: the volume's first sector, and its metadata (libbde, "BitLocker Drive Encryption format").
struct BitLockerWalker: FormatWalker {
    let name = "bitlocker"
    let signatures = [
        WalkerSignature("-FVE-FS-", at: 3), WalkerSignature("-FVE-FS-"),
        // BitLocker To Go: a FAT volume with a GUID of its own.
        WalkerSignature(
            [0x3B, 0xD6, 0x67, 0x49, 0x29, 0x2E, 0xD8, 0x4A, 0x83, 0x99, 0xF6, 0xA3, 0x39, 0xE3, 0xD0, 0x01], at: 424),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try BitLockerWalk(reader).verdict() }
}

private struct BitLockerWalk: FileWalk {
    static let signature = Array("-FVE-FS-".utf8)
    static let largestMetadata = 1 << 20
    static let mostEntries = 256
    static let protectors = [
        0x0000: "clear key", 0x0100: "TPM", 0x0200: "startup key", 0x0500: "TPM and PIN", 0x0800: "recovery password",
        0x2000: "password",
    ]
    static let methods = [
        0x8000: "AES-CBC 128-bit with diffuser", 0x8001: "AES-CBC 256-bit with diffuser", 0x8002: "AES-CBC 128-bit",
        0x8003: "AES-CBC 256-bit", 0x8004: "AES-XTS 128-bit", 0x8005: "AES-XTS 256-bit",
    ]

    let input: WalkInput
    var file = WalkedFile(
        length: 512, confidence: .header, format: "bitlocker", fileExtension: "bde", mime: "application/x-bitlocker")
    var isRecognised = false
    var protectors: [CanonicalValue] = []

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        if try input.matches(Self.signature, at: 0) {
            file.format = "bitlocker-metadata"
            file.note(WalkedFile.pieceFact)
            try metadata(at: 0)
            isRecognised = true
            return
        }
        guard try input.u16le(510) == 0xAA55 else { throw .rejected("not a boot sector") }
        isRecognised = true
        file.warnings.append("only the volume's first sector: the volume is encrypted")
        // Places of the three copies of the metadata; an older volume states a cluster instead.
        let offsets: [Int]
        if try !input.matches(Self.signature, at: 3) {
            file.note("removable_drive")
            offsets = [440, 448, 456]
        } else if try input.u8(1) == 0x52 {
            let cluster = try input.u16le(11) * input.u8(13)
            let place = try input.length64le(56)
            guard place < 1 << 32 else { return }
            try described(at: place * cluster)
            return
        } else {
            offsets = [176, 184, 192]
        }
        for offset in offsets where try described(at: input.length64le(offset)) { return }
    }

    /// Takes what the metadata says, when it is in the source and makes sense.
    @discardableResult
    private mutating func described(at place: Int) throws(WalkStop) -> Bool {
        guard place > 0, try input.matches(Self.signature, at: place) else { return false }
        let before = file
        do throws(WalkStop) { try metadata(at: place) } catch {
            file = before
            return false
        }
        file.length = 512
        file.note("metadata_offset", place)
        return true
    }

    private mutating func metadata(at start: Int) throws(WalkStop) {
        let header = start + 64
        let size = try input.u32le(header)
        guard try (1...2).contains(input.u16le(start + 10)), try input.u32le(header + 4) == 1,
            try input.u32le(header + 8) == 48, try input.u32le(header + 12) == size, size >= 48,
            size <= Self.largestMetadata, input.fits(header, size)
        else { throw .rejected("not BitLocker metadata") }
        file.note("volume_bytes", try input.length64le(start + 16))
        file.facts["volume_guid"] = .string(try input.guid(header + 16))
        let method = try input.u16le(header + 36)
        file.facts["encryption"] = .string(Self.methods[method] ?? "method \(method)")
        file.facts["created"] = try input.fileTime(header + 40)
        var at = header + 48
        var entries = 0
        while at < header + size, entries < Self.mostEntries {
            let length = try input.u16le(at)
            if length == 0 { break }
            guard length >= 8, length <= header + size - at else { throw .rejected("an entry longer than its table") }
            let kind = try input.u16le(at + 2)
            let value = try input.u16le(at + 4)
            if kind == 7, value == 2 {
                let text = try input.bytes(at: at + 8, count: length - 8)
                if let text = EvidenceText.cleanUTF16(text, bigEndian: false) { file.facts["label"] = .string(text) }
            }
            if kind == 2, value == 8, length >= 36 {
                let protection = try input.u16le(at + 8 + 26)
                protectors.append(.string(Self.protectors[protection] ?? "kind \(protection)"))
            }
            at += length
            entries += 1
        }
        if !protectors.isEmpty { file.facts["protectors"] = .array(protectors) }
        file.length = header + size - start
    }
}
