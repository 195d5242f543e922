internal import EvidenceModel

/// Photoshop documents, PSD and PSB (Adobe Photoshop File Formats Specification).
///
/// Four sections with lengths, then the picture: rows of stated length, whose PackBits codes must give a row each.
struct PSDWalker: FormatWalker {
    let name = "psd"
    let signatures = [WalkerSignature("8BPS\0\u{01}"), WalkerSignature("8BPS\0\u{02}")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try PSDWalk(WalkInput(reader)).verdict()
    }
}

private struct PSDWalk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(
        length: 26, confidence: .structural, format: "psd", fileExtension: "psd", mime: "image/vnd.adobe.photoshop")
    var isRecognised = false

    init(_ input: WalkInput) { self.input = input }

    mutating func run() throws(WalkStop) {
        let version = try input.u16be(4)
        let isLarge = version == 2
        guard try input.matches("8BPS", at: 0), (1...2).contains(version),
            try input.matches([0, 0, 0, 0, 0, 0], at: 6)
        else { throw .rejected("no Photoshop header") }
        let channels = try input.u16be(12)
        let height = try input.u32be(14)
        let width = try input.u32be(18)
        let depth = try input.u16be(22)
        let modes = [
            0: "bitmap", 1: "grey", 2: "indexed", 3: "rgb", 4: "cmyk", 7: "multichannel", 8: "duotone", 9: "lab",
        ]
        guard (1...56).contains(channels), (1...300_000).contains(height), (1...300_000).contains(width),
            [1, 8, 16, 32].contains(depth), let mode = modes[try input.u16be(24)]
        else { throw .rejected("impossible header") }
        isRecognised = true
        if isLarge {
            file.format = "psb"
            file.fileExtension = "psb"
        }
        file.note("width", width)
        file.note("height", height)
        file.note("bit_depth", depth)
        file.note("channels", channels)
        file.facts["color"] = .string(mode)
        var at = try section(26, "colour data", width: 4)
        let resources = at + 4
        at = try section(at, "resources", width: 4)
        try noteResources(from: resources, to: at)
        let layers = at
        at = try section(at, "layers", width: isLarge ? 8 : 4)
        file.leaveUnchecked(layers + 8..<max(layers + 8, at))
        let compression = try input.u16be(at)
        at += 2
        let rowBytes = (width * depth + 7) / 8
        switch compression {
        case 0:
            guard input.fits(at, rowBytes * height * channels) else { throw .broken("the source ends in the picture") }
            // Sections without content and an unpacked picture are also what zeros look like.
            file.leaveUnchecked(resources..<at + rowBytes * height * channels)
            at += rowBytes * height * channels
        case 1: at = try packedRows(at, rows: height * channels, rowBytes: rowBytes, isLarge: isLarge)
        default: throw .broken("a picture compressed in a way whose end nothing states")
        }
        file.length = at
    }

    private mutating func section(_ at: Int, _ what: String, width: Int) throws(WalkStop) -> Int {
        let length = width == 8 ? try input.length64be(at) : try input.u32be(at)
        guard input.fits(at + width, length) else { throw .broken("the source ends inside the \(what)") }
        file.length = at + width + length
        return at + width + length
    }

    private mutating func noteResources(from start: Int, to end: Int) throws(WalkStop) {
        var at = start
        while end - at >= 12 {
            guard ["8BIM", "MeSa", "PHUT", "AgHg", "DCSR"].contains(try input.tag(at)) else {
                throw .broken("no resource where one must start")
            }
            let identifier = try input.u16be(at + 4)
            let name = try input.u8(at + 6)
            let lengthAt = at + 6 + (name + 2) / 2 * 2
            guard end - lengthAt >= 4 else { throw .broken("a resource is cut") }
            let length = try input.u32be(lengthAt)
            guard length <= end - lengthAt - 4 else { throw .broken("a resource is longer than its section") }
            switch identifier {
            case 1039: file.note("icc_profile")
            case 1058: try Exif.note(input, at: lengthAt + 4, end: lengthAt + 4 + length, in: &file)
            case 1060: file.note("xmp")
            default: break
            }
            at = min(end, lengthAt + 4 + (length + 1) / 2 * 2)
        }
    }

    private mutating func packedRows(
        _ start: Int, rows: Int, rowBytes: Int, isLarge: Bool
    ) throws(WalkStop) -> Int {
        let width = isLarge ? 4 : 2
        guard input.fits(start, rows * width) else { throw .broken("the source ends in the row lengths") }
        var at = start + rows * width
        for row in 0..<rows {
            let lengthAt = start + row * width
            let length = isLarge ? try input.u32be(lengthAt) : try input.u16be(lengthAt)
            guard input.fits(at, length) else { throw .broken("the source ends in the picture") }
            var left = rowBytes
            var next = at
            while next < at + length {
                let code = try input.u8(next)
                if code < 128 {
                    left -= code + 1
                    next += code + 2
                } else {
                    if code > 128 { left -= 257 - code }
                    next += code > 128 ? 2 : 1
                }
            }
            guard left == 0, next == at + length else { throw .broken("a row's codes make no row") }
            at += length
            file.length = at
        }
        return at
    }
}
