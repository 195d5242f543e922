public import EvidenceModel

/// What a walker found out about a candidate.
public enum WalkVerdict: Hashable, Sendable {
    /// Not a file of this format, although its first bytes look like one.
    case rejected(reason: String)
    /// A whole file.
    case complete(WalkedFile)
    /// Begins as a file of this format and stops making sense after `file.length` bytes.
    case broken(WalkedFile, reason: String)
}

/// A file as its own structure describes it.
public struct WalkedFile: Hashable, Sendable {
    /// Bytes from the start of the candidate to the file's own end (for a broken one: its valid prefix).
    public var length: Int
    /// Bytes that a broken file is given in the catalogue, where the place at which it breaks tells more than the valid
    /// prefix: a cut page or frame may be the file's own up to the end of the block in which it begins.
    var likelyLength: Int?
    /// Bytes from the start that the structure itself vouches for, where ``length`` is only a rule of thumb; nil when
    /// the structure vouches for all of them. What begins behind them is looked at all the same.
    public var certainLength: Int?
    /// `proven` or `structural` when whole; ignored when broken.
    public var confidence: Confidence
    /// The format as finely as it can be told, for example "docx" where the walker walks ZIP.
    public var format: String
    /// File name extension without the dot.
    public var fileExtension: String
    /// MIME type; libmagic's stands beside it in the catalogue's description.
    public var mime: String
    /// What an examiner wants to see at a glance. Keys match `[a-z][a-z0-9_]*`.
    public var facts: [String: CanonicalValue]
    /// What is odd, in words an examiner understands.
    public var warnings: [String]
    /// Parts of the content that the format takes as they come: nothing in it would show that a piece of another file
    /// lies there. Ascending; only parts with a block border inside, where a piece can begin.
    public private(set) var unchecked: [Range<Int>] = []

    /// Bytes before the candidate that belong to the file, counted in ``length``: some formats are known only by what
    /// stands inside them or at their end.
    public var leading = 0

    /// True for a volume of files that lie in it as they are, such as the image of a disc: they are looked for inside it as
    /// anywhere else, so that knowing the volume hides nothing.
    public var holdsFiles = false

    /// True when nothing shows that the unchecked parts are the file's own.
    var isUncertain = false

    /// How many places of the content recognise themselves where they stand: among several ways to join pieces, the one
    /// with most of them counts.
    var recognised = 0
    /// Ranges of the content that a chain of records goes through, each of which says where the next one begins: a piece
    /// of another file in place of one of their parts would break it.
    var ties: [Range<Int>] = []

    /// Most unchecked parts that are told apart; further ones are joined to the last.
    static let mostUnchecked = 256

    /// Notes that nothing vouches for a part of the content.
    mutating func leaveUnchecked(_ part: Range<Int>) {
        // The file's own first byte is no place where a piece of another can begin.
        let border = (max(1, part.lowerBound) + FreeSpace.block - 1) / FreeSpace.block * FreeSpace.block
        guard border < part.upperBound else { return }
        if let last = unchecked.last, part.lowerBound <= last.upperBound || unchecked.count == Self.mostUnchecked {
            let low = min(last.lowerBound, part.lowerBound)
            unchecked[unchecked.count - 1] = low..<max(last.upperBound, part.upperBound)
        } else {
            unchecked.append(part)
        }
    }

    /// Says that parts of the content may be another file's, wherever the file ends.
    ///
    /// For formats whose end is found by syntax: it is found behind a piece of another file as well. Parts within one
    /// block raise no doubt.
    mutating func doubt(_ parts: [Range<Int>], because reason: String) {
        let before = unchecked
        for part in parts.sorted(by: { $0.lowerBound < $1.lowerBound }) { leaveUnchecked(part) }
        guard unchecked != before else { return }
        confidence = .header
        isUncertain = true
        warnings.append(reason)
    }

    public init(
        length: Int, confidence: Confidence, format: String, fileExtension: String, mime: String,
        facts: [String: CanonicalValue] = [:], warnings: [String] = []
    ) {
        self.length = length
        self.confidence = confidence
        self.format = format
        self.fileExtension = fileExtension
        self.mime = mime
        self.facts = facts
        self.warnings = warnings
    }
}

/// Fixed bytes by which a walker wants to be asked about a place.
public struct WalkerSignature: Hashable, Sendable {
    /// Distance of the bytes from the start of the file; 4 for the "ftyp" of an MP4.
    public let offset: Int
    public let bytes: [UInt8]

    public init(_ bytes: [UInt8], at offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    public init(_ text: String, at offset: Int = 0) { self.init(Array(text.utf8), at: offset) }
}

/// Walks one format family from a candidate's first byte to the file's own end.
///
/// A walker is a pure function of the bytes: same bytes, same verdict. It reads only through the ``ByteReader``,
/// allocates nothing whose size a number in the file decides without a named limit, never traps, and bounds its work by
/// the bytes it consumes. A read past the end of the source makes the file broken: walkers let ``ReadFailure`` escape
/// only when they cannot name a valid prefix, and the carver then rejects the candidate.
public protocol FormatWalker: Sendable {
    /// Name of the family, for example "jpeg", "zip", "iso-media".
    var name: String { get }
    /// Any one of these makes a place a candidate for this walker.
    var signatures: [WalkerSignature] { get }
    /// False when the first bytes rule out that a file of this format begins there.
    ///
    /// Asked where every offset of a medium is a candidate and the signature alone says little. `head` begins with the
    /// candidate and is shorter than `SignatureSearch.refinedBytes` only where the medium ends. Must be quick, and
    /// should never refuse what ``walk(_:)`` accepts.
    func mayBegin(_ head: Span<UInt8>) -> Bool
    /// What reading a byte costs beside other walkers, which step over most of what they read: weighs what is read in
    /// vain (``CarveLimits/readsPerByte``).
    var readingCost: Int { get }
    /// True when a file from one of its members on is a file of the format as well: archives without a first header,
    /// texts of several parts. What begins in such a file and ends with it is its own.
    var tailsAreFiles: Bool { get }
    /// Walks the candidate.
    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict
}

extension FormatWalker {
    public var readingCost: Int { 1 }
    public var tailsAreFiles: Bool { false }
}

/// A walker that looks at every byte, sign by sign.
protocol TextWalker: FormatWalker {}

extension TextWalker {
    var readingCost: Int { 16 }
}

extension FormatWalker {
    public func mayBegin(_ head: Span<UInt8>) -> Bool { true }
}
