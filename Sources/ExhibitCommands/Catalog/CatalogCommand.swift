import ArgumentParser
import ArtifactCatalog
import Casework
import EvidenceModel

/// `exhibit catalog`.
struct CatalogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog", abstract: "Look at what was found.",
        subcommands: [List.self, Show.self, Coverage.self, Export.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List artifacts, one a line.")

        @OptionGroup var location: CaseOptions
        @OptionGroup var selection: SelectionOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let artifacts = try CatalogReading.store(of: location.open()).artifacts(selection.filter())
            try output.write(["artifacts": .array(artifacts.map(\.canonical))]) {
                var table = Table(
                    ["Id", "Item", "Offset", "Size", "Format", "Confidence", "Pieces", "Parent"], numeric: [2, 3, 6])
                for artifact in artifacts {
                    table.add([
                        artifact.id, artifact.item, String(artifact.extents.first?.offset ?? 0), String(artifact.size),
                        artifact.format, artifact.confidence.rawValue, String(artifact.extents.count),
                        artifact.parent ?? "-",
                    ])
                }
                return table.text
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show all that is known of one artifact.")

        @Argument(help: "The artifact's id, or its first digits.")
        var id: String

        @OptionGroup var location: CaseOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let store = try CatalogReading.store(of: location.open())
            let found = try store.artifacts(CatalogFilter(idPrefix: id))
            guard let artifact = found.first else {
                throw CatalogError(.unknownArtifact, "No artifact has an id that begins with \(id).")
            }
            guard found.count == 1 else {
                throw CatalogError(
                    .unknownArtifact, "\(found.count) artifacts have ids that begin with \(id). Give more digits.")
            }
            try output.write(artifact.canonical) { Self.text(of: artifact) }
        }

        private static func text(of artifact: Artifact) -> String {
            var table = Table(["Artifact", artifact.id])
            table.add(["Item", artifact.item])
            table.add(["Path", artifact.path])
            if let parent = artifact.parent { table.add(["Lies in", parent]) }
            if let decoding = artifact.decoding { table.add(["Decoded by", decoding]) }
            table.add(["Format", "\(artifact.format) (\(artifact.mime), .\(artifact.fileExtension))"])
            table.add(["Confidence", artifact.confidence.rawValue])
            table.add(["Size", "\(artifact.size) bytes"])
            for extent in artifact.extents { table.add(["At", "\(extent.offset), \(extent.length) bytes"]) }
            table.add(["SHA-256", artifact.sha256.hex])
            table.add(["MD5", artifact.md5.hex])
            table.add(["Described as", artifact.description])
            for (name, value) in artifact.facts.sorted(by: { $0.key < $1.key }) {
                table.add([name, value.string ?? value.encodedText])
            }
            for warning in artifact.warnings { table.add(["Warning", warning]) }
            return table.text
        }
    }

    struct Coverage: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what became of every byte of an item's medium.",
            discussion: """
                Each byte belongs to one class: a find (proven, structural, header, broken), unreadable, zero, one other \
                value repeated, text, high entropy, unexplained. The classes add up to the medium. High entropy is \
                compressed, encrypted or random data, which cannot be told apart.
                """)

        @OptionGroup var location: CaseOptions

        @Option(help: "Only this item; all that were carved by default.")
        var item: String?

        @Option(help: "text or json.")
        var format: StatementFormatOption = .text

        @OptionGroup var output: OutputOptions

        func run() throws {
            var records = try CatalogReading.records(in: location.open())
            if let item {
                records.removeAll { $0.item != item }
                guard !records.isEmpty else {
                    throw ValidationError("Item \(item) was not carved yet. Use `exhibit carve --item \(item)`.")
                }
            }
            for (item, record) in records where record.coverage == nil {
                Terminal.say(
                    "Note: item \(item) was carved by an earlier version, which made no coverage statement. Use `exhibit "
                        + "carve --item \(item)`.")
            }
            let stated = records.filter { $0.record.coverage != nil }
            var output = output
            if format == .json { output.json = true }
            try output.write([
                "items": .array(
                    stated.map { item, record in
                        .object(compacting: [
                            "item": .string(item), "coverage": record.canonical["coverage"],
                            "statistics": record.canonical["statistics"],
                        ])
                    })
            ]) {
                stated.map { entry in entry.record.coverage.map { CoverageText.text(entry.item, $0) } ?? "" }
                    .joined(separator: "\n\n")
            }
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the catalogue to standard output.",
            discussion: "JSON Lines (one canonical object an artifact) or CSV, sorted by item, offset and id.")

        @OptionGroup var location: CaseOptions
        @OptionGroup var selection: SelectionOptions

        @Option(help: "jsonl or csv.")
        var format: FormatOption = .jsonl

        func run() throws {
            let store = try CatalogReading.store(of: location.open())
            var buffer: [UInt8] = []
            try store.export(format.format, selection.filter()) { line in
                buffer += line
                if buffer.count >= 1 << 16 {
                    try Output.write(buffer)
                    buffer.removeAll(keepingCapacity: true)
                }
            }
            try Output.write(buffer)
        }
    }
}

/// The forms of the export, as options name them.
enum FormatOption: String, ExpressibleByArgument, CaseIterable {
    case jsonl
    case csv

    var format: CatalogFormat {
        switch self {
        case .jsonl: .jsonl
        case .csv: .csv
        }
    }
}

/// The forms of a statement, as options name them.
enum StatementFormatOption: String, ExpressibleByArgument, CaseIterable {
    case text
    case json
}

/// Confidences, as options name them.
enum ConfidenceOption: String, ExpressibleByArgument, CaseIterable {
    case proven
    case structural
    case header
    case broken

    var confidence: Confidence {
        switch self {
        case .proven: .proven
        case .structural: .structural
        case .header: .header
        case .broken: .broken
        }
    }
}

/// Origins, as options name them.
enum OriginOption: String, ExpressibleByArgument, CaseIterable {
    case carved
    case filesystem
    case embedded

    var origin: ArtifactOrigin {
        switch self {
        case .carved: .carved
        case .filesystem: .filesystem
        case .embedded: .embedded
        }
    }
}

/// Which artifacts a command is about.
struct SelectionOptions: ParsableArguments {
    @Option(help: "Only those of this item.")
    var item: String?

    @Option(name: .customLong("of-format"), help: "Only those of this format, for example jpeg.")
    var format: String?

    @Option(help: "Only those of this confidence: proven, structural, header, broken.")
    var confidence: ConfidenceOption?

    @Option(help: "Only those found so: carved, filesystem (files of a folder), embedded (in other finds).")
    var origin: OriginOption?

    func filter() -> CatalogFilter {
        CatalogFilter(item: item, format: format, confidence: confidence?.confidence, origin: origin?.origin)
    }
}
