internal import CArchive
internal import Digesting
internal import EvidenceModel
internal import Glibc

/// Reads an archive member by member with libarchive and says what it finds, a line for each.
///
/// libarchive is C and the archive is hostile: this runs in a process of its own (``ArchiveChild``). Only the readers
/// of the format at hand are switched on; an archive inside an archive is a member like any other.
@safe final class ArchiveReader {
    private let handle: OpaquePointer
    private let limits: ArchiveLimits
    private let archiveSize: Int
    private let emit: ([UInt8]) -> Bool
    private var members = 0
    private var contentBytes = 0
    private var listingBytes = 0
    private var complaints = 0
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)

    /// - Parameter emit: takes one line without its end; answers false when nobody listens any more.
    init?(_ format: ArchiveFormat, descriptor: Int32, limits: ArchiveLimits, emit: @escaping ([UInt8]) -> Bool) {
        guard let made = unsafe archive_read_new() else { return nil }
        unsafe handle = made
        self.limits = limits
        self.emit = emit
        let end = lseek(descriptor, 0, SEEK_END)
        archiveSize = Int(end)
        guard end >= 0, lseek(descriptor, 0, SEEK_SET) == 0, enable(format) else { return nil }
        guard unsafe archive_read_open_fd(made, descriptor, 1 << 16) == ARCHIVE_OK else {
            report(.damage, "the archive cannot be opened: \(words)")
            finish()
            return nil
        }
    }

    deinit { unsafe archive_read_free(handle) }

    private func enable(_ format: ArchiveFormat) -> Bool {
        let statuses: [Int32] =
            switch format {
            case .zip: [unsafe archive_read_support_format_zip(handle)]
            case .sevenZip: [unsafe archive_read_support_format_7zip(handle)]
            case .tar: [unsafe archive_read_support_format_tar(handle)]
            case .tarGzip:
                [unsafe archive_read_support_format_tar(handle), unsafe archive_read_support_filter_gzip(handle)]
            case .tarBzip2:
                [unsafe archive_read_support_format_tar(handle), unsafe archive_read_support_filter_bzip2(handle)]
            case .tarXZ:
                [unsafe archive_read_support_format_tar(handle), unsafe archive_read_support_filter_xz(handle)]
            case .tarZstd:
                [unsafe archive_read_support_format_tar(handle), unsafe archive_read_support_filter_zstd(handle)]
            }
        return statuses.allSatisfy { $0 == ARCHIVE_OK }
    }

    // MARK: The members

    private enum Complaint: String {
        case damage
        case warning
    }

    /// Kinds of members, as libarchive numbers them (archive_entry_filetype).
    private enum Kind {
        static let file: UInt32 = 0o100000
        static let folder: UInt32 = 0o040000
        static let link: UInt32 = 0o120000
    }

    /// Goes through all members; the last line says that it came to the end.
    func run() {
        while true {
            var entry: OpaquePointer?
            let status = unsafe archive_read_next_header(handle, &entry)
            if status == ARCHIVE_EOF { break }
            guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let entry = unsafe entry else {
                if status == ARCHIVE_RETRY { continue }
                // 7z can encrypt its directory: that is no damage.
                let isEncrypted = unsafe archive_read_has_encrypted_entries(handle) > 0
                report(isEncrypted ? .warning : .damage, "after \(members) members: \(words)")
                break
            }
            guard members < limits.members else {
                report(.damage, "not read: what follows the first \(limits.members) members (limit on members)")
                break
            }
            members += 1
            let header = status == ARCHIVE_WARN ? words : nil
            guard unsafe readMember(entry, header) else { break }
        }
        finish()
    }

    /// Answers false when nothing more is to be read.
    private func readMember(_ entry: OpaquePointer, _ complaint: String?) -> Bool {
        let name = unsafe Self.bytes(archive_entry_pathname(entry)) ?? []
        guard name.count <= limits.nameLength else {
            report(.damage, "member \(members) was not read: its name has \(name.count) bytes (limit on names)")
            return true
        }
        var line = Self.path(name)
        if unsafe archive_entry_mtime_is_set(entry) != 0 {
            let seconds = unsafe Int(archive_entry_mtime(entry))
            // Years 0001 to 9999, which the usual form can write.
            if (-62_135_596_800...253_402_300_799).contains(seconds) {
                let nanoseconds = unsafe Int(archive_entry_mtime_nsec(entry))
                let part = (0..<1_000_000_000).contains(nanoseconds) ? nanoseconds / 1_000_000 : 0
                line["mtime"] = .string(UTCTime(milliseconds: Int64(seconds) * 1000 + Int64(part)).rfc3339)
            }
        }
        line["mode"] = .string(String(unsafe UInt32(archive_entry_perm(entry)) & 0o7777, radix: 8))
        if let complaint { report(.warning, "member \(shown(name)): \(complaint)") }
        if let reason = unsafe Self.reasonNotToRead(entry) {
            line["not_read"] = .string(reason)
            return write(line)
        }
        return readContent(of: name, stated: unsafe Self.statedSize(entry), line)
    }

    private func readContent(of name: [UInt8], stated: Int?, _ line: [String: CanonicalValue]) -> Bool {
        var line = line
        do throws(DigestError) {
            var digest = try RunningDigest(.sha256)
            var size = 0
            while true {
                let count = unsafe archive_read_data(handle, &buffer, buffer.count)
                if count == 0 { break }
                if count > 0 {
                    size += count
                    contentBytes += count
                    if let limit = contentLimit {
                        report(.damage, "member \(shown(name)) and what follows it were not read: \(limit)")
                        return false
                    }
                    try digest.update(buffer[..<count])
                    continue
                }
                // Also after a mere warning: it may be a checksum that does not hold, and what was read is then not what
                // was put in.
                let why = words
                report(.damage, "member \(shown(name)): \(why)")
                line["not_read"] = .string("damaged: \(why)")
                return write(line) && Int32(count) != ARCHIVE_FATAL
            }
            if let stated, stated != size {
                report(.damage, "member \(shown(name)) has \(size) bytes, the archive states \(stated)")
            }
            line["size"] = .size(size)
            line["sha256"] = .string(try digest.finalize().hex)
        } catch {
            report(.damage, "member \(shown(name)) could not be digested: \(error)")
            return false
        }
        return write(line)
    }

    /// Why no more content may be read; nil while it may.
    private var contentLimit: String? {
        if contentBytes > limits.contentBytes { return "more than \(limits.contentBytes) bytes (limit on content)" }
        let (allowed, overflow) = archiveSize.multipliedReportingOverflow(by: limits.ratio)
        if !overflow, contentBytes > max(limits.freeBytes, allowed) {
            return "more than \(limits.ratio) times the archive's size (limit on ratio)"
        }
        return nil
    }

    private static func reasonNotToRead(_ entry: OpaquePointer) -> String? {
        if let target = unsafe bytes(archive_entry_hardlink(entry)) {
            return "hard link to " + headerText(target)
        }
        switch unsafe UInt32(archive_entry_filetype(entry)) {
        case Kind.file, 0: break
        case Kind.folder: return "folder"
        case Kind.link: return "symbolic link to " + headerText(unsafe bytes(archive_entry_symlink(entry)) ?? [])
        default: return "device, pipe or socket"
        }
        if unsafe archive_entry_is_encrypted(entry) != 0 { return "encrypted" }
        return nil
    }

    private static func statedSize(_ entry: OpaquePointer) -> Int? {
        unsafe archive_entry_size_is_set(entry) != 0 ? Int(archive_entry_size(entry)) : nil
    }

    // MARK: Lines

    private func write(_ line: [String: CanonicalValue]) -> Bool {
        let bytes = CanonicalValue.object(line).encoded
        listingBytes += bytes.count + 1
        guard listingBytes <= limits.listingBytes else {
            report(.damage, "not read: what follows the first \(members - 1) members (limit on the list's length)")
            return false
        }
        return emit(bytes)
    }

    private func report(_ kind: Complaint, _ text: String) {
        complaints += 1
        guard complaints <= limits.complaints else { return }
        _ = emit(CanonicalValue.object([kind.rawValue: .string(text)]).encoded)
    }

    private func finish() {
        _ = emit(
            CanonicalValue.object([
                "end": ["members": .size(members), "complaints": .size(complaints)]
            ]).encoded)
    }

    private var words: String {
        guard let text = unsafe archive_error_string(handle) else { return "libarchive gives no reason" }
        return headerText(Array(unsafe String(cString: text).utf8))
    }

    private func shown(_ name: [UInt8]) -> String { "\(members) (\(headerText(name.prefix(200))))" }

    static func path(_ bytes: [UInt8]) -> [String: CanonicalValue] {
        if let text = String(validating: bytes, as: UTF8.self) { return ["path": .string(text)] }
        return ["path_hex": .string(Hex.encode(bytes))]
    }

    private static func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8]? {
        guard let text = unsafe text else { return nil }
        return unsafe UnsafeRawBufferPointer(start: text, count: strlen(text)).map { $0 }
    }
}
