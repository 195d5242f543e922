internal import EvidenceModel

/// Mail folders of Outlook Express 5 and 6 (`.dbx`): a tree of records and the messages' text in pieces of 512 bytes, all
/// of which begin with their own place in the file.
///
/// The header states how much of the file is in use; the unused space behind that has no mark, so the end is never certain.
struct OutlookExpressWalker: FormatWalker {
    let name = "dbx"
    let signatures = [0xC5, 0xC6, 0xC7].map { kind in
        WalkerSignature([0xCF, 0xAD, 0x12, 0xFE, kind, 0xFD, 0x74, 0x6F, 0x66, 0xE3, 0xD1, 0x11])
    }

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try OutlookExpressWalk(reader).verdict() }

    /// The identifier goes on as all of them do.
    func mayBegin(_ head: Span<UInt8>) -> Bool {
        guard head.count >= 16 else { return true }
        return head[12] == 0x9A && head[13] == 0x4E && head[14] == 0 && head[15] == 0xC0
    }
}

private struct OutlookExpressWalk: FileWalk {
    static let header = 0x24BC
    static let mostNodes = 1 << 20

    let input: WalkInput
    var file = WalkedFile(
        length: header, confidence: .header, format: "dbx", fileExtension: "dbx", mime: "application/x-outlook-express")
    var isRecognised = false
    var records = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let kinds = [0xC5: "messages", 0xC6: "folders", 0xC7: "downloaded messages"]
        let used = try input.u32le(0x7C)
        let count = try input.u32le(0xC4)
        guard try input.matches([0x9A, 0x4E, 0x00, 0xC0, 0x4F, 0xA3, 0x09, 0xD4], at: 12), used >= Self.header else {
            throw .rejected("not the header of a mail folder")
        }
        file.facts["kind"] = kinds[try input.u8(4)].map { .string($0) }
        file.note("entries", count)
        let root = try input.u32le(0xE4)
        if count > 0 || root > 0 { try tree(root, used: used) }
        isRecognised = true
        guard input.fits(0, used) else {
            throw .broken("the source ends inside the folder")
        }
        guard records == count else { throw .broken("the tree holds \(records) entries, the header states \(count)") }
        file.length = used
        file.warnings.append("ended where the space in use does: unused space behind it has no mark")
    }

    /// Every node of the tree states its own place, and so does every record that it names.
    private mutating func tree(_ root: Int, used: Int) throws(WalkStop) {
        var pending = [root]
        var seen: Set<Int> = []
        while let at = pending.popLast() {
            guard seen.insert(at).inserted, seen.count <= Self.mostNodes, at >= Self.header, at % 4 == 0,
                input.fits(at, 24), try input.u32le(at) == at
            else {
                throw isRecognised
                    ? .broken("a node of the tree is not in its place") : .rejected("no tree where the header says")
            }
            isRecognised = true
            let entries = try input.u8(at + 17)
            let behind = try input.u32le(at + 8)
            if behind != 0 { pending.append(behind) }
            for index in 0..<entries {
                let entry = at + 24 + 12 * index
                let record = try input.u32le(entry)
                guard input.fits(record, 12), try input.u32le(record) == record else {
                    throw .broken("a record is not in its place")
                }
                records += 1
                let below = try input.u32le(entry + 4)
                if below != 0 { pending.append(below) }
            }
        }
    }
}

/// The messages of a mail folder of Outlook Express, also those that were deleted and not yet overwritten.
///
/// Their text lies in pieces, each behind sixteen bytes: its own place, 512, the bytes in use, and the place of the next.
struct OutlookExpressParts {
    private static let mostPieces = 1 << 20
    private static let header = 16
    private static let largest = 512

    private struct Piece {
        var length: Int
        var next: Int
    }

    private let input: WalkInput

    init(_ input: WalkInput) { self.input = input }

    func list(into list: inout PartList) throws(WalkStop) {
        var pieces: [Int: Piece] = [:]
        var order: [Int] = []
        var followed: Set<Int> = []
        var at = 0x24BC
        while input.fits(at, Self.header), order.count < Self.mostPieces {
            if try input.u32le(at) == at, try input.u32le(at + 4) == Self.largest {
                let piece = Piece(length: try input.u32le(at + 8), next: try input.u32le(at + 12))
                let isPiece = (1...Self.largest).contains(piece.length) && piece.next % 4 == 0 && piece.next != at
                if isPiece, input.fits(at + Self.header, piece.length) {
                    pieces[at] = piece
                    order.append(at)
                    if piece.next != 0 { followed.insert(piece.next) }
                    at += Self.header + Self.largest
                    continue
                }
            }
            at += 4
        }
        var number = 0
        for start in order where !followed.contains(start) {
            number += 1
            var places: [Range<Int>] = []
            var next = start
            var isWhole = true
            while next != 0 {
                // Taking each out ends a chain that leads back into itself.
                guard let piece = pieces.removeValue(forKey: next) else {
                    isWhole = false
                    break
                }
                places.append(next + Self.header..<next + Self.header + piece.length)
                next = piece.next
            }
            guard isWhole else {
                list.refuse(.damaged)
                continue
            }
            list.add(EmbeddedPart("message-\(number).eml", places))
        }
    }
}
