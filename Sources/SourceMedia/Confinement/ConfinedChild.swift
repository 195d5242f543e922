internal import CLinux
internal import Foundation

/// A running program that reads untrusted input: without network, without writing, dead when we are.
///
/// What is taken from it stands in `Sources/CLinux/confined.h` and `Documentation/Decisions/0011`. A thread of its own
/// starts the program and waits for it: the kernel kills the program when that thread ends, and the thread reaps it.
final class ConfinedChild: Sendable {
    /// What is to run.
    struct Program: Sendable {
        let path: String
        var arguments: [String] = []
        /// `NAME=value`; the child's number takes the place of an entry `LISTEN_PID=`.
        var environment: [String] = []
        /// Descriptors that become 3, 4, 5 … in the child: first those that it may only use, then those of files that
        /// it may open again for reading.
        var descriptors: [Int32] = []
        var firstReadable = 0
        /// Bytes of address space.
        var memory = 8 << 30
        /// Runs under our own user, for files that no other may read.
        var keepsUser = false
        /// Is our own program, which shuts itself in once it is loaded.
        var buildsOwnWall = false
        /// Bytes of standard output that are kept.
        var outputLimit = 1 << 16
    }

    /// How it ended.
    enum Ending: Hashable, Sendable {
        case exited(Int32)
        case killed(Int32)

        var words: String {
            switch self {
            case .exited(let code): "ended with status \(code)"
            case .killed(let signal): "was ended by signal \(signal)"
            }
        }
    }

    /// Exit status of a child that could not open its files as the user that it was to run as.
    static let cannotRead: Int32 = 124
    /// Exit status of a child whose program could not be started as the user that it was to run as.
    static let notStarted: Int32 = 126

    private let keeper: ChildKeeper

    /// Starts the program.
    ///
    /// - Throws: ``SourceError`` with code `unreadable` when the system starts no process.
    init(_ program: Program) throws(SourceError) {
        keeper = ChildKeeper()
        try keeper.start(program)
    }

    deinit { end() }

    /// How it ended; nil while it runs.
    var ending: Ending? { keeper.ending }

    /// Its number; nil once it is gone.
    var processID: Int32? { keeper.processID }

    /// What it has written to standard error so far, at most 64 KiB of it, as one line of printable text.
    var complaint: String { keeper.complaint }

    /// Kills it, unless it has ended, and waits until it is gone. Harmless when called again.
    func end() {
        keeper.kill()
        _ = keeper.wait(seconds: nil)
    }

    /// What it has written to standard output so far.
    var output: [UInt8] { keeper.output }

    /// Waits for its end; answers nil, and kills it, when it takes longer than `seconds`.
    func wait(seconds: Int) -> (ending: Ending, output: [UInt8])? {
        guard let ending = keeper.wait(seconds: seconds) else {
            end()
            return nil
        }
        return (ending, keeper.output)
    }
}

/// The thread that a child belongs to, and what it has seen of it.
private final class ChildKeeper: @unchecked Sendable {
    /// Bytes of standard error that are kept.
    static let complaintLimit = 1 << 16

    // All guarded by `condition`.
    private let condition = NSCondition()
    private var started: Result<pid_t, SourceError>?
    private var finished: ConfinedChild.Ending?
    private var errors: [UInt8] = []
    private var written: [UInt8] = []

    func start(_ program: ConfinedChild.Program) throws(SourceError) {
        let thread = Thread { self.keep(program) }
        thread.stackSize = 1 << 20
        thread.start()
        condition.lock()
        defer { condition.unlock() }
        while started == nil { condition.wait() }
        if case .failure(let error) = started { throw error }
    }

    var ending: ConfinedChild.Ending? {
        condition.lock()
        defer { condition.unlock() }
        return finished
    }

    var processID: Int32? {
        condition.lock()
        defer { condition.unlock() }
        guard finished == nil, case .success(let child) = started else { return nil }
        return child
    }

    var output: [UInt8] {
        condition.lock()
        defer { condition.unlock() }
        return written
    }

    var complaint: String {
        condition.lock()
        defer { condition.unlock() }
        return Self.line(errors)
    }

    func kill() {
        condition.lock()
        defer { condition.unlock() }
        // Not reaped yet while this is nil, so the number still belongs to it.
        guard finished == nil, case .success(let child) = started else { return }
        if Glibc.kill(-child, SIGKILL) != 0 { Glibc.kill(child, SIGKILL) }
    }

    func wait(seconds: Int?) -> ConfinedChild.Ending? {
        let deadline = seconds.map { Date(timeIntervalSinceNow: TimeInterval($0)) }
        condition.lock()
        defer { condition.unlock() }
        while finished == nil {
            guard case .success = started else { return nil }
            if let deadline {
                guard condition.wait(until: deadline) else { return finished }
            } else {
                condition.wait()
            }
        }
        return finished
    }

    // MARK: The thread

    private func keep(_ program: ConfinedChild.Program) {
        do {
            let pipes = try ChildPipes()
            let child = try Self.spawn(program, pipes)
            pipes.closeOwnWritingEnds()
            announce(.success(child))
            drain(pipes, limit: program.outputLimit)
            reap(child)
        } catch {
            announce(.failure(error))
        }
    }

    private func announce(_ result: Result<pid_t, SourceError>) {
        condition.lock()
        started = result
        condition.broadcast()
        condition.unlock()
    }

    private static func spawn(
        _ program: ConfinedChild.Program, _ pipes: ChildPipes
    ) throws(SourceError) -> pid_t {
        let descriptors = [pipes.input, pipes.output.writing, pipes.errors.writing] + program.descriptors
        guard descriptors.count <= Int(LINUX_MOST_CONFINED_DESCRIPTORS) else {
            throw SourceError(
                .unsupported,
                "The image consists of more than \(LINUX_MOST_CONFINED_DESCRIPTORS) files, which is too many.")
        }
        let arguments = CStrings([program.path] + program.arguments)
        let environment = CStrings(program.environment)
        let child = unsafe program.path.withCString { path in
            unsafe descriptors.withUnsafeBufferPointer { descriptors in
                var confined = unsafe linux_confined_program(
                    path: path, arguments: arguments.pointers, environment: environment.pointers,
                    descriptors: descriptors.baseAddress, descriptor_count: Int32(descriptors.count),
                    first_readable: Int32(3 + program.firstReadable), memory: UInt(program.memory),
                    keeps_user: program.keepsUser ? 1 : 0, builds_own_wall: program.buildsOwnWall ? 1 : 0)
                return unsafe linux_start_confined(&confined)
            }
        }
        guard child > 0 else {
            throw SourceError(
                .unreadable,
                "Cannot start \(program.path): \(SystemError.text(errno)). Close other programs and start again.")
        }
        return child
    }

    /// Reads both pipes until the child, and whoever has them from it, has closed them.
    private func drain(_ pipes: ChildPipes, limit: Int) {
        var polled = [
            pollfd(fd: pipes.output.reading, events: Int16(POLLIN), revents: 0),
            pollfd(fd: pipes.errors.reading, events: Int16(POLLIN), revents: 0),
        ]
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while polled.contains(where: { $0.fd >= 0 }) {
            let ready = unsafe poll(&polled, nfds_t(polled.count), -1)
            guard ready > 0 || errno == EINTR else { break }
            for index in polled.indices where polled[index].fd >= 0 && polled[index].revents != 0 {
                let count = unsafe read(polled[index].fd, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    polled[index].fd = -1
                    continue
                }
                condition.lock()
                if index == 0 {
                    written += buffer[..<min(count, max(0, limit - written.count))]
                } else {
                    errors += buffer[..<min(count, max(0, Self.complaintLimit - errors.count))]
                }
                condition.unlock()
            }
        }
    }

    private func reap(_ child: pid_t) {
        // First only looked at: until it is reaped, its number cannot become another's, and `kill` may use it.
        var information = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(child), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        condition.lock()
        defer { condition.unlock() }
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0, errno == EINTR {}
        finished = status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .killed(status & 0x7F)
        condition.broadcast()
    }

    /// Printable text of one line: the words of a program that has read hostile bytes.
    private static func line(_ bytes: [UInt8]) -> String {
        var text = ""
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse, .surrogate:
                if !text.hasSuffix(" "), !text.isEmpty { text += " " }
            default: text.unicodeScalars.append(scalar)
            }
        }
        return String(text.prefix(1_000)).trimmingCharacters(in: .whitespaces)
    }
}

/// The standard descriptors of a child; closed with it.
private final class ChildPipes {
    struct Pipe {
        var reading: Int32 = -1
        var writing: Int32 = -1
    }

    private(set) var input: Int32 = -1
    private(set) var output = Pipe()
    private(set) var errors = Pipe()

    init() throws(SourceError) {
        input = unsafe Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
        output = try Self.pipe()
        errors = try Self.pipe()
    }

    func closeOwnWritingEnds() {
        for descriptor in [output.writing, errors.writing] where descriptor >= 0 { close(descriptor) }
        output.writing = -1
        errors.writing = -1
    }

    deinit {
        closeOwnWritingEnds()
        for descriptor in [input, output.reading, errors.reading] where descriptor >= 0 { close(descriptor) }
    }

    private static func pipe() throws(SourceError) -> Pipe {
        var ends: [Int32] = [0, 0]
        guard unsafe linux_pipe(&ends) == 0 else {
            throw SourceError(
                .unreadable, "Cannot make a pipe: \(SystemError.text(errno)). Close other programs and start again.")
        }
        return Pipe(reading: ends[0], writing: ends[1])
    }
}

/// Strings as C wants them for `execve`.
@safe private final class CStrings {
    let count: Int
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

    init(_ strings: [String]) {
        count = strings.count
        unsafe pointers = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() { unsafe (pointers + index).initialize(to: strdup(string)) }
        unsafe (pointers + count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { unsafe free(pointers[index]) }
        unsafe pointers.deallocate()
    }
}
