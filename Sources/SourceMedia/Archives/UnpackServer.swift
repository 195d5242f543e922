internal import CLinux
internal import Glibc
internal import Synchronization

/// What the server is asked to unpack, as the text of a message.
struct UnpackRequest {
    let format: UnpackFormat
    let limits: UnpackLimits

    init(format: UnpackFormat, limits: UnpackLimits) {
        self.format = format
        self.limits = limits
    }

    init?(_ text: String) {
        let parts = text.split(separator: ":")
        guard parts.count == 3, let format = UnpackFormat(rawValue: String(parts[0])), let members = Int(parts[1]),
            let memberBytes = Int(parts[2])
        else { return nil }
        self.init(format: format, limits: UnpackLimits(members: members, memberBytes: memberBytes))
    }

    var text: String { "\(format.rawValue):\(limits.members):\(limits.memberBytes)" }

    /// Most bytes of the text.
    static let longest = 256
}

/// A confined process that has loaded our program and forks another one for each archive.
///
/// Starting the program anew for each archive would take longer than most archives. The server itself never looks at an
/// archive, and what it forks has no more rights than a program of its own: one archive cannot change what another gives.
/// Used by one thread at a time.
final class UnpackServer: Sendable {
    /// The hidden command's argument.
    static let argument = "unpack"
    /// Its socket.
    private static let control: Int32 = 3
    /// Seconds for which its start, and the end of a process that nobody listens to any more, are waited for.
    private static let patience = (start: 60, end: 2)

    /// Those that nobody uses at the moment.
    private static let idle = Mutex<[UnpackServer]>([])

    private let process: ConfinedChild
    private let socket: Int32
    private let memory: Int

    private init(_ process: ConfinedChild, socket: Int32, memory: Int) {
        self.process = process
        self.socket = socket
        self.memory = memory
    }

    deinit { close(socket) }

    // MARK: Our side

    /// Begins to unpack the archive that fills a file: a server, and where the frames can be read. Nil when none starts.
    ///
    /// - Throws: ``SourceError`` with code `unreadable` when the system gives no pipe or process.
    static func begin(
        _ request: UnpackRequest, descriptor: Int32
    ) throws(SourceError) -> (server: UnpackServer, reading: Int32)? {
        var ends: [Int32] = [0, 0]
        guard unsafe linux_pipe(&ends) == 0 else { throw cannotConnect() }
        defer { close(ends[1]) }
        // One that has died meanwhile takes no request.
        while let server = takeIdle(memory: request.limits.memory) {
            if server.send(request, [ends[1], descriptor]) { return (server, ends[0]) }
            server.end()
        }
        do {
            if let server = try start(memory: request.limits.memory), server.send(request, [ends[1], descriptor]) {
                return (server, ends[0])
            }
        } catch {
            close(ends[0])
            throw error
        }
        close(ends[0])
        return nil
    }

    private static func takeIdle(memory: Int) -> UnpackServer? {
        idle.withLock { idle in
            idle.lastIndex { $0.memory == memory }.map { idle.remove(at: $0) }
        }
    }

    private func send(_ request: UnpackRequest, _ descriptors: [Int32]) -> Bool {
        let text = Array(request.text.utf8CString.dropLast())
        return unsafe linux_send_request(socket, text, UInt(text.count), descriptors) == 0
    }

    /// Waits for the end of what was begun; nil when it takes too long. A server whose process ended well is used again.
    func finish() -> ConfinedChild.Ending? {
        guard let message = Self.message(socket, seconds: Self.patience.end), message.count == 5 else {
            end()
            return nil
        }
        let code = Int32(message[1]) | Int32(message[2]) << 8 | Int32(message[3]) << 16 | Int32(message[4]) << 24
        let ending: ConfinedChild.Ending = message[0] == 0 ? .exited(code) : .killed(code)
        if ending == .exited(0) {
            Self.idle.withLock { $0.append(self) }
        } else {
            end()
        }
        return ending
    }

    /// Ends it, and what it has forked.
    func end() { process.end() }

    private static func start(memory: Int) throws(SourceError) -> UnpackServer? {
        var program = ConfinedChild.Program(path: try ArchiveChild.ownProgram())
        program.arguments = [ArchiveChild.command, argument]
        program.environment =
            unsafe getenv("LD_LIBRARY_PATH").map { unsafe ["LD_LIBRARY_PATH=" + String(cString: $0)] } ?? []
        program.memory = memory
        program.buildsOwnWall = true
        for keepsUser in [false, true] {
            // Another user may not start our program, for example from a home folder that is closed to others.
            program.keepsUser = keepsUser
            var ends: [Int32] = [0, 0]
            guard unsafe linux_message_sockets(&ends) == 0 else { throw cannotConnect() }
            program.descriptors = [ends[1]]
            program.firstReadable = 1
            let process: ConfinedChild
            do {
                process = try ConfinedChild(program)
                close(ends[1])
            } catch {
                close(ends[0])
                close(ends[1])
                throw error
            }
            let server = UnpackServer(process, socket: ends[0], memory: memory)
            if message(ends[0], seconds: patience.start) != nil { return server }
            let ending = process.wait(seconds: 10)?.ending
            guard ending == .exited(ConfinedChild.notStarted) else { return nil }
        }
        return nil
    }

    private static func cannotConnect() -> SourceError {
        SourceError(
            .unreadable, "Cannot make a pipe: \(SystemError.text(errno)). Close other programs and start again.")
    }

    /// The next message; nil when none comes.
    private static func message(_ socket: Int32, seconds: Int) -> [UInt8]? {
        let deadline = time(nil) + seconds
        while true {
            var polled = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&polled, 1, 1000)
            if ready < 0, errno != EINTR { return nil }
            if ready > 0 { break }
            guard time(nil) <= deadline else { return nil }
        }
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = unsafe recv(socket, &bytes, bytes.count, 0)
        return count > 0 ? Array(bytes.prefix(count)) : nil
    }

    // MARK: Its side

    /// What the server does: shuts itself in, and forks a process for each request.
    ///
    /// - Returns: the exit status.
    static func run() -> Int32 {
        unsafe setlocale(LC_ALL, "C.UTF-8")
        // Everything that the program needs is loaded: from here on it opens nothing.
        linux_confine_server()
        guard tell([0]) else { return 0 }
        var text = [CChar](repeating: 0, count: UnpackRequest.longest)
        var descriptors: [Int32] = [-1, -1]
        while true {
            let count = unsafe linux_take_request(control, &text, UInt(text.count), &descriptors)
            guard count > 0 else { return 0 }
            let request = UnpackRequest(String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
            let child = linux_fork_for_request()
            if child == 0 {
                close(control)
                _exit(request.map { unpack($0, from: descriptors[1], to: descriptors[0]) } ?? 2)
            }
            for descriptor in descriptors { close(descriptor) }
            var status: Int32 = 0
            guard child > 0 else { return 1 }
            while unsafe waitpid(child, &status, 0) < 0, errno == EINTR {}
            let signal = status & 0x7F
            let code = signal == 0 ? status >> 8 & 0xFF : signal
            guard tell([signal == 0 ? 0 : 1] + (0..<4).map { UInt8(truncatingIfNeeded: code >> (8 * $0)) }) else {
                return 0
            }
        }
    }

    private static func tell(_ message: [UInt8]) -> Bool {
        unsafe Glibc.send(control, message, message.count, Int32(MSG_NOSIGNAL)) == message.count
    }

    /// Reads an archive and writes frames: the work of the process that is forked for it.
    private static func unpack(_ request: UnpackRequest, from archive: Int32, to output: Int32) -> Int32 {
        let unpacker = ArchiveUnpacker(request.format, descriptor: archive, limits: request.limits) { kind, payload in
            let length = payload.count
            let head = [kind.rawValue] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
            return write(head[...], to: output) && write(payload, to: output)
        }
        unpacker?.run()
        return 0
    }

    private static func write(_ bytes: ArraySlice<UInt8>, to output: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(output, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
