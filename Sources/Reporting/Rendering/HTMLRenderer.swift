internal import EvidenceModel
internal import Mustache

/// The report as one HTML page that needs nothing beside it: style, charts and pictures are inside.
struct HTMLRenderer {
    private let library: MustacheLibrary
    private let catalog: TextCatalog

    private static let templates = [
        "report", "cover", "request", "items", "handling", "methods", "findings", "limits", "errors", "verification",
        "signature", "evidence", "phrase", "digest", "outcome", "field",
    ]

    /// Reads the templates and the texts.
    init(language: ReportLanguage) throws(ReportError) {
        catalog = try TextCatalog(
            yaml: try ReportResources.text("Texts/\(language.rawValue).yaml"), language: language)
        MustacheContentTypes.register(HTMLEscaping(), named: HTMLEscaping.name)
        var library: [String: MustacheTemplate] = [:]
        for name in Self.templates {
            library[name] = try Self.template(name, file: "Templates/\(name).mustache")
        }
        library["style"] = try Self.template("style", file: "Templates/style.css")
        self.library = MustacheLibrary(templates: library)
    }

    private static func template(_ name: String, file: String) throws(ReportError) -> MustacheTemplate {
        // The engine falls back to its own escaping in every partial, so each template states ours.
        let text = "{{% CONTENT_TYPE:\(HTMLEscaping.name)}}" + (try ReportResources.text(file))
        do {
            return try MustacheTemplate(string: text)
        } catch {
            throw ReportError(.resource, "The template \(name) cannot be read: \(error)")
        }
    }

    /// What the signature dictionary gives as reason.
    func signingReason(_ model: ReportModel) -> String {
        catalog("signature.reason", ["id": EvidenceText.plain(model.identifier, limit: 80)])
    }

    func html(_ model: ReportModel, signature: SignatureBlock) throws(ReportError) -> String {
        let page = try ReportPage(ViewContext(model: model, text: catalog, signature: signature))
        guard let html = library.render(page, withTemplate: "report") else {
            throw ReportError(.resource, "The template report is missing. Install Exhibit again.")
        }
        return html
    }
}

/// Escaping by character code.
///
/// The engine's own looks at what a reader sees as one letter: behind a letter such as U+0D4E, "<" belongs to that letter
/// and passes unescaped. A browser looks at codes, so we do too.
struct HTMLEscaping: MustacheContentType {
    static let name = "EVIDENCE"

    func escapeText(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// Everything that the template `report` sees.
struct ReportPage {
    let language: String
    let t: [String: [String: String]]
    let title: String
    let author: String
    let generator: String
    let issued: String
    let isTrial: Bool
    let identifier: EvidenceView
    let laboratory: EvidenceView
    let contents: [ContentsEntry]
    let cover: CoverView
    let request: RequestView
    let items: [ItemView]
    let handling: HandlingView
    let methods: MethodsView
    let findings: FindingsView
    let limits: LimitsView
    let errors: ErrorRatesView
    let verification: VerificationView
    let signature: SignatureView
    let end: String

    struct ContentsEntry {
        let anchor: String
        let title: String
    }

    private static let sections = [
        "request", "items", "handling", "methods", "findings", "limits", "errors", "verification", "signature",
    ]

    init(_ context: ViewContext) throws(ReportError) {
        let (model, text) = (context.model, context.text)
        language = text.language.rawValue
        t = text.nested
        let id = EvidenceText.plain(model.identifier, limit: 80)
        title = "\(text("cover.title")) \(id)"
        author = EvidenceText.plain(model.examiner.name, limit: 120)
        generator = EvidenceText.plain("\(model.methods.tool.name) \(model.methods.tool.version)", limit: 80)
        issued = model.issued.rfc3339
        isTrial = model.isTrial
        identifier = EvidenceView(model.identifier, limit: 80)
        laboratory = EvidenceView(model.laboratory.name, limit: 120)
        contents = Self.sections.map { ContentsEntry(anchor: $0, title: text("\($0).title")) }
        cover = CoverView(context)
        request = RequestView(context)
        items = model.items.map { ItemView($0, context) }
        handling = HandlingView(context)
        methods = MethodsView(context)
        findings = FindingsView(context)
        limits = LimitsView(context)
        errors = ErrorRatesView(context)
        verification = try VerificationView(context)
        signature = SignatureView(context)
        end = text("page.end", ["id": id])
    }
}
