internal import Digesting
internal import EvidenceModel

/// Section 8: how anyone checks the report, and the annexes.
struct VerificationView {
    let rootName: EvidenceView
    let root: DigestView
    let steps: [Step]
    let hasAnnexes: Bool
    let annexes: [AnnexRow]

    struct Step {
        let subject: String
        let commands: [Command]
    }

    /// A command line, word for word: a line may break between words only.
    struct Command {
        let words: [EvidenceView]

        init(_ line: String) {
            words = line.split(separator: " ", omittingEmptySubsequences: false).map { EvidenceView(String($0)) }
        }
    }

    struct AnnexRow {
        let name: EvidenceView
        let title: Phrase
        let size: String
        let digest: DigestView
    }

    init(_ context: ViewContext) throws(ReportError) {
        let (verification, text, format) = (context.model.verification, context.text, context.format)
        rootName = EvidenceView(verification.rootName)
        root = DigestView(hex: verification.rootSHA256)
        steps = verification.steps.map { step in
            let key = "verification.subject_\(step.subject.rawValue)"
            let subject =
                switch step.subject {
                case .manifest, .timestamp, .medium:
                    text(key, ["item": EvidenceText.plain(step.item ?? "–", limit: 40)])
                case .root, .report, .ledger: text(key)
                }
            return Step(subject: subject, commands: step.commands.map { Command($0) })
        }
        hasAnnexes = !context.model.annexes.isEmpty
        var rows: [AnnexRow] = []
        for annex in context.model.annexes {
            rows.append(
                AnnexRow(
                    name: EvidenceView(annex.fileName, limit: 80),
                    title: text.optional("annex." + TextCatalog.name(of: annex.fileName)).map { .plain($0) }
                        ?? .evidence(annex.title, limit: 120),
                    size: format.exactSize(annex.bytes.count),
                    digest: DigestView(hex: try Fingerprint.sha256(annex.bytes).hex)))
        }
        annexes = rows
    }
}

/// Section 9: who signs.
struct SignatureView {
    let fields: [FieldView]

    init(_ context: ViewContext) {
        let (signature, text, format) = (context.signature, context.text, context.format)
        var fields = [
            FieldView(label: text("signature.signer"), evidence: EvidenceView(signature.name, limit: 160)),
            FieldView(
                label: text("signature.organization"), evidence: EvidenceView(signature.organization, limit: 160)),
            .plain(text("signature.time"), format.dateTime(context.model.issued)),
            .digest(text("signature.certificate"), signature.certificateSHA256),
            FieldView(label: text("signature.serial"), evidence: EvidenceView(signature.serial, limit: 80)),
            .plain(
                text("signature.validity"),
                text(
                    "signature.validity_value",
                    ["from": format.date(signature.notBefore), "to": format.date(signature.notAfter)])),
            .plain(
                text("signature.level"),
                text(signature.timestampAuthority == nil ? "signature.level_b" : "signature.level_t")),
        ]
        if let authority = signature.timestampAuthority {
            fields.append(
                .plain(
                    text("signature.timestamp"),
                    text("signature.timestamp_laboratory", ["name": EvidenceText.plain(authority, limit: 120)])))
        }
        self.fields = fields
    }
}

/// What the report prints of its signer.
struct SignatureBlock: Hashable, Sendable {
    var name: String
    var organization: String
    /// SHA-256 of the certificate's DER bytes, hexadecimal.
    var certificateSHA256: String
    var serial: String
    var notBefore: UTCTime
    var notAfter: UTCTime
    /// Name of the authority whose time stamp the signature carries; nil for level B-B.
    var timestampAuthority: String?
}
