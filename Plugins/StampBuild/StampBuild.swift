import Foundation
import PackagePlugin

/// Generates BuildStamp.swift: version, commit, whether the sources differ from it, compiler. No clock: same sources, same
/// bytes. This file only names inputs and output; the work is in Sources/BuildStamper.
@main
struct StampBuild: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let package = context.package.directoryURL
        let output = context.pluginWorkDirectoryURL.appending(path: "BuildStamp.swift")
        var arguments = ["--package", package.path, "--output", output.path]
        arguments += ["--swiftc", try context.tool(named: "swiftc").url.path]
        return [
            .buildCommand(
                displayName: "Stamping the build", executable: try context.tool(named: "BuildStamper").url,
                arguments: arguments, inputFiles: inputs(of: package), outputFiles: [output])
        ]
    }

    /// The files whose change may change the stamp: what moves with the commit, and the sources (for the dirty flag).
    private func inputs(of package: URL) -> [URL] {
        var files = ["VERSION", "Package.swift"].map { package.appending(path: $0) }
        let walk = FileManager.default.enumerator(
            at: package.appending(path: "Sources"), includingPropertiesForKeys: [.isRegularFileKey])
        while let file = walk?.nextObject() as? URL {
            if (try? file.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true { files.append(file) }
        }
        var git = package.appending(path: ".git")
        if let link = text(git), link.hasPrefix("gitdir: ") {  // a worktree: .git is a file that names the folder
            git = URL(fileURLWithPath: String(link.dropFirst(8)), relativeTo: package).absoluteURL
        }
        let common = text(git.appending(path: "commondir"))
        let shared = common.map { URL(fileURLWithPath: $0, relativeTo: git).absoluteURL } ?? git
        files += ["HEAD", "logs/HEAD", "index"].map { git.appending(path: $0) }
        files.append(shared.appending(path: "packed-refs"))
        if let head = text(git.appending(path: "HEAD")), head.hasPrefix("ref: ") {
            files.append(shared.appending(path: String(head.dropFirst(5))))
        }
        return files.filter { FileManager.default.fileExists(atPath: $0.path) }.sorted { $0.path < $1.path }
    }

    private func text(_ file: URL) -> String? {
        (try? String(contentsOf: file, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
