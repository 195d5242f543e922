public import EvidenceModel

/// The order, warrant or consent that an act rests on.
public struct LedgerAuthority: Hashable, Sendable, LedgerField {
    /// For example "warrant" or "consent".
    public var type: String
    public var id: String
    public var issuedBy: String
    /// As the document states it, for example "2026-01-31".
    public var date: String

    public init(type: String, id: String, issuedBy: String, date: String) {
        self.type = type
        self.id = id
        self.issuedBy = issuedBy
        self.date = date
    }

    var canonical: CanonicalValue {
        ["type": .string(type), "id": .string(id), "issued_by": .string(issuedBy), "date": .string(date)]
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        type = try fields.text("type")
        id = try fields.text("id")
        issuedBy = try fields.text("issued_by")
        date = try fields.text("date")
    }
}

/// Where an act took place.
public struct LedgerPlace: Hashable, Sendable, LedgerField {
    public var site: String
    public var room: String?
    /// Shelf, safe or store.
    public var store: String?

    public init(site: String, room: String? = nil, store: String? = nil) {
        self.site = site
        self.room = room
        self.store = store
    }

    var canonical: CanonicalValue {
        .object(compacting: [
            "site": .string(site), "room": room.map { .string($0) }, "store": store.map { .string($0) },
        ])
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        site = try fields.text("site")
        room = try fields.optionalText("room")
        store = try fields.optionalText("store")
    }
}

/// A value that was compared with the one that was expected.
public struct LedgerCheck: Hashable, Sendable, LedgerField {
    /// What the comparison gave.
    public enum Result: String, CaseIterable, Hashable, Sendable {
        case match
        case mismatch
        case notDone = "not_done"
    }

    /// For example "sha256:" and 64 digits.
    public var expected: String?
    public var observed: String?
    public var result: Result

    public init(expected: String? = nil, observed: String? = nil, result: Result) {
        self.expected = expected
        self.observed = observed
        self.result = result
    }

    var canonical: CanonicalValue {
        .object(compacting: [
            "expected": expected.map { .string($0) }, "observed": observed.map { .string($0) },
            "result": .string(result.rawValue),
        ])
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        expected = try fields.optionalText("expected")
        observed = try fields.optionalText("observed")
        result = try fields.word("result", Result.self)
    }
}

/// A change to the original that could not be avoided (ISO/IEC 27037).
public struct LedgerChange: Hashable, Sendable, LedgerField {
    public var what: String
    public var who: String
    public var why: String

    public init(what: String, who: String, why: String) {
        self.what = what
        self.who = who
        self.why = why
    }

    var canonical: CanonicalValue { ["what": .string(what), "who": .string(who), "why": .string(why)] }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        what = try fields.text("what")
        who = try fields.text("who")
        why = try fields.text("why")
    }
}

/// Names an earlier entry by its number and its leaf hash.
public struct EntryReference: Hashable, Sendable, LedgerField {
    /// Number of the entry, counted from 0.
    public var seq: Int
    /// SHA-256 leaf hash of the entry.
    public var leaf: Digest

    public init(seq: Int, leaf: Digest) {
        self.seq = seq
        self.leaf = leaf
    }

    var canonical: CanonicalValue { ["seq": .size(seq), "leaf": .string(leaf.hex)] }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        seq = try fields.count("seq")
        leaf = try fields.sha256("leaf")
    }
}

/// Names an anchor that fixes an earlier head of the ledger: a time-stamp token, a cosignature, a label.
public struct AnchorReference: Hashable, Sendable, LedgerField {
    /// The kind as table `anchor` states it, for example "tsa".
    public var kind: String
    /// Number of entries of the head that the anchor fixes.
    public var size: Int
    /// SHA-256 of the anchor's bytes as table `anchor` holds them.
    public var sha256: Digest

    public init(kind: String, size: Int, sha256: Digest) {
        self.kind = kind
        self.size = size
        self.sha256 = sha256
    }

    var canonical: CanonicalValue {
        ["kind": .string(kind), "size": .size(size), "sha256": .string(sha256.hex)]
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        kind = try fields.text("kind")
        size = try fields.count("size")
        sha256 = try fields.sha256("sha256")
    }
}

/// The program that made an entry.
public struct LedgerTool: Hashable, Sendable, LedgerField {
    public var name: String
    public var version: String
    public var commit: String
    /// SHA-256 of the running executable.
    public var build: Digest?
    /// SHA-256 of the configuration in use, when there is one.
    public var config: Digest?
    /// SHA-256 of the magic databases, in the order they are asked.
    public var magic: [Digest]

    public init(
        name: String, version: String, commit: String, build: Digest? = nil, config: Digest? = nil, magic: [Digest] = []
    ) {
        self.name = name
        self.version = version
        self.commit = commit
        self.build = build
        self.config = config
        self.magic = magic
    }

    /// The tool as every output states it; a digest that is not 64 hexadecimal digits ("unknown") is left out.
    public init(_ identity: ToolIdentity, config: Digest? = nil) {
        self.init(
            name: identity.name, version: identity.version, commit: identity.commit,
            build: Digest(.sha256, hex: identity.buildSHA256), config: config,
            magic: identity.magicSHA256.compactMap { Digest(.sha256, hex: $0) })
    }

    var canonical: CanonicalValue {
        .object(compacting: [
            "name": .string(name), "version": .string(version), "commit": .string(commit),
            "build_sha256": build.map { .string($0.hex) }, "config_sha256": config.map { .string($0.hex) },
            "magic_sha256": .array(magic.map { .string($0.hex) }),
        ])
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        name = try fields.text("name")
        version = try fields.text("version")
        commit = try fields.text("commit")
        build = try fields.optionalSHA256("build_sha256")
        config = try fields.optionalSHA256("config_sha256")
        magic = try fields.sha256List("magic_sha256")
    }
}
