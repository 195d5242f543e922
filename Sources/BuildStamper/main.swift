import Foundation

// BuildStamper --package FOLDER --output FILE [--swiftc PATH]: run by the StampBuild plugin.

var options: [String: String] = [:]
var words = CommandLine.arguments.dropFirst()
while let name = words.popFirst(), name.hasPrefix("--"), let value = words.popFirst() { options[name] = value }

do {
    guard let package = options["--package"], let output = options["--output"] else {
        throw StampError(message: "usage: BuildStamper --package FOLDER --output FILE [--swiftc PATH]")
    }
    let state = try BuildState(package: URL(fileURLWithPath: package), swiftc: options["--swiftc"])
    let file = URL(fileURLWithPath: output)
    // An unchanged stamp is left alone, so nothing that depends on it is built again.
    if (try? String(contentsOf: file, encoding: .utf8)) != state.source {
        try Data(state.source.utf8).write(to: file, options: .atomic)
    }
} catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(1)
}
