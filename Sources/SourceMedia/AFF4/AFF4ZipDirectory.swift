/// The members of a ZIP file, as its central directory lists them (APPNOTE 6.3.10, 4.3.12).
///
/// Kept small, because a volume of a large disk has a million of them: of a name only its hash is kept; the name itself
/// is compared in the member's local header when the member is opened.
struct AFF4ZipDirectory: Sendable {
    /// Most members of a volume; a disk of 60 TB in bevies of 64 MiB has fewer.
    static let mostMembers = 4_000_000
    /// Most members of one hash that are looked at: honest names do not collide.
    static let mostCandidates = 16

    struct Member: Hashable, Sendable {
        let nameHash: UInt64
        let headerAt: Int
        let packedSize: Int
        let size: Int
        let checksum: UInt32
        let method: UInt16
        let flags: UInt16
        /// Its place in the directory.
        let ordinal: UInt32

        var isEncrypted: Bool { flags & 1 != 0 }
    }

    /// By hash, those of one hash in the order of the directory.
    let members: [Member]
    /// Why the directory could not be read to its end; nil when it could.
    let flaw: String?

    /// - Throws: ``SourceError``: `unreadable`, `unsupported`.
    init(_ file: ReadOnlyFile, _ end: AFF4ZipEnd) throws(SourceError) {
        guard end.memberCount <= Self.mostMembers else {
            throw SourceError(
                .unsupported,
                "\(ReadOnlyFile.text(file.path)) has \(end.memberCount) members; at most \(Self.mostMembers) are read. "
                    + "Nothing was taken in.")
        }
        var members: [Member] = []
        members.reserveCapacity(end.memberCount)
        var flaw: String?
        let directoryEnd = end.directoryAt + end.directorySize
        var at = end.directoryAt
        reading: while members.count < end.memberCount {
            // A record is at most 46 bytes and three fields of 64 KiB.
            let piece = try file.bytes(at: at, count: min(1 << 18, directoryEnd - at))
            var position = 0
            while members.count < end.memberCount {
                guard position + 46 <= piece.count, piece.littleEndian32(at: position) == 0x0201_4B50 else { break }
                let nameLength = piece.littleEndian16(at: position + 28)
                let extraLength = piece.littleEndian16(at: position + 30)
                let length = 46 + nameLength + extraLength + piece.littleEndian16(at: position + 32)
                guard position + length <= piece.count else { break }
                let name = piece[position + 46..<position + 46 + nameLength]
                let extra = position + 46 + nameLength..<position + 46 + nameLength + extraLength
                guard
                    let member = Self.member(
                        piece, at: position, extra: extra, nameHash: AFF4Name.hash(AFF4Name.plain(name)),
                        ordinal: UInt32(members.count))
                else {
                    flaw = "entry \(members.count + 1) of its central directory is damaged"
                    break reading
                }
                members.append(member)
                position += length
            }
            guard position > 0 else {
                flaw =
                    "its central directory is damaged at byte \(at): \(members.count) of \(end.memberCount) members known"
                break
            }
            at += position
        }
        members.sort { ($0.nameHash, $0.ordinal) < ($1.nameHash, $1.ordinal) }
        self.members = members
        self.flaw = flaw
    }

    /// The members that may have a name, the one that was written last first.
    func candidates(_ nameHash: UInt64) -> [Member] {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle].nameHash < nameHash { low = middle + 1 } else { high = middle }
        }
        var found: [Member] = []
        while low < members.count, members[low].nameHash == nameHash {
            found.append(members[low])
            low += 1
        }
        return found.suffix(Self.mostCandidates).reversed()
    }

    private static func member(
        _ bytes: [UInt8], at: Int, extra: Range<Int>, nameHash: UInt64, ordinal: UInt32
    ) -> Member? {
        var packed = UInt64(bytes.littleEndian32(at: at + 20))
        var size = UInt64(bytes.littleEndian32(at: at + 24))
        var header = UInt64(bytes.littleEndian32(at: at + 42))
        var field = extra.lowerBound
        while field + 4 <= extra.upperBound {
            let length = bytes.littleEndian16(at: field + 2)
            guard field + 4 + length <= extra.upperBound else { break }
            if bytes.littleEndian16(at: field) == 1 {
                // Only those values stand here that do not fit into the record (4.5.3).
                var value = field + 4
                func next(_ narrow: UInt64) -> UInt64? {
                    guard narrow == 0xFFFF_FFFF else { return narrow }
                    guard value + 8 <= field + 4 + length else { return nil }
                    defer { value += 8 }
                    return bytes.littleEndian64(at: value)
                }
                guard let wideSize = next(size), let widePacked = next(packed), let wideHeader = next(header) else {
                    return nil
                }
                (size, packed, header) = (wideSize, widePacked, wideHeader)
                break
            }
            field += 4 + length
        }
        let most = UInt64(Int.max / 4)
        guard packed <= most, size <= most, header <= most else { return nil }
        return Member(
            nameHash: nameHash, headerAt: Int(header), packedSize: Int(packed), size: Int(size),
            checksum: UInt32(bytes.littleEndian32(at: at + 16)), method: UInt16(bytes.littleEndian16(at: at + 10)),
            flags: UInt16(bytes.littleEndian16(at: at + 8)), ordinal: ordinal)
    }
}
