import EvidenceModel
internal import Synchronization

/// A stream of chunks of one size, each compressed by itself (Standard v1.0, 3).
final class AFF4ImageStream: AFF4Stream {
    /// Fewest bytes a chunk: each costs a read of the file.
    static let smallestChunk = 512
    /// Most bytes a chunk.
    static let largestChunk = 16 << 20
    /// Most chunks a segment.
    static let mostChunksInSegment = 1 << 24
    /// Most bytes of a stream: 4 EiB.
    static let largestStream = 1 << 62
    /// Segments that may be missing for each member that the volumes have: beyond it the size is not believed.
    static let mostSegmentsPerMember = 64
    /// Segments that may be missing whatever is there.
    static let mostSegmentsAnyway = 1024
    /// Most segments that are kept open.
    static let mostOpenBevies = 64
    /// Bytes of a bevy in memory beyond which only one such bevy is kept.
    static let mostHeldBytes = 256 << 10
    /// Bytes of chunks that are kept for reads of parts of them; at least one chunk is.
    static let cachedBytes = 4 << 20
    /// Most chunks that are kept so.
    static let mostCachedChunks = 256

    let urn: String
    let size: Int
    let chunkSize: Int
    let chunksInSegment: Int
    let codec: AFF4Codec
    let home: AFF4Volume
    private let set: AFF4Set
    private let notes: AFF4Notes
    private let workspaces = Mutex<[AFF4Workspace]>([])
    private let bevies = Mutex(AFF4Recent<AFF4Bevy.Opened>(limit: mostOpenBevies))
    private let cache: Mutex<AFF4Recent<[UInt8]>>

    /// What making a stream came to.
    enum Made {
        case stream(AFF4ImageStream)
        case lost(String)
    }

    /// - Throws: ``SourceError``: `damaged`.
    static func make(_ urn: String, in set: AFF4Set, notes: AFF4Notes) throws(SourceError) -> Made {
        guard let home = set.home(of: urn) else { return .lost("no volume at hand holds it") }
        let graph = home.graph
        guard let size = graph.number(urn, AFF4Lexicon.word("size")), size <= largestStream else {
            return .lost("its size is not a number, or more than \(largestStream)")
        }
        guard let chunkSize = graph.number(urn, AFF4Lexicon.word("chunkSize")),
            (smallestChunk...largestChunk).contains(chunkSize)
        else { return .lost("its chunk size is missing, or not one of \(smallestChunk) to \(largestChunk)") }
        guard let chunks = graph.number(urn, AFF4Lexicon.word("chunksInSegment")),
            (1...mostChunksInSegment).contains(chunks)
        else { return .lost("its number of chunks in a segment is missing, or not one of 1 to \(mostChunksInSegment)") }
        let method = graph.text(urn, AFF4Lexicon.word("compressionMethod"))
        guard let codec = AFF4Codec(method) else {
            return .lost("its compression method <\(AFF4Text.shown(method ?? ""))> is not known")
        }
        let members = set.volumes.reduce(0) { $0 + $1.memberCount }
        let span = chunkSize * chunks
        guard size / span <= members * mostSegmentsPerMember + mostSegmentsAnyway else {
            throw SourceError(
                .damaged,
                "\(home.path): \(AFF4Text.shown(urn)) should have \(size) bytes in \(size / span + 1) segments, but the volumes "
                    + "have \(members) members in all. Nothing was taken in. Find the missing volumes, or copy the image again."
            )
        }
        return .stream(
            AFF4ImageStream(
                urn: urn, size: size, chunkSize: chunkSize, chunksInSegment: chunks, codec: codec, home: home, set: set,
                notes: notes))
    }

    private init(
        urn: String, size: Int, chunkSize: Int, chunksInSegment: Int, codec: AFF4Codec, home: AFF4Volume, set: AFF4Set,
        notes: AFF4Notes
    ) {
        self.urn = urn
        self.size = size
        self.chunkSize = chunkSize
        self.chunksInSegment = chunksInSegment
        self.codec = codec
        self.home = home
        self.set = set
        self.notes = notes
        cache = Mutex(AFF4Recent(limit: min(Self.mostCachedChunks, max(1, Self.cachedBytes / chunkSize))))
    }

    /// Bytes that reading it may hold in memory: chunks that are kept, and what two threads work with.
    var heldBytes: Int { max(Self.cachedBytes, chunkSize) + 2 * AFF4Workspace.room(chunkSize) }

    var chunkCount: Int { size / chunkSize + (size % chunkSize == 0 ? 0 : 1) }
    var bevyCount: Int { chunkCount / chunksInSegment + (chunkCount % chunksInSegment == 0 ? 0 : 1) }

    func zeroRun(at offset: Int) -> Int { 0 }

    func read(
        at offset: Int, into destination: inout MutableSpan<UInt8>, flaws: inout [AFF4Flaw]
    ) throws(SourceError) {
        guard !destination.isEmpty else { return }
        let workspace = try takeWorkspace()
        defer { workspaces.withLock { $0.append(workspace) } }
        var filled = 0
        while filled < destination.count {
            let chunk = (offset + filled) / chunkSize
            let within = (offset + filled) % chunkSize
            let count = min(chunkSize - within, destination.count - filled)
            var part = destination._mutatingExtracting(filled..<filled + count)
            if let known = cache.withLock({ $0[chunk] }) {
                AFF4Bytes.copy(known, from: within, into: &part)
            } else if count == chunkSize {
                if let flaw = try read(chunk, into: &part, workspace) {
                    AFF4Bytes.fill(&part, with: 0)
                    flaws.append(flaw)
                }
            } else {
                var whole = [UInt8](repeating: 0, count: chunkSize)
                var room = whole.mutableSpan
                if let flaw = try read(chunk, into: &room, workspace) {
                    AFF4Bytes.fill(&part, with: 0)
                    flaws.append(flaw)
                } else {
                    AFF4Bytes.copy(whole, from: within, into: &part)
                    cache.withLock { $0[chunk] = whole }
                }
            }
            filled += count
        }
    }

    /// Reads and checks a chunk with its padding.
    private func read(
        _ chunk: Int, into destination: inout MutableSpan<UInt8>, _ workspace: AFF4Workspace
    ) throws(SourceError) -> AFF4Flaw? {
        let number = chunk / chunksInSegment
        switch try bevy(number) {
        case .lost(let problem):
            let first = number * chunksInSegment
            return flaw(first..<min(chunkCount, first + chunksInSegment), problem)
        case .bevy(let bevy):
            return try read(chunk, of: bevy, into: &destination, workspace).map { flaw(chunk..<chunk + 1, $0) }
        }
    }

    private func flaw(_ chunks: Range<Int>, _ problem: String) -> AFF4Flaw {
        AFF4Flaw(
            range: chunks.lowerBound * chunkSize..<min(size, chunks.upperBound * chunkSize), chunks: chunks, place: urn,
            problem: problem)
    }

    /// Answers why a chunk cannot be read; nil when it was.
    private func read(
        _ chunk: Int, of bevy: AFF4Bevy, into destination: inout MutableSpan<UInt8>, _ workspace: AFF4Workspace
    ) throws(SourceError) -> String? {
        let index = chunk % chunksInSegment
        guard let place = bevy.place(of: index) else { return "the index of segment \(bevy.number) does not list it" }
        // Bytes of it that belong to the stream: the last one is filled up.
        let length = min(chunkSize, size - chunk * chunkSize)
        let produced: Int
        if place.length == chunkSize {
            if let problem = bevy.data.read(at: place.offset, into: &destination) { return problem }
            produced = chunkSize
        } else if codec == .stored {
            guard place.length >= length, place.length < chunkSize else { return "it has \(place.length) bytes" }
            var part = destination._mutatingExtracting(0..<place.length)
            if let problem = bevy.data.read(at: place.offset, into: &part) { return problem }
            produced = place.length
        } else {
            guard place.length <= AFF4Workspace.room(chunkSize), place.length > 0 else {
                return "it has \(place.length) bytes"
            }
            switch workspace.decompress(bevy.data, place, codec, into: &destination) {
            case .problem(let problem): return problem
            case .produced(let count): produced = count
            }
        }
        // Some writers leave out the zeros that fill up the last chunk.
        guard produced == chunkSize || (length < chunkSize && produced >= length) else {
            return "it decompresses to \(produced) bytes"
        }
        switch try bevy.hashes.check(index, destination.span.extracting(0..<produced), length: length) {
        case .holds, .unknown: return nil
        case .differs(let algorithm): return "it is not what its \(algorithm.displayName) block hash says"
        case .doubtful(let algorithm):
            notes.add(
                "chunk \(chunk) of \(AFF4Text.shown(urn)) is not what its \(algorithm.displayName) block hash says, but what a "
                    + "stronger one says")
            return nil
        }
    }

    /// A segment, opened once: those that come for it at the same time wait.
    private func bevy(_ number: Int) throws(SourceError) -> AFF4Bevy.Opened {
        try bevies.withLock { (bevies) throws(SourceError) in
            if let known = bevies[number] { return known }
            let count = min(chunksInSegment, chunkCount - number * chunksInSegment)
            let opened = try AFF4Bevy.open(number, of: urn, chunkCount: count, in: set, home: home, notes: notes)
            // Inflated segments are large: only one of such a bevy is kept.
            if case .bevy(let bevy) = opened, bevy.heldBytes > Self.mostHeldBytes { bevies.removeAll() }
            bevies[number] = opened
            return opened
        }
    }

    private func takeWorkspace() throws(SourceError) -> AFF4Workspace {
        if let workspace = workspaces.withLock({ $0.popLast() }) { return workspace }
        return try AFF4Workspace(chunkSize: chunkSize)
    }
}

/// The buffer and the decompressors that reading a chunk takes. Used by one thread at a time.
final class AFF4Workspace: @unchecked Sendable {
    private let decompressor: AFF4Decompressor
    private var packed: [UInt8]

    enum Outcome {
        case produced(Int)
        case problem(String)
    }

    /// Most bytes that a chunk can take up compressed: what the methods add to bytes that do not compress, and more.
    static func room(_ chunkSize: Int) -> Int { chunkSize + chunkSize / 6 + 4096 }

    init(chunkSize: Int) throws(SourceError) {
        decompressor = try AFF4Decompressor()
        packed = [UInt8](repeating: 0, count: Self.room(chunkSize))
    }

    /// - Precondition: the place has no more than ``room(_:)`` bytes.
    func decompress(
        _ segment: AFF4Segment, _ place: (offset: Int, length: Int), _ codec: AFF4Codec,
        into destination: inout MutableSpan<UInt8>
    ) -> Outcome {
        // Lent out for the read: a span of a class's own storage may not be cut into parts.
        var lent: [UInt8] = []
        swap(&lent, &packed)
        defer { swap(&lent, &packed) }
        var room = lent.mutableSpan
        var part = room._mutatingExtracting(0..<place.length)
        if let problem = segment.read(at: place.offset, into: &part) { return .problem(problem) }
        guard let count = decompressor.decompress(lent.span.extracting(0..<place.length), codec, into: &destination)
        else {
            return .problem("it does not decompress")
        }
        return .produced(count)
    }
}

/// Values by number, of which those that were added last are kept.
struct AFF4Recent<Value: Sendable>: Sendable {
    private let limit: Int
    private var values: [Int: Value] = [:]
    /// Oldest first.
    private var order: [Int] = []

    init(limit: Int) { self.limit = limit }

    subscript(key: Int) -> Value? {
        get { values[key] }
        set {
            guard let newValue, values.updateValue(newValue, forKey: key) == nil else { return }
            order.append(key)
            if order.count > limit { values[order.removeFirst()] = nil }
        }
    }

    mutating func removeAll() {
        values = [:]
        order = []
    }
}
