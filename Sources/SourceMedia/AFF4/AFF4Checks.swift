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
        let set = set
        for term in graph.stated(stream.urn, "imageStreamIndexHash") {
            try check(term, "the indices of \(stream.urn)", count: stream.bevyCount) { (number) throws(SourceError) in
                try Self.segment(of: stream, number, [".index"], in: set)
            }
        }
        for name in AFF4Digests.blockHashNames {
            for term in graph.stated(stream.urn + "/blockhash." + name, "hash") {
                try check(term, "the \(name) block hashes of \(stream.urn)", count: stream.bevyCount) {
                    (number) throws(SourceError) in
                    try Self.segment(of: stream, number, [".blockHash." + name, "." + name], in: set)
                }
            }
        }
    }

    private static func segment(
        of stream: AFF4ImageStream, _ number: Int, _ endings: [String], in set: AFF4Set
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
        let set = set
        func part(_ name: String) throws(SourceError) -> AFF4Segment? {
            guard case .found(let segment) = try set.segment(urn + "/" + name, home: volume) else { return nil }
            return segment
        }
        for (name, property) in parts {
            for term in volume.graph.stated(urn, property) {
                try check(term, "\(name) of the map \(urn)", count: 1) { (_) throws(SourceError) in try part(name) }
            }
        }
        // The order in which a writer took the entries need not be kept.
        let names = try part("mapPath") == nil ? ["map", "idx"] : ["map", "idx", "mapPath"]
        for term in volume.graph.stated(urn, "mapHash") {
            try check(term, "the map \(urn)", count: names.count) { (index) throws(SourceError) in
                try part(names[index])
            }
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
            guard let stated = map.volume.graph.stated(map.urn, "blockMapHash").first,
                let digest = AFF4Digests.digest(stated),
                let computed = try blockMapHash(of: map.urn, in: map.volume, digest.algorithm)
            else { continue }
            count += 1
            if computed != digest {
                damage.append("the block map hash of the map \(AFF4Text.shown(map.urn)) does not hold")
            }
            joined.append((map.urn, computed))
        }
        for term in volume.graph.stated(urn, "hash") {
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
            graph.stated(subject, property).first.flatMap { AFF4Digests.digest($0) }?.bytes
        }
        let streams = graph.objects(urn, AFF4Lexicon.word("dependentStream")).prefix(AFF4Volumes.mostVolumes)
            .compactMap(\.iri).filter {
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

    /// - Parameter segment: opens the segments that the hash covers, one after the other; nil when one is missing.
    private mutating func check(
        _ term: AFF4Graph.Term, _ what: String, count segments: Int,
        _ segment: (Int) throws(SourceError) -> AFF4Segment?
    ) throws(SourceError) {
        guard let stated = AFF4Digests.digest(term) else {
            damage.append("the hash over \(AFF4Text.shown(what)) is none that can be read")
            return
        }
        count += 1
        guard let observed = try AFF4Digests.digest(stated.algorithm, count: segments, segment) else {
            damage.append("the hash over \(AFF4Text.shown(what)) cannot be checked: some of it is missing")
            return
        }
        if observed != stated {
            damage.append("the \(stated.algorithm.displayName) over \(AFF4Text.shown(what)) does not hold")
        }
    }
}
