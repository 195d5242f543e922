internal import Glibc

/// Finds the other volumes of an image in the folder of the one that was named: by what is in them, not by their names.
struct AFF4Volumes {
    /// Most files of a folder that are looked at.
    static let mostFiles = 100_000
    /// Most bytes of Turtle in all volumes of an image.
    static let mostText = 32 << 20
    /// Most volumes of an image.
    static let mostVolumes = 64

    private(set) var volumes: [AFF4Volume]
    private(set) var warnings: [String] = []
    private let image: String?

    /// - Parameter image: the URN that all volumes of the image speak of.
    init(_ named: AFF4Volume, image: String?) {
        volumes = [named]
        self.image = image
    }

    /// Adds every volume that speaks of the image, that holds one of the streams, or that says that it does.
    ///
    /// - Throws: ``SourceError``: `unreadable`, `unsupported`.
    mutating func search(for streams: [String]) throws(SourceError) {
        guard let named = volumes.first else { return }
        let folder = String(named.path.dropLast(named.name.utf8.count))
        let set = AFF4Set(volumes)
        let homes = Set(streams.compactMap { set.statedHome(of: $0) })
        for name in try Self.files(in: folder) where !volumes.contains(where: { $0.name == name }) {
            // A file beside the image that cannot be opened is not of the image.
            guard let found = try Self.volume(folder + name) else {
                if name.lowercased().hasSuffix(".aff4") {
                    warnings.append(
                        "\(name) is named like a volume, but it is empty, cut off or damaged; it was not used")
                }
                continue
            }
            let belongs =
                homes.contains(found.urn) && !found.urn.isEmpty
                || streams.contains { found.graph.text($0, AFF4Lexicon.word("size")) != nil }
                || image.map { found.graph.text($0, AFF4Lexicon.word("dataStream")) != nil } ?? false
            guard belongs else { continue }
            if let same = volumes.first(where: { $0.urn == found.urn && !found.urn.isEmpty }) {
                warnings.append("\(name) is the volume \(found.urn), as \(same.name) is; it was not used")
                continue
            }
            guard volumes.count < Self.mostVolumes else {
                throw SourceError(
                    .unsupported,
                    "\(named.path): the image has more than \(Self.mostVolumes) volumes. Nothing was taken in.")
            }
            volumes.append(found)
            guard volumes.reduce(0, { $0 + $1.textSize }) <= Self.mostText else {
                throw SourceError(
                    .unsupported,
                    "\(named.path): the volumes of the image describe it in more than \(Self.mostText) bytes. Nothing was taken "
                        + "in.")
            }
        }
    }

    private static func volume(_ path: String) throws(SourceError) -> AFF4Volume? {
        do {
            let file = try ReadOnlyFile(path: Array(path.utf8))
            guard try file.bytes(at: 0, count: 2) == [0x50, 0x4B] else { return nil }
            return try AFF4Volume.open(path)
        } catch  where error.code != .unsupported {
            return nil
        }
    }

    /// Names of regular files, in bytewise order.
    private static func files(in folder: String) throws(SourceError) -> [String] {
        let folder = folder.isEmpty ? "." : folder
        guard let listing = unsafe opendir(folder) else {
            throw ReadOnlyFile.failure(to: "list", Array(folder.utf8), errno)
        }
        defer { unsafe closedir(listing) }
        var names: [String] = []
        while let entry = unsafe readdir(listing) {
            let name = unsafe String(cString: DirectoryEntry.name(entry))
            var information = stat()
            guard unsafe stat(folder + name, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
                continue
            }
            guard names.count < mostFiles else {
                throw SourceError(
                    .unsupported,
                    "\(folder) holds more than \(mostFiles) files; the other volumes of the image cannot be looked for there. "
                        + "Copy the image's volumes into a folder of their own.")
            }
            names.append(name)
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
