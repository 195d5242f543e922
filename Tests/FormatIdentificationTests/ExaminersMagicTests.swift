import Foundation
import Testing

@testable import FormatIdentification

/// Magic files that an examiner brings along.
@Suite struct ExaminersMagicTests {
    private func withFile<Result>(_ content: [UInt8], _ body: (String) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("magic-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
        let file = folder.appendingPathComponent("own.magic")
        try Data(content).write(to: file)
        return try body(file.path)
    }

    private static let source = "0\tstring\tLEDGERv1\tLedger of seals\n!:mime\tapplication/x-ledger\n!:ext\tldg\n"

    @Test func aSourceFileIsCompiledAndAskedFirst() throws {
        let before = FileManager.default.currentDirectoryPath
        try withFile(Array(Self.source.utf8)) { path in
            let own = try CompiledMagic.examiners(path: path)
            #expect(own.source == Array(Self.source.utf8))
            let magic = try MagicDatabases.standard(after: [own])
            #expect(magic.contents.first?.name == path)
            let signature = try #require(magic.signatures.first)
            #expect(signature.bytes == Array("LEDGERv1".utf8))
            #expect(signature.mime == "application/x-ledger")
            #expect(signature.extensions == ["ldg"])
            var cookie = try MagicCookie(magic)
            let named = try cookie.identify(Array("LEDGERv1".utf8) + [0, 1, 2])
            #expect(named.description == "Ledger of seals")
            #expect(named.mime == "application/x-ledger")

            // The same, compiled: taken as it is.
            let bytes = own.withBytes { (bytes) throws(Never) in bytes.indices.map { bytes[$0] } }
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            let compiled = try CompiledMagic.examiners(path: path)
            #expect(compiled.source == nil)
            #expect(try MagicDatabases([compiled]).signatures == [signature])
        }
        #expect(FileManager.default.currentDirectoryPath == before)
    }

    @Test(arguments: [
        ("# a comment\n0\tstring\tABCDEF\tfine\n0\tstrnig\tXYZW\tbad\n", ["own.magic, line 3", "strnig"]),
        ("0\tstring\tABCDEF\tfine\n!:bogus\tfoo\n", ["own.magic", "bogus"]),
        ("0\tstring\tABCDEF\tfine\n>>>4\tbyte\tx\tjump\n", ["own.magic, line 2"]),
        ("", ["own.magic"]), ("words that are no magic\n", ["own.magic", "line 1"]),
    ])
    func aRefusalNamesFileAndLine(source: String, words: [String]) throws {
        try withFile(Array(source.utf8)) { path in
            let error = #expect(throws: MagicError.self) { try CompiledMagic.examiners(path: path) }
            #expect(error?.code == .refused)
            for word in words { #expect(error?.message.contains(word) == true, "\(error?.message ?? "-")") }
        }
    }

    @Test func aDamagedCompiledFileIsRefused() throws {
        let bytes = CompiledMagic.exhibit.withBytes { (bytes) throws(Never) in bytes.indices.map { bytes[$0] } }
        try withFile(Array(bytes.prefix(1000))) { path in
            let error = #expect(throws: MagicError.self) { try CompiledMagic.examiners(path: path) }
            #expect(error?.code == .refused)
            #expect(error?.message.contains(path) == true)
        }
    }

    @Test(arguments: [
        ("/nowhere/own.magic", "there is no such file"), ("/", "it is a folder"), ("", "its name is empty"),
        ("/dev/null", "it is neither a file nor a link to one"), ("/dev/null/own.magic", "there is no such file"),
    ])
    func whatIsNoFileIsRefusedUnopened(path: String, words: String) throws {
        let error = #expect(throws: MagicError.self) { try CompiledMagic.examiners(path: path) }
        #expect(error?.code == .unavailable)
        let said = error?.message ?? ""
        #expect(said.contains("the magic file \(path) cannot be used: \(words)."), "\(said)")
        #expect(error?.message.contains("nothing was searched") == true)
    }

    @Test func aPipeIsNotWaitedFor() throws {
        try withFile([]) { path in
            let pipe = path + ".pipe"
            #expect(unsafe mkfifo(pipe, 0o600) == 0)
            let error = #expect(throws: MagicError.self) { try CompiledMagic.examiners(path: pipe) }
            #expect(error?.code == .unavailable)
        }
    }
}
