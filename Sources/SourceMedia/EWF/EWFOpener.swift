import EvidenceModel

/// Opens an Expert Witness Format image, by its signature.
enum EWFOpener {
    /// Chunks that may be lost for each one that is there: beyond it the set's own account of itself is not believed.
    static let mostLostPerChunk = 64
    /// Chunks that may be lost whatever is there.
    static let mostLostAnyway = 32_768

    /// Says whether a file is such an image, or is named like one and must therefore not be read as raw bytes.
    ///
    /// - Throws: ``SourceError``: `damaged`, `unsupported`, `missing`, `unreadable`.
    static func recognises(_ path: String) throws(SourceError) -> Bool {
        let header = try EWFSegmentSearch.header(of: path)
        let name = SourceOpener.lastComponent(path)
        switch header?.family {
        case .media:
            guard let segment = header?.segment, segment > 0 else {
                throw SourceError(
                    .damaged, "\(path) is cut off or damaged within its first 13 bytes. Copy it again from its source.")
            }
            return true
        case .logical:
            throw SourceError(
                .unsupported,
                "\(path) is a logical evidence file (L01): it holds single files, not a medium, and cannot be read. Nothing "
                    + "was taken in. Export its files with the program that made it, and take in the folder.")
        case .secondVersion:
            throw SourceError(
                .unsupported,
                "\(path) is an image of version 2 of the format (Ex01 or Lx01), which cannot be read. Nothing was taken in. "
                    + "Convert it to E01 with the program that made it.")
        case .encrypted:
            throw SourceError(
                .unsupported,
                "\(path) is encrypted (AD Encryption) and cannot be read. Nothing was taken in. Decrypt it with the program "
                    + "that made it.")
        case nil:
            guard !EWFSegmentName.promisesImage(path) else {
                throw SourceError(
                    .damaged,
                    "\(name) is named like an EWF image, but it does not begin like one: it is empty, damaged or something "
                        + "else. Nothing was taken in. Copy it again from its source; to take in its bytes as they are, give "
                        + "it the ending .dd.")
            }
            return false
        }
    }

    /// Opens the set that a segment belongs to.
    ///
    /// - Throws: ``SourceError``: `damaged`, `missing`, `unreadable`.
    static func open(_ path: String) throws(SourceError) -> any SourceReader {
        var search = try EWFSegmentSearch(path)
        var (files, described) = try openFiles(of: search)
        var (set, missing) = try read(search, files)
        if let isMissing = missing, let volume = set.volume {
            let strays = try EWFStraySegments.find(
                in: EWFSegmentName(path).folder, besides: Set(search.segments.map(\.path)), of: volume.setIdentifier,
                isWanted: isMissing)
            if !strays.isEmpty {
                search.add(strays)
                (files, described) = try openFiles(of: search)
                (set, missing) = try read(search, files)
            }
        }
        guard let volume = set.volume else {
            throw SourceError(
                .damaged,
                "\(path): no segment tells how large the medium is\(Self.because(set.damage)). Nothing was taken in. Copy the "
                    + "image again from its source.")
        }
        let map = EWFChunkMap(set.pieces, declared: volume.chunkCount)
        let present = map.chunkCount - map.lostCount
        guard present > 0, map.lostCount / mostLostPerChunk <= present || map.lostCount <= mostLostAnyway else {
            throw SourceError(
                .damaged,
                "\(path): of the \(map.chunkCount) chunks that the medium should have, \(present) are there"
                    + "\(Self.because(set.damage)). Nothing was taken in. Find the missing segments, or copy the image again."
            )
        }
        return try EWFImage(
            path: path, files: files, described: described, volume: volume, map: map, set: set)
    }

    private static func openFiles(of search: EWFSegmentSearch) throws(SourceError) -> (EWFFiles, [SourceFile]) {
        var described: [SourceFile] = []
        for segment in search.segments {
            let file = try ReadOnlyFile(path: Array(segment.path.utf8))
            described.append(
                SourceFile(
                    nameBytes: Array(SourceOpener.lastComponent(segment.path).utf8), size: file.size,
                    modified: file.modifiedNanoseconds / 1_000_000, mode: file.mode & 0o7777))
        }
        return (EWFFiles(paths: search.segments.map { Array($0.path.utf8) }, sizes: described.map(\.size)), described)
    }

    /// Reads the sections of every segment, in the order of their numbers.
    ///
    /// - Returns: what they say, and which numbers are missing; nil when none is.
    private static func read(
        _ search: EWFSegmentSearch, _ files: EWFFiles
    ) throws(SourceError) -> (EWFSet, ((Int) -> Bool)?) {
        var set = try EWFSet(files)
        for text in search.damage { set.note(damage: text) }
        var expected = 1
        var gaps: [Range<Int>] = []
        for (index, segment) in search.segments.enumerated() {
            if segment.number > expected {
                gaps.append(expected..<segment.number)
                set.lose(missing(expected..<segment.number))
            }
            if set.isEnded, index > 0 {
                set.note(damage: "segment \(segment.number) follows a segment that ends the set")
            }
            try set.readSegment(index, number: segment.number)
            expected = segment.number + 1
        }
        if !set.isEnded, set.pieces.last.map({ if case .lost = $0 { false } else { true } }) ?? true {
            set.lose("segment \(expected) is missing")
            gaps.append(expected..<Int.max)
        }
        let missing = gaps
        return (set, missing.isEmpty ? nil : { number in missing.contains { $0.contains(number) } })
    }

    private static func missing(_ numbers: Range<Int>) -> String {
        numbers.count == 1
            ? "segment \(numbers.lowerBound) is missing"
            : "segments \(numbers.lowerBound) to \(numbers.upperBound - 1) are missing"
    }

    private static func because(_ damage: [String]) -> String {
        damage.isEmpty ? "" : " (" + damage.prefix(3).joined(separator: "; ") + ")"
    }
}
