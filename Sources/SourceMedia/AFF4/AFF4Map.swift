/// A stream that is put together from others (Standard v1.0, 4).
final class AFF4Map: AFF4Stream {
    /// Most streams that a map may name.
    static let mostTargets = 65_536
    /// Most bytes of the list of these streams.
    static let largestIndex = 8 << 20

    enum Target: Sendable {
        case stream(any AFF4Stream)
        /// The name of the stream and why nothing can be read of it.
        case lost(String, String)
    }

    let urn: String
    let home: AFF4Volume
    let targets: [Target]
    /// What stands where no entry is.
    let gap: Target
    let table: AFF4MapTable

    var size: Int { table.size }

    init(urn: String, home: AFF4Volume, table: AFF4MapTable, targets: [Target], gap: Target) {
        self.urn = urn
        self.home = home
        self.table = table
        self.targets = targets
        self.gap = gap
    }

    /// The streams that a map names, by their numbers; nil when there are too many.
    static func names(_ index: [UInt8]) -> [String]? {
        var lines = index.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        guard lines.count <= mostTargets else { return nil }
        return lines.map { line in
            String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
        }
    }

    func target(of piece: AFF4MapTable.Piece) -> Target {
        guard let number = piece.target else { return gap }
        guard number < targets.count else {
            return .lost("stream \(number) of the map", "the map names \(targets.count) streams only")
        }
        return targets[number]
    }

    /// True when some of it was never read when the image was made.
    var takesUnknownData: Bool {
        ([gap] + targets).contains { target in
            if case .stream(let stream) = target { (stream as? AFF4SymbolicStream)?.content == .unknown } else { false }
        }
    }

    /// What of a piece cannot be given, as a range of the map; nil when all of it can.
    func loss(of piece: AFF4MapTable.Piece) -> AFF4Flaw? {
        switch target(of: piece) {
        case .lost(let place, let problem):
            return AFF4Flaw(range: piece.range, chunks: nil, place: AFF4Text.shown(place), problem: problem)
        case .stream(let stream):
            let inside = max(0, min(piece.range.count, stream.size - piece.targetOffset))
            guard inside < piece.range.count else { return nil }
            return AFF4Flaw(
                range: piece.range.lowerBound + inside..<piece.range.upperBound, chunks: nil, place: "",
                problem: "the map points beyond the end of \(name(of: piece))")
        }
    }

    func read(
        at offset: Int, into destination: inout MutableSpan<UInt8>, flaws: inout [AFF4Flaw]
    ) throws(SourceError) {
        var filled = 0
        while filled < destination.count {
            let position = offset + filled
            let piece = try table.piece(at: position)
            let loss = loss(of: piece)
            let isLost = loss.map { position >= $0.range.lowerBound } ?? false
            let end = isLost ? piece.range.upperBound : loss?.range.lowerBound ?? piece.range.upperBound
            let count = min(end - position, destination.count - filled)
            var part = destination._mutatingExtracting(filled..<filled + count)
            if isLost {
                AFF4Bytes.fill(&part, with: 0)
                if let loss { flaws.append(loss) }
            } else if case .stream(let stream) = target(of: piece) {
                var found: [AFF4Flaw] = []
                try stream.read(
                    at: piece.targetOffset + (position - piece.range.lowerBound), into: &part, flaws: &found)
                if (stream as? AFF4SymbolicStream)?.content == .unreadable {
                    flaws.append(AFF4Survey.unreadable(piece))
                }
                flaws += found.compactMap { Self.moved($0, into: piece) }
            }
            filled += count
        }
    }

    func zeroRun(at offset: Int) throws(SourceError) -> Int {
        guard offset >= 0, offset < size else { return 0 }
        let piece = try table.piece(at: offset)
        let rest = piece.range.upperBound - offset
        if let loss = loss(of: piece), offset >= loss.range.lowerBound { return rest }
        guard case .stream(let stream) = target(of: piece) else { return 0 }
        return min(rest, try stream.zeroRun(at: piece.targetOffset + (offset - piece.range.lowerBound)))
    }

    /// A flaw of a target as one of the map; nil when nothing of it is mapped here.
    private static func moved(_ flaw: AFF4Flaw, into piece: AFF4MapTable.Piece) -> AFF4Flaw? {
        let shown = flaw.range.clamped(to: piece.targetOffset..<piece.targetOffset + piece.range.count)
        guard !shown.isEmpty else { return nil }
        var moved = flaw
        let start = shown.lowerBound - piece.targetOffset + piece.range.lowerBound
        moved.range = start..<start + shown.count
        return moved
    }

    private func name(of piece: AFF4MapTable.Piece) -> String {
        guard let number = piece.target, case .stream(let stream) = targets[number] else { return "its stream" }
        if let image = stream as? AFF4ImageStream { return AFF4Text.shown(image.urn) }
        if let map = stream as? AFF4Map { return AFF4Text.shown(map.urn) }
        return "its stream"
    }
}
