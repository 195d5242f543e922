internal import EvidenceModel

/// Windows event logs (EVTX, MS-EVEN6 and the Windows XML Event Log format): a header and chunks of 64 KiB.
///
/// Every chunk carries a CRC-32 of its header and one of its records: together they prove the content.
struct EventLogWalker: FormatWalker {
    let name = "evtx"
    let signatures = [WalkerSignature(Array("ElfFile".utf8) + [0])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try EventLogWalk(reader).verdict() }
}

private struct EventLogWalk: FileWalk {
    static let chunkSize = 65_536
    static let chunkSignature = Array("ElfChnk".utf8) + [0]

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .proven, format: "evtx", fileExtension: "evtx", mime: "application/x-ms-evtx")
    var isRecognised = false
    var hasUncheckedRest = false
    /// The same of the chunk met last.
    var endsUnchecked = false
    /// The unused rest of the chunk met last.
    var lastRest = 0..<0
    var records = 0
    /// The highest record identifier of the chunks.
    var lastRecord = 0
    /// The lowest one.
    var firstRecord = Int.max
    var firstTime: CanonicalValue?
    var lastTime: CanonicalValue?

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        guard try input.u32le(32) == 128, try input.u16le(38) == 3, try input.u16le(40) == 4096 else {
            throw .rejected("not an event log header")
        }
        let isSound = try Int(input.crc32(of: 0..<120)) == input.u32le(124)
        let flags = try input.u32le(120)
        let stated = try input.u16le(42)
        // A log that was in use when it was copied has a stale header.
        guard isSound || flags & 1 != 0 else { throw .rejected("the header's CRC-32 does not hold") }
        isRecognised = true
        file.length = 128
        // The checksum covers 120 bytes; the rest of the header's block is always empty.
        guard try input.isZero(128..<4096) else { throw .broken("the rest of the header's block is not empty") }
        file.length = 4096
        var chunks = 0
        while try input.matches(Self.chunkSignature, at: file.length) {
            // The header of a log in use does not say how many chunks there are: another log's does not count on.
            if flags & 1 != 0, chunks > 0, chunks >= stated, try !countsOn(chunk: file.length) { break }
            try chunk(at: file.length)
            file.length += Self.chunkSize
            chunks += 1
        }
        if flags & 1 != 0 {
            file.note("dirty")
        } else if chunks < stated {
            throw .broken("\(stated - chunks) of \(stated) chunks are missing")
        }
        guard chunks > 0 || stated == 0 else { throw .broken("no chunk behind the header") }
        if !isSound {
            file.confidence = .structural
            file.warnings.append("the header's CRC-32 does not hold; the log was in use")
        }
        if hasUncheckedRest {
            // The next chunk's header shows that nothing was inserted into the rest of the one before; the last has none.
            file.confidence = endsUnchecked ? .header : .structural
            file.warnings.append("the unused rest of a chunk is not empty; no checksum covers it")
        }
        if chunks > 0, flags & 1 == 0, try input.length64le(24) != lastRecord + 1 {
            file.confidence = .header
            file.warnings.append(
                "the header counts other records than the chunks hold: they may be those of another log")
        }
        file.leaveUnchecked(lastRest)
        if chunks == 0 { file.confidence = .structural }
        file.note("chunks", chunks)
        file.note("records", records)
        file.facts["first_record"] = firstTime
        file.facts["last_record"] = lastTime
        if chunks > 0, let name = try input.eventComputer(inChunkAt: 4096, to: file.length) {
            file.facts["computer"] = .string(name)
        }
    }

    /// True when a chunk's first record is the next one, or older than all before it in a log that begins again.
    private func countsOn(chunk start: Int) throws(WalkStop) -> Bool {
        let first = try input.length64le(start + 24)
        return first == lastRecord + 1 || first < firstRecord
    }

    private mutating func chunk(at start: Int) throws(WalkStop) {
        let freeSpace = try input.u32le(start + 48)
        guard try input.u32le(start + 40) == 128, freeSpace >= 512, freeSpace <= Self.chunkSize else {
            throw .broken("a chunk header with impossible fields")
        }
        guard input.fits(start, Self.chunkSize) else { throw .broken("the source ends inside a chunk") }
        var header = CRC32()
        header.update(try input.bytes(at: start, count: 120)[...])
        header.update(try input.bytes(at: start + 128, count: 384)[...])
        guard Int(header.value) == (try input.u32le(start + 124)) else {
            throw .broken("a chunk header's CRC-32 does not hold")
        }
        guard try Int(input.crc32(of: start + 512..<start + freeSpace)) == input.u32le(start + 52) else {
            throw .broken("the CRC-32 of a chunk's records does not hold")
        }
        firstRecord = min(firstRecord, try input.length64le(start + 24))
        lastRecord = max(lastRecord, try input.length64le(start + 32))
        // No checksum covers the unused rest of a chunk; it is empty, or holds records of an earlier use.
        lastRest = start + freeSpace..<start + Self.chunkSize
        endsUnchecked = try !input.isZero(start + freeSpace..<start + Self.chunkSize)
        if endsUnchecked { hasUncheckedRest = true }
        var at = start + 512
        while at + 24 <= start + freeSpace, try input.matches([0x2A, 0x2A, 0, 0], at: at) {
            let size = try input.u32le(at + 4)
            guard size >= 28, size <= start + freeSpace - at else { break }
            records += 1
            do {
                let time = EvidenceTime.fileTime(try input.reader.u64le(at + 16))
                if firstTime == nil { firstTime = time }
                lastTime = time
            } catch { throw .failed(error) }
            at += size
        }
    }
}
