internal import EvidenceModel
internal import SourceMedia

/// Windows prefetch files: which program ran, how often and when (libscca's "Windows Prefetch File (PF) format").
///
/// Since Windows 10 they are kept compressed; then the content is decompressed, which shows where the file ends, and walked.
struct PrefetchWalker: FormatWalker {
    let name = "prefetch"
    let signatures = [
        WalkerSignature("SCCA", at: 4), WalkerSignature("MAM\u{4}"), WalkerSignature([0x4D, 0x41, 0x4D, 0x84]),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try reader.matches(Array("MAM".utf8), at: 0)
            ? CompressedPrefetchWalk(reader).verdict() : PrefetchWalk(reader).verdict()
    }
}

/// A prefetch file in the form of Windows 10: a header of 8 bytes, a CRC-32 where one flag says so, Xpress data.
private struct CompressedPrefetchWalk: FileWalk {
    /// Most bytes of content; real files have some hundred thousand.
    static let largestContent = 16 << 20
    /// More input than the content has bytes, for tables and codes of data that do not shrink.
    static let overhead = 64 << 10

    let input: WalkInput
    var file = WalkedFile(
        length: 8, confidence: .structural, format: "prefetch", fileExtension: "pf", mime: "application/x-ms-prefetch")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let size = try input.u32le(4)
        guard size > 152, size <= Self.largestContent else { throw .rejected("no prefetch file is as large") }
        let hasChecksum = try input.u8(3) == 0x84
        let start = hasChecksum ? 12 : 8
        let most = min(input.count - start, size + Self.overhead)
        guard most > 0 else { throw .rejected("the source ends in the header") }
        var data = XpressHuffman(try input.bytes(at: start, count: most))
        guard let (content, consumed) = data.content(of: size), consumed <= most else {
            throw .rejected("no compressed data of the stated size")
        }
        input.reader.charge(size)
        var walk = PrefetchWalk(ByteReader(MemorySource(content), at: 0))
        do {
            try walk.run()
        } catch {
            if case .failed(.medium) = error { throw error }
            throw .rejected("what is compressed is no prefetch file")
        }
        guard walk.file.length == size else { throw .rejected("what is compressed is no prefetch file") }
        isRecognised = true
        file.facts = walk.file.facts
        file.note("content_bytes", size)
        file.length = start + consumed
    }
}

private struct PrefetchWalk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(
        length: 84, confidence: .structural, format: "prefetch", fileExtension: "pf", mime: "application/x-ms-prefetch")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let version = try input.u32le(0)
        let size = try input.u32le(12)
        guard [17, 23, 26, 30, 31].contains(version), size > 152 else { throw .rejected("not a prefetch header") }
        isRecognised = true
        let names = try input.u32le(100)
        let nameBytes = try input.u32le(104)
        let volumes = try input.u32le(108)
        let volumeBytes = try input.u32le(116)
        guard names > 84, names + nameBytes <= size, volumes >= names, volumes + volumeBytes <= size else {
            throw .broken("sections that lie outside of the file")
        }
        guard input.fits(0, size) else { throw .broken("the source ends inside the file") }
        // File names: UTF-16, each ended by a NUL, and the last one too.
        guard nameBytes >= 2, try input.u16le(names + nameBytes - 2 + nameBytes % 2) == 0 else {
            throw .broken("file names that do not end")
        }
        // The first volume's device path lies in the volume section and begins with a backslash.
        let path = try input.u32le(volumes)
        guard path < volumeBytes, try input.u16le(volumes + path) == 0x5C else {
            file.length = volumes
            throw .broken("no volume where the header says")
        }
        if volumes + volumeBytes != size { file.confidence = .header }
        file.leaveUnchecked(84..<size)
        file.length = size
        file.note("format_version", version)
        if let name = EvidenceText.cleanUTF16(try input.bytes(at: 16, count: 60), bigEndian: false) {
            file.facts["executable"] = .string(name)
        }
        try runs(version)
    }

    /// How often and when the program ran; where that stands depends on the version.
    private mutating func runs(_ version: Int) throws(WalkStop) {
        // Of version 30 there are two forms: the tables of the shorter one begin at 296.
        let isShort = try input.u32le(84) == 296
        let (count, times, number) =
            switch version {
            case 17: (144, 120, 1)
            case 23: (152, 128, 1)
            case 26: (208, 128, 8)
            default: (isShort ? 200 : 208, 128, 8)
            }
        file.note("run_count", try input.u32le(count))
        var last: [CanonicalValue] = []
        for index in 0..<number {
            if let time = try input.fileTime(times + 8 * index) { last.append(time) }
        }
        if !last.isEmpty { file.facts["last_runs"] = .array(last) }
    }
}
