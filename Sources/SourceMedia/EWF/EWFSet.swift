import EvidenceModel

/// What the sections of all segments say together.
struct EWFSet {
    /// Most sections of one segment that are read; EnCase writes some dozens.
    static let mostSections = 1 << 16
    /// Most notes on damage or oddities that are kept.
    static let mostNotes = 200

    let files: EWFFiles
    private(set) var volume: EWFVolume?
    private(set) var pieces: [EWFChunkMap.Piece] = []
    private(set) var digests: [Digest] = []
    private(set) var properties: [SourceProperty] = []
    /// What is damaged or missing.
    private(set) var damage: [String] = []
    /// What is odd but belongs to an intact set.
    private(set) var warnings: [String] = []
    /// True once a segment ended with the section that ends the set.
    private(set) var isEnded = false

    private let inflater: StreamInflater
    /// The `sectors` section read last in this segment.
    private var sectors: Range<Int>?
    /// Whether chunks lie in sections of their own, as the first table tells; no image does both.
    private var hasSectors: Bool?
    /// The segment file whose layout was found to be another one.
    private var strangeSegment: Int?
    /// The segment file that described the medium last.
    private var describedSegment: Int?
    /// Index in `pieces` of the table read last in this segment, for its second copy.
    private var lastTable: Int?

    init(_ files: EWFFiles) throws(SourceError) {
        self.files = files
        inflater = try StreamInflater()
    }

    mutating func note(damage text: String) { if damage.count < Self.mostNotes { damage.append(text) } }

    mutating func note(warning text: String) { if warnings.count < Self.mostNotes { warnings.append(text) } }

    /// Chunks are missing at this place of the set.
    mutating func lose(_ reason: String) {
        note(damage: reason)
        pieces.append(.lost(reason))
    }

    // MARK: The chain of sections

    /// Follows the sections of one segment to its end, or as far as they can be followed.
    mutating func readSegment(_ file: Int, number: Int) throws(SourceError) {
        let place = "segment \(number) (\(files.names[file]))"
        sectors = nil
        lastTable = nil
        isEnded = false
        var offset = EWFFileHeader.size
        for _ in 0..<Self.mostSections {
            guard let section = try section(at: offset, in: file) else {
                lose("\(place) is cut off: the section at byte \(offset) is not there")
                return
            }
            if !section.isIntact {
                guard try followsInPlace(section, in: file) else {
                    lose("\(place): the section at byte \(offset) is damaged, the rest of the segment cannot be found")
                    return
                }
                note(
                    damage:
                        "\(place): the checksum of section \"\(Self.shown(section.type))\" at byte \(offset) does not hold"
                )
            }
            try read(section, in: file, place)
            if section.endsSegment {
                isEnded = section.type == "done"
                if number > 1, volume?.isShort == false, describedSegment != file {
                    note(warning: "\(place) does not say which image it belongs to, as segments of its kind do")
                }
                noteRest(after: section, in: file, place)
                return
            }
            let fileSize = UInt64(files.size(of: file))
            guard section.next >= UInt64(section.offset + EWFSection.descriptorSize) else {
                let where_ = "section \"\(Self.shown(section.type))\" at byte \(offset)"
                lose("\(place): \(where_) points back to byte \(section.next), the chain of sections is a loop")
                return
            }
            guard section.next < fileSize else {
                lose(
                    "\(place) is cut off: section \"\(Self.shown(section.type))\" at byte \(offset) ends at byte "
                        + "\(section.next), the file at \(fileSize)")
                return
            }
            offset = Int(section.next)
        }
        lose("\(place) has more than \(Self.mostSections) sections, the limit; the rest was not read")
    }

    /// Bytes after the section that ends a segment belong to nothing.
    private mutating func noteRest(after section: EWFSection, in file: Int, _ place: String) {
        let fileSize = files.size(of: file)
        let end =
            section.size > UInt64(EWFSection.descriptorSize) ? section.end(fileSize: fileSize) : section.contentStart
        if fileSize > end { note(warning: "\(place): \(fileSize - end) bytes follow the end of the segment") }
    }

    private func section(at offset: Int, in file: Int) throws(SourceError) -> EWFSection? {
        let bytes = try files.bytes(of: file, at: offset, count: EWFSection.descriptorSize)
        return bytes.count == EWFSection.descriptorSize ? EWFSection(bytes, at: offset) : nil
    }

    /// True when a section whose own checksum fails still leads to an intact one.
    private func followsInPlace(_ section: EWFSection, in file: Int) throws(SourceError) -> Bool {
        guard section.next > UInt64(section.offset), section.next < UInt64(files.size(of: file)) else { return false }
        return try self.section(at: Int(section.next), in: file)?.isIntact == true
    }

    // MARK: Sections

    private mutating func read(_ section: EWFSection, in file: Int, _ place: String) throws(SourceError) {
        switch section.type {
        case "header", "header2": try readHeader(section, in: file, place)
        case "volume", "disk", "data": try readVolume(section, in: file, place)
        case "sectors": sectors = section.contentStart..<section.end(fileSize: files.size(of: file))
        case "table": try readTable(section, in: file, place)
        case "table2": try readSecondTable(section, in: file, place)
        case "hash", "digest": try readDigests(section, in: file, place)
        case "error2": try readErrors(section, in: file, place)
        case "xheader", "xhash": try readTaggedText(section, in: file, place)
        case "session": try readSessions(section, in: file, place)
        case "next", "done": break
        default: note(warning: "\(place): section \"\(Self.shown(section.type))\" is not known and was not read")
        }
    }

    /// The content of a section that is short by its nature.
    private func content(_ section: EWFSection, in file: Int, limit: Int) throws(SourceError) -> [UInt8] {
        let end = section.end(fileSize: files.size(of: file))
        return try files.bytes(
            of: file, at: section.contentStart, count: min(limit, max(0, end - section.contentStart)))
    }

    private mutating func readHeader(_ section: EWFSection, in file: Int, _ place: String) throws(SourceError) {
        let packed = try content(section, in: file, limit: EWFHeaderText.largestText)
        guard let text = inflater.inflate(packed, limit: EWFHeaderText.largestText) else {
            note(damage: "\(place): section \"\(section.type)\" at byte \(section.offset) is damaged")
            return
        }
        add(EWFHeaderText(text).properties)
    }

    /// The set repeats itself; what was said first, in the richer header2, counts.
    private mutating func add(_ found: [SourceProperty]) {
        for property in found where !properties.contains(where: { $0.name == property.name }) {
            properties.append(property)
        }
    }

    private mutating func readTaggedText(_ section: EWFSection, in file: Int, _ place: String) throws(SourceError) {
        let packed = try content(section, in: file, limit: EWFHeaderText.largestText)
        guard let bytes = inflater.inflate(packed, limit: EWFHeaderText.largestText) else {
            note(damage: "\(place): section \"\(section.type)\" at byte \(section.offset) is damaged")
            return
        }
        let text = EWFTaggedText(EWFHeaderText.plain(bytes))
        if section.type == "xheader" {
            add(text.properties)
        } else {
            for digest in text.digests where !digests.contains(digest) { digests.append(digest) }
        }
    }

    private mutating func readSessions(_ section: EWFSection, in file: Int, _ place: String) throws(SourceError) {
        guard let sessions = EWFSessions(try content(section, in: file, limit: EWFSessions.largestContent)) else {
            note(damage: "\(place): section \"session\" at byte \(section.offset) is damaged")
            return
        }
        add([sessions.property])
    }

    private mutating func readVolume(_ section: EWFSection, in file: Int, _ place: String) throws(SourceError) {
        guard let found = EWFVolume(try content(section, in: file, limit: EWFVolume.size)) else {
            note(damage: "\(place): section \"\(section.type)\" at byte \(section.offset) is damaged")
            return
        }
        guard found.chunkSize <= EWFVolume.largestReadChunk else {
            throw SourceError(
                .unsupported,
                "\(place) states chunks of \(found.chunkSize >> 20) MiB; more than \(EWFVolume.largestReadChunk >> 20) MiB "
                    + "are not read. Nothing was taken in. Write the image anew with smaller chunks, for example with "
                    + "ewfexport, or check that it is undamaged.")
        }
        describedSegment = file
        guard let known = volume else {
            volume = found
            return
        }
        guard found.isSameSet(as: known) else {
            throw SourceError(
                .damaged,
                "\(place) belongs to another image than the segments before it: its section \"\(section.type)\" describes "
                    + "another medium. Nothing was taken in. Put the right segment in its place and start again.")
        }
        if known.chunkCount == 0 || known.sectorCount == 0 { volume = found }
    }

    private mutating func readTable(_ section: EWFSection, in file: Int, _ place: String) throws(SourceError) {
        if let known = hasSectors, known != (sectors != nil), strangeSegment != file {
            strangeSegment = file
            note(damage: "\(place) has another layout than the segments before it: it belongs to another image")
        }
        hasSectors = hasSectors ?? (sectors != nil)
        if let table = try EWFTable.read(section, of: files, in: file, sectors: sectors) {
            pieces.append(.table(table))
        } else {
            pieces.append(.lost("\(place): the table at byte \(section.offset) is damaged"))
        }
        lastTable = pieces.count - 1
        noteFlaw(of: pieces[pieces.count - 1], section, place)
    }

    /// The copy of the table before it: it takes the table's place when that is damaged.
    private mutating func readSecondTable(_ section: EWFSection, in file: Int, _ place: String) throws(SourceError) {
        guard let index = lastTable else {
            try readTable(section, in: file, place)
            return
        }
        lastTable = nil
        guard let copy = try EWFTable.read(section, of: files, in: file, sectors: sectors) else {
            note(damage: "\(place): the table at byte \(section.offset) is damaged")
            return
        }
        noteFlaw(of: .table(copy), section, place)
        switch pieces[index] {
        case .table(let table) where table.flaw == nil:
            if copy.flaw == nil, copy.count != table.count {
                note(damage: "\(place): the tables before byte \(section.offset) differ; the first one is used")
            }
        case .table(let table) where copy.flaw != nil && copy.count != table.count: break
        default:
            pieces[index] = .table(copy)
            if copy.flaw == nil { note(damage: "\(place): the copy at byte \(section.offset) is used instead") }
        }
    }

    private mutating func noteFlaw(of piece: EWFChunkMap.Piece, _ section: EWFSection, _ place: String) {
        switch piece {
        case .lost(let reason): note(damage: reason)
        case .table(let table):
            if let flaw = table.flaw {
                note(damage: "\(place): the table at byte \(section.offset) is damaged: \(flaw)")
            }
        }
    }

    private mutating func readDigests(_ section: EWFSection, in file: Int, _ place: String) throws(SourceError) {
        let bytes = try content(section, in: file, limit: EWFStoredDigests.largestContent)
        guard let (found, isIntact) = EWFStoredDigests.read(section.type, bytes), isIntact || !found.isEmpty else {
            note(damage: "\(place): section \"\(section.type)\" at byte \(section.offset) is damaged")
            return
        }
        if !isIntact {
            note(
                damage: "\(place): the checksum of section \"\(section.type)\" at byte \(section.offset) does not hold")
        }
        for digest in found where !digests.contains(digest) { digests.append(digest) }
    }

    private mutating func readErrors(_ section: EWFSection, in file: Int, _ place: String) throws(SourceError) {
        let bytes = try content(section, in: file, limit: EWFAcquisitionErrors.largestContent)
        guard let errors = EWFAcquisitionErrors(bytes) else {
            note(damage: "\(place): section \"error2\" at byte \(section.offset) is damaged")
            return
        }
        for text in errors.texts { note(warning: text) }
    }

    /// The name of a section as a message may show it.
    private static func shown(_ type: String) -> String {
        String(type.unicodeScalars.map { $0.isASCII && $0.value >= 0x20 && $0.value != 0x7F ? Character($0) : "?" })
    }
}
