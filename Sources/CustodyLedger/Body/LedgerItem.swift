public import EvidenceModel

/// An item of evidence as one entry states it. Only `id` is always known.
public struct LedgerItem: Hashable, Sendable, LedgerField {
    /// What kind of thing the item is.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        case physical, image, export, derived, report
    }

    /// The laboratory's number of the item, for example "E001".
    public var id: String
    /// The item it was made from, for example the seized computer of a disk.
    public var rootID: String?
    public var kind: Kind?
    public var desc: String?
    public var make: String?
    public var model: String?
    public var serial: String?
    /// How many pieces; 1 when nil.
    public var quantity: Int?
    /// Number of the seal found on the item.
    public var sealIn: String?
    /// Number of the seal put on the item.
    public var sealOut: String?
    public var condition: String?
    /// Bytes of the medium.
    public var size: Int?
    /// Digests over the medium's bytes.
    public var digests: [Digest]
    /// RFC 6962 root over the SHA-256 of each 1 MiB block.
    public var blocksRoot: Digest?

    public init(
        id: String, rootID: String? = nil, kind: Kind? = nil, desc: String? = nil, make: String? = nil,
        model: String? = nil, serial: String? = nil, quantity: Int? = nil, sealIn: String? = nil,
        sealOut: String? = nil, condition: String? = nil, size: Int? = nil, digests: [Digest] = [],
        blocksRoot: Digest? = nil
    ) {
        self.id = id
        self.rootID = rootID
        self.kind = kind
        self.desc = desc
        self.make = make
        self.model = model
        self.serial = serial
        self.quantity = quantity
        self.sealIn = sealIn
        self.sealOut = sealOut
        self.condition = condition
        self.size = size
        self.digests = digests
        self.blocksRoot = blocksRoot
    }

    var canonical: CanonicalValue {
        .object(compacting: [
            "id": .string(id), "root_id": rootID.map { .string($0) }, "kind": kind.map { .string($0.rawValue) },
            "desc": desc.map { .string($0) }, "make": make.map { .string($0) }, "model": model.map { .string($0) },
            "serial": serial.map { .string($0) }, "qty": quantity.map { .size($0) },
            "seal_in": sealIn.map { .string($0) }, "seal_out": sealOut.map { .string($0) },
            "condition": condition.map { .string($0) }, "size": size.map { .size($0) },
            "digests": .list(digests.map { DigestField(digest: $0) }),
            "blocks_root": blocksRoot.map { .string($0.hex) },
        ])
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        id = try fields.text("id")
        rootID = try fields.optionalText("root_id")
        kind = try fields.optionalWord("kind", Kind.self)
        desc = try fields.optionalText("desc")
        make = try fields.optionalText("make")
        model = try fields.optionalText("model")
        serial = try fields.optionalText("serial")
        quantity = try fields.optionalCount("qty")
        sealIn = try fields.optionalText("seal_in")
        sealOut = try fields.optionalText("seal_out")
        condition = try fields.optionalText("condition")
        size = try fields.optionalCount("size")
        digests = try fields.objects("digests", DigestField.self).map { $0.digest }
        blocksRoot = try fields.optionalSHA256("blocks_root")
    }
}

/// `{alg, hex}`.
struct DigestField: LedgerField {
    let digest: Digest

    init(digest: Digest) { self.digest = digest }

    var canonical: CanonicalValue { ["alg": .string(digest.algorithm.rawValue), "hex": .string(digest.hex)] }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        let algorithm = try fields.word("alg", DigestAlgorithm.self)
        digest = Digest(algorithm, try fields.hex("hex", byteCount: algorithm.byteCount))
    }
}
