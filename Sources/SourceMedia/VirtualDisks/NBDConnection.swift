internal import CNBD
internal import Glibc

/// One connection to a network block device server that runs on this machine. Used by one thread at a time.
@safe final class NBDConnection: @unchecked Sendable {
    /// What a request came to.
    enum Answer: Hashable {
        case done
        /// The server says that it cannot read these bytes; the system's error number.
        case refused(Int32)
        /// The server is gone, breaks the protocol or did not answer in time.
        case lost(String)
    }

    /// A run of bytes that the server says are zeros, or are not.
    struct Run: Hashable, Sendable {
        let length: Int
        let isZero: Bool
    }

    static let largestAlignment = 1 << 16
    private static let allocation = "base:allocation"

    /// Nil once the connection was lost.
    private var handle: OpaquePointer?
    /// Bytes of the export.
    private(set) var size = 0
    /// Requests must begin and end at multiples of it.
    private(set) var alignment = 1
    /// Answers come in one piece, where the server can: qemu ends the connection when it fails within an answer of several, instead
    /// of saying which bytes it cannot read.
    private var isInOnePiece = false

    /// Negotiates over a connected socket, which it then owns.
    ///
    /// - Throws: ``NBDFailure`` when the server ends or does not answer within `seconds`.
    init(socket: Int32, seconds: Int) throws(NBDFailure) {
        guard let made = unsafe nbd_create() else {
            close(socket)
            throw NBDFailure(words: NBDConnection.words())
        }
        unsafe handle = made
        unsafe nbd_add_meta_context(made, Self.allocation)
        guard unsafe nbd_aio_connect_socket(made, socket) == 0 else { throw NBDFailure(words: NBDConnection.words()) }
        let deadline = Deadline(seconds: seconds)
        while unsafe nbd_aio_is_ready(made) == 0 {
            guard unsafe nbd_aio_is_dead(made) == 0, unsafe nbd_aio_is_closed(made) == 0 else {
                throw NBDFailure(words: NBDConnection.words())
            }
            guard let left = deadline.milliseconds else {
                throw NBDFailure(words: "it did not answer within \(seconds) s")
            }
            guard unsafe nbd_poll(made, left) >= 0 else { throw NBDFailure(words: NBDConnection.words()) }
        }
        let size = unsafe nbd_get_size(made)
        guard size >= 0 else { throw NBDFailure(words: NBDConnection.words()) }
        self.size = Int(size)
        let smallest = unsafe nbd_get_block_size(made, Int32(LIBNBD_SIZE_MINIMUM))
        guard smallest <= Self.largestAlignment else {
            throw NBDFailure(words: "it demands blocks of \(smallest) bytes")
        }
        alignment = max(1, Int(smallest))
        isInOnePiece = unsafe nbd_can_df(made) == 1
    }

    deinit { disconnect() }

    private func disconnect() {
        if let open = unsafe handle { unsafe nbd_close(open) }
        unsafe handle = nil
    }

    /// Reads exactly the bytes that `destination` has room for.
    ///
    /// After ``Answer/lost(_:)`` the connection is of no further use.
    func read(at offset: Int, into destination: inout MutableSpan<UInt8>, seconds: Int) -> Answer {
        guard let handle = unsafe handle else { return .lost("the connection was lost before") }
        return unsafe destination.withUnsafeMutableBytes { room in
            let cookie =
                isInOnePiece
                ? unsafe nbd_aio_pread_structured(
                    handle, room.baseAddress, room.count, UInt64(offset),
                    nbd_chunk_callback(callback: { _, _, _, _, _, _ in 0 }, user_data: nil, free: nil),
                    nbd_completion_callback(), UInt32(LIBNBD_CMD_FLAG_DF))
                : unsafe nbd_aio_pread(
                    handle, room.baseAddress, room.count, UInt64(offset), nbd_completion_callback(), 0)
            let answer = cookie < 0 ? Answer.lost(Self.words()) : finish(UInt64(cookie), seconds: seconds)
            // Before the memory is the caller's again: until then the library may still fill it.
            if case .lost = answer { disconnect() }
            return answer
        }
    }

    /// Which of the bytes from `offset` on the server says are zeros; none when it does not tell.
    func runs(at offset: Int, count: Int, seconds: Int) -> (answer: Answer, runs: [Run]) {
        guard let handle = unsafe handle else { return (.lost("the connection was lost before"), []) }
        guard unsafe nbd_can_meta_context(handle, Self.allocation) == 1 else { return (.done, []) }
        let list = RunList()
        let callback = unsafe nbd_extent_callback(
            callback: { context, _, _, entries, count, _ in
                guard let context = unsafe context, let entries = unsafe entries else { return 0 }
                let list = unsafe Unmanaged<RunList>.fromOpaque(context).takeUnretainedValue()
                // Pairs of a length and its flags.
                for index in stride(from: 0, to: count - count % 2, by: 2) {
                    let flags = unsafe entries[index + 1]
                    let length = unsafe Int(entries[index])
                    list.runs.append(Run(length: length, isZero: flags & UInt32(LIBNBD_STATE_ZERO) != 0))
                }
                return 0
            },
            user_data: Unmanaged.passRetained(list).toOpaque(),
            free: { context in
                if let context = unsafe context { unsafe Unmanaged<RunList>.fromOpaque(context).release() }
            })
        let cookie = unsafe nbd_aio_block_status(
            handle, UInt64(count), UInt64(offset), callback, nbd_completion_callback(), 0)
        let answer = cookie < 0 ? Answer.lost(Self.words()) : finish(UInt64(cookie), seconds: seconds)
        if case .lost = answer { disconnect() }
        return (answer, answer == .done ? list.runs : [])
    }

    private final class RunList {
        var runs: [Run] = []
    }

    private func finish(_ cookie: UInt64, seconds: Int) -> Answer {
        guard let handle = unsafe handle else { return .lost("the connection was lost before") }
        let deadline = Deadline(seconds: seconds)
        while true {
            switch unsafe nbd_aio_command_completed(handle, cookie) {
            case 1: return .done
            case 0: break
            default:
                let code = nbd_get_errno()
                let isLost = unsafe nbd_aio_is_dead(handle) != 0 || nbd_aio_is_closed(handle) != 0
                return isLost ? .lost(Self.words()) : .refused(code == 0 ? EIO : code)
            }
            guard unsafe nbd_aio_is_dead(handle) == 0, unsafe nbd_aio_is_closed(handle) == 0 else {
                return .lost("the connection to it broke")
            }
            guard let left = deadline.milliseconds else { return .lost("it did not answer within \(seconds) s") }
            if unsafe nbd_poll(handle, left) < 0 { return .lost(Self.words()) }
        }
    }

    private static func words() -> String {
        guard let words = unsafe nbd_get_error() else { return "libnbd gives no reason" }
        return unsafe String(cString: words)
    }
}

/// Why a connection could not be made.
struct NBDFailure: Error {
    let words: String
}

/// A moment on the clock that nobody sets.
struct Deadline {
    private let end: Int

    init(seconds: Int) { end = Self.now() + seconds * 1000 }

    /// What is left until then, at most a minute; nil when nothing is.
    var milliseconds: Int32? {
        let left = end - Self.now()
        return left > 0 ? Int32(min(left, 60_000)) : nil
    }

    private static func now() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
