import Foundation
import PackagePlugin

/// Compiles `Magic/*.magic` of a target into a Swift file that carries the database inside the program.
@main
struct CompileMagic: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let folder = target.directoryURL.appending(path: "Magic")
        let sources = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "magic" }
            .sorted { $0.path < $1.path }
        let output = context.pluginWorkDirectoryURL.appending(path: "CompiledExhibitMagic.swift")
        return [
            .buildCommand(
                displayName: "Compiling \(sources.count) magic files",
                executable: try context.tool(named: "MagicCompiler").url,
                arguments: [output.path] + sources.map(\.path),
                inputFiles: sources,
                outputFiles: [output])
        ]
    }
}
