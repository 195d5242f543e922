import EvidenceModel

/// Lists with a digest a line.
///
///     HEX
///     HEX  name            md5sum, sha256sum and their like; HEX *name for binary; \HEX  name with escapes
///     MD5 (name) = HEX     BSD, `sha256sum --tag`; openssl's SHA2-256(name)= HEX
///     MD5: HEX             also "MD5 checksum:  HEX : verified", as imaging programs write it
enum DigestLines {
    /// Shortest digest that is looked for: MD5, 32 digits.
    private static let fewestDigits = 32

    static func read(_ text: [UInt8], into collector: inout KnownDigestCollector) {
        KnownListText.lines(of: text) { line in
            let trimmed = KnownListText.trimmed(line)
            guard let first = trimmed.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else { return }
            guard gnu(line, &collector) || bsd(trimmed, &collector) || labelled(trimmed, &collector) else {
                collector.notUnderstood += 1
                return
            }
        }
    }

    /// `HEX`, `HEX  name`, `HEX *name`, `\HEX  name`.
    private static func gnu(_ line: ArraySlice<UInt8>, _ collector: inout KnownDigestCollector) -> Bool {
        let isEscaped = line.first == UInt8(ascii: "\\")
        let rest = (isEscaped ? line.dropFirst() : line).drop(while: KnownListText.isSpace)
        let hex = rest.prefix(while: KnownListText.isHex)
        guard hex.count >= fewestDigits else { return false }
        let after = rest[hex.endIndex...]
        if KnownListText.trimmed(after).isEmpty {
            collector.add(hex, algorithm: nil, name: nil)
            return true
        }
        guard let space = after.first, space == 0x20 || space == 0x09, after.count >= 2 else { return false }
        // Two spaces, or a space and an asterisk; with one space only (some programs), the name follows it.
        let mark = after[after.startIndex + 1]
        let name = after.dropFirst(mark == 0x20 || mark == UInt8(ascii: "*") ? 2 : 1)
        guard !name.isEmpty else { return false }
        collector.add(hex, algorithm: nil, name: isEscaped ? unescaped(name) : Array(name))
        return true
    }

    /// `MD5 (name) = HEX`, `\MD5 (name) = HEX`, `MD5(name)= HEX`.
    private static func bsd(_ line: ArraySlice<UInt8>, _ collector: inout KnownDigestCollector) -> Bool {
        let isEscaped = line.first == UInt8(ascii: "\\")
        let rest = isEscaped ? line.dropFirst() : line
        guard let open = rest.firstIndex(of: UInt8(ascii: "(")) else { return false }
        let label = String(decoding: KnownListText.trimmed(rest[..<open]), as: UTF8.self)
        guard DigestNames.isLabel(label), let close = rest.lastIndex(of: UInt8(ascii: ")")), close > open + 1 else {
            return false
        }
        let tail = KnownListText.trimmed(rest[(close + 1)...])
        guard tail.first == UInt8(ascii: "=") else { return false }
        let hex = KnownListText.trimmed(tail.dropFirst())
        guard !hex.isEmpty, hex.allSatisfy(KnownListText.isHex) else { return false }
        let name = rest[(open + 1)..<close]
        collector.add(hex, algorithm: label, name: isEscaped ? unescaped(name) : Array(name))
        return true
    }

    /// `MD5: HEX`, `SHA1 checksum:   HEX : verified`, `sha256 = HEX`, `SHA-256 HEX`.
    private static func labelled(_ line: ArraySlice<UInt8>, _ collector: inout KnownDigestCollector) -> Bool {
        let isBreak: (UInt8) -> Bool = {
            $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "=") || KnownListText.isSpace($0)
        }
        let words = line.split(whereSeparator: isBreak).map { String(decoding: $0, as: UTF8.self) }
        guard let label = words.first(where: DigestNames.isLabel) else { return false }
        let digests = words.filter { $0.utf8.count >= fewestDigits && $0.utf8.allSatisfy(KnownListText.isHex) }
        // Two digests in one line, "computed … stored …", would leave open which of them is meant.
        guard let hex = digests.first, digests.count == 1 else { return false }
        collector.add(Array(hex.utf8), algorithm: label, name: nil)
        return true
    }

    /// The escapes of coreutils: `\\`, `\n` and `\r`.
    static func unescaped(_ name: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var isAfterBackslash = false
        for byte in name {
            if isAfterBackslash {
                switch byte {
                case UInt8(ascii: "n"): result.append(0x0A)
                case UInt8(ascii: "r"): result.append(0x0D)
                case UInt8(ascii: "\\"): result.append(byte)
                default: result += [UInt8(ascii: "\\"), byte]
                }
                isAfterBackslash = false
            } else if byte == UInt8(ascii: "\\") {
                isAfterBackslash = true
            } else {
                result.append(byte)
            }
        }
        return isAfterBackslash ? result + [UInt8(ascii: "\\")] : result
    }
}
