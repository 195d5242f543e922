internal import EvidenceModel

/// The tags of MP3 files: ID3v2 before the sound, ID3v1 and APE after it (id3.org, ID3v2.2 to 2.4; APEv2).
enum ID3Tag {
    /// Most frames of one tag that are looked at.
    static let mostFrames = 256

    /// Bytes of the ID3v2 tag at an offset; nil when none stands there.
    static func length(_ input: WalkInput, at start: Int) throws(WalkStop) -> Int? {
        guard input.fits(start, 10), try input.matches("ID3", at: start) else { return nil }
        let version = try input.u8(start + 3)
        guard (2...4).contains(version), try input.u8(start + 4) < 0xFF, let size = try synchsafe(input, start + 6)
        else { return nil }
        return 10 + size + (try input.u8(start + 5) & 0x10 != 0 ? 10 : 0)
    }

    /// A number of four times seven bits; nil when a highest bit is set.
    private static func synchsafe(_ input: WalkInput, _ at: Int) throws(WalkStop) -> Int? {
        let raw = try input.u32be(at)
        guard raw & 0x8080_8080 == 0 else { return nil }
        return raw & 0x7F | (raw & 0x7F00) >> 1 | (raw & 0x7F_0000) >> 2 | (raw & 0x7F00_0000) >> 3
    }

    /// Notes what the texts of an ID3v2 tag say.
    static func note(_ input: WalkInput, at start: Int, length: Int, in file: inout WalkedFile) throws(WalkStop) {
        let keys: [[UInt8]: String] = [
            Array("TIT2".utf8): "title", Array("TPE1".utf8): "artist", Array("TALB".utf8): "album",
            Array("TDRC".utf8): "taken", Array("TYER".utf8): "taken", Array("TSSE".utf8): "software",
            Array("TENC".utf8): "encoded_by", Array("TCOP".utf8): "copyright", Array("TT2".utf8): "title",
            Array("TP1".utf8): "artist", Array("TAL".utf8): "album", Array("TSS".utf8): "software",
        ]
        let version = try input.u8(start + 3)
        let nameWidth = version == 2 ? 3 : 4
        let headWidth = version == 2 ? 6 : 10
        let end = min(start + length, input.count)
        var at = start + 10
        for _ in 0..<mostFrames {
            guard end - at > headWidth, try input.u8(at) != 0 else { return }
            let name = try input.bytes(at: at, count: nameWidth)
            var size = version == 2 ? try input.u24be(at + 3) : try input.u32be(at + 4)
            if version == 4, let safe = try synchsafe(input, at + 4) { size = safe }
            guard size > 0, size <= end - at - headWidth else { return }
            if let key = keys[name], file.facts[key] == nil {
                let text = try input.bytes(at: at + headWidth, count: min(size, 1024))
                if let value = decode(text) { file.facts[key] = .string(value) }
            } else if name == Array("APIC".utf8) || name == Array("PIC".utf8) {
                file.note("cover")
            }
            at += headWidth + size
        }
    }

    /// How far the frames of an ID3v2 tag make sense.
    struct Frames {
        var count = 0
        /// Where the last frame begins of which the head holds; the tag's end when all of it holds.
        var believed: Int
        /// Where the last frame, or the padding behind it, begins.
        var last: Int
        var isWhole = false
    }

    /// Follows the frames of a tag and the zeros behind them.
    ///
    /// A tag whose bytes are changed on the way (unsynchronisation, extended headers) is not followed.
    static func frames(_ input: WalkInput, at start: Int, length: Int) throws(WalkStop) -> Frames {
        let version = try input.u8(start + 3)
        let flags = try input.u8(start + 5)
        var frames = Frames(believed: start + 10, last: start + 10)
        let end = start + length - (flags & 0x10 != 0 ? 10 : 0)
        guard flags & 0xC0 == 0, input.fits(start, length) else { return frames }
        let nameWidth = version == 2 ? 3 : 4
        let headWidth = version == 2 ? 6 : 10
        var at = start + 10
        for _ in 0..<mostFrames {
            let first = end - at < headWidth ? 0 : try input.u8(at)
            if first == 0 {
                if at < end { frames.last = at }
                frames.isWhole = try input.isZero(at..<end)
                frames.believed = frames.isWhole ? end : max(frames.believed, at)
                return frames
            }
            guard try isName(input, at: at, nameWidth) else { return frames }
            var size = version == 2 ? try input.u24be(at + 3) : try input.u32be(at + 4)
            if version == 4, let safe = try synchsafe(input, at + 4) {
                // Some writers of version 4 state sizes as version 3 does.
                let next = at + headWidth + safe
                var isSafe = next >= end
                if !isSafe { isSafe = try input.u8(next) == 0 }
                if !isSafe { isSafe = try isName(input, at: next, nameWidth) }
                if isSafe || size > end - at - headWidth { size = safe }
            }
            guard size <= end - at - headWidth else { return frames }
            frames.count += 1
            frames.believed = at
            frames.last = at
            at += headWidth + size
        }
        return frames
    }

    private static func isName(_ input: WalkInput, at: Int, _ width: Int) throws(WalkStop) -> Bool {
        guard input.fits(at, width) else { return false }
        let name = try input.bytes(at: at, count: width)
        return name.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) } && name[0] >= 0x41
    }

    private static func decode(_ text: [UInt8]) -> String? {
        switch text.first {
        case 1 where text.count >= 3:
            return EvidenceText.cleanUTF16(text.dropFirst(3), bigEndian: text[1] == 0xFE)
        case 2: return EvidenceText.cleanUTF16(text.dropFirst(), bigEndian: true)
        default: return EvidenceText.clean(text.dropFirst())
        }
    }

    /// First byte after the tags that stand at an offset: APE, then Lyrics3, then ID3v1.
    static func endOfTrailers(_ input: WalkInput, at start: Int, in file: inout WalkedFile) throws(WalkStop) -> Int {
        var at = start
        if try input.matches("APETAGEX", at: at), input.fits(at, 32) {
            // A header's size counts the items and the footer.
            let size = try input.u32le(at + 12)
            let isHeader = try input.u32le(at + 20) & 0x2000_0000 != 0
            let end = at + 32 + (isHeader ? size : 0)
            let hasFooter = try input.matches("APETAGEX", at: end - 32)
            if input.fits(at, end - at), hasFooter { at = end }
        }
        if try input.matches("TAG", at: at), input.fits(at, 128) {
            file.note("title", text: try input.bytes(at: at + 3, count: 30))
            file.note("artist", text: try input.bytes(at: at + 33, count: 30))
            file.note("album", text: try input.bytes(at: at + 63, count: 30))
            at += 128
        }
        return at
    }
}
