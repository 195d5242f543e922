internal import EvidenceModel

/// Bins of registry hives whose hive is gone: each states its place, and its cells fill it.
struct HiveBinWalker: FormatWalker {
    let name = "hbin"
    let signatures = [WalkerSignature("hbin")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try HiveBinWalk(reader).verdict() }
}

private struct HiveBinWalk: FileWalk {
    static let largest = 1 << 31
    static let mostNames = 32

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "hive-bins", fileExtension: "hbin",
        mime: "application/x-ms-registry")
    var isRecognised = false
    var keys = 0
    var lastCell = 0..<0
    var names: [CanonicalValue] = []
    var latest: UInt64 = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let place = try input.u32le(4)
        guard place % 4096 == 0, place < Self.largest else { throw .rejected("not a bin") }
        var bins = 0
        while file.length < Self.largest, try bin(at: file.length, place: place + file.length) { bins += 1 }
        guard bins > 0 else { throw .rejected("a bin whose cells do not fill it") }
        file.leaveUnchecked(lastCell)
        file.note(WalkedFile.pieceFact)
        file.note("bins", bins)
        file.note("offset_in_hive", 4096 + place)
        file.note("keys", keys)
        if !names.isEmpty { file.facts["names"] = .array(names) }
        file.facts["last_written"] = EvidenceTime.fileTime(latest)
    }

    private mutating func bin(at start: Int, place: Int) throws(WalkStop) -> Bool {
        guard input.fits(start, 4096), try input.matches("hbin", at: start), try input.u32le(start + 4) == place else {
            return false
        }
        let size = try input.u32le(start + 8)
        guard size >= 4096, size % 4096 == 0, size <= Self.largest, input.fits(start, size) else { return false }
        var at = start + 32
        var last = at
        while at < start + size {
            let stated = Int(Int32(truncatingIfNeeded: try input.u32le(at)))
            let cell = abs(stated)
            guard cell >= 8, cell % 8 == 0, cell <= start + size - at else { return false }
            if stated < 0, cell >= 84, try input.matches("nk", at: at + 4) { try key(at: at + 4, length: cell - 4) }
            last = at
            at += cell
        }
        // The head of the next cell shows what is in one, that of the next bin the last one; nothing shows the very last.
        lastCell = last + 4..<start + size
        file.length = start + size
        return true
    }

    private mutating func key(at start: Int, length: Int) throws(WalkStop) {
        keys += 1
        do {
            let time = try input.reader.u64le(start + 4)
            if time < 1 << 62 { latest = max(latest, time) }
        } catch { throw .failed(error) }
        let count = try input.u16le(start + 72)
        guard names.count < Self.mostNames, count <= length - 76 else { return }
        let raw = try input.bytes(at: start + 76, count: count)
        let isASCII = try input.u16le(start + 2) & 0x20 != 0
        let name = isASCII ? EvidenceText.clean(raw) : EvidenceText.cleanUTF16(raw, bigEndian: false)
        if let name { names.append(.string(name)) }
    }
}
