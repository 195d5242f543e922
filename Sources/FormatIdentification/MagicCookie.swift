internal import CMagic

/// What libmagic says of some bytes.
public struct IdentifiedFormat: Hashable, Sendable {
    /// One line of text, with control characters escaped.
    public var description: String
    /// MIME type; "application/octet-stream" when the database has none.
    public var mime: String
    /// File name extensions without the dot, the most usual first; empty when the database has none.
    public var extensions: [String]

    /// An answer in its parts.
    public init(description: String, mime: String, extensions: [String]) {
        self.description = description
        self.mime = mime
        self.extensions = extensions
    }
}

/// Limits that libmagic keeps while it looks at hostile bytes (`magic_setparam`).
public struct MagicLimits: Hashable, Sendable {
    /// Bytes looked at, from the start.
    public var bytes = 256 * 1024
    /// Depth of indirect tests.
    public var indirection = 50
    /// Uses of named tests.
    public var names = 50
    /// Program headers of an ELF file.
    public var elfProgramHeaders = 2048
    /// Section headers of an ELF file.
    public var elfSections = 32768
    /// Notes of an ELF file.
    public var elfNotes = 256
    /// Bytes a regular expression may look at.
    public var regularExpression = 8192
    /// Bytes looked at to guess a text's encoding.
    public var encoding = 65536

    /// The limits that suit evidence.
    public init() {}

    /// Name and value of each limit, for provenance.
    public var named: [(name: String, value: Int)] {
        [
            ("magic_bytes", bytes), ("magic_indirection", indirection), ("magic_names", names),
            ("magic_elf_program_headers", elfProgramHeaders), ("magic_elf_sections", elfSections),
            ("magic_elf_notes", elfNotes), ("magic_regular_expression", regularExpression),
            ("magic_encoding", encoding),
        ]
    }
}

/// A libmagic session. Not thread-safe: one owner, which is the worker that made it.
@safe
public struct MagicCookie: ~Copyable {
    /// Freed by `deinit`; never leaves this type.
    private let cookie: magic_t
    /// Keeps the memory alive that libmagic reads in place.
    private let images: [CompiledMagic]
    /// Times that libmagic was given bytes to name.
    public private(set) var calls = 0

    /// Opens a session on the databases of a run.
    ///
    /// Wraps `magic_open` and `magic_load_buffers`.
    /// - Throws: ``MagicError`` when libmagic is out of memory or refuses a database.
    public init(_ databases: MagicDatabases, limits: MagicLimits = MagicLimits()) throws(MagicError) {
        try self.init(loading: databases.images, limits: limits)
    }

    init(loading images: [CompiledMagic], limits: MagicLimits) throws(MagicError) {
        let cookie = unsafe try Self.open(images, limits)
        unsafe self.cookie = cookie
        self.images = images
    }

    /// A loaded session, or none: what was opened is closed again before an error leaves.
    private static func open(_ images: [CompiledMagic], _ limits: MagicLimits) throws(MagicError) -> magic_t {
        guard MagicLibrary.usesUTC, let cookie = unsafe magic_open(flags) else {
            throw MagicError(.failed, "libmagic cannot start: out of memory")
        }
        var addresses = unsafe images.map { unsafe $0.address }
        var sizes = images.map(\.byteCount)
        guard unsafe magic_load_buffers(cookie, &addresses, &sizes, images.count) == 0 else {
            let words = unsafe ownWords(cookie)
            unsafe magic_close(cookie)
            throw MagicError(.refused, "libmagic refuses the database: \(words)")
        }
        let parameters = [
            (MAGIC_PARAM_BYTES_MAX, limits.bytes), (MAGIC_PARAM_INDIR_MAX, limits.indirection),
            (MAGIC_PARAM_NAME_MAX, limits.names), (MAGIC_PARAM_ELF_PHNUM_MAX, limits.elfProgramHeaders),
            (MAGIC_PARAM_ELF_SHNUM_MAX, limits.elfSections), (MAGIC_PARAM_ELF_NOTES_MAX, limits.elfNotes),
            (MAGIC_PARAM_REGEX_MAX, limits.regularExpression), (MAGIC_PARAM_ENCODING_MAX, limits.encoding),
        ]
        for (parameter, value) in parameters {
            var size = value
            guard unsafe magic_setparam(cookie, parameter, &size) == 0 else {
                unsafe magic_close(cookie)
                throw MagicError(.refused, "libmagic refuses the limit \(value) for its parameter \(parameter)")
            }
        }
        return unsafe cookie
    }

    deinit { unsafe magic_close(cookie) }

    /// Never looks inside compressed data, never forks, never guesses a programming language from words.
    private static let flags = MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TOKENS | MAGIC_NO_COMPRESS_FORK

    // MARK: Naming bytes

    /// libmagic's one-line description. Wraps `magic_buffer`.
    ///
    /// - Throws: ``MagicError`` with libmagic's own words.
    public mutating func describe(_ bytes: [UInt8]) throws(MagicError) -> String {
        PrintableText.escaping(try ask(bytes, flags: 0))
    }

    /// Description, MIME type and extensions: three calls of `magic_buffer`.
    ///
    /// - Throws: ``MagicError`` with libmagic's own words.
    public mutating func identify(_ bytes: [UInt8]) throws(MagicError) -> IdentifiedFormat {
        IdentifiedFormat(
            description: try describe(bytes), mime: try mime(of: bytes), extensions: try extensions(of: bytes))
    }

    /// The MIME type; "application/octet-stream" when the database has none.
    ///
    /// - Throws: ``MagicError`` with libmagic's own words.
    public mutating func mime(of bytes: [UInt8]) throws(MagicError) -> String {
        PrintableText.escaping(try ask(bytes, flags: MAGIC_MIME_TYPE))
    }

    /// File name extensions without the dot, the most usual first; none when the database has none.
    ///
    /// - Throws: ``MagicError`` with libmagic's own words.
    public mutating func extensions(of bytes: [UInt8]) throws(MagicError) -> [String] {
        let list = PrintableText.escaping(try ask(bytes, flags: MAGIC_EXTENSION))
        return list == "???" ? [] : list.split(separator: "/").map(String.init)
    }

    private mutating func ask(_ bytes: [UInt8], flags: Int32) throws(MagicError) -> String {
        calls += 1
        guard unsafe magic_setflags(cookie, Self.flags | flags) == 0 else {
            throw MagicError(.failed, "libmagic refuses the flags of this build: \(unsafe Self.ownWords(cookie))")
        }
        let answer: String? = unsafe bytes.withUnsafeBytes { buffer in
            guard let text = unsafe magic_buffer(cookie, buffer.baseAddress, buffer.count) else { return nil }
            return unsafe String(cString: text)
        }
        guard let answer else {
            throw MagicError(.failed, "libmagic cannot name the bytes: \(unsafe Self.ownWords(cookie))")
        }
        return answer
    }

    private static func ownWords(_ cookie: magic_t) -> String {
        guard let text = unsafe magic_error(cookie) else { return "no reason given" }
        return unsafe PrintableText.escaping(String(cString: text))
    }
}
