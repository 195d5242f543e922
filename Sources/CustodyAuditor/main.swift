import Foundation

do {
    exit(try AuditCommand(Array(CommandLine.arguments.dropFirst())).run { print($0) })
} catch {
    FileHandle.standardError.write(Data("\(error)\n\(AuditCommand.usage)\n".utf8))
    exit(2)
}
