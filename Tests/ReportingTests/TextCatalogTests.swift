import EvidenceModel
import Foundation
import Testing

@testable import Reporting

/// The texts: the same keys in every language, the same placeholders, none missing and none left over.
struct TextCatalogTests {
    private static func catalog(_ language: ReportLanguage) throws -> TextCatalog {
        try TextCatalog(yaml: try ReportResources.text("Texts/\(language.rawValue).yaml"), language: language)
    }

    private static func texts(_ entry: TextCatalog.Entry) -> [String] {
        switch entry {
        case .text(let text): [text]
        case .plural(let one, let other): [one, other]
        }
    }

    private static func placeholders(_ text: String) -> Set<String> {
        Set(text.matches(of: /\{([a-z]+)\}/).map { String($0.1) })
    }

    @Test func languagesSayTheSameThings() throws {
        let english = try Self.catalog(.english)
        for language in ReportLanguage.allCases where language != .english {
            let other = try Self.catalog(language)
            #expect(Set(other.entries.keys) == Set(english.entries.keys))
            for (key, entry) in english.entries {
                let counterpart = try #require(other.entries[key])
                let (mine, theirs) = (Self.texts(entry), Self.texts(counterpart))
                #expect(mine.count == theirs.count, "\(key)")
                let names = Set(mine.map(Self.placeholders).joined())
                #expect(Set(theirs.map(Self.placeholders).joined()) == names, "\(key)")
                // A singular may leave the count out, as in "the only find".
                for text in mine + theirs {
                    #expect(Self.placeholders(text).union(["count"]) == names.union(["count"]), "\(key)")
                }
            }
        }
    }

    @Test func everyKeyIsUsedAndEveryUseHasItsKey() throws {
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources/Reporting").path
        var used: Set<String> = []
        var families: Set<String> = ["verb.", "format.", "limit.", "annex."]
        for case let name as String in try #require(FileManager.default.enumerator(atPath: sources)) {
            guard name.hasSuffix(".swift") || name.hasSuffix(".mustache") else { continue }
            let text = try String(contentsOfFile: sources + "/" + name, encoding: .utf8)
            if name.hasSuffix(".mustache") {
                used.formUnion(text.matches(of: /\{\{t\.([a-z]+\.[a-z_0-9]+)\}\}/).map { String($0.1) })
            } else {
                used.formUnion(text.matches(of: /"([a-z]+\.[a-z_0-9]+)"/).map { String($0.1) })
                families.formUnion(text.matches(of: /"([a-z]+\.[a-z_]*)\\\(/).map { String($0.1) })
                families.formUnion(text.matches(of: /"([a-z]+\.[a-z]+_)" \+/).map { String($0.1) })
            }
        }
        // Titles of sections are asked for as "\(section).title".
        used.formUnion(
            ["request", "items", "handling", "methods", "findings", "limits", "errors", "verification", "signature"].map
            {
                $0 + ".title"
            })
        let keys = Set(try Self.catalog(.english).entries.keys)
        let unused = keys.filter { key in !used.contains(key) && !families.contains { key.hasPrefix($0) } }
        #expect(unused.isEmpty, "no one uses \(unused.sorted())")
        let sections = Set(keys.map { $0.prefix { $0 != "." } })
        let missing = used.filter { key in
            sections.contains(key.prefix { $0 != "." }) && !keys.contains(key)
                && !families.contains { $0.hasPrefix(key) || key.hasPrefix($0) }
        }
        #expect(missing.isEmpty, "no text for \(missing.sorted())")
    }

    @Test func everyCaseHasItsText() throws {
        for language in ReportLanguage.allCases {
            let keys = try Self.catalog(language).entries.keys
            for value in Confidence.allCases {
                #expect(keys.contains("confidence.\(value.rawValue)"))
                #expect(keys.contains("confidence.\(value.rawValue)_text"))
            }
            for value in CoverageStatement.Kind.allCases {
                #expect(keys.contains("coverage.\(value.rawValue)"))
                #expect(keys.contains("coverage.\(value.rawValue)_text"))
            }
            for value in ReportModel.TimestampTrust.allCases { #expect(keys.contains("trust.\(value.rawValue)")) }
            for value in ReportModel.EntryCheck.allCases { #expect(keys.contains("handling.check_\(value.rawValue)")) }
            for value in ReportModel.Methods.Step.allCases { #expect(keys.contains("methods.step_\(value.rawValue)")) }
            for value in ReportModel.VerificationStep.Subject.allCases {
                #expect(keys.contains("verification.subject_\(value.rawValue)"))
            }
        }
    }

    /// French sets a narrow no-break space before ; ? ! and a no-break space before the colon and inside « ».
    @Test func frenchSpacesDoNotBreak() throws {
        for (key, entry) in try Self.catalog(.french).entries {
            for text in Self.texts(entry) {
                #expect(text.matches(of: #/\x20[;:?!»]|«\x20/#).isEmpty, "\(key): \(text)")
            }
        }
    }

    @Test func plurals() throws {
        let (english, french) = (try Self.catalog(.english), try Self.catalog(.french))
        #expect(english.counted("findings.extents", 0) == "0 ranges")
        #expect(english.counted("findings.extents", 1) == "1 range")
        #expect(french.counted("findings.extents", 0) == "0 plage")
        #expect(french.counted("findings.extents", 1000) == "1\u{202F}000 plages")
    }

    @Test func valuesBringNoPlaceholders() throws {
        let catalog = try TextCatalog(yaml: "a:\n  b: \"{x} and {y}\"\n", language: .english)
        #expect(catalog("a.b", ["x": "{y}", "y": "{x}"]) == "{y} and {x}")
    }

    @Test(arguments: ["", "- a", "a: b", "a:\n  b: [1]", "a:\n  b: {one: x}", "a: {b: c}\na: {b: d}", "a: &x {b: *x}"])
    func aMalformedCatalogueIsAnError(_ yaml: String) {
        #expect(throws: ReportError.self) { try TextCatalog(yaml: yaml, language: .english) }
    }
}
