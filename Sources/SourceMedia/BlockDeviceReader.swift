import EvidenceModel
internal import Glibc
internal import Synchronization

/// How much trouble is taken over sectors that do not read.
public struct ReadPolicy: Sendable {
    /// Most times that a failing sector is tried again.
    public static let mostRetries = 100

    /// How often a sector that failed is read again before it counts as unreadable.
    public var retries = 1
    /// Asked before each failing sector, which may take a disk many seconds: true ends the reading (`stopped`).
    public var shouldStop: @Sendable () -> Bool = { false }

    public init(retries: Int = 1) { self.retries = retries }
}

extension SourceOpener {
    /// Opens a medium to be imaged: a device, or a file in its place, is read by ``ReadPolicy``; a container as always.
    ///
    /// - Throws: what ``open(_:_:)`` throws.
    public static func openMedium(
        _ path: String, allowWritableMounts: Bool = false, policy: ReadPolicy
    ) throws(SourceError) -> any SourceReader {
        let source: any SourceReader
        do {
            source = try open(path, SourceOptions(allowWritableMounts: allowWritableMounts))
        } catch  where error.code == .unreadable {
            // A file in a device's place whose first or last sectors fail cannot be recognised as anything else.
            source = try plainFile(path)
        }
        switch source.description.kind {
        case .device, .raw: return try BlockDeviceReader(source.description, policy)
        default: return source
        }
    }
}

/// Reads a device whose sectors may fail: large reads, then halves down to one sector, so that nothing but the bad
/// sectors is lost.
///
/// The halves are read past the page cache, which knows no unit smaller than 4 KiB. What fails counts as unreadable only
/// while the device answers: after failures a sector that was read before is read once more, and when none of several
/// gives an answer the device is gone, which is an error (`gone`), not a run of bad sectors.
final class BlockDeviceReader: SourceReader {
    /// Most runs of unreadable sectors that are told apart.
    static let mostRanges = 100_000
    /// Sectors that may fail one after the other before the device is asked whether it still answers.
    static let failuresBeforeProbe = 64
    /// Sectors that are asked; one answer is enough.
    static let probes = 8
    /// What the system says when there is no device any more.
    static let goneErrors: Set<Int32> = [ENODEV, ENXIO, ENOMEDIUM, ESHUTDOWN, ENOTCONN, ESTALE]

    let description: SourceDescription
    private let file: ReadOnlyFile
    private let direct: DirectFile
    private let policy: ReadPolicy
    private let sectorSize: Int
    private let state: Mutex<State>

    private struct State: Sendable {
        var lost = UnreadableRanges()
        /// Offsets of sectors that were read, for asking whether the device answers.
        var answered: [Int] = []
        var failuresInARow = 0
    }

    init(_ description: SourceDescription, _ policy: ReadPolicy) throws(SourceError) {
        self.description = description
        self.policy = policy
        sectorSize = description.sectorSize
        let path = Array(description.path.utf8)
        file = try ReadOnlyFile(path: path)
        direct = try DirectFile(file)
        state = Mutex(State())
    }

    var size: Int { description.mediaSize }

    var unreadable: [UnreadableRange] { state.withLock { $0.lost.ranges } }

    func checkUnchanged() throws(SourceError) {
        let file = try ReadOnlyFile(path: self.file.path)
        guard description.kind == .device || file.modifiedNanoseconds == self.file.modifiedNanoseconds,
            file.size == size
        else {
            throw SourceError(
                .changed,
                "\(description.path) is no longer what it was when it was opened: size or time of change differ. Make sure "
                    + "that nothing writes to it, then start again.")
        }
    }

    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
        guard offset >= 0, offset < size else { return 0 }
        let wanted = min(destination.count, size - offset)
        var room = destination._mutatingExtracting(0..<wanted)
        let mayRead = state.withLock { !$0.lost.overlaps(offset..<offset + wanted) }
        var done = 0
        if mayRead {
            let (count, error) = file.read(at: offset, into: &room)
            if count == wanted {
                state.withLock { Self.note(offset, in: &$0.answered) }
                return wanted
            }
            if error == nil { throw gone("it ends at byte \(offset + count)") }
            done = count / sectorSize * sectorSize
        }
        // One thread at a time: a failing device gets slower with every request.
        let failure: SourceError? = state.withLock { state in
            do throws(SourceError) {
                try recover(offset + done..<offset + wanted, of: offset, into: &room, &state)
                if state.failuresInARow > 0 { try probe(&state) }
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
        return wanted
    }

    // MARK: Failing sectors

    /// Reads what can be read of a range; the rest becomes zeros and is listed.
    private func recover(
        _ range: Range<Int>, of start: Int, into room: inout MutableSpan<UInt8>, _ state: inout State
    ) throws(SourceError) {
        guard !range.isEmpty else { return }
        guard range.count > sectorSize else { return try recoverSector(range, of: start, into: &room, &state) }
        if !state.lost.overlaps(range), try attempt(range, of: start, into: &room, &state) == nil { return }
        let half = max(sectorSize, range.count / 2 / sectorSize * sectorSize)
        let middle = range.lowerBound + half
        try recover(range.lowerBound..<middle, of: start, into: &room, &state)
        try recover(middle..<range.upperBound, of: start, into: &room, &state)
    }

    private func recoverSector(
        _ range: Range<Int>, of start: Int, into room: inout MutableSpan<UInt8>, _ state: inout State
    ) throws(SourceError) {
        if !state.lost.overlaps(range) {
            guard !policy.shouldStop() else { throw SourceError(.stopped, "Stopped as asked for.") }
            var failure = EIO
            for _ in 0...max(0, policy.retries) {
                guard let error = try attempt(range, of: start, into: &room, &state) else { return }
                failure = error
            }
            state.failuresInARow += 1
            if state.failuresInARow % Self.failuresBeforeProbe == 0 { try probe(&state) }
            state.lost.add(range, SystemError.text(failure))
            guard state.lost.ranges.count <= Self.mostRanges else {
                throw SourceError(
                    .unreadable,
                    "\(description.path) cannot be read at more than \(Self.mostRanges) places, the limit. Have the device "
                        + "repaired, then start again.")
            }
        }
        for index in range { room[index - start] = 0 }
    }

    /// Reads a range at once; answers the system's error number when that fails.
    private func attempt(
        _ range: Range<Int>, of start: Int, into room: inout MutableSpan<UInt8>, _ state: inout State
    ) throws(SourceError) -> Int32? {
        var part = room._mutatingExtracting(range.lowerBound - start..<range.upperBound - start)
        let (count, error) = direct.read(at: range.lowerBound, into: &part)
        guard count < range.count else {
            Self.note(range.lowerBound, in: &state.answered)
            state.failuresInARow = 0
            return nil
        }
        guard let error else { throw gone("it ends at byte \(range.lowerBound + count)") }
        guard !Self.goneErrors.contains(error) else { throw gone(SystemError.text(error)) }
        return error
    }

    // MARK: A device that is gone

    /// Asks sectors that were read before, or some spread over the device when none was.
    ///
    /// - Throws: `gone` when none of them can be read.
    private func probe(_ state: inout State) throws(SourceError) {
        let spread = (0..<Self.probes).map { size / Self.probes * $0 / sectorSize * sectorSize }
        for offset in state.answered.isEmpty ? spread : state.answered {
            var sector = [UInt8](repeating: 0, count: min(sectorSize, size - offset))
            var room = sector.mutableSpan
            let (count, error) = direct.read(at: offset, into: &room)
            if count == room.count {
                Self.note(offset, in: &state.answered)
                return
            }
            if let error, Self.goneErrors.contains(error) { break }
        }
        throw gone("sectors that were read before cannot be read any more")
    }

    /// Keeps the first place that answered and the last ones.
    private static func note(_ offset: Int, in answered: inout [Int]) {
        guard answered.last != offset else { return }
        answered.append(offset)
        if answered.count > probes { answered.remove(at: 1) }
    }

    private func gone(_ reason: String) -> SourceError {
        SourceError(
            .gone,
            "\(description.path) does not answer any more: \(reason). What was not read was not taken for zeros. Check "
                + "cable, power and adapter.")
    }
}

/// A file that is read past the page cache where the system allows it.
private final class DirectFile: Sendable {
    /// Offsets, lengths and addresses are multiples of the sector's size; addresses of this.
    private static let alignment = 4096

    private let buffered: ReadOnlyFile
    private let direct: ReadOnlyFile?

    init(_ file: ReadOnlyFile) throws(SourceError) {
        buffered = file
        do {
            direct = try ReadOnlyFile(path: file.path, bypassesCache: true)
        } catch {
            // Some file systems have no such reads.
            direct = nil
        }
    }

    /// Reads until `destination` is full, the file ends or the medium fails.
    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) -> (count: Int, error: Int32?) {
        if let direct {
            let length = (destination.count + 511) / 512 * 512
            var store = [UInt8](repeating: 0, count: length + Self.alignment)
            let address = unsafe store.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
            let shift = Int((UInt(Self.alignment) - address % UInt(Self.alignment)) % UInt(Self.alignment))
            var whole = store.mutableSpan
            var room = whole._mutatingExtracting(shift..<shift + length)
            let (count, error) = direct.read(at: offset, into: &room)
            // Not aligned as this device wants it.
            if error != EINVAL {
                let useful = min(count, destination.count)
                for index in 0..<useful { destination[index] = room[index] }
                return (useful, useful == destination.count ? nil : error)
            }
        }
        buffered.forgetCached(at: offset, count: destination.count)
        return buffered.read(at: offset, into: &destination)
    }
}
