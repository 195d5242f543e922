internal import EvidenceModel

/// The picture's codes break off soon behind a wrong join, and behind the right one they end with the picture's last unit.
extension JPEGWalker: JoinProvingWalker {
    /// Codes fail behind the place where the data go wrong, never before.
    var reachBehindBreak: Int { 0 }
    /// The first piece may end before text and unused space anyway, and the second begins at neither.
    var searchesBare: Bool { false }

    func searchJoin(_ search: JoinSearch) throws(ReadFailure) {
        do throws(WalkStop) {
            var walk = JPEGWalk(WalkInput(search.reader))
            walk.keepsOpenScan = true
            do throws(WalkStop) {
                try walk.run()
                return
            } catch {
                if case .failed(.medium) = error { throw error }
            }
            search.spend(walk.file.length)
            guard let open = walk.openScan else { return }
            var joins = JPEGScanJoins(search: search, open: open)
            try joins.run(from: walk.file.length)
        } catch {
            guard case .failed(let failure) = error else { return }
            throw failure
        }
    }
}

/// The search for the second piece of a picture that breaks off within a scan.
///
/// The state of the decoder at the borders before the break is kept. From each of them the codes are followed on at each
/// place where the second piece may begin: a wrong place shows within a few hundred bytes, unless it lies in the
/// picture's own data, with which the decoder falls into step. Then the number of units is wrong at the end.
struct JPEGScanJoins {
    /// Block borders, counted back from the break, at which the first piece may end.
    private static let nearMarks = 32
    /// Those that are tried with places further away than ``nearPlaces``.
    private static let farMarks = 4
    /// Blocks behind the break in which places are near ones, and those in which they are tried with all marks.
    private static let nearPlaces = 512
    private static let nearestPlaces = 128
    /// The part of the work for one file that may go to its codes: as one of so many.
    private static let partOfWork = 16
    /// Most runs of foreign blocks at whose beginning the first piece may end.
    private static let mostRuns = 16
    /// Bytes behind a place that are looked at before it is followed further.
    private static let firstLook = 512
    /// Bytes fetched at a time behind them.
    private static let pieceSize = 4096
    /// Most units whose brightness is remembered.
    private static let mostLevels = 1 << 21
    /// Most joins that are compared.
    private static let mostAccepted = 64
    /// What decoding a byte costs beside reading one.
    private static let decodingCost = 8
    /// Bytes that must be sound behind a place for a join to be followed that does not come to the end.
    private static let farEnough = 512
    /// Most joins of one way through the codes, and most ways, that are compared where none comes to the end.
    private static let mostOfWay = 2
    private static let mostWays = 8

    /// The decoder's state before a block border.
    private struct Mark {
        let split: Int
        let progress: JPEGScanDecoder.Progress
        /// The bytes from the state on to the border.
        let head: [UInt8]
    }

    /// A place in the medium and a state with which everything behind is decoded in the same way.
    private struct Key: Hashable {
        let position: Int
        let held: Int
        let untilRestart: Int
        let restart: Int
        let eobRun: Int
    }

    private enum Outcome {
        /// A marker comes where units end; as many are between.
        case end(units: Int, marker: UInt8)
        /// Codes fail at a place of the free space.
        case broken(at: Int)
    }

    private struct Join {
        let mark: Int
        let place: Int
    }

    private let search: JoinSearch
    private let scan: JPEGScanDecoder.Scan
    /// The same with every brightness allowed.
    private let lenientScan: JPEGScanDecoder.Scan
    private let start: Int
    private let isProgressive: Bool
    private var decoder: JPEGScanDecoder
    private var marks: [Mark] = []
    private var levels = JPEGLevels()
    private var outcomes: [Key: Outcome] = [:]
    private var judged: [(join: Join, seam: JPEGLevels.Seam)] = []
    /// Joins that come far without being whole, by the place where their codes fail.
    private var partials: [Int: [Join]] = [:]

    init(search: JoinSearch, open: JPEGWalk.OpenScan) {
        self.search = search
        scan = open.scan
        var lenient = open.scan
        lenient.brightest = InlineArray(repeating: Int.max >> 16)
        lenientScan = lenient
        start = open.start
        decoder = open.decoder
        isProgressive = decoder.isProgressive
    }

    /// Trials past this many units are not of this picture.
    private var mostUnits: Int { isProgressive ? scan.units : Int.max }
    /// In refinement what was decoded before decides what bits mean: no state tells all.
    private var remembersOutcomes: Bool { !isProgressive || scan.header.first == 0 || scan.header.high == 0 }

    /// Work of one file at which no more is tried.
    private var mostWork: Int { search.limits.joinWork / Self.partOfWork }

    mutating func run(from end: Int) throws(WalkStop) {
        guard search.cost < mostWork else { return }
        let block = FreeSpace.block
        let runs = try runs(upTo: end)
        try layMarks(upTo: end, runs: runs)
        guard let first = marks.first, let last = marks.last else { return }
        let near = end / block * block + Self.nearPlaces * block
        let starts = Set(runs.map(\.lowerBound))
        let all = Array(marks.indices)
        let few = all.filter { $0 >= marks.count - Self.farMarks || starts.contains(marks[$0].split) }
        let nearPlaces = JoinSearch.borders(from: first.split + 1, through: near)
        try attempt(few, places: nearPlaces)
        // In refinement nearly all bits make sense: what lies far away would be followed without end.
        if judged.isEmpty, remembersOutcomes {
            let far = last.split + search.limits.farJoinGap
            try attempt(few, places: JoinSearch.borders(from: near + 1, through: far))
        }
        if judged.isEmpty {
            let nearest = end + Self.nearestPlaces * block
            try attempt(all.filter { !few.contains($0) }, places: nearPlaces.filter { $0 <= nearest })
        }
        try decide()
    }

    // MARK: Marks

    private func runs(upTo end: Int) throws(WalkStop) -> [Range<Int>] {
        do throws(ReadFailure) {
            let runs = try ForeignRuns(search: search, foreign: [.text, .uniform], isWhole: false).runs(upTo: end)
            return runs.map(\.range).filter { $0.lowerBound > start }.suffix(Self.mostRuns)
        } catch { throw .failed(error) }
    }

    private mutating func layMarks(upTo end: Int, runs: [Range<Int>]) throws(WalkStop) {
        let block = FreeSpace.block
        let near = JoinSearch.borders(from: max(start + 1, end - Self.nearMarks * block), through: end)
        let borders = Set(near + runs.map(\.lowerBound)).sorted()
        let input = WalkInput(search.reader)
        var progress = JPEGScanDecoder.Progress(scan, input: input, at: start)
        decoder.begin(scan)
        decoder.beginTrial()
        levels = JPEGLevels(scan, isProgressive: isProgressive, most: Self.mostLevels)
        var last = progress
        var next = 0
        while next < borders.count {
            while next < borders.count, progress.bits.position > borders[next] {
                marks.append(try mark(last, before: borders[next], input))
                next += 1
            }
            // A marker that is already seen may lie behind the border.
            if progress.bits.marker == 0 { last = progress }
            guard progress.unit < scan.units, decoder.advance(scan, &progress, upTo: progress.unit + 1) == nil else {
                break
            }
            levels.append(progress.predictions)
        }
        for border in borders[next...] { marks.append(try mark(last, before: border, input)) }
        decoder.takeBackTrial()
        search.spend(end)
    }

    private func mark(
        _ progress: JPEGScanDecoder.Progress, before border: Int, _ input: WalkInput
    ) throws(WalkStop) -> Mark {
        let at = progress.bits.position
        var kept = progress
        kept.bits.goOn(with: [])
        return Mark(split: border, progress: kept, head: try input.bytes(at: at, count: max(0, border - at)))
    }

    // MARK: Trials

    private mutating func attempt(_ marks: [Int], places: [Int]) throws(WalkStop) {
        let input = WalkInput(search.reader)
        for place in places where place < input.count && search.cost < mostWork {
            search.spend(FreeSpace.block)
            guard try mayGoOn(at: place) else { continue }
            let tail = try input.bytes(at: place, count: min(Self.firstLook, input.count - place))
            for mark in marks where self.marks[mark].split < place {
                guard judged.count < Self.mostAccepted else { return }
                try attempt(mark, place: place, tail: tail)
            }
        }
    }

    /// True when a block may hold codes of this scan up to its end, or to that of the scan.
    private func mayGoOn(at place: Int) throws(WalkStop) -> Bool {
        let hasRestarts = scan.restartInterval > 0
        let endsPicture = !isProgressive && scan.coversPicture(of: decoder)
        do throws(ReadFailure) {
            let count = min(FreeSpace.block, search.reader.count - place)
            return try search.reader.withBytes(at: place, count: count) { bytes in
                guard BlockKind(of: bytes, among: [.text, .uniform]).isEmpty else { return false }
                var isEscaped = false
                for byte in bytes {
                    if isEscaped {
                        switch byte {
                        case 0: break
                        case 0xFF: continue
                        case 0xD0...0xD7: if !hasRestarts { return false }
                        case 0xD9: return true
                        case 0xC4, 0xDA, 0xDD, 0xFE: return !endsPicture
                        default: return false
                        }
                        isEscaped = false
                    } else {
                        isEscaped = byte == 0xFF
                    }
                }
                return true
            }
        } catch { throw .failed(error) }
    }

    private mutating func attempt(_ number: Int, place: Int, tail: [UInt8]) throws(WalkStop) {
        let mark = marks[number]
        defer { decoder.takeBackTrial() }
        switch try follow(mark, place: place, tail: tail) {
        case .end(let units, let marker):
            decoder.takeBackTrial()
            if units == scan.units - mark.progress.unit, marker >= 0xC0, marker != 0xD8 {
                try accept(Join(mark: number, place: place))
            }
        case .broken(let end):
            guard remembersOutcomes, end - place >= Self.farEnough else { return }
            // The longest first: nearest to the marks that are tried last.
            partials[end, default: []].append(Join(mark: number, place: place))
        }
    }

    /// Follows the codes from a mark at a place, until they fail, a marker ends them or they are known from there on.
    ///
    /// - Parameter tail: the first bytes at the place.
    private mutating func follow(_ mark: Mark, place: Int, tail: [UInt8]) throws(WalkStop) -> Outcome {
        let gap = place - mark.split
        let block = FreeSpace.block
        var joint: ByteReader?
        var progress = mark.progress
        progress.bits.goOn(with: mark.head + tail)
        defer { search.spend(Self.decodingCost * max(64, progress.bits.position - mark.split)) }
        func goOnBehindTail(_ progress: inout JPEGScanDecoder.Progress) {
            let reader = ByteReader(search.space.without(mark.split..<place), at: 0, window: 2 * Self.pieceSize)
            progress.bits.goOn(in: WalkInput(reader), pieceSize: Self.pieceSize)
            joint = reader
        }
        var passed: [(key: Key, unit: Int)] = []
        var nextCheck = place
        var outcome = Outcome.broken(at: place)
        while true {
            progress.bits.fillUp()
            if joint == nil, progress.bits.isStarved {
                goOnBehindTail(&progress)
                progress.bits.fillUp()
            }
            if progress.bits.endsHere, !isProgressive || progress.unit == scan.units {
                outcome = .end(units: progress.unit, marker: progress.bits.marker)
                break
            }
            let at = progress.bits.firstByte + gap
            if at >= nextCheck {
                nextCheck = (at / block + 1) * block
                if remembersOutcomes {
                    let key = Key(
                        position: progress.bits.position + gap, held: progress.bits.held,
                        untilRestart: progress.untilRestart, restart: progress.restart, eobRun: progress.eobRun)
                    if let known = outcomes[key] {
                        if case .end(let units, let marker) = known {
                            outcome = .end(units: progress.unit + units, marker: marker)
                        } else {
                            outcome = known
                        }
                        break
                    }
                    passed.append((key, progress.unit))
                }
            }
            guard progress.unit < mostUnits else { break }
            let before = (progress: progress, changes: decoder.trialChanges)
            // Near the join a brightness that no picture has ends the trial; behind it, it would depend on the way there.
            let isNear = at < place + Self.firstLook
            let reason = decoder.advance(
                isNear ? scan : lenientScan, &progress, upTo: mostUnits, before: nextCheck - gap)
            if reason == nil { continue }
            if joint == nil, progress.bits.held < 0, progress.bits.marker == 0 {
                progress = before.progress
                decoder.takeBackTrial(to: before.changes)
                goOnBehindTail(&progress)
                continue
            }
            if isNear { passed = [] }
            break
        }
        if let failure = progress.bits.failure { throw failure }
        switch outcome {
        case .end(let units, let marker):
            for step in passed { outcomes[step.key] = .end(units: units - step.unit, marker: marker) }
            return .end(units: units - mark.progress.unit, marker: marker)
        case .broken(let end):
            // Known from an earlier trial, or where the codes failed now.
            let at = max(end, progress.bits.position + gap)
            for step in passed { outcomes[step.key] = .broken(at: at) }
            return .broken(at: at)
        }
    }

    // MARK: Deciding

    /// Keeps a join whose codes end with the picture, unless the picture does not go on at it.
    private mutating func accept(_ join: Join) throws(WalkStop) {
        let seam = try seam(join)
        // The further away, the more places are tried, and the likelier is one of another picture.
        let isNear = join.place - marks[join.mark].split <= Self.nearPlaces * FreeSpace.block
        if isNear ? seam.mayHold : seam.holds { judged.append((join, seam)) }
    }

    private mutating func decide() throws(WalkStop) {
        judged.sort {
            ($0.seam.roughness, $0.join.place, $1.join.mark) < ($1.seam.roughness, $1.join.place, $0.join.mark)
        }
        do throws(ReadFailure) {
            for (join, _) in judged {
                let split = marks[join.mark].split
                try search.attempt(
                    split: split, gap: join.place - split, atMost: .header,
                    warning: judged.count > 1
                        ? "\(judged.count - 1) other borders of its pieces fit as well; the picture is smoothest at these"
                        : nil)
                if search.isOver { return }
            }
            for partial in try furthest() { search.note(partial) }
        } catch { throw .failed(error) }
    }

    /// The joins to go on from: of each way that the codes take, that with the smoothest picture; of the ways the smoothest.
    private mutating func furthest() throws(ReadFailure) -> [PartialJoin] {
        func split(_ join: Join) -> Int { marks[join.mark].split }
        func prefix(_ join: Join, _ end: Int) -> Int { end - join.place + split(join) }
        var ways: [(join: Join, end: Int, seam: JPEGLevels.Seam)] = []
        let longest = partials.map { end, joins in
            let sorted = joins.sorted { (prefix($0, end), $0.mark) > (prefix($1, end), $1.mark) }
            return (end: end, joins: sorted.prefix(Self.mostOfWay))
        }.sorted { (prefix($0.joins[0], $0.end), $0.end) > (prefix($1.joins[0], $1.end), $1.end) }
        do throws(WalkStop) {
            for (end, joins) in longest.prefix(Self.mostWays) {
                var best: (join: Join, end: Int, seam: JPEGLevels.Seam)?
                for join in joins {
                    let seam = try seam(join)
                    guard seam.mayHold, seam.roughness < best?.seam.roughness ?? .max else { continue }
                    best = (join, end, seam)
                }
                if let best { ways.append(best) }
            }
        } catch {
            guard case .failed(let failure) = error else { return [] }
            throw failure
        }
        // The longest too: not every picture is smooth.
        let first = ways.first
        ways.sort { ($0.seam.roughness, $1.end) < ($1.seam.roughness, $0.end) }
        var chosen = Array(ways.prefix(1))
        if let first, first.end != chosen.first?.end { chosen.append(first) }
        return chosen.map { way in
            PartialJoin(
                split: split(way.join), gap: way.join.place - split(way.join), prefix: prefix(way.join, way.end))
        }
    }

    private mutating func seam(_ join: Join) throws(WalkStop) -> JPEGLevels.Seam {
        let mark = marks[join.mark]
        let joint = ByteReader(search.space.without(mark.split..<join.place), at: 0, window: 2 * Self.pieceSize)
        defer { search.spend(Self.decodingCost * joint.bytesFetched) }
        var progress = mark.progress
        progress.bits.goOn(in: WalkInput(joint), pieceSize: Self.pieceSize)
        let last = min(scan.units, mark.progress.unit + 2 * scan.columns)
        var levels = self.levels
        levels.cut(to: mark.progress.unit)
        while progress.unit < last, decoder.advance(lenientScan, &progress, upTo: progress.unit + 1) == nil {
            levels.append(progress.predictions)
        }
        decoder.takeBackTrial()
        if let failure = progress.bits.failure { throw failure }
        return levels.seam(at: mark.progress.unit)
    }
}

/// The brightness of each unit of a scan, by the last block of each component.
struct JPEGLevels {
    private let components: [Int]
    private let columns: Int
    private let isKept: Bool
    private var values: [Int32] = []

    /// Mean differences of brightness between units and those above them.
    struct Seam {
        /// In the row behind a join.
        var here = 0
        var units = 0
        /// In the rows before and behind.
        var elsewhere = 0

        /// Units by which a seam is judged strictly.
        private static let enough = 16

        /// The difference at the seam, in hundredths of that elsewhere.
        var roughness: Int { units == 0 ? 100 : 100 * (here + 16) / (elsewhere + 16) }
        /// False when the picture does not go on at the seam.
        var mayHold: Bool { roughness <= 400 }
        /// True when the picture goes on at the seam as it does elsewhere.
        var holds: Bool { units >= Self.enough && roughness <= 160 }
    }

    init() {
        components = []
        columns = 1
        isKept = false
    }

    init(_ scan: JPEGScanDecoder.Scan, isProgressive: Bool, most: Int) {
        components = scan.header.parts.map(\.component)
        columns = scan.columns
        let hasLevels = !isProgressive || scan.header.first == 0 && scan.header.high == 0
        isKept = hasLevels && scan.units <= most
    }

    mutating func append(_ predictions: InlineArray<4, Int>) {
        guard isKept else { return }
        for component in components { values.append(Int32(truncatingIfNeeded: predictions[component])) }
    }

    mutating func cut(to units: Int) { values.removeLast(max(0, values.count - units * components.count)) }

    private var count: Int { components.isEmpty ? 0 : values.count / components.count }

    private func difference(_ unit: Int) -> Int {
        var sum = 0
        for index in components.indices {
            sum += abs(
                Int(values[unit * components.count + index]) - Int(values[(unit - columns) * components.count + index]))
        }
        return sum
    }

    private func mean(_ range: Range<Int>) -> (mean: Int, units: Int) {
        let part = range.clamped(to: columns..<max(columns, count))
        guard !part.isEmpty else { return (0, 0) }
        return (part.reduce(0) { $0 + difference($1) } * 16 / part.count, part.count)
    }

    /// How well the picture goes on behind the unit in which a join lies, in sixteenths.
    func seam(at unit: Int) -> Seam {
        let here = mean(unit + 1..<unit + columns)
        let before = mean(unit - 2 * columns..<unit)
        let behind = mean(unit + columns..<unit + 3 * columns)
        let others = before.units + behind.units
        return Seam(
            here: here.mean, units: here.units,
            elsewhere: others > 0 ? (before.mean * before.units + behind.mean * behind.units) / others : 0)
    }
}
