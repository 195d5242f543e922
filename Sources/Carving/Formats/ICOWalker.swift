internal import EvidenceModel

/// Windows icons and cursors (Microsoft, ICO format).
///
/// The signature is four bytes of which three are zeros, so every entry and every picture must make sense.
struct ICOWalker: FormatWalker {
    let name = "ico"
    let signatures = [WalkerSignature([0, 0, 1, 0]), WalkerSignature([0, 0, 2, 0])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try ICOWalk(WalkInput(reader)).verdict()
    }
}

private struct ICOWalk: FileWalk {
    /// Most pictures of one icon.
    static let mostPictures = 128
    /// Largest picture, in bytes.
    static let largestPicture = 8 << 20

    let input: WalkInput
    var file = WalkedFile(length: 6, confidence: .structural, format: "ico", fileExtension: "ico", mime: "image/x-icon")
    var isRecognised = false

    init(_ input: WalkInput) { self.input = input }

    mutating func run() throws(WalkStop) {
        let kind = try input.u16le(2)
        let count = try input.u16le(4)
        guard try input.u16le(0) == 0, (1...2).contains(kind), (1...Self.mostPictures).contains(count) else {
            throw .rejected("no icon header")
        }
        var places: [(offset: Int, length: Int)] = []
        var widest = 0
        for index in 0..<count {
            let entry = 6 + 16 * index
            let length = try input.u32le(entry + 8)
            let offset = try input.u32le(entry + 12)
            guard [0, 255].contains(try input.u8(entry + 3)), length >= 40, length <= Self.largestPicture,
                offset >= 6 + 16 * count, offset <= Self.largestPicture * 4
            else { throw .rejected("an impossible entry") }
            if kind == 1 {
                guard try input.u16le(entry + 4) <= 1, [0, 1, 4, 8, 16, 24, 32].contains(try input.u16le(entry + 6))
                else { throw .rejected("an impossible entry") }
            }
            places.append((offset, length))
            let width = try input.u8(entry)
            widest = max(widest, width == 0 ? 256 : width)
        }
        places.sort { $0 < $1 }
        // The first picture follows the directory; later ones follow each other.
        guard places[0].offset <= 6 + 16 * count + 64 else { throw .rejected("the first picture is far away") }
        var end = 6 + 16 * count
        for (index, place) in places.enumerated() {
            guard place.offset >= end || place.offset == places[max(0, index - 1)].offset else {
                throw .rejected("pictures overlap")
            }
            guard input.fits(place.offset, place.length) else { throw .broken("the source ends inside a picture") }
            try picture(place.offset, length: place.length)
            isRecognised = true
            end = max(end, place.offset + place.length)
            file.length = end
        }
        if kind == 2 {
            file.format = "cur"
            file.fileExtension = "cur"
        }
        file.note("pictures", count)
        file.note("width", widest)
    }

    private mutating func picture(_ at: Int, length: Int) throws(WalkStop) {
        if try input.matches(PNGWalker.magic, at: at) {
            guard try input.matches("IEND", at: at + length - 8) else { throw .broken("a PNG picture is cut") }
            return
        }
        guard try input.u32le(at) == 40 else { throw .broken("a picture of no known kind") }
        file.leaveUnchecked(at..<at + length)
        let width = try input.u32le(at + 4)
        let height = try input.u32le(at + 8)
        let depth = try input.u16le(at + 14)
        guard (1...1024).contains(width), (1...2048).contains(height), try input.u16le(at + 12) <= 1,
            [1, 4, 8, 16, 24, 32].contains(depth)
        else { throw .broken("an impossible picture") }
    }
}
