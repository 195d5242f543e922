internal import Glibc

/// Finds segments of a set whose names do not tell: by the number and the set identifier within them.
///
/// Looked for only when a set lacks segments, and only where its writer gave it an identifier.
enum EWFStraySegments {
    /// Most files of a folder that are looked at.
    static let mostFiles = 10_000
    /// Most sections of a file that are followed to the one that names the set.
    private static let mostSections = 64

    /// Segments in `folder`, in the bytewise order of their names.
    ///
    /// - Parameters:
    ///   - known: paths of segments that are known already.
    ///   - identifier: of the set.
    ///   - isWanted: says whether a segment of this number is missing.
    static func find(
        in folder: String, besides known: Set<String>, of identifier: [UInt8], isWanted: (Int) -> Bool
    ) throws(SourceError) -> [EWFSegmentSearch.Segment] {
        guard identifier.contains(where: { $0 != 0 }) else { return [] }
        var found: [EWFSegmentSearch.Segment] = []
        for name in try names(in: folder) where !known.contains(folder + name) {
            let path = folder + name
            do {
                guard let number = try EWFSegmentSearch.header(of: path)?.segment, number > 0, isWanted(number),
                    try Self.identifier(of: path) == identifier
                else { continue }
                found.append(EWFSegmentSearch.Segment(path: path, number: number))
            } catch {
                // A file that happens to lie there and cannot be read; nothing says that it belongs to the set.
                continue
            }
        }
        return found
    }

    /// The set identifier in a segment file; nil when there is none.
    private static func identifier(of path: String) throws(SourceError) -> [UInt8]? {
        let file = try ReadOnlyFile(path: Array(path.utf8))
        let files = EWFFiles(paths: [file.path], sizes: [file.size])
        var offset = EWFFileHeader.size
        for _ in 0..<mostSections {
            let bytes = try files.bytes(of: 0, at: offset, count: EWFSection.descriptorSize)
            guard bytes.count == EWFSection.descriptorSize else { return nil }
            let section = EWFSection(bytes, at: offset)
            guard section.isIntact else { return nil }
            if ["volume", "disk", "data"].contains(section.type) {
                let content = try files.bytes(of: 0, at: section.contentStart, count: EWFVolume.size)
                return EWFVolume(content)?.setIdentifier
            }
            guard section.next >= UInt64(section.contentStart), section.next < UInt64(file.size) else { return nil }
            offset = Int(section.next)
        }
        return nil
    }

    private static func names(in folder: String) throws(SourceError) -> [String] {
        guard let listing = unsafe opendir(folder.isEmpty ? "." : folder) else {
            throw ReadOnlyFile.failure(to: "list", Array(folder.utf8), errno)
        }
        defer { unsafe closedir(listing) }
        var names: [String] = []
        while names.count < mostFiles, let entry = unsafe readdir(listing) {
            let name = unsafe String(cString: DirectoryEntry.name(entry))
            var information = stat()
            guard unsafe stat(folder + name, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
                continue
            }
            names.append(name)
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
