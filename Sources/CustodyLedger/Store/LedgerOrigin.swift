import EvidenceModel

/// The name of one ledger, which every entry and checkpoint bears:
/// "<lab domain>/custody/<case number>/<16 hexadecimal digits of the genesis nonce>".
enum LedgerOrigin {
    /// Longest case number, in bytes of UTF-8.
    static let longestCaseNumber = 200

    /// - Parameter caseNumber: as the laboratory writes it; what is not `A-Z a-z 0-9 . _ ~ -` is percent-encoded, so
    ///   that "2026/17 A" cannot pass for another path.
    static func make(labDomain: String, caseNumber: String, nonce: [UInt8]) throws(LedgerError) -> String {
        let isDomain = labDomain.utf8.allSatisfy {
            (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
        }
        guard isDomain, !labDomain.isEmpty, labDomain.utf8.count <= 253 else {
            throw LedgerError(
                .invalidDraft, "\"\(labDomain)\" is no domain name: use lower-case letters, digits, dots and hyphens")
        }
        guard !caseNumber.isEmpty, caseNumber.utf8.count <= longestCaseNumber else {
            throw LedgerError(.invalidDraft, "a case number has 1 to \(longestCaseNumber) bytes")
        }
        guard nonce.count == LedgerGenesis.nonceLength else {
            throw LedgerError(.invalidDraft, "the genesis nonce has \(LedgerGenesis.nonceLength) bytes")
        }
        return prefix(labDomain: labDomain, caseNumber: caseNumber) + Hex.encode(nonce.prefix(8))
    }

    /// What all ledgers of one case at one laboratory share; nil when the origin has another form.
    static func casePrefix(of origin: String) -> String? {
        let parts = origin.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[1] == "custody", parts[3].utf8.count == 16, Hex.decode(String(parts[3])) != nil
        else { return nil }
        return parts.dropLast().joined(separator: "/") + "/"
    }

    /// Whether the origin is the one that this genesis makes.
    static func matches(_ origin: String, caseNumber: String, nonce: [UInt8]) -> Bool {
        guard let domain = origin.split(separator: "/", omittingEmptySubsequences: false).first else { return false }
        return origin == prefix(labDomain: String(domain), caseNumber: caseNumber) + Hex.encode(nonce.prefix(8))
    }

    private static func prefix(labDomain: String, caseNumber: String) -> String {
        labDomain + "/custody/" + percentEncoded(caseNumber) + "/"
    }

    private static func percentEncoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return result
    }
}
