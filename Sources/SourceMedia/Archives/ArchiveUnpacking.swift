internal import EvidenceModel
internal import Glibc

/// The kinds of archives whose members only libarchive can decode.
public enum UnpackFormat: String, Sendable, CaseIterable {
    case sevenZip = "7z"
    /// Versions 1.5 to 5.
    case rar
    case cabinet = "cab"
    case lha
}

/// How far an archive is unpacked.
public struct UnpackLimits: Hashable, Sendable {
    /// Most members that are looked at.
    public var members: Int
    /// Most bytes of one member that are unpacked; larger ones are passed over.
    public var memberBytes: Int
    /// Bytes of address space of the process that unpacks.
    public var memory = 768 << 20
    /// Seconds after which that process is ended.
    public var seconds = 3600

    public init(members: Int, memberBytes: Int) {
        self.members = members
        self.memberBytes = memberBytes
    }
}

/// A member of an archive, as the process that unpacks describes it.
public struct UnpackedMember: Sendable {
    static let encrypted = "encrypted"
    static let limit = "limit"
    static let noFile = "no file"

    /// Its position in the archive, from 0 on.
    public let index: Int
    /// The name's bytes, which need not be UTF-8.
    public let name: [UInt8]
    /// Bytes of its content, as the archive states them.
    public let size: Int?
    /// Last modification in seconds since 1970, as the archive states it.
    public let modified: Int?
    /// Why its content does not follow; nil when it does.
    public let refusal: Refusal?

    /// Why a member's content is not handed out.
    public enum Refusal: Hashable, Sendable {
        case encrypted
        /// Larger than ``UnpackLimits/memberBytes``.
        case tooLarge
        /// A folder, link or device.
        case noFile
    }
}

/// How unpacking ended.
public enum UnpackEnd: Hashable, Sendable {
    /// At the archive's end, or where its taker had enough.
    case whole
    /// The list of members is encrypted.
    case encrypted
    /// More members than the limit allows.
    case tooMany
    /// The archive cannot be followed further; the reason in words.
    case damaged(String)
}

/// Unpacks an archive in a confined process, member by member.
public enum ArchiveUnpacking {
    /// What is taken of an archive.
    public enum Event {
        case begins(UnpackedMember)
        case content(ArraySlice<UInt8>)
        /// The member is over; false when its content is damaged or a checksum does not hold.
        case ends(isWhole: Bool)
    }

    /// Unpacks the archive that fills a file.
    ///
    /// - Parameters:
    ///   - descriptor: of the file; stays open.
    ///   - take: gets what the archive holds, in its order; answers false to end it.
    /// - Throws: ``SourceError`` with code `unreadable` when no process can be started, and what `take` throws.
    public static func unpack(
        _ format: UnpackFormat, descriptor: Int32, limits: UnpackLimits, _ take: (Event) throws -> Bool
    ) throws -> UnpackEnd {
        let request = UnpackRequest(format: format, limits: limits)
        guard let (server, reading) = try UnpackServer.begin(request, descriptor: descriptor) else {
            return .damaged("the process that unpacks cannot be started")
        }
        var parser = UnpackParser(descriptor: reading, seconds: limits.seconds)
        let end: UnpackEnd?
        do {
            end = try parser.run(take)
        } catch {
            close(reading)
            server.end()
            throw error
        }
        // Who still writes is ended by this.
        close(reading)
        let ending = server.finish()
        return end ?? .damaged("the process that unpacks \(ending?.words ?? "took too long")")
    }
}

/// Takes the frames of the child, which has read hostile bytes and is believed as little as they are.
private struct UnpackParser {
    let descriptor: Int32
    let seconds: Int
    private var index = 0
    private var isInMember = false

    init(descriptor: Int32, seconds: Int) {
        self.descriptor = descriptor
        self.seconds = seconds
    }

    /// Nil when the child ended before the archive did.
    mutating func run(_ take: (ArchiveUnpacking.Event) throws -> Bool) throws -> UnpackEnd? {
        let deadline = time(nil) + seconds
        while let head = read(5, until: deadline) {
            let length = Int(head[1]) | Int(head[2]) << 8 | Int(head[3]) << 16 | Int(head[4]) << 24
            guard let kind = UnpackFrame(rawValue: head[0]), length <= UnpackFrame.largest,
                let payload = read(length, until: deadline)
            else { return .damaged("the process that unpacks does not answer as agreed") }
            switch kind {
            case .member:
                guard !isInMember, let member = Self.member(payload, index) else {
                    return .damaged("the process that unpacks does not answer as agreed")
                }
                isInMember = true
                index += 1
                guard try take(.begins(member)) else { return .whole }
            case .data:
                guard isInMember, try take(.content(payload[...])) else { return .whole }
            case .end:
                guard isInMember else { return .damaged("the process that unpacks does not answer as agreed") }
                isInMember = false
                guard try take(.ends(isWhole: payload.isEmpty)) else { return .whole }
            case .finished:
                switch String(decoding: payload, as: UTF8.self) {
                case "": return .whole
                case UnpackedMember.encrypted: return .encrypted
                case UnpackedMember.limit: return .tooMany
                default: return .damaged(headerText(payload.prefix(1000)))
                }
            }
        }
        return nil
    }

    private static func member(_ payload: [UInt8], _ index: Int) -> UnpackedMember? {
        guard let value = parsed(payload),
            let name = value["path"]?.string.map({ Array($0.utf8) })
                ?? value["path_hex"]?.string.flatMap({ Hex.decode($0) })
        else { return nil }
        let refusal: UnpackedMember.Refusal? =
            switch value["not_read"]?.string {
            case nil: nil
            case UnpackedMember.encrypted: .encrypted
            case UnpackedMember.limit: .tooLarge
            default: .noFile
            }
        return UnpackedMember(
            index: index, name: name, size: value["size"]?.size,
            modified: value["modified"]?.string.flatMap { Int($0) },
            refusal: refusal)
    }

    private static func parsed(_ payload: [UInt8]) -> CanonicalValue? {
        do { return try CanonicalValue(parsing: payload) } catch { return nil }
    }

    /// Exactly so many bytes; nil when the pipe ends before, or the time is over.
    private func read(_ count: Int, until deadline: time_t) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&polled, 1, 1000)
            if ready < 0, errno == EINTR { continue }
            guard ready >= 0 else { return nil }
            if ready == 0 {
                guard time(nil) < deadline else { return nil }
                continue
            }
            let read = unsafe bytes.withUnsafeMutableBytes { target in
                unsafe Glibc.read(descriptor, target.baseAddress.map { unsafe $0 + filled }, count - filled)
            }
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { return nil }
            filled += read
        }
        return bytes
    }
}
