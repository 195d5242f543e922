/// The volumes of an image: the file that was named, and those of its folder that hold its other parts.
final class AFF4Set: Sendable {
    /// The volume that was named is the first one.
    let volumes: [AFF4Volume]

    init(_ volumes: [AFF4Volume]) { self.volumes = volumes }

    /// The volume that says most of a stream or map: the one that stores it, else one that knows its size.
    func home(of urn: String) -> AFF4Volume? {
        let described = volumes.filter { $0.graph.text(urn, AFF4Lexicon.word("size")) != nil }
        return described.first { $0.graph.objects(urn, AFF4Lexicon.word("stored")).contains(.iri($0.urn)) }
            ?? described.first
    }

    /// The member that holds the bytes of an object: in its home, else in any volume.
    func segment(_ urn: String, home: AFF4Volume?) throws(SourceError) -> AFF4Segment.Lookup {
        var problem: AFF4Segment.Lookup = .missing
        for volume in [home].compactMap({ $0 }) + volumes.filter({ $0 !== home }) {
            switch try volume.segment(urn) {
            case .found(let segment): return .found(segment)
            case .damaged(let words): problem = .damaged("\(volume.name): \(words)")
            case .missing: break
            }
        }
        return problem
    }

    /// The URN of the volume that must hold a stream, as far as any volume tells.
    func statedHome(of urn: String) -> String? {
        for volume in volumes {
            if let stated = volume.graph.text(urn, AFF4Lexicon.word("stored")) { return stated }
        }
        return nil
    }

    func holds(volume urn: String) -> Bool { volumes.contains { $0.urn == urn } }
}
