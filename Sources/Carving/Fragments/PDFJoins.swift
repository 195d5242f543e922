internal import EvidenceModel

/// A stream states its length: where its end stands tells the gap in it. Most streams are deflated, and their checksum
/// tells the border; other parts of a PDF are syntax, which goes on in one way only.
extension PDFWalker: GapBoundingWalker {
    var boundedReachBehindBreak: Int? { 512 * 1024 }

    func boundGaps(_ search: JoinSearch) throws(ReadFailure) -> [BoundedGap] {
        try WalkStop.answer(or: []) { () throws(WalkStop) in
            var gaps = PDFGaps(search)
            return try gaps.told()
        }
    }
}

/// Looks for the first place at which a PDF stops making sense, and for what goes on there.
private struct PDFGaps {
    /// Readings of the gap's size that are tried.
    private static let mostGaps = 4
    /// Borders in a part without a stream that are tried with each gap.
    private static let mostBorders = 16
    private static let mostObjects = WalkLimit.pdfObjects.value
    private static let endOfStream = Array("endstream".utf8)
    /// Longest value of an object that is parsed behind a gap.
    private static let longestPart = 1 << 20

    /// Where the file breaks.
    private enum Break {
        case stream(start: Int, length: Int, dictionary: [String: PDFValue])
        case syntax(start: Int, end: Int)
    }

    private let search: JoinSearch
    private let input: WalkInput
    /// Where each object's value begins.
    private var values: [Int: Int] = [:]

    init(_ search: JoinSearch) {
        self.search = search
        input = WalkInput(search.reader)
    }

    mutating func told() throws(WalkStop) -> [BoundedGap] {
        switch try firstBreak() {
        case nil: return []
        case .stream(let start, let length, let dictionary)?:
            return try stream(from: start, length: length, dictionary)
        case .syntax(let start, let end)?: return try syntax(from: start, to: end)
        }
    }

    // MARK: Where the file breaks

    private mutating func firstBreak() throws(WalkStop) -> Break? {
        var scanner = PDFScanner(input, at: 8)
        try scanner.skipLine()
        var end = scanner.at
        while end < input.count, values.count < Self.mostObjects {
            scanner.at = end
            var stream: Break?
            do throws(WalkStop) {
                stream = try part(&scanner)
            } catch {
                switch error {
                case .failed(.medium): throw error
                default: return .syntax(start: end, end: min(max(scanner.at, end), end + Self.longestPart))
                }
            }
            if let stream { return stream }
            end = scanner.at
        }
        return nil
    }

    /// Walks one part; answers the stream that it cannot follow.
    private mutating func part(_ scanner: inout PDFScanner) throws(WalkStop) -> Break? {
        try scanner.skipSpace()
        let start = scanner.at
        switch try input.u8(start) {
        case 0x25:
            try scanner.skipLine()
            guard scanner.at - start < 4096 else { throw .broken("a comment without an end") }
        case 0x30...0x39:
            guard let number = try scanner.objectHeader() else { throw .broken("no object") }
            values[number] = scanner.at
            var dictionary: [String: PDFValue] = [:]
            guard case .stream = try scanner.tokens(into: &dictionary) else { return nil }
            return try stream(&scanner, dictionary)
        case 0x78 where try input.matches("xref", at: start): try Self.table(&scanner, input)
        case 0x74 where try input.matches("trailer", at: start):
            scanner.at += 7
            var dictionary: [String: PDFValue] = [:]
            _ = try scanner.tokens(into: &dictionary, isTrailer: true)
        case 0x73 where try input.matches("startxref", at: start):
            scanner.at += 9
            try scanner.skipSpace()
            guard try scanner.integer() != nil else { throw .broken("no place of a cross-reference section") }
        case 0x65 where try input.matches("endobj", at: start): scanner.at += 6
        default: throw .broken("no part of a PDF")
        }
        return nil
    }

    private func stream(
        _ scanner: inout PDFScanner, _ dictionary: [String: PDFValue]
    ) throws(WalkStop) -> Break? {
        if try input.matches("\r\n", at: scanner.at) {
            scanner.at += 2
        } else if [0x0A, 0x0D].contains(try input.u8(scanner.at)) {
            scanner.at += 1
        }
        let start = scanner.at
        guard let length = try self.length(dictionary["Length"], behind: start) else {
            guard let hit = try input.firstOffset(of: Self.endOfStream, from: start, to: input.count) else {
                throw .broken("a stream without an end")
            }
            scanner.at = hit + Self.endOfStream.count
            return nil
        }
        if let end = try endOfStream(at: start + length) {
            scanner.at = end
        } else if let hit = try input.firstOffset(of: Self.endOfStream, from: start, to: input.count),
            abs(hit - start - length) < FreeSpace.block
        {
            // A careless writer: what lies between pieces is a block or more.
            scanner.at = hit + Self.endOfStream.count
        } else {
            return .stream(start: start, length: length, dictionary: dictionary)
        }
        return nil
    }

    /// A stream's length: its own number, or that of an object, which may lie behind the gap.
    private func length(_ value: PDFValue?, behind start: Int) throws(WalkStop) -> Int? {
        switch value {
        case .integer(let length): return length >= 0 && length < 1 << 40 ? length : nil
        case .reference(let number):
            var place = values[number]
            if place == nil {
                let head = Array("\(number) 0 obj".utf8)
                var at = start
                while let hit = try input.firstOffset(of: head, from: at, to: input.count) {
                    if !PDFScanner.isDigit(try input.u8(hit - 1)) {
                        place = hit + head.count
                        break
                    }
                    at = hit + 1
                }
                search.spend((place ?? input.count) - start)
            }
            guard let place else { return nil }
            var probe = PDFScanner(input, at: place)
            try probe.skipSpace()
            return try probe.integer()
        default: return nil
        }
    }

    /// Where the keyword that ends a stream ends, when it stands at a place, behind a line end or two.
    private func endOfStream(at place: Int) throws(WalkStop) -> Int? {
        var at = place
        while at - place < 3, input.fits(at, 1), PDFScanner.isSpace(try input.u8(at)) { at += 1 }
        return try input.matches(Self.endOfStream, at: at) ? at + Self.endOfStream.count : nil
    }

    private static func table(_ scanner: inout PDFScanner, _ input: WalkInput) throws(WalkStop) {
        scanner.at += 4
        while true {
            try scanner.skipSpace()
            guard try scanner.integer() != nil else { break }
            try scanner.skipSpace()
            guard let count = try scanner.integer() else { throw .broken("a table without its count") }
            for _ in 0..<count {
                for _ in 0..<2 {
                    try scanner.skipSpace()
                    guard try scanner.integer() != nil else { throw .broken("an entry without a number") }
                }
                try scanner.skipSpace()
                guard [0x6E, 0x66].contains(try input.u8(scanner.at)) else { throw .broken("an entry of no kind") }
                scanner.at += 1
            }
        }
        guard try input.matches("trailer", at: scanner.at) else { throw .broken("a table without a trailer") }
    }

    // MARK: What goes on there

    private var largestGap: Int { search.isTurned ? search.space.size : search.limits.farJoinGap }

    private func stream(
        from start: Int, length: Int, _ dictionary: [String: PDFValue]
    ) throws(WalkStop) -> [BoundedGap] {
        let splits = JoinSearch.borders(from: start, through: start + length)
        var told: [BoundedGap] = []
        var bare: [BoundedGap] = []
        for gap in JoinSearch.borders(from: 1, through: largestGap) where told.count < Self.mostGaps {
            guard start + length + gap < input.count, !search.isExhausted else { break }
            search.spend(16)
            guard try endOfStream(at: start + length + gap) != nil else { continue }
            if let proven = try provenSplits(of: splits, gap: gap, start: start, length: length, dictionary),
                !proven.isEmpty
            {
                told.append(BoundedGap(gap: gap, splits: proven, isTied: true, acceptsDoubt: true))
            } else if bare.count < Self.mostGaps {
                bare.append(BoundedGap(gap: gap, splits: splits))
            }
        }
        return told + bare
    }

    /// The splits behind which the stream's own data hold; nil when nothing in it tells.
    private func provenSplits(
        of splits: [Int], gap: Int, start: Int, length: Int, _ dictionary: [String: PDFValue]
    ) throws(WalkStop) -> [Int]? {
        guard let filter = try firstFilter(dictionary["Filter"]) else { return nil }
        do throws(ReadFailure) {
            switch filter {
            case "FlateDecode", "Fl":
                return try inflatedSplits(splits, gap: gap, start: start, end: start + length)
            case "DCTDecode", "DCT":
                return try picturedSplits(splits, gap: gap, start: start, length: length)
            default: return nil
            }
        } catch { throw .failed(error) }
    }

    private func picturedSplits(
        _ splits: [Int], gap: Int, start: Int, length: Int
    ) throws(ReadFailure) -> [Int] {
        var found: [Int] = []
        for split in splits where !search.isExhausted {
            let joint = search.joint(split: split, gap: gap)
            let verdict = try JPEGWalker().walk(joint.reader(at: start))
            search.spend(length)
            guard case .complete(let picture) = verdict, picture.confidence != .header,
                abs(picture.length - length) < 8
            else { continue }
            found.append(split)
        }
        return found
    }

    /// The first filter's name.
    private func firstFilter(_ value: PDFValue?) throws(WalkStop) -> String? {
        if case .name(let name)? = value { return name }
        return nil
    }

    private func inflatedSplits(
        _ splits: [Int], gap: Int, start: Int, end: Int
    ) throws(ReadFailure) -> [Int] {
        guard var inflater = Inflater(.zlib) else { return [] }
        var output = [UInt8](repeating: 0, count: Inflater.pieceSize)
        var found: [Int] = []
        var at = start
        for split in splits {
            if split > at {
                let piece = try search.reader.bytes(at: at, count: split - at)
                guard inflater.take(piece, into: &output, search) == .more else { break }
                at = split
            }
            guard split < end, !search.isExhausted, var copy = inflater.copy() else { break }
            var place = split + gap
            while place < end + gap {
                let piece = try search.reader.bytes(at: place, count: min(2048, end + gap - place))
                let status = copy.take(piece, into: &output, search)
                if status == .finished { found.append(split) }
                guard status == .more else { break }
                place += piece.count
            }
        }
        return found
    }

    /// Joins a part without a stream: it must parse, and another part must follow it.
    private mutating func syntax(from start: Int, to end: Int) throws(WalkStop) -> [BoundedGap] {
        let borders = JoinSearch.borders(from: start, through: end).prefix(Self.mostBorders)
        guard !borders.isEmpty else { return [] }
        var gaps = try gapsOfSections(behind: start)
        if !search.isTurned {
            gaps += JoinSearch.borders(from: 1, through: search.limits.nearJoinGap).filter { !gaps.contains($0) }
        }
        var told: [BoundedGap] = []
        for gap in gaps where told.count < Self.mostGaps && !search.isExhausted {
            var splits: [Int] = []
            for split in borders where split + gap < search.space.size {
                let joint = ByteReader(search.space.without(split..<split + gap), at: 0, window: 2048)
                defer { search.spend(2048 + joint.bytesFetched) }
                if try goesOn(joint, from: start, past: split) { splits.append(split) }
            }
            if !splits.isEmpty { told.append(BoundedGap(gap: gap, splits: splits)) }
        }
        return told
    }

    /// True when whole parts follow each other over the split.
    private func goesOn(_ joint: ByteReader, from start: Int, past split: Int) throws(WalkStop) -> Bool {
        var gaps = self
        do throws(WalkStop) {
            gaps = PDFGaps(search, reading: joint)
            gaps.values = values
            var scanner = PDFScanner(gaps.input, at: start)
            var parts = 0
            while parts < 64, scanner.at <= split, scanner.at < joint.count {
                if try gaps.part(&scanner) != nil { return scanner.at > split }
                parts += 1
            }
            try scanner.skipSpace()
            let next = scanner.at
            if try input.matches("%%EOF", at: next) { return true }
            if next >= joint.count { return false }
            for word in ["xref", "trailer", "startxref", "%%EOF", "endobj"] where try gaps.input.matches(word, at: next)
            {
                return true
            }
            return try scanner.objectHeader() != nil
        } catch {
            if case .failed(.medium) = error { throw error }
            return false
        }
    }

    private init(_ search: JoinSearch, reading reader: ByteReader) {
        self.search = search
        input = WalkInput(reader)
    }

    /// Gaps behind which a cross-reference section stands whose place the end of the file states.
    private func gapsOfSections(behind start: Int) throws(WalkStop) -> [Int] {
        var gaps: [Int] = []
        var at = start
        for _ in 0..<8 {
            let limit = min(input.count, start + largestGap)
            guard at < limit, let found = try input.firstOffset(of: Array("startxref".utf8), from: at, to: limit) else {
                break
            }
            search.spend(found - at)
            at = found + 9
            var probe = PDFScanner(input, at: at)
            try probe.skipSpace()
            guard let stated = try probe.integer(), stated < found else { continue }
            for gap in JoinSearch.borders(from: 1, through: min(found - stated, largestGap)) {
                search.spend(8)
                guard !gaps.contains(gap), stated + gap > start else { continue }
                var section = PDFScanner(input, at: stated + gap)
                if try input.matches("xref", at: stated + gap) {
                    gaps.append(gap)
                } else if PDFScanner.isDigit(try input.u8(stated + gap)), try section.objectHeader() != nil {
                    gaps.append(gap)
                }
            }
        }
        return gaps
    }
}

extension Inflater {
    /// Inflates a piece to its end, or to that of the stream.
    fileprivate mutating func take(
        _ piece: [UInt8], into output: inout [UInt8], _ search: JoinSearch
    ) -> Status {
        var used = 0
        while true {
            let (status, consumed, given) = step(piece[used...], into: &output)
            used += consumed
            search.spend(consumed + given / 4)
            guard status == .more else { return status }
            if used == piece.count, given < output.count { return .more }
            if consumed == 0, given == 0 { return .invalid }
        }
    }
}
