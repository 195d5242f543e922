internal import Glibc

/// Access to `struct dirent`, whose name is an array that Swift imports as a tuple.
enum DirectoryEntry {
    /// The entry's NUL-terminated name; valid until the next `readdir` of the same listing.
    @unsafe static func name(_ entry: UnsafeMutablePointer<dirent>) -> UnsafePointer<CChar> {
        let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 19
        return unsafe UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
    }
}
