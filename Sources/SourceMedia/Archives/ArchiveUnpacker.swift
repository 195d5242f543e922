internal import CArchive
internal import EvidenceModel
internal import Glibc

/// What the process that unpacks an archive tells: frames of one letter, a length of four bytes, and as much payload.
enum UnpackFrame: UInt8 {
    /// A member begins; the payload describes it.
    case member = 0x4D
    /// Some of its content.
    case data = 0x44
    /// It ends; the payload says what is wrong with it.
    case end = 0x45
    /// The archive ends; the payload says what is wrong with it.
    case finished = 0x5A

    /// Most bytes of a payload.
    static let largest = 1 << 20
}

/// Reads an archive with libarchive and hands out its members with their content.
///
/// libarchive is C and the archive is hostile: this runs in a process of its own (``ArchiveUnpacking``), which writes
/// nothing but frames to a pipe.
@safe final class ArchiveUnpacker {
    private static let longestName = 4096

    private let handle: OpaquePointer
    private let limits: UnpackLimits
    private let emit: (UnpackFrame, ArraySlice<UInt8>) -> Bool
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)

    /// - Parameter emit: takes one frame; answers false when nobody listens any more.
    init?(
        _ format: UnpackFormat, descriptor: Int32, limits: UnpackLimits,
        emit: @escaping (UnpackFrame, ArraySlice<UInt8>) -> Bool
    ) {
        guard let made = unsafe archive_read_new() else { return nil }
        unsafe handle = made
        self.limits = limits
        self.emit = emit
        guard lseek(descriptor, 0, SEEK_SET) == 0, enable(format) else { return nil }
        guard unsafe archive_read_open_fd(made, descriptor, 1 << 16) == ARCHIVE_OK else {
            _ = emit(.finished, words[...])
            return nil
        }
    }

    deinit { unsafe archive_read_free(handle) }

    private func enable(_ format: UnpackFormat) -> Bool {
        let statuses: [Int32] =
            switch format {
            case .sevenZip: [unsafe archive_read_support_format_7zip(handle)]
            case .rar:
                [unsafe archive_read_support_format_rar(handle), unsafe archive_read_support_format_rar5(handle)]
            case .cabinet: [unsafe archive_read_support_format_cab(handle)]
            case .lha: [unsafe archive_read_support_format_lha(handle)]
            }
        return statuses.allSatisfy { $0 == ARCHIVE_OK }
    }

    /// Goes through all members.
    func run() {
        for _ in 0..<limits.members {
            var entry: OpaquePointer?
            let status = unsafe archive_read_next_header(handle, &entry)
            if status == ARCHIVE_EOF {
                _ = emit(.finished, [])
                return
            }
            guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let entry = unsafe entry else {
                if status == ARCHIVE_RETRY { continue }
                let isEncrypted = unsafe archive_read_has_encrypted_entries(handle) > 0
                _ = emit(.finished, isEncrypted ? Array(UnpackedMember.encrypted.utf8)[...] : words[...])
                return
            }
            guard unsafe read(entry) else { return }
        }
        _ = emit(.finished, Array(UnpackedMember.limit.utf8)[...])
    }

    /// Answers false when nothing more is to be read.
    private func read(_ entry: OpaquePointer) -> Bool {
        let name = unsafe Self.bytes(archive_entry_pathname(entry)) ?? []
        var description = ArchiveReader.path(Array(name.prefix(Self.longestName)))
        let stated = unsafe archive_entry_size_is_set(entry) != 0 ? Int(archive_entry_size(entry)) : nil
        if let stated, stated >= 0 { description["size"] = .size(stated) }
        if unsafe archive_entry_mtime_is_set(entry) != 0 {
            description["modified"] = .string(String(unsafe Int(archive_entry_mtime(entry))))
        }
        let reason = unsafe reasonNotToRead(entry, stated: stated)
        if let reason { description["not_read"] = .string(reason) }
        guard emit(.member, CanonicalValue.object(description).encoded[...]) else { return false }
        guard reason == nil else { return emit(.end, []) }
        while true {
            let count = unsafe archive_read_data(handle, &buffer, buffer.count)
            if count == 0 { return emit(.end, []) }
            guard count > 0 else {
                // Also after a mere warning: it may be a checksum that does not hold.
                let why = words
                return emit(.end, why[...]) && Int32(count) != ARCHIVE_FATAL
            }
            guard emit(.data, buffer[..<count]) else { return false }
        }
    }

    private func reasonNotToRead(_ entry: OpaquePointer, stated: Int?) -> String? {
        if unsafe archive_entry_hardlink(entry) != nil { return UnpackedMember.noFile }
        // Kinds as libarchive numbers them (archive_entry_filetype): a file, or none stated.
        let kind = unsafe UInt32(archive_entry_filetype(entry))
        guard kind == 0o100000 || kind == 0 else { return UnpackedMember.noFile }
        if unsafe archive_entry_is_encrypted(entry) != 0 { return UnpackedMember.encrypted }
        if let stated, stated > limits.memberBytes { return UnpackedMember.limit }
        return nil
    }

    private var words: [UInt8] {
        guard let text = unsafe archive_error_string(handle) else { return Array("libarchive gives no reason".utf8) }
        return Array(headerText(Array(unsafe String(cString: text).utf8)).utf8.prefix(1000))
    }

    private static func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8]? {
        guard let text = unsafe text else { return nil }
        return unsafe UnsafeRawBufferPointer(start: text, count: strlen(text)).map { $0 }
    }
}
