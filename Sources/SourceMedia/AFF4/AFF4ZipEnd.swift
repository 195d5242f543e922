/// Where a ZIP file says that its central directory lies: the end record, in its zip64 form where there is one.
///
/// APPNOTE 6.3.10, 4.3.14 to 4.3.16. The record must end where the file ends: a disk image that begins with the bytes of
/// a ZIP file is none.
struct AFF4ZipEnd: Hashable {
    /// Bytes of the record without its comment.
    static let recordSize = 22
    /// Most bytes of its comment.
    static let longestComment = 65_535

    let memberCount: Int
    let directoryAt: Int
    let directorySize: Int
    let comment: [UInt8]

    /// Nil when the file has no such record, or one that points out of the file.
    static func read(_ file: ReadOnlyFile) throws(SourceError) -> AFF4ZipEnd? {
        let tail = try file.bytes(
            at: max(0, file.size - recordSize - longestComment), count: recordSize + longestComment)
        guard tail.count >= recordSize else { return nil }
        for at in stride(from: tail.count - recordSize, through: 0, by: -1) {
            guard tail[at] == 0x50, tail.littleEndian32(at: at) == 0x0605_4B50,
                at + recordSize + tail.littleEndian16(at: at + 20) == tail.count
            else { continue }
            return try read(file, Array(tail[at...]))
        }
        return nil
    }

    private static func read(_ file: ReadOnlyFile, _ record: [UInt8]) throws(SourceError) -> AFF4ZipEnd? {
        let recordAt = file.size - record.count
        var count = UInt64(record.littleEndian16(at: 10))
        var size = UInt64(record.littleEndian32(at: 12))
        var start = UInt64(record.littleEndian32(at: 16))
        var limit = recordAt
        // A zip64 end record counts whenever its locator stands before this one.
        let locator = try file.bytes(at: recordAt - 20, count: 20)
        if locator.count == 20, locator.littleEndian32(at: 0) == 0x0706_4B50 {
            let place = locator.littleEndian64(at: 8)
            guard place <= UInt64(recordAt) else { return nil }
            let wide = try file.bytes(at: Int(place), count: 56)
            guard wide.count == 56, wide.littleEndian32(at: 0) == 0x0606_4B50 else { return nil }
            count = wide.littleEndian64(at: 32)
            size = wide.littleEndian64(at: 40)
            start = wide.littleEndian64(at: 48)
            limit = Int(place)
        }
        guard start <= UInt64(limit), size <= UInt64(limit) - start, count <= size / 46 else { return nil }
        return AFF4ZipEnd(
            memberCount: Int(count), directoryAt: Int(start), directorySize: Int(size),
            comment: Array(record[recordSize...]))
    }
}

extension ReadOnlyFile {
    /// Reads up to `count` bytes; fewer at the end of the file, none outside of it.
    ///
    /// - Throws: ``SourceError`` with code `unreadable` and the system's own words.
    func bytes(at offset: Int, count: Int) throws(SourceError) -> [UInt8] {
        guard offset >= 0, offset < size, count > 0 else { return [] }
        var buffer = [UInt8](repeating: 0, count: min(count, size - offset))
        var destination = buffer.mutableSpan
        let (read, error) = read(at: offset, into: &destination)
        if let error { throw ReadOnlyFile.failure(to: "read", path, error) }
        if read < buffer.count { buffer.removeLast(buffer.count - read) }
        return buffer
    }
}
