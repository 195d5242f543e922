internal import EvidenceModel

/// TIFF, BigTIFF and the raw formats built on them: DNG, NEF, CR2, ARW, ORF, PEF (TIFF 6.0; TIFF/EP; DNG 1.7).
///
/// A TIFF file has no end mark: its end is the furthest byte that a directory, a value, a strip, a tile or an embedded
/// JPEG reaches.
struct TIFFWalker: FormatWalker {
    let name = "tiff"
    let signatures = [
        WalkerSignature([0x49, 0x49, 0x2A, 0x00]), WalkerSignature([0x4D, 0x4D, 0x00, 0x2A]),
        WalkerSignature([0x49, 0x49, 0x2B, 0x00]), WalkerSignature([0x4D, 0x4D, 0x00, 0x2B]),
        WalkerSignature("IIRO"), WalkerSignature("IIRS"), WalkerSignature("MMOR"),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try TIFFWalk(WalkInput(reader)).verdict()
    }
}

private struct TIFFWalk: FileWalk {
    /// Most directories of one file, sub-directories counted.
    static let mostDirectories = WalkLimit.tiffDirectories.value
    /// Bytes by which an uncompressed strip may be longer than its picture.
    static let mostPadding = 64 * 1024
    /// Most strips or tiles of one directory.
    static let mostPieces = WalkLimit.tiffPieces.value

    let input: WalkInput
    var file = WalkedFile(
        length: 8, confidence: .structural, format: "tiff", fileExtension: "tif", mime: "image/tiff")
    var isRecognised = false
    /// Furthest byte reached.
    var end = 8
    var hasImage = false
    /// Directories still to be read; one that another names as its successor may not have been read before.
    var pending: [(offset: Int, isSuccessor: Bool)] = []
    var seen: Set<Int> = []

    init(_ input: WalkInput) { self.input = input }

    mutating func run() throws(WalkStop) {
        guard let tiff = try TIFFStructure(input, at: 0, end: input.count),
            [42, 43, 0x4F52, 0x5352].contains(tiff.magic)
        else { throw .rejected("no TIFF header") }
        // Only a directory makes it a TIFF file; but where none stands behind a header, pieces may lie apart.
        isRecognised = tiff.firstDirectory >= FreeSpace.block
        guard let first = try tiff.directory(at: tiff.firstDirectory, lenient: false), first[0x100] != nil,
            first[0x101] != nil
        else {
            throw isRecognised
                ? .broken("no directory where the header points") : .rejected("no directory where the header points")
        }
        isRecognised = true
        end = tiff.isBigTIFF ? 16 : 8
        try describe(tiff, first)
        pending = [(tiff.firstDirectory, false)]
        var pages = 0
        while let (offset, isSuccessor) = pending.popLast() {
            guard seen.insert(offset).inserted else {
                guard !isSuccessor else { throw .broken("the directories run in a circle") }
                file.warnings.append("a directory is named more than once")
                continue
            }
            guard seen.count <= Self.mostDirectories else {
                throw input.stop(at: .tiffDirectories, "more directories than any real file has")
            }
            guard let directory = try tiff.directory(at: offset, lenient: false) else {
                throw .broken("no directory at \(offset)")
            }
            try visit(tiff, directory, at: offset)
            if directory[0x100] != nil { pages += 1 }
            if directory.next != 0 { pending.append((directory.next, true)) }
        }
        guard hasImage else { throw .broken("no directory holds an image") }
        if pages > 1 { file.note("directories", pages) }
        file.length = end
    }

    private mutating func reach(_ offset: Int, _ length: Int, _ what: String) throws(WalkStop) {
        guard input.fits(offset, length) else { throw .broken("\(what) lies past the end of the source") }
        end = max(end, offset + length)
        file.length = end
    }

    private mutating func visit(
        _ tiff: TIFFStructure, _ directory: TIFFStructure.Directory, at offset: Int
    ) throws(WalkStop) {
        try reach(offset, directory.end - offset, "a directory")
        for entry in directory.entries {
            if !entry.isInline { try reach(entry.valueAt, entry.byteCount, "a value") }
            switch entry.tag {
            case 0x14A, 0x8769, 0x8825, 0xA005, 0x190:
                for index in 0..<min(entry.count, Self.mostDirectories) {
                    if let child = try tiff.number(entry, index), child != 0 { pending.append((child, false)) }
                }
            default: break
            }
        }
        try pieces(tiff, directory, offsets: 0x111, counts: 0x117, "a strip")
        try pieces(tiff, directory, offsets: 0x144, counts: 0x145, "a tile")
        try pieces(tiff, directory, offsets: 0x201, counts: 0x202, "an embedded JPEG")
        if let entry = directory[0x103], try tiff.number(entry) == 6 { try oldJPEGTables(tiff, directory) }
    }

    private mutating func pieces(
        _ tiff: TIFFStructure, _ directory: TIFFStructure.Directory, offsets: Int, counts: Int, _ what: String
    ) throws(WalkStop) {
        guard let offsetEntry = directory[offsets] else { return }
        guard offsetEntry.count <= Self.mostPieces else {
            throw input.stop(at: .tiffPieces, "more strips than any real file has")
        }
        guard let countEntry = directory[counts] else {
            // TIFF 5 writers left the counts out; they follow from the picture's size when nothing is compressed.
            if offsets == 0x111, offsetEntry.count == 1, let at = try tiff.number(offsetEntry),
                let size = try uncompressedSize(tiff, directory)
            {
                try reach(at, size, what)
                file.leaveUnchecked(at..<at + size)
                hasImage = true
            }
            return
        }
        guard countEntry.count >= offsetEntry.count else { throw .broken("fewer lengths than offsets of strips") }
        // Of the other schemes some give runs of one byte, or copy their input.
        let compression = try directory[0x103].map { entry throws(WalkStop) in try tiff.number(entry) ?? 1 } ?? 1
        let isPacked = compression == 5 || compression == 7
        for index in 0..<offsetEntry.count {
            guard let at = try tiff.number(offsetEntry, index), let length = try tiff.number(countEntry, index) else {
                throw .broken("offsets of another type than a number")
            }
            // Sparse tiles have neither place nor length.
            if length == 0 { continue }
            if offsets == 0x111, offsetEntry.count == 1, let size = try uncompressedSize(tiff, directory),
                length > size + Self.mostPadding
            {
                file.warnings.append("the only strip is said to be longer than its picture")
                file.confidence = .header
                try reach(at, size, what)
                file.leaveUnchecked(at..<at + size)
            } else {
                try reach(at, length, what)
                file.leaveUnchecked(at..<at + length)
                if isPacked, let foreign = try ForeignBlocks.first(input, in: at..<at + length) {
                    file.length = foreign
                    throw .broken("a block inside \(what) is not compressed data")
                }
            }
            hasImage = true
        }
    }

    private func uncompressedSize(
        _ tiff: TIFFStructure, _ directory: TIFFStructure.Directory
    ) throws(WalkStop) -> Int? {
        func number(_ tag: Int) throws(WalkStop) -> Int? {
            guard let entry = directory[tag] else { return nil }
            return try tiff.number(entry)
        }
        guard let width = try number(0x100), let height = try number(0x101), try number(0x103) ?? 1 == 1 else {
            return nil
        }
        let samples = try number(0x115) ?? 1
        let bits = try number(0x102) ?? 1
        guard width < 1 << 24, height < 1 << 24, samples <= 64, bits <= 64 else { return nil }
        return (width * samples * bits + 7) / 8 * height
    }

    /// The tables of old-style JPEG compression (TIFF 6.0, section 22) stand outside the strips.
    private mutating func oldJPEGTables(
        _ tiff: TIFFStructure, _ directory: TIFFStructure.Directory
    ) throws(WalkStop) {
        for tag in [0x207, 0x208, 0x209] {
            guard let entry = directory[tag] else { continue }
            for index in 0..<min(entry.count, 4) {
                guard let at = try tiff.number(entry, index), at != 0, tiff.fits(at, 16) else { continue }
                var length = 64
                if tag != 0x207 {
                    length = 16
                    for code in 0..<16 { length += try input.u8(at + code) }
                }
                if input.fits(at, length) { try reach(at, length, "a JPEG table") }
            }
        }
    }

    private mutating func describe(
        _ tiff: TIFFStructure, _ first: TIFFStructure.Directory
    ) throws(WalkStop) {
        if let entry = first[0x100], let width = try tiff.number(entry) { file.note("width", width) }
        if let entry = first[0x101], let height = try tiff.number(entry) { file.note("height", height) }
        if let entry = first[0x102], let bits = try tiff.number(entry) { file.note("bit_depth", bits) }
        if let entry = first[0x103], let compression = try tiff.number(entry) {
            let names = [
                1: "none", 2: "CCITT RLE", 3: "CCITT G3", 4: "CCITT G4", 5: "LZW", 6: "old JPEG", 7: "JPEG",
                8: "Deflate", 32773: "PackBits", 32946: "Deflate", 34712: "JPEG 2000", 50000: "Zstandard",
                34892: "lossy JPEG", 34925: "LZMA", 50001: "WebP",
            ]
            file.facts["compression"] = .string(names[compression] ?? String(compression))
        }
        try Exif.note(tiff, first, in: &file)
        file.facts["exif"] = nil
        if tiff.isBigTIFF { file.note("bigtiff") }
        let make = file.facts["camera_make"]?.string?.uppercased() ?? ""
        if first[0xC612] != nil {
            become("dng", "image/x-adobe-dng")
        } else if try input.matches("CR", at: 8), !tiff.isBigTIFF {
            become("cr2", "image/x-canon-cr2")
        } else if tiff.magic == 0x4F52 || tiff.magic == 0x5352 {
            become("orf", "image/x-olympus-orf")
        } else if first[0x14A] != nil, make.hasPrefix("NIKON") {
            become("nef", "image/x-nikon-nef")
        } else if first[0xC634] != nil, make.hasPrefix("SONY") {
            become("arw", "image/x-sony-arw")
        } else if make.hasPrefix("PENTAX"), first[0x111] != nil, first[0x8769] != nil {
            become("pef", "image/x-pentax-pef")
        }
    }

    private mutating func become(_ format: String, _ mime: String) {
        file.format = format
        file.fileExtension = format
        file.mime = mime
    }
}
