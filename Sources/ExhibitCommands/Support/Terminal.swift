import Foundation

/// Standard error: progress, notices and errors. Standard output is for data only.
enum Terminal {
    /// True when standard error is a terminal that can redraw a line.
    static let isInteractive = isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"

    /// Writes one line to standard error.
    static func say(_ text: String) { write(text + "\n") }

    /// Writes to standard error as it is.
    static func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

/// Standard output.
enum Output {
    /// Writes one line of data.
    static func line(_ text: String) { write(Array((text + "\n").utf8)) }

    /// Writes data as it is.
    static func write(_ bytes: [UInt8]) { FileHandle.standardOutput.write(Data(bytes)) }
}

/// The words of an error for people.
enum ErrorText {
    static func text(of error: any Error) -> String {
        // Our own errors describe themselves; those of Foundation have a text only here.
        error is CocoaError ? error.localizedDescription : String(describing: error)
    }
}
