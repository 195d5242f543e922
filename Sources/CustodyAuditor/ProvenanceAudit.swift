import Digesting
import EvidenceModel
import Foundation

/// Compares the files under test-images with the table in CHAIN_OF_CUSTODY.md: every file has a row, every row a file.
struct ProvenanceAudit {
    static let begin = "<!-- test-images -->"
    static let end = "<!-- /test-images -->"
    static let header = ["path", "bytes", "sha256", "origin or recipe", "licence"]
    /// Bytes that are digested at once.
    private static let piece = 1 << 20

    /// What the table says of one file.
    struct Row: Hashable {
        let path: String
        let bytes: Int
        let sha256: String
        let origin: String
        let licence: String
    }

    /// The top folder of the package.
    let package: URL

    /// One line for each thing that is not as the table says.
    func problems() -> [String] {
        var problems: [String] = []
        let page = package.appendingPathComponent("CHAIN_OF_CUSTODY.md")
        let text: String
        do { text = try String(contentsOf: page, encoding: .utf8) } catch {
            return ["CHAIN_OF_CUSTODY.md cannot be read: \(error.localizedDescription)"]
        }
        let rows = Self.rows(of: text, &problems)
        var stated: Set<String> = []
        for row in rows {
            if !stated.insert(row.path).inserted { problems.append("\(row.path) has two rows") }
            if let problem = problem(of: row) { problems.append(problem) }
        }
        for path in files() where !stated.contains(path) { problems.append("\(path) has no row") }
        return problems
    }

    /// The rows between the markers.
    static func rows(of page: String, _ problems: inout [String]) -> [Row] {
        guard let from = page.range(of: begin), let to = page.range(of: end, range: from.upperBound..<page.endIndex)
        else {
            problems.append("CHAIN_OF_CUSTODY.md has no table between \(begin) and \(end)")
            return []
        }
        let lines = page[from.upperBound..<to.lowerBound].split(separator: "\n").map(cells(of:))
        guard lines.first == header else {
            problems.append("the table's columns are not \(header.joined(separator: ", "))")
            return []
        }
        var rows: [Row] = []
        for cells in lines.dropFirst(2) {
            guard cells.count == header.count, let bytes = Int(cells[1]), !cells.contains("") else {
                problems.append("a row of the table cannot be read: \(cells.joined(separator: " | "))")
                continue
            }
            rows.append(
                Row(path: cells[0], bytes: bytes, sha256: cells[2], origin: cells[3], licence: cells[4]))
        }
        return rows
    }

    private static func cells(of line: Substring) -> [String] {
        let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
        return cells.map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " `")) }
    }

    private func problem(of row: Row) -> String? {
        let parts = row.path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.first == "test-images", !parts.contains(where: { ["", ".", ".."].contains($0) }) else {
            return "\(row.path) is no path under test-images"
        }
        let file = package.appendingPathComponent(row.path)
        guard isRegularFile(file) else { return "\(row.path) has a row, but is no file" }
        do {
            let (size, digest) = try Self.digest(of: file)
            if size != row.bytes { return "\(row.path) has \(size) bytes, the table says \(row.bytes)" }
            return digest.hex == row.sha256
                ? nil : "\(row.path) has the SHA-256 \(digest.hex), the table says \(row.sha256)"
        } catch { return "\(row.path) cannot be read: \(error)" }
    }

    /// Everything under test-images that is not a folder, in order.
    private func files() -> [String] {
        let folder = package.appendingPathComponent("test-images").path
        guard let paths = FileManager.default.enumerator(atPath: folder) else { return [] }
        return paths.compactMap { $0 as? String }.filter { path in
            var isFolder: ObjCBool = false
            let exists = unsafe FileManager.default.fileExists(atPath: folder + "/" + path, isDirectory: &isFolder)
            return !exists || !isFolder.boolValue
        }.map { "test-images/" + $0 }.sorted()
    }

    private func isRegularFile(_ file: URL) -> Bool {
        let type = try? FileManager.default.attributesOfItem(atPath: file.path)[.type] as? FileAttributeType
        return type == .typeRegular
    }

    private static func digest(of file: URL) throws -> (size: Int, digest: Digest) {
        let handle = try FileHandle(forReadingFrom: file)
        var running = try RunningDigest(.sha256)
        var size = 0
        while let piece = try handle.read(upToCount: piece), !piece.isEmpty {
            try running.update(Array(piece))
            size += piece.count
        }
        try handle.close()
        return (size, try running.finalize())
    }
}
