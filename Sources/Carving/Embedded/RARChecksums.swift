internal import SourceMedia

/// Place, size and CRC-32 of the members of a RAR archive, as their headers state them, in the archive's order.
///
/// libarchive decodes the members, but neither hands these out nor compares all of them.
struct RARChecksums {
    private static let mostMembers = 1 << 20

    struct Member: Hashable {
        /// Where its packed bytes lie in the archive. In a solid archive those of the members before are needed as well.
        var packed: Range<Int>
        var size: Int
        /// Nil where the header states none.
        var crc: UInt32?
    }

    private(set) var members: [Member] = []
    private let input: WalkInput

    /// Reads the headers, as far as they can be followed.
    init(_ archive: any ByteSource) throws(WalkStop) {
        input = WalkInput(ByteReader(archive, at: 0))
        do throws(WalkStop) {
            if try input.u8(6) == 0 {
                var at = 7
                while members.count < Self.mostMembers, try older(&at) {}
            } else {
                var at = 8
                while members.count < Self.mostMembers, try newer(&at) {}
            }
        } catch {
            if case .failed(.medium) = error { throw error }
        }
    }

    /// A block of versions 1.5 to 4; false when none follows.
    private mutating func older(_ at: inout Int) throws(WalkStop) -> Bool {
        let type = try input.u8(at + 2)
        let flags = try input.u16le(at + 3)
        let size = try input.u16le(at + 5)
        // An end block, or headers that are encrypted from here on.
        guard (0x73...0x7A).contains(type), size >= 7, type != 0x73 || flags & 0x80 == 0 else { return false }
        var data = 0
        var unpacked = 0
        if type == 0x74 || type == 0x7A {
            data = try input.u32le(at + 7)
            unpacked = try input.u32le(at + 11)
            if flags & 0x100 != 0 {
                data += try input.u32le(at + 32) << 32
                unpacked += try input.u32le(at + 36) << 32
            }
        } else if flags & 0x8000 != 0 {
            data = try input.u32le(at + 7)
        }
        guard input.fits(at + size, data) else { return false }
        let end = at + size + data
        if type == 0x74 {
            // A member that goes on in another volume states the checksum of a part.
            let isPart = flags & 3 != 0
            let crc = UInt32(truncatingIfNeeded: try input.u32le(at + 16))
            members.append(Member(packed: at + size..<end, size: unpacked, crc: isPart ? nil : crc))
        }
        at = end
        return true
    }

    /// A block of version 5; false when none follows.
    private mutating func newer(_ at: inout Int) throws(WalkStop) -> Bool {
        var place = at + 4
        let size = try number(&place)
        let end = place + size
        guard size > 0, input.fits(place, size) else { return false }
        let type = try number(&place)
        let flags = try number(&place)
        if flags & 1 != 0 { _ = try number(&place) }
        let data = flags & 2 != 0 ? try number(&place) : 0
        // The end, or headers that are encrypted from here on.
        guard (1...3).contains(type), input.fits(end, data) else { return false }
        if type == 2 {
            let fileFlags = try number(&place)
            let unpacked = try number(&place)
            _ = try number(&place)
            if fileFlags & 2 != 0 { place += 4 }
            let isPart = flags & 0x18 != 0
            let hasChecksum = fileFlags & 4 != 0 && !isPart
            let crc: UInt32? = hasChecksum ? UInt32(truncatingIfNeeded: try input.u32le(place)) : nil
            members.append(Member(packed: end..<end + data, size: unpacked, crc: crc))
        }
        at = end + data
        return true
    }

    /// A number of seven bits a byte, the lowest first.
    private func number(_ at: inout Int) throws(WalkStop) -> Int {
        guard let value = try input.base128(&at, atMost: 8) else {
            throw .broken("a number longer than any real one")
        }
        return value
    }
}
