internal import Glibc

/// Finds the segment files of a set: those with the same stem, ordered by the number in their headers.
struct EWFSegmentSearch {
    /// A file whose header says that it is a segment.
    struct Segment: Hashable {
        let path: String
        let number: Int
    }

    /// One for each number that was found, ascending.
    private(set) var segments: [Segment] = []
    /// What is odd about the files: a name that does not fit, a file that is no segment.
    private(set) var damage: [String] = []

    /// - Parameter path: of any segment of the set; its header has been recognised.
    init(_ path: String) throws(SourceError) {
        let given = EWFSegmentName(path)
        var found: [Int: Segment] = [:]
        for name in try Self.siblings(of: given, besides: path) {
            let sibling = EWFSegmentName(given.folder + name)
            let file = given.folder + name
            let header = try Self.header(of: file)
            guard let header, let number = header.segment, number > 0 else {
                // Another kind of file beside the image does not matter; one named like a segment does.
                if sibling.number != nil, Self.isSameSeries(name, as: path) {
                    damage.append("\(name) is named like a segment, but it does not begin like one")
                }
                continue
            }
            let segment = Segment(path: file, number: number)
            guard let other = found[number] else {
                found[number] = segment
                continue
            }
            let chosen = try Self.choose(other, segment, for: path)
            found[number] = chosen
            let left = SourceOpener.lastComponent(chosen == other ? segment.path : other.path)
            damage.append("\(left) says that it is segment \(number) too; it was not read")
        }
        segments = found.values.sorted { $0.number < $1.number }
        for segment in segments {
            let name = SourceOpener.lastComponent(segment.path)
            if let number = EWFSegmentName(segment.path).number, number != segment.number {
                damage.append("\(name) is named as segment \(number), but its header says \(segment.number)")
            }
        }
    }

    /// The header of a file; nil when it does not begin like a segment.
    static func header(of path: String) throws(SourceError) -> EWFFileHeader? {
        let file = try ReadOnlyFile(path: Array(path.utf8))
        var bytes = [UInt8](repeating: 0, count: EWFFileHeader.size)
        var destination = bytes.mutableSpan
        let (count, error) = file.read(at: 0, into: &destination)
        if let error { throw ReadOnlyFile.failure(to: "read", file.path, error) }
        bytes.removeLast(bytes.count - count)
        return EWFFileHeader(bytes)
    }

    /// Of two files with the same number: the one that was named, else the one whose name has that number.
    private static func choose(_ first: Segment, _ second: Segment, for path: String) throws(SourceError) -> Segment {
        if first.path == path || second.path == path { return first.path == path ? first : second }
        let fitting = [first, second].filter {
            EWFSegmentName($0.path).number == $0.number && isSameSeries($0.path, as: path)
        }
        if fitting.count == 1 { return fitting[0] }
        throw SourceError(
            .damaged,
            "\(SourceOpener.lastComponent(first.path)) and \(SourceOpener.lastComponent(second.path)) both say that they are "
                + "segment \(first.number). Nothing was taken in. Leave only the segments of one image in the folder.")
    }

    /// True when both endings begin with the same letter: `.E01` and `.E02`, not `.E01` and `.s01`.
    private static func isSameSeries(_ first: String, as second: String) -> Bool {
        func letter(_ path: String) -> Character? { path.suffix(3).first }
        return letter(first) == letter(second)
    }

    /// Names in the folder with the stem of `given` and an ending of three characters, in bytewise order.
    private static func siblings(of given: EWFSegmentName, besides path: String) throws(SourceError) -> [String] {
        let folder = given.folder.isEmpty ? "." : given.folder
        guard let listing = unsafe opendir(folder) else {
            throw ReadOnlyFile.failure(to: "list", Array(folder.utf8), errno)
        }
        defer { unsafe closedir(listing) }
        let own = SourceOpener.lastComponent(path)
        var names: [String] = [own]
        while let entry = unsafe readdir(listing) {
            let name = unsafe String(cString: DirectoryEntry.name(entry))
            let candidate = EWFSegmentName(given.folder + name)
            guard name != own, candidate.stem == given.stem, candidate.number != nil else { continue }
            var information = stat()
            guard unsafe stat(given.folder + name, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
                continue
            }
            names.append(name)
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
