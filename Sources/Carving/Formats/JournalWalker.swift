internal import EvidenceModel

/// Journals of systemd (https://systemd.io/JOURNAL_FILE_FORMAT/): a header and a chain of objects up to the tail object.
struct JournalWalker: FormatWalker {
    let name = "journal"
    let signatures = [WalkerSignature("LPKSHHRH")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try JournalWalk(reader).verdict() }
}

private struct JournalWalk: FileWalk {
    static let mostObjects = 1 << 26
    static let largest = 1 << 40

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "journal", fileExtension: "journal",
        mime: "application/x-systemd-journal")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let header = try input.length64le(88)
        let arena = try input.length64le(96)
        let tail = try input.length64le(136)
        let state = try input.u8(16)
        guard header >= 208, header <= 4096, header % 8 == 0, arena > 0, arena <= Self.largest, state <= 2,
            tail >= header, tail < header + arena, tail % 8 == 0, try input.isZero(17..<24)
        else { throw .rejected("not a journal's header") }
        isRecognised = true
        try describe(state: state)
        let stated = try input.length64le(144)
        var at = header
        var objects = 0
        var entries = 0
        while at <= tail {
            guard input.fits(at, 16) else { throw .broken("the source ends before the last object") }
            let kind = try input.u8(at)
            let size = try input.length64le(at + 8)
            guard (1...7).contains(kind), try input.isZero(at + 2..<at + 8), size >= 16, size <= header + arena - at
            else { throw .broken("an object of no known kind or impossible size") }
            guard input.fits(at, size) else { throw .broken("the source ends inside an object") }
            if kind == 3 { entries += 1 }
            // What a field says is taken as it comes; the object behind it shows that nothing was inserted.
            if at == tail { file.leaveUnchecked(at..<at + size) }
            file.length = at + size
            if at == tail { break }
            at += (size + 7) / 8 * 8
            objects += 1
            guard objects < Self.mostObjects else { throw .broken("more objects than any real journal has") }
        }
        guard at == tail, objects + 1 == stated else {
            throw .broken("the objects are not those that the header counts")
        }
        guard input.fits(0, header + arena) else { throw .broken("the source ends inside the journal") }
        // The rest is space that was laid out ahead.
        let used = file.length
        if try !input.isZero(used..<header + arena) {
            file.confidence = .header
            file.certainLength = used
            file.warnings.append("the space laid out behind the last object is not empty")
        }
        file.length = header + arena
        file.note("entries", entries)
        file.note("used_bytes", used)
    }

    private mutating func describe(state: Int) throws(WalkStop) {
        file.facts["state"] = .string(["offline", "online", "archived"][state])
        file.facts["machine_id"] = .string(Hex.encode(try input.bytes(at: 40, count: 16)))
        file.facts["boot_id"] = .string(Hex.encode(try input.bytes(at: 56, count: 16)))
        // Microseconds since 1970.
        file.facts["first_entry"] = EvidenceTime.posix(try input.length64le(184) / 1_000_000)
        file.facts["last_entry"] = EvidenceTime.posix(try input.length64le(192) / 1_000_000)
    }
}
