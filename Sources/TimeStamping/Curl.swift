import Foundation

/// Runs Debian's curl once.
enum Curl {
    static let path = "/usr/bin/curl"
    /// Most bytes of curl's own messages that are read.
    private static let longestMessages = 1 << 16
    /// The variables that name proxies; nothing else of the environment is handed on.
    private static let proxyVariables: Set<String> = [
        "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
    ]

    struct Answer {
        /// The HTTP status, for example 200.
        let status: Int
        /// In lower case, without parameters.
        let contentType: String
        let body: [UInt8]
    }

    /// A value for a quoted place in curl's configuration.
    static func quoted(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }

    /// - Parameters:
    ///   - configuration: goes to curl's standard input.
    ///   - answerLimit: most bytes of the answer; a longer one ends curl at once.
    static func run(_ configuration: String, answerLimit: Int) throws(TimestampServiceError) -> Answer {
        let process = Process()
        let (input, output, errors) = (Pipe(), Pipe(), Pipe())
        process.executableURL = URL(filePath: path)
        // -q first: no configuration file of the user's takes part.
        process.arguments = ["-q", "--config", "-"]
        process.environment = ProcessInfo.processInfo.environment.filter { proxyVariables.contains($0.key) }
        process.currentDirectoryURL = URL(filePath: "/")
        (process.standardInput, process.standardOutput, process.standardError) = (input, output, errors)
        let body: [UInt8]
        let messages: String
        do {
            // Far below what a pipe takes, so this does not wait; before curl runs, so that one that ends at once is no
            // reader that has gone away.
            try input.fileHandleForWriting.write(contentsOf: Data(configuration.utf8))
            try process.run()
            try input.fileHandleForWriting.close()
            body = try read(output.fileHandleForReading, limit: answerLimit)
            if body.count > answerLimit {
                // It waits for a reader and would do so past its own time limit.
                kill(process.processIdentifier, SIGKILL)
                try output.fileHandleForReading.close()
            }
            messages = String(
                decoding: try read(errors.fileHandleForReading, limit: longestMessages), as: UTF8.self)
        } catch {
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            throw TimestampServiceError(
                .missingTool,
                "\(path) could not be run: \(error.localizedDescription). Install the Debian package curl.")
        }
        process.waitUntilExit()
        guard body.count <= answerLimit else { throw tooLarge }
        guard process.terminationStatus == 0 else {
            // 63: the server announced more than it may send.
            if process.terminationStatus == 63 { throw tooLarge }
            let words = messages.split(separator: "\n").first { $0.hasPrefix("curl: ") }?.dropFirst("curl: ".count)
            throw TimestampServiceError(
                .unreachable, "The time-stamping authority cannot be reached: \(words ?? "curl gives no reason").")
        }
        let words = messages.split(separator: "\n").last?.split(separator: " ", maxSplits: 1) ?? []
        let type = words.count > 1 ? words[1].prefix { $0 != ";" && $0 != " " }.lowercased() : ""
        return Answer(status: words.first.flatMap { Int($0) } ?? 0, contentType: printable(type), body: body)
    }

    private static let tooLarge = TimestampServiceError(
        .tooLarge, "The answer is larger than \(TimestampService.largestAnswer) bytes: it is no time stamp.")

    /// Up to one byte more than the limit.
    private static func read(_ handle: FileHandle, limit: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count <= limit, let part = try handle.read(upToCount: 1 << 16), !part.isEmpty {
            bytes.append(contentsOf: part)
        }
        return bytes.count > limit ? Array(bytes.prefix(limit + 1)) : bytes
    }

    /// A word of the server's for a message: nothing that a terminal would obey.
    private static func printable(_ word: String) -> String {
        String(word.prefix(100).filter { $0.isASCII && !($0.asciiValue.map { $0 < 0x21 || $0 == 0x7F } ?? true) })
    }
}
