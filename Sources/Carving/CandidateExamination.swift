internal import EvidenceModel
internal import FormatIdentification
internal import SourceMedia

/// What one candidate is, judged alone; what its neighbours mean for it is decided later, in order.
struct CandidateExamination: DecodingWork, Sendable {
    enum Finding: Sendable {
        case nothing
        case whole(WalkedFile)
        case broken(WalkedFile, reason: String)
        /// Known to libmagic only.
        case header(IdentifiedFormat)
    }

    var finding = Finding.nothing
    /// Position of the walker whose file it is, in the table of walkers.
    var walker = 0
    /// True when a walker was asked and did not accept.
    var wasRejected = false
    /// A broken file of which too little is sound to be catalogued: its other pieces may be found all the same.
    var shortBroken: (walker: Int, prefix: Int)?
    var confirmationCalls = 0
    /// Bytes that were read to find out.
    var bytesRead = 0
    /// Of them, those that were read for libmagic.
    var bytesReadForMagic = 0
    /// Bytes that walkers decoded to find out.
    var bytesDecoded = 0
    /// True when they had to stop because no more was to be decoded.
    var isOutOfDecoding = false
    /// The limits of walkers that decided something.
    var limits: Set<WalkLimit> = []
    /// True when only libmagic might have known the place, and was not to be asked.
    var isLeftToMagic = false
    /// Times that libmagic was given bytes to name.
    var libmagicCalls = 0
    var warnings: [String] = []

    /// True when libmagic was asked about the place, or should have been.
    var concernsMagic: Bool { confirmationCalls > 0 || isLeftToMagic }

    /// True when what was found keeps other candidates from being examined.
    var isCovering: Bool {
        guard case .whole(let file) = finding else { return false }
        return !file.isUncertain
    }
}

extension WalkVerdict {
    /// Bytes that the walker followed.
    fileprivate var believed: Int {
        switch self {
        case .complete(let file), .broken(let file, _): min(file.length, 1 << 40)
        case .rejected: 0
        }
    }
}

/// A worker of a carving run: examines candidates and seals artifacts.
///
/// Owned by one thread at a time: the pool hands it to a single task, and the run itself uses it only between tasks.
final class CarveWorker: @unchecked Sendable {
    let source: any ByteSource
    let walkers: [any FormatWalker]
    let signatures: CarvingSignatures
    let limits: CarveLimits
    /// This worker's own session; libmagic's sessions are not thread-safe.
    var cookie: MagicCookie
    /// Reused for every read that is digested.
    let buffer = ReadBuffer(size: bufferSize)
    /// libmagic's descriptions of the content sealed last, by its SHA-256: media hold many copies of one file.
    var descriptions: [Digest: String] = [:]
    static let mostDescriptions = 8192

    private static let bufferSize = 256 * 1024

    init(
        source: any ByteSource, walkers: [any FormatWalker], signatures: CarvingSignatures, magic: MagicDatabases,
        limits: CarveLimits
    ) throws(CarveError) {
        self.source = source
        self.walkers = walkers
        self.signatures = signatures
        self.limits = limits
        do throws(MagicError) {
            self.cookie = try MagicCookie(magic)
        } catch {
            throw CarveError(.magic, error.message)
        }
    }

    /// Judges the bytes at an offset: the walkers in the order of their table, then libmagic.
    ///
    /// - Parameter allowance: bytes that walkers may decode.
    func examine(_ offset: Int, asksMagic: Bool = true, allowance: Int = .max) -> CandidateExamination {
        examine(ByteReader(source, at: offset, allowance: allowance), offset, asksMagic: asksMagic)
    }

    /// Judges a file whose borders are known.
    func examine(_ file: any ByteSource, allowance: Int = .max) -> CandidateExamination {
        let result = examine(ByteReader(file, at: 0, allowance: allowance), 0)
        switch result.finding {
        case .whole, .broken: return result
        case .nothing, .header: break
        }
        // Images of discs and disks are known by what stands further inside, or at their end.
        for offset in [32_768, file.size - 512] where offset > 0 && offset < file.size {
            let inside = examine(ByteReader(file, at: offset, allowance: allowance), offset)
            if case .whole(let found) = inside.finding, found.leading == offset { return inside }
        }
        return result
    }

    /// Judges a file in another one, and answers what is left of what decoding may give.
    func examine(embedded file: any ByteSource, allowance: Int = .max) -> (CandidateExamination, allowance: Int) {
        let reader = ByteReader(whole: file, allowance: allowance)
        return (examine(reader, 0), reader.decodingAllowance)
    }

    private func examine(_ reader: ByteReader, _ offset: Int, asksMagic: Bool = true) -> CandidateExamination {
        var result = CandidateExamination()
        let callsBefore = cookie.calls
        let allowance = reader.decodingAllowance
        do throws(ReadFailure) {
            let head = try reader.bytes(at: 0, count: min(signatures.index.requiredMargin, reader.count))
            let match = signatures.match(head.span)
            askWalkers(match.walkers, reader, offset, &result)
            if case .nothing = result.finding, !match.entries.isEmpty, !(result.wasRejected && isSettled(match)) {
                if asksMagic {
                    let before = reader.bytesFetched
                    try askMagic(match.entries, reader, offset, &result)
                    result.bytesReadForMagic = reader.bytesFetched - before
                } else {
                    result.isLeftToMagic = true
                }
            }
        } catch {
            note(error, "signature", offset, &result)
        }
        result.libmagicCalls = cookie.calls - callsBefore
        result.bytesRead += reader.bytesFetched
        result.bytesDecoded = allowance - reader.decodingAllowance
        result.limits = reader.limitsReached
        return result
    }

    /// True when a walker's refusal is the last word on a place.
    ///
    /// A signature of four or five bytes may stand anywhere, and the walker of its format knows better than libmagic. A
    /// longer one is no accident: a file that its walker cannot follow is still worth an examiner's look.
    private func isSettled(_ match: CarvingSignatures.Match) -> Bool {
        (SignatureIndex.smallestDatabaseSignature..<limits.signatureAboveWalker).contains(match.longestOfWalkers)
    }

    /// The first walker that finds a whole file wins; else the one whose broken file is longest.
    private func askWalkers(
        _ positions: [Int], _ reader: ByteReader, _ offset: Int, _ result: inout CandidateExamination
    ) {
        var longest = 0
        for position in positions {
            let readBefore = reader.bytesFetched
            do throws(ReadFailure) {
                let verdict = try walkers[position].walk(reader)
                // What lies in the reader's window already was not fetched, but looked at all the same.
                let looked = max(reader.bytesFetched - readBefore, verdict.believed)
                result.bytesRead += looked * (walkers[position].readingCost - 1)
                switch verdict {
                case .complete(let file):
                    // A walker that names more than there is has misread; its claim is not worth anything.
                    guard file.length > 0, file.length - file.leading <= reader.count else {
                        result.wasRejected = true
                        continue
                    }
                    let whole = reader.reader(before: file.leading) ?? reader
                    result.finding = .whole(try EndEvidence.judged(file, whole))
                    result.shortBroken = nil
                    result.walker = position
                    return
                case .broken(var file, let reason):
                    file.length = min(file.length, reader.count + file.leading)
                    guard file.length > longest else { continue }
                    guard file.length >= limits.smallestBroken else {
                        result.wasRejected = true
                        if result.shortBroken == nil, file.leading == 0 { result.shortBroken = (position, file.length) }
                        continue
                    }
                    longest = file.length
                    result.shortBroken = nil
                    result.finding = .broken(file, reason: reason)
                    result.walker = position
                case .rejected:
                    result.wasRejected = true
                }
            } catch {
                result.wasRejected = true
                note(error, walkers[position].name, offset, &result)
            }
        }
    }

    /// Keeps what libmagic confirms as one of the entries that matched, when it is not text.
    private func askMagic(
        _ entries: [FormatSignature], _ reader: ByteReader, _ offset: Int, _ result: inout CandidateExamination
    ) throws(ReadFailure) {
        let head = try reader.bytes(at: 0, count: min(limits.confirmedBytes, reader.count))
        guard isBinary(head.prefix(512)) else { return }
        result.confirmationCalls += 1
        do throws(MagicError) {
            let description = try cookie.describe(head)
            guard !MagicAnswer.saysNothing(description) else { return }
            let mime = try cookie.mime(of: head)
            guard !mime.hasPrefix("text/"), entries.contains(where: { confirms($0, description, mime) }) else { return }
            result.finding = .header(
                IdentifiedFormat(description: description, mime: mime, extensions: try cookie.extensions(of: head)))
        } catch {
            result.warnings.append("offset \(offset): \(error.message)")
        }
    }

    /// True when the bytes hold a control character that text does not: some entries of the databases match words.
    private func isBinary(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.contains { $0 < 0x08 || (0x0E..<0x1B).contains($0) || (0x1C..<0x20).contains($0) }
    }

    /// True when libmagic's answer is what the entry would print. An entry that prints nothing itself confirms any
    /// answer that has a MIME type of its own.
    private func confirms(_ entry: FormatSignature, _ description: String, _ mime: String) -> Bool {
        let words = entry.description.prefix { $0 != "%" && $0 != "\\" && $0 != "\u{8}" }
        if words.count >= 3 { return description.hasPrefix(words) }
        return mime != "application/octet-stream"
    }

    private func note(_ failure: ReadFailure, _ name: String, _ offset: Int, _ result: inout CandidateExamination) {
        if case .medium(let error) = failure {
            result.warnings.append("offset \(offset): \(name): \(error.message)")
        }
    }
}

/// Answers of libmagic that name no format.
enum MagicAnswer {
    static func saysNothing(_ description: String) -> Bool {
        description == "data" || description == "empty" || description.hasPrefix("very short file")
    }
}
