internal import EvidenceModel

/// The change journal of an NTFS volume (`$UsnJrnl:$J`; MS-FSCC 2.4.52, USN_RECORD_V2 and V3): a run of its pages.
///
/// Each record states its own place in the journal, so a foreign or missing piece shows where the next record begins.
/// No record crosses a page of 4096 bytes; zeros fill it up.
struct ChangeJournalWalker: FormatWalker {
    let name = "usn-journal"
    let signatures = [WalkerSignature([2, 0, 0, 0], at: 4), WalkerSignature([3, 0, 0, 0], at: 4)]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try ChangeJournalWalk(reader).verdict() }

    /// A first record that begins a page, and whose name lies behind its fields.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 60 else { return true }
        let shift = head[4] == 3 ? 16 : 0
        return head[0] & 7 == 0 && head[1] <= 2 && head[2] | head[3] == 0 && head[24 + shift] == 0
            && head[25 + shift] & 0x0F == 0
    }
}

private struct ChangeJournalWalk: FileWalk {
    static let page = 4096
    static let mostRecords = 1 << 26
    static let mostNames = 64
    static let longestRecord = 640
    /// Reasons that tell what happened to a file (MS-FSCC 2.4.52).
    static let reasons = [(0x100, "created"), (0x200, "deleted"), (0x1000, "renamed_from")]

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "usn-journal", fileExtension: "usn",
        mime: "application/x-ntfs-usn-journal")
    var isRecognised = false
    var counts: [String: Int] = [:]
    var deleted: [CanonicalValue] = []
    var records = 0
    var first = 0
    var times: (earliest: UInt64, latest: UInt64) = (.max, 0)

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        guard let start = try record(at: 0, isFirst: true), start.usn % Self.page == 0 else {
            throw .rejected("no record that begins a page")
        }
        first = start.usn
        var at = 0
        var pending: Range<Int>?
        while records < Self.mostRecords {
            let found: (usn: Int, length: Int)?
            do throws(WalkStop) { found = try record(at: at, isFirst: false) } catch {
                guard case .failed(.pastEnd) = error else { throw error }
                break
            }
            if let found {
                // What follows in its place shows that the record before is whole.
                if let pending { try take(pending) }
                pending = at..<at + found.length
                at += found.length
                continue
            }
            // Zeros to the page's end, then the next page.
            let next = (at / Self.page + 1) * Self.page
            guard at % Self.page != 0, input.fits(at, next - at), try input.isZero(at..<next),
                input.fits(next, 60), try record(at: next, isFirst: false) != nil
            else { break }
            at = next
        }
        if let pending, try showsEnd(of: pending) { try take(pending) }
        // One or two records may be anything that looks like them.
        guard records >= 3 else { throw .rejected("not a run of records") }
        file.note(WalkedFile.pieceFact)
        file.note("records", records)
        file.note("first_usn", first)
        for (_, name) in Self.reasons { if let count = counts[name] { file.note(name, count) } }
        if !deleted.isEmpty { file.facts["deleted_names"] = .array(deleted) }
        file.facts["first_change"] = EvidenceTime.fileTime(times.earliest)
        file.facts["last_change"] = EvidenceTime.fileTime(times.latest)
    }

    /// The record at `at`; nil when none stands there.
    private func record(at: Int, isFirst: Bool) throws(WalkStop) -> (usn: Int, length: Int)? {
        let length = try input.u32le(at)
        let version = try input.u16le(at + 4)
        guard length % 8 == 0, length >= 64, length <= Self.longestRecord, version == 2 || version == 3,
            try input.u16le(at + 6) == 0, at % Self.page + length <= Self.page
        else { return nil }
        let shift = version == 3 ? 16 : 0
        let nameLength = try input.u16le(at + 56 + shift)
        let nameOffset = try input.u16le(at + 58 + shift)
        guard nameOffset == 60 + shift, nameLength > 0, nameLength <= 510, nameLength % 2 == 0,
            (nameOffset + nameLength + 7) / 8 * 8 == length
        else { return nil }
        let usn = try input.length64le(at + 24 + shift)
        let time = try input.length64le(at + 32 + shift)
        // From 1990 to 2200, as FILETIME.
        guard usn < 1 << 60, (122_760_000_000_000_000...189_030_000_000_000_000).contains(time),
            isFirst || usn == first + at, input.fits(at, length)
        else { return nil }
        let name = try input.bytes(at: at + nameOffset, count: nameLength)
        for index in stride(from: 0, to: nameLength, by: 2) where name[index + 1] == 0 && name[index] < 0x20 {
            return nil
        }
        guard try input.isZero(at + nameOffset + nameLength..<at + length) else { return nil }
        return (usn, length)
    }

    /// True when nothing of something else can stand in the last record: it lies in one block, or zeros fill up its last.
    private func showsEnd(of record: Range<Int>) throws(WalkStop) -> Bool {
        let border = (record.upperBound + 511) / 512 * 512
        if record.lowerBound >= border - 512 || record.upperBound == input.count { return true }
        guard record.upperBound < border else { return false }
        return try input.isZero(record.upperBound..<border)
    }

    /// Counts a record.
    private mutating func take(_ record: Range<Int>) throws(WalkStop) {
        let at = record.lowerBound
        isRecognised = true
        records += 1
        file.length = record.upperBound
        let shift = try input.u16le(at + 4) == 3 ? 16 : 0
        let name = at + 60 + shift..<at + 60 + shift + (try input.u16le(at + 56 + shift))
        // A name over a whole block is the only place where a piece of something else would not show.
        let border = (name.lowerBound + 511) / 512 * 512
        if border + 512 <= name.upperBound { file.leaveUnchecked(border..<border + 512) }
        let time = UInt64(try input.length64le(at + 32 + shift))
        times = (min(times.earliest, time), max(times.latest, time))
        let reason = try input.u32le(at + 40 + shift)
        for (bit, name) in Self.reasons where reason & bit != 0 { counts[name, default: 0] += 1 }
        if reason & 0x200 != 0, deleted.count < Self.mostNames,
            let text = EvidenceText.cleanUTF16(
                try input.bytes(at: name.lowerBound, count: name.count), bigEndian: false)
        {
            deleted.append(.string(text))
        }
    }
}
