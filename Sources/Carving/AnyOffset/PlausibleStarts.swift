// What the first bytes must say besides a short signature, where every offset of a medium is a candidate.
//
// Two or three fixed bytes stand in data of every kind. Each check here repeats, in a few comparisons, conditions
// without which the format's walker declines; what the walker would accept is refused only where that is said.

extension BMPWalker {
    /// Reserved bytes are zero, and the second header has the size of a known one.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 18 else { return true }
        let reserved = head[6] | head[7] | head[8] | head[9] | head[15] | head[16] | head[17]
        return reserved == 0 && [12, 16, 40, 52, 56, 64, 108, 124].contains(head[14])
    }
}

extension MPEGAudioWalker {
    /// The first frame is one, and so is what follows it: a single frame is no sound.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 4, head[0] == 0xFF else { return true }
        guard let first = MPEGAudioFrame(Self.header(head, 0)) else { return false }
        guard head.count - first.length >= 4 else { return true }
        return MPEGAudioFrame(Self.header(head, first.length))?.continues(first) ?? false
    }

    private static func header(_ head: Span<UInt8>, _ at: Int) -> Int {
        Int(head[at]) << 24 | Int(head[at + 1]) << 16 | Int(head[at + 2]) << 8 | Int(head[at + 3])
    }
}

extension ICOWalker {
    /// A believable number of pictures, and a believable first entry.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 22 else { return true }
        guard head[5] == 0, (1...128).contains(head[4]), head[9] == 0 || head[9] == 255 else { return false }
        // Size and place of the picture: below 8 and 32 MiB, the size at least a header's.
        guard head[17] == 0, head[21] <= 2, head[16] <= 128 else { return false }
        guard head[14] >= 40 || head[15] != 0 || head[16] != 0 else { return false }
        if head[2] == 1 {
            return head[11] == 0 && head[13] == 0 && head[10] <= 1 && [0, 1, 4, 8, 16, 24, 32].contains(head[12])
        }
        return true
    }
}

extension FontWalker {
    /// The directory's search numbers follow from its number of tables.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 12 else { return true }
        guard head[4] == 0, (1...128).contains(head[5]) else { return false }
        let exponent = 7 - head[5].leadingZeroBitCount
        let range = 16 << exponent
        return Int(head[6]) << 8 | Int(head[7]) == range && head[8] == 0 && Int(head[9]) == exponent
    }
}

extension PEWalker {
    /// The place of the second header is believable.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 64 else { return true }
        let place = Int(head[60]) | Int(head[61]) << 8 | Int(head[62]) << 16 | Int(head[63]) << 24
        guard place >= 4, place <= 64 * 1024 else { return false }
        guard head.count - place >= 4 else { return true }
        return head[place] == 0x50 && head[place + 1] == 0x45 && head[place + 2] == 0 && head[place + 3] == 0
    }
}

extension MarkupWalker {
    /// White space before the document may as well be the end of what lies there: nothing tells the two apart. Only at
    /// the start of a block, where the other search looks, is it the file's own.
    func mayBegin(_ head: Span<UInt8>) -> Bool { head.isEmpty || ![0x09, 0x0A, 0x0D, 0x20].contains(head[0]) }
}

extension JSONWalker {
    /// An object begins with a quoted name and a colon.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        var at = 0
        func skipSpace() { while at < head.count, [0x09, 0x0A, 0x0D, 0x20].contains(head[at]) { at += 1 } }
        guard let first = head.indices.first.map({ head[$0] }), first != 0xEF else { return true }
        if first == UInt8(ascii: "[") {
            at = 1
            skipSpace()
        }
        guard at < head.count else { return true }
        guard head[at] == UInt8(ascii: "{") else { return false }
        at += 1
        skipSpace()
        guard at < head.count else { return true }
        guard head[at] == UInt8(ascii: "\"") else { return head[at] == UInt8(ascii: "}") }
        at += 1
        while at < head.count, head[at] != UInt8(ascii: "\"") {
            guard head[at] >= 0x20 else { return false }
            // An escaped character may be a quotation mark: the walker sees further.
            if head[at] == UInt8(ascii: "\\") { return true }
            at += 1
        }
        at += 1
        skipSpace()
        return at >= head.count || head[at] == UInt8(ascii: ":")
    }
}

extension ARJWalker {
    /// The main header has a believable size, and says that it is one.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 11 else { return true }
        let size = Int(head[2]) | Int(head[3]) << 8
        return head[4] >= 30 && Int(head[4]) < size && size <= 2600 && head[10] == 2
    }
}

extension GzipWalker {
    /// No reserved flag is set, and the two bytes that name method and system are known (RFC 1952, 2.3.1.2).
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 10 else { return true }
        return head[3] & 0xE0 == 0 && [0, 2, 4].contains(head[8]) && (head[9] <= 19 || head[9] == 255)
    }
}

extension FlashFilmWalker {
    /// A known version and a believable length; behind them a zlib header where the film is compressed.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 10 else { return true }
        guard (1...50).contains(head[3]), head[7] <= 0x40 else { return false }
        guard head[0] == 0x43 else { return true }
        return head[8] & 15 == 8 && head[9] & 0x20 == 0 && (Int(head[8]) << 8 | Int(head[9])) % 31 == 0
    }
}
