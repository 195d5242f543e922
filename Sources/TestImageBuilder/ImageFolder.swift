public import Foundation

/// The folder test-images, and what the recipes make of it.
public struct ImageFolder: Sendable {
    /// A file larger than this is not committed, in bytes.
    static let largestCommittedFile = 4 << 20

    /// The package's folder.
    public let package: URL
    var folder: URL { package.appending(path: "test-images") }
    /// Where images go that are not committed.
    public var onDemand: URL { package.appending(path: ".build/test-images") }

    /// The folder test-images of the package at `package`.
    public init(package: URL) { self.package = package }

    /// A recipe's image, from its own samples and seed or from others.
    ///
    /// Throws when a sample is missing.
    public func build(_ recipe: Recipe, seed: String? = nil, samples: URL? = nil) throws -> BuiltImage {
        let library = try SampleLibrary(folder: samples ?? folder.appending(path: "samples"))
        return try recipe.build(library, seed ?? recipe.seed)
    }

    /// An image's files, but for the folder of a folder image: name and content.
    func files(_ recipe: Recipe, _ built: BuiltImage) throws -> [(name: String, bytes: [UInt8])] {
        var files: [(name: String, bytes: [UInt8])] = []
        if case .image(let bytes) = built.content {
            files.append(("image.dd", bytes))
        }
        files.append(("truth.json", built.truth.encoded))
        files.append(("RECIPE.md", page(recipe, built)))
        return files
    }

    private func page(_ recipe: Recipe, _ built: BuiltImage) -> [UInt8] {
        let files = built.truth.files
        var facts = ["seed: `\(built.truth.seed)`"]
        if let size = built.truth.size { facts.append("size: \(size) bytes, blocks of \(built.truth.block)") }
        facts.append("files: \(files.count), complete: \(files.count { $0.isComplete && !$0.isDecoy })")
        facts.append("licence: CC0-1.0")
        let list = facts.map { "- \($0)" }.joined(separator: "\n")
        return Array(
            """
            # \(recipe.name)

            \(recipe.page)

            \(list)

            Made by `make images` from `Sources/TestImageBuilder/Recipes`; do not edit.

            """.utf8)
    }

    /// Writes a recipe's committed files into test-images.
    ///
    /// Throws when a file cannot be written.
    public func write(_ recipe: Recipe) throws {
        let target = folder.appending(path: recipe.name)
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        for file in try files(recipe, try build(recipe)) {
            guard file.bytes.count <= Self.largestCommittedFile else {
                throw BuilderError("\(recipe.name)/\(file.name): \(file.bytes.count) bytes are too many to commit")
            }
            try Data(file.bytes).write(to: target.appending(path: file.name), options: .atomic)
        }
    }

    /// Builds a recipe into `target` whole, the folder of a folder image included: image.dd or folder/, truth.json,
    /// RECIPE.md; from its own seed and samples or from others. What lies at `target` is replaced.
    ///
    /// Throws when a file cannot be written.
    public func write(_ recipe: Recipe, seed: String? = nil, samples: URL? = nil, wholeTo target: URL) throws {
        let built = try build(recipe, seed: seed, samples: samples)
        if FileManager.default.fileExists(atPath: target.path) { try FileManager.default.removeItem(at: target) }
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        for file in try files(recipe, built) {
            try Data(file.bytes).write(to: target.appending(path: file.name), options: .atomic)
        }
        if case .folder(let entries) = built.content {
            try TestImageBuilder.write(entries, to: target.appending(path: "folder"))
        }
    }

    /// What differs between the recipes and what is committed: one line each, none when all is well.
    ///
    /// Throws when a recipe cannot be built.
    public func differences() throws -> [String] {
        var output: [String] = []
        for recipe in Recipe.all {
            let files = try files(recipe, try build(recipe))
            let target = folder.appending(path: recipe.name)
            for file in files {
                let path = "test-images/\(recipe.name)/\(file.name)"
                guard let found = FileManager.default.contents(atPath: target.appending(path: file.name).path) else {
                    output.append("\(path) is missing")
                    continue
                }
                guard let at = firstDifference([UInt8](found), file.bytes) else { continue }
                output.append("\(path) differs from its recipe, first at byte \(at)")
            }
            let known = Set(files.map(\.name))
            let present = FileManager.default.fileExists(atPath: target.path) ? try regularFiles(under: target) : []
            output += present.filter { !known.contains($0) }.map {
                "test-images/\(recipe.name)/\($0) is not of the recipe"
            }
        }
        let table = ProvenanceTable(images: self)
        if try !table.isCurrent() { output.append("the table of test images in CHAIN_OF_CUSTODY.md is not current") }
        return output
    }

    private func firstDifference(_ a: [UInt8], _ b: [UInt8]) -> Int? {
        if a == b { return nil }
        return zip(a, b).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(a.count, b.count)
    }
}
