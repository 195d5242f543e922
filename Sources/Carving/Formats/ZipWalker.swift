internal import EvidenceModel

/// ZIP (PKWARE APPNOTE 6.3) and what is stored in it: Office Open XML, OpenDocument, EPUB, Java and Android packages.
///
/// Walked forward, member by member, to the central directory and its end record; the directory must then describe
/// exactly the members that were met, where they were met.
struct ZipWalker: FormatWalker {
    let name = "zip"
    let signatures = [
        WalkerSignature([0x50, 0x4B, 3, 4]),
        WalkerSignature([0x50, 0x4B, 0x30, 0x30, 0x50, 0x4B, 3, 4]),
        WalkerSignature([0x50, 0x4B, 5, 6] + [UInt8](repeating: 0, count: 18)),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try ZipWalk(reader).verdict() }
}

/// Record signatures (APPNOTE 4.3).
private enum ZipRecord {
    static let localHeader: [UInt8] = [0x50, 0x4B, 3, 4]
    static let descriptor: [UInt8] = [0x50, 0x4B, 7, 8]
    static let directoryEntry: [UInt8] = [0x50, 0x4B, 1, 2]
    static let directorySignature: [UInt8] = [0x50, 0x4B, 5, 5]
    static let extraData: [UInt8] = [0x50, 0x4B, 6, 8]
    static let zip64End: [UInt8] = [0x50, 0x4B, 6, 6]
    static let zip64Locator: [UInt8] = [0x50, 0x4B, 6, 7]
    static let end: [UInt8] = [0x50, 0x4B, 5, 6]
    static let spanningMarker: [UInt8] = [0x50, 0x4B, 0x30, 0x30]
}

private struct ZipWalk: FileWalk {
    /// How far a data descriptor is searched behind a member that neither states its size nor ends itself.
    static let longestSearch = WalkLimit.zipDescriptorSearch.value
    /// Compression methods that exist (APPNOTE 4.4.5).
    static let methods: Set<Int> = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 14, 16, 18, 19, 20, 93, 94, 95, 96, 97, 98, 99]

    /// What was met of one member, for the comparison with the directory: small, for there may be a million.
    struct Member {
        /// Where it begins, or where the directory says so.
        var offset: Int
        var size: Int
        var crc: UInt32
        /// Checksum of the name.
        var name: UInt32
        var times: ZipTimes
    }

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "zip", fileExtension: "zip", mime: "application/zip")
    var isRecognised = false

    /// In the order of their offsets.
    var members: [Member] = []
    var contents = ZipContents()
    var budget = InflateLimit.mostBytes
    /// The first member whose content its checksum contradicts.
    var damage: (prefix: Int, reason: String)?
    /// Set when header and directory differ in what no checksum covers.
    var hasContradiction = false
    /// Bytes between the first and the last that are part of no member, no directory and no other record whose parts
    /// account for all of it.
    var strayBytes = 0
    var checked = 0
    var unchecked = 0
    var contentBytes = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        if try input.matches(ZipRecord.spanningMarker, at: 0) { file.length = 4 }
        do throws(WalkStop) {
            while try input.matches(ZipRecord.localHeader, at: file.length) { try member(at: file.length) }
            try directoryAndEnd()
        } catch {
            // What is broken first decides how much is believed.
            if let damage {
                file.length = damage.prefix
                throw .broken(damage.reason)
            }
            throw error
        }
        if let damage {
            file.confidence = .header
            file.warnings.append("the structure is whole, but " + damage.reason)
        } else if unchecked > 0 {
            file.warnings.append("\(unchecked) members are encrypted or packed so that their CRC-32 was not checked")
        } else if checked > 0, !hasContradiction, strayBytes == 0, file.confidence != .header {
            file.confidence = .proven
        }
        if strayBytes > 0 {
            file.warnings.append("\(strayBytes) bytes of the archive belong to no member, and no checksum covers them")
        }
        contents.name(&file)
        file.note("members", members.count)
        file.note("content_bytes", contentBytes)
    }

    // MARK: Members

    private mutating func member(at start: Int) throws(WalkStop) {
        let flags = try input.u16le(start + 6)
        let method = try input.u16le(start + 8)
        let nameLength = try input.u16le(start + 26)
        let extraLength = try input.u16le(start + 28)
        let version = try input.u8(start + 4)
        guard Self.methods.contains(method), version <= 99, nameLength > 0 else {
            throw .broken("a local file header with impossible fields")
        }
        let name = try input.bytes(at: start + 30, count: nameLength)
        guard !name.contains(0) else { throw .broken("a member name with a NUL") }
        var header = ZipLocalHeader(
            crc: try input.u32le(start + 14), packed: try input.u32le(start + 18), size: try input.u32le(start + 22))
        try header.readZip64(input, at: start + 30 + nameLength, length: extraLength)
        isRecognised = true

        let dataStart = start + 30 + nameLength + extraLength
        // The header itself, should its member not be followed: the directory behind the gap may still tell its place.
        file.length = min(dataStart, input.count)
        strayBytes += try strayBytes(inExtra: start + 30 + nameLength..<dataStart)
        let isEncrypted = flags & 0x2041 != 0
        if isEncrypted { file.note("encrypted") }
        let followedByDescriptor = flags & 8 != 0
        let keep = contents.wanted(name)
        contents.add(name)

        var packed = header.packed
        var size = header.size
        var crc: Int?
        if method == 8, !isEncrypted {
            let stop = followedByDescriptor ? input.count : dataStart + packed
            guard input.fits(dataStart, stop - dataStart) else {
                let part = try input.inflate(from: dataStart, to: input.count, budget: &budget)
                file.length = dataStart + part.consumed
                throw .broken("a member reaches past the end of the source")
            }
            let outcome = try input.inflate(
                from: dataStart, to: stop, keeping: keep, size: followedByDescriptor ? nil : header.size,
                budget: &budget)
            if outcome.end == .finished, followedByDescriptor || outcome.consumed == packed {
                crc = Int(outcome.crc)
                packed = outcome.consumed
                size = outcome.produced
                if keep > 0 { contents.keep(name, outcome.head) }
            } else if outcome.end == .limit, !followedByDescriptor || packed > 0 {
                file.warnings.append("a member was not inflated to its end: \(input.reader.decodingLimits)")
                unchecked += 1
            } else {
                note(dataStart + outcome.consumed, "the compressed data of a member is not valid deflate")
                guard !followedByDescriptor || packed > 0 else {
                    throw .broken("the compressed data of a member is not valid deflate")
                }
            }
        } else {
            if followedByDescriptor, packed == 0, size == 0 {
                packed = try sizeByDescriptor(from: dataStart)
                size = packed
            }
            guard input.fits(dataStart, packed) else {
                file.length = dataStart
                throw .broken("a member reaches past the end of the source")
            }
            if method == 0, !isEncrypted {
                crc = Int(try input.crc32(of: dataStart..<dataStart + packed))
                if keep > 0 { contents.keep(name, try input.bytes(at: dataStart, count: min(packed, keep))) }
            } else if packed > 0 {
                unchecked += 1
            }
        }
        guard input.fits(dataStart, packed) else {
            file.length = dataStart
            throw .broken("a member reaches past the end of the source")
        }
        var end = dataStart + packed
        if followedByDescriptor, let descriptor = try descriptor(at: end, packed: packed, size: crc == nil ? nil : size)
        {
            header.crc = descriptor.crc
            end += descriptor.length
        }
        if let crc {
            if crc != header.crc {
                note(dataStart, "the CRC-32 of a member does not match its content")
            } else if packed > 0 {
                checked += 1
            }
        }
        contentBytes += size
        members.append(
            Member(
                offset: start, size: packed, crc: UInt32(truncatingIfNeeded: header.crc),
                name: try input.crc32(of: start + 30..<start + 30 + nameLength),
                times: try ZipTimes(input, at: start + 10, extra: start + 30 + nameLength..<dataStart)))
        file.length = end
    }

    /// Bytes of a header's extra field behind its last whole record (4.5.1): zeros only align what follows.
    private func strayBytes(inExtra field: Range<Int>) throws(WalkStop) -> Int {
        guard input.fits(field.lowerBound, field.count) else { return 0 }
        var at = field.lowerBound
        while field.upperBound - at >= 4 {
            let end = at + 4 + (try input.u16le(at + 2))
            // Zeros from here on are padding, and no records without a kind.
            guard end <= field.upperBound, try input.u16le(at) != 0 else { break }
            at = end
        }
        return try input.isZero(at..<field.upperBound) ? 0 : field.upperBound - at
    }

    private mutating func note(_ prefix: Int, _ reason: String) {
        if damage == nil { damage = (prefix, reason) }
    }

    /// The data descriptor behind a member (4.3.9): with or without signature, 32 or 64 bit.
    private func descriptor(at start: Int, packed: Int, size: Int?) throws(WalkStop) -> (crc: Int, length: Int)? {
        for skip in try input.matches(ZipRecord.descriptor, at: start) ? [4, 0] : [0] {
            for width in [4, 8] {
                let length = skip + 4 + 2 * width
                guard input.fits(start, length) else { continue }
                let at = start + skip
                let statedPacked = width == 4 ? try input.u32le(at + 4) : try input.length64le(at + 4)
                let statedSize = width == 4 ? try input.u32le(at + 8) : try input.length64le(at + 12)
                let mask = width == 4 ? 0xFFFF_FFFF : Int.max
                guard statedPacked == packed & mask, size == nil || statedSize == size.map({ $0 & mask }) else {
                    continue
                }
                guard try input.matches([0x50, 0x4B], at: start + length) else { continue }
                return (try input.u32le(at), length)
            }
        }
        return nil
    }

    /// Size of a member that only its descriptor states: the first descriptor that states its own distance.
    private func sizeByDescriptor(from start: Int) throws(WalkStop) -> Int {
        let end = min(input.count, start + Self.longestSearch)
        var at = start
        while let hit = try input.firstOffset(of: ZipRecord.descriptor, from: at, to: end) {
            if input.fits(hit, 16), try input.u32le(hit + 8) == hit - start { return hit - start }
            at = hit + 1
        }
        guard end == input.count else {
            throw input.stop(at: .zipDescriptorSearch, "a member without a size, and no data descriptor behind it")
        }
        throw .broken("a member without a size, and no data descriptor behind it")
    }

    // MARK: Directory

    private mutating func directoryAndEnd() throws(WalkStop) {
        if try input.matches(ZipRecord.extraData, at: file.length) {
            let size = 8 + (try input.u32le(file.length + 4))
            file.length += size
            strayBytes += size
        }
        try skipSigningBlock()
        let directoryStart = file.length
        var entries: [Member] = []
        var at = directoryStart
        while try input.matches(ZipRecord.directoryEntry, at: at) {
            entries.append(try entry(at: &at))
        }
        if try input.matches(ZipRecord.directorySignature, at: at) { at += 6 + (try input.u16le(at + 4)) }
        let directoryEnd = at
        guard !entries.isEmpty || members.isEmpty else {
            throw .broken("neither a member nor the central directory where one must be")
        }
        var end = try ZipEnd(input, zip64At: &at)
        guard try input.matches(ZipRecord.end, at: at), input.fits(at, 22) else {
            throw .broken("no end record behind the central directory")
        }
        try end.readEnd(input, at: at)
        let comment = try input.u16le(at + 20)
        guard input.fits(at + 22, comment) else { throw .broken("the source ends inside the comment") }
        let commentText = try input.bytes(at: at + 22, count: comment)

        // Counts keep only their low 16 bits where the record has no more.
        guard end.entries & 0xFFFF == entries.count & 0xFFFF,
            end.directorySize == directoryEnd - directoryStart
                || (end.directorySize == directoryEnd - directoryStart & 0xFFFF_FFFF)
        else { throw .broken("the end record describes another central directory") }
        try compare(entries, shift: end.directoryOffset - directoryStart)

        if members.isEmpty {
            // An archive without members is only its end record; a comment would be all that can be checked.
            guard comment == 0 else { throw .rejected("an empty archive with a comment") }
            isRecognised = true
        }
        if comment > 0 {
            file.note("comment", text: commentText)
            if commentText.contains(where: { $0 < 0x20 && ![0x09, 0x0A, 0x0C, 0x0D].contains($0) }) {
                file.confidence = .header
                file.warnings.append("the archive comment is not text; its length is only as good as its length field")
            }
        }
        file.length = at + 22 + comment
        file.leaveUnchecked(at + 22..<file.length)
    }

    /// One directory entry (4.3.12).
    private func entry(at position: inout Int) throws(WalkStop) -> Member {
        let at = position
        var header = ZipLocalHeader(
            crc: try input.u32le(at + 16), packed: try input.u32le(at + 20), size: try input.u32le(at + 24))
        header.offset = try input.u32le(at + 42)
        let nameLength = try input.u16le(at + 28)
        let extraLength = try input.u16le(at + 30)
        try header.readZip64(input, at: at + 46 + nameLength, length: extraLength)
        position = at + 46 + nameLength + extraLength + (try input.u16le(at + 32))
        guard position <= input.count else { throw .failed(.pastEnd(offset: position)) }
        let name = try input.crc32(of: at + 46..<at + 46 + nameLength)
        let extra = at + 46 + nameLength
        return Member(
            offset: header.offset, size: header.packed, crc: UInt32(truncatingIfNeeded: header.crc), name: name,
            times: try ZipTimes(input, at: at + 12, extra: extra..<extra + extraLength))
    }

    /// The directory must describe the members that were met, where they were met.
    private mutating func compare(_ entries: [Member], shift: Int) throws(WalkStop) {
        if shift < 0 { throw .broken("bytes too many before the central directory: its offsets do not fit") }
        if shift > 0, let first = entries.map(\.offset).min(), first < shift {
            throw .rejected("begins inside an archive")
        }
        var renamed = 0
        var timed = 0
        var isNamed = [Bool](repeating: false, count: members.count)
        var named = 0
        for entry in entries {
            // Most directories name the members in their order.
            guard let position = position(of: entry.offset - shift, near: named) else {
                throw .broken("the central directory names a member where none is")
            }
            guard !isNamed[position] else {
                throw .broken("two entries of the central directory name the same member: members overlap")
            }
            isNamed[position] = true
            named += 1
            let member = members[position]
            guard member.size == entry.size, member.crc == entry.crc else {
                throw .broken("the central directory contradicts a member's header")
            }
            if member.name != entry.name { renamed += 1 }
            if member.times.contradicts(entry.times) { timed += 1 }
        }
        if timed > 0 {
            hasContradiction = true
            file.warnings.append("\(timed) members have another time in the central directory")
        }
        if renamed > 0 {
            hasContradiction = true
            file.warnings.append("\(renamed) members have another name in the central directory")
        }
        if named < members.count {
            hasContradiction = true
            file.warnings.append("\(members.count - named) members are not in the central directory")
        }
        if shift > 0 {
            file.confidence = .header
            file.warnings.append("offsets count from \(shift) bytes before: the archive was appended to something")
        }
    }

    /// Position of the member that begins at an offset; `guess` is tried first.
    private func position(of offset: Int, near guess: Int) -> Int? {
        if guess < members.count, members[guess].offset == offset { return guess }
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle].offset < offset { low = middle + 1 } else { high = middle }
        }
        return low < members.count && members[low].offset == offset ? low : nil
    }

    /// An Android package carries its signatures between the last member and the directory.
    private mutating func skipSigningBlock() throws(WalkStop) {
        guard input.fits(file.length, 32), try !input.matches([0x50, 0x4B], at: file.length) else { return }
        let size = try input.length64le(file.length)
        guard size >= 24, input.fits(file.length + 8, size),
            try input.matches("APK Sig Block 42", at: file.length + 8 + size - 16),
            try input.length64le(file.length + 8 + size - 24) == size
        else { return }
        // Pairs of a length and as many bytes fill it to its last 24 bytes.
        let end = file.length + 8 + size - 24
        var at = file.length + 8
        while end - at >= 12 {
            let length = try input.length64le(at)
            guard length >= 4, length <= end - at - 8 else { break }
            at += 8 + length
        }
        strayBytes += end - at
        file.length += 8 + size
        contents.isAndroid = true
    }
}

/// Sizes and place of a member, 64-bit where the extra field says so.
struct ZipLocalHeader {
    var crc: Int
    var packed: Int
    var size: Int
    var offset = 0

    init(crc: Int, packed: Int, size: Int) {
        self.crc = crc
        self.packed = packed
        self.size = size
    }

    /// The Zip64 extended information (4.5.3): only the fields whose 32-bit form is all ones, in this order.
    mutating func readZip64(_ input: WalkInput, at start: Int, length: Int) throws(WalkStop) {
        guard packed == 0xFFFF_FFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF else { return }
        guard input.fits(start, length) else { throw .failed(.pastEnd(offset: start)) }
        var at = start
        while start + length - at >= 4 {
            let end = min(at + 4 + (try input.u16le(at + 2)), start + length)
            if try input.u16le(at) == 1 {
                var field = at + 4
                if size == 0xFFFF_FFFF, end - field >= 8 {
                    size = try input.length64le(field)
                    field += 8
                }
                if packed == 0xFFFF_FFFF, end - field >= 8 {
                    packed = try input.length64le(field)
                    field += 8
                }
                if offset == 0xFFFF_FFFF, end - field >= 8 { offset = try input.length64le(field) }
                return
            }
            at = end
        }
    }
}

/// The end record, completed by the Zip64 one (4.3.14 to 4.3.16).
private struct ZipEnd {
    var entries = 0xFFFF
    var directorySize = 0xFFFF_FFFF
    var directoryOffset = 0xFFFF_FFFF
    private var isZip64 = false

    /// Reads the Zip64 records, if there are any, and moves behind them.
    init(_ input: WalkInput, zip64At at: inout Int) throws(WalkStop) {
        guard try input.matches(ZipRecord.zip64End, at: at) else { return }
        let start = at
        let size = try input.length64le(start + 4)
        guard size >= 44, input.fits(start + 12, size), try input.matches(ZipRecord.zip64Locator, at: start + 12 + size)
        else { throw .broken("a Zip64 end record without its locator") }
        isZip64 = true
        entries = try input.length64le(start + 32)
        directorySize = try input.length64le(start + 40)
        directoryOffset = try input.length64le(start + 48)
        at = start + 12 + size + 20
    }

    mutating func readEnd(_ input: WalkInput, at start: Int) throws(WalkStop) {
        let diskFields = (try input.u16le(start + 4), try input.u16le(start + 6))
        guard diskFields.0 == diskFields.1 || isZip64 else { throw .broken("an archive of several volumes") }
        let count = try input.u16le(start + 10)
        let size = try input.u32le(start + 12)
        let offset = try input.u32le(start + 16)
        if !isZip64 || count != 0xFFFF { entries = count }
        if !isZip64 || size != 0xFFFF_FFFF { directorySize = size }
        if !isZip64 || offset != 0xFFFF_FFFF { directoryOffset = offset }
    }
}
