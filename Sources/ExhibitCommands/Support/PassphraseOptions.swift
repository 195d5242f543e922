import ArgumentParser
import Foundation
import Trust

/// Where the passphrase of a private key comes from: never an argument, which other users of the machine could see.
struct PassphraseOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Read the passphrase from the first line of this file.", valueName: "file"))
    var passphraseFile: String?

    @Option(help: ArgumentHelp("Read the passphrase from the first line of this open descriptor.", valueName: "number"))
    var passphraseFd: Int32?

    /// True when a passphrase can be had without asking.
    var isGiven: Bool { passphraseFile != nil || passphraseFd != nil }

    /// The passphrase; asks at the terminal when neither option was given.
    ///
    /// - Parameter confirming: ask twice, for a key that is being made.
    func passphrase(for purpose: String, confirming: Bool = false) throws -> Passphrase {
        if let passphraseFile { return try Self.firstLine(ofFile: passphraseFile) }
        if let passphraseFd {
            let content = try FileHandle(fileDescriptor: passphraseFd, closeOnDealloc: false).readToEnd() ?? Data()
            return try Self.firstLine(Array(content), from: "descriptor \(passphraseFd)")
        }
        guard isatty(STDIN_FILENO) == 1 else {
            throw ValidationError(
                "The passphrase of \(purpose) is needed. Give --passphrase-file or --passphrase-fd, or run at a terminal."
            )
        }
        let first = try Self.ask("Passphrase of \(purpose): ")
        if confirming, try Self.ask("The same again: ") != first {
            throw ValidationError("The two passphrases differ. Nothing was made; start again.")
        }
        return Passphrase(first)
    }

    /// The first line of a file that holds a passphrase.
    static func firstLine(ofFile path: String) throws -> Passphrase {
        let content: Data
        do {
            content = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw ValidationError("The passphrase file \(path) cannot be read: \(error.localizedDescription)")
        }
        return try firstLine(Array(content), from: path)
    }

    private static func firstLine(_ content: [UInt8], from origin: String) throws -> Passphrase {
        let line = content.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard !line.isEmpty else {
            throw ValidationError("The first line of \(origin) is empty; it must hold the passphrase.")
        }
        return Passphrase(bytes: Array(line))
    }

    private static func ask(_ prompt: String) throws -> String {
        guard let answer = unsafe getpass(prompt) else {
            throw ValidationError("No passphrase could be read from the terminal.")
        }
        // getpass(3) keeps the text in static memory; it must not stay there.
        defer { unsafe memset(answer, 0, strlen(answer)) }
        let text = unsafe String(cString: answer)
        guard !text.isEmpty else { throw ValidationError("An empty passphrase protects nothing. Choose another one.") }
        return text
    }
}
