internal import Synchronization

/// The files of a source, opened when first needed; a bounded number stays open.
final class FilePool: Sendable {
    /// Most files kept open at a time, well below the usual limit of 1,024 descriptors.
    static let mostOpenFiles = 64

    let paths: [[UInt8]]
    private let sizes: [Int]
    private let state: Mutex<State>

    private struct State: Sendable {
        var open: [Int: ReadOnlyFile] = [:]
        /// Indices of open files, least recently used first.
        var order: [Int] = []
    }

    /// - Parameters:
    ///   - paths: as bytes; names need not be UTF-8.
    ///   - sizes: what each file had when the source was opened, in bytes.
    ///   - opened: files that are open already, by index.
    init(paths: [[UInt8]], sizes: [Int], opened: [Int: ReadOnlyFile] = [:]) {
        self.paths = paths
        self.sizes = sizes
        self.state = Mutex(State(open: opened, order: opened.keys.sorted()))
    }

    /// - Throws: ``SourceError``: `changed` when the file no longer has its size, `missing`, `unreadable`.
    func file(_ index: Int) throws(SourceError) -> ReadOnlyFile {
        let known: ReadOnlyFile? = state.withLock { state in
            guard let file = state.open[index] else { return nil }
            if state.order.last != index {
                state.order.removeAll { $0 == index }
                state.order.append(index)
            }
            return file
        }
        if let known { return known }
        let file = try ReadOnlyFile(path: paths[index])
        guard file.size == sizes[index] else { throw changed(index) }
        state.withLock { state in
            state.open[index] = file
            state.order.append(index)
            if state.order.count > Self.mostOpenFiles { state.open[state.order.removeFirst()] = nil }
        }
        return file
    }

    /// The error for a file that is no longer what it was.
    func changed(_ index: Int) -> SourceError {
        SourceError(
            .changed,
            "\(ReadOnlyFile.text(paths[index])) has another length than when it was opened: another program changed it. "
                + "Nothing was recorded as its content. Make sure that nothing writes to it, then start again.")
    }
}
