internal import Foundation

/// qemu-nbd in a confined process, and our connections to it; started again when it dies, a bounded number of times.
final class DiskServer: @unchecked Sendable {
    /// Connections, so as many threads read at once; others wait for their turn.
    static let connections = 4
    /// Times it is started again before the image is given up.
    static let mostRestarts = 24
    /// Seconds that one answer may take.
    static let patience = 60
    /// Seconds that opening the image may take.
    static let openingPatience = 300

    /// A connection, and which of the processes it leads to.
    struct Lease {
        let connection: NBDConnection
        fileprivate let generation: Int
    }

    /// What the server offers.
    struct Export: Sendable {
        let size: Int
        let alignment: Int
    }

    private let name: String
    private let filename: String
    private let descriptors: [Int32]

    // All guarded by `condition`.
    private let condition = NSCondition()
    private var child: ConfinedChild?
    private var idle: [NBDConnection] = []
    private var generation = 0
    private var keepsUser = false
    private var lastEnding = ""

    /// - Parameters:
    ///   - name: the image's path, for messages.
    ///   - filename: what qemu is to open, see ``QEMUTools``.
    ///   - descriptors: of the files, which become 4, 5, 6 … in the child. They must outlive the server.
    init(_ name: String, opening filename: String, _ descriptors: [Int32]) {
        self.name = name
        self.filename = filename
        self.descriptors = descriptors
    }

    /// The number of the running process; for tests.
    var processID: Int32? {
        condition.lock()
        defer { condition.unlock() }
        return child?.processID
    }

    /// Starts the server and asks what it offers.
    func export() throws(SourceError) -> Export {
        let lease = try lease()
        defer { giveBack(lease) }
        return Export(size: lease.connection.size, alignment: lease.connection.alignment)
    }

    /// A connection, as soon as one is free; starts the server when it does not run.
    ///
    /// - Throws: ``SourceError``: `unreadable` when it has died too often, `damaged` when it does not open the image.
    func lease() throws(SourceError) -> Lease {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if child == nil { try start() }
            if let connection = idle.popLast() { return Lease(connection: connection, generation: generation) }
            condition.wait()
        }
    }

    /// Gives a connection back that can be used again.
    func giveBack(_ lease: Lease) {
        condition.lock()
        defer { condition.unlock() }
        guard lease.generation == generation, child != nil else { return }
        idle.append(lease.connection)
        condition.signal()
    }

    /// Gives up the process that a connection led to; answers how it ended.
    func giveUp(_ lease: Lease) -> String {
        condition.lock()
        defer { condition.unlock() }
        guard lease.generation == generation, let child else { return "ended while another part was read" }
        // A moment for a process that is about to end by itself: how it ended says why.
        let ending = child.wait(seconds: 1)?.ending
        child.end()
        let complaint = child.complaint
        self.child = nil
        idle = []
        condition.broadcast()
        lastEnding =
            (ending?.words ?? "was ended because it did not answer") + (complaint.isEmpty ? "" : " (\(complaint))")
        return lastEnding
    }

    // MARK: Starting, with the lock held

    private func start() throws(SourceError) {
        guard generation <= Self.mostRestarts else {
            throw SourceError(
                .unreadable,
                "\(name): qemu-nbd ended \(generation) times while it read the image, so it was given up; the last "
                    + "time it "
                    + "\(lastEnding). The image is damaged, or this version of qemu-nbd cannot read it. Nothing was "
                    + "recorded as "
                    + "its content.")
        }
        generation += 1
        if try launch() { return }
        // Another user cannot open the files, as on some network file systems: then it runs as ours.
        keepsUser = true
        guard try !launch() else { return }
        throw SourceError(.unreadable, "\(name) cannot be opened a second time for reading. Ask for read permission.")
    }

    /// Answers false when the process could not open the files as the user that it ran as.
    private func launch() throws(SourceError) -> Bool {
        let (listening, connected) = try PrivateSocket.pairs(Self.connections)
        var waiting = connected[...]
        defer { for socket in waiting { close(socket) } }
        var program = ConfinedChild.Program(path: QEMUTools.server)
        program.arguments = ["--read-only", "--shared=\(Self.connections)", filename]
        program.environment = ["LISTEN_PID=", "LISTEN_FDS=1", "LC_ALL=C"]
        program.descriptors = [listening] + descriptors
        program.firstReadable = 1
        program.keepsUser = keepsUser
        let started = Result { () throws(SourceError) in try ConfinedChild(program) }
        // While it is open here too, the connections would wait for ever for a process that is gone.
        close(listening)
        let child = try started.get()
        var made: [NBDConnection] = []
        while let socket = waiting.popFirst() {
            do {
                made.append(try NBDConnection(socket: socket, seconds: Self.openingPatience))
            } catch {
                let ending = child.wait(seconds: 1)?.ending
                if ending == .exited(ConfinedChild.cannotRead) { return false }
                let complaint = child.complaint
                throw SourceError(
                    .damaged,
                    "\(name) cannot be opened by qemu-nbd: \(complaint.isEmpty ? error.words : complaint). Nothing "
                        + "was taken in. "
                        + "Copy the image again from its source, or convert it with the program that made it.")
            }
        }
        self.child = child
        idle = made
        return true
    }
}
