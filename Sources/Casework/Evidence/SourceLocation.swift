import EvidenceModel
import SourceMedia

/// Where a source was last seen: `location.json`.
///
/// A convenience for `verify` and `carve`, signed by nobody: media move, and what counts is their digests.
struct SourceLocation: Hashable {
    var path: String
    /// What it rests on, as the user has named it.
    var backing: [String] = []

    var encoded: [UInt8] {
        CanonicalValue.object(compacting: [
            "path": .string(path), "backing": backing.isEmpty ? nil : .array(backing.map { .string($0) }),
        ]).encoded
    }

    init(path: String, backing: [String] = []) {
        self.path = path
        self.backing = backing
    }

    /// Nil when the file is absent or not readable as one: then the user names the source.
    init?(in folder: EvidenceFolder) {
        do {
            let bytes = try DurableFile.read(folder.locationPath, limit: 1 << 16)
            let value = try CanonicalValue(parsing: bytes)
            guard let path = value["path"]?.string else { return nil }
            self.path = path
            backing = value["backing"]?.array?.compactMap(\.string) ?? []
        } catch {
            return nil
        }
    }
}

/// The name of a source as records show it: the last part of its path.
enum SourceName {
    static func shown(_ description: SourceDescription) -> String {
        let path = description.path
        return shown(String(path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]))
    }

    /// A name as records show it: they hold no control characters. The exact name of each file stands in the manifest.
    static func shown(_ name: String) -> String {
        String(
            String.UnicodeScalarView(
                name.unicodeScalars.map { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) ? "\u{FFFD}" : $0 }))
    }
}
