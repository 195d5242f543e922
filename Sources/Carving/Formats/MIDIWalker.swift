internal import EvidenceModel

/// Standard MIDI files 1.0: tracks whose every event is followed.
struct MIDIWalker: FormatWalker {
    let name = "midi"
    let signatures = [WalkerSignature([0x4D, 0x54, 0x68, 0x64, 0, 0, 0, 6])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try MIDIWalk(reader).verdict() }
}

private struct MIDIWalk: FileWalk {
    static let mostTempos = 4096

    let input: WalkInput
    var file = WalkedFile(length: 14, confidence: .structural, format: "midi", fileExtension: "mid", mime: "audio/midi")
    var isRecognised = false
    /// Changes of tempo: when, and microseconds a quarter note.
    var tempos: [(tick: Int, length: Int)] = []
    var lastTick = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let kind = try input.u16be(8)
        let tracks = try input.u16be(10)
        let division = try input.u16be(12)
        guard kind <= 2, tracks > 0, kind > 0 || tracks == 1, division > 0, try input.tag(14) == "MTrk" else {
            throw .rejected("not a MIDI header")
        }
        isRecognised = true
        var at = 14
        for _ in 0..<tracks {
            guard try input.matches("MTrk", at: at) else { throw .broken("no track where one must start") }
            let end = at + 8 + (try input.u32be(at + 4))
            guard input.fits(0, end) else { throw .broken("the source ends inside a track") }
            try track(from: at + 8, to: end)
            at = end
            file.length = end
        }
        file.note("midi_format", kind)
        file.note("tracks", tracks)
        if division < 0x8000, kind < 2 { noteDuration(division) }
    }

    private mutating func track(from start: Int, to end: Int) throws(WalkStop) {
        var at = start
        var tick = 0
        var running = 0
        while at < end {
            file.length = at
            tick += try number(&at)
            var status = try input.u8(at)
            if status < 0x80 {
                guard running != 0 else { throw .broken("an event without a status") }
                status = running
            } else {
                at += 1
            }
            switch status {
            case 0x80..<0xF0:
                running = status
                let length = (0xC0..<0xE0).contains(status) ? 1 : 2
                for _ in 0..<length {
                    guard try input.u8(at) < 0x80 else { throw .broken("an event's data are cut off") }
                    at += 1
                }
            case 0xF0, 0xF7:
                running = 0
                at += try number(&at)
            case 0xFF:
                running = 0
                let type = try input.u8(at)
                at += 1
                let length = try number(&at)
                guard length <= end - at else { throw .broken("an event is longer than its track") }
                try meta(type, at: at, length: length, tick: tick)
                at += length
                if type == 0x2F {
                    guard length == 0, at == end else { throw .broken("the track does not end with its end mark") }
                    lastTick = max(lastTick, tick)
                    return
                }
            default: throw .broken("an event of no known kind")
            }
        }
        throw .broken("a track without an end mark")
    }

    private mutating func meta(_ type: Int, at: Int, length: Int, tick: Int) throws(WalkStop) {
        guard type < 0x80 else { throw .broken("an event of no known kind") }
        let keys = [1: "comment", 2: "copyright", 3: "title"]
        if let key = keys[type] {
            file.note(key, text: try input.bytes(at: at, count: min(length, 4 * EvidenceText.longest)))
        } else if type == 0x51, length == 3, tempos.count < Self.mostTempos {
            tempos.append((tick, try input.u24be(at)))
        }
    }

    private mutating func noteDuration(_ division: Int) {
        var microseconds = 0
        var tick = 0
        var length = 500_000
        for tempo in tempos.sorted(by: { $0.tick < $1.tick }) where tempo.tick <= lastTick {
            microseconds += (tempo.tick - tick) * length / division
            (tick, length) = tempo
        }
        microseconds += (lastTick - tick) * length / division
        file.noteDuration(microseconds / 1000, perSecond: 1000)
    }

    /// A variable-length number of at most four bytes.
    private func number(_ at: inout Int) throws(WalkStop) -> Int {
        var value = 0
        for _ in 0..<4 {
            let byte = try input.u8(at)
            at += 1
            value = value << 7 | byte & 0x7F
            if byte & 0x80 == 0 { return value }
        }
        throw .broken("a number longer than any real one")
    }
}
