internal import EvidenceModel

/// Why a walk ended before the file's own end.
enum WalkStop: Error {
    /// Not a file of this format.
    case rejected(String)
    /// The structure stops making sense after the valid prefix.
    case broken(String)
    /// A read failed.
    case failed(ReadFailure)
}

extension WalkStop {
    /// What `body` answers; `otherwise` where the evidence is not as it expects. A read that fails is thrown.
    static func answer<Answer>(
        or otherwise: Answer, _ body: () throws(WalkStop) -> Answer
    ) throws(ReadFailure) -> Answer {
        do {
            return try body()
        } catch {
            if case .failed(let failure) = error { throw failure }
            return otherwise
        }
    }
}

/// One walk over one candidate: the state from which the verdict is made, however the walk ends.
protocol FileWalk {
    /// The file as known so far; `file.length` is the valid prefix until the walk reaches the end.
    var file: WalkedFile { get }
    /// True once enough was seen to call a later contradiction "broken" and not "rejected".
    var isRecognised: Bool { get }
    /// Walks to the file's own end, or throws where the structure stops making sense.
    mutating func run() throws(WalkStop)
}

extension FileWalk {
    /// Runs the walk and turns its end into a verdict.
    consuming func verdict() throws(ReadFailure) -> WalkVerdict {
        do {
            try run()
            return .complete(file)
        } catch {
            switch error {
            case .rejected(let reason): return .rejected(reason: reason)
            case .broken(let reason): return unfinished(reason)
            case .failed(.medium(let cause)): throw .medium(cause)
            case .failed(.pastEnd): return unfinished("the source ends inside the file")
            case .failed(.tooLarge): return unfinished("a length is larger than any real one")
            }
        }
    }

    private func unfinished(_ reason: String) -> WalkVerdict {
        isRecognised ? .broken(file, reason: reason) : .rejected(reason: reason)
    }
}

/// A ``ByteReader`` whose failures are ``WalkStop``s, so that a walk reads and judges in one flow.
struct WalkInput {
    let reader: ByteReader

    init(_ reader: ByteReader) { self.reader = reader }

    /// Bytes from the start of the candidate to the end of the source.
    var count: Int { reader.count }

    func u8(_ offset: Int) throws(WalkStop) -> Int {
        do { return Int(try reader.u8(offset)) } catch { throw .failed(error) }
    }

    func u16le(_ offset: Int) throws(WalkStop) -> Int {
        do { return try reader.u16le(offset) } catch { throw .failed(error) }
    }

    func u16be(_ offset: Int) throws(WalkStop) -> Int {
        do { return try reader.u16be(offset) } catch { throw .failed(error) }
    }

    func u24be(_ offset: Int) throws(WalkStop) -> Int { try u8(offset) << 16 | u16be(offset + 1) }

    func u24le(_ offset: Int) throws(WalkStop) -> Int { try u16le(offset) | u8(offset + 2) << 16 }

    func u32le(_ offset: Int) throws(WalkStop) -> Int {
        do { return try reader.u32le(offset) } catch { throw .failed(error) }
    }

    func u32be(_ offset: Int) throws(WalkStop) -> Int {
        do { return try reader.u32be(offset) } catch { throw .failed(error) }
    }

    /// A 64-bit length or offset; one that no medium can hold becomes `Int.max / 4`, which fits nowhere.
    func length64be(_ offset: Int) throws(WalkStop) -> Int {
        do { return Self.bounded(try reader.u64be(offset)) } catch { throw .failed(error) }
    }

    /// A 64-bit length or offset; one that no medium can hold becomes `Int.max / 4`, which fits nowhere.
    func length64le(_ offset: Int) throws(WalkStop) -> Int {
        do { return Self.bounded(try reader.u64le(offset)) } catch { throw .failed(error) }
    }

    private static func bounded(_ value: UInt64) -> Int { min(Int(exactly: value) ?? Int.max, Int.max / 4) }

    func bytes(at offset: Int, count: Int) throws(WalkStop) -> [UInt8] {
        do { return try reader.bytes(at: offset, count: count) } catch { throw .failed(error) }
    }

    func matches(_ pattern: some Collection<UInt8>, at offset: Int) throws(WalkStop) -> Bool {
        do { return try reader.matches(pattern, at: offset) } catch { throw .failed(error) }
    }

    func matches(_ text: String, at offset: Int) throws(WalkStop) -> Bool {
        try matches(text.utf8, at: offset)
    }

    func tag(_ offset: Int) throws(WalkStop) -> FourCC { FourCC(UInt32(truncatingIfNeeded: try u32be(offset))) }

    func crc32(of range: Range<Int>) throws(WalkStop) -> UInt32 {
        do { return try reader.crc32(of: range) } catch { throw .failed(error) }
    }

    func forEachPiece(
        of range: Range<Int>, _ body: (ArraySlice<UInt8>) throws(ReadFailure) -> Void
    ) throws(WalkStop) {
        do { try reader.forEachPiece(of: range, body) } catch { throw .failed(error) }
    }

    func scanPieces(of range: Range<Int>, while body: (ArraySlice<UInt8>) -> Bool) throws(WalkStop) {
        do { try reader.scanPieces(of: range, while: body) } catch { throw .failed(error) }
    }

    func countRun(at offset: Int, atMost most: Int, where condition: (UInt8) -> Bool) throws(WalkStop) -> Int {
        do { return try reader.countRun(at: offset, atMost: most, where: condition) } catch { throw .failed(error) }
    }

    /// True when `length` bytes at `offset` lie in the source.
    func fits(_ offset: Int, _ length: Int) -> Bool {
        offset >= 0 && length >= 0 && offset <= count && length <= count - offset
    }
}

/// The four characters by which RIFF, IFF, PNG and ISO media name their parts, as a big-endian number.
struct FourCC: Hashable, ExpressibleByStringLiteral {
    let value: UInt32

    init(_ value: UInt32) { self.value = value }

    init(stringLiteral text: String) {
        value = text.utf8.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The characters, first to last.
    var characters: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

    /// True when each is a printable ASCII character.
    var isPrintable: Bool { characters.allSatisfy { (0x20...0x7E).contains($0) } }

    /// The text as a fact: without trailing spaces, other characters replaced.
    var text: String { EvidenceText.clean(characters) ?? "" }
}
