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

    /// A walker; its finds may have a narrower type.
    private static func listed(_ walker: any FormatWalker) -> ListedFormat {
        let known = typesOfWalkers[walker.name]
        return ListedFormat(
            name: walker.name, source: Self.walkers, mime: known?.mime ?? "", extensions: known?.extensions ?? [],
            signatures: walker.signatures, walker: walker.name)
    }

    /// By name. Of a family whose members its walker tells apart file by file, the type of the plainest of them stands here.
    static let typesOfWalkers: [String: (mime: String, extensions: [String])] = [
        "7z": ("application/x-7z-compressed", ["7z"]),
        "ace": ("application/x-ace-compressed", ["ace"]),
        "adts": ("audio/aac", ["aac"]),
        "age": ("application/age-encryption", ["age"]),
        "aiff": ("audio/x-aiff", ["aif", "aifc"]),
        "amr": ("audio/amr", ["amr", "awb"]),
        "ape": ("audio/x-ape", ["ape"]),
        "ar": ("application/x-archive", ["a", "deb"]),
        "arj": ("application/x-arj", ["arj"]),
        "asf": ("video/x-ms-asf", ["wmv", "wma", "asf"]),
        "au": ("audio/basic", ["au"]),
        "bdb": ("application/x-dbm", ["db", "dat"]),
        "bitcoinj": ("application/octet-stream", ["wallet"]),
        "bitlocker": ("application/x-bitlocker", ["bde"]),
        "bmp": ("image/bmp", ["bmp"]),
        "bplist": ("application/x-bplist", ["plist"]),
        "bzip2": ("application/x-bzip2", ["bz2"]),
        "cab": ("application/vnd.ms-cab-compressed", ["cab"]),
        "caf": ("audio/x-caf", ["caf"]),
        "chm": ("application/vnd.ms-htmlhelp", ["chm"]),
        "class": ("application/java-vm", ["class"]),
        "cpio": ("application/x-cpio", ["cpio"]),
        "csv": ("text/csv", ["csv"]),
        "custom-destinations": ("application/x-ms-jumplist", ["customDestinations-ms"]),
        "dbx": ("application/x-outlook-express", ["dbx"]),
        "dds": ("image/vnd-ms.dds", ["dds"]),
        "der": ("application/octet-stream", ["der", "cer", "p12", "p7s"]),
        "dex": ("application/vnd.android.dex", ["dex", "odex"]),
        "djvu": ("image/vnd.djvu", ["djvu"]),
        "dmg": ("application/x-apple-diskimage", ["dmg"]),
        "electrum": ("text/plain", ["wallet"]),
        "elf": ("application/x-executable", ["elf", "so"]),
        "emf": ("image/emf", ["emf"]),
        "eml": ("message/rfc822", ["eml"]),
        "ese": ("application/x-ms-ese", ["edb", "dat"]),
        "evt": ("application/x-ms-evt", ["evt"]),
        "evtx": ("application/x-ms-evtx", ["evtx"]),
        "evtx-chunk": ("application/x-ms-evtx", ["evtx"]),
        "exr": ("image/x-exr", ["exr"]),
        "flac": ("audio/flac", ["flac"]),
        "flv": ("video/x-flv", ["flv"]),
        "gif": ("image/gif", ["gif"]),
        "gzip": ("application/gzip", ["gz", "tgz"]),
        "hbin": ("application/x-ms-registry", ["hbin"]),
        "ico": ("image/x-icon", ["ico", "cur"]),
        "iso-media": ("video/mp4", ["mp4", "m4a", "mov", "3gp", "heic", "avif"]),
        "iso9660": ("application/x-iso9660-image", ["iso"]),
        "journal": ("application/x-systemd-journal", ["journal"]),
        "jpeg": ("image/jpeg", ["jpg", "mpo"]),
        "jpeg2000": ("image/jp2", ["jp2", "j2k"]),
        "json": ("application/json", ["json"]),
        "keepass": ("application/x-keepass2", ["kdbx", "kdb"]),
        "leveldb-log": ("application/x-leveldb", ["log"]),
        "leveldb-table": ("application/x-leveldb", ["ldb", "sst"]),
        "lha": ("application/x-lha", ["lzh", "lha"]),
        "lnk": ("application/x-ms-shortcut", ["lnk"]),
        "luks": ("application/x-luks", ["luks"]),
        "lz4": ("application/x-lz4", ["lz4"]),
        "lzip": ("application/lzip", ["lz"]),
        "mach-o": ("application/x-mach-binary", ["macho", "dylib"]),
        "markup": ("application/xml", ["html", "xml", "svg", "plist"]),
        "matroska": ("video/x-matroska", ["mkv", "webm"]),
        "mbox": ("application/mbox", ["mbox"]),
        "mft": ("application/x-ntfs-mft", ["mft"]),
        "midi": ("audio/midi", ["mid"]),
        "mpeg-audio": ("audio/mpeg", ["mp3", "mp2"]),
        "mpeg-ps": ("video/mpeg", ["mpg", "vob"]),
        "mpeg-ts": ("video/mp2t", ["ts", "m2ts"]),
        "ogg": ("audio/ogg", ["ogg", "opus", "ogv"]),
        "ole2": ("application/x-ole-storage", ["doc", "xls", "ppt", "msg", "msi"]),
        "pcap": ("application/vnd.tcpdump.pcap", ["pcap", "pcapng"]),
        "pdf": ("application/pdf", ["pdf"]),
        "pe": ("application/vnd.microsoft.portable-executable", ["exe", "dll"]),
        "pem": ("application/x-pem-file", ["pem"]),
        "pgp": ("application/pgp-encrypted", ["pgp", "gpg"]),
        "pgp-armor": ("application/pgp-encrypted", ["asc"]),
        "png": ("image/png", ["png"]),
        "postscript": ("application/postscript", ["ps", "eps"]),
        "prefetch": ("application/x-ms-prefetch", ["pf"]),
        "psd": ("image/vnd.adobe.photoshop", ["psd", "psb"]),
        "pst": ("application/vnd.ms-outlook-pst", ["pst", "ost"]),
        "radiance": ("image/vnd.radiance", ["hdr"]),
        "raf": ("image/x-fuji-raf", ["raf"]),
        "rar": ("application/vnd.rar", ["rar"]),
        "recycled": ("application/x-ms-recycle-bin", []),
        "regf": ("application/x-ms-registry", ["hive", "dat"]),
        "riff": ("video/x-msvideo", ["avi", "wav", "webp"]),
        "rpm": ("application/x-rpm", ["rpm"]),
        "rtf": ("text/rtf", ["rtf"]),
        "sfnt": ("font/ttf", ["ttf", "otf"]),
        "sqlite": ("application/vnd.sqlite3", ["sqlite", "db"]),
        "sqlite-journal": ("application/vnd.sqlite3", ["sqlite-journal"]),
        "sqlite-wal": ("application/vnd.sqlite3", ["sqlite-wal"]),
        "swf": ("application/vnd.adobe.flash.movie", ["swf"]),
        "tar": ("application/x-tar", ["tar"]),
        "thumbcache": ("application/x-ms-thumbcache", ["db"]),
        "tiff": ("image/tiff", ["tif", "dng", "nef", "cr2", "arw", "orf", "pef"]),
        "torrent": ("application/x-bittorrent", ["torrent"]),
        "usn-journal": ("application/x-ntfs-usn-journal", ["usn"]),
        "vcard": ("text/vcard", ["vcf", "ics"]),
        "voc": ("audio/x-voc", ["voc"]),
        "wasm": ("application/wasm", ["wasm"]),
        "wavpack": ("audio/x-wavpack", ["wv"]),
        "wim": ("application/x-ms-wim", ["wim", "esd"]),
        "wmf": ("image/wmf", ["wmf"]),
        "woff": ("font/woff", ["woff"]),
        "woff2": ("font/woff2", ["woff2"]),
        "xz": ("application/x-xz", ["xz"]),
        "zip": ("application/zip", ["zip", "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub", "jar", "apk"]),
        "zstd": ("application/zstd", ["zst"]),
    ]
}

extension WalkerSignature {
    /// True when the other signature stands wherever this one does.
    fileprivate func holds(_ other: WalkerSignature) -> Bool {
        guard other.offset >= offset, other.offset + other.bytes.count <= offset + bytes.count else { return false }
        return bytes.dropFirst(other.offset - offset).starts(with: other.bytes)
    }
}
