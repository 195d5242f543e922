public import EvidenceModel

extension Artifact {
    /// Reads one line of the catalogue export.
    ///
    /// - Throws: ``CatalogError`` with code `damaged` when it is not what ``Artifact/canonical`` writes.
    public init(catalogLine line: String) throws(CatalogError) {
        let value: CanonicalValue
        do {
            value = try CanonicalValue(parsing: Array(line.utf8))
        } catch {
            throw CatalogError(
                .damaged, "A line of the catalogue is damaged: \(error). Rebuild it with `exhibit carve`.")
        }
        guard let artifact = Artifact(value), artifact.canonical == value else {
            throw CatalogError(
                .damaged,
                "A line of the catalogue lacks a field or has an unknown one. Rebuild it with `exhibit carve`.")
        }
        self = artifact
    }

    private init?(_ value: CanonicalValue) {
        guard let id = value["id"]?.string, let item = value["item"]?.string,
            let origin = value["origin"]?.string.flatMap({ ArtifactOrigin(rawValue: $0) }),
            let mime = value["mime"]?.string, let format = value["format"]?.string,
            let fileExtension = value["extension"]?.string, let description = value["description"]?.string,
            let size = value["size"]?.size,
            let sha256 = value["sha256"]?.string.flatMap({ Digest(.sha256, hex: $0) }),
            let md5 = value["md5"]?.string.flatMap({ Digest(.md5, hex: $0) }),
            let extents = value["extents"]?.array?.compactMap({ Self.extent($0) }),
            let confidence = value["confidence"]?.string.flatMap({ Confidence(rawValue: $0) }),
            let path = value["path"]?.string, case .object(let facts) = value["facts"],
            let warnings = value["warnings"]?.array?.compactMap(\.string)
        else { return nil }
        self.init(
            id: id, item: item, origin: origin, mime: mime, format: format, fileExtension: fileExtension,
            description: description, size: size, sha256: sha256, md5: md5, extents: extents, confidence: confidence,
            parent: value["parent"]?.string, path: path, facts: facts, warnings: warnings,
            decoding: value["decoding"]?.string)
    }

    private static func extent(_ value: CanonicalValue) -> Extent? {
        guard let offset = value["offset"]?.size, let length = value["length"]?.size, offset >= 0, length >= 0,
            !offset.addingReportingOverflow(length).overflow
        else { return nil }
        return Extent(offset: offset, length: length)
    }
}
