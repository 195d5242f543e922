internal import CLinux
import EvidenceModel
internal import Glibc

/// The process that reads an archive: this program, called again with a hidden command.
public enum ArchiveChild {
    /// The hidden command's name; its one argument is the format, or `unpack` for a server that unpacks.
    public static let command = "list-archive-members"

    /// Bytes of address space: decompressors may ask for dictionaries of up to 4 GiB.
    static let memory = 6 << 30
    /// The archive's descriptor in the child.
    private static let archive: Int32 = 3

    /// What the child does: shuts itself in, reads the archive, and writes its lines to standard output.
    ///
    /// - Returns: the exit status.
    public static func run(_ format: String) -> Int32 {
        if format == UnpackServer.argument { return UnpackServer.run() }
        guard let format = ArchiveFormat(rawValue: format) else { return 2 }
        // Names are taken as they are; the locale only keeps libarchive from refusing those that are UTF-8.
        unsafe setlocale(LC_ALL, "C.UTF-8")
        // Everything that the program needs is loaded: from here on it opens nothing.
        linux_confine_self()
        var pending: [UInt8] = []
        func flush() -> Bool {
            var written = 0
            while written < pending.count {
                let count = unsafe pending.withUnsafeBytes { bytes in
                    unsafe write(
                        1, UnsafeRawBufferPointer(rebasing: bytes[written...]).baseAddress, bytes.count - written)
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                written += count
            }
            pending.removeAll(keepingCapacity: true)
            return true
        }
        let reader = ArchiveReader(format, descriptor: archive, limits: ArchiveLimits()) { line in
            pending += line + [UInt8(ascii: "\n")]
            return pending.count < 1 << 16 || flush()
        }
        reader?.run()
        return flush() ? 0 : 1
    }

    /// Starts the child on a file and takes its list.
    ///
    /// - Throws: ``SourceError`` with code `unreadable` when it cannot be started.
    static func list(_ file: ReadOnlyFile, _ format: ArchiveFormat) throws(SourceError) -> ArchiveListing {
        let limits = ArchiveLimits()
        var program = ConfinedChild.Program(path: try ownProgram())
        program.arguments = [command, format.rawValue]
        program.environment =
            unsafe getenv("LD_LIBRARY_PATH").map { unsafe ["LD_LIBRARY_PATH=" + String(cString: $0)] } ?? []
        program.descriptors = [file.descriptor]
        program.firstReadable = 1
        program.memory = memory
        program.buildsOwnWall = true
        program.outputLimit = limits.listingBytes + limits.complaints * 10_000
        var (ending, output) = try wait(program, limits)
        if ending == .exited(ConfinedChild.notStarted) {
            // Another user may not start our program, for example from a home folder that is closed to others.
            program.keepsUser = true
            (ending, output) = try wait(program, limits)
        }
        var parser = ArchiveListParser()
        parser.read(output)
        return parser.finish(ending)
    }

    private static func wait(
        _ program: ConfinedChild.Program, _ limits: ArchiveLimits
    ) throws(SourceError) -> (ConfinedChild.Ending?, [UInt8]) {
        let child = try ConfinedChild(program)
        let result = child.wait(seconds: limits.seconds)
        return (result?.ending, result?.output ?? child.output)
    }

    /// The program `exhibit`: this very one, or in tests the one that was built beside them.
    static func ownProgram() throws(SourceError) -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        guard length > 0 else {
            throw SourceError(.unreadable, "Cannot find the program itself: \(SystemError.text(errno)). Mount /proc.")
        }
        let path = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard path.hasSuffix(".xctest") else { return "/proc/self/exe" }
        return String(path.dropLast(SourceOpener.lastComponent(path).count)) + "exhibit"
    }
}

/// Reads the lines of the child, which has read hostile bytes and is believed as little as they are.
struct ArchiveListParser {
    /// Names that are listed when they occur more than once.
    static let shownDuplicates = 10

    private var listing = ArchiveListing()
    private var isComplete = false
    private var complaints = 0

    mutating func read(_ output: [UInt8]) {
        for line in output.split(separator: UInt8(ascii: "\n")) {
            do {
                take(try CanonicalValue(parsing: Array(line)))
            } catch {
                // The last line of a child that was ended; that it was ended is told.
                return
            }
        }
    }

    private mutating func take(_ value: CanonicalValue) {
        if let text = value["damage"]?.string {
            listing.damage.append(text)
        } else if let text = value["warning"]?.string {
            listing.warnings.append(text)
        } else if let end = value["end"] {
            isComplete = end["members"]?.size != nil
            complaints = end["complaints"]?.size ?? 0
        } else if let name = value["path"]?.string.map({ Array($0.utf8) })
            ?? value["path_hex"]?.string.flatMap({ Hex.decode($0) })
        {
            let sha256 = value["sha256"]?.string.flatMap { Digest(.sha256, hex: $0) }
            listing.members.append(
                ArchiveMember(
                    nameBytes: name, size: value["size"]?.size,
                    modified: value["mtime"]?.string.flatMap { UTCTime(rfc3339: $0) }?.milliseconds,
                    mode: value["mode"]?.string.flatMap { UInt32($0, radix: 8) }, sha256: sha256,
                    notRead: value["not_read"]?.string ?? (sha256 == nil ? "it was not digested" : nil)))
        }
    }

    /// The list, with what it shows by itself.
    ///
    /// - Parameter ending: how the child ended; nil when it took too long.
    mutating func finish(_ ending: ConfinedChild.Ending?) -> ArchiveListing {
        if let ending {
            if ending != .exited(0) || !isComplete {
                listing.damage.append(
                    "the list ends after \(listing.members.count) members: the process that read the archive "
                        + "\(ending.words)")
            }
        } else {
            listing.damage.append(
                "the list ends after \(listing.members.count) members: it took longer than "
                    + "\(ArchiveLimits().seconds) s")
        }
        let most = ArchiveLimits().complaints
        if complaints > most { listing.damage.append("\(complaints - most) more complaints are not listed") }
        noteDuplicates()
        let encrypted = listing.members.count { $0.notRead == "encrypted" }
        if encrypted > 0 { listing.warnings.append("\(encrypted) members are encrypted and were not read") }
        let outside = listing.members.count { Self.leadsOutside($0.nameBytes) }
        if outside > 0 {
            listing.warnings.append("\(outside) members have names that lead out of a folder (absolute, or with ..)")
        }
        return listing
    }

    private mutating func noteDuplicates() {
        var counts: [[UInt8]: Int] = [:]
        for member in listing.members { counts[member.nameBytes, default: 0] += 1 }
        let twice = counts.filter { $0.value > 1 }
        guard !twice.isEmpty else { return }
        let names = twice.keys.sorted { $0.lexicographicallyPrecedes($1) }.prefix(Self.shownDuplicates)
        let shown = names.map { headerText($0.prefix(200)) }.joined(separator: ", ")
        listing.warnings.append(
            "\(twice.count) names stand in the archive more than once: \(shown)"
                + (twice.count > names.count
                    ? ", "
                        + "…" : ""))
    }

    private static func leadsOutside(_ name: [UInt8]) -> Bool {
        name.first == UInt8(ascii: "/")
            || name.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual(Array("..".utf8)) }
    }
}
