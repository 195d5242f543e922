internal import Subprocess
internal import SystemPackage

/// Runs one of our Python programs on untrusted input: fixed words, no environment, input and output through pipes.
///
/// The program confines itself further before it looks at its input (`Resources/confined.py`): no network, no file but
/// the system's libraries and fonts, bounded memory and processor time.
enum ConfinedProgram {
    /// Debian's interpreter, which its packages belong to; another one in the search path would not have them.
    private static let interpreter = "/usr/bin/python3"

    struct Outcome {
        let output: [UInt8]
        let errors: String
        let exitCode: Int32
    }

    /// - Parameters:
    ///   - program: name of the resource, for example "render_pdf.py".
    ///   - outputLimit: most bytes that the program may write.
    static func run(
        _ program: String, arguments: [String] = [], input: [UInt8], outputLimit: Int
    ) async throws(ReportError) -> Outcome {
        let path = try ReportResources.path(program)
        do {
            // -I: no user packages, no PYTHON variables, no current folder in the search path.
            let result = try await Subprocess.run(
                .path(FilePath(interpreter)), arguments: Arguments(["-I", path] + arguments),
                environment: .custom([:] as [Environment.Key: String]), workingDirectory: FilePath("/"),
                input: .array(input),
                output: .bytes(limit: outputLimit), error: .string(limit: 1 << 20))
            let exitCode: Int32
            switch result.terminationStatus {
            case .exited(let code): exitCode = code
            case .signaled(let signal): exitCode = -signal
            }
            return Outcome(output: result.standardOutput, errors: result.standardError, exitCode: exitCode)
        } catch {
            throw ReportError(
                .missingTool,
                "\(interpreter) could not be run for \(program): \(error). Install the Debian package python3.")
        }
    }
}
