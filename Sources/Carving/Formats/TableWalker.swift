internal import EvidenceModel

/// Tables as text (RFC 4180): lines of as many fields as the first one has, separated by commas, semicolons or tabs.
///
/// Any text may begin a table, so only those are told that begin with a column's name that tables really have, in a line
/// of at least three names, with two more lines of as many fields. Nothing marks a table's end: the find is never more
/// than `header`.
struct TableWalker: TextWalker {
    let name = "csv"
    let signatures = TableWalker.columns.flatMap { column in
        [",", ";", "\t"].flatMap { separator in
            ["\(column)\(separator)", "\"\(column)\"\(separator)", "\u{FEFF}\(column)\(separator)"]
        }
    }.filter { $0.utf8.count >= 4 }.map { WalkerSignature($0) }

    /// Names of first columns in exports of address books, call and message lists, bank statements, logs and tools.
    static let columns = [
        "Date", "date", "DATE", "Time", "time", "Timestamp", "timestamp", "TIMESTAMP", "Datetime", "DateTime", "Datum",
        "Name", "name", "NAME", "First Name", "First name", "Given Name", "Title", "Type", "type", "Id", "id", "ID",
        "User", "Username", "username", "user", "Email", "email", "E-mail Address", "Account", "Account Number", "From",
        "Subject", "URL", "url", "Path", "path", "File Name", "Filename", "filename", "Number", "No.", "Index", "index",
        "Transaction Date", "Transaction ID", "Booking Date", "Buchungstag", "Status", "Category", "Event", "Phone",
        "Phone Number", "Latitude", "latitude", "lat", "uuid", "UUID", "key", "Key", "Event ID", "EventID", "Level",
        "Host",
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try TableWalk(reader).verdict() }

    /// A first line of three columns' names.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        var separators = 0
        var isQuoted = false
        for index in 0..<min(head.count, 256) {
            let byte = head[index]
            if byte == 0x0A, !isQuoted { return separators >= 2 }
            if byte == 0x22 { isQuoted.toggle() }
            if byte == 0x2C || byte == 0x3B || byte == 0x09 { separators += 1 }
            guard Self.mayStandInHeader(byte) else { return false }
        }
        return true
    }

    /// Characters of columns' names: code and prose that begin with such a word have others on the same line.
    static func mayStandInHeader(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x00..<0x09, 0x0E..<0x1B, 0x1C..<0x20, 0x7F: false
        default: !excluded.contains(byte)
        }
    }

    private static let excluded = Set("{}[]<>=*!?\\`|^~".utf8)
}

private struct TableWalk: FileWalk {
    static let longest = 256 << 20
    static let longestLine = 1 << 20
    static let mostColumns = 1024
    static let fewestRows = 3

    var text: TextCursor
    var file = WalkedFile(length: 0, confidence: .header, format: "csv", fileExtension: "csv", mime: "text/csv")
    var isRecognised = false
    var separator = 0x2C

    init(_ reader: ByteReader) { text = TextCursor(WalkInput(reader)) }

    mutating func run() throws(WalkStop) {
        try text.readMark()
        guard text.width == 1 else { throw .rejected("not text of single bytes") }
        text.checksUTF8 = false
        let head = try text.input.available(at: 0, count: 128)
        guard let found = head.first(where: { [0x2C, 0x3B, 0x09].contains($0) }) else {
            throw .rejected("no separator")
        }
        separator = Int(found)
        var rows = 0
        var columns = 0
        do throws(WalkStop) {
            while text.at < Self.longest, text.at < text.input.count {
                let (fields, first, isEnded) = try row(keepsFirst: rows == 0)
                if rows == 0 {
                    guard (3...Self.mostColumns).contains(fields) else { throw .rejected("fewer than three columns") }
                    let names = first.filter { $0 != 0x0D }
                    // Prose puts a space behind its commas.
                    let pairs = zip(names, names.dropFirst())
                    let isProse = !names.contains(0x22) && pairs.contains { $0 == found && $1 == 0x20 }
                    guard names.allSatisfy(TableWalker.mayStandInHeader), !isProse else {
                        throw .rejected("not the names of columns")
                    }
                    columns = fields
                    file.facts["header"] = EvidenceText.clean(first).map { .string($0) }
                } else if fields != columns {
                    break
                }
                guard isEnded else { break }
                rows += 1
                file.length = text.at
            }
        } catch {
            switch error {
            case .failed(.medium), .rejected: throw error
            default: break
            }
        }
        guard rows >= Self.fewestRows else { throw .rejected("fewer than three lines of as many fields") }
        isRecognised = true
        file.note("columns", columns)
        file.note("rows", rows - 1)
        file.warnings.append("a table has no end of its own: ended with the last line of as many fields")
    }

    /// The fields of one line; a quoted field may hold separators and line ends.
    private mutating func row(keepsFirst: Bool) throws(WalkStop) -> (fields: Int, line: [UInt8], isEnded: Bool) {
        var fields = 1
        var line: [UInt8] = []
        var isQuoted = false
        var length = 0
        while text.at < text.input.count {
            let character = try text.next()
            length += 1
            guard length < Self.longestLine else { throw .broken("a line longer than any real one") }
            if keepsFirst, line.count < 512, character >= 0x20 || character == 0x09 {
                line.append(UInt8(truncatingIfNeeded: character))
            }
            if character == 0x22 {
                isQuoted.toggle()
            } else if !isQuoted {
                if character == separator { fields += 1 }
                if character == 0x0A { return (fields, line, true) }
            }
        }
        // The last line may lack its end.
        return (fields, line, !isQuoted && length > 0)
    }
}
