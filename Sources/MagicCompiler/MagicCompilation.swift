internal import CMagic
internal import Foundation

/// Why the compiler itself could not do its work.
struct MagicCompilerError: Error, CustomStringConvertible {
    let description: String
}

/// Compiles magic source files with libmagic's own compiler and tries every entry on its sample.
enum MagicCompilation {
    /// Compiles `files` in the order of their names.
    ///
    /// libmagic writes its result into the working directory, so the process moves to a temporary one meanwhile.
    /// - Returns: the bytes of the compiled database.
    static func compile(_ files: [String]) throws -> [UInt8] {
        let manager = FileManager.default
        let sources = files.map { URL(fileURLWithPath: $0) }.sorted { $0.lastPathComponent < $1.lastPathComponent }
        var entries: [MagicEntry] = []
        for source in sources {
            let text = try String(contentsOf: source, encoding: .utf8)
            entries += try MagicSource.entries(of: text, file: source.path)
        }

        let work = manager.temporaryDirectory.appendingPathComponent("magic-\(UUID().uuidString)")
        let folder = work.appendingPathComponent("exhibit")
        try manager.createDirectory(at: folder, withIntermediateDirectories: true)
        let before = manager.currentDirectoryPath
        defer {
            _ = manager.changeCurrentDirectoryPath(before)
            try? manager.removeItem(at: work)
        }
        for source in sources {
            try manager.copyItem(at: source, to: folder.appendingPathComponent(source.lastPathComponent))
        }
        guard manager.changeCurrentDirectoryPath(work.path) else {
            throw MagicCompilerError(description: "cannot enter \(work.path)")
        }
        let session = try MagicSession()
        try session.compile(folder.path)
        let compiled = try Data(contentsOf: work.appendingPathComponent("exhibit.mgc"))
        try session.load(work.appendingPathComponent("exhibit.mgc").path)
        for entry in entries { try session.verify(entry) }
        return [UInt8](compiled)
    }

    /// Swift source that carries the database inside the program.
    static func swiftSource(_ compiled: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        var hex = ""
        for byte in compiled {
            hex.append(digits[Int(byte >> 4)])
            hex.append(digits[Int(byte & 15)])
        }
        return """
            // Made by MagicCompiler from Sources/FormatIdentification/Magic/*.magic.

            /// The compiled database, in hexadecimal digits.
            let compiledExhibitMagic = "\(hex)"

            """
    }
}

/// One libmagic session of the compiler; freed with it.
@safe
private final class MagicSession {
    private let cookie: magic_t

    init() throws {
        guard let cookie = unsafe magic_open(MAGIC_CHECK) else {
            throw MagicCompilerError(description: "libmagic cannot start: out of memory")
        }
        unsafe self.cookie = unsafe cookie
    }

    deinit { unsafe magic_close(cookie) }

    func compile(_ path: String) throws { try require(unsafe magic_compile(cookie, path), "compile") }
    func load(_ path: String) throws { try require(unsafe magic_load(cookie, path), "load") }

    /// Fails unless libmagic describes the sample with the words of its entry.
    func verify(_ entry: MagicEntry) throws {
        let answer: String? = unsafe entry.sample.withUnsafeBytes { buffer in
            guard let text = unsafe magic_buffer(cookie, buffer.baseAddress, buffer.count) else { return nil }
            return unsafe String(cString: text)
        }
        guard let answer, entry.descriptions.contains(where: { answer.hasPrefix($0) }) else {
            throw MagicSourceError(
                file: entry.file, line: entry.line,
                message: "the sample is named \"\(answer ?? "-")\", not by this entry")
        }
    }

    private func require(_ status: Int32, _ what: String) throws {
        guard status == 0 else {
            let reason = unsafe magic_error(cookie).map { unsafe String(cString: $0) } ?? "see the messages above"
            throw MagicCompilerError(description: "error: libmagic cannot \(what) the magic files: \(reason)")
        }
    }
}
