/// Makes the streams that an image rests on, each once.
struct AFF4Resolver {
    /// Deepest nesting of maps in maps.
    static let deepestNesting = 8
    /// Most bytes that all maps and streams together may hold in memory; 60 stripes of usual chunks need less.
    static let mostHeldBytes = 256 << 20

    let set: AFF4Set
    let notes: AFF4Notes
    private(set) var damage: [String] = []
    private(set) var imageStreams: [AFF4ImageStream] = []
    private(set) var maps: [AFF4Map] = []
    private var heldBytes = 0
    private var made: [String: AFF4Map.Target] = [:]
    /// The maps that are being made, the outermost first.
    private var open: [String] = []

    init(_ set: AFF4Set, notes: AFF4Notes) {
        self.set = set
        self.notes = notes
    }

    /// - Throws: ``SourceError``: `damaged`, `unsupported`, `unreadable`.
    mutating func resolve(_ urn: String) throws(SourceError) -> AFF4Map.Target {
        if let symbolic = AFF4SymbolicStream(urn) { return .stream(symbolic) }
        if open.contains(urn) { return .lost(urn, "the map refers to itself") }
        if let known = made[urn] { return known }
        let target = try make(urn)
        made[urn] = target
        if case .lost(let place, let problem) = target {
            damage.append("\(AFF4Text.shown(place)): \(problem)")
        }
        return target
    }

    private mutating func make(_ urn: String) throws(SourceError) -> AFF4Map.Target {
        guard let home = set.home(of: urn) else {
            guard let volume = set.statedHome(of: urn), !set.holds(volume: volume) else {
                return .lost(urn, "no volume at hand describes it")
            }
            return .lost(urn, "its volume \(AFF4Text.shown(volume)) is missing")
        }
        if home.graph.isA(urn, AFF4Lexicon.word("ImageStream")) {
            switch try AFF4ImageStream.make(urn, in: set, notes: notes) {
            case .lost(let problem): return .lost(urn, problem)
            case .stream(let stream):
                heldBytes += stream.heldBytes
                guard heldBytes <= Self.mostHeldBytes else {
                    return .lost(urn, "the image's streams take up more than \(Self.mostHeldBytes) bytes of memory")
                }
                imageStreams.append(stream)
                return .stream(stream)
            }
        }
        if home.graph.isA(urn, AFF4Lexicon.word("Map")) { return try makeMap(urn, home) }
        return .lost(urn, "it is neither an image stream nor a map")
    }

    private mutating func makeMap(_ urn: String, _ home: AFF4Volume) throws(SourceError) -> AFF4Map.Target {
        guard open.count < Self.deepestNesting else { return .lost(urn, "maps are nested too deeply") }
        open.append(urn)
        defer { open.removeLast() }
        guard let entries = try segment(urn + "/map", home), let index = try segment(urn + "/idx", home),
            let names = index.bytes(limit: AFF4Map.largestIndex).flatMap(AFF4Map.names)
        else { return .lost(urn, "its entries, or the list of its streams, are missing, damaged or too long") }
        let declared = home.graph.number(urn, AFF4Lexicon.word("size"))
        if let declared, declared > AFF4ImageStream.largestStream {
            return .lost(urn, "its size of \(declared) bytes is more than \(AFF4ImageStream.largestStream)")
        }
        let table = try AFF4MapTable(entries, declared: declared, urn: urn)
        heldBytes += table.heldBytes + index.size * 2
        guard heldBytes <= Self.mostHeldBytes else {
            return .lost(urn, "the maps take up more than \(Self.mostHeldBytes) bytes of memory")
        }
        damage += table.damage
        var targets: [AFF4Map.Target] = []
        for name in names { targets.append(try resolve(name)) }
        let gap = try resolve(
            home.graph.text(urn, AFF4Lexicon.word("mapGapDefaultStream")) ?? AFF4Lexicon.word("Zero"))
        let map = AFF4Map(urn: urn, home: home, table: table, targets: targets, gap: gap)
        maps.append(map)
        return .stream(map)
    }

    private mutating func segment(_ urn: String, _ home: AFF4Volume) throws(SourceError) -> AFF4Segment? {
        switch try set.segment(urn, home: home) {
        case .missing:
            damage.append("member \"\(AFF4Text.shown(urn))\" is missing")
            return nil
        case .damaged(let problem):
            damage.append(problem)
            return nil
        case .found(let segment):
            if !segment.checksumHolds {
                damage.append("the checksum of member \"\(AFF4Text.shown(urn))\" does not hold")
            }
            return segment
        }
    }
}
