import Digesting
import EvidenceModel

/// Checks the hashes that a container states of its own parts (Standard v1.0, 6.2).
///
/// They lead from one hash of the image down to one of each chunk; the chunks are checked as they are read.
struct AFF4Checks {
    private let set: AFF4Set
    private(set) var damage: [String] = []
    /// How many hashes were checked.
    private(set) var count = 0

    init(_ set: AFF4Set) { self.set = set }

    // MARK: Image streams

    /// Checks the hashes over a stream's indices and over its block hashes.
    mutating func check(_ stream: AFF4ImageStream) throws(SourceError) {
        let graph = stream.home.graph
        for term in graph.objects(stream.urn, AFF4Lexicon.word("imageStreamIndexHash")) {
            try check(term, over: try segments(of: stream, endings: [".index"]), "the indices of \(stream.urn)")
        }
        for name in AFF4Digests.blockHashNames {
            let subject = stream.urn + "/blockhash." + name
            for term in graph.objects(subject, AFF4Lexicon.word("hash")) {
                try check(
                    term, over: try segments(of: stream, endings: [".blockHash." + name, "." + name]),
                    "the \(name) block hashes of \(stream.urn)")
            }
        }
    }

    /// The segments of all bevies with one of the endings; nil when one is missing.
    private func segments(of stream: AFF4ImageStream, endings: [String]) throws(SourceError) -> [AFF4Segment]? {
        var segments: [AFF4Segment] = []
        for number in 0..<stream.bevyCount {
            guard let segment = try segment(of: stream, number, endings) else { return nil }
            segments.append(segment)
        }
        return segments
    }

    private func segment(
        of stream: AFF4ImageStream, _ number: Int, _ endings: [String]
    ) throws(SourceError) -> AFF4Segment? {
        let name = stream.urn + "/" + AFF4Bevy.name(number)
        for ending in endings {
            if case .found(let segment) = try set.segment(name + ending, home: stream.home) { return segment }
        }
        return nil
    }

    // MARK: Maps

    /// Checks the hashes over a map's members.
    mutating func check(map urn: String, in volume: AFF4Volume) throws(SourceError) {
        let parts = [("map", "mapPointHash"), ("idx", "mapIdxHash"), ("mapPath", "mapPathHash")]
        var all: [AFF4Segment] = []
        for (name, property) in parts {
            var found: [AFF4Segment]?
            if case .found(let segment) = try set.segment(urn + "/" + name, home: volume) {
                found = [segment]
                all.append(segment)
            }
            for term in volume.graph.objects(urn, AFF4Lexicon.word(property)) {
                try check(term, over: found, "\(name) of the map \(urn)")
            }
        }
        for term in volume.graph.objects(urn, AFF4Lexicon.word("mapHash")) {
            try check(term, over: all, "the map \(urn)")
        }
    }

    // MARK: The image

    /// Checks the one hash over all maps and block hashes of an image.
    ///
    /// - Parameter maps: the image's map in each volume; with some of them missing it cannot be checked.
    mutating func check(
        image urn: String, in volume: AFF4Volume, maps: [(urn: String, volume: AFF4Volume)]
    ) throws(SourceError) {
        var joined: [(urn: String, digest: Digest)] = []
        for map in maps {
            guard let stated = map.volume.graph.objects(map.urn, AFF4Lexicon.word("blockMapHash")).first,
                let digest = AFF4Digests.digest(stated),
                let computed = try blockMapHash(of: map.urn, in: map.volume, digest.algorithm)
            else { continue }
            count += 1
            if computed != digest {
                damage.append("the block map hash of the map \(AFF4Text.shown(map.urn)) does not hold")
            }
            joined.append((map.urn, computed))
        }
        for term in volume.graph.objects(urn, AFF4Lexicon.word("hash")) {
            guard let stated = AFF4Digests.digest(term, prefix: "blockMapHash"), joined.count == maps.count else {
                continue
            }
            var observed = joined.first?.digest
            if joined.count > 1 {
                // One hash over those of the volumes, in the order of the maps' URNs.
                joined.sort { $0.urn.utf8.lexicographicallyPrecedes($1.urn.utf8) }
                let bytes = joined.flatMap { $0.digest.bytes }
                observed = try AFF4Digests.digest(stated.algorithm, of: bytes.span)
            }
            guard let observed else { continue }
            count += 1
            if observed != stated {
                damage.append("the block map hash of the image \(AFF4Text.shown(urn)) does not hold")
            }
        }
    }

    /// The hash over the hashes of a volume's own image stream and map; nil when one that it needs is not stated.
    private func blockMapHash(
        of urn: String, in volume: AFF4Volume, _ algorithm: DigestAlgorithm
    ) throws(SourceError) -> Digest? {
        let graph = volume.graph
        func stated(_ subject: String, _ property: String) -> [UInt8]? {
            graph.objects(subject, AFF4Lexicon.word(property)).first.flatMap { AFF4Digests.digest($0) }?.bytes
        }
        let streams = graph.objects(urn, AFF4Lexicon.word("dependentStream")).compactMap(\.iri).filter {
            graph.objects($0, AFF4Lexicon.word("stored")).contains(.iri(volume.urn))
        }
        guard streams.count == 1, let stream = streams.first, let points = stated(urn, "mapPointHash"),
            let index = stated(urn, "mapIdxHash")
        else { return nil }
        let blocks = AFF4Digests.blockHashNames.compactMap { stated(stream + "/blockhash." + $0, "hash") }
        guard !blocks.isEmpty else { return nil }
        let bytes = blocks.flatMap { $0 } + points + index + (stated(urn, "mapPathHash") ?? [])
        return try AFF4Digests.digest(algorithm, of: bytes.span)
    }

    private mutating func check(
        _ term: AFF4Graph.Term, over segments: [AFF4Segment]?, _ what: String
    ) throws(SourceError) {
        guard let stated = AFF4Digests.digest(term) else {
            damage.append("the hash over \(AFF4Text.shown(what)) is none that can be read")
            return
        }
        count += 1
        guard let segments, let observed = try AFF4Digests.digest(stated.algorithm, of: segments) else {
            damage.append("the hash over \(AFF4Text.shown(what)) cannot be checked: some of it is missing")
            return
        }
        if observed != stated {
            damage.append("the \(stated.algorithm.displayName) over \(AFF4Text.shown(what)) does not hold")
        }
    }
}
