import EvidenceModel
internal import Glibc

/// What the user allows, or adds, when a source is opened.
public struct SourceOptions: Hashable, Sendable {
    /// Read a device even though it, or a partition of it, is mounted for writing.
    public var allowWritableMounts: Bool
    /// Paths of what a virtual disk rests on: its backing file, then that one's, and so on. No other is ever followed.
    public var backing: [String]

    /// Nothing allowed, nothing added, unless said otherwise.
    public init(allowWritableMounts: Bool = false, backing: [String] = []) {
        self.allowWritableMounts = allowWritableMounts
        self.backing = backing
    }
}

/// Opens what a path names, as the kind of source it is.
public enum SourceOpener {
    /// Opens a raw image, the first segment of a split image, an EWF image (E01), an AFF4 image, a virtual disk (VMDK, VHD,
    /// VHDX, VDI, QCOW2, QCOW), a block device or a folder.
    ///
    /// - Parameter path: absolute or relative to the working folder.
    /// - Throws: ``SourceError``: `missing`, `unreadable`, `empty`, `unsupported`, `incomplete`, `damaged`,
    ///   `inUse`.
    public static func open(
        _ path: String, _ options: SourceOptions = SourceOptions()
    ) throws(SourceError) -> any SourceReader {
        let source = try openAny(path, options)
        guard options.backing.isEmpty || source.description.kind.canHaveBacking else {
            throw SourceError(
                .unsupported,
                "\(path) rests on no other image, so --backing means nothing for it. Nothing was taken in. Leave it "
                    + "out."
            )
        }
        return source
    }

    private static func openAny(_ path: String, _ options: SourceOptions) throws(SourceError) -> any SourceReader {
        let absolute = try absolutePath(path)
        var information = stat()
        guard unsafe stat(absolute, &information) == 0 else {
            throw ReadOnlyFile.failure(to: "open", Array(absolute.utf8), errno)
        }
        switch information.st_mode & S_IFMT {
        case S_IFDIR:
            try refuseImageName(absolute)
            return try FolderListing.open(absolute)
        case S_IFBLK: return try BlockDevice.open(absolute, allowWritableMounts: options.allowWritableMounts)
        case S_IFREG: return try openImage(absolute, options)
        default:
            throw SourceError(
                .unsupported,
                "\(path) is neither a file, a folder nor a block device. Give the path of an image, of a folder or of "
                    + "a device such as /dev/sdb.")
        }
    }

    /// A folder that is named like an image is more likely a mistake than an export.
    private static func refuseImageName(_ path: String) throws(SourceError) {
        let name = lastComponent(path).lowercased()
        let endings = [
            ".dd", ".raw", ".img", ".001", ".000", ".aa", ".e01", ".aff4", ".vmdk", ".vhd", ".vhdx", ".qcow2", ".iso",
        ]
        guard endings.contains(where: { name.hasSuffix($0) }) else { return }
        throw SourceError(
            .unsupported,
            "\(path) is a folder, although its name is that of an image. Give the image's own path; to take in the "
                + "folder "
                + "as an export, rename it.")
    }

    private static func openImage(_ path: String, _ options: SourceOptions) throws(SourceError) -> any SourceReader {
        if try EWFOpener.recognises(path) { return try EWFOpener.open(path) }
        if let volume = try AFF4Opener.volume(path) { return try AFF4Opener.open(volume) }
        var warnings: [String] = []
        switch try VirtualDiskOpener.recognise(path) {
        case .disk(let format, let fixedVHD):
            return try VirtualDiskOpener.open(path, format, fixedVHD: fixedVHD, backing: options.backing)
        case .raw(let found): warnings = found
        }
        let whole = try ReadOnlyFile(path: Array(path.utf8))
        if let finding = try ArchiveRecognition.recognise(HeaderFile(whole)) {
            return ArchiveFile(path, whole, finding, warnings: warnings)
        }
        if let warning = archiveNameWarning(path) { warnings.append(warning) }
        let segments = try SegmentNames.segments(startingWith: path)
        var files: [SourceFile] = []
        var opened: [Int: ReadOnlyFile] = [:]
        var total = 0
        for (index, segment) in segments.enumerated() {
            let file = try ReadOnlyFile(path: Array(segment.utf8))
            guard file.size > 0 else {
                throw SourceError(
                    .empty,
                    segments.count == 1
                        ? "\(segment) is empty: it holds no byte to take in. Check that the image was copied "
                            + "completely."
                        : "The segment \(segment) is empty, so the image is incomplete. Copy it again from its source.")
            }
            files.append(
                SourceFile(
                    nameBytes: Array(lastComponent(segment).utf8), size: file.size,
                    modified: file.modifiedNanoseconds / 1_000_000, mode: file.mode & 0o7777))
            total += file.size
            if index < FilePool.mostOpenFiles { opened[index] = file }
        }
        if let first = files.first, files.count > 1 {
            for file in files.dropFirst().dropLast() where file.size != first.size {
                warnings.append("segment \(file.name) has \(file.size) bytes, the first one has \(first.size)")
            }
            if let last = files.last, last.size > first.size {
                warnings.append("the last segment \(last.name) is larger than the first one")
            }
        }
        let description = SourceDescription(
            kind: segments.count > 1 ? .split : .raw, path: path, files: files, mediaSize: total, sectorSize: 512,
            device: nil, oddities: [], warnings: warnings)
        return ConcatenatedFiles(description, paths: segments.map { Array($0.utf8) }, opened: opened)
    }

    /// A file as it stands, whatever it begins with.
    static func plainFile(_ path: String) throws(SourceError) -> any SourceReader {
        let absolute = try absolutePath(path)
        let file = try ReadOnlyFile(path: Array(absolute.utf8))
        guard file.size > 0 else { throw SourceError(.empty, "\(path) is empty: it holds no byte to take in.") }
        let described = SourceFile(
            nameBytes: Array(lastComponent(absolute).utf8), size: file.size,
            modified: file.modifiedNanoseconds / 1_000_000, mode: file.mode & 0o7777)
        let description = SourceDescription(
            kind: .raw, path: absolute, files: [described], mediaSize: file.size, sectorSize: 512, device: nil,
            oddities: [], warnings: ["its beginning or end could not be read: whether it is a container is not known"])
        return ConcatenatedFiles(description, paths: [Array(absolute.utf8)], opened: [0: file])
    }

    /// A file that is named like an archive and is none: damaged, or named wrongly.
    private static func archiveNameWarning(_ path: String) -> String? {
        let name = lastComponent(path).lowercased()
        let endings = [".zip", ".ufdr", ".7z", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"]
        guard endings.contains(where: { name.hasSuffix($0) }) else { return nil }
        return
            "it is named like an archive, but is none or a damaged one: taken in as it stands, its members are not listed"
    }

    static func absolutePath(_ path: String) throws(SourceError) -> String {
        guard !path.isEmpty else { throw SourceError(.missing, "No source was named. Give the path of an image.") }
        guard let resolved = unsafe realpath(path, nil) else {
            throw ReadOnlyFile.failure(to: "open", Array(path.utf8), errno)
        }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    static func lastComponent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }
}
