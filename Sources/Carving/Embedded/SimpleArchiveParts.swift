internal import EvidenceModel

/// The members of a cpio archive (cpio(5)), which lie in it as they are.
struct CPIOParts {
    private static let mostMembers = 1 << 20
    private static let longestName = 4096

    private let input: WalkInput

    init(_ input: WalkInput) { self.input = input }

    func list(into list: inout PartList) throws(WalkStop) {
        let signature = try input.bytes(at: 0, count: 6)
        let isOld = signature.elementsEqual("070707".utf8)
        var at = 0
        for _ in 0..<Self.mostMembers {
            guard try input.matches(signature, at: at) else { return }
            let header = isOld ? 76 : 110
            guard let nameSize = try isOld ? number(at + 59, 6, 8) : number(at + 94, 8, 16),
                let size = try isOld ? number(at + 65, 11, 8) : number(at + 54, 8, 16),
                let mode = try isOld ? number(at + 18, 6, 8) : number(at + 14, 8, 16),
                let modified = try isOld ? number(at + 48, 11, 8) : number(at + 46, 8, 16),
                (1...Self.longestName).contains(nameSize)
            else { return }
            let name = try input.bytes(at: at + header, count: nameSize).prefix { $0 != 0 }
            let content = isOld ? at + header + nameSize : (at + header + nameSize + 3) / 4 * 4
            guard input.fits(content, size) else { return }
            if name.elementsEqual("TRAILER!!!".utf8), size == 0 { return }
            if mode & 0o170000 == 0o100000, size > 0 {
                var part = EmbeddedPart(PartPath.escaped(name), [content..<content + size])
                part.facts["member_modified"] = EvidenceTime.posix(modified)
                list.add(part)
            }
            at = content + size
            if !isOld { at = (at + 3) / 4 * 4 }
        }
    }

    private func number(_ at: Int, _ digits: Int, _ base: Int) throws(WalkStop) -> Int? {
        var value = 0
        for byte in try input.bytes(at: at, count: digits) {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, digit < base else { return nil }
            value = value * base + digit
        }
        return value
    }
}

/// The members of an ar archive (ar(5)): of Debian packages and libraries, with the long names of GNU and BSD.
struct UnixArchiveParts {
    private static let mostMembers = 1 << 20
    /// Most bytes of long names that are read.
    private static let longestNames = 1 << 20

    private let input: WalkInput

    init(_ input: WalkInput) { self.input = input }

    func list(into list: inout PartList) throws(WalkStop) {
        var at = 8
        var longNames: [UInt8] = []
        for _ in 0..<Self.mostMembers {
            guard input.fits(at, 60), try input.matches([0x60, 0x0A], at: at + 58) else { return }
            let header = try input.bytes(at: at, count: 58)
            guard let size = Self.number(header[48..<58]), input.fits(at + 60, size) else { return }
            var content = at + 60..<at + 60 + size
            let raw = header[0..<16]
            var name = Array(raw.prefix { $0 != 0x20 })
            at = content.upperBound + size % 2
            if name.elementsEqual("//".utf8) {
                longNames = try input.bytes(at: content.lowerBound, count: min(size, Self.longestNames))
                continue
            }
            if name.elementsEqual("/".utf8) || name.starts(with: "__.SYMDEF".utf8)
                || name.elementsEqual("/SYM64/".utf8)
            {
                continue
            }
            if name.starts(with: "#1/".utf8), let length = Self.number(raw.dropFirst(3)), length <= size {
                let stored = try input.bytes(at: content.lowerBound, count: min(length, 4096))
                name = Array(stored.prefix { $0 != 0 })
                content = content.lowerBound + length..<content.upperBound
            } else if name.first == 0x2F, let place = Self.number(raw.dropFirst()), place < longNames.count {
                name = Array(longNames[place...].prefix { $0 != 0x0A })
            }
            if name.last == 0x2F { name.removeLast() }
            var part = EmbeddedPart(PartPath.escapedName(name), [content])
            if let modified = Self.number(header[16..<28]) {
                part.facts["member_modified"] = EvidenceTime.posix(modified)
            }
            list.add(part)
        }
    }

    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        let digits = field.prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty, digits.count <= 15 else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 & 15) }
    }
}

/// The files of an ISO 9660 volume (ECMA-119) which lie in it in one piece, by the names that Rock Ridge or the primary
/// directories give them.
struct OpticalDiscParts {
    private static let sector = 2048
    private static let systemArea = 16 * sector
    private static let mostRecords = 1 << 20
    private static let deepest = 64

    private let input: WalkInput

    init(_ input: WalkInput) { self.input = input }

    func list(into list: inout PartList) throws(WalkStop) {
        let root = Self.systemArea + 156
        let start = try input.u32le(root + 2) * Self.sector
        var pending = [(start: start, size: try input.u32le(root + 10), path: [UInt8](), depth: 0)]
        var seen: Set<Int> = []
        var records = 0
        while let folder = pending.popLast() {
            guard seen.insert(folder.start).inserted, input.fits(folder.start, folder.size) else { continue }
            var at = folder.start
            var number = 0
            var folders: [(start: Int, size: Int, path: [UInt8], depth: Int)] = []
            while at < folder.start + folder.size {
                let length = try input.u8(at)
                if length == 0 {
                    at = (at / Self.sector + 1) * Self.sector
                    continue
                }
                records += 1
                number += 1
                guard records <= Self.mostRecords else { return list.refuse(.limit("embedded_members")) }
                let nameLength = try input.u8(at + 32)
                guard length >= 33 + nameLength else { break }
                defer { at += length }
                // The first two records are the folder itself and the one above it.
                guard number > 2 else { continue }
                let start = (try input.u32le(at + 2) + input.u8(at + 1)) * Self.sector
                let size = try input.u32le(at + 10)
                let flags = try input.u8(at + 25)
                let plain = try input.bytes(at: at + 33, count: nameLength).prefix { $0 != 0x3B }
                let name = try longName(at: at, length: length, nameLength: nameLength) ?? Array(plain)
                let path = folder.path.isEmpty ? name : folder.path + [0x2F] + name
                if flags & 2 != 0 {
                    if folder.depth < Self.deepest { folders.append((start, size, path, folder.depth + 1)) }
                } else if size > 0, flags & 0x80 == 0, try input.u8(at + 26) == 0, input.fits(start, size) {
                    var part = EmbeddedPart(PartPath.escaped(path), [start..<start + size])
                    part.facts["member_modified"] = try time(at + 18)
                    list.add(part)
                } else if size > 0 {
                    // In several sections, interleaved, or past the end.
                    list.refuse(.damaged)
                }
            }
            pending += folders.reversed()
        }
    }

    /// The name of the Rock Ridge field NM (RRIP 1.12, 4.1.4); nil when there is none.
    private func longName(at record: Int, length: Int, nameLength: Int) throws(WalkStop) -> [UInt8]? {
        var at = record + 33 + nameLength + (nameLength % 2 == 0 ? 1 : 0)
        let end = record + length
        var name: [UInt8] = []
        while at + 5 <= end {
            let size = try input.u8(at + 2)
            guard size >= 4, at + size <= end else { break }
            if size > 5, try input.matches("NM", at: at), try input.u8(at + 4) & 6 == 0 {
                name += try input.bytes(at: at + 5, count: size - 5)
            }
            at += size
        }
        return name.isEmpty ? nil : name
    }

    /// Seven bytes (ECMA-119, 9.1.5): years since 1900, month, day, hour, minute, second, and quarters of an hour from
    /// Greenwich.
    private func time(_ at: Int) throws(WalkStop) -> CanonicalValue? {
        let bytes = try input.bytes(at: at, count: 7).map { Int($0) }
        guard (1...12).contains(bytes[1]), (1...31).contains(bytes[2]), bytes[3] < 24, bytes[4] < 60, bytes[5] < 60
        else { return nil }
        let zone = Int(Int8(truncatingIfNeeded: bytes[6]))
        guard (-48...52).contains(zone) else { return nil }
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let day = "\(1900 + bytes[0])-\(two(bytes[1]))-\(two(bytes[2]))"
        let text = "\(day)T\(two(bytes[3])):\(two(bytes[4])):\(two(bytes[5])).000Z"
        guard let local = UTCTime(rfc3339: text) else { return nil }
        return EvidenceTime.posix(Int(local.milliseconds / 1000) - zone * 900)
    }
}
