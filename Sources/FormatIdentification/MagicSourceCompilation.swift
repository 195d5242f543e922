internal import CLinux
internal import CMagic
internal import Foundation
internal import Glibc
internal import Synchronization

/// Compiles an examiner's magic source file with libmagic's own compiler.
///
/// libmagic writes its result into the working directory and its complaints to the standard error, and can be told
/// otherwise of neither. So it works in a thread of its own which, where the kernel allows it, shares neither with the
/// rest of the process; elsewhere both are the process's own for a moment.
final class MagicSourceCompilation: Sendable {
    private let source: [UInt8]
    private let path: String
    private let outcome = Mutex<Result<[UInt8], MagicError>?>(nil)

    private init(_ source: [UInt8], path: String) {
        self.source = source
        self.path = path
    }

    /// The compiled database.
    ///
    /// - Throws: ``MagicError`` with code `refused` and libmagic's own words, which name file and line.
    static func compile(_ source: [UInt8], path: String) throws(MagicError) -> [UInt8] {
        let compilation = MagicSourceCompilation(source, path: path)
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            _ = linux_unshare_thread()
            let result = Result { () throws(MagicError) in try compilation.compileInTemporaryFolder() }
            compilation.outcome.withLock { $0 = result }
            done.signal()
        }
        thread.start()
        done.wait()
        guard let result = compilation.outcome.withLock({ $0 }) else {
            throw MagicError(.failed, "\(path): libmagic's compiler gave no answer")
        }
        return try result.get()
    }

    private func compileInTemporaryFolder() throws(MagicError) -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("exhibit-magic-\(UUID().uuidString)")
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw MagicError(.failed, "cannot make a temporary folder to compile \(path) in: \(error)")
        }
        // A folder that stays behind holds nothing but a copy of the examiner's file.
        defer { try? FileManager.default.removeItem(at: folder) }
        let complaints = folder.appendingPathComponent("complaints")
        do {
            // libmagic names the file in its complaints: by its last component, which is put into the path below.
            try Data(source).write(to: folder.appendingPathComponent("magic"))
            let words = try inside(folder.path, complaints: complaints.path) { try Self.compile("magic") }
            let said = try String(decoding: Data(contentsOf: complaints), as: UTF8.self)
            if words != nil || said.contains("Warning:") {
                throw MagicError(.refused, refusal(said, words))
            }
            return [UInt8](try Data(contentsOf: folder.appendingPathComponent("magic.mgc")))
        } catch let error as MagicError {
            throw error
        } catch {
            throw MagicError(.failed, "\(path): cannot be compiled: \(error)")
        }
    }

    /// libmagic's words with the examiner's own path in them, one complaint a line.
    private func refusal(_ complaints: String, _ words: String?) -> String {
        var lines = complaints.replacing("\t", with: " ").split(separator: "\n").map { line in
            line.hasPrefix("magic, ")
                ? "\(path), line "
                    + line.dropFirst("magic, ".count).replacing(": Warning:", with: ":", maxReplacements: 1)
                : String(line)
        }
        if let words, !words.isEmpty { lines.append(words.trimmingCharacters(in: ["!", " "])) }
        return "libmagic refuses \(path): "
            + PrintableText.escaping(lines.prefix(8).joined(separator: "; "))
            + ". Correct the file (magic(5) describes its language) or leave it out; nothing was searched."
    }

    /// Runs `body` with a working directory and a standard error of its own.
    private func inside<Answer>(_ folder: String, complaints: String, _ body: () throws -> Answer) throws -> Answer {
        let before = unsafe open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        let standardError = fcntl(2, F_DUPFD_CLOEXEC, 3)
        let file = unsafe open(complaints, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t(0o600))
        defer {
            for descriptor in [before, standardError, file] where descriptor >= 0 { close(descriptor) }
        }
        guard before >= 0, standardError >= 0, file >= 0, unsafe chdir(folder) == 0 else {
            throw MagicError(.failed, "\(path): the temporary folder \(folder) cannot be used")
        }
        dup2(file, 2)
        defer {
            dup2(standardError, 2)
            _ = fchdir(before)
        }
        return try body()
    }

    /// Compiles into the working directory; libmagic's words when it refuses, nil when it does not.
    private static func compile(_ name: String) throws(MagicError) -> String? {
        guard let cookie = unsafe magic_open(MAGIC_CHECK) else {
            throw MagicError(.failed, "libmagic cannot start: out of memory")
        }
        defer { unsafe magic_close(cookie) }
        guard unsafe magic_compile(cookie, name) != 0 else { return nil }
        return unsafe magic_error(cookie).map { unsafe String(cString: $0) } ?? ""
    }
}
