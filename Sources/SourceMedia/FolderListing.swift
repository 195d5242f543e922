import EvidenceModel
internal import Glibc

/// Lists a folder as a source: a phone or cloud export that lies on disk.
///
/// Its media bytes are those of its regular files, one after the other, in the bytewise order of their paths, so that
/// `cat` of the files in the order of `files.jsonl` gives them again. Links are not followed.
enum FolderListing {
    /// Deepest nesting of folders that is read; deeper ones are listed as not read.
    static let deepestNesting = 256
    /// Most entries of one source.
    static let mostEntries = 10_000_000

    static func open(_ path: String) throws(SourceError) -> any SourceReader {
        var walk = FolderWalk(root: Array(path.utf8))
        try walk.visit([], depth: 0)
        walk.files.sort { $0.nameBytes.lexicographicallyPrecedes($1.nameBytes) }
        walk.oddities.sort { $0.nameBytes.lexicographicallyPrecedes($1.nameBytes) }
        guard !walk.files.isEmpty || !walk.oddities.isEmpty else {
            throw SourceError(.empty, "The folder \(path) is empty: it holds no file to take in. Check the path.")
        }
        let description = SourceDescription(
            kind: .folder, path: path, files: walk.files, mediaSize: walk.files.reduce(0) { $0 + $1.size },
            sectorSize: 512, device: nil, oddities: walk.oddities, warnings: walk.warnings)
        let root = Array(path.utf8)
        return ConcatenatedFiles(description, paths: walk.files.map { root + [UInt8(ascii: "/")] + $0.nameBytes })
    }
}

private struct FolderWalk {
    let root: [UInt8]
    var files: [SourceFile] = []
    var oddities: [SourceOddity] = []
    var warnings: [String] = []

    init(root: [UInt8]) { self.root = root }

    mutating func visit(_ relative: [UInt8], depth: Int) throws(SourceError) {
        let folder = relative.isEmpty ? root : root + [UInt8(ascii: "/")] + relative
        guard depth <= FolderListing.deepestNesting else {
            oddities.append(SourceOddity(nameBytes: relative, what: "folder nested too deeply, not read"))
            return
        }
        for name in try names(in: folder) {
            let path = relative.isEmpty ? name : relative + [UInt8(ascii: "/")] + name
            guard files.count + oddities.count < FolderListing.mostEntries else {
                throw SourceError(
                    .unsupported,
                    "The folder holds more than \(FolderListing.mostEntries) entries, the limit of one item. Nothing was "
                        + "taken in. Take in its subfolders as items of their own.")
            }
            try add(path, depth: depth)
        }
    }

    private mutating func add(_ path: [UInt8], depth: Int) throws(SourceError) {
        let full = root + [UInt8(ascii: "/")] + path
        let terminated = full.map { CChar(bitPattern: $0) } + [0]
        var information = stat()
        guard unsafe lstat(terminated, &information) == 0 else {
            throw ReadOnlyFile.failure(to: "examine", full, errno)
        }
        switch information.st_mode & S_IFMT {
        case S_IFREG:
            files.append(
                SourceFile(
                    nameBytes: path, size: Int(information.st_size),
                    modified: Int64(information.st_mtim.tv_sec) * 1000 + Int64(information.st_mtim.tv_nsec) / 1_000_000,
                    mode: information.st_mode & 0o7777))
        case S_IFDIR: try visit(path, depth: depth + 1)
        case S_IFLNK: oddities.append(SourceOddity(nameBytes: path, what: "symbolic link, not followed"))
        case S_IFIFO: oddities.append(SourceOddity(nameBytes: path, what: "named pipe, not read"))
        case S_IFSOCK: oddities.append(SourceOddity(nameBytes: path, what: "socket, not read"))
        default: oddities.append(SourceOddity(nameBytes: path, what: "device, not read"))
        }
    }

    private func names(in folder: [UInt8]) throws(SourceError) -> [[UInt8]] {
        let terminated = folder.map { CChar(bitPattern: $0) } + [0]
        guard let listing = unsafe opendir(terminated) else { throw ReadOnlyFile.failure(to: "list", folder, errno) }
        defer { unsafe closedir(listing) }
        var names: [[UInt8]] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(listing) else { break }
            let pointer = unsafe DirectoryEntry.name(entry)
            let length = unsafe strlen(pointer)
            let name = (0..<length).map { unsafe UInt8(bitPattern: pointer[$0]) }
            if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
        }
        guard errno == 0 else { throw ReadOnlyFile.failure(to: "list", folder, errno) }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }
}
