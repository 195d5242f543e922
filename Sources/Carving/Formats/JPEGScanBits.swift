/// The bits of an entropy-coded segment, without its stuffing (ITU-T T.81, F.1.2.3).
struct JPEGScanBits {
    /// Bytes fetched at a time.
    private var pieceSize = 32 * 1024
    /// nil where no more than a piece is looked at.
    private var input: WalkInput?
    private var piece: [UInt8] = []
    private var pieceStart: Int
    private var index = 0
    /// The next bits, from the highest down.
    private(set) var bits: UInt64 = 0
    /// How many of them are real; negative once more were taken than there are.
    private(set) var held = 0
    /// The marker that ends the segment; 0 while none was met.
    private(set) var marker: UInt8 = 0
    private(set) var failure: WalkStop?

    init(_ input: WalkInput, at offset: Int) {
        self.input = input
        pieceStart = offset
    }

    /// Goes on behind the bytes taken up so far in bytes that are at hand, and nowhere else.
    mutating func goOn(with bytes: [UInt8]) {
        pieceStart = position
        index = 0
        piece = bytes
        input = nil
    }

    /// Goes on behind the bytes taken up so far in a source, fetching as many bytes at a time.
    mutating func goOn(in input: WalkInput, pieceSize: Int) {
        pieceStart = position
        index = 0
        piece = []
        self.input = input
        self.pieceSize = pieceSize
    }

    /// Offset of the marker, or of the next byte to be taken up.
    var position: Int { pieceStart + index }

    @inline(__always)
    mutating func consume(_ count: Int) {
        bits &<<= UInt64(truncatingIfNeeded: count)
        held &-= count
    }

    /// Puts bits back that were consumed elsewhere from a copy of ``bits`` and ``held``.
    @inline(__always)
    mutating func putBack(_ bits: UInt64, _ held: Int) {
        self.bits = bits
        self.held = held
    }

    /// Makes at least 32 bits available unless the segment ends before.
    @inline(__always)
    mutating func refill() {
        if held < 32 { fill() }
    }

    private mutating func fill() {
        guard held >= 0 else { return }
        if held < 56, index &+ 8 <= piece.count {
            let eight = Self.eightBytes(piece.span, index)
            // No byte among the eight is 0xFF: nothing is stuffed, no marker begins.
            if (~eight &- 0x0101_0101_0101_0101) & eight & 0x8080_8080_8080_8080 == 0 {
                let taken = (64 &- held) &>> 3
                let fresh = eight & (~0 &<< UInt64(truncatingIfNeeded: 64 &- 8 &* taken))
                bits |= fresh &>> UInt64(truncatingIfNeeded: held)
                held &+= 8 &* taken
                index &+= taken
                return
            }
        }
        while held <= 56 {
            if index + 1 >= piece.count {
                guard marker == 0, fetch() else { return }
            }
            let byte = piece[index]
            if byte == 0xFF {
                let next = piece[index + 1]
                if next == 0 {
                    index += 2
                } else if next == 0xFF {
                    // Fill bytes before a marker.
                    index += 1
                    continue
                } else {
                    marker = next
                    return
                }
            } else {
                index += 1
            }
            bits |= UInt64(byte) &<< UInt64(truncatingIfNeeded: 56 &- held)
            held += 8
        }
    }

    /// Eight bytes as a big-endian number.
    ///
    /// - Precondition: they lie in the piece.
    @inline(__always)
    private static func eightBytes(_ piece: Span<UInt8>, _ index: Int) -> UInt64 {
        precondition(index >= 0 && index &+ 8 <= piece.count)
        return unsafe UInt64(bigEndian: piece.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
    }

    /// Fetches the piece at the current position; false at the end of the source.
    private mutating func fetch() -> Bool {
        let start = pieceStart + index
        guard let input else { return false }
        let count = min(pieceSize, input.count - start)
        guard count >= 2, failure == nil else { return false }
        do {
            piece = try input.bytes(at: start, count: count)
        } catch {
            failure = error
            return false
        }
        pieceStart = start
        index = 0
        return true
    }

    /// Drops the padding up to the marker that must follow; answers how many whole bytes were dropped with it.
    mutating func alignToMarker(most: Int) -> Int? {
        var dropped = 0
        while true {
            fill()
            guard held >= 0 else { return nil }
            dropped += held / 8
            bits = 0
            held = 0
            if marker != 0 { return dropped }
            let left = input.map { $0.count - position } ?? 0
            guard dropped <= most, failure == nil, index + 1 < piece.count || left >= 2 else { return nil }
        }
    }

    /// Makes as many bits available as there is room for: then equal bits of one source mean equal state.
    mutating func fillUp() { fill() }

    /// True when a piece is used up and nothing says what follows.
    var isStarved: Bool { held <= 56 && marker == 0 }

    /// Offset of the byte that holds the next bit; a few bytes less where bytes are stuffed before it.
    @inline(__always)
    var firstByte: Int { position &- held &>> 3 }

    /// True when a marker follows that begins no restart, and what is left before it is padding (F.1.2.3).
    var endsHere: Bool {
        guard marker != 0, !(0xD0...0xD7).contains(marker), (0..<8).contains(held) else { return false }
        return held == 0 || bits &>> UInt64(64 - held) == 1 &<< UInt64(held) &- 1
    }

    /// Steps over the marker that was met.
    mutating func stepOverMarker() {
        index += 2
        marker = 0
        bits = 0
        held = 0
    }
}
