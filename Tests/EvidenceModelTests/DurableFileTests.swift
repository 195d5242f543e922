import EvidenceModel
import Foundation
import Testing

@Suite("Durable files")
struct DurableFileTests {
    private func inTemporaryFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("durable-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test("What was written is read back, with the mode asked for, and nothing else is left")
    func writeAndReplace() throws {
        try inTemporaryFolder { folder in
            let path = folder + "/file"
            for bytes in [[], [1, 2, 3], [UInt8](repeating: 7, count: 200_000)] {
                try DurableFile.write(bytes, to: path, permissions: 0o600)
                #expect(try DurableFile.read(path, limit: 1_000_000) == bytes)
            }
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["file"])
        }
    }

    @Test("A failure keeps the system's words and leaves nothing behind")
    func failure() throws {
        try inTemporaryFolder { folder in
            let error = #expect(throws: FileError.self) { try DurableFile.write([1], to: folder + "/missing/file") }
            #expect(error?.message.contains("No such file or directory") == true)
            #expect(error?.isMissing == true)
            try DurableFile.makeFolder(folder + "/a/b", permissions: 0o700)
            #expect(throws: FileError.self) { try DurableFile.write([1], to: folder + "/a") }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a"])
            try DurableFile.write([1, 2, 3], to: folder + "/a/three")
            #expect(throws: FileError.self) { try DurableFile.read(folder + "/a/three", limit: 2) }
        }
    }
}
