import ArgumentParser
import Carving
import Casework
import EvidenceModel
import FormatIdentification

/// How a list is written.
enum ListFormat: String, ExpressibleByArgument, CaseIterable {
    case table
    case json
}

/// The formats that carving looks for, for people and for programs.
struct FormatTable {
    let list: FormatList

    init(_ tools: CarvingTools) { list = FormatList(magic: tools.magic) }

    var text: String {
        var table = Table(["Format", "Source", "MIME type", "Extensions", "Offset: first bytes", "Walked"])
        for format in list.formats {
            table.add([
                shortened(format.name, 40), shortened(source(format), 24), format.mime,
                shortened(format.extensions.joined(separator: " "), 20), signatures(of: format),
                format.walker ?? "header only",
            ])
        }
        var lines = [table.text, ""]
        for database in list.databases {
            lines.append(
                "\(database.name): \(database.searched) of \(database.tests) top-level tests are searched for.")
        }
        lines.append(
            "Not searched for: \(list.otherTests) tests that compare no fixed bytes at a fixed place, and signatures that are "
                + "short (\(list.leftOut.short)), far from the start (\(list.leftOut.far)) or of little meaning "
                + "(\(list.leftOut.weak)). They still name what is found otherwise.")
        lines.append("\"header only\": libmagic names the file, and rules end it (Documentation/Formats/carving.md).")
        return lines.joined(separator: "\n")
    }

    var value: CanonicalValue {
        .object([
            "formats": .array(list.formats.map(value)),
            "databases": .array(
                list.databases.map {
                    .object([
                        "name": .string($0.name), "tests": .size($0.tests), "searched": .size($0.searched),
                    ])
                }),
            "not_searched": .object([
                "other_tests": .size(list.otherTests), "short": .size(list.leftOut.short),
                "far": .size(list.leftOut.far), "weak": .size(list.leftOut.weak),
            ]),
        ])
    }

    private func value(_ format: ListedFormat) -> CanonicalValue {
        .object([
            "name": .string(format.name), "source": .string(format.source), "mime": .string(format.mime),
            "extensions": .array(format.extensions.map { .string($0) }),
            "signatures": .array(
                format.signatures.map {
                    .object(["offset": .size($0.offset), "bytes": .string(Hex.encode($0.bytes))])
                }),
            "walker": format.walker.map { .string($0) } ?? .null,
        ])
    }

    private func source(_ format: ListedFormat) -> String {
        format.source.split(separator: "/").last.map(String.init) ?? format.source
    }

    /// The first signature; how many more there are.
    private func signatures(of format: ListedFormat) -> String {
        guard let first = format.signatures.first else { return "" }
        let bytes = Hex.encode(first.bytes.prefix(12)) + (first.bytes.count > 12 ? "…" : "")
        let more = format.signatures.count - 1
        return "\(first.offset): \(bytes)" + (more > 0 ? " (+\(more))" : "")
    }

    private func shortened(_ text: String, _ length: Int) -> String {
        text.count <= length ? text : text.prefix(length - 1) + "…"
    }
}
