internal import EvidenceModel

/// The bytes of one stream of a compound file, in the order of its sectors.
struct CompoundStream {
    let input: WalkInput
    /// Where each unit of ``unit`` bytes lies in the file.
    let places: [Int]
    let unit: Int
    let size: Int

    /// Where the byte at `position` lies in the file.
    func place(_ position: Int) -> Int { places[position / unit] + position % unit }

    /// Up to `count` bytes, fewer at the end of the stream.
    func bytes(at position: Int, count: Int) throws(WalkStop) -> [UInt8] {
        guard position >= 0, position < size, count > 0 else { return [] }
        let end = position + min(count, size - position)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(end - position)
        var at = position
        while at < end {
            let here = min(unit - at % unit, end - at)
            bytes += try input.bytes(at: place(at), count: here)
            at += here
        }
        return bytes
    }

    /// Little-endian number of four bytes; nil past the end.
    func u32(_ position: Int) throws(WalkStop) -> Int? {
        let four = try bytes(at: position, count: 4)
        guard four.count == 4 else { return nil }
        return Int(four[0]) | Int(four[1]) << 8 | Int(four[2]) << 16 | Int(four[3]) << 24
    }

    func u16(_ position: Int) throws(WalkStop) -> Int? {
        let two = try bytes(at: position, count: 2)
        guard two.count == 2 else { return nil }
        return Int(two[0]) | Int(two[1]) << 8
    }

    /// True when everything from `position` on is zero.
    func isZero(from position: Int) throws(WalkStop) -> Bool {
        var at = position
        while at < size {
            let here = min(unit - at % unit, size - at)
            guard try input.isZero(place(at)..<place(at) + here) else { return false }
            at += here
        }
        return true
    }
}

/// Looks into streams whose content says of itself where it must stand.
///
/// A compound file's tables do not check what its streams hold: a piece of another file pushes everything behind it
/// further back, and only content that is recognised in its place shows that this did not happen before it. Each check
/// answers the positions at which it recognised the stream's own content.
enum CompoundContent {
    /// Most pages and records looked at in one stream.
    static let mostRecords = 1 << 20
    /// Most pages of formatted runs looked at in one stream.
    static let mostPages = 1 << 16

    /// Chain of records of a spreadsheet (MS-XLS 2.1.4): answers where each recognised one begins, and whether the chain
    /// reaches the end of the stream.
    static func sheetRecords(_ stream: CompoundStream) throws(WalkStop) -> (places: [Int], isWhole: Bool) {
        var places: [Int] = []
        var position = 0
        var last = 0
        while position + 4 <= stream.size, places.count < mostRecords {
            let head = try stream.bytes(at: position, count: 4)
            let type = Int(head[0]) | Int(head[1]) << 8
            let length = Int(head[2]) | Int(head[3]) << 8
            // Zeros pad what follows the last record, to the end of the stream.
            if type == 0, length == 0 { break }
            guard length <= 8228, type < 0x1200, length <= stream.size - position - 4 else { return (places, false) }
            places.append(position)
            last = type
            position += 4 + length
        }
        // The last record ends the last sheet.
        guard last == 0x0A else { return (places, false) }
        return (places, try stream.isZero(from: position))
    }

    /// Tree of records of a presentation or of its pictures (MS-PPT 2.3.1).
    static func presentationRecords(_ stream: CompoundStream) throws(WalkStop) -> (places: [Int], isWhole: Bool) {
        var places: [Int] = []
        var ends = [stream.size]
        var position = 0
        while places.count < mostRecords {
            while let end = ends.last, position == end {
                ends.removeLast()
                if ends.isEmpty { return (places, true) }
            }
            guard let end = ends.last, end - position >= 8 else { break }
            let head = try stream.bytes(at: position, count: 8)
            guard head.count == 8 else { break }
            let type = Int(head[2]) | Int(head[3]) << 8
            let length = Int(head[4]) | Int(head[5]) << 8 | Int(head[6]) << 16 | Int(head[7]) << 24
            if ends.count == 1, head.allSatisfy({ $0 == 0 }) { break }
            guard (0x3E8...0x2FFF).contains(type) || type >= 0xF000, length <= end - position - 8 else {
                return (places, false)
            }
            places.append(position)
            position += 8
            if head[0] & 0x0F == 0x0F, ends.count < 64 { ends.append(position + length) } else { position += length }
        }
        guard ends.count == 1 else { return (places, false) }
        return (places, try stream.isZero(from: position))
    }

    /// Pages of formatted runs of a document (MS-DOC 2.9.33, 2.9.23): the table stream says which text each must name.
    static func formattedPages(_ document: CompoundStream, table: CompoundStream) throws(WalkStop) -> [Int] {
        var places: [Int] = []
        for field in [0xFA, 0x102] {
            guard let start = try document.u32(field), let length = try document.u32(field + 4), length >= 12,
                length <= 8 * mostPages, length % 8 == 4, start <= table.size, length <= table.size - start
            else { continue }
            let count = (length - 4) / 8
            let plc = try table.bytes(at: start, count: length)
            func number(_ index: Int) -> Int {
                let at = 4 * index
                return Int(plc[at]) | Int(plc[at + 1]) << 8 | Int(plc[at + 2]) << 16 | Int(plc[at + 3]) << 24
            }
            for index in 0..<count {
                let page = (number(count + 1 + index) & 0x3F_FFFF) * 512
                let bytes = try document.bytes(at: page, count: 512)
                guard bytes.count == 512 else { continue }
                let runs = Int(bytes[511])
                guard runs > 0, runs <= 101 else { continue }
                func place(_ run: Int) -> Int {
                    Int(bytes[4 * run]) | Int(bytes[4 * run + 1]) << 8 | Int(bytes[4 * run + 2]) << 16
                        | Int(bytes[4 * run + 3]) << 24
                }
                guard place(0) == number(index), place(runs) == number(index + 1), place(0) < place(runs) else {
                    continue
                }
                places.append(page + 511)
            }
        }
        return places
    }

    /// The piece table of a document (MS-DOC 2.9.38): answers its last byte in the table stream.
    static func pieceTable(_ document: CompoundStream, table: CompoundStream) throws(WalkStop) -> Int? {
        guard var at = try document.u32(0x1A2), let length = try document.u32(0x1A6), length > 5, at <= table.size,
            length <= table.size - at
        else { return nil }
        let end = at + length
        while at < end, try table.bytes(at: at, count: 1) == [1], let size = try table.u16(at + 1) { at += 3 + size }
        guard try table.bytes(at: at, count: 1) == [2], let size = try table.u32(at + 1), at + 5 + size == end,
            size % 12 == 4, try table.u32(at + 5) == 0
        else { return nil }
        var last = -1
        for index in 0...min(size / 12, mostRecords) {
            guard let position = try table.u32(at + 5 + 4 * index), position > last else { return nil }
            last = position
        }
        return end - 1
    }

    /// Compressed rich text (MS-OXRTFCP 2.1.3.1): its header holds its length and the CRC of what follows.
    static func compressedTextHolds(_ stream: CompoundStream) throws(WalkStop) -> Bool {
        guard stream.size > 16, let length = try stream.u32(0), length == stream.size - 4,
            try stream.bytes(at: 8, count: 4) == Array("LZFu".utf8), let stated = try stream.u32(12)
        else { return false }
        var crc = CRC32(register: 0)
        var at = 16
        while at < stream.size {
            let piece = try stream.bytes(at: at, count: 64 * 1024)
            crc.update(piece[...])
            at += piece.count
        }
        return Int(crc.register) == stated
    }

    /// True for the streams that can be looked into.
    static func isKnown(_ name: String) -> Bool {
        switch name {
        case "Workbook", "Book", "PowerPoint Document", "Pictures", "WordDocument", "\u{1}CompObj", "Current User",
            "\u{5}SummaryInformation", "\u{5}DocumentSummaryInformation":
            true
        default: name.hasPrefix("__substg1.0_1009")
        }
    }

    /// The position of a stream's head that its name asks for; nil when nothing is known or it is another one.
    static func recognisedHead(_ stream: CompoundStream, name: String) throws(WalkStop) -> Int? {
        let head = try stream.bytes(at: 0, count: 48)
        guard head.count >= 20 else { return nil }
        switch name {
        case "\u{1}CompObj": return head[2..<4] == [0xFE, 0xFF] ? 27 : nil
        case "\u{5}SummaryInformation", "\u{5}DocumentSummaryInformation":
            // The byte order, and the number that the format gives this property set (MS-OLEPS 2.21, 3.1).
            guard head.count >= 48, head[0..<2] == [0xFE, 0xFF] else { return nil }
            return head[28..<32] == [0xE0, 0x85, 0x9F, 0xF2] || head[28..<32] == [0x02, 0xD5, 0xCD, 0xD5] ? 47 : nil
        case "Current User":
            // A CurrentUserAtom (MS-PPT 2.3.2) with one of its two tokens.
            let tokens: [[UInt8]] = [[0x5F, 0xC0, 0x91, 0xE3], [0xDF, 0xC4, 0xD1, 0xF3]]
            return head[2..<4] == [0xF6, 0x0F] && tokens.contains(Array(head[12..<16])) ? 19 : nil
        default: return nil
        }
    }
}
