import CDeflate
import Foundation

/// A ZIP file in the making: members that a test may change before it is written.
struct AFF4Zip {
    struct Member {
        var name: String
        var content: [UInt8]
        var isDeflated = false
        /// Stated in the directory in place of the real one.
        var checksum: UInt32?
    }

    var members: [Member] = []
    var comment: [UInt8] = []
    /// Writes every size and offset in its wide form, and a zip64 end record.
    var isZip64 = false

    subscript(name: String) -> [UInt8]? {
        get { members.first { $0.name == name }?.content }
        set {
            let index = members.firstIndex { $0.name == name }
            if let newValue {
                if let index {
                    members[index].content = newValue
                } else {
                    members.append(Member(name: name, content: newValue))
                }
            } else if let index {
                members.remove(at: index)
            }
        }
    }

    /// The name of the only member that ends so.
    func name(endingWith ending: String) -> String? { members.first { $0.name.hasSuffix(ending) }?.name }

    /// The same with one text in place of another of the same length, in names and contents.
    func replacing(_ text: String, with other: String) -> AFF4Zip {
        func replaced(_ bytes: [UInt8]) -> [UInt8] {
            var data = Data(bytes)
            var from = data.startIndex
            while let range = data[from...].firstRange(of: Data(text.utf8)) {
                data.replaceSubrange(range, with: Data(other.utf8))
                from = range.upperBound
            }
            return Array(data)
        }
        var changed = self
        changed.comment = replaced(comment)
        for index in members.indices {
            changed.members[index].name = members[index].name.replacingOccurrences(of: text, with: other)
            changed.members[index].content = replaced(members[index].content)
        }
        return changed
    }

    var bytes: [UInt8] { written.bytes }

    /// The file, and where the bytes of each member lie in it.
    var written: (bytes: [UInt8], places: [String: Range<Int>]) {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        var places: [String: Range<Int>] = [:]
        for member in members {
            let stored = member.isDeflated ? Self.deflated(member.content) : member.content
            let sum = member.checksum ?? Self.checksum(member.content)
            let start = file.count
            let name = Array(member.name.utf8)
            let wide = Self.number(member.content.count, 8) + Self.number(stored.count, 8)
            let local = isZip64 ? Self.number(1, 2) + Self.number(16, 2) + wide : []
            let sizes =
                isZip64
                ? [UInt8](repeating: 0xFF, count: 8)
                : Self.number(stored.count, 4) + Self.number(member.content.count, 4)
            let method = Self.number(member.isDeflated ? 8 : 0, 2)
            file += [0x50, 0x4B, 3, 4, 45, 0, 0, 0] + method + [0, 0, 0, 0] + Self.number(Int(sum), 4) + sizes
            file += Self.number(name.count, 2) + Self.number(local.count, 2) + name + local
            places[member.name] = file.count..<file.count + stored.count
            file += stored
            let extra = isZip64 ? Self.number(1, 2) + Self.number(24, 2) + wide + Self.number(start, 8) : []
            directory +=
                [0x50, 0x4B, 1, 2, 45, 0, 45, 0, 0, 0] + method + [0, 0, 0, 0] + Self.number(Int(sum), 4) + sizes
            directory += Self.number(name.count, 2) + Self.number(extra.count, 2) + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            directory += isZip64 ? [0xFF, 0xFF, 0xFF, 0xFF] : Self.number(start, 4)
            directory += name + extra
        }
        let start = file.count
        file += directory
        if isZip64 {
            let end = file.count
            file += [0x50, 0x4B, 6, 6] + Self.number(44, 8) + [45, 0, 45, 0] + [UInt8](repeating: 0, count: 8)
            file += Self.number(members.count, 8) + Self.number(members.count, 8) + Self.number(directory.count, 8)
            file += Self.number(start, 8)
            file += [0x50, 0x4B, 6, 7, 0, 0, 0, 0] + Self.number(end, 8) + [1, 0, 0, 0]
        }
        let count = isZip64 ? 0xFFFF : members.count
        file += [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + Self.number(count, 2) + Self.number(count, 2)
        file += Self.number(isZip64 ? 0xFFFF_FFFF : directory.count, 4) + Self.number(isZip64 ? 0xFFFF_FFFF : start, 4)
        file += Self.number(comment.count, 2) + comment
        return (file, places)
    }

    /// Little-endian.
    static func number(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        unsafe bytes.withUnsafeBufferPointer { unsafe libdeflate_crc32(0, $0.baseAddress, $0.count) }
    }

    static func deflated(_ bytes: [UInt8], zlib: Bool = false) -> [UInt8] {
        guard let compressor = unsafe libdeflate_alloc_compressor(6) else { return [] }
        defer { unsafe libdeflate_free_compressor(compressor) }
        var room = [UInt8](repeating: 0, count: bytes.count + 1024)
        let count = unsafe room.withUnsafeMutableBytes { target in
            unsafe bytes.withUnsafeBytes { source in
                zlib
                    ? unsafe libdeflate_zlib_compress(
                        compressor, source.baseAddress, source.count, target.baseAddress, target.count)
                    : unsafe libdeflate_deflate_compress(
                        compressor, source.baseAddress, source.count, target.baseAddress, target.count)
            }
        }
        return Array(room.prefix(count))
    }
}
