// Further checks of the kind that `PlausibleStarts.swift` describes.

extension ADTSWalker {
    /// The first frame has a believable length, and where it ends the next one begins in the same way.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 7 else { return true }
        let length = Int(head[3] & 3) << 11 | Int(head[4]) << 3 | Int(head[5] >> 5)
        guard length > 7 else { return false }
        guard head.count - length >= 4 else { return true }
        return (0..<3).allSatisfy { head[length + $0] == head[$0] } && head[length + 3] & 0xF0 == head[3] & 0xF0
    }
}

extension AIFFWalker {
    /// Its form is one of two.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 12, head[0] == UInt8(ascii: "F") else { return true }
        return head[8] == UInt8(ascii: "A") && head[9] == UInt8(ascii: "I") && head[10] == UInt8(ascii: "F")
            && (head[11] == UInt8(ascii: "F") || head[11] == UInt8(ascii: "C"))
    }
}

extension RIFFWalker {
    /// The form and the first chunk have names of letters.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 16 else { return true }
        return (8..<16).allSatisfy { (0x20...0x7E).contains(head[$0]) }
    }
}

extension MPEGProgramStreamWalker {
    /// The marker bits of a pack header of either version.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 14 else { return true }
        return head[4] & 0xC4 == 0x44 && head[6] & 4 == 4 && head[8] & 4 == 4
            || head[4] & 0xF1 == 0x21 && head[6] & 1 == 1 && head[8] & 1 == 1
    }
}

extension MPEGTransportStreamWalker {
    /// The next packets begin as the first one does.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 2 * 192 + 5 else { return true }
        return head[188] == 0x47 && head[376] == 0x47 || head[196] == 0x47 && head[388] == 0x47
    }
}

extension HiveBinWalker {
    /// Place and size are whole pages.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 12 else { return true }
        return head[4] | head[5] & 0x0F == 0 && head[8] | head[9] & 0x0F == 0 && head[9] | head[10] | head[11] != 0
    }
}

extension RecycledFileWalker {
    /// Version 1 or 2, and a size below 256 TiB.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 16 else { return true }
        let rest = (1..<8).reduce(UInt8(0)) { $0 | head[$1] }
        return (head[0] == 1 || head[0] == 2) && rest == 0 && head[14] | head[15] == 0
    }
}

extension LHAWalker {
    /// A known level, and in the older ones a header of believable length.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 21 else { return true }
        return head[6] == UInt8(ascii: "-") && (head[20] == 2 || head[20] < 2 && head[0] >= 22)
    }
}

extension CPIOWalker {
    /// The sizes are digits: hexadecimal ones, in the oldest kind octal ones.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 110 else { return true }
        if head[5] == UInt8(ascii: "7") { return (59..<76).allSatisfy { (0x30...0x37).contains(head[$0]) } }
        func isDigit(_ at: Int) -> Bool {
            (0x30...0x39).contains(head[at]) || (0x41...0x46).contains(head[at] & 0xDF)
        }
        return (54..<62).allSatisfy(isDigit) && (94..<102).allSatisfy(isDigit)
    }
}

extension WindowsMetafileWalker {
    /// In a header of its own, the words up to the last one make it.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 40, head[0] == 0xD7 else { return true }
        var low: UInt8 = 0
        var high: UInt8 = 0
        for word in 0..<10 {
            low ^= head[2 * word]
            high ^= head[2 * word + 1]
        }
        return low == head[20] && high == head[21]
    }
}

extension MailboxWalker {
    /// A line of a sender and a time.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        var colons = 0
        for at in head.indices {
            if head[at] == 0x0A { return colons > 0 && at <= MailboxSeparator.longest + 1 }
            if head[at] == UInt8(ascii: ":") { colons += 1 }
            guard head[at] >= 0x20 || (0x09...0x0D).contains(head[at]) || head[at] == 0x1B else { return false }
        }
        return true
    }
}

extension SunSoundWalker {
    /// The header is at least as long as its fields.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 24 else { return true }
        return head[7] >= 24 && head[12] | head[13] | head[14] == 0
    }
}
