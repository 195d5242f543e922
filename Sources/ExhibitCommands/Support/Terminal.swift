import Foundation

/// Standard error: progress, notices and errors. Standard output is for data only.
enum Terminal {
    /// True when standard error is a terminal that can redraw a line.
    static let isInteractive = isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"

    /// Writes one line to standard error.
    static func say(_ text: String) { write(text + "\n") }

    /// Writes to standard error as it is. Where nobody can be told, as when it is closed, the work goes on.
    static func write(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
}

/// Standard output.
enum Output {
    /// Writes one line of data.
    ///
    /// - Throws: ``OutputError``.
    static func line(_ text: String) throws(OutputError) { try write(Array((text + "\n").utf8)) }

    /// Writes data as it is.
    ///
    /// - Throws: ``OutputError``.
    static func write(_ bytes: [UInt8]) throws(OutputError) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(bytes))
        } catch {
            throw OutputError(reason: error.localizedDescription)
        }
    }
}

/// The answer could not be written.
struct OutputError: Error, CustomStringConvertible {
    /// Why, in the system's words.
    let reason: String

    var description: String {
        "Standard output cannot be written: \(reason) What was written is not complete. What the command did in the case "
            + "stays done; make room and ask again."
    }
}

/// The words of an error for people.
enum ErrorText {
    static func text(of error: any Error) -> String {
        // Our own errors describe themselves; those of Foundation have a text only here.
        error is CocoaError ? error.localizedDescription : String(describing: error)
    }
}
