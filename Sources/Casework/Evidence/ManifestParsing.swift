import EvidenceModel
import SourceMedia

extension EvidenceManifest {
    /// Reads a manifest and demands that it re-encodes to the same bytes.
    ///
    /// - Throws: ``CaseError``: `damaged`, `newerVersion`.
    public init(parsing bytes: [UInt8]) throws(CaseError) {
        let value: CanonicalValue
        do {
            value = try CanonicalValue(parsing: bytes)
        } catch {
            throw CaseError(.damaged, "The manifest is damaged: \(error). It is not what was signed.")
        }
        guard value["type"]?.string == Self.type, let version = value["v"]?.integer else {
            throw CaseError(.damaged, "This is not an evidence manifest.")
        }
        guard version <= Self.version else {
            throw CaseError(
                .newerVersion,
                "The manifest has layout \(version); this version of Exhibit knows \(Self.version). Use a later one.")
        }
        let reader = ManifestReader(value)
        guard let manifest = reader.manifest(), manifest.canonical == value else {
            throw CaseError(.damaged, "The manifest lacks a field or has one that this version does not know.")
        }
        self = manifest
    }
}

/// Reads the parts of a manifest; the caller re-encodes the result, so an unknown field cannot slip through.
private struct ManifestReader {
    let value: CanonicalValue

    init(_ value: CanonicalValue) { self.value = value }

    func manifest() -> EvidenceManifest? {
        guard let source = value["source"], let kind = source["kind"]?.string.flatMap({ SourceKind(rawValue: $0) }),
            let files = all(source["files"], Self.file), let item = value["item"].flatMap(Self.item),
            let caseNumber = value["case"]?.string, let mediaSize = source["media_size"]?.size,
            let sectorSize = source["sector_size"]?.integer, let digests = all(value["digests"], Self.digest),
            let blocks = value["blocks"].flatMap(Self.blocks),
            let stored = all(source["stored"], Self.stored),
            let properties = all(source["properties"] ?? [], Self.property),
            let damage = all(source["damage"] ?? [], \.string),
            let unreadable = all(value["unreadable"], Self.unreadable),
            let warnings = all(value["warnings"], \.string), let started = time("started"), let ended = time("ended"),
            let bytesRead = value["bytes_read"]?.size, let clock = value["clock"].flatMap(Self.clock),
            let examiner = value["examiner"].flatMap(Self.examiner), let tool = value["tool"].flatMap(Self.tool)
        else { return nil }
        return EvidenceManifest(
            caseNumber: caseNumber, item: item, kind: kind, files: files, mediaSize: mediaSize, sectorSize: sectorSize,
            device: source["device"].flatMap(Self.device), stored: stored, properties: properties, damage: damage,
            image: value["image"].flatMap(Self.image), digests: digests, blocks: blocks,
            fileTree: value["files"].flatMap(Self.fileTree), known: value["known"].flatMap(Self.known),
            unreadable: unreadable,
            warnings: warnings, started: started, ended: ended, bytesRead: bytesRead, clock: clock, examiner: examiner,
            tool: tool)
    }

    private func time(_ key: String) -> UTCTime? { value[key]?.string.flatMap { UTCTime(rfc3339: $0) } }

    private func all<Element>(
        _ list: CanonicalValue?, _ read: (CanonicalValue) -> Element?
    ) -> [Element]? {
        guard let elements = list?.array else { return nil }
        let read = elements.compactMap(read)
        return read.count == elements.count ? read : nil
    }

    private static func sha256(_ value: CanonicalValue?) -> Digest? {
        value?.string.flatMap { Digest(.sha256, hex: $0) }
    }

    private static func item(_ value: CanonicalValue) -> EvidenceManifest.Item? {
        guard let id = value["id"]?.string, let kind = value["kind"]?.string else { return nil }
        return EvidenceManifest.Item(
            id: id, rootID: value["root_id"]?.string, kind: kind, desc: value["desc"]?.string,
            make: value["make"]?.string, model: value["model"]?.string, serial: value["serial"]?.string,
            seal: value["seal"]?.string, condition: value["condition"]?.string)
    }

    private static func file(_ value: CanonicalValue) -> EvidenceManifest.File? {
        guard let name = value["name"]?.string, let size = value["size"]?.size else { return nil }
        return EvidenceManifest.File(name: name, size: size, sha256: sha256(value["sha256"]))
    }

    private static func image(_ value: CanonicalValue) -> EvidenceManifest.Image? {
        guard let format = value["format"]?.string, let list = value["files"]?.array,
            let resumptions = value["resumptions"]?.integer,
            let written = value["written"]?.string.flatMap({ UTCTime(rfc3339: $0) }),
            let readBack = value["read_back"]?.string.flatMap({ EvidenceManifest.Image.ReadBack(rawValue: $0) })
        else { return nil }
        let files = list.compactMap(file)
        guard files.count == list.count else { return nil }
        return EvidenceManifest.Image(
            format: format, compression: value["compression"]?.string, files: files, resumptions: resumptions,
            written: written, readBack: readBack,
            readBackEnded: value["read_back_ended"]?.string.flatMap { UTCTime(rfc3339: $0) })
    }

    private static func digest(_ value: CanonicalValue) -> Digest? {
        guard let algorithm = value["alg"]?.string.flatMap({ DigestAlgorithm(rawValue: $0) }) else { return nil }
        return value["hex"]?.string.flatMap { Digest(algorithm, hex: $0) }
    }

    private static func stored(_ value: CanonicalValue) -> StoredDigest? {
        guard let digest = digest(value), let covers = value["covers"]?.string else { return nil }
        return StoredDigest(digest, covers: covers)
    }

    private static func property(_ value: CanonicalValue) -> SourceProperty? {
        guard let name = value["name"]?.string, let text = value["value"]?.string else { return nil }
        return SourceProperty(name, text)
    }

    private static func blocks(_ value: CanonicalValue) -> EvidenceManifest.Blocks? {
        guard value["alg"]?.string == "sha256", let size = value["size"]?.integer, let count = value["count"]?.size,
            let root = sha256(value["root"])
        else { return nil }
        return EvidenceManifest.Blocks(size: size, count: count, root: root)
    }

    private static func fileTree(_ value: CanonicalValue) -> EvidenceManifest.FileTree? {
        guard let count = value["count"]?.size, let bytes = value["bytes"]?.size, let root = sha256(value["root"]),
            let digest = sha256(value["sha256"])
        else { return nil }
        return EvidenceManifest.FileTree(count: count, bytes: bytes, root: root, sha256: digest)
    }

    private static func known(_ value: CanonicalValue) -> EvidenceManifest.Known? {
        guard let list = value["list"]?.string, let digest = sha256(value["list_sha256"]),
            let format = value["format"]?.string, case .object(let members)? = value["counts"],
            let unsupported = value["unsupported"]?.integer, let notUnderstood = value["not_understood"]?.integer,
            let results = sha256(value["results_sha256"]), let entries = (value["digests"] ?? []).array
        else { return nil }
        let counts = members.compactMapValues(\.size)
        let digests = entries.compactMap(knownEntry)
        guard counts.count == members.count, digests.count == entries.count else { return nil }
        return EvidenceManifest.Known(
            list: list, listSHA256: digest, format: format, counts: counts, unsupported: unsupported,
            notUnderstood: notUnderstood, results: results, digests: digests)
    }

    private static func knownEntry(_ value: CanonicalValue) -> EvidenceManifest.Known.Entry? {
        guard let digest = digest(value), let result = value["result"]?.string else { return nil }
        return EvidenceManifest.Known.Entry(digest: digest, name: value["name"]?.string, result: result)
    }

    private static func unreadable(_ value: CanonicalValue) -> UnreadableRange? {
        guard let offset = value["offset"]?.size, let length = value["length"]?.size, offset >= 0, length >= 0,
            !offset.addingReportingOverflow(length).overflow, let error = value["error"]?.string
        else { return nil }
        return UnreadableRange(extent: Extent(offset: offset, length: length), error: error)
    }

    private static func clock(_ value: CanonicalValue) -> EvidenceManifest.Clock? {
        guard let sync = value["sync"]?.bool, let source = value["src"]?.string,
            let offset = value["offset_ms"]?.integer
        else { return nil }
        return EvidenceManifest.Clock(sync: sync, source: source, offsetMs: offset)
    }

    private static func examiner(_ value: CanonicalValue) -> EvidenceManifest.Examiner? {
        guard let name = value["name"]?.string, let id = value["id"]?.string, let org = value["org"]?.string,
            let certificate = sha256(value["cert_sha256"])
        else { return nil }
        return EvidenceManifest.Examiner(name: name, id: id, org: org, certificate: certificate)
    }

    private static func tool(_ value: CanonicalValue) -> ToolIdentity? {
        guard let name = value["name"]?.string, let version = value["version"]?.string,
            let commit = value["commit"]?.string, let openssl = value["openssl"]?.string,
            let magic = value["magic"]?.string, let databases = value["magic_sha256"]?.array?.compactMap(\.string),
            let build = value["build_sha256"]?.string
        else { return nil }
        return ToolIdentity(
            name: name, version: version, commit: commit, buildSHA256: build, openssl: openssl, libmagic: magic,
            magicSHA256: databases)
    }

    private static func device(_ value: CanonicalValue) -> DeviceDescription? {
        guard let path = value["path"]?.string, let size = value["size"]?.size,
            let isReadOnly = value["read_only"]?.bool,
            let mounts = value["writable_mounts"]?.array?.compactMap(\.string)
        else { return nil }
        return DeviceDescription(
            path: path, model: value["model"]?.string, serial: value["serial"]?.string,
            firmware: value["firmware"]?.string, size: size, isReadOnly: isReadOnly, writableMounts: mounts,
            transport: value["transport"]?.string, logicalSectorSize: value["logical_sector_size"]?.integer,
            physicalSectorSize: value["physical_sector_size"]?.integer, hiddenAreas: value["hidden_areas"]?.string)
    }
}
