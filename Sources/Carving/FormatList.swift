public import FormatIdentification

/// A format that a carving run looks for, and how it finds the end of its files.
public struct ListedFormat: Hashable, Sendable {
    /// A walker's name, or the words of a database; a MIME type or nothing where a database has none.
    public var name: String
    /// Where its signatures come from: ``FormatList/walkers``, or the name of a database.
    public var source: String
    /// MIME type; empty where none is stated or only the walker itself tells it.
    public var mime: String
    /// File name extensions without the dot, as far as they are stated.
    public var extensions: [String]
    /// The fixed bytes by which it is found.
    public var signatures: [WalkerSignature]
    /// The walker that is asked wherever these signatures stand; nil where libmagic alone names it, and the file ends by
    /// the rules for finds of confidence `header`.
    public var walker: String?
}

/// Every format that a carving run looks for.
public struct FormatList: Sendable {
    /// The source of the walkers' own signatures.
    public static let walkers = "walker"

    /// The walkers in their order, then the databases in theirs.
    public let formats: [ListedFormat]
    /// Of each database: its top-level tests, and those of them that make candidates.
    public let databases: [(name: String, tests: Int, searched: Int)]
    /// Signatures of the databases that are not searched for, and why.
    public let leftOut: SignatureIndex.LeftOut
    /// Top-level tests that compare no fixed bytes at a fixed offset: they name finds, and make no candidates.
    public let otherTests: Int

    /// The formats of a run with these walkers and databases.
    public init(walkers: [any FormatWalker] = allFormatWalkers, magic: MagicDatabases) {
        let index = SignatureIndex.forCarving(walkers: walkers, magic: magic)
        let searched = Set(index.signatures.dropFirst(index.walkerCount))
        var formats = walkers.map { Self.listed($0) }
        var databases: [(name: String, tests: Int, searched: Int)] = []
        var otherTests = 0
        for content in magic.contents {
            let usable = content.signatures.filter { searched.contains($0) }
            databases.append((content.name, content.topLevelCount, usable.count))
            otherTests += content.topLevelCount - content.signatures.count
            var places: [ListedFormat: Int] = [:]
            for signature in usable {
                let bytes = WalkerSignature(signature.bytes, at: signature.offset)
                var format = ListedFormat(
                    name: signature.description.isEmpty ? signature.mime : signature.description,
                    source: content.name, mime: signature.mime, extensions: signature.extensions, signatures: [],
                    walker: walkers.first { $0.signatures.contains { bytes.holds($0) } }?.name)
                if !format.name.isEmpty, let place = places[format] {
                    formats[place].signatures.append(bytes)
                } else {
                    places[format] = formats.count
                    format.signatures = [bytes]
                    formats.append(format)
                }
            }
        }
        self.formats = formats
        self.databases = databases
        self.leftOut = index.leftOut
        self.otherTests = otherTests
    }

    /// A walker; MIME type and extensions where its files have one of their own.
    private static func listed(_ walker: any FormatWalker) -> ListedFormat {
        let known = typesOfWalkers[walker.name]
        return ListedFormat(
            name: walker.name, source: Self.walkers, mime: known?.mime ?? "", extensions: known?.extensions ?? [],
            signatures: walker.signatures, walker: walker.name)
    }

    /// By name. A family whose members have types of their own is told apart by its walker, file by file, and has none.
    private static let typesOfWalkers: [String: (mime: String, extensions: [String])] = [
        "jpeg": ("image/jpeg", ["jpg"]), "png": ("image/png", ["png"]), "gif": ("image/gif", ["gif"]),
        "bmp": ("image/bmp", ["bmp"]), "riff": ("", ["avi", "wav", "webp"]), "aiff": ("", ["aif", "aifc"]),
        "tiff": ("", ["tif", "dng", "nef", "cr2", "arw", "orf", "pef"]),
        "iso-media": ("", ["mp4", "m4a", "mov", "3gp", "heic", "avif"]), "flac": ("audio/flac", ["flac"]),
        "mpeg-audio": ("audio/mpeg", ["mp3", "mp2"]), "ogg": ("", ["ogg", "opus", "ogv"]),
        "psd": ("image/vnd.adobe.photoshop", ["psd", "psb"]), "ico": ("image/x-icon", ["ico", "cur"]),
        "jpeg2000": ("", ["jp2", "j2k"]), "matroska": ("", ["mkv", "webm"]), "asf": ("", ["wmv", "wma", "asf"]),
        "flv": ("video/x-flv", ["flv"]), "swf": ("application/vnd.adobe.flash.movie", ["swf"]),
        "gzip": ("application/gzip", ["gz"]),
        "zip": ("", ["zip", "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub", "jar", "apk"]),
        "pdf": ("application/pdf", ["pdf"]), "sqlite": ("application/vnd.sqlite3", ["sqlite"]),
        "ole2": ("", ["doc", "xls", "ppt", "msg", "msi"]), "elf": ("", ["elf"]), "evtx": ("", ["evtx"]),
        "regf": ("", ["hive"]), "markup": ("", ["html", "xml", "svg", "plist"]), "pe": ("", ["exe", "dll"]),
        "7z": ("application/x-7z-compressed", ["7z"]), "rar": ("application/vnd.rar", ["rar"]),
        "tar": ("application/x-tar", ["tar"]), "bzip2": ("application/x-bzip2", ["bz2"]),
        "xz": ("application/x-xz", ["xz"]), "zstd": ("application/zstd", ["zst"]), "rtf": ("text/rtf", ["rtf"]),
        "eml": ("message/rfc822", ["eml"]), "pem": ("", ["pem"]), "vcard": ("", ["vcf", "ics"]),
        "bplist": ("", ["plist"]), "lnk": ("application/x-ms-shortcut", ["lnk"]), "sfnt": ("", ["ttf", "otf"]),
        "class": ("application/java-vm", ["class"]), "cab": ("application/vnd.ms-cab-compressed", ["cab"]),
        "chm": ("application/vnd.ms-htmlhelp", ["chm"]), "prefetch": ("", ["pf"]),
        "pst": ("application/vnd.ms-outlook", ["pst", "ost"]), "torrent": ("application/x-bittorrent", ["torrent"]),
        "pcap": ("", ["pcap", "pcapng"]),
    ]
}

extension WalkerSignature {
    /// True when the other signature stands wherever this one does.
    fileprivate func holds(_ other: WalkerSignature) -> Bool {
        guard other.offset >= offset, other.offset + other.bytes.count <= offset + bytes.count else { return false }
        return bytes.dropFirst(other.offset - offset).starts(with: other.bytes)
    }
}
