internal import Digesting
internal import EvidenceModel
internal import Foundation

/// The table in CHAIN_OF_CUSTODY.md that says of every file under test-images what it is and where it comes from.
public struct ProvenanceTable {
    static let begin = "<!-- test-images -->"
    static let end = "<!-- /test-images -->"

    let images: ImageFolder
    private var page: URL { images.package.appending(path: "CHAIN_OF_CUSTODY.md") }

    /// The table of these images.
    public init(images: ImageFolder) { self.images = images }

    /// The lines between the markers.
    func rows() throws -> [String] {
        let recipes = Dictionary(uniqueKeysWithValues: Recipe.all.map { ($0.name, $0) })
        let rows = try regularFiles(under: images.folder).map { path in
            let bytes = try readFile(images.folder.appending(path: path))
            let top = path.split(separator: "/").first.map(String.init) ?? path
            let origin =
                recipes[top].map { "recipe \($0.name), seed \($0.seed)" }
                ?? (top == "samples" ? "scripts/make-samples" : "written by hand")
            let sha256 = try digest(.sha256, of: bytes).hex
            return "| test-images/\(path) | \(bytes.count) | \(sha256) | \(origin) | CC0-1.0 |"
        }
        return ["| path | bytes | sha256 | origin or recipe | licence |", "|---|---|---|---|---|"] + rows
    }

    /// The page with the table as it should be; the page is begun when there is none.
    private func current() throws -> (found: String, wanted: String) {
        let table = try ([Self.begin, ""] + rows() + ["", Self.end]).joined(separator: "\n")
        guard FileManager.default.fileExists(atPath: page.path) else {
            return ("", "# Chain of custody\n\n## Test images\n\n\(table)\n")
        }
        let text = try String(contentsOf: page, encoding: .utf8)
        guard let from = text.range(of: Self.begin) else { return (text, text + "\n## Test images\n\n\(table)\n") }
        guard let to = text.range(of: Self.end, range: from.upperBound..<text.endIndex) else {
            throw BuilderError("CHAIN_OF_CUSTODY.md has \(Self.begin) without \(Self.end)")
        }
        return (text, text.replacingCharacters(in: from.lowerBound..<to.upperBound, with: table))
    }

    /// Whether the page says what is there.
    func isCurrent() throws -> Bool {
        let (found, wanted) = try current()
        return found == wanted
    }

    /// Rewrites the table in the page.
    ///
    /// Throws when the page has only one of the two markers, or cannot be written.
    public func update() throws {
        let (found, wanted) = try current()
        if found != wanted { try Data(wanted.utf8).write(to: page, options: .atomic) }
    }
}
