internal import EvidenceModel

/// Times found in evidence, as RFC 3339 text; nil when they are zero or lie outside the years 1970 to 2199.
enum EvidenceTime {
    /// A Windows FILETIME: 100 ns since 1601, UTC.
    static func fileTime(_ value: UInt64) -> CanonicalValue? {
        time(milliseconds: Int64(value / 10_000) - 11_644_473_600_000)
    }

    /// Seconds since 1970, UTC.
    static func posix(_ seconds: Int) -> CanonicalValue? {
        guard seconds < 10_000_000_000 else { return nil }
        return time(milliseconds: Int64(seconds) * 1000)
    }

    private static func time(milliseconds: Int64) -> CanonicalValue? {
        guard milliseconds > 0, milliseconds < 7_258_118_400_000 else { return nil }
        return .string(UTCTime(milliseconds: milliseconds).rfc3339)
    }
}
