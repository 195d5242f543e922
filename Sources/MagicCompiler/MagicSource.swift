/// What is wrong in a magic source file, with its place.
struct MagicSourceError: Error, Equatable, CustomStringConvertible {
    let file: String
    let line: Int
    let message: String

    /// The form that editors and build logs understand.
    var description: String { "\(file):\(line): error: \(message)" }
}

/// A top-level entry of a magic source file, with what its comment says of it.
struct MagicEntry: Equatable {
    let file: String
    /// Line of the entry itself, from 1.
    let line: Int
    /// Bytes that libmagic must name by this entry.
    let sample: [UInt8]
    /// Descriptions that the entry and its continuations print, without what a number is put into.
    let descriptions: [String]
}

/// Reads a file in libmagic's own language (magic(5)) as far as this project's rules on it go.
///
/// Each top-level entry stands under a comment with `# Citation:` (where the format is documented) and `# Sample:`
/// (offset and hexadecimal bytes, `0:456c66,8:01`): nothing is recognised that nobody can look up or that no test sees.
enum MagicSource {
    /// Size of the buffer that a sample's bytes are laid in, the rest being zeros.
    static let sampleSize = 4096

    static func entries(of text: String, file: String) throws(MagicSourceError) -> [MagicEntry] {
        var entries: [MagicEntry] = []
        var citation = false
        var sample: [UInt8]?
        var open: (line: Int, sample: [UInt8], descriptions: [String])?
        func close() {
            if let open {
                entries.append(
                    MagicEntry(file: file, line: open.line, sample: open.sample, descriptions: open.descriptions))
            }
        }
        for (index, content) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = index + 1
            guard let first = content.first else { continue }
            if first == "#" {
                if content.hasPrefix("# Citation:") { citation = true }
                if content.hasPrefix("# Sample:") {
                    let value = content.dropFirst("# Sample:".count)
                    guard let bytes = sampleBytes(value) else {
                        throw MagicSourceError(
                            file: file, line: line, message: "a sample is OFFSET:HEX[,OFFSET:HEX…] within 4096 bytes")
                    }
                    sample = bytes
                }
            } else if first == ">" {
                if let description = description(of: content) { open?.descriptions.append(description) }
            } else if first != "!" {
                guard citation else {
                    throw MagicSourceError(
                        file: file, line: line, message: "the entry has no '# Citation:' comment above it")
                }
                guard let bytes = sample else {
                    throw MagicSourceError(
                        file: file, line: line, message: "the entry has no '# Sample:' comment above it")
                }
                close()
                open = (line, bytes, description(of: content).map { [$0] } ?? [])
                citation = false
                sample = nil
            }
        }
        close()
        return entries
    }

    /// The fourth field of a line, up to the first number that is put into it.
    private static func description(of line: Substring) -> String? {
        let fields = line.split(separator: "\t", maxSplits: 3)
        guard fields.count == 4 else { return nil }
        return String(fields[3].prefix { $0 != "%" })
    }

    private static func sampleBytes(_ text: Substring) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: sampleSize)
        for part in text.filter({ $0 != " " }).split(separator: ",") {
            let fields = part.split(separator: ":")
            guard fields.count == 2, let offset = Int(fields[0]), fields[1].utf8.count % 2 == 0 else { return nil }
            var at = offset
            var digits = fields[1][...]
            while !digits.isEmpty {
                guard bytes.indices.contains(at), let byte = UInt8(digits.prefix(2), radix: 16) else { return nil }
                bytes[at] = byte
                digits = digits.dropFirst(2)
                at += 1
            }
        }
        return bytes
    }
}
