internal import EvidenceModel

/// The messages of a mailbox in the mbox format (RFC 4155): what lies between the lines that begin with "From ".
///
/// A message is taken as it is stored: lines of it that begin with `>From ` were perhaps changed by who stored it.
struct MailboxParts {
    private let input: WalkInput

    init(_ input: WalkInput) { self.input = input }

    func list(into list: inout PartList) throws(WalkStop) {
        guard let first = try behindSeparator(at: 0) else { return }
        var number = 1
        var start = first
        var at = first
        while true {
            let found = try input.firstOffset(of: Array("\nFrom ".utf8), from: at, to: input.count)
            guard let found else { break }
            at = found + 1
            guard try isBehindEmptyLine(at), let next = try behindSeparator(at: at) else { continue }
            add(start..<at, number, into: &list)
            number += 1
            start = next
            at = max(at, next - 1)
        }
        add(start..<input.count, number, into: &list)
    }

    private func add(_ range: Range<Int>, _ number: Int, into list: inout PartList) {
        guard !range.isEmpty else { return }
        list.add(EmbeddedPart("message-\(number).eml", [range]))
    }

    private func isBehindEmptyLine(_ at: Int) throws(WalkStop) -> Bool {
        if at >= 2, try input.u8(at - 2) == 0x0A { return true }
        guard at >= 3 else { return false }
        return try input.matches([0x0A, 0x0D, 0x0A], at: at - 3)
    }

    /// Where the message behind a separator line begins; nil when none stands here.
    private func behindSeparator(at start: Int) throws(WalkStop) -> Int? {
        let head = try input.available(at: start, count: MailboxSeparator.longest + 1)
        guard let end = head.firstIndex(of: 0x0A) else { return nil }
        var line = head[..<end]
        if line.last == 0x0D { line = line.dropLast() }
        guard MailboxSeparator.isOne(Array(line)) else { return nil }
        // A field must follow: the text of a message may hold such a line as well.
        let behind = try input.available(at: start + end + 1, count: 256)
        guard let colon = behind.firstIndex(of: 0x3A), colon > 0,
            behind[..<colon].allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        return start + end + 1
    }
}
