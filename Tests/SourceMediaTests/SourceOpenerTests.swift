import EvidenceModel
import Foundation
import SourceMedia
import Testing

@Suite("Opening sources")
struct SourceOpenerTests {
    let folder = FileManager.default.temporaryDirectory.appending(path: "source-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private func file(_ name: String, _ content: [UInt8]) throws -> String {
        let url = folder.appending(path: name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content).write(to: url)
        return url.path
    }

    private func remove() { try? FileManager.default.removeItem(at: folder) }

    private func all(_ source: any SourceReader) throws -> [UInt8] { try source.bytes(at: 0, count: source.size) }

    @Test("a raw image is its bytes")
    func rawImage() throws {
        defer { remove() }
        let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let source = try SourceOpener.open(try file("disk.dd", content))
        #expect(source.description.kind == .raw)
        #expect(try all(source) == content)
        #expect(try source.bytes(at: 99_990, count: 100) == Array(content[99_990...]))
        #expect(source.unreadable.isEmpty)
        try source.checkUnchanged()
    }

    @Test(
        "segments are joined in order, whatever their names",
        arguments: [["001", "002", "003"], ["000", "001", "002"], ["aa", "ab", "ac"]])
    func splitImage(suffixes: [String]) throws {
        defer { remove() }
        let parts: [[UInt8]] = [[UInt8](repeating: 1, count: 700), [UInt8](repeating: 2, count: 700), [3, 3, 3]]
        for (suffix, part) in zip(suffixes, parts) { _ = try file("disk." + suffix, part) }
        let source = try SourceOpener.open(folder.appending(path: "disk." + suffixes[0]).path)
        #expect(source.description.kind == .split)
        #expect(source.description.files.map(\.size) == [700, 700, 3])
        #expect(try all(source) == parts.flatMap { $0 })
        #expect(try source.bytes(at: 699, count: 702) == [1] + parts[1] + [3])
    }

    @Test("without its first segment nothing of a split image is taken in")
    func missingFirstSegment() throws {
        defer { remove() }
        for suffixes in [["002", "003"], ["ab", "ac"], ["000", "001"]] {
            let stem = "set-\(suffixes[0])."
            for suffix in suffixes { _ = try file(stem + suffix, [1, 2, 3]) }
            let later = suffixes[0] == "000" ? 1 : 0
            let path = folder.appending(path: stem + suffixes[later]).path
            let error = #expect(throws: SourceError.self) { try SourceOpener.open(path) }
            #expect(error?.code == .incomplete, "\(suffixes)")
        }
        // A name that only looks like a segment's.
        #expect(try SourceOpener.open(try file("report.017", [1])).size == 1)
    }

    @Test("a missing or later segment is refused by name")
    func damagedSplit() throws {
        defer { remove() }
        let first = try file("disk.001", [1])
        let third = try file("disk.003", [3])
        let missing = #expect(throws: SourceError.self) { try SourceOpener.open(first) }
        #expect(missing?.code == .incomplete)
        #expect(missing?.message.contains("disk.002") == true)
        _ = try file("disk.002", [2])
        #expect(throws: SourceError.self) { try SourceOpener.open(third) }
    }

    @Test("missing, empty and odd sources are told apart")
    func refusals() throws {
        defer { remove() }
        #expect(throws: SourceError.self) { try SourceOpener.open(folder.path + "/nothing") }
        let empty = try file("empty.dd", [])
        #expect(#expect(throws: SourceError.self) { try SourceOpener.open(empty) }?.code == .empty)
        #expect(#expect(throws: SourceError.self) { try SourceOpener.open("/dev/null") }?.code == .unsupported)
        #expect(#expect(throws: SourceError.self) { try SourceOpener.open(folder.path + "/gone.dd") }?.code == .missing)
    }

    @Test("a folder is its files in the bytewise order of their paths; links are noted, not followed")
    func folderSource() throws {
        defer { remove() }
        _ = try file("b/two", [2, 2])
        _ = try file("a <b>\n\u{202E}", [1])
        _ = try file("b/empty", [])
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/link", withDestinationPath: "/etc/passwd")
        let source = try SourceOpener.open(folder.path)
        #expect(source.description.kind == .folder)
        #expect(source.description.files.map(\.name) == ["a <b>\n\u{202E}", "b/empty", "b/two"])
        #expect(try all(source) == [1, 2, 2])
        #expect(source.description.oddities.map(\.what) == ["symbolic link, not followed"])
    }

    @Test("a file that changes while it is read is refused")
    func changedWhileReading() throws {
        defer { remove() }
        let path = try file("disk.dd", [UInt8](repeating: 7, count: 5000))
        let again = try SourceOpener.open(path)
        let writer = try FileHandle(forWritingTo: URL(filePath: path))
        try writer.truncate(atOffset: 50)
        try writer.close()
        #expect(#expect(throws: SourceError.self) { try again.checkUnchanged() }?.code == .changed)
        #expect(throws: SourceError.self) { try again.bytes(at: 0, count: 100) }
    }

    @Test("joined extents read as one piece", arguments: [1, 3, 7, 100])
    func extentSource(step: Int) throws {
        let base = MemorySource((0..<100).map { UInt8($0) })
        let joined = ExtentSource(
            base,
            extents: [Extent(offset: 90, length: 10), Extent(offset: 0, length: 5), Extent(offset: 50, length: 1)])
        var bytes: [UInt8] = []
        for offset in stride(from: 0, to: joined.size, by: step) { bytes += try joined.bytes(at: offset, count: step) }
        #expect(bytes == Array(90..<100) + [0, 1, 2, 3, 4, 50])
    }
}
