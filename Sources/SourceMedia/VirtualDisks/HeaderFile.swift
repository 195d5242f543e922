import EvidenceModel

/// A file whose header is read with every length checked.
struct HeaderFile: Sendable {
    /// Most bytes of one table that are read at a time.
    static let piece = 1 << 20

    let file: ReadOnlyFile
    let name: String

    init(_ file: ReadOnlyFile) {
        self.file = file
        name = SourceOpener.lastComponent(ReadOnlyFile.text(file.path))
    }

    var size: Int { file.size }

    /// Exactly `count` bytes.
    ///
    /// - Throws: ``SourceError``: `damaged` when the file has no such bytes, `unreadable`.
    func bytes(at offset: Int, count: Int, _ what: String) throws(SourceError) -> [UInt8] {
        guard offset >= 0, count >= 0, count <= file.size, offset <= file.size - count else {
            throw damaged("its \(what) should lie at byte \(offset), but the file has \(file.size) bytes")
        }
        let bytes = try available(at: offset, count: count)
        guard bytes.count == count else { throw damaged("its \(what) cannot be read whole") }
        return bytes
    }

    /// Up to `count` bytes; fewer at the end of the file.
    ///
    /// - Throws: ``SourceError`` with code `unreadable`.
    func available(at offset: Int, count: Int) throws(SourceError) -> [UInt8] {
        guard offset >= 0, offset < file.size, count > 0 else { return [] }
        var buffer = [UInt8](repeating: 0, count: min(count, file.size - offset))
        var room = buffer.mutableSpan
        let (filled, error) = file.read(at: offset, into: &room)
        if let error { throw ReadOnlyFile.failure(to: "read", file.path, error) }
        buffer.removeLast(buffer.count - filled)
        return buffer
    }

    /// Goes through a table of entries of `width` bytes, a bounded piece at a time.
    ///
    /// A table that the file does not hold whole is gone through as far as it is there; the answer says how many
    /// entries were.
    func entries(
        at offset: Int, count: Int, width: Int, _ body: (Int, [UInt8], Int) throws(SourceError) -> Void
    ) throws(SourceError) -> Int {
        guard offset >= 0, count > 0, offset < size else { return 0 }
        let present = min(count, (size - offset) / width)
        let step = Self.piece / width
        for first in stride(from: 0, to: present, by: step) {
            let number = min(step, present - first)
            let bytes = try bytes(at: offset + first * width, count: number * width, "table")
            for index in 0..<number { try body(first + index, bytes, index * width) }
        }
        return present
    }

    func damaged(_ what: String) -> SourceError {
        SourceError(
            .damaged,
            "\(ReadOnlyFile.text(file.path)) is damaged: \(what). Nothing was taken in. Copy it again from its source."
        )
    }

    func unsupported(_ what: String, _ remedy: String) -> SourceError {
        SourceError(.unsupported, "\(ReadOnlyFile.text(file.path)) \(what). Nothing was taken in. \(remedy)")
    }
}

/// How many bytes of tables may still be read: tables that lie in the file once cannot be larger than the file.
///
/// Without it a small file whose tables all point at the same place would keep us busy for days.
struct TableBudget {
    private let file: HeaderFile
    private var left: Int

    init(_ file: HeaderFile) {
        self.file = file
        left = file.size
    }

    /// - Throws: ``SourceError`` with code `damaged` when the tables must overlap.
    mutating func spend(_ bytes: Int) throws(SourceError) {
        guard bytes <= left else { throw file.damaged("its tables overlap") }
        left -= bytes
    }
}

/// Integers in big-endian order within bytes whose number the caller has checked.
extension Array<UInt8> {
    /// - Precondition: four bytes lie at `offset`.
    func bigEndian32(at offset: Int) -> Int {
        Int(self[offset]) << 24 | Int(self[offset + 1]) << 16 | Int(self[offset + 2]) << 8 | Int(self[offset + 3])
    }

    /// - Precondition: eight bytes lie at `offset`.
    func bigEndian64(at offset: Int) -> UInt64 {
        UInt64(bigEndian32(at: offset)) << 32 | UInt64(bigEndian32(at: offset + 4))
    }
}

/// A number from a header as an `Int`; nil when it is too large for any file.
func fileOffset(_ value: UInt64) -> Int? { value <= 1 << 62 ? Int(value) : nil }

/// Text from a header: printable characters of a bounded number of bytes, without what surrounds them.
func headerText(_ bytes: some Collection<UInt8>) -> String {
    let kept = bytes.prefix(1024).prefix { $0 != 0 }
    let text = String(
        String.UnicodeScalarView(
            String(decoding: kept, as: UTF8.self).unicodeScalars.filter {
                $0.properties.generalCategory != .control && $0.properties.generalCategory != .format
            }))
    let start = text.drop { $0 == " " }
    return String(start.reversed().drop { $0 == " " }.reversed())
}

/// A UUID in its usual form.
///
/// - Parameters:
///   - bytes: 16 of them.
///   - isMixed: the first three fields are little-endian, as Microsoft writes them.
func uuidText(_ bytes: [UInt8], isMixed: Bool) -> String {
    let order = isMixed ? [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] : Array(0..<16)
    let hex = Hex.encode(order.map { bytes[$0] })
    var text = ""
    for (index, character) in hex.enumerated() {
        if [8, 12, 16, 20].contains(index) { text += "-" }
        text.append(character)
    }
    return text
}
