public import EvidenceModel

/// What one kind of act states beyond the fields that all entries share: the body's `detail`.
public enum EntryDetail: Hashable, Sendable {
    case genesis(LedgerGenesis)
    case acquisitionStart(AcquisitionStart)
    case acquisitionResult(AcquisitionResult)
    case carving(CarvingResult)
    case report(IssuedReport)
    case export(ExportedFiles)
    case incident(IncidentKind)
    case key(KeyAuthority)
    case certificateStatus(CertificateStanding)

    var canonical: CanonicalValue {
        switch self {
        case .genesis(let detail): detail.canonical
        case .acquisitionStart(let detail): detail.canonical
        case .acquisitionResult(let detail): detail.canonical
        case .carving(let detail): detail.canonical
        case .report(let detail): detail.canonical
        case .export(let detail): detail.canonical
        case .incident(let detail): detail.canonical
        case .key(let detail): detail.canonical
        case .certificateStatus(let detail): detail.canonical
        }
    }

    /// The detail that entries of this verb must have; nil when they must have none.
    static func read(for verb: LedgerVerb, from fields: inout FieldReader) throws(LedgerError) -> EntryDetail? {
        switch verb {
        case .genesis: .genesis(try fields.object("detail", LedgerGenesis.self))
        case .acquireBegin: .acquisitionStart(try fields.object("detail", AcquisitionStart.self))
        case .acquireEnd: .acquisitionResult(try fields.object("detail", AcquisitionResult.self))
        case .carveRun: .carving(try fields.object("detail", CarvingResult.self))
        case .reportIssue, .reportAmend: .report(try fields.object("detail", IssuedReport.self))
        case .export: .export(try fields.object("detail", ExportedFiles.self))
        case .incident: .incident(try fields.object("detail", IncidentKind.self))
        case .keyAuthorise, .keyRevoke: .key(try fields.object("detail", KeyAuthority.self))
        case .certificateStatus: .certificateStatus(try fields.object("detail", CertificateStanding.self))
        default: nil
        }
    }
}

/// What the first entry fixes for the whole ledger.
public struct LedgerGenesis: Hashable, Sendable, LedgerField {
    /// How leaves and nodes are hashed: SHA-256 as RFC 6962 lays it out.
    public static let hashSuite = "sha2-256/rfc6962"
    /// Bytes of the nonce that makes the origin unique.
    public static let nonceLength = 16

    /// 16 random bytes.
    public var nonce: [UInt8]
    /// SHA-256 of each laboratory root certificate (DER) that a signer's chain may end at.
    public var certificateAuthorities: [Digest]
    /// SHA-256 of each certificate of the time-stamping authorities that the laboratory uses.
    public var timestampAuthorities: [Digest]
    /// Verifier key of the workstation's checkpoint signatures (C2SP signed-note: name+keyid+base64).
    public var checkpointKey: String

    /// - Parameter nonce: 16 bytes; drawn from the system's generator when nil.
    public init(
        nonce: [UInt8]? = nil, certificateAuthorities: [Digest], timestampAuthorities: [Digest], checkpointKey: String
    ) {
        self.nonce = nonce ?? (0..<Self.nonceLength).map { _ in UInt8.random(in: .min ... .max) }
        self.certificateAuthorities = certificateAuthorities
        self.timestampAuthorities = timestampAuthorities
        self.checkpointKey = checkpointKey
    }

    var canonical: CanonicalValue {
        [
            "nonce": .string(Hex.encode(nonce)), "hash_suite": .string(Self.hashSuite),
            "ca_sha256": .array(certificateAuthorities.map { .string($0.hex) }),
            "tsa_sha256": .array(timestampAuthorities.map { .string($0.hex) }),
            "checkpoint_vkey": .string(checkpointKey),
        ]
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        nonce = try fields.hex("nonce", byteCount: Self.nonceLength)
        guard try fields.text("hash_suite") == Self.hashSuite else {
            throw FieldReader.malformed("detail.hash_suite", "must be \(Self.hashSuite)")
        }
        certificateAuthorities = try fields.sha256List("ca_sha256")
        guard !certificateAuthorities.isEmpty else {
            throw FieldReader.malformed("detail.ca_sha256", "must name at least one root certificate")
        }
        timestampAuthorities = try fields.sha256List("tsa_sha256")
        checkpointKey = try fields.text("checkpoint_vkey")
    }
}

/// What an acquisition is about to read.
public struct AcquisitionStart: Hashable, Sendable, LedgerField {
    /// The manifest's `source.kind`, for example "raw" or "folder".
    public var sourceKind: String
    /// File or device name, without the folder it lies in.
    public var sourceName: String
    /// Bytes, when they are known before reading.
    public var size: Int?

    public init(sourceKind: String, sourceName: String, size: Int? = nil) {
        self.sourceKind = sourceKind
        self.sourceName = sourceName
        self.size = size
    }

    var canonical: CanonicalValue {
        .object(compacting: [
            "source_kind": .string(sourceKind), "source_name": .string(sourceName), "size": size.map { .size($0) },
        ])
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        sourceKind = try fields.text("source_kind")
        sourceName = try fields.text("source_name")
        size = try fields.optionalCount("size")
    }
}

/// What an acquisition has written; the digests of the medium stand in the entry's item.
public struct AcquisitionResult: Hashable, Sendable, LedgerField {
    /// SHA-256 of manifest.json.
    public var manifest: Digest
    /// SHA-256 of blocks.sha256; nil for folders.
    public var blocks: Digest?
    /// SHA-256 of files.jsonl; nil for media.
    public var files: Digest?
    public var bytesRead: Int
    /// Ranges that could not be read and count as zeros in the digests.
    public var unreadableRanges: Int
    public var unreadableBytes: Int
    /// Warnings that the manifest states.
    public var warnings: Int

    public init(
        manifest: Digest, blocks: Digest? = nil, files: Digest? = nil, bytesRead: Int, unreadableRanges: Int = 0,
        unreadableBytes: Int = 0, warnings: Int = 0
    ) {
        self.manifest = manifest
        self.blocks = blocks
        self.files = files
        self.bytesRead = bytesRead
        self.unreadableRanges = unreadableRanges
        self.unreadableBytes = unreadableBytes
        self.warnings = warnings
    }

    var canonical: CanonicalValue {
        .object(compacting: [
            "manifest_sha256": .string(manifest.hex), "blocks_sha256": blocks.map { .string($0.hex) },
            "files_sha256": files.map { .string($0.hex) }, "bytes_read": .size(bytesRead),
            "unreadable_ranges": .size(unreadableRanges), "unreadable_bytes": .size(unreadableBytes),
            "warnings": .size(warnings),
        ])
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        manifest = try fields.sha256("manifest_sha256")
        blocks = try fields.optionalSHA256("blocks_sha256")
        files = try fields.optionalSHA256("files_sha256")
        bytesRead = try fields.count("bytes_read")
        unreadableRanges = try fields.count("unreadable_ranges")
        unreadableBytes = try fields.count("unreadable_bytes")
        warnings = try fields.count("warnings")
    }
}

/// What a carving run found, by digest of its export: one entry a run, whatever the number of artifacts.
public struct CarvingResult: Hashable, Sendable, LedgerField {
    /// SHA-256 of the item's catalogue export in JSON Lines (artifacts.jsonl).
    public var catalog: Digest
    /// How many artifacts there are, by confidence or format; keys `[a-z][a-z0-9_]*`.
    public var counts: [String: Int]
    /// The limits in force, by name; keys `[a-z][a-z0-9_]*`.
    public var limits: [String: Int]
    /// How often a limit cut something off, by name.
    public var limitsHit: [String: Int]

    public init(catalog: Digest, counts: [String: Int], limits: [String: Int] = [:], limitsHit: [String: Int] = [:]) {
        self.catalog = catalog
        self.counts = counts
        self.limits = limits
        self.limitsHit = limitsHit
    }

    var canonical: CanonicalValue {
        .object(compacting: [
            "catalog_sha256": .string(catalog.hex), "counts": .counts(counts), "limits": .counts(limits),
            "limits_hit": .counts(limitsHit),
        ])
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        catalog = try fields.sha256("catalog_sha256")
        counts = try fields.counts("counts")
        limits = try fields.counts("limits")
        limitsHit = try fields.counts("limits_hit")
    }
}

/// A file by name and digest.
public struct NamedFile: Hashable, Sendable, LedgerField {
    /// Name within the folder that the entry speaks of, without a path.
    public var name: String
    public var size: Int
    public var sha256: Digest

    public init(name: String, size: Int, sha256: Digest) {
        self.name = name
        self.size = size
        self.sha256 = sha256
    }

    var canonical: CanonicalValue { ["name": .string(name), "size": .size(size), "sha256": .string(sha256.hex)] }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        name = try fields.text("name")
        guard !name.contains("/"), name != ".", name != ".." else {
            throw FieldReader.malformed("name", "must be a file name without a path")
        }
        size = try fields.count("size")
        sha256 = try fields.sha256("sha256")
    }
}

/// A report as it was issued: the files under reports/<number>/.
public struct IssuedReport: Hashable, Sendable, LedgerField {
    /// The report's id, printed on each of its pages.
    public var id: String
    /// Name of its folder under reports/.
    public var number: String
    /// BCP 47 language tag, for example "fr".
    public var language: String
    public var files: [NamedFile]

    public init(id: String, number: String, language: String, files: [NamedFile]) {
        self.id = id
        self.number = number
        self.language = language
        self.files = files
    }

    var canonical: CanonicalValue {
        .object(compacting: [
            "id": .string(id), "number": .string(number), "lang": .string(language), "files": .list(files),
        ])
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        id = try fields.text("id")
        number = try fields.text("number")
        guard !number.contains("/"), number != ".", number != ".." else {
            throw FieldReader.malformed("detail.number", "must be a folder name without a path")
        }
        language = try fields.text("lang")
        files = try fields.objects("files", NamedFile.self)
        guard !files.isEmpty else { throw FieldReader.malformed("detail.files", "must name the report's files") }
    }
}

/// Files that left the case, by number and digest of their list.
public struct ExportedFiles: Hashable, Sendable, LedgerField {
    public var count: Int
    public var bytes: Int
    /// SHA-256 of the list of what was written, one line a file in export order.
    public var list: Digest

    public init(count: Int, bytes: Int, list: Digest) {
        self.count = count
        self.bytes = bytes
        self.list = list
    }

    var canonical: CanonicalValue {
        ["count": .size(count), "bytes": .size(bytes), "list_sha256": .string(list.hex)]
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        count = try fields.count("count")
        bytes = try fields.count("bytes")
        list = try fields.sha256("list_sha256")
    }
}

/// What kind of incident an entry records; the words are in the entry's `reason`.
public struct IncidentKind: Hashable, Sendable, LedgerField {
    /// The kinds that an audit or a report treats by name.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        /// The clock was set back: the one entry that may bear an earlier time than the entry before it.
        case clockSetBack = "clock_set_back"
        case interruption
        case mismatch
        case diskFull = "disk_full"
        /// An examiner went on despite a warning, for example with a device that is mounted read-write.
        case override
        case rollback
        case other
    }

    public var kind: Kind

    public init(_ kind: Kind) { self.kind = kind }

    var canonical: CanonicalValue { ["kind": .string(kind.rawValue)] }

    init(reading fields: inout FieldReader) throws(LedgerError) { kind = try fields.word("kind", Kind.self) }
}

/// A key that may act from now on, or no longer: a certificate, or a workstation's checkpoint key.
public struct KeyAuthority: Hashable, Sendable, LedgerField {
    /// SHA-256 of the certificate, when the key has one.
    public var certificate: Digest?
    /// Verifier key of a workstation's checkpoint signatures.
    public var checkpointKey: String?
    /// From when the authority or the revocation holds.
    public var from: UTCTime
    /// Until when an authority holds.
    public var until: UTCTime?

    public init(certificate: Digest? = nil, checkpointKey: String? = nil, from: UTCTime, until: UTCTime? = nil) {
        self.certificate = certificate
        self.checkpointKey = checkpointKey
        self.from = from
        self.until = until
    }

    var canonical: CanonicalValue {
        .object(compacting: [
            "cert_sha256": certificate.map { .string($0.hex) }, "checkpoint_vkey": checkpointKey.map { .string($0) },
            "from": .string(from.rfc3339), "until": until.map { .string($0.rfc3339) },
        ])
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        certificate = try fields.optionalSHA256("cert_sha256")
        checkpointKey = try fields.optionalText("checkpoint_vkey")
        guard (certificate == nil) != (checkpointKey == nil) else {
            throw FieldReader.malformed("detail", "must name either cert_sha256 or checkpoint_vkey")
        }
        from = try fields.time("from")
        until = try fields.optionalTime("until")
    }
}

/// What an authority said of a certificate at a time.
public struct CertificateStanding: Hashable, Sendable, LedgerField {
    /// The words of RFC 6960, 2.2.
    public enum Status: String, CaseIterable, Hashable, Sendable {
        case good, revoked, unknown
    }

    public var certificate: Digest
    public var status: Status
    /// When it was revoked, or when it was found good.
    public var at: UTCTime
    /// SHA-256 of the CRL or OCSP response, which lies in table `status`.
    public var evidence: Digest?

    public init(certificate: Digest, status: Status, at: UTCTime, evidence: Digest? = nil) {
        self.certificate = certificate
        self.status = status
        self.at = at
        self.evidence = evidence
    }

    var canonical: CanonicalValue {
        .object(compacting: [
            "cert_sha256": .string(certificate.hex), "status": .string(status.rawValue), "at": .string(at.rfc3339),
            "evidence_sha256": evidence.map { .string($0.hex) },
        ])
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        certificate = try fields.sha256("cert_sha256")
        status = try fields.word("status", Status.self)
        at = try fields.time("at")
        evidence = try fields.optionalSHA256("evidence_sha256")
    }
}
