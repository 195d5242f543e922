import EvidenceModel
import Foundation
import Testing

@testable import SourceMedia

/// A folder of a test's own, and images that other programs make in it.
final class DiskBench {
    let folder = FileManager.default.temporaryDirectory.appending(path: "disk-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    func content(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: name))) }

    @discardableResult
    func file(_ name: String, _ content: [UInt8]) throws -> String {
        try Data(content).write(to: folder.appending(path: name))
        return path(name)
    }

    /// Bytes with runs of zeros, runs that compress and runs that do not.
    static func medium(_ size: Int, seed: UInt64 = 1) -> [UInt8] {
        var state = seed
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        while bytes.count < size {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let length = min(size - bytes.count, 512 * (1 + Int(state >> 40 % 200)))
            switch state >> 33 % 3 {
            case 0: bytes += [UInt8](repeating: 0, count: length)
            case 1: bytes += [UInt8](repeating: UInt8(truncatingIfNeeded: state >> 24), count: length)
            default:
                for _ in 0..<length {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    bytes.append(UInt8(truncatingIfNeeded: state >> 56))
                }
            }
        }
        return bytes
    }

    /// Runs a program and waits for it; a failure ends the test.
    func run(_ program: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/" + program)
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let words = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(program): \(String(decoding: words, as: UTF8.self))")
    }

    /// Converts raw bytes into an image of a format.
    func convert(
        _ medium: [UInt8], to name: String, format: String, options: String = "", more: [String] = []
    ) throws -> String {
        try file("medium.raw", medium)
        var arguments = ["convert", "-f", "raw", "-O", format] + more
        if !options.isEmpty { arguments += ["-o", options] }
        try run("qemu-img", arguments + ["medium.raw", name])
        try FileManager.default.removeItem(at: folder.appending(path: "medium.raw"))
        return path(name)
    }

    /// The processes that qemu's programs of this test's images still are.
    static func isRunning(_ process: Int32) -> Bool { kill(process, 0) == 0 }
}

/// Reads a source from its start to its end in pieces of an odd size.
func wholeContent(_ source: any SourceReader, piece: Int = 1 << 20) throws -> [UInt8] {
    var all: [UInt8] = []
    while all.count < source.size {
        let bytes = try source.bytes(at: all.count, count: piece)
        if bytes.isEmpty { break }
        all += bytes
    }
    return all
}
