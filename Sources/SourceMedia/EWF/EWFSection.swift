/// The descriptor that begins every section of a segment file: what follows, and where the next one lies.
struct EWFSection: Hashable {
    /// Bytes of a descriptor.
    static let descriptorSize = 76

    /// For example "table2"; the bytes up to the first NUL.
    let type: String
    /// Where the descriptor lies in the file, in bytes.
    let offset: Int
    /// Where the next descriptor lies; the section's own offset in the last one.
    let next: UInt64
    /// Bytes of descriptor and content; some writers leave it zero in the last section.
    let size: UInt64
    /// True when the Adler-32 of the descriptor holds.
    let isIntact: Bool

    /// - Precondition: `bytes` holds a whole descriptor.
    init(_ bytes: [UInt8], at offset: Int) {
        type = String(decoding: bytes.prefix(16).prefix { $0 != 0 }, as: UTF8.self)
        self.offset = offset
        next = bytes.littleEndian64(at: 16)
        size = bytes.littleEndian64(at: 24)
        isIntact = Adler32.holds(bytes, count: 72, storedAt: 72)
    }

    var contentStart: Int { offset + Self.descriptorSize }

    /// True for the section that ends a segment.
    var endsSegment: Bool { type == "next" || type == "done" }

    /// First byte after the section: not before its content, and at most the end of the file, which holds the descriptor.
    func end(fileSize: Int) -> Int {
        let bySize = UInt64(offset) &+ size
        if size >= UInt64(Self.descriptorSize), bySize <= UInt64(fileSize), bySize > UInt64(offset) {
            return Int(bySize)
        }
        return next >= UInt64(contentStart) && next <= UInt64(fileSize) ? Int(next) : max(contentStart, fileSize)
    }
}
