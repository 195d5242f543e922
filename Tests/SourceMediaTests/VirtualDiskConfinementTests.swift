import EvidenceModel
import Foundation
import Testing

@testable import SourceMedia

@Suite("Confined processes")
struct VirtualDiskConfinementTests {
    private func shell(_ script: String, readable: [Int32] = []) throws -> (ConfinedChild.Ending, String) {
        var program = ConfinedChild.Program(path: "/bin/sh", arguments: ["-c", script])
        program.environment = ["PATH=/usr/bin:/bin"]
        program.descriptors = readable
        let child = try ConfinedChild(program)
        let (ending, output) = try #require(child.wait(seconds: 30))
        return (ending, String(decoding: output, as: UTF8.self))
    }

    @Test("nothing can be written, not even where our user may write")
    func noWriting() throws {
        let bench = try DiskBench()
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: bench.folder.path)
        let before = try bench.file("old", [1, 2, 3])
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: before)
        _ = try shell("echo more >> '\(before)'; echo x > '\(bench.path("new"))'; true")
        #expect(try bench.content("old") == [1, 2, 3])
        let new = FileManager.default.contents(atPath: bench.path("new"))
        #expect(new == nil || new?.isEmpty == true)
    }

    @Test("a file that was given can be opened again, by its number")
    func givenFile() throws {
        let bench = try DiskBench()
        let path = try bench.file("private", Array("evidence".utf8))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let file = try ReadOnlyFile(path: Array(path.utf8))
        let (ending, output) = try shell("cat /proc/self/fd/3", readable: [file.descriptor])
        #expect(ending == .exited(0))
        #expect(output == "evidence")
    }

    @Test("only what was given is open")
    func descriptors() throws {
        let (_, output) = try shell("for n in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/self/fd/$n ] && printf $n; done")
        #expect(output == "012")
    }

    @Test("its end is told, and a child that goes on for ever is ended")
    func endings() throws {
        #expect(try shell("exit 7").0 == .exited(7))
        #expect(try shell("kill -9 $$").0 == .killed(9))
        let child = try ConfinedChild(ConfinedChild.Program(path: "/bin/sleep", arguments: ["1000"]))
        let process = try #require(child.processID)
        #expect(child.wait(seconds: 1) == nil)
        #expect(!DiskBench.isRunning(process))
        let missing = try ConfinedChild(ConfinedChild.Program(path: "/nonexistent"))
        #expect(missing.wait(seconds: 10)?.ending == .exited(127))
    }

    @Test("hostile words become one line of printable text")
    func complaint() throws {
        let child = try ConfinedChild(
            ConfinedChild.Program(path: "/bin/sh", arguments: ["-c", "printf 'a\\033[31m\\nb\\r\\n' >&2"]))
        _ = child.wait(seconds: 30)
        #expect(child.complaint == "a [31m b")
    }
}
