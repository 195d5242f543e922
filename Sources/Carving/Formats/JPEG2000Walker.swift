internal import EvidenceModel

/// JPEG 2000: JP2 and JPX files, and bare code streams (ISO/IEC 15444-1, annexes A and I).
struct JPEG2000Walker: FormatWalker {
    let name = "jpeg2000"
    let signatures = [
        WalkerSignature([0, 0, 0, 12, 0x6A, 0x50, 0x20, 0x20, 0x0D, 0x0A, 0x87, 0x0A]),
        WalkerSignature([0xFF, 0x4F, 0xFF, 0x51]),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try JPEG2000Walk(WalkInput(reader)).verdict()
    }
}

private struct JPEG2000Walk: FileWalk {
    /// Most tile parts of one code stream.
    static let mostTileParts = 1 << 20
    static let topLevel: Set<FourCC> = [
        "jP  ", "ftyp", "jp2h", "jp2c", "jp2i", "xml ", "uuid", "uinf", "rreq", "res ", "resd", "resc", "asoc", "nlst",
        "jpch", "jplh", "ftbl", "free", "dtbl", "cgrp", "jumb", "comp", "cref", "opct", "roid", "lbl ",
    ]

    let input: WalkInput
    var file = WalkedFile(length: 2, confidence: .structural, format: "jp2", fileExtension: "jp2", mime: "image/jp2")
    var isRecognised = false

    init(_ input: WalkInput) { self.input = input }

    mutating func run() throws(WalkStop) {
        if try input.u16be(0) == 0xFF4F {
            file.format = "j2k"
            file.fileExtension = "j2k"
            file.mime = "image/x-jp2-codestream"
            file.length = try codeStream(0, limit: input.count)
            return
        }
        guard try input.tag(16) == "ftyp" else { throw .rejected("no file type box") }
        let brand = try input.tag(20)
        if brand == "jpx " {
            file.format = "jpx"
            file.fileExtension = "jpx"
            file.mime = "image/jpx"
        }
        guard ["jp2 ", "jpx ", "jpm ", "jph "].contains(brand) else { throw .rejected("no brand of JPEG 2000") }
        isRecognised = true
        var at = 0
        var hasCode = false
        while input.fits(at, 8), Self.topLevel.contains(try input.tag(at + 4)) {
            // A second file begins where this one ends.
            if at > 0, try input.tag(at + 4) == "jP  " { break }
            guard let box = try ISOBox(input, at: at, limit: input.count) else {
                if hasCode { break }
                throw .broken("the source ends inside a box")
            }
            at = box.end
            if box.type == "jp2c" {
                let isOpen = try input.u32be(box.start) == 0
                let end = try codeStream(box.body, limit: box.end)
                hasCode = true
                if isOpen {
                    file.length = end
                    return
                }
                // What lies behind the end mark in its box belongs to nothing.
                file.leaveUnchecked(end..<box.end)
            } else if box.type == "uuid", try input.matches(Self.xmp, at: box.body) {
                file.note("xmp")
            } else if box.type == "jumb" {
                file.note("c2pa")
            }
            if box.type != "jp2h", box.type != "ftyp", box.type != "jp2c" { file.leaveUnchecked(box.body..<box.end) }
            file.length = at
        }
        guard hasCode else { throw .broken("no code stream") }
        file.length = at
    }

    private static let xmp: [UInt8] = [
        0xBE, 0x7A, 0xCF, 0xCB, 0x97, 0xA9, 0x42, 0xE8, 0x9C, 0x71, 0x99, 0x94, 0x91, 0xE3, 0xAF, 0xAC,
    ]

    /// Walks the markers of a code stream to EOC; answers the offset after it.
    private mutating func codeStream(_ start: Int, limit: Int) throws(WalkStop) -> Int {
        guard try input.u32be(start) == 0xFF4F_FF51 else { throw .broken("no code stream") }
        let size = try input.u16be(start + 4)
        let components = try input.u16be(start + 40)
        let width = try input.u32be(start + 8) - input.u32be(start + 16)
        let height = try input.u32be(start + 12) - input.u32be(start + 20)
        guard (1...16384).contains(components), size == 38 + 3 * components, width > 0, height > 0 else {
            throw .broken("an impossible picture size")
        }
        isRecognised = true
        file.note("width", width)
        file.note("height", height)
        file.note("components", components)
        file.note("bit_depth", try input.u8(start + 42) & 0x7F + 1)
        var at = start + 2
        var tileParts = 0
        while true {
            guard limit - at >= 2 else { throw .broken("the code stream ends before its end mark") }
            let marker = try input.u16be(at)
            if marker == 0xFFD9 {
                guard tileParts > 0 else { throw .broken("no tile before the end mark") }
                return at + 2
            }
            guard marker >= 0xFF50, limit - at >= 4 else { throw .broken("no marker where one must start") }
            let length = try input.u16be(at + 2)
            guard length >= 2, limit - at - 2 >= length else { throw .broken("a segment is longer than the file") }
            if marker == 0xFF90 {
                tileParts += 1
                guard length == 10, tileParts <= Self.mostTileParts, limit - at >= 12 else {
                    throw .broken("an impossible tile part")
                }
                let part = try input.u32be(at + 6)
                if part == 0 {
                    // The last tile part reaches to the end mark; packets hold no marker above FF8F.
                    let end = try endMark(from: at + 12, limit: limit)
                    file.leaveUnchecked(at..<end)
                    return end
                }
                guard part >= 14, part <= limit - at else { throw .broken("a tile part is longer than the file") }
                file.leaveUnchecked(at..<at + part)
                at += part
            } else {
                guard tileParts == 0 else { throw .broken("a main header's segment after a tile") }
                at += 2 + length
            }
            file.length = max(file.length, at)
        }
    }

    private func endMark(from start: Int, limit: Int) throws(WalkStop) -> Int {
        var previous: UInt8 = 0
        var position = start
        var found = -1
        try input.scanPieces(of: start..<limit) { piece in
            for byte in piece {
                position += 1
                if previous == 0xFF, byte == 0xD9 {
                    found = position
                    return false
                }
                previous = byte
            }
            return true
        }
        guard found >= 0 else { throw .broken("the code stream ends before its end mark") }
        return found
    }
}
