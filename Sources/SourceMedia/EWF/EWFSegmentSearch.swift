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
        var others: [(number: Int, name: String)] = []
        for name in try Self.siblings(of: given, besides: path) {
            let sibling = EWFSegmentName(given.folder + name)
            let file = given.folder + name
            let header = try Self.header(of: file)
            guard let header, let number = header.segment, number > 0 else {
                if sibling.isOfSeries(of: given), let number = sibling.numbers.values.min() {
                    others.append((number, name))
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
        // A file where the set has a segment, or would go on, should be one; .vhd or .iso beside an image is just that.
        var next = (segments.last?.number ?? 0) + 1
        for (number, name) in others.sorted(by: { $0.number < $1.number }) where number <= next {
            damage.append("\(name) is named like a segment, but it does not begin like one")
            next = max(next, number + 1)
        }
        for segment in segments {
            let name = SourceOpener.lastComponent(segment.path)
            let numbers = EWFSegmentName(segment.path).numbers
            guard !numbers.values.contains(segment.number), let named = numbers.values.min() else { continue }
            damage.append("\(name) is named as segment \(named), but its header says \(segment.number)")
        }
    }

    /// Takes in segments of the set that have other names.
    mutating func add(_ strays: [Segment]) {
        for (number, found) in Dictionary(grouping: strays, by: \.number).sorted(by: { $0.key < $1.key }) {
            let names = found.map { SourceOpener.lastComponent($0.path) }.joined(separator: ", ")
            guard found.count == 1 else {
                damage.append("\(names) all say that they are segment \(number); none of them was read")
                continue
            }
            segments += found
            damage.append("\(names) is not named as segment \(number), but its header and set identifier say so")
        }
        segments.sort { $0.number < $1.number }
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
        let given = EWFSegmentName(path)
        let fitting = [first, second].filter {
            let name = EWFSegmentName($0.path)
            return name.numbers.values.contains($0.number) && (name.isOfSeries(of: given) || !given.isSegment)
        }
        if fitting.count == 1 { return fitting[0] }
        throw SourceError(
            .damaged,
            "\(SourceOpener.lastComponent(first.path)) and \(SourceOpener.lastComponent(second.path)) both say that they are "
                + "segment \(first.number). Nothing was taken in. Leave only the segments of one image in the folder.")
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
            guard name != own, candidate.stem == given.stem, candidate.isSegment else { continue }
            var information = stat()
            guard unsafe stat(given.folder + name, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
                continue
            }
            names.append(name)
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
