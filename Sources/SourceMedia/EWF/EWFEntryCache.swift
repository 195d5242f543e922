internal import Synchronization

/// The table entries that were read last, so that a pass over the medium reads each table once.
///
/// The tables themselves stay in the files: memory does not grow with the medium.
final class EWFEntryCache: Sendable {
    /// Entries that are read together.
    static let blockSize = 2048
    /// Most blocks that are kept.
    static let mostBlocks = 64

    private struct Key: Hashable {
        let table: Int
        let block: Int
    }

    private struct State: Sendable {
        var blocks: [Key: [UInt32]] = [:]
        /// Oldest first.
        var order: [Key] = []
    }

    private let files: EWFFiles
    private let state = Mutex(State())

    init(_ files: EWFFiles) { self.files = files }

    /// An entry of a table; nil when it cannot be read any more.
    ///
    /// - Parameter number: tells the tables apart.
    func entry(_ index: Int, of table: EWFTable, number: Int) throws(SourceError) -> UInt32? {
        let key = Key(table: number, block: index / Self.blockSize)
        let within = index % Self.blockSize
        if let block = state.withLock({ $0.blocks[key] }) { return within < block.count ? block[within] : nil }
        let first = key.block * Self.blockSize
        let bytes = try files.bytes(
            of: table.file, at: table.entriesAt + first * 4, count: min(Self.blockSize, table.count - first) * 4)
        let block = stride(from: 0, to: bytes.count - bytes.count % 4, by: 4).map {
            UInt32(bytes.littleEndian32(at: $0))
        }
        state.withLock { state in
            guard state.blocks.updateValue(block, forKey: key) == nil else { return }
            state.order.append(key)
            if state.order.count > Self.mostBlocks { state.blocks[state.order.removeFirst()] = nil }
        }
        return within < block.count ? block[within] : nil
    }
}
