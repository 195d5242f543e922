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

    /// Consecutive entries of a table; fewer when the rest cannot be read any more.
    ///
    /// - Parameter number: tells the tables apart.
    func entries(_ range: Range<Int>, of table: EWFTable, number: Int) throws(SourceError) -> [UInt32] {
        var entries: [UInt32] = []
        while entries.count < range.count {
            let index = range.lowerBound + entries.count
            let block = try block(index / Self.blockSize, of: table, number: number)
            let within = index % Self.blockSize
            guard within < block.count else { break }
            entries += block[within..<min(block.count, within + range.count - entries.count)]
        }
        return entries
    }

    private func block(_ index: Int, of table: EWFTable, number: Int) throws(SourceError) -> [UInt32] {
        let key = Key(table: number, block: index)
        if let block = state.withLock({ $0.blocks[key] }) { return block }
        let first = index * Self.blockSize
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
        return block
    }
}
