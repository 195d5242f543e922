internal import EvidenceModel
internal import Glibc

/// A folder that appears with all of its files at once.
enum ReportFolder {
    static func checkAbsent(_ folder: String) throws(ReportError) {
        var status = stat()
        guard unsafe lstat(folder, &status) != 0 else {
            throw ReportError(
                .exists, "\(folder) is already there. A report is never overwritten; issue one with a new number.")
        }
    }

    /// Writes the files into a folder beside `folder`, makes them durable, and renames it.
    static func write(_ files: [(name: String, bytes: [UInt8])], to folder: String) throws(ReportError) {
        let (parent, name) = split(folder)
        let tag = Hex.encode((0..<8).map { _ in UInt8.random(in: .min ... .max) })
        let temporary = "\(parent)/.\(name).\(tag).tmp"
        do throws(FileError) {
            try DurableFile.makeFolder(temporary)
            for file in files { try DurableFile.write(file.bytes, to: temporary + "/" + file.name) }
            try DurableFile.synchronizeFolder(temporary)
        } catch {
            remove(temporary, files)
            throw ReportError(.storage, "\(error.message). Make room or choose another place; nothing was left behind.")
        }
        // rename(2) replaces a folder only while that is empty, so it never touches a report that is there.
        guard unsafe rename(temporary, folder) == 0 else {
            let code = errno
            remove(temporary, files)
            guard code != ENOTEMPTY, code != EEXIST, code != ENOTDIR else { return try checkAbsent(folder) }
            throw ReportError(.storage, "\(folder): rename failed (errno \(code)). Nothing was left behind.")
        }
        do throws(FileError) {
            try DurableFile.synchronizeFolder(parent)
        } catch {
            throw ReportError(.storage, error.message)
        }
    }

    /// Takes back a folder that is not the report yet. Best effort: what stays has a name that says what it is.
    private static func remove(_ folder: String, _ files: [(name: String, bytes: [UInt8])]) {
        for file in files { _ = unsafe unlink(folder + "/" + file.name) }
        _ = unsafe rmdir(folder)
    }

    private static func split(_ path: String) -> (parent: String, name: String) {
        var bytes = Array(path.utf8)
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else {
            return (".", String(decoding: bytes, as: UTF8.self))
        }
        let parent = slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
        return (parent, String(decoding: bytes[(slash + 1)...], as: UTF8.self))
    }
}
