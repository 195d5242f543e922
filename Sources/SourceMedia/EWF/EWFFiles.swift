/// The segment files of a set, read at any offset.
final class EWFFiles: Sendable {
    let pool: FilePool
    /// Names without folders, as text.
    let names: [String]
    private let sizes: [Int]

    init(paths: [[UInt8]], sizes: [Int]) {
        pool = FilePool(paths: paths, sizes: sizes)
        names = paths.map { SourceOpener.lastComponent(ReadOnlyFile.text($0)) }
        self.sizes = sizes
    }

    func size(of file: Int) -> Int { sizes[file] }

    /// Reads up to `count` bytes; fewer at the end of the file.
    ///
    /// - Throws: ``SourceError`` when the system cannot read them.
    func bytes(of file: Int, at offset: Int, count: Int) throws(SourceError) -> [UInt8] {
        guard offset >= 0, offset < sizes[file], count > 0 else { return [] }
        var buffer = [UInt8](repeating: 0, count: min(count, sizes[file] - offset))
        var destination = buffer.mutableSpan
        let (read, error) = try pool.file(file).read(at: offset, into: &destination)
        if let error { throw ReadOnlyFile.failure(to: "read", pool.paths[file], error) }
        if read < buffer.count { buffer.removeLast(buffer.count - read) }
        return buffer
    }
}
