/// What an encoder's first frame says about an MP3: "Xing" or "Info" with LAME's fields behind, or "VBRI".
struct MPEGAudioTag {
    /// Frames behind the one that holds the tag.
    let frames: Int
    /// LAME's checksum over all bytes of the frames behind the tag's own.
    private(set) var music: Music?

    struct Music {
        /// From the first byte behind the tag's frame to the end of the sound.
        let range: Range<Int>
        let checksum: UInt16
        /// True when the tag's own checksum holds and nothing else is in its frame: then the tag is the encoder's own.
        let isSealed: Bool

        /// True when the checksum holds.
        func holds(_ input: WalkInput) throws(WalkStop) -> Bool {
            guard input.fits(range.lowerBound, range.count) else { return false }
            var crc = ReflectedCRC16()
            try input.forEachPiece(of: range) { crc.update($0) }
            return crc.value == checksum
        }
    }

    /// Where in the tag LAME's fields stand when all others are there.
    private static let lameOffset = 120
    private static let lameLength = 36

    /// The tag of the frame at an offset; nil when it has none that states the frames.
    init?(_ input: WalkInput, at: Int, _ first: MPEGAudioFrame) throws(WalkStop) {
        guard first.layer == 3 else { return nil }
        let isFirst = first.version == 3
        let side = first.channels == 1 ? (isFirst ? 17 : 9) : (isFirst ? 32 : 17)
        let place = at + 4 + side
        guard input.fits(place, 16) else { return nil }
        if ["Xing", "Info"].contains(try input.tag(place)) {
            let fields = try input.u32be(place + 4)
            guard fields & 1 == 1 else { return nil }
            frames = try input.u32be(place + 8)
            if fields & 15 == 15 { try readMusic(input, at: at, tag: place, first) }
            return
        }
        guard try input.matches("VBRI", at: at + 36), input.fits(at + 36, 18) else { return nil }
        frames = try input.u32be(at + 36 + 14)
    }

    private mutating func readMusic(
        _ input: WalkInput, at: Int, tag: Int, _ first: MPEGAudioFrame
    ) throws(WalkStop) {
        let place = tag + Self.lameOffset
        let end = at + first.length
        guard place + Self.lameLength <= end, input.fits(at, first.length) else { return }
        let length = try input.u32be(place + 28)
        let checksum = try input.u16be(place + 32)
        // Encoders that write no checksum leave zeros.
        guard length > first.length, checksum != 0 else { return }
        var crc = ReflectedCRC16()
        try input.forEachPiece(of: at..<place + 34) { crc.update($0) }
        let restIsEmpty = try input.isZero(place + Self.lameLength..<end)
        let tagChecksum = try input.u16be(place + 34)
        music = Music(
            range: end..<at + length, checksum: UInt16(truncatingIfNeeded: checksum),
            isSealed: restIsEmpty && Int(crc.value) == tagChecksum)
    }
}

/// The CRC-16 of LAME's tag: polynomial 0x8005, lowest bit first.
struct ReflectedCRC16 {
    private static let table: [UInt16] = (0..<256).map { byte in
        var value = UInt16(byte)
        for _ in 0..<8 { value = value & 1 != 0 ? value >> 1 ^ 0xA001 : value >> 1 }
        return value
    }
    private let table = Self.table
    private(set) var value: UInt16 = 0

    mutating func update(_ bytes: ArraySlice<UInt8>) {
        for byte in bytes { value = value >> 8 ^ table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] }
    }
}
