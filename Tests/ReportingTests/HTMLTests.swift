import EvidenceModel
import Foundation
import Testing

@testable import Reporting

struct HTMLTests {
    private static func html(_ model: ReportModel, _ language: ReportLanguage = .english) throws -> String {
        try HTMLRenderer(language: language).html(model, signature: SampleReport.signature)
    }

    /// The tags of a page, attributes included.
    private static func tags(_ html: String) -> [String] {
        html.unicodeScalars.split(separator: "<").dropFirst().map { part in
            String(String.UnicodeScalarView(part.prefix { $0 != ">" }))
        }
    }

    /// Replaces every string of the model by a hostile one; the page keeps exactly the tags that it has with plain ones.
    @Test(arguments: [
        "<script>alert(1)</script>", "\"><img src=x onerror=y>", "'><b a='", "&lt;b&gt;", "--><!-- x", "]]>",
        "</style><p>",
        "</title><p>", "{{t.page.report}}{{{identifier}}}{{>style}}", "\u{0D4E}<b>\u{0D4E}\"\u{0D4E}>", "\u{110C2}<i>",
        "x\u{0301}<u\u{0301}>", "javascript:alert(1)", "http://attacker.example/", "%3Cb%3E", "\\3C b\\3E",
    ])
    func evidenceBringsNoMarkup(_ hostile: String) throws {
        let plain = try Self.html(Self.filled("name"))
        let attacked = try Self.html(Self.filled(hostile))
        #expect(Self.structure(attacked) == Self.structure(plain))
        #expect(!attacked.contains("<script"))
    }

    /// The tags without those that may differ: marks are elements of ours, a longer digest has more groups, and the
    /// meta elements hold names as attributes.
    private static func structure(_ html: String) -> [String] {
        tags(html).filter { !$0.hasPrefix("meta") && !["b", "/b", "b class=\"mark\"", "span", "/span"].contains($0) }
    }

    private static func filled(_ text: String) -> ReportModel {
        var model = SampleReport.model()
        model.identifier = text
        model.replaces = text
        model.request = ReportModel.Request(
            caseNumber: text, caseTitle: text, authority: text, reference: text, question: text)
        model.laboratory = ReportModel.Laboratory(name: text, address: [text], place: text, accreditation: text)
        model.examiner = ReportModel.Examiner(name: text, role: text)
        model.items = model.items.map { item in
            var item = item
            item.id = text
            item.description = text
            item.serial = text
            item.condition = text
            item.seal = text
            item.source = ReportModel.Source(
                name: EvidenceString(text), kind: text, size: 5, segments: [EvidenceString(text)])
            item.integrity = .changed(reason: text)
            item.manifest.signature = .invalid(reason: text)
            item.manifest.path = text
            item.manifest.signer = text
            item.manifest.sha256 = text
            item.warnings = [text]
            item.unreadable = [UnreadableRange(extent: Extent(offset: 1, length: 1), error: text)]
            return item
        }
        model.handling.entries = [
            ReportModel.HandlingEntry(
                sequence: 1, time: SampleReport.issued, verb: text, actor: text, items: [text], what: text, leaf: text)
        ]
        model.handling.audit.findings = [text]
        model.handling.audit.anchor?.kind = text
        model.handling.audit.anchor?.authority = text
        model.findings.artifacts = model.findings.artifacts.prefix(1).map { artifact in
            var artifact = artifact
            artifact.id = text
            artifact.format = text
            artifact.mime = text
            artifact.description = text
            artifact.path = text
            return artifact
        }
        model.findings.summaries = ReportModel.TypeSummary.counting(model.findings.artifacts)
        model.findings.thumbnails = [ReportModel.Thumbnail(artifact: text, format: .jpeg, bytes: [1, 2, 3])]
        model.methods.tool.version = text
        model.methods.commandLine = [text]
        model.methods.limits = [ReportModel.Limit(name: text, value: text)]
        model.methods.deviations = [text]
        model.omissions = [ReportModel.Omission(item: text, what: text, reason: text)]
        model.errorRates[0].sample = text
        model.verification = ReportModel.Verification(
            rootName: text, rootSHA256: text, steps: [ReportModel.VerificationStep(.ledger, commands: ["name"])])
        model.annexes[0].title = text
        return model
    }

    @Test func noAttributeHoldsEvidence() throws {
        let secret = "attribute-canary"
        for tag in Self.tags(try Self.html(Self.filled(secret))) where tag.contains(secret) {
            #expect(tag.hasPrefix("meta name=\"author\"") || tag.hasPrefix("meta name=\"generator\""), "\(tag)")
        }
    }

    @Test func thePageNeedsNothingElse() throws {
        let html = try Self.html(
            SampleReport.model(thumbnails: [
                ReportModel.Thumbnail(artifact: "a", format: .jpeg, bytes: [0xFF, 0xD8, 0xFF])
            ]))
        for tag in Self.tags(html) {
            #expect(!tag.hasPrefix("script") && !tag.hasPrefix("link") && !tag.hasPrefix("iframe"), "\(tag)")
            for attribute in tag.matches(of: /(?:src|href)="([^"]*)"/) {
                #expect(attribute.1.hasPrefix("#") || attribute.1.hasPrefix("data:image/jpeg;base64,"), "\(tag)")
            }
        }
        #expect(html.contains("default-src 'none'"))
    }

    @Test func theSameModelGivesTheSamePage() throws {
        for language in ReportLanguage.allCases {
            #expect(try Self.html(SampleReport.model(), language) == Self.html(SampleReport.model(), language))
        }
    }

    /// What page one says when things are not well.
    @Test func badNewsIsSaidOnPageOne() throws {
        var model = SampleReport.model()
        model.items[1].integrity = .changed(reason: "SHA-256 differs")
        #expect(try Self.html(model).contains("No. These items differ from what was taken in: E002."))
        model = SampleReport.model()
        model.handling.audit.outcome = .invalid(reason: "entry 7: bad signature")
        #expect(try Self.html(model).contains("The signed records are not intact"))
        model = SampleReport.model()
        model.items[0].integrity = .notChecked(reason: "not at hand")
        #expect(try Self.html(model).contains("Not established."))
        model = SampleReport.model()
        model.items = []
        model.findings = ReportModel.Findings(summaries: [], artifacts: [])
        model.handling.entries = []
        model.errorRates = []
        model.omissions = []
        model.annexes = []
        for language in ReportLanguage.allCases { #expect(try Self.html(model, language).contains("</html>")) }
    }

    @Test func longTablesAreCutAndSayIt() throws {
        var model = SampleReport.model(artifactCount: 500)
        model.handling.entries = SampleReport.entries(1000)
        let html = try Self.html(model)
        #expect(html.contains("60 of 500 finds are listed here"))
        #expect(html.contains("760 entries are not printed here"))
    }

    @Test func base64() {
        for (text, encoded) in [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            #expect(Base64.encode(Array(text.utf8)) == encoded)
        }
        #expect(Base64.encode([0xFB, 0xFF, 0xBF]) == "+/+/")
    }

    @Test(arguments: [
        ("plain-1.dd", "plain-1.dd"), ("", "''"), ("it's", "'it'\\''s'"), ("a b", "'a b'"), ("$(x)", "'$(x)'"),
    ])
    func shellWords(_ word: String, _ quoted: String) { #expect(Shell.quoted(word) == quoted) }
}
