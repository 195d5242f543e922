/// When a member was last changed, as one of its two headers states it: in MS-DOS form (APPNOTE 4.4.6), and in Unix time
/// where Info-ZIP's extra field 5455 says so.
///
/// Writers state the same in both headers. Where the two differ, the header may be another archive's: no checksum covers it.
struct ZipTimes {
    private let dos: UInt32
    /// Seconds since 1970, as far as 32 bits hold them; 0 where it is not stated.
    private let unix: UInt32

    /// - Parameters:
    ///   - field: where the header's time stands.
    ///   - extra: the extra field.
    init(_ input: WalkInput, at field: Int, extra: Range<Int>) throws(WalkStop) {
        dos = UInt32(truncatingIfNeeded: try input.u32le(field))
        unix = input.fits(extra.lowerBound, extra.count) ? try Self.extended(input, in: extra) : 0
    }

    private static func extended(_ input: WalkInput, in extra: Range<Int>) throws(WalkStop) -> UInt32 {
        var at = extra.lowerBound
        while extra.upperBound - at >= 4 {
            let end = at + 4 + (try input.u16le(at + 2))
            guard end <= extra.upperBound else { break }
            if try input.u16le(at) == 0x5455, end - at >= 9, try input.u8(at + 4) & 1 == 1 {
                return UInt32(truncatingIfNeeded: try input.u32le(at + 5))
            }
            at = end
        }
        return 0
    }

    func contradicts(_ other: ZipTimes) -> Bool {
        dos != other.dos || unix != 0 && other.unix != 0 && unix != other.unix
    }
}
