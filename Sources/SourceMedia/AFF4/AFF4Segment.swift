import Digesting
import EvidenceModel

/// A member of a volume, opened: its bytes can be read at any offset.
final class AFF4Segment: Sendable {
    /// Most bytes of a deflated member: it is inflated whole and kept in memory. Writers store what is larger.
    static let largestInflated = 65 << 20

    let name: String
    let size: Int
    private let file: ReadOnlyFile
    private let start: Int
    /// The inflated bytes of a deflated member.
    private let content: [UInt8]?
    private let storedChecksum: UInt32

    /// What looking for a member came to.
    enum Lookup {
        case found(AFF4Segment)
        case missing
        case damaged(String)
    }

    private init(
        name: String, size: Int, file: ReadOnlyFile, start: Int, content: [UInt8]?, storedChecksum: UInt32
    ) {
        self.name = name
        self.size = size
        self.file = file
        self.start = start
        self.content = content
        self.storedChecksum = storedChecksum
    }

    /// Looks for a member by its plain name and checks its local header (APPNOTE 6.3.10, 4.3.7).
    ///
    /// - Throws: ``SourceError`` with code `unreadable`.
    static func open(
        _ plain: [UInt8], in file: ReadOnlyFile, _ directory: AFF4ZipDirectory
    ) throws(SourceError) -> Lookup {
        let name = String(decoding: plain, as: UTF8.self)
        var problem: String?
        for member in directory.candidates(AFF4Name.hash(plain)) {
            let header = try file.bytes(at: member.headerAt, count: 30)
            guard header.count == 30, header.littleEndian32(at: 0) == 0x0403_4B50 else {
                problem = problem ?? "its local header is not where the central directory says"
                continue
            }
            let nameLength = header.littleEndian16(at: 26)
            let found = try file.bytes(at: member.headerAt + 30, count: nameLength)
            guard AFF4Name.plain(found) == plain else {
                problem = problem ?? "its local header has another name"
                continue
            }
            let start = member.headerAt + 30 + nameLength + header.littleEndian16(at: 28)
            return try open(member, name: name, start: start, in: file)
        }
        return problem.map { .damaged("member \"\(AFF4Text.shown(name))\": \($0)") } ?? .missing
    }

    private static func open(
        _ member: AFF4ZipDirectory.Member, name: String, start: Int, in file: ReadOnlyFile
    ) throws(SourceError) -> Lookup {
        func damaged(_ problem: String) -> Lookup { .damaged("member \"\(AFF4Text.shown(name))\": \(problem)") }
        guard !member.isEncrypted else { return damaged("it is encrypted") }
        guard start <= file.size, member.packedSize <= file.size - start else {
            return damaged("it reaches beyond the end of the file")
        }
        switch member.method {
        case 0:
            guard member.size == member.packedSize else {
                return damaged("its two sizes differ, although it is stored")
            }
            return .found(
                AFF4Segment(
                    name: name, size: member.size, file: file, start: start, content: nil,
                    storedChecksum: member.checksum))
        case 8:
            // Deflate never shrinks beyond 1:1032; a size beyond that is a lie, and no memory is given to it.
            guard member.size <= largestInflated, member.packedSize <= largestInflated,
                member.size / 1033 <= member.packedSize
            else { return damaged("it is deflated and larger than \(largestInflated) bytes, or its sizes cannot be") }
            let packed = try file.bytes(at: start, count: member.packedSize)
            guard let content = try StreamInflater().inflateRaw(packed, size: member.size) else {
                return damaged("it does not inflate to its \(member.size) bytes")
            }
            return .found(
                AFF4Segment(
                    name: name, size: member.size, file: file, start: start, content: content,
                    storedChecksum: member.checksum))
        default: return damaged("its compression method \(member.method) is not known")
        }
    }

    /// Bytes of it that are held in memory.
    var heldBytes: Int { content?.count ?? 0 }

    /// Fills `destination`; answers what hinders it, nil when nothing does.
    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) -> String? {
        guard offset >= 0, offset <= size, destination.count <= size - offset else {
            return "it lies outside the \(size) bytes of member \"\(AFF4Text.shown(name))\""
        }
        if let content {
            AFF4Bytes.copy(content, from: offset, into: &destination)
            return nil
        }
        let (count, error) = file.read(at: start + offset, into: &destination)
        if let error { return SystemError.text(error) }
        return count == destination.count ? nil : "the file ends before it"
    }

    /// Its bytes from `offset` on; nil when they cannot all be read.
    func bytes(at offset: Int, count: Int) -> [UInt8]? {
        guard offset >= 0, offset <= size, count >= 0, count <= size - offset else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        var destination = bytes.mutableSpan
        return read(at: offset, into: &destination) == nil ? bytes : nil
    }

    /// All of its bytes; nil when there are more than `limit`, or they cannot be read.
    func bytes(limit: Int) -> [UInt8]? { size <= limit ? bytes(at: 0, count: size) : nil }

    /// Says whether its CRC-32 is the one that the central directory states.
    var checksumHolds: Bool {
        var sum = CRC32()
        let isRead = forEachPiece(of: 32) { sum.update($0) }
        return isRead && sum.value == storedChecksum
    }
}
