internal import EvidenceModel

/// ISO 9660 images of optical discs (ECMA-119), with Joliet and El Torito.
///
/// The first sixteen sectors belong to the system that boots from the disc and mean nothing here, so the image is found
/// by its primary volume descriptor, and begins 32 KiB before it. Every directory is walked: its records state each
/// number in both byte orders, and each directory names its own place.
struct OpticalDiscWalker: FormatWalker {
    let name = "iso9660"
    let signatures = [WalkerSignature([1, 0x43, 0x44, 0x30, 0x30, 0x31, 1, 0])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        guard let whole = reader.reader(before: OpticalDiscWalk.systemArea) else {
            return .rejected(reason: "no room before the volume descriptor")
        }
        return try OpticalDiscWalk(whole).verdict()
    }
}

private struct OpticalDiscWalk: FileWalk {
    static let sector = 2048
    static let systemArea = 16 * sector
    static let mostDescriptors = 64
    static let mostDirectories = WalkLimit.discDirectories.value
    static let mostRecords = WalkLimit.discRecords.value
    static let largestDirectory = 16 << 20
    /// Bytes by which a hybrid image's partitions may reach past the volume.
    static let mostBehind = 64 << 20

    let input: WalkInput
    var file = WalkedFile(
        length: systemArea, confidence: .structural, format: "iso9660", fileExtension: "iso",
        mime: "application/x-iso9660-image")
    var isRecognised = false
    var names = MemberNames()
    var records = 0
    var volume = 0
    /// Where the content of files begins and ends.
    var contents = Int.max..<Int.max

    init(_ reader: ByteReader) {
        input = WalkInput(reader)
        file.leading = Self.systemArea
        file.holdsFiles = true
    }

    mutating func run() throws(WalkStop) {
        let first = Self.systemArea
        guard let sectors = try bothOrders32(first + 80), sectors > 18, try bothOrders16(first + 128) == Self.sector,
            let root = try bothOrders32(first + 158), let rootSize = try bothOrders32(first + 166), root > 16,
            root < sectors
        else { throw .rejected("not a primary volume descriptor") }
        volume = sectors * Self.sector
        try descriptors()
        isRecognised = true
        try describe(first)
        try directories(root: root, size: rootSize)
        guard input.fits(0, volume) else { throw .broken("the source ends inside the volume") }
        file.length = try end()
        file.leaveUnchecked(min(contents.lowerBound, file.length)..<file.length)
        names.note(in: &file)
    }

    /// Walks the volume descriptors to the one that ends them.
    private mutating func descriptors() throws(WalkStop) {
        for index in 0..<Self.mostDescriptors {
            let at = Self.systemArea + index * Self.sector
            guard try input.matches("CD001", at: at + 1) else {
                throw .rejected("no volume descriptor where one must be")
            }
            file.length = at + Self.sector
            switch try input.u8(at) {
            case 0: if try input.matches("EL TORITO", at: at + 7) { file.note("bootable") }
            case 2: if try input.matches("%/", at: at + 88) { file.note("joliet") }
            case 255: return
            default: break
            }
        }
        throw .rejected("more volume descriptors than any real disc has")
    }

    private mutating func describe(_ at: Int) throws(WalkStop) {
        let texts = [
            (8, 32, "system"), (40, 32, "volume_name"), (190, 128, "volume_set"), (318, 128, "publisher"),
            (446, 128, "preparer"), (574, 128, "software"),
        ]
        for (offset, length, key) in texts {
            file.note(key, text: try input.bytes(at: at + offset, count: length))
        }
        for (offset, key) in [(813, "created"), (830, "modified")] {
            // YYYYMMDDHHMMSScc, and quarters of an hour from Greenwich.
            let digits = try input.bytes(at: at + offset, count: 14)
            guard digits.allSatisfy({ (0x30...0x39).contains($0) }), digits.contains(where: { $0 != 0x30 }) else {
                continue
            }
            file.note(key, text: digits)
        }
    }

    private mutating func directories(root: Int, size: Int) throws(WalkStop) {
        var pending = [(sector: root, size: size)]
        var seen: Set<Int> = [root]
        while let (sector, size) = pending.popLast() {
            let start = sector * Self.sector
            guard size >= 68, size <= Self.largestDirectory, start + size <= volume else {
                throw .broken("a directory lies outside of the volume")
            }
            guard input.fits(start, size) else { throw .broken("the source ends inside a directory") }
            var at = start
            var isFirst = true
            while at < start + size {
                let length = try input.u8(at)
                // Records do not cross sectors: zeros fill a sector up.
                if length == 0 {
                    at = (at / Self.sector + 1) * Self.sector
                    continue
                }
                let nameLength = try input.u8(at + 32)
                guard length >= 33 + nameLength, nameLength > 0, let place = try bothOrders32(at + 2),
                    let bytes = try bothOrders32(at + 10)
                else { throw .broken("no directory record where one must start") }
                let name = try input.bytes(at: at + 33, count: nameLength)
                let isDirectory = try input.u8(at + 25) & 2 != 0
                records += 1
                guard records <= Self.mostRecords else {
                    throw input.stop(at: .discRecords, "more files than any real disc has")
                }
                if isFirst {
                    guard name == [0], place == sector else { throw .broken("a directory does not name its own place") }
                    isFirst = false
                } else if name != [1] {
                    guard place * Self.sector + bytes <= volume else {
                        throw .broken("a file lies outside of the volume")
                    }
                    if isDirectory {
                        guard seen.count < Self.mostDirectories else {
                            throw input.stop(at: .discDirectories, "more directories than any real disc has")
                        }
                        if seen.insert(place).inserted { pending.append((place, bytes)) }
                    } else {
                        names.add(name.prefix { $0 != 0x3B })
                        if bytes > 0 {
                            let low = min(contents.lowerBound, place * Self.sector)
                            let high = contents.isEmpty ? 0 : contents.upperBound
                            contents = low..<max(high, place * Self.sector + bytes)
                        }
                    }
                }
                at += length
            }
            file.length = max(file.length, start + size)
        }
    }

    /// The volume's end, or that of the partitions of a hybrid image, which reach a little further.
    private func end() throws(WalkStop) -> Int {
        var end = volume
        guard try input.matches([0x55, 0xAA], at: 510) else { return end }
        for index in 0..<4 {
            let entry = 446 + 16 * index
            guard try input.u8(entry + 4) != 0 else { continue }
            let reach = (try input.u32le(entry + 8) + input.u32le(entry + 12)) * 512
            if reach > end, reach - volume <= Self.mostBehind, input.fits(0, reach) { end = reach }
        }
        return end
    }

    /// A number stored in both byte orders; nil when they disagree.
    private func bothOrders32(_ at: Int) throws(WalkStop) -> Int? {
        let value = try input.u32le(at)
        return try input.u32be(at + 4) == value ? value : nil
    }

    private func bothOrders16(_ at: Int) throws(WalkStop) -> Int? {
        let value = try input.u16le(at)
        return try input.u16be(at + 2) == value ? value : nil
    }
}
