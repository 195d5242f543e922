internal import CMagic
internal import Glibc

/// Facts about the libmagic that this process is linked with.
public enum MagicLibrary {
    /// Version as libmagic's own documentation writes it, for example "5.44". Wraps `magic_version`.
    public static var version: String {
        let number = Int(magic_version())
        let minor = number % 100
        return "\(number / 100).\(minor < 10 ? "0" : "")\(minor)"
    }

    /// Paths under which libmagic looks for its compiled database, in its order. Wraps `magic_getpath`.
    ///
    /// The environment variable `MAGIC` and a database in the home directory come into it, as they do for every user
    /// of the library; provenance therefore names the digest of what was really loaded.
    static func databasePaths() -> [String] {
        // libmagic keeps the answer in static memory; it is copied at once.
        guard let list = unsafe magic_getpath(nil, 0) else { return [] }
        return unsafe String(cString: list).split(separator: ":").map { component in
            component.hasSuffix(".mgc") ? String(component) : component + ".mgc"
        }
    }

    /// Makes libmagic print times in UTC: it knows only the time zone of the process, and a description must not
    /// depend on where an examiner sits. Done once, before the first session opens; Exhibit itself uses UTC only.
    static let usesUTC: Bool = {
        let isSet = unsafe setenv("TZ", "UTC0", 1) == 0
        tzset()
        return isSet
    }()
}
