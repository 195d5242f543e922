import CustodyLedger
import SourceMedia

/// What the laboratory knows of an item before it is read; everything but the id may be absent.
public struct ItemDescription: Hashable, Sendable {
    /// The item's number in the case, for example "E001".
    public var id: String
    public var description: String?
    public var make: String?
    public var model: String?
    public var serial: String?
    /// Number of the seal it arrived under.
    public var seal: String?
    public var condition: String?

    /// - Throws: ``CaseError`` with code `refused` when the id cannot be a folder name everywhere.
    public init(
        id: String, description: String? = nil, make: String? = nil, model: String? = nil, serial: String? = nil,
        seal: String? = nil, condition: String? = nil
    ) throws(CaseError) {
        let allowed = id.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || "-_.".utf8.contains($0)
        }
        guard allowed, (1...64).contains(id.utf8.count), !id.hasPrefix("."), !id.hasPrefix("-") else {
            throw CaseError(
                .refused,
                "\"\(id)\" cannot be an item number: use up to 64 letters, digits, dots, hyphens and underscores, beginning "
                    + "with a letter or digit, for example E001.")
        }
        self.id = id
        self.description = description
        self.make = make
        self.model = model
        self.serial = serial
        self.seal = seal
        self.condition = condition
    }
}

extension ItemDescription {
    /// The item as the ledger names it when it is taken in.
    func ledgerItem(_ source: SourceDescription) -> LedgerItem {
        LedgerItem(
            id: id, kind: .image, desc: description ?? SourceName.shown(source), make: make,
            model: model ?? source.device?.model, serial: serial ?? source.device?.serial, sealIn: seal,
            condition: condition, size: source.mediaSize)
    }

    /// The item as its manifest names it.
    func manifestItem(_ source: SourceDescription) -> EvidenceManifest.Item {
        EvidenceManifest.Item(
            id: id, rootID: nil, kind: LedgerItem.Kind.image.rawValue, desc: description, make: make,
            model: model ?? source.device?.model, serial: serial ?? source.device?.serial, seal: seal,
            condition: condition)
    }
}
