internal import EvidenceModel
internal import Glibc

/// Folders and files that only their owner may read (modes 0700 and 0600).
enum PrivateFolder {
    static func make(_ path: String) throws(TrustError) {
        do throws(FileError) { try DurableFile.makeFolder(path, permissions: 0o700) } catch { throw TrustError(error) }
    }

    static func write(_ text: String, _ path: String) throws(TrustError) {
        do throws(FileError) {
            try DurableFile.write(Array(text.utf8), to: path, permissions: 0o600)
        } catch {
            throw TrustError(error)
        }
    }

    static func read(_ path: String, limit: Int = 1 << 20) throws(TrustError) -> [UInt8] {
        do throws(FileError) { return try DurableFile.read(path, limit: limit) } catch { throw TrustError(error) }
    }

    static func text(_ path: String) throws(TrustError) -> String {
        guard let text = String(validating: try read(path), as: UTF8.self) else {
            throw TrustError(.malformed, "\(path): not UTF-8 text")
        }
        return text
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0
    }

    /// The names in a folder that do not begin with a dot, in bytewise order; none when the folder is missing.
    static func names(in path: String) throws(TrustError) -> [String] {
        guard let folder = unsafe opendir(path) else {
            if errno == ENOENT { return [] }
            throw TrustError(.file, "\(path): \(unsafe String(cString: strerror(errno)))")
        }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Makes a folder whole or not at all: its files are written into a folder beside it that is renamed at the end.
    ///
    /// Gives false, and changes nothing, when something else made it first.
    static func makeWhole(_ path: String, files: [(name: String, text: String)]) throws(TrustError) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let parent = parts.dropLast().joined(separator: "/")
        let temporary = "\(parent)/.\(parts.last ?? "")-\(Hex.encode(try randomBytes(8))).tmp"
        try make(parent)
        try make(temporary)
        do throws(TrustError) {
            for (name, text) in files { try write(text, "\(temporary)/\(name)") }
            guard unsafe rename(temporary, path) == 0 else {
                let code = errno
                remove(temporary, files: files.map(\.name))
                if code == EEXIST || code == ENOTEMPTY { return false }
                throw TrustError(.file, "\(path): rename failed: \(unsafe String(cString: strerror(code)))")
            }
        } catch {
            remove(temporary, files: files.map(\.name))
            throw error
        }
        do throws(FileError) { try DurableFile.synchronizeFolder(parent) } catch { throw TrustError(error) }
        return true
    }

    /// Clears away what ``makeWhole(_:files:)`` began. What cannot be removed does no harm: its name begins with a dot.
    private static func remove(_ path: String, files: [String]) {
        for file in files { _ = unsafe unlink("\(path)/\(file)") }
        _ = unsafe rmdir(path)
    }
}
