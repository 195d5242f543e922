/// How sure the carver is that an artifact is a whole file of its format.
public enum Confidence: String, CaseIterable, Hashable, Sendable {
    /// The format's own checksums hold over the whole content.
    case proven
    /// The format's structure was walked to its own end and is consistent.
    case structural
    /// Recognised by its signature and ended by a rule of thumb: may be cut or too long.
    case header
    /// Begins as its format does, but its structure breaks before its end.
    case broken
}

/// Where an artifact was found.
public enum ArtifactOrigin: String, Hashable, Sendable {
    case carved
    case filesystem
    case embedded
}

/// One catalogued find on an evidence item: extents and digests, not a copy.
public struct Artifact: Hashable, Sendable {
    /// First 16 hexadecimal digits of a SHA-256 over item, format and extents, and of an embedded file over its parent
    /// and path too: the same find has the same id.
    public var id: String
    /// The evidence item it was found on, for example "E001".
    public var item: String
    public var origin: ArtifactOrigin
    /// MIME type.
    public var mime: String
    /// Exhibit's name of the format, for example "jpeg" or "docx".
    public var format: String
    /// File name extension without the dot.
    public var fileExtension: String
    /// What libmagic says of the content.
    public var description: String
    /// Bytes of the content: the sum of the extents' lengths, unless it is decoded.
    public var size: Int
    public var sha256: Digest
    public var md5: Digest
    public var extents: [Extent]
    public var confidence: Confidence
    /// Id of the artifact it was taken out of.
    public var parent: String?
    /// Forensic path: where it lies, readable, for example "E001/offset-4096".
    public var path: String
    /// What an examiner wants to see at a glance: pixels, dates, camera, author, page count.
    public var facts: [String: CanonicalValue]
    /// What is odd about it.
    public var warnings: [String]
    /// How the content comes of the extents' bytes, for example "deflate" or "gzip/tar"; nil when it is their
    /// concatenation.
    public var decoding: String?

    public init(
        id: String, item: String, origin: ArtifactOrigin, mime: String, format: String, fileExtension: String,
        description: String, size: Int, sha256: Digest, md5: Digest, extents: [Extent], confidence: Confidence,
        parent: String?, path: String, facts: [String: CanonicalValue], warnings: [String], decoding: String? = nil
    ) {
        self.id = id
        self.item = item
        self.origin = origin
        self.mime = mime
        self.format = format
        self.fileExtension = fileExtension
        self.description = description
        self.size = size
        self.sha256 = sha256
        self.md5 = md5
        self.extents = extents
        self.confidence = confidence
        self.parent = parent
        self.path = path
        self.facts = facts
        self.warnings = warnings
        self.decoding = decoding
    }

    /// The catalogue export's order: item, offset of the first extent, id.
    public static func precedesInExport(_ left: Artifact, _ right: Artifact) -> Bool {
        (left.item, left.extents.first?.offset ?? 0, left.id) < (right.item, right.extents.first?.offset ?? 0, right.id)
    }

    /// One line of the catalogue export.
    public var canonical: CanonicalValue {
        var members: [String: CanonicalValue] = [
            "id": .string(id), "item": .string(item), "origin": .string(origin.rawValue), "mime": .string(mime),
            "format": .string(format), "extension": .string(fileExtension), "description": .string(description),
            "size": .size(size), "sha256": .string(sha256.hex), "md5": .string(md5.hex),
            "extents": .array(extents.map { ["offset": .size($0.offset), "length": .size($0.length)] }),
            "confidence": .string(confidence.rawValue), "parent": parent.map { .string($0) } ?? .null,
            "path": .string(path), "facts": .object(facts), "warnings": .array(warnings.map { .string($0) }),
        ]
        if let decoding { members["decoding"] = .string(decoding) }
        return .object(members)
    }
}
