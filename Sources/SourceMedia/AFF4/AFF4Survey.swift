import EvidenceModel

/// What the map of an image says of its medium as a whole, before anything of it is read.
struct AFF4Survey {
    /// What cannot be given, ascending; adjacent ranges of one kind joined.
    private(set) var losses: [AFF4Flaw] = []
    /// Bytes that stand in image streams.
    private(set) var storedBytes = 0
    /// Bytes that are known by what they repeat: zeros mostly.
    private(set) var symbolicBytes = 0
    /// Bytes that were never read when the image was made (`aff4:UnknownData`).
    private(set) var unknownBytes = 0
    /// Bytes that could not be read when the image was made (`aff4:UnreadableData`).
    private(set) var unreadableBytes = 0
    /// Bytes of ``losses``, without those that could not be read when the image was made.
    private(set) var lostBytes = 0

    /// Most ranges that are told apart; there may be as many again that only reading finds.
    static let mostRanges = AFF4DamageRecord.mostRanges / 2

    static let unreadableWords =
        "could not be read when the image was made (aff4:UnreadableData); its place holds the text that AFF4 prescribes"

    static func unreadable(_ piece: AFF4MapTable.Piece) -> AFF4Flaw {
        AFF4Flaw(range: piece.range, chunks: nil, place: "", problem: unreadableWords)
    }

    init(_ stream: any AFF4Stream) throws(SourceError) {
        guard let map = stream as? AFF4Map else {
            storedBytes = stream.size
            return
        }
        var at = 0
        while at < map.size {
            let piece = try map.table.piece(at: at)
            take(piece, of: map)
            at = piece.range.upperBound
        }
        if rest != nil { summarise() }
    }

    private mutating func take(_ piece: AFF4MapTable.Piece, of map: AFF4Map) {
        var count = piece.range.count
        if let loss = map.loss(of: piece) {
            count -= loss.range.count
            lostBytes += loss.range.count
            add(loss)
        }
        guard count > 0, case .stream(let stream) = map.target(of: piece) else { return }
        guard let symbolic = stream as? AFF4SymbolicStream else {
            storedBytes += count
            return
        }
        switch symbolic.content {
        case .fill: symbolicBytes += count
        case .unknown: unknownBytes += count
        case .unreadable:
            unreadableBytes += count
            add(Self.unreadable(piece))
        }
    }

    private mutating func add(_ flaw: AFF4Flaw) {
        if rest == nil, let joined = losses.last?.joined(with: flaw) {
            losses[losses.count - 1] = joined
        } else if losses.count < Self.mostRanges, rest == nil {
            losses.append(flaw)
        } else {
            // Beyond the limit only how far they go and how many bytes they are is kept; see `summarise`.
            rest = (rest?.lowerBound ?? flaw.range.lowerBound)..<flaw.range.upperBound
            restBytes += flaw.range.count
        }
    }

    private var rest: Range<Int>?
    private var restBytes = 0

    /// Puts one range in the place of all that are more than can be listed.
    private mutating func summarise() {
        guard let last = losses.popLast() else { return }
        let range = last.range.lowerBound..<max(last.range.upperBound, rest?.upperBound ?? 0)
        losses.append(
            AFF4Flaw(
                range: range, chunks: nil, place: "",
                problem:
                    "\(last.range.count + restBytes) of these bytes cannot be read, in more places than can be listed"))
    }
}
