import EvidenceModel
import Foundation
import Testing

/// What a program that was run has answered.
struct Answer {
    let status: Int32
    let output: [UInt8]
    let errors: String

    var text: String { String(decoding: output, as: UTF8.self) }
}

/// A folder of its own with an examiner's identity: where a test works with the real program.
final class Laboratory: Sendable {
    let folder: URL
    let home: URL
    let passphrase: URL

    /// The program that was built together with the tests.
    static let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "exhibit")

    /// The project's own folder.
    static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    init(withIdentity: Bool = true) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "laboratory-\(UUID().uuidString)")
        home = folder.appending(path: "home")
        passphrase = folder.appending(path: "passphrase")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("correct horse battery staple\n".utf8).write(to: passphrase)
        if withIdentity {
            let answer = try run([
                "identity", "new", "--name", "A. Examiner", "--org", "Lab", "--passphrase-file", passphrase.path,
            ])
            try #require(answer.status == 0, "\(answer.errors)")
        }
    }

    /// A laboratory with the same identities and cases.
    init(copying other: Laboratory) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "laboratory-\(UUID().uuidString)")
        home = folder.appending(path: "home")
        passphrase = folder.appending(path: "passphrase")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in ["home", "passphrase", "case"] {
            try FileManager.default.copyItem(
                at: other.folder.appending(path: name), to: folder.appending(path: name))
        }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    /// A path under test-images.
    static func testImage(_ name: String) -> String { package.appending(path: "test-images/\(name)").path }

    /// Writes a file into the laboratory's folder.
    @discardableResult
    func file(_ name: String, _ content: [UInt8]) throws -> String {
        try Data(content).write(to: folder.appending(path: name))
        return path(name)
    }

    func content(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

    /// Runs `exhibit`.
    func run(_ arguments: [String]) throws -> Answer { try start(arguments).answer() }

    /// Runs `exhibit` with the passphrase.
    func signed(_ arguments: String...) throws -> Answer {
        try run(arguments + ["--passphrase-file", passphrase.path])
    }

    /// Starts `exhibit` and does not wait.
    func start(_ arguments: [String]) throws -> RunningProgram {
        try RunningProgram(Self.program.path, arguments, environment: environment, in: folder)
    }

    /// Starts another program and does not wait.
    func start(program: String, _ arguments: [String]) throws -> RunningProgram {
        try RunningProgram(program, arguments, environment: environment, in: folder)
    }

    /// Runs another program.
    func tool(_ program: String, _ arguments: String...) throws -> Answer { try tool(program, arguments) }

    /// Runs another program.
    func tool(_ program: String, _ arguments: [String]) throws -> Answer {
        try RunningProgram("/usr/bin/env", [program] + arguments, environment: environment, in: folder).answer()
    }

    /// Starts another program and does not wait.
    func startTool(_ program: String, _ arguments: [String]) throws -> RunningProgram {
        try RunningProgram("/usr/bin/env", [program] + arguments, environment: environment, in: folder)
    }

    /// Runs a POSIX shell script with more variables set.
    func shell(_ script: String, _ variables: [String: String] = [:]) throws -> Answer {
        let environment = environment.merging(variables) { $1 }
        return try RunningProgram("/bin/sh", ["-c", script], environment: environment, in: folder).answer()
    }

    private var environment: [String: String] {
        [
            "EXHIBIT_HOME": home.path, "HOME": folder.path, "LC_ALL": "C.UTF-8", "TZ": "Asia/Kathmandu",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ]
    }
}

/// A program under way.
final class RunningProgram {
    private let process = Process()
    private let output: URL
    private let errors: URL

    init(_ path: String, _ arguments: [String], environment: [String: String], in folder: URL) throws {
        // Files rather than pipes: a program that writes much never waits for its reader.
        output = folder.appending(path: ".out-\(UUID().uuidString)")
        errors = folder.appending(path: ".err-\(UUID().uuidString)")
        try Data().write(to: output)
        try Data().write(to: errors)
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = environment
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
    }

    var isRunning: Bool { process.isRunning }

    func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

    /// As Ctrl-C does.
    func interrupt() { Foundation.kill(process.processIdentifier, SIGINT) }

    func answer() throws -> Answer {
        process.waitUntilExit()
        defer {
            try? FileManager.default.removeItem(at: output)
            try? FileManager.default.removeItem(at: errors)
        }
        return Answer(
            status: process.terminationStatus, output: Array(try Data(contentsOf: output)),
            errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
    }
}

/// Numbers that look random and are the same in every run.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state = state &+ 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
