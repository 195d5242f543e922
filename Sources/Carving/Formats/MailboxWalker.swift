internal import EvidenceModel

/// Mailboxes in the mbox format (RFC 4155): messages, each behind a line that begins with "From ".
///
/// Nothing ends a mailbox but that its text does, so it is never more than `header`.
struct MailboxWalker: TextWalker {
    let name = "mbox"
    let signatures = [WalkerSignature("From ")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try MailboxWalk(reader).verdict() }
}

private struct MailboxWalk: FileWalk {
    static let longest = WalkLimit.mailboxBytes.value
    static let longestLine = 1 << 20
    static let mostFields = 512

    var text: TextCursor
    var file = WalkedFile(
        length: 0, confidence: .header, format: "mbox", fileExtension: "mbox", mime: "application/mbox")
    var isRecognised = false
    var messages = 0

    init(_ reader: ByteReader) { text = TextCursor(WalkInput(reader)) }

    mutating func run() throws(WalkStop) {
        guard try MailboxSeparator.isOne(line()), try header() else {
            throw .rejected("no message behind the first line")
        }
        isRecognised = true
        messages = 1
        var isBehindEmpty = false
        do throws(WalkStop) {
            while text.at < Self.longest {
                file.length = text.at
                // At a block of the medium, another mailbox may begin; it does not when it continues this one's lines.
                let line = try self.line()
                if isBehindEmpty, MailboxSeparator.isOne(line) {
                    let before = text
                    if try header() { messages += 1 } else { text = before }
                }
                isBehindEmpty = line.isEmpty
            }
            text.input.reached(.mailboxBytes)
        } catch {
            if case .failed(.medium) = error { throw error }
        }
        file.note("messages", messages)
        file.warnings.append("a mailbox has no end of its own: ended with the last line of text")
    }

    /// A line without its end.
    private mutating func line() throws(WalkStop) -> [UInt8] {
        var line: [UInt8] = []
        while true {
            try text.takePlain(to: &line, atMost: Self.longestLine - line.count)
            let character = try text.next()
            if character == 0x0A { break }
            guard line.count < Self.longestLine else {
                throw .broken("a line longer than any real one")
            }
            line.append(UInt8(truncatingIfNeeded: character))
        }
        if line.last == 0x0D { line.removeLast() }
        return line
    }

    /// The fields of a message, up to an empty line; false when they are none.
    private mutating func header() throws(WalkStop) -> Bool {
        var known = 0
        for index in 0..<Self.mostFields {
            let line = try self.line()
            if line.isEmpty { return known >= 2 }
            if index > 0, line[0] == 0x20 || line[0] == 0x09 { continue }
            guard let colon = line.firstIndex(of: 0x3A), colon > 0,
                line[..<colon].allSatisfy({ (0x21...0x7E).contains($0) })
            else { return false }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            let isKnown = ["from", "to", "subject", "date", "message-id", "received", "return-path", "mime-version"]
            if isKnown.contains(name) { known += 1 }
            if messages == 0, ["from", "to", "subject", "date"].contains(name) {
                file.note("first_" + name, text: line[(colon + 1)...])
            }
        }
        return false
    }
}

/// The line before each message of a mailbox: "From", a sender, and the time as asctime(3) writes it (RFC 4155, appendix A).
enum MailboxSeparator {
    /// Most bytes of the line.
    static let longest = 512
    private static let days: Set<String> = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

    static func isOne(_ line: [UInt8]) -> Bool {
        guard line.starts(with: Array("From ".utf8)), line.count < longest else { return false }
        let words = String(decoding: line, as: UTF8.self).split(separator: " ").map(String.init)
        guard let day = words.dropFirst(2).first(where: { days.contains($0) }),
            let place = words.firstIndex(of: day), words.count >= place + 5
        else { return false }
        return words[place + 3].split(separator: ":").count >= 2
    }
}
