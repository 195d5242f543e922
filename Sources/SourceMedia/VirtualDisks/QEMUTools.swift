internal import Glibc

/// The programs of qemu that read virtual disks, and the words in which they are told what to read.
enum QEMUTools {
    /// Where Debian has them; nothing is looked for in a search path.
    static let server = "/usr/bin/qemu-nbd"
    static let image = "/usr/bin/qemu-img"
    static let package = "qemu-utils"

    /// - Throws: ``SourceError`` with code `unsupported` when the program is not there.
    static func require(_ path: String, for name: String) throws(SourceError) {
        guard unsafe access(path, X_OK) == 0 else {
            throw SourceError(
                .unsupported,
                "\(path) is needed to read \(name) and is not there. Nothing was taken in. Install the Debian package "
                    + "\(package).")
        }
    }

    /// One image, or the image it rests on.
    struct Node: Sendable {
        let format: VirtualDiskFormat?
        /// How the child opens it.
        let path: String
        let options: [String: String]
    }

    /// What qemu is to open: every file and every format named, nothing left for it to find or to guess.
    ///
    /// - Parameter chain: the image first, then what it rests on.
    static func filename(_ chain: [Node]) -> String { "json:" + describe(chain[...]) }

    private static func describe(_ chain: ArraySlice<Node>) -> String {
        guard let node = chain.first else { return "null" }
        var members = [
            "\"driver\":\"\(node.format?.driver ?? "raw")\"", "\"read-only\":true",
            "\"file\":{\"driver\":\"file\",\"read-only\":true,\"locking\":\"off\",\"filename\":\(quoted(node.path))}",
        ]
        members += node.options.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
        if node.format?.canHaveBacking == true { members.append("\"backing\":" + describe(chain.dropFirst())) }
        return "{" + members.joined(separator: ",") + "}"
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\" + String(scalar)
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
