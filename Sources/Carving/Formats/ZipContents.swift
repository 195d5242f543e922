internal import EvidenceModel

/// What the members of a ZIP archive say about the kind of document it is.
struct ZipContents {
    /// Most bytes kept of one metadata member.
    static let longestKept = 256 * 1024
    /// Most metadata members kept.
    static let mostKept = 8
    /// Most names listed as a fact.
    static let mostNames = 32

    /// Set by the walker when it met an Android signing block.
    var isAndroid = false
    private var names: [CanonicalValue] = []
    private var kept: [String: [UInt8]] = [:]
    private var marks: Set<String> = []

    /// How many bytes of this member's content the walker shall keep.
    func wanted(_ name: [UInt8]) -> Int {
        guard kept.count < Self.mostKept, name.count <= 255 else { return 0 }
        let text = String(decoding: name, as: UTF8.self)
        let isWanted =
            ["mimetype", "[Content_Types].xml", "docProps/core.xml", "docProps/app.xml", "meta.xml"].contains(text)
            || text.hasSuffix(".opf")
        return isWanted ? Self.longestKept : 0
    }

    mutating func keep(_ name: [UInt8], _ content: [UInt8]) {
        let text = String(decoding: name, as: UTF8.self)
        kept[text.hasSuffix(".opf") ? ".opf" : text] = content
    }

    /// Notes a member's name.
    mutating func add(_ name: [UInt8]) {
        if names.count < Self.mostNames, let text = EvidenceText.clean(name) { names.append(.string(text)) }
        guard name.count <= 255 else { return }
        let text = String(decoding: name, as: UTF8.self)
        if Self.telling.contains(text) { marks.insert(text) }
        for folder in Self.tellingFolders where text.hasPrefix(folder) { marks.insert(folder) }
        if text.hasPrefix("Payload/"), text.contains(".app/") { marks.insert(".app") }
        for suffix in Self.tellingSuffixes where text.hasSuffix(suffix) { marks.insert(suffix) }
    }

    private static let telling: Set<String> = [
        "AndroidManifest.xml", "classes.dex", "resources.arsc", "META-INF/MANIFEST.MF", "WEB-INF/web.xml",
        "META-INF/application.xml", "META-INF/mozilla.rsa", "index.apxl", "index.xml", "Index.zip",
        "buildVersionHistory.plist", "doc.kml", "AppxManifest.xml", "install.rdf", "META-INF/container.xml",
        "Index/Document.iwa", "Index/CalculationEngine.iwa", "Index/Presentation.iwa", "extension.vsixmanifest",
    ]
    private static let tellingFolders = ["word/", "xl/", "ppt/", "visio/", "3D/", "Documents/", "Index/Slide"]
    private static let tellingSuffixes = [".nuspec", ".dist-info/WHEEL", ".kml", ".chrtshr", "/manifest.json"]

    // MARK: The name

    /// Sets format, extension, MIME type and facts.
    func name(_ file: inout WalkedFile) {
        if !names.isEmpty { file.facts["names"] = .array(names) }
        if let kind = officeKind ?? openDocumentKind ?? packageKind {
            file.format = kind.format
            file.fileExtension = kind.format
            file.mime = kind.mime
        }
        describeOffice(&file)
        describeOpenDocument(&file)
        describeBook(&file)
    }

    private typealias Kind = (format: String, mime: String)

    /// Main part's content type to kind (ECMA-376 part 1, and the macro and template variants).
    private static let officeKinds: [(part: String, kind: Kind)] = [
        ("wordprocessingml.document.main+xml", ("docx", office + "wordprocessingml.document")),
        ("ms-word.document.macroEnabled.main+xml", ("docm", "application/vnd.ms-word.document.macroEnabled.12")),
        ("wordprocessingml.template.main+xml", ("dotx", office + "wordprocessingml.template")),
        (
            "ms-word.template.macroEnabledTemplate.main+xml",
            ("dotm", "application/vnd.ms-word.template.macroEnabled.12")
        ),
        ("spreadsheetml.sheet.main+xml", ("xlsx", office + "spreadsheetml.sheet")),
        ("ms-excel.sheet.macroEnabled.main+xml", ("xlsm", "application/vnd.ms-excel.sheet.macroEnabled.12")),
        ("spreadsheetml.template.main+xml", ("xltx", office + "spreadsheetml.template")),
        ("ms-excel.template.macroEnabled.main+xml", ("xltm", "application/vnd.ms-excel.template.macroEnabled.12")),
        ("ms-excel.addin.macroEnabled.main+xml", ("xlam", "application/vnd.ms-excel.addin.macroEnabled.12")),
        ("ms-excel.sheet.binary.macroEnabled.main", ("xlsb", "application/vnd.ms-excel.sheet.binary.macroEnabled.12")),
        ("presentationml.presentation.main+xml", ("pptx", office + "presentationml.presentation")),
        (
            "ms-powerpoint.presentation.macroEnabled.main+xml",
            ("pptm", "application/vnd.ms-powerpoint.presentation.macroEnabled.12")
        ),
        ("presentationml.slideshow.main+xml", ("ppsx", office + "presentationml.slideshow")),
        (
            "ms-powerpoint.slideshow.macroEnabled.main+xml",
            ("ppsm", "application/vnd.ms-powerpoint.slideshow.macroEnabled.12")
        ),
        ("presentationml.template.main+xml", ("potx", office + "presentationml.template")),
        (
            "ms-powerpoint.template.macroEnabled.main+xml",
            ("potm", "application/vnd.ms-powerpoint.template.macroEnabled.12")
        ),
        ("ms-visio.drawing.main+xml", ("vsdx", "application/vnd.ms-visio.drawing")),
        ("ms-visio.drawing.macroEnabled.main+xml", ("vsdm", "application/vnd.ms-visio.drawing.macroEnabled.12")),
        ("ms-visio.template.main+xml", ("vstx", "application/vnd.ms-visio.template")),
        ("3dmanufacturing-3dmodel+xml", ("3mf", "model/3mf")),
        ("xps-fixeddocumentsequence+xml", ("xps", "application/vnd.ms-xpsdocument")),
    ]
    private static let office = "application/vnd.openxmlformats-officedocument."

    private var officeKind: Kind? {
        guard let types = kept["[Content_Types].xml"] else { return nil }
        if let known = Self.officeKinds.first(where: { types.contains(text: $0.part) }) { return known.kind }
        if marks.contains("AppxManifest.xml") { return ("appx", "application/vns.ms-appx") }
        if marks.contains(".nuspec") { return ("nupkg", "application/zip") }
        if marks.contains("extension.vsixmanifest") { return ("vsix", "application/vsix") }
        if marks.contains("word/") { return ("docx", Self.office + "wordprocessingml.document") }
        if marks.contains("xl/") { return ("xlsx", Self.office + "spreadsheetml.sheet") }
        if marks.contains("ppt/") { return ("pptx", Self.office + "presentationml.presentation") }
        return nil
    }

    private static let openDocumentKinds: [String: String] = [
        "application/vnd.oasis.opendocument.text": "odt",
        "application/vnd.oasis.opendocument.text-template": "ott",
        "application/vnd.oasis.opendocument.text-master": "odm",
        "application/vnd.oasis.opendocument.spreadsheet": "ods",
        "application/vnd.oasis.opendocument.spreadsheet-template": "ots",
        "application/vnd.oasis.opendocument.presentation": "odp",
        "application/vnd.oasis.opendocument.presentation-template": "otp",
        "application/vnd.oasis.opendocument.graphics": "odg",
        "application/vnd.oasis.opendocument.graphics-template": "otg",
        "application/vnd.oasis.opendocument.chart": "odc",
        "application/vnd.oasis.opendocument.formula": "odf",
        "application/vnd.oasis.opendocument.image": "odi",
        "application/vnd.oasis.opendocument.base": "odb",
        "application/vnd.sun.xml.writer": "sxw",
        "application/vnd.sun.xml.calc": "sxc",
        "application/vnd.sun.xml.impress": "sxi",
        "application/vnd.sun.xml.draw": "sxd",
        "application/epub+zip": "epub",
        "application/x-ibooks+zip": "ibooks",
        "application/vnd.adobe.indesign-idml-package": "idml",
        "image/openraster": "ora",
        "application/x-krita": "kra",
    ]

    private var openDocumentKind: Kind? {
        guard let content = kept["mimetype"], let mime = EvidenceText.clean(content),
            let format = Self.openDocumentKinds[mime]
        else { return marks.contains("META-INF/container.xml") ? epubKind : nil }
        return (format, mime)
    }

    private var epubKind: Kind? { kept[".opf"] == nil ? nil : ("epub", "application/epub+zip") }

    private var packageKind: Kind? {
        if marks.contains(".app") { return ("ipa", "application/x-ios-app") }
        if marks.contains("AndroidManifest.xml"),
            isAndroid || !marks.isDisjoint(with: ["classes.dex", "resources.arsc"])
        {
            return ("apk", "application/vnd.android.package-archive")
        }
        if let kind = iWorkKind { return kind }
        if marks.contains("META-INF/mozilla.rsa") || marks.contains("install.rdf") {
            return ("xpi", "application/x-xpinstall")
        }
        if marks.contains("WEB-INF/web.xml") { return ("war", "application/java-archive") }
        if marks.contains("META-INF/application.xml") { return ("ear", "application/java-archive") }
        if marks.contains("META-INF/MANIFEST.MF") { return ("jar", "application/java-archive") }
        if marks.contains(".dist-info/WHEEL") { return ("whl", "application/zip") }
        if marks.contains("doc.kml") || marks.contains(".kml") { return ("kmz", "application/vnd.google-earth.kmz") }
        return nil
    }

    /// iWork '09 keeps an index in XML, later versions keep IWA files.
    private var iWorkKind: Kind? {
        let keynote: Kind = ("key", "application/vnd.apple.keynote")
        let numbers: Kind = ("numbers", "application/vnd.apple.numbers")
        let pages: Kind = ("pages", "application/vnd.apple.pages")
        if marks.contains("index.apxl") { return keynote }
        if marks.contains("index.xml"), marks.contains("buildVersionHistory.plist") {
            return marks.contains(".chrtshr") ? numbers : pages
        }
        guard marks.contains("Index/Document.iwa") || marks.contains("Index.zip") else { return nil }
        if marks.contains("Index/Slide") || marks.contains("Index/Presentation.iwa") { return keynote }
        return marks.contains("Index/CalculationEngine.iwa") && !marks.contains("word/") ? numbers : pages
    }

    // MARK: Facts

    private func describeOffice(_ file: inout WalkedFile) {
        if let core = kept["docProps/core.xml"] {
            file.note("title", element: "dc:title", in: core)
            file.note("author", element: "dc:creator", in: core)
            file.note("last_modified_by", element: "cp:lastModifiedBy", in: core)
            file.note("created", element: "dcterms:created", in: core)
            file.note("modified", element: "dcterms:modified", in: core)
            file.note("subject", element: "dc:subject", in: core)
        }
        if let app = kept["docProps/app.xml"] {
            file.note("producer", element: "Application", in: app)
            file.note("company", element: "Company", in: app)
            file.note("pages", numberOf: "Pages", in: app)
            file.note("slides", numberOf: "Slides", in: app)
        }
    }

    private func describeOpenDocument(_ file: inout WalkedFile) {
        guard let meta = kept["meta.xml"] else { return }
        file.note("title", element: "dc:title", in: meta)
        file.note("author", element: "meta:initial-creator", in: meta)
        file.note("last_modified_by", element: "dc:creator", in: meta)
        file.note("created", element: "meta:creation-date", in: meta)
        file.note("modified", element: "dc:date", in: meta)
        file.note("producer", element: "meta:generator", in: meta)
        if let pages = MetadataText.attribute("meta:page-count", in: meta), let number = Self.number(pages) {
            file.note("pages", number)
        }
    }

    private func describeBook(_ file: inout WalkedFile) {
        guard let package = kept[".opf"] else { return }
        file.note("title", element: "dc:title", in: package)
        file.note("author", element: "dc:creator", in: package)
        file.note("publisher", element: "dc:publisher", in: package)
        file.note("created", element: "dc:date", in: package)
    }

    fileprivate static func number(_ text: [UInt8]) -> Int? {
        text.count <= 9 ? Int(String(decoding: text, as: UTF8.self)) : nil
    }
}

extension WalkedFile {
    /// Stores the text of a metadata element as a fact.
    mutating func note(_ key: String, element: String, in document: [UInt8]) {
        if let text = MetadataText.element(element, in: document) { note(key, text: text) }
    }

    /// Stores the number in a metadata element as a fact.
    fileprivate mutating func note(_ key: String, numberOf element: String, in document: [UInt8]) {
        guard let text = MetadataText.element(element, in: document), let number = ZipContents.number(text) else {
            return
        }
        note(key, number)
    }
}
