/// The first 13 bytes of a segment file: a signature and the segment's number.
struct EWFFileHeader: Hashable {
    /// Bytes of the header; the first section follows it.
    static let size = 13

    /// What the first bytes of a file say it is.
    enum Family: Hashable {
        /// E01 of EnCase 1 to 7 and its relatives, s01 of SMART: read here.
        case media
        /// L01: single files instead of a medium.
        case logical
        /// Ex01, Lx01: version 2 of the format.
        case secondVersion
        /// An image that AccessData's tools encrypted.
        case encrypted
    }

    let family: Family
    /// Counted from 1; nil for what is not read here or is cut off within the header.
    let segment: Int?

    /// Nil when the bytes are of none of the families.
    init?(_ bytes: [UInt8]) {
        guard let family = Self.signatures.first(where: { bytes.starts(with: $0.bytes) })?.family else { return nil }
        self.family = family
        segment = family == .media && bytes.count >= Self.size ? bytes.littleEndian16(at: 9) : nil
    }

    private static let signatures: [(bytes: [UInt8], family: Family)] = [
        (Array("EVF\t\r\n".utf8) + [0xFF, 0x00], .media),
        (Array("LVF\t\r\n".utf8) + [0xFF, 0x00], .logical),
        (Array("EVF2\r\n".utf8) + [0x81, 0x00], .secondVersion),
        (Array("LEF2\r\n".utf8) + [0x81, 0x00], .secondVersion),
        (Array("ADCRYPT\0".utf8), .encrypted),
    ]
}
