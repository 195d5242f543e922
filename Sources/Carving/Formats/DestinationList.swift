internal import EvidenceModel

/// The list in an automatic jump list (stream `DestList`): which files were opened, when, and on which machine.
///
/// Versions 1 (Windows 7 and 8) and 3 to 6 (Windows 10 and 11) have entries of different lengths.
struct DestinationList {
    private static let mostEntries = 4096
    private static let mostPaths = 32

    /// Bytes of the list that are read.
    static let longest = 1 << 20

    private var paths: [CanonicalValue] = []
    private var machines: [CanonicalValue] = []
    private var entries = 0
    private var pinned = 0
    private var earliest = UInt64.max
    private var latest: UInt64 = 0

    /// Nil when the bytes are no such list.
    init?(_ bytes: [UInt8]) {
        func u16(_ at: Int) -> Int { Int(bytes[at]) | Int(bytes[at + 1]) << 8 }
        func u32(_ at: Int) -> Int { u16(at) | u16(at + 2) << 16 }
        guard bytes.count >= 32, (1...6).contains(u32(0)) else { return nil }
        let isShort = u32(0) == 1
        let stated = u32(4)
        var at = 32
        for _ in 0..<min(stated, Self.mostEntries) {
            let lengthAt = at + (isShort ? 112 : 128)
            guard lengthAt + 2 <= bytes.count else { break }
            let length = 2 * u16(lengthAt)
            let path = lengthAt + 2
            guard path + length <= bytes.count else { break }
            entries += 1
            if u32(at + 108) != 0xFFFF_FFFF { pinned += 1 }
            let time = UInt64(u32(at + 100)) | UInt64(u32(at + 104)) << 32
            if time > 0 { (earliest, latest) = (min(earliest, time), max(latest, time)) }
            if let machine = EvidenceText.clean(bytes[at + 72..<at + 88]), !machines.contains(.string(machine)),
                machines.count < Self.mostPaths
            {
                machines.append(.string(machine))
            }
            if paths.count < Self.mostPaths,
                let text = EvidenceText.cleanUTF16(bytes[path..<path + length], bigEndian: false)
            {
                paths.append(.string(text))
            }
            at = path + length + (isShort ? 0 : 4)
        }
        guard entries > 0 else { return nil }
    }

    func describe(_ file: inout WalkedFile) {
        file.note("entries", entries)
        if pinned > 0 { file.note("pinned", pinned) }
        if !paths.isEmpty { file.facts["targets"] = .array(paths) }
        if let first = machines.first { file.facts["machine"] = first }
        if machines.count > 1 { file.facts["machines"] = .array(machines) }
        if latest > 0 {
            file.facts["first_opened"] = EvidenceTime.fileTime(earliest)
            file.facts["last_opened"] = EvidenceTime.fileTime(latest)
        }
    }
}
