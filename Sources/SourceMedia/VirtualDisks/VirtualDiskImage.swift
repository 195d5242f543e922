import EvidenceModel
internal import Synchronization

/// The medium in a virtual disk, as qemu-nbd reads it.
///
/// What the file cannot hold is known from its tables and never asked for: qemu would answer zeros. What qemu refuses
/// is halved down to a sector, what it dies of down to ``crashGrain``.
final class VirtualDiskImage: SourceReader {
    /// Most bytes of one request.
    static let largestRequest = 1 << 20
    /// Smallest part that a process is risked for: each one costs a new process.
    static let crashGrain = 64 << 10

    let description: SourceDescription
    private let files: [ReadOnlyFile]
    private let server: DiskServer
    private let damage: UnreadableMap
    private let window = Mutex<ZeroWindow?>(nil)
    private let alignment: Int
    /// Bytes that qemu exports: whole sectors.
    private let exported: Int

    init(
        _ description: SourceDescription, files: [ReadOnlyFile], server: DiskServer, export: DiskServer.Export,
        lost: LostRanges
    ) {
        self.description = description
        self.files = files
        self.server = server
        alignment = export.alignment
        exported = export.size
        damage = UnreadableMap(lost)
    }

    var size: Int { description.mediaSize }
    var unreadable: [UnreadableRange] { damage.ranges }
    /// The number of the process that reads; for tests.
    var processID: Int32? { server.processID }

    /// What the image rests on may lie in other folders.
    var containerFiles: ContainerFiles? { ContainerFiles(description.files, paths: files.map(\.path)) }

    func checkUnchanged() throws(SourceError) {
        for file in files { try file.checkUnchanged() }
    }

    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
        guard offset >= 0, offset < size else { return 0 }
        let wanted = min(destination.count, size - offset)
        var filled = 0
        while filled < wanted {
            let run = damage.run(at: offset + filled, length: min(wanted - filled, Self.largestRequest))
            var part = destination._mutatingExtracting(filled..<filled + run.length)
            if run.isUnreadable {
                part.update(repeating: 0)
            } else {
                try fetchAligned(at: offset + filled, into: &part)
            }
            filled += run.length
        }
        return filled
    }

    /// What qemu knows to be zeros without reading it; what the file lacks is no such thing.
    func zeroRun(at offset: Int) throws(SourceError) -> Int {
        guard offset >= 0, offset < size else { return 0 }
        let readable = damage.run(at: offset, length: size - offset)
        guard !readable.isUnreadable else { return 0 }
        let window = try window(around: offset)
        return min(window.zeros(at: offset), readable.length)
    }

    private func window(around offset: Int) throws(SourceError) -> ZeroWindow {
        if let known = window.withLock({ $0 }), known.covers(offset) { return known }
        let start = offset / ZeroWindow.length * ZeroWindow.length
        let count = min(ZeroWindow.length, exported - start)
        let lease = try server.lease()
        let (answer, runs) = lease.connection.runs(at: start, count: count, seconds: DiskServer.patience)
        // Whatever goes wrong here: the bytes are then read, and what is wrong with them shows.
        if case .lost = answer { _ = server.giveUp(lease) } else { server.giveBack(lease) }
        let found = ZeroWindow(start: start, length: count, runs: runs)
        window.withLock { $0 = found }
        return found
    }

    private func fetchAligned(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) {
        let start = offset / alignment * alignment
        let end = min(exported, (offset + destination.count + alignment - 1) / alignment * alignment)
        guard start < offset || end > offset + destination.count else {
            return try fetch(at: offset, into: &destination, mayRetry: true)
        }
        var whole = [UInt8](repeating: 0, count: end - start)
        var room = whole.mutableSpan
        try fetch(at: start, into: &room, mayRetry: true)
        for index in 0..<destination.count { destination[index] = whole[offset - start + index] }
    }

    private func fetch(
        at offset: Int, into destination: inout MutableSpan<UInt8>, mayRetry: Bool
    ) throws(SourceError) {
        let lease = try server.lease()
        switch lease.connection.read(at: offset, into: &destination, seconds: DiskServer.patience) {
        case .done: server.giveBack(lease)
        case .refused(let code):
            server.giveBack(lease)
            try divide(
                at: offset, &destination, downTo: max(description.sectorSize, alignment),
                "the image gives no bytes here: \(SystemError.text(code))")
        case .lost(let words):
            let ending = server.giveUp(lease)
            // It may have been ended by something else than these bytes.
            if mayRetry { return try fetch(at: offset, into: &destination, mayRetry: false) }
            try divide(
                at: offset, &destination, downTo: Self.crashGrain, "qemu-nbd \(ending) while reading here: \(words)")
        }
    }

    private func divide(
        at offset: Int, _ destination: inout MutableSpan<UInt8>, downTo grain: Int, _ why: String
    ) throws(SourceError) {
        let count = destination.count
        // Halves end where sectors of the medium end, whatever was asked for.
        let middle = (offset + count / 2) / grain * grain - offset
        guard count > grain, middle > 0 else {
            destination.update(repeating: 0)
            return try damage.add(offset: offset, length: min(count, size - offset), why)
        }
        var first = destination._mutatingExtracting(0..<middle)
        try fetch(at: offset, into: &first, mayRetry: false)
        var second = destination._mutatingExtracting(middle..<count)
        try fetch(at: offset + middle, into: &second, mayRetry: false)
    }
}

/// What a part of the medium consists of, as qemu says it.
private struct ZeroWindow: Sendable {
    /// Bytes of one question.
    static let length = 256 << 20

    let start: Int
    let length: Int
    let runs: [NBDConnection.Run]

    func covers(_ offset: Int) -> Bool { offset >= start && offset - start < length }

    /// Zeros from `offset` on, as far as the window reaches.
    func zeros(at offset: Int) -> Int {
        var position = start
        var zeros = 0
        for run in runs {
            let end = min(position + run.length, start + length)
            if end > offset {
                guard run.isZero else { break }
                zeros += end - max(position, offset)
            }
            position = end
        }
        return zeros
    }
}
