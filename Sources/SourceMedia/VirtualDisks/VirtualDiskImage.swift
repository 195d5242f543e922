import EvidenceModel

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
            try divide(at: offset, &destination, downTo: Self.crashGrain, "qemu-nbd \(ending) while reading here: \(words)")
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
