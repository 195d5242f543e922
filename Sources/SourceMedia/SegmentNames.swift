internal import Glibc

/// Finds the segments of a split raw image by their names: `.000`/`.001`, `.002` … or `.aa`, `.ab` ….
enum SegmentNames {
    /// The segments of the image that begins with `path`, in order; just `path` when its name is not that of a segment.
    ///
    /// - Throws: `incomplete` when a segment between the first and the last is missing, or when `path` is a later one.
    static func segments(startingWith path: String) throws(SourceError) -> [String] {
        guard let name = SegmentName(path) else { return [path] }
        let present = try siblings(of: name)
        let hasEarlier = present.contains { $0.number < name.number }
        // A set that begins with .000 has a segment .001 as well.
        guard name.isFirst, !hasEarlier else {
            if present.contains(where: { $0.isFirst && $0.number < name.number }) {
                throw SourceError(
                    .incomplete,
                    "\(path) is a later segment of a split image. Give its first segment instead; the others are found "
                        + "by their names.")
            }
            if present.contains(where: { abs($0.number - name.number) == 1 }) {
                throw SourceError(
                    .incomplete,
                    "\(path) is a later segment of a split image, and the first segment is missing. Nothing was taken in. "
                        + "Put it beside the others and give its path.")
            }
            return [path]
        }
        var segments: [String] = []
        var expected = name
        while present.contains(expected) {
            segments.append(expected.path)
            guard let next = expected.next else { break }
            expected = next
        }
        if let stray = present.filter({ $0.number > expected.number }).min(by: { $0.number < $1.number }) {
            throw SourceError(
                .incomplete,
                "The segment \(SourceOpener.lastComponent(expected.path)) of the split image \(path) is missing, but "
                    + "\(SourceOpener.lastComponent(stray.path)) is there. Nothing was taken in. Put the missing segment beside "
                    + "the others and start again.")
        }
        return segments
    }

    private static func siblings(of name: SegmentName) throws(SourceError) -> Set<SegmentName> {
        let folder = name.folder.isEmpty ? "." : name.folder
        guard let listing = unsafe opendir(folder) else {
            throw ReadOnlyFile.failure(to: "list", Array(folder.utf8), errno)
        }
        defer { unsafe closedir(listing) }
        var found: Set<SegmentName> = []
        while let entry = unsafe readdir(listing) {
            let fileName = unsafe String(cString: DirectoryEntry.name(entry))
            if let other = SegmentName(name.folder + fileName), other.stem == name.stem, other.style == name.style {
                found.insert(other)
            }
        }
        return found
    }
}

/// A path that ends like a segment of a split image.
private struct SegmentName: Hashable {
    enum Style: Hashable {
        case numbers(width: Int)
        case letters(width: Int)
    }

    let folder: String
    let stem: String
    let style: Style
    let number: Int

    init?(_ path: String) {
        let name = SourceOpener.lastComponent(path)
        guard let dot = name.lastIndex(of: ".") else { return nil }
        let suffix = Array(name[name.index(after: dot)...].utf8)
        if (3...6).contains(suffix.count), suffix.allSatisfy({ (48...57).contains($0) }) {
            style = .numbers(width: suffix.count)
            number = suffix.reduce(0) { $0 * 10 + Int($1) - 48 }
        } else if (2...3).contains(suffix.count), suffix.allSatisfy({ (97...122).contains($0) }),
            suffix.count == 2 || suffix.prefix(2) == [97, 97]
        {
            style = .letters(width: suffix.count)
            number = suffix.reduce(0) { $0 * 26 + Int($1) - 97 }
        } else {
            return nil
        }
        folder = String(path.dropLast(name.count))
        stem = String(name[..<dot])
    }

    private init(folder: String, stem: String, style: Style, number: Int) {
        self.folder = folder
        self.stem = stem
        self.style = style
        self.number = number
    }

    /// Numbered images start at 0 or 1, lettered ones at "aa".
    var isFirst: Bool {
        switch style {
        case .numbers: number <= 1
        case .letters: number == 0
        }
    }

    var next: SegmentName? {
        let limit =
            switch style {
            case .numbers(let width): (0..<width).reduce(1) { value, _ in value * 10 }
            case .letters(let width): (0..<width).reduce(1) { value, _ in value * 26 }
            }
        guard number + 1 < limit else { return nil }
        return SegmentName(folder: folder, stem: stem, style: style, number: number + 1)
    }

    var path: String {
        var digits: [UInt8] = []
        var rest = number
        let (width, base, zero): (Int, Int, UInt8) =
            switch style {
            case .numbers(let width): (width, 10, 48)
            case .letters(let width): (width, 26, 97)
            }
        for _ in 0..<width {
            digits.append(zero + UInt8(rest % base))
            rest /= base
        }
        return folder + stem + "." + String(decoding: digits.reversed(), as: UTF8.self)
    }
}
