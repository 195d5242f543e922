import Foundation
import Testing

@testable import MagicCompiler

@Suite struct MagicCompilerTests {
    private let good = """
        # Something of ours.

        # Citation: a test
        # Sample: 0:414243,8:01
        0\tstring\tABC
        >8\tubyte\t>0\tLetters, version %u
        !:mime\tapplication/x-letters

        """

    /// Runs the compiler as the build does: as a process of its own, since libmagic writes to the working directory.
    private func compile(_ text: String) throws -> (status: Int32, output: String, messages: String) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("magic-test-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
        let source = folder.appendingPathComponent("letters.magic")
        let output = folder.appendingPathComponent("Compiled.swift")
        try Data(text.utf8).write(to: source)
        let process = Process()
        let tests = try #require(Bundle.main.executableURL)
        process.executableURL = tests.deletingLastPathComponent().appendingPathComponent("MagicCompiler")
        process.arguments = [output.path, source.path]
        let messages = Pipe()
        process.standardError = messages
        try process.run()
        let said = String(decoding: messages.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let made = FileManager.default.contents(atPath: output.path) ?? Data()
        return (process.terminationStatus, String(decoding: made, as: UTF8.self), said)
    }

    @Test func readsEntriesWithTheirComments() throws {
        let entries = try MagicSource.entries(of: good, file: "a.magic")
        #expect(entries.count == 1)
        #expect(entries[0].line == 5)
        #expect(Array(entries[0].sample.prefix(9)) == [0x41, 0x42, 0x43, 0, 0, 0, 0, 0, 1])
        #expect(entries[0].descriptions == ["Letters, version "])
    }

    @Test func namesFileAndLineOfAnEntryWithoutCitation() throws {
        let text = "# Sample: 0:41\n0\tstring\tABC\tLetters\n"
        let error = #expect(throws: MagicSourceError.self) { try MagicSource.entries(of: text, file: "a.magic") }
        #expect(error?.description.hasPrefix("a.magic:2: error: ") == true)
        #expect(error?.message.contains("Citation") == true)
    }

    @Test func oneCitationIsForOneEntry() throws {
        let error = #expect(throws: MagicSourceError.self) {
            try MagicSource.entries(of: good + "0\tstring\tDEF\tMore letters\n", file: "a.magic")
        }
        #expect(error?.line == 8)
    }

    @Test func namesFileAndLineOfAnEntryWithoutSample() throws {
        let text = "# Citation: a test\n0\tstring\tABC\tLetters\n"
        let error = #expect(throws: MagicSourceError.self) { try MagicSource.entries(of: text, file: "a.magic") }
        #expect(error?.line == 2)
    }

    @Test(arguments: ["0:4", "x:41", "4096:41", "0", "0:zz", "-1:41"]) func refusesAMalformedSample(sample: String) {
        #expect(throws: MagicSourceError.self) {
            try MagicSource.entries(of: "# Sample: \(sample)\n", file: "a.magic")
        }
    }

    @Test func compilesAndTriesEachEntry() throws {
        let first = try compile(good)
        #expect(first.status == 0, "\(first.messages)")
        // Magic number and version 18, little-endian.
        #expect(first.output.contains("\"1c041ef112000000"))
        #expect(try compile(good).output == first.output)

        let wrong = try compile(good.replacingOccurrences(of: "0:414243,8:01", with: "0:414243"))
        #expect(wrong.status == 1)
        #expect(wrong.messages.contains("letters.magic:5: error: the sample is named \"data\""))
        #expect(wrong.output.isEmpty)
        #expect(MagicCompilation.swiftSource([0x1C, 0xFF]).contains("\"1cff\""))
    }
}
