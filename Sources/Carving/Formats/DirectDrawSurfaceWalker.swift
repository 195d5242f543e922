internal import EvidenceModel

/// DirectDraw surfaces (Microsoft, DDS file layout): the size follows from format, levels, faces and slices.
struct DirectDrawSurfaceWalker: FormatWalker {
    let name = "dds"
    let signatures = [WalkerSignature([0x44, 0x44, 0x53, 0x20, 0x7C, 0, 0, 0])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try DirectDrawSurfaceWalk(reader).verdict() }
}

private struct DirectDrawSurfaceWalk: FileWalk {
    static let largestSide = 1 << 16
    static let mostSlices = 1 << 12

    /// How pixels are stored: in blocks of four by four of so many bytes, or each in so many bits.
    private enum Layout { case blocks(Int), pixels(Int) }

    let input: WalkInput
    var file = WalkedFile(
        length: 128, confidence: .structural, format: "dds", fileExtension: "dds", mime: "image/vnd-ms.dds")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let flags = try input.u32le(8)
        let height = try input.u32le(12)
        let width = try input.u32le(16)
        guard (1...Self.largestSide).contains(width), (1...Self.largestSide).contains(height),
            try input.u32le(76) == 32, flags & 0x1007 == 0x1007
        else { throw .rejected("not the header of a surface") }
        isRecognised = true
        file.note("width", width)
        file.note("height", height)
        var start = 128
        var slices = flags & 0x80_0000 != 0 ? max(1, try input.u32le(24)) : 1
        var copies = 1
        let levels = flags & 0x2_0000 != 0 ? max(1, try input.u32le(28)) : 1
        let second = try input.u32le(112)
        if second & 0x200 != 0 { copies = (10...15).count { second >> $0 & 1 == 1 } }
        if second & 0x20_0000 == 0 { slices = 1 }
        let layout: Layout
        if try input.matches("DX10", at: 84) {
            start = 148
            layout = try modern(try input.u32le(128))
            copies = try input.u32le(140) * (try input.u32le(136) & 4 != 0 ? 6 : 1)
        } else {
            layout = try classic()
        }
        guard levels <= 32, slices <= Self.mostSlices, (1...Self.mostSlices).contains(copies) else {
            throw .broken("an impossible number of pictures")
        }
        file.note("levels", levels)
        var size = 0
        for level in 0..<levels {
            let (wide, high, deep) = (max(1, width >> level), max(1, height >> level), max(1, slices >> level))
            switch layout {
            case .blocks(let bytes): size += (wide + 3) / 4 * ((high + 3) / 4) * bytes * deep
            case .pixels(let bits): size += (wide * bits + 7) / 8 * high * deep
            }
        }
        guard input.fits(start, size * copies) else { throw .broken("the source ends inside the pixels") }
        file.leaveUnchecked(start..<start + size * copies)
        file.length = start + size * copies
    }

    private mutating func classic() throws(WalkStop) -> Layout {
        let kind = try input.u32le(80)
        guard kind & 4 != 0 else {
            let bits = try input.u32le(88)
            guard kind & 0x2_0243 != 0, [8, 16, 24, 32].contains(bits) else {
                throw .broken("pixels of no known format")
            }
            file.facts["codec"] = "none"
            return .pixels(bits)
        }
        let code = try input.tag(84)
        file.facts["codec"] = .string(code.text)
        switch code {
        case "DXT1", "BC4U", "BC4S", "ATI1": return .blocks(8)
        case "DXT2", "DXT3", "DXT4", "DXT5", "BC5U", "BC5S", "ATI2", "RXGB": return .blocks(16)
        case "RGBG", "GRGB", "UYVY", "YUY2": return .pixels(16)
        default: break
        }
        // Formats of Direct3D 9 by number, of floating-point pixels mostly.
        let numbers = [36: 64, 110: 64, 111: 16, 112: 32, 113: 64, 114: 32, 115: 64, 116: 128]
        guard let bits = numbers[try input.u32le(84)] else { throw .broken("pixels of no known format") }
        return .pixels(bits)
    }

    private mutating func modern(_ format: Int) throws(WalkStop) -> Layout {
        file.facts["codec"] = .string("DXGI \(format)")
        switch format {
        case 70...72, 79...81: return .blocks(8)
        case 73...78, 82...84, 94...99: return .blocks(16)
        case 1...4: return .pixels(128)
        case 5...8: return .pixels(96)
        case 9...22: return .pixels(64)
        case 23...47, 67...69, 87...93: return .pixels(32)
        case 48...59, 85, 86, 115: return .pixels(16)
        case 60...65: return .pixels(8)
        default: throw .broken("pixels of no known format")
        }
    }
}
