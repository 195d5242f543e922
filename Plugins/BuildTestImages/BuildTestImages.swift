import Foundation
import PackagePlugin

/// Builds test-images from its seeded recipes; `--check` only compares. The work is in Sources/TestImageBuilder.
@main
struct BuildTestImages: CommandPlugin {
    func performCommand(context: PluginContext, arguments: [String]) async throws {
        let builder = Process()
        builder.executableURL = try context.tool(named: "TestImageBuilder").url
        builder.arguments = ["--package", context.package.directoryURL.path] + arguments
        try builder.run()
        builder.waitUntilExit()
        guard builder.terminationStatus == 0 else { throw Failure(status: builder.terminationStatus) }
    }

    struct Failure: Error, CustomStringConvertible {
        let status: Int32
        var description: String { "TestImageBuilder ended with status \(status); its words are above" }
    }
}
