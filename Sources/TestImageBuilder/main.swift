import Foundation

/// Exit codes: 0 done, 1 something differs, 2 the call was wrong or could not run.
func run(_ arguments: [String]) throws -> Int32 {
    let usage = """
        usage: TestImageBuilder [--package FOLDER]                     build test-images and its provenance table
               TestImageBuilder --check                                compare what is committed with the recipes
               TestImageBuilder --update-table                         rewrite the table in CHAIN_OF_CUSTODY.md only
               TestImageBuilder --build NAME --to FOLDER               build one image whole, also what is not committed
                                [--seed TEXT] [--samples FOLDER]       with another layout, from FOLDER/<type>/<file>
        """
    var package = FileManager.default.currentDirectoryPath
    var build: String?
    var target: String?
    var seed: String?
    var samples: URL?
    var mode = "--write"
    var words = arguments[...]
    while let word = words.popFirst() {
        func value() throws -> String {
            guard let next = words.popFirst() else { throw BuilderError("\(word) takes a value\n\(usage)") }
            return next
        }
        switch word {
        case "--package": package = try value()
        case "--build": (mode, build) = (word, try value())
        case "--to": target = try value()
        case "--seed": seed = try value()
        case "--samples": samples = URL(fileURLWithPath: try value())
        case "--check", "--update-table": mode = word
        default: throw BuilderError("\(word): not an option\n\(usage)")
        }
    }
    let images = ImageFolder(package: URL(fileURLWithPath: package))
    switch mode {
    case "--check":
        let differences = try images.differences()
        for line in differences { print(line) }
        print(
            differences.isEmpty
                ? "test-images is what its recipes make." : "Run `make images` and look at what changed.")
        return differences.isEmpty ? 0 : 1
    case "--update-table":
        try ProvenanceTable(images: images).update()
    case "--build":
        guard let recipe = Recipe.all.first(where: { $0.name == build }) else {
            throw BuilderError("--build takes one of: \(Recipe.all.map(\.name).joined(separator: " "))")
        }
        let folder = target.map { URL(fileURLWithPath: $0) } ?? images.onDemand.appending(path: recipe.name)
        try images.write(recipe, seed: seed, samples: samples, wholeTo: folder)
        print(folder.path)
    default:
        for recipe in Recipe.all { try images.write(recipe) }
        try ProvenanceTable(images: images).update()
    }
    return 0
}

do {
    exit(try run(Array(CommandLine.arguments.dropFirst())))
} catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(2)
}
