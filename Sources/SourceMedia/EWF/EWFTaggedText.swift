import EvidenceModel

/// The text of sections `xheader` and `xhash` that ewfacquire writes in its format "ewfx": one XML element a value.
///
/// Not read as XML: only elements without attributes that hold text and no element, which is all that is written there.
struct EWFTaggedText {
    /// Most elements that are kept.
    static let mostElements = 256

    /// Names in lower case and values, in their order.
    let elements: [(name: String, value: String)]

    /// - Parameter text: as it was inflated, without control characters.
    init(_ text: String) {
        var elements: [(name: String, value: String)] = []
        // Each piece is "name>value" or "/name>…".
        let pieces = text.split(separator: "<", omittingEmptySubsequences: true)
        for (piece, following) in zip(pieces, pieces.dropFirst()) where elements.count < Self.mostElements {
            guard let end = piece.firstIndex(of: ">") else { continue }
            let name = piece[..<end]
            guard !name.isEmpty, following.hasPrefix("/\(name)>") else { continue }
            let value = Self.plain(piece[piece.index(after: end)...].prefix(EWFHeaderText.longestValue))
            elements.append((name.lowercased(), value))
        }
        self.elements = elements
    }

    /// What the elements of `xheader` say, under the names that the other header sections use.
    var properties: [SourceProperty] {
        elements.compactMap { element in
            guard let name = Self.names[element.name], !element.value.isEmpty else { return nil }
            return SourceProperty(name, element.value)
        }
    }

    /// The digests that the elements of `xhash` state.
    var digests: [Digest] {
        elements.compactMap { element in
            guard let algorithm = Self.algorithms[element.name], let bytes = Hex.decode(element.value.lowercased()),
                bytes.count == algorithm.byteCount
            else { return nil }
            return Digest(algorithm, bytes)
        }
    }

    private static let names = [
        "case_number": "case_number", "evidence_number": "evidence_number", "description": "description",
        "examiner_name": "examiner", "notes": "notes", "acquiry_software_version": "software",
        "acquiry_operating_system": "system", "acquiry_date": "acquired", "system_date": "system_date",
        "model": "model", "serial_number": "serial", "device_label": "device_label", "process_identifier": "process",
    ]

    private static let algorithms: [String: DigestAlgorithm] = ["md5": .md5, "sha1": .sha1, "sha256": .sha256]

    /// The five entities of XML as the characters that they stand for.
    private static func plain(_ text: Substring) -> String {
        let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        return entities.reduce(String(text)) { $0.replacing($1.0, with: $1.1) }
    }
}
