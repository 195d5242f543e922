import Foundation

/// The git checkout that the package is the root of. The commit is read from git's own files, so that it is known where
/// git is not installed or refuses the folder's owner; the dirty flag only git can tell.
struct GitCheckout {
    let package: URL
    /// HEAD of this checkout lives here.
    let gitFolder: URL
    /// Branches and packed references live here; the same folder except in a worktree.
    let commonFolder: URL

    /// Nil when the package is not the root of a checkout.
    init?(package: URL) {
        self.package = package
        let entry = package.appending(path: ".git")
        if let link = line(entry), link.hasPrefix("gitdir: ") {  // a worktree: .git is a file that names the folder
            gitFolder = URL(fileURLWithPath: String(link.dropFirst(8)), relativeTo: package).absoluteURL
        } else {
            gitFolder = entry
        }
        guard line(gitFolder.appending(path: "HEAD")) != nil else { return nil }
        let folder = gitFolder
        commonFolder =
            line(folder.appending(path: "commondir")).map { URL(fileURLWithPath: $0, relativeTo: folder).absoluteURL }
            ?? folder
    }

    /// The full name of the commit that HEAD stands for; nil before the first commit.
    var commit: String? {
        guard let head = line(gitFolder.appending(path: "HEAD")) else { return nil }
        guard head.hasPrefix("ref: ") else { return head.isObjectName ? head : nil }
        return resolve(String(head.dropFirst(5)), depth: 0)
    }

    private func resolve(_ reference: String, depth: Int) -> String? {
        guard depth < 5 else { return nil }
        for folder in [gitFolder, commonFolder] {
            guard let value = line(folder.appending(path: reference)) else { continue }
            if value.hasPrefix("ref: ") { return resolve(String(value.dropFirst(5)), depth: depth + 1) }
            if value.isObjectName { return value }
        }
        let packed = (try? String(contentsOf: commonFolder.appending(path: "packed-refs"), encoding: .utf8)) ?? ""
        for entry in packed.split(separator: "\n") where !entry.hasPrefix("#") && !entry.hasPrefix("^") {
            let fields = entry.split(separator: " ", maxSplits: 1)
            if fields.count == 2, fields[1] == reference, String(fields[0]).isObjectName { return String(fields[0]) }
        }
        return nil
    }

    /// Whether files under `paths` differ from the commit, new files included; nil when git cannot tell.
    func isDirty(paths: [String]) -> Bool? {
        let arguments = ["git", "--no-optional-locks", "-C", package.path, "status", "--porcelain", "--"]
        return run("/usr/bin/env", arguments + paths).map { !$0.isEmpty }
    }
}

private func line(_ file: URL) -> String? {
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
}

extension String {
    /// SHA-1 or SHA-256 object name in lower-case hexadecimal.
    fileprivate var isObjectName: Bool {
        (utf8.count == 40 || utf8.count == 64)
            && utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
