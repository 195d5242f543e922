internal import EvidenceModel

/// SQLite write-ahead logs (https://www.sqlite.org/fileformat2.html, section 4).
///
/// Each frame's checksum continues that of the frame before, so it proves every byte and their order. Behind the frames
/// in use lie those of an earlier round; their salts differ, their checksums continue each other too.
struct WriteAheadLogWalker: FormatWalker {
    let name = "sqlite-wal"
    let signatures = [
        WalkerSignature([0x37, 0x7F, 0x06, 0x82, 0x00, 0x2D, 0xE2, 0x18]),
        WalkerSignature([0x37, 0x7F, 0x06, 0x83, 0x00, 0x2D, 0xE2, 0x18]),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try WriteAheadLogWalk(reader).verdict() }
}

private struct WriteAheadLogWalk: FileWalk {
    /// Rounds back that old frames may stem from: each round adds one to the first salt.
    static let mostRounds: UInt32 = 1 << 20

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .proven, format: "sqlite-wal", fileExtension: "sqlite-wal",
        mime: "application/vnd.sqlite3")
    var isRecognised = false
    var isBigEndian = false
    var pageSize = 0

    /// Two sums of 32 bits (4.2).
    struct Sums: Equatable {
        var first: UInt32 = 0
        var second: UInt32 = 0

        mutating func add(_ bytes: [UInt8], bigEndian: Bool) {
            func word(_ at: Int) -> UInt32 {
                let parts = (0..<4).map { UInt32(bytes[at + $0]) }
                return bigEndian
                    ? parts[0] << 24 | parts[1] << 16 | parts[2] << 8 | parts[3]
                    : parts[3] << 24 | parts[2] << 16 | parts[1] << 8 | parts[0]
            }
            var at = 0
            while at + 8 <= bytes.count {
                first = first &+ word(at) &+ second
                second = second &+ word(at + 4) &+ first
                at += 8
            }
        }
    }

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        isBigEndian = try input.u8(3) == 0x83
        pageSize = try input.u32be(8)
        guard pageSize >= 512, pageSize <= 65_536, pageSize & (pageSize - 1) == 0 else {
            throw .rejected("an impossible page size")
        }
        var sums = Sums()
        sums.add(try input.bytes(at: 0, count: 24), bigEndian: isBigEndian)
        guard try sums == stored(24) else { throw .rejected("the header's checksum does not hold") }
        isRecognised = true
        file.length = 32
        file.note("page_size", pageSize)
        file.note("checkpoint", try input.u32be(12))
        let salt = UInt32(truncatingIfNeeded: try input.u32be(16))
        let salts = try input.bytes(at: 16, count: 8)
        var frames = 0
        var commits = 0
        var endsInCommit = false
        while input.fits(file.length, 24 + pageSize), try input.matches(salts, at: file.length + 8) {
            let next = try self.sums(of: file.length, after: sums)
            guard try next == stored(file.length + 16), try input.u32be(file.length) > 0 else { break }
            sums = next
            let pages = try input.u32be(file.length + 4)
            endsInCommit = pages > 0
            if pages > 0 {
                commits += 1
                file.facts["database_pages"] = .size(pages)
            }
            frames += 1
            file.length += 24 + pageSize
        }
        let old = try oldFrames(before: salt)
        guard frames + old > 0 else { throw .rejected("no frame behind the header") }
        file.note("frames", frames)
        file.note("commits", commits)
        if old > 0 { file.note("old_frames", old) }
        if !endsInCommit, frames > 0 { file.warnings.append("the last transaction in the log was not committed") }
        try conclude(isProven: endsInCommit || frames == 0)
    }

    private func stored(_ at: Int) throws(WalkStop) -> Sums {
        Sums(
            first: UInt32(truncatingIfNeeded: try input.u32be(at)),
            second: UInt32(truncatingIfNeeded: try input.u32be(at + 4)))
    }

    private func sums(of frame: Int, after sums: Sums) throws(WalkStop) -> Sums {
        var sums = sums
        sums.add(try input.bytes(at: frame, count: 8), bigEndian: isBigEndian)
        sums.add(try input.bytes(at: frame + 24, count: pageSize), bigEndian: isBigEndian)
        return sums
    }

    /// Frames of earlier rounds; answers how many. The first one of a round has nothing left that it could continue.
    private mutating func oldFrames(before salt: UInt32) throws(WalkStop) -> Int {
        var frames = 0
        var previous: (salts: [UInt8], sums: Sums)?
        while input.fits(file.length, 24 + pageSize), try input.u32be(file.length) > 0 {
            let salts = try input.bytes(at: file.length + 8, count: 8)
            let rounds = salt &- UInt32(truncatingIfNeeded: try input.u32be(file.length + 8))
            guard (1...Self.mostRounds).contains(rounds) else { break }
            if let previous, previous.salts == salts {
                guard try sums(of: file.length, after: previous.sums) == stored(file.length + 16) else { break }
            } else {
                file.confidence = .structural
                file.leaveUnchecked(file.length..<file.length + 24 + pageSize)
            }
            previous = (salts, try stored(file.length + 16))
            frames += 1
            file.length += 24 + pageSize
        }
        return frames
    }

    /// A log has no end of its own: it must show on the medium.
    private mutating func conclude(isProven: Bool) throws(WalkStop) {
        guard try input.showsEnd(file.length) else {
            file.confidence = .header
            file.warnings.append("a log has no end of its own: ended where no further frame follows")
            return
        }
        if !isProven { file.confidence = .structural }
    }
}

/// SQLite rollback journals (https://www.sqlite.org/fileformat2.html, section 3): pages as they were before a change.
///
/// A record's checksum covers only every 200th byte of its page, too little to prove it.
struct RollbackJournalWalker: FormatWalker {
    static let magic: [UInt8] = [0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7]

    let name = "sqlite-journal"
    let signatures = [WalkerSignature(RollbackJournalWalker.magic)]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try RollbackJournalWalk(reader).verdict() }
}

private struct RollbackJournalWalk: FileWalk {
    /// The count of records that means "as many as there are".
    static let uncounted = 0xFFFF_FFFF
    static let longestName = 4096

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "sqlite-journal", fileExtension: "sqlite-journal",
        mime: "application/vnd.sqlite3")
    var isRecognised = false
    var records = 0
    var isCounted = true

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let sector = try input.u32be(20)
        let pageSize = try input.u32be(24)
        guard pageSize >= 512, pageSize <= 65_536, pageSize & (pageSize - 1) == 0, sector >= 32, sector <= 65_536,
            sector & (sector - 1) == 0
        else { throw .rejected("not a journal header") }
        file.note("page_size", pageSize)
        file.note("database_pages", try input.u32be(16))
        var header = 0
        while isCounted {
            try segment(header, sector: sector, pageSize: pageSize)
            let next = (file.length + sector - 1) / sector * sector
            guard try input.matches(RollbackJournalWalker.magic, at: next), try input.u32be(next + 20) == sector,
                try input.u32be(next + 24) == pageSize
            else { break }
            header = next
        }
        guard records > 0 else { throw .rejected("no record behind the header") }
        file.note("records", records)
        try superJournal(pageSize: pageSize)
        if !isCounted, try !input.showsEnd(file.length) {
            file.confidence = .header
            file.warnings.append("the journal does not count its records: ended where no further one follows")
        }
    }

    private mutating func segment(_ start: Int, sector: Int, pageSize: Int) throws(WalkStop) {
        let count = try input.u32be(start + 8)
        let nonce = UInt32(truncatingIfNeeded: try input.u32be(start + 12))
        // A journal that was not yet written through states none.
        isCounted = count != Self.uncounted && count != 0
        guard input.fits(start, sector) else { throw .broken("the source ends inside a header") }
        if start > 0 { file.length = start + sector }
        var at = start + sector
        var left = isCounted ? count : Int.max
        while left > 0 {
            guard input.fits(at, pageSize + 8) else {
                guard !isCounted else { throw .broken("the source ends before the last record") }
                return
            }
            let page = try input.bytes(at: at + 4, count: pageSize)
            let sum = stride(from: pageSize - 200, to: 0, by: -200).reduce(nonce) { $0 &+ UInt32(page[$1]) }
            guard try input.u32be(at) > 0, try Int(sum) == input.u32be(at + 4 + pageSize) else {
                guard !isCounted else { throw .broken("a record's checksum does not hold") }
                return
            }
            isRecognised = true
            file.leaveUnchecked(at..<at + pageSize + 8)
            at += pageSize + 8
            file.length = at
            records += 1
            left -= 1
        }
    }

    /// The name of the journal that several databases share, written behind the records (3).
    private mutating func superJournal(pageSize: Int) throws(WalkStop) {
        let start = file.length
        guard input.fits(start, 4), try input.u32be(start) == 0x4000_0000 / pageSize + 1,
            let end = try input.firstOffset(
                of: RollbackJournalWalker.magic, from: start + 4, to: min(input.count, start + Self.longestName)),
            end >= start + 12, try input.u32be(end - 8) == end - 8 - (start + 4)
        else { return }
        let name = try input.bytes(at: start + 4, count: end - 8 - (start + 4))
        guard try name.reduce(0, { $0 + Int($1) }) == input.u32be(end - 4) else { return }
        file.note("super_journal", text: name)
        file.length = end + 8
    }
}
