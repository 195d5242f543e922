internal import Foundation

/// `MagicCompiler OUTPUT.swift SOURCE.magic…`: run by the CompileMagic plugin.
@main
enum MagicCompilerMain {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard let output = arguments.first else {
            FileHandle.standardError.write(Data("usage: MagicCompiler OUTPUT.swift SOURCE.magic...\n".utf8))
            exit(2)
        }
        do {
            let compiled = try MagicCompilation.compile(Array(arguments.dropFirst()))
            let source = Data(MagicCompilation.swiftSource(compiled).utf8)
            try source.write(to: URL(fileURLWithPath: output), options: .atomic)
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }
}
