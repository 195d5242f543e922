import ArtifactCatalog
import EvidenceModel
import Foundation
import Testing

@Suite("Catalogue")
struct CatalogStoreTests {
    let path = FileManager.default.temporaryDirectory.appending(path: "catalog-\(UUID().uuidString).sqlite").path

    private func artifact(_ number: Int, item: String = "E001", offset: Int) -> Artifact {
        Artifact(
            id: "00000000000000" + (number < 16 ? "0" : "") + String(number, radix: 16), item: item, origin: .carved,
            mime: "image/png", format: "png", fileExtension: "png", description: "=cmd|' /C calc'!A0, \"quoted\"\nline",
            size: 10, sha256: Digest(.sha256, [UInt8](repeating: UInt8(number), count: 32)),
            md5: Digest(.md5, [UInt8](repeating: UInt8(number), count: 16)),
            extents: [Extent(offset: offset, length: 4), Extent(offset: offset + 100, length: 6)], confidence: .proven,
            parent: number == 3 ? "0000000000000001" : nil, path: "\(item)/\(offset)",
            facts: ["width": 3, "name": "ä\u{202E}"], warnings: ["odd"])
    }

    private func lines(_ store: CatalogStore, _ format: CatalogFormat = .jsonl) throws -> String {
        var bytes: [UInt8] = []
        try store.export(format) { bytes += $0 }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("artifacts come back as they went in, in export order, whatever the order of writing")
    func roundTrip() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = try CatalogStore(path: path)
        let artifacts = [artifact(1, offset: 50_000), artifact(2, offset: 512), artifact(3, offset: 9000)]
        try store.replace(item: "E001", with: artifacts, run: ["tool": "x"])
        #expect(try store.artifacts() == [artifacts[1], artifacts[2], artifacts[0]])
        let first = try lines(store)
        try store.replace(item: "E001", with: artifacts.reversed(), run: ["tool": "x"])
        #expect(try lines(store) == first)
        #expect(try store.run(of: "E001") == ["tool": "x"])
        #expect(try CatalogStore(path: path).artifacts().count == 3)
    }

    @Test("replacing one item leaves the others, and filters select")
    func filters() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = try CatalogStore(path: path)
        try store.replace(item: "E001", with: [artifact(1, offset: 0)], run: .null)
        try store.replace(item: "E002", with: [artifact(2, item: "E002", offset: 0)], run: .null)
        try store.replace(item: "E001", with: [artifact(4, offset: 0), artifact(17, offset: 1)], run: .null)
        #expect(try store.count() == 3)
        #expect(try store.count(CatalogFilter(item: "E001")) == 2)
        #expect(try store.count(CatalogFilter(idPrefix: "000000000000001")) == 1)
        #expect(try store.count(CatalogFilter(format: "png", confidence: .proven)) == 3)
        #expect(try store.count(CatalogFilter(confidence: .broken)) == 0)
        var child = artifact(3, offset: 9000)
        child.origin = .embedded
        child.decoding = "deflate/tar"
        try store.replace(item: "E002", with: [child], run: .null)
        #expect(try store.artifacts(CatalogFilter(origin: .embedded)) == [child])
        #expect(try store.count(CatalogFilter(origin: .carved)) == 2)
    }

    @Test("the CSV quotes what it must and disarms formulas")
    func commaSeparated() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = try CatalogStore(path: path)
        try store.replace(item: "E001", with: [artifact(1, offset: 0)], run: .null)
        let text = try lines(store, .csv)
        #expect(text.hasPrefix("id,item,origin,"))
        #expect(text.contains("\"'=cmd|' /C calc'!A0, \"\"quoted\"\"\nline\""))
        #expect(text.contains(",0+4;100+6,"))
    }

    @Test("a catalogue of a later version is refused")
    func newerVersion() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        _ = try CatalogStore(path: path)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/sqlite3")
        process.arguments = [path, "PRAGMA user_version = 2"]
        try process.run()
        process.waitUntilExit()
        #expect(#expect(throws: CatalogError.self) { try CatalogStore(path: path) }?.code == .newerVersion)
    }
}
