import EvidenceModel

/// Opens an AFF4 image, by what is in it.
enum AFF4Opener {
    /// Most statements of damage that are listed.
    static let mostDamage = 1000

    /// Opens a file that is a volume of such an image; nil when it is none. One that should be, but is damaged, is refused:
    /// it must not be read as raw bytes.
    ///
    /// - Throws: ``SourceError``: `damaged`, `missing`, `unreadable`, `unsupported`.
    static func volume(_ path: String) throws(SourceError) -> AFF4Volume? {
        let file = try ReadOnlyFile(path: Array(path.utf8))
        let name = SourceOpener.lastComponent(path).lowercased()
        let beginning = try file.bytes(at: 0, count: 64)
        if beginning.starts(with: [0x50, 0x4B]) {
            if let volume = try AFF4Volume.open(path) { return volume }
            let isZip = try AFF4ZipEnd.read(file) != nil
            // The first member of a volume; a file that begins so and does not end so is one that was cut off.
            let mark = Array("container.description".utf8)
            let isCutOff = beginning.count == 64 && Array(beginning[30..<30 + mark.count]) == mark
            let isNamedRaw = [".dd", ".raw", ".img", ".bin"].contains { name.hasSuffix($0) }
            if isCutOff, !isZip, !isNamedRaw {
                throw SourceError(
                    .damaged,
                    "\(path) begins like a volume of an AFF4 image but does not end like one: it was cut off, or other bytes "
                        + "follow it. Nothing was taken in. Copy it again from its source; to take in its bytes as they are, "
                        + "give it the ending .dd.")
            }
        }
        guard name.hasSuffix(".aff4") || name.hasSuffix(".af4") else { return nil }
        throw SourceError(
            .damaged,
            "\(path) is named like an AFF4 image, but it is no ZIP file with a container.description or an "
                + "information.turtle at its end: it is empty, cut off, damaged or something else. Nothing was taken in. Copy "
                + "it again from its source; to take in its bytes as they are, give it the ending .dd.")
    }

    /// Opens the image that a volume belongs to.
    ///
    /// - Throws: ``SourceError``: `damaged`, `incomplete`, `unsupported`, `missing`, `unreadable`.
    static func open(_ named: AFF4Volume) throws(SourceError) -> any SourceReader {
        let path = named.path
        var warnings: [String] = []
        let choice = try AFF4Choice(named)
        warnings += choice.warnings
        let notes = AFF4Notes()
        var search = AFF4Volumes(named, image: choice.image)
        var resolver = AFF4Resolver(AFF4Set(search.volumes), notes: notes)
        var target = try resolver.resolve(choice.dataStream)
        while let missing = Self.missing(resolver, target), !missing.isEmpty {
            let before = search.volumes.count
            try search.search(for: missing)
            guard search.volumes.count > before else { break }
            resolver = AFF4Resolver(AFF4Set(search.volumes), notes: notes)
            target = try resolver.resolve(choice.dataStream)
        }
        warnings += search.warnings
        guard case .stream(let stream) = target, !(stream is AFF4SymbolicStream) else {
            throw Self.nothingToRead(path, target, resolver, search.volumes)
        }
        var damage = search.volumes.flatMap(\.damage) + resolver.damage
        let checks = try Self.checks(choice, resolver)
        damage += checks.damage
        let survey = try AFF4Survey(stream)
        warnings += Self.warnings(survey)
        let nested = resolver.maps.filter { $0 !== stream as? AFF4Map }
        for map in nested where map.takesUnknownData {
            warnings.append(
                "bytes of the map \(AFF4Text.shown(map.urn)) may not have been read when it was made (aff4:UnknownData)"
            )
        }
        if survey.lostBytes > 0 { damage.append("\(survey.lostBytes) bytes of the medium are not in the container") }
        if let stated = choice.size, stated != stream.size {
            damage.append("the image should have \(stated) bytes, but its data stream has \(stream.size)")
        }
        guard stream.size > 0 else {
            throw SourceError(.empty, "\(path) holds a medium of no bytes. Check that the image was made completely.")
        }
        if damage.count > mostDamage {
            damage = damage.prefix(mostDamage) + ["\(damage.count - mostDamage) more, not listed"]
        }
        let volumes = search.volumes.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        let description = SourceDescription(
            kind: .aff4, path: path,
            files: volumes.map { volume in
                SourceFile(
                    nameBytes: Array(volume.name.utf8), size: volume.file.size,
                    modified: volume.file.modifiedNanoseconds / 1_000_000, mode: volume.file.mode & 0o7777)
            },
            mediaSize: stream.size, sectorSize: choice.sectorSize, device: nil, oddities: [], warnings: warnings,
            stored: Self.stored(choice, resolver),
            properties: AFF4Properties.all(of: choice.image, in: named) + Self.properties(survey, checks),
            damage: damage)
        return AFF4Image(description, volumes: volumes, stream: stream, losses: survey.losses, notes: notes)
    }

    /// The streams that no volume at hand describes; nil when none is missing.
    private static func missing(_ resolver: AFF4Resolver, _ target: AFF4Map.Target) -> [String]? {
        var names: Set<String> = []
        for lost in [target] + resolver.maps.flatMap(\.targets) {
            if case .lost(let urn, _) = lost { names.insert(urn) }
        }
        let missing = names.filter { resolver.set.home(of: $0) == nil }.sorted()
        return missing.isEmpty ? nil : missing
    }

    private static func nothingToRead(
        _ path: String, _ target: AFF4Map.Target, _ resolver: AFF4Resolver, _ volumes: [AFF4Volume]
    ) -> SourceError {
        var reasons = volumes.flatMap(\.damage) + resolver.damage
        if case .lost(let place, let problem) = target { reasons.insert("\(AFF4Text.shown(place)): \(problem)", at: 0) }
        var shown: [String] = []
        for reason in reasons where !shown.contains(reason) { shown.append(reason) }
        return SourceError(
            .damaged,
            "\(path): the medium cannot be read (\(shown.prefix(3).joined(separator: "; "))). Nothing was taken in. Find the "
                + "missing volumes, or copy the image again from its source.")
    }

    private static func checks(_ choice: AFF4Choice, _ resolver: AFF4Resolver) throws(SourceError) -> AFF4Checks {
        var checks = AFF4Checks(resolver.set)
        for stream in resolver.imageStreams { try checks.check(stream) }
        var maps: [(urn: String, volume: AFF4Volume)] = resolver.maps.map { ($0.urn, $0.home) }
        var ofImage: [(urn: String, volume: AFF4Volume)] = []
        for volume in resolver.set.volumes {
            guard let image = choice.image else { continue }
            for urn in volume.graph.objects(image, AFF4Lexicon.word("dataStream")).compactMap(\.iri)
            where volume.graph.isA(urn, AFF4Lexicon.word("Map")) && !ofImage.contains(where: { $0.urn == urn }) {
                ofImage.append((urn, volume))
                if !maps.contains(where: { $0.urn == urn }) { maps.append((urn, volume)) }
            }
        }
        for map in maps { try checks.check(map: map.urn, in: map.volume) }
        let isWhole = Self.missing(resolver, .stream(AFF4SymbolicStream.zero)) == nil
        if let image = choice.image, isWhole {
            try checks.check(image: image, in: choice.volume, maps: ofImage)
        }
        return checks
    }

    private static func stored(_ choice: AFF4Choice, _ resolver: AFF4Resolver) -> [StoredDigest] {
        var found: [StoredDigest] = []
        for volume in resolver.set.volumes {
            for subject in [choice.image, choice.dataStream].compactMap({ $0 }) {
                for term in volume.graph.stated(subject, "hash") {
                    guard let digest = AFF4Digests.digest(term) else { continue }
                    let stored = StoredDigest(digest, covers: "media")
                    if !found.contains(stored) { found.append(stored) }
                }
            }
        }
        return found
    }

    private static func warnings(_ survey: AFF4Survey) -> [String] {
        var warnings: [String] = []
        if survey.unknownBytes > 0 {
            warnings.append(
                "\(survey.unknownBytes) bytes of the medium were not read when the image was made (aff4:UnknownData); the text "
                    + "that AFF4 prescribes stands in their place")
        }
        if survey.unreadableBytes > 0 {
            warnings.append(
                "\(survey.unreadableBytes) bytes of the medium could not be read when the image was made "
                    + "(aff4:UnreadableData); the text that AFF4 prescribes stands in their place")
        }
        return warnings
    }

    private static func properties(_ survey: AFF4Survey, _ checks: AFF4Checks) -> [SourceProperty] {
        var found = [SourceProperty("stored_bytes", "\(survey.storedBytes)")]
        if checks.count > 0 { found.append(SourceProperty("checked_hashes", "\(checks.count)")) }
        if survey.symbolicBytes > 0 { found.append(SourceProperty("symbolic_bytes", "\(survey.symbolicBytes)")) }
        if survey.unknownBytes > 0 { found.append(SourceProperty("unknown_bytes", "\(survey.unknownBytes)")) }
        return found
    }
}
