import EvidenceModel
internal import Glibc
public import SourceMedia

/// Where an image lies: its files, and those that an interrupted acquisition is continued from.
public struct ImagePlace: Hashable, Sendable {
    /// Absolute path without an ending.
    public let stem: String
    /// Path of the image's only file, for a raw image.
    public let rawPath: String

    /// - Parameter path: as the user gave it, with or without the ending of an image.
    /// - Throws: ``ImagingError`` with code `place` when it is no path for a file in an existing folder.
    public init(_ path: String, _ format: ImagePlan.Format) throws(ImagingError) {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        var existing = stat()
        if unsafe stat(path, &existing) == 0, existing.st_mode & S_IFMT != S_IFREG {
            throw ImagingError(
                .place,
                "\(path) is a folder or a device, not the name of an image. Nothing was read. Give folder and name, for "
                    + "example \(path == "/" ? "" : path)/item.")
        }
        guard !name.isEmpty, name != ".", name != "..",
            let resolved = unsafe realpath(slash == path.startIndex ? "/" : folder, nil)
        else {
            throw ImagingError(
                .place,
                "\(path) cannot be the name of an image: its folder does not exist, or it names no file. Make the folder "
                    + "first.")
        }
        defer { unsafe free(resolved) }
        let endings = format == .raw ? [".dd", ".raw", ".img"] : [".e01"]
        let ending = endings.first { name.lowercased().hasSuffix($0) && name.count > $0.count }
        let base = unsafe String(cString: resolved)
        stem = (base == "/" ? "" : base) + "/" + name.dropLast(ending?.count ?? 0)
        rawPath = ending == nil ? stem + ".dd" : (base == "/" ? "" : base) + "/" + name
    }

    /// The journal of an acquisition under way.
    public var journalPath: String { stem + ".acquire" }
    /// The block digests of what is durable; part of the journal.
    public var blocksPath: String { stem + ".acquire.blocks" }

    /// The folder of the image.
    public var folder: String { String(stem[..<(stem.lastIndex(of: "/") ?? stem.startIndex)]) + "/" }

    /// Path of the image's first file.
    public func firstFile(_ format: ImagePlan.Format) -> String {
        format == .raw ? rawPath : EWFImageWriter.path(stem, 1)
    }

    /// Bytes that may still be written here.
    public func freeBytes() throws(ImagingError) -> Int {
        var information = statvfs()
        guard unsafe statvfs(folder, &information) == 0 else {
            throw ImagingError(.place, "Cannot examine \(folder): \(unsafe String(cString: strerror(errno))).")
        }
        let (bytes, overflow) = UInt64(information.f_bavail).multipliedReportingOverflow(
            by: UInt64(information.f_frsize))
        return overflow || bytes > UInt64(Int.max) ? Int.max : Int(bytes)
    }

    /// Refuses to overwrite an image, finished or not.
    ///
    /// - Throws: ``ImagingError``: `journal` for an interrupted one, `place` for another.
    public func refuseExisting(_ format: ImagePlan.Format) throws(ImagingError) {
        if Self.exists(journalPath) {
            throw ImagingError(
                .journal,
                "An acquisition to \(stem) was interrupted: \(journalPath) is there. Go on with --resume, or remove its files "
                    + "to begin anew.")
        }
        for path in [firstFile(format), blocksPath] where Self.exists(path) {
            throw ImagingError(
                .place, "\(path) exists already and is not overwritten. Choose another name, or remove it first.")
        }
    }

    private static func exists(_ path: String) -> Bool {
        var information = stat()
        return unsafe lstat(path, &information) == 0
    }

    /// Refuses an image on the medium that it is made of.
    ///
    /// - Throws: ``ImagingError`` with code `place`, ``SourceError`` when that cannot be told.
    public func refuse(on source: SourceDescription) throws {
        guard source.kind == .device, try BlockDeviceTopology(source.path).holds(folder: folder) else { return }
        throw ImagingError(
            .place,
            "\(folder) lies on \(source.path) itself: the image would overwrite evidence. Nothing was written. Choose a "
                + "folder on another device.")
    }
}
