/// The files of a container as they are on disk: what a digest of each of them covers.
///
/// Safe to call from several threads.
public final class ContainerFiles: Sendable {
    /// Bytes of each file, in the order of the description's files.
    public let sizes: [Int]
    private let pool: FilePool
    private let modified: [Int64?]

    /// - Parameter description: of a source whose files lie in the folder of the path that was opened.
    convenience init(_ description: SourceDescription) {
        let path = Array(description.path.utf8)
        let folder = path.lastIndex(of: UInt8(ascii: "/")).map { Array(path[...$0]) } ?? []
        self.init(description.files, paths: description.files.map { folder + $0.nameBytes })
    }

    /// - Parameter paths: where each file lies, as bytes.
    init(_ files: [SourceFile], paths: [[UInt8]]) {
        sizes = files.map(\.size)
        modified = files.map(\.modified)
        pool = FilePool(paths: paths, sizes: sizes)
    }

    /// Fills `destination` with the bytes of one file from `offset` on.
    ///
    /// - Throws: ``SourceError``: `unreadable` when the system cannot read them, `changed` when the file has become
    ///   shorter, `missing`.
    public func read(_ file: Int, at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) {
        let (count, error) = try pool.file(file).read(at: offset, into: &destination)
        if let error { throw ReadOnlyFile.failure(to: "read", pool.paths[file], error) }
        guard count == destination.count else { throw pool.changed(file) }
    }

    /// Says whether each file is still what it was when the source was opened.
    ///
    /// - Throws: ``SourceError`` with code `changed` that names the file.
    public func checkUnchanged() throws(SourceError) {
        for index in sizes.indices {
            let file = try pool.file(index)
            try file.checkUnchanged()
            let isKnown = modified[index].map { $0 == file.modifiedNanoseconds / 1_000_000 } ?? true
            guard isKnown else { throw pool.changed(index) }
        }
    }
}
