import FuzzSupport

private let check = ReadCheck(name: "input.E01")

/// Runs one input.
private func runEWF(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    check.run(UnsafeBufferPointer(start: data, count: size))
    return 0
}

@_silgen_name("LLVMFuzzerMutate")
private func mutate(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ room: Int) -> Int

/// Changes bytes, then makes the checksums of sections true again: a reader looks at nothing whose checksum does not hold.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutateEWF(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ room: Int, _ seed: UInt32) -> Int {
    var chance = Chance(seed)
    let count = mutate(data, size, room)
    guard chance.below(8) > 0 else { return count }
    var bytes = Array(UnsafeBufferPointer(start: data, count: count))
    Checksums.mend(&bytes, alsoContents: chance.below(4) > 0)
    for (index, byte) in bytes.enumerated() { data[index] = byte }
    return count
}

private enum Checksums {
    static func mend(_ bytes: inout [UInt8], alsoContents: Bool) {
        let signature: [UInt8] = [0x45, 0x56, 0x46, 9, 13, 10, 0xFF, 0]
        guard bytes.count > 13 else { return }
        bytes.replaceSubrange(0..<8, with: signature)
        var at = 13
        for _ in 0..<1000 where at >= 13 && at + 76 <= bytes.count {
            store(adler(bytes[at..<at + 72]), at + 72, &bytes)
            if alsoContents { mendContent(at, &bytes) }
            let next = number(at + 16, bytes)
            guard next > at else { return }
            at = next
        }
    }

    private static func mendContent(_ at: Int, _ bytes: inout [UInt8]) {
        let type = String(decoding: bytes[at..<at + 16].prefix { $0 != 0 }, as: UTF8.self)
        let start = at + 76
        func guarded(_ count: Int) {
            guard start + count + 4 <= bytes.count else { return }
            store(adler(bytes[start..<start + count]), start + count, &bytes)
        }
        switch type {
        case "volume", "disk", "data": guarded(start + 1052 <= bytes.count && number(at + 24, bytes) > 1000 ? 1048 : 90)
        case "hash": guarded(32)
        case "digest": guarded(76)
        case "table", "table2":
            guarded(20)
            guard start + 24 <= bytes.count else { return }
            let count = number(start, bytes) & 0xFFFF_FFFF
            let end = start + 24 + count * 4
            guard count < 1 << 20, end + 4 <= bytes.count else { return }
            store(adler(bytes[(start + 24)..<end]), end, &bytes)
        default: break
        }
    }

    private static func adler(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var low: UInt32 = 1
        var high: UInt32 = 0
        for byte in bytes {
            low = (low + UInt32(byte)) % 65_521
            high = (high + low) % 65_521
        }
        return high << 16 | low
    }

    /// Eight bytes at most, little-endian; what is not there counts as zeros.
    private static func number(_ at: Int, _ bytes: [UInt8]) -> Int {
        var value = 0
        for index in 0..<7 where at + index < bytes.count { value |= Int(bytes[at + index]) << (8 * index) }
        return value
    }

    private static func store(_ value: UInt32, _ at: Int, _ bytes: inout [UInt8]) {
        for index in 0..<4 { bytes[at + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(index))) }
    }
}

/// The program's entry.
@_cdecl("EWFFuzzer_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    runFuzzer(count, arguments) { runEWF($0, $1) }
}
