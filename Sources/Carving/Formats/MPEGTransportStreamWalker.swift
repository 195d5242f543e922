internal import EvidenceModel

/// MPEG transport streams: packets of 188 bytes, or of 192 with a time before each (.ts, .m2ts; ISO/IEC 13818-1, 2.4).
///
/// One byte of each packet is fixed, which is too weak to begin at: a file must begin with its program association
/// table or service description table, whose CRC-32 must hold. Nothing states how many packets follow.
struct MPEGTransportStreamWalker: FormatWalker {
    let name = "mpeg-ts"
    let signatures = [0, 4].flatMap { offset in
        [UInt8](arrayLiteral: 0x00, 0x11).flatMap { table in
            (UInt8(0x10)...0x1F).map { WalkerSignature([0x47, 0x40, table, $0], at: offset) }
        }
    }

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        let input = WalkInput(reader)
        // Packets of 188 bytes are tried first: a time of 192-byte packets may look like one.
        let verdict = try MPEGTransportStreamWalk(input, packet: 188).verdict()
        if case .rejected = verdict { return try MPEGTransportStreamWalk(input, packet: 192).verdict() }
        return verdict
    }
}

private struct MPEGTransportStreamWalk: FileWalk {
    static let fewestPackets = 8
    static let mostStreams = 256

    let input: WalkInput
    let packet: Int
    var file: WalkedFile
    var isRecognised = false
    /// Continuity counter of each elementary stream or table.
    var counters = [Int](repeating: -1, count: 8192)
    var tables: Set<Int> = [0]
    var codecs: [Int: String] = [:]
    var clockStream = -1
    var clock: Int?
    var duration = 0
    /// True when the last packet seen was the first of a table, out of turn.
    var startsAnew = false

    init(_ input: WalkInput, packet: Int) {
        self.input = input
        self.packet = packet
        let is192 = packet == 192
        file = WalkedFile(
            length: 0, confidence: .header, format: is192 ? "m2ts" : "mpeg-ts", fileExtension: is192 ? "m2ts" : "ts",
            mime: "video/mp2t")
    }

    mutating func run() throws(WalkStop) {
        let skew = packet - 188
        guard try input.u8(skew) == 0x47, try tableHolds(skew) else { throw .rejected("no table at the start") }
        var at = 0
        var packets = 0
        while input.fits(at, packet), try input.u8(at + skew) == 0x47, let isExpected = try visit(at + skew) {
            // At a block's start, a table that does not go on in turn begins another file.
            if at > 0, at % FreeSpace.block == 0, startsAnew { break }
            at += packet
            packets += 1
            // Where another file follows, a packet in 256 seems to go on: only one that fits its stream counts.
            if isExpected {
                file.length = at
                if packets >= Self.fewestPackets { isRecognised = true }
            }
        }
        guard isRecognised else { throw .rejected("too few packets") }
        file.warnings.append("the format has no end mark: the file ends where no packet follows")
        file.note("streams", codecs.count)
        let names = Set(codecs.values).sorted()
        if !names.isEmpty { file.facts["codecs"] = .array(names.map { .string($0) }) }
        file.noteDuration(duration, perSecond: 90_000)
    }

    /// True when the packet continues its stream; nil when it is none.
    private mutating func visit(_ at: Int) throws(WalkStop) -> Bool? {
        let flags = try input.u24be(at + 1)
        let identifier = flags >> 8 & 0x1FFF
        let control = flags >> 4 & 3
        guard flags & 0x80_0000 == 0, control != 0 else { return nil }
        var body = at + 4
        if control & 2 != 0 {
            let length = try input.u8(body)
            guard length <= (control == 2 ? 183 : 182) else { return nil }
            if length >= 7, try input.u8(body + 1) & 0x10 != 0 { try noteClock(identifier, at: body + 2) }
            body += 1 + length
        }
        startsAnew = false
        if identifier == 0x1FFF { return true }
        let counter = flags & 15
        let last = counters[identifier]
        startsAnew = (identifier == 0 || identifier == 0x11) && last >= 0 && counter != (last + 1) & 15
        if control & 1 != 0 { counters[identifier] = counter }
        if flags & 0x40_0000 != 0, control & 1 != 0, tables.contains(identifier) { try table(body, end: at + 188) }
        if last < 0 { return flags & 0x40_0000 != 0 }
        return control & 1 == 0 ? counter == last : counter == (last + 1) & 15 || counter == last
    }

    private mutating func noteClock(_ identifier: Int, at: Int) throws(WalkStop) {
        if clockStream < 0 { clockStream = identifier }
        guard identifier == clockStream else { return }
        let time = try input.u32be(at) << 1 | input.u8(at + 4) >> 7
        if let clock, time > clock, time - clock < 900_000 { duration += time - clock }
        clock = time
    }

    /// True when the packet begins with a table whose CRC-32 holds.
    private func tableHolds(_ at: Int) throws(WalkStop) -> Bool {
        let start = at + 5 + (try input.u8(at + 4))
        guard start + 3 <= at + 188 else { return false }
        let length = try input.u16be(start + 1) & 0xFFF
        guard length >= 9, [0x00, 0x42, 0x46].contains(try input.u8(start)) else { return false }
        // A longer table goes on in the next packet, where its header stands between.
        guard start + 3 + length <= at + 188 else { return false }
        var crc = ForwardCRC32(register: 0xFFFF_FFFF)
        crc.update(try input.bytes(at: start, count: 3 + length)[...])
        return crc.register == 0
    }

    /// Reads a program association table (2.4.4.3) or a program map table (2.4.4.8).
    private mutating func table(_ body: Int, end: Int) throws(WalkStop) {
        guard body < end else { return }
        let start = body + 1 + (try input.u8(body))
        guard start + 12 <= end else { return }
        let type = try input.u8(start)
        let stop = min(end, start + 3 + (try input.u16be(start + 1) & 0xFFF)) - 4
        if type == 0 {
            var at = start + 8
            while at + 4 <= stop, tables.count < Self.mostStreams {
                if try input.u16be(at) != 0 { tables.insert(try input.u16be(at + 2) & 0x1FFF) }
                at += 4
            }
        } else if type == 2 {
            var at = start + 12 + (try input.u16be(start + 10) & 0xFFF)
            while at + 5 <= stop, codecs.count < Self.mostStreams {
                let kind = try input.u8(at)
                codecs[try input.u16be(at + 1) & 0x1FFF] = Self.codecs[kind] ?? "type \(kind)"
                at += 5 + (try input.u16be(at + 3) & 0xFFF)
            }
        }
    }

    private static let codecs = [
        0x01: "MPEG-1 video", 0x02: "MPEG-2 video", 0x03: "MPEG-1 audio", 0x04: "MPEG-2 audio", 0x06: "private",
        0x0F: "AAC", 0x10: "MPEG-4 video", 0x11: "AAC LATM", 0x1B: "H.264", 0x24: "HEVC", 0x33: "VVC", 0x80: "LPCM",
        0x81: "AC-3", 0x82: "DTS", 0x83: "TrueHD", 0x84: "E-AC-3", 0x85: "DTS-HD", 0x86: "DTS-HD MA", 0x90: "PGS",
        0xEA: "VC-1",
    ]
}
