internal import EvidenceModel

/// JPEG pictures with Exif, and the multi-picture files of cameras (ITU-T T.81; CIPA DC-007).
///
/// Markers up to EOI, with the Huffman codes of each scan followed to its last block. A thumbnail inside a segment ends
/// nothing; the pictures that a multi-picture index names belong to the file.
struct JPEGWalker: FormatWalker {
    let name = "jpeg"
    let signatures = [WalkerSignature([0xFF, 0xD8, 0xFF])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try JPEGWalk(WalkInput(reader)).verdict()
    }
}

struct JPEGWalk: FileWalk {
    /// Most segments of one picture.
    static let mostSegments = WalkLimit.jpegSegments.value
    /// Most pictures of a multi-picture file.
    static let mostPictures = 64
    /// Most bytes of padding between two pictures of a multi-picture file.
    static let mostPadding = 256 * 1024
    /// Most components of a picture; the scan decoder keeps as many predictions.
    static let mostComponents = 4

    let input: WalkInput
    /// Where the picture starts: 0 but for the later ones of a multi-picture file.
    let start: Int
    var file = WalkedFile(length: 2, confidence: .structural, format: "jpeg", fileExtension: "jpg", mime: "image/jpeg")
    var isRecognised = false

    private var at: Int
    private var frame: JPEGFrame?
    private var decoder: JPEGScanDecoder?
    private var tables = JPEGHuffmanTables()
    private var quantizers = [Int](repeating: 0, count: 4)
    private var restartInterval = 0
    private var scanned: Set<Int> = []
    private var isMotionJPEG = false
    private var isMotionPhoto = false
    private var wasFollowed = true
    private var pictures: [(offset: Int, size: Int, kind: Int)] = []

    /// A scan in which the picture breaks off, with what was known before it.
    struct OpenScan {
        let scan: JPEGScanDecoder.Scan
        let decoder: JPEGScanDecoder
        /// Where its data begin.
        let start: Int
    }

    /// True when ``openScan`` is wanted.
    var keepsOpenScan = false
    /// The scan in which the walk ended before the picture's end.
    private(set) var openScan: OpenScan?

    init(_ input: WalkInput, at start: Int = 0) {
        self.input = input
        self.start = start
        at = start + 2
    }

    mutating func run() throws(WalkStop) {
        guard try input.matches([0xFF, 0xD8, 0xFF], at: start) else { throw .rejected("no JPEG signature") }
        var segments = 0
        while true {
            var marker = try input.u8(at + 1)
            guard try input.u8(at) == 0xFF, marker != 0 else { throw .broken("no marker where one must start") }
            while marker == 0xFF {
                at += 1
                marker = try input.u8(at + 1)
            }
            segments += 1
            guard segments <= Self.mostSegments else {
                throw input.stop(at: .jpegSegments, "more segments than any real picture has")
            }
            if marker == 0xD9 { break }
            guard marker >= 0xC0, marker != 0xD8, !(0xD0...0xD7).contains(marker), marker != 0xC8 else {
                throw .broken("a marker out of place")
            }
            let length = try input.u16be(at + 2)
            guard length >= 2 else { throw .broken("a segment shorter than its length field") }
            guard input.fits(at + 2, length) else { throw .broken("the source ends inside a segment") }
            try segment(marker, at: at + 4, end: at + 2 + length)
            if segments >= 2 { isRecognised = true }
            if marker != 0xDA { at += 2 + length }
            file.length = at - start
        }
        guard let frame, !scanned.isEmpty else { throw .broken("the picture ends before its data") }
        guard scanned.count == frame.components.count else { throw .broken("a component has no data") }
        if let stray = decoder?.strayBytes, stray > 0 {
            // Units of another picture may lie among this one's.
            file.warnings.append("\(stray) stray bytes after the scans")
            file.confidence = .header
            file.isUncertain = true
        }
        if !wasFollowed { file.warnings.append("the picture's codes were not followed bit by bit") }
        file.length = at + 2 - start
        try laterPictures()
        try film()
    }

    private mutating func segment(_ marker: Int, at body: Int, end: Int) throws(WalkStop) {
        switch marker {
        case 0xC4: try huffmanTables(at: body, end: end)
        case 0xC0...0xCF where marker != 0xCC: try frameHeader(marker, at: body, end: end)
        case 0xDA: try scan(at: body, end: end)
        case 0xDB: try quantizationTables(at: body, end: end)
        case 0xDD:
            guard end - body == 2 else { throw .broken("a restart interval of another size") }
            restartInterval = try input.u16be(body)
        case 0xE0...0xEF: try application(marker - 0xE0, at: body, end: end)
        case 0xFE: file.note("comment", text: try input.bytes(at: body, count: min(end - body, 1024)))
        case 0xCC, 0xDC, 0xDE, 0xDF: break
        default: throw .broken("a reserved marker")
        }
    }

    // MARK: Tables and headers

    private mutating func huffmanTables(at body: Int, end: Int) throws(WalkStop) {
        var next = body
        while next < end {
            guard end - next >= 17 else { throw .broken("a Huffman table is cut") }
            let selector = try input.u8(next)
            let counts = try input.bytes(at: next + 1, count: 16)
            let total = counts.reduce(0) { $0 + Int($1) }
            guard selector & 0xEC == 0, total <= 256, total <= end - next - 17 else {
                throw .broken("an impossible Huffman table")
            }
            let symbols = try input.bytes(at: next + 17, count: total)
            guard tables.define((selector >> 4) * 4 + selector & 3, counts: counts, symbols: symbols) else {
                throw .broken("a Huffman table is no prefix code")
            }
            next += 17 + total
        }
    }

    private mutating func quantizationTables(at body: Int, end: Int) throws(WalkStop) {
        var next = body
        while next < end {
            let selector = try input.u8(next)
            let size = selector >> 4 == 0 ? 64 : 128
            guard selector & 0xEC == 0, end - next > size else { throw .broken("an impossible quantization table") }
            quantizers[selector & 3] = size == 64 ? try input.u8(next + 1) : try input.u16be(next + 1)
            next += 1 + size
        }
    }

    private mutating func frameHeader(_ marker: Int, at body: Int, end: Int) throws(WalkStop) {
        guard frame == nil else { throw .broken("a second frame") }
        guard end - body >= 6 else { throw .broken("the frame header is cut") }
        let precision = try input.u8(body)
        let height = try input.u16be(body + 1)
        let width = try input.u16be(body + 3)
        let number = try input.u8(body + 5)
        guard (2...16).contains(precision), marker != 0xC0 || precision == 8, width > 0,
            (1...Self.mostComponents).contains(number), end - body == 6 + 3 * number
        else { throw .broken("an impossible frame header") }
        var components: [JPEGFrame.Component] = []
        for index in 0..<number {
            let sampling = try input.u8(body + 7 + 3 * index)
            let quantizer = try input.u8(body + 8 + 3 * index)
            guard (1...4).contains(sampling >> 4), (1...4).contains(sampling & 15), quantizer <= 3 else {
                throw .broken("an impossible component")
            }
            components.append(
                JPEGFrame.Component(
                    identifier: try input.u8(body + 6 + 3 * index), horizontal: sampling >> 4,
                    vertical: sampling & 15, quantizer: quantizer))
        }
        isRecognised = true
        let header = JPEGFrame(
            marker: marker, precision: precision, width: width, height: height, components: components)
        frame = header
        decoder = JPEGScanDecoder(header)
        file.note("width", width)
        file.note("height", height)
        file.note("bit_depth", precision)
        file.note("components", number)
        let codings = [
            0xC0: "baseline", 0xC1: "extended sequential", 0xC2: "progressive", 0xC3: "lossless",
            0xC9: "sequential, arithmetic", 0xCA: "progressive, arithmetic", 0xCB: "lossless, arithmetic",
        ]
        file.facts["coding"] = .string(codings[marker] ?? "hierarchical")
    }

    // MARK: Scans

    private mutating func scan(at body: Int, end: Int) throws(WalkStop) {
        guard let frame else { throw .broken("a scan before the frame") }
        let number = try input.u8(body)
        guard (1...frame.components.count).contains(number), end - body == 4 + 2 * number else {
            throw .broken("an impossible scan header")
        }
        var parts: [JPEGScanHeader.Part] = []
        for index in 0..<number {
            let identifier = try input.u8(body + 1 + 2 * index)
            let selectors = try input.u8(body + 2 + 2 * index)
            guard let component = frame.components.firstIndex(where: { $0.identifier == identifier }),
                !parts.contains(where: { $0.component == component }), selectors & 0xCC == 0
            else { throw .broken("a scan of a component that the frame does not have") }
            parts.append(
                JPEGScanHeader.Part(component: component, dcTable: selectors >> 4, acTable: selectors & 3))
        }
        let approximation = try input.u8(body + 3 + 2 * number)
        let scan = JPEGScanHeader(
            parts: parts, first: try input.u8(body + 1 + 2 * number), last: try input.u8(body + 2 + 2 * number),
            high: approximation >> 4, low: approximation & 15)
        if frame.isProgressive {
            guard scan.first <= scan.last, scan.last <= 63, scan.low <= 13, scan.high == 0 || scan.high == scan.low + 1,
                scan.first == 0 ? scan.last == 0 : number == 1
            else { throw .broken("an impossible progressive scan") }
        }
        if number > 1 {
            let units = parts.reduce(0) {
                $0 + frame.components[$1.component].horizontal * frame.components[$1.component].vertical
            }
            guard units <= 10 else { throw .broken("more blocks in a unit than the standard allows") }
        }
        if !frame.isProgressive || scan.first == 0 { scanned.formUnion(parts.map(\.component)) }
        file.length = end - start
        let hasTables = parts.allSatisfy { part in
            let needsDC = scan.first == 0 && scan.high == 0
            let needsAC = !frame.isProgressive || scan.first > 0
            return (!needsDC || tables.isDefined[part.dcTable]) && (!needsAC || tables.isDefined[4 + part.acTable])
        }
        let isHuffman = !(0xC9...0xCF).contains(frame.marker)
        guard hasTables || isMotionJPEG || !isHuffman else { throw .broken("a scan without its Huffman tables") }
        if frame.isFollowed, hasTables, wasFollowed, var decoder, decoder.remembersBlocks {
            self.decoder = nil
            let context = JPEGScanDecoder.Scan(
                scan, of: frame, tables: tables, restartInterval: restartInterval, brightest: brightest(frame))
            // What the decoder remembers is copied only for a search.
            if keepsOpenScan { openScan = OpenScan(scan: context, decoder: decoder, start: end) }
            let outcome = try decoder.follow(context, input: input, at: end)
            self.decoder = decoder
            switch outcome {
            case .whole(let next):
                openScan = nil
                at = next
            case .broken(let position, let reason):
                file.length = max(0, min(position, input.count) - start)
                throw .broken(reason)
            }
        } else {
            wasFollowed = false
            at = try markerAfterScan(from: end)
        }
    }

    /// The largest DC value of each component: a sample is a number of `precision` bits, and the transform makes the
    /// mean of 64 of them at most eight times as large. Twice as much is let pass for coarse quantizers.
    private func brightest(_ frame: JPEGFrame) -> InlineArray<4, Int> {
        var brightest = InlineArray<4, Int>(repeating: 0)
        for (index, component) in frame.components.enumerated() {
            let quantizer = max(1, quantizers[component.quantizer])
            brightest[index] = (16 << (frame.precision - 1)) / quantizer + 2
        }
        return brightest
    }

    /// The marker after a scan whose codes are not followed: restart markers must come in turn.
    private func markerAfterScan(from offset: Int) throws(WalkStop) -> Int {
        var position = offset
        var restart = 0
        var escaped = false
        var found = -1
        var isSound = true
        while found < 0, isSound {
            guard position < input.count else { throw .broken("the source ends inside a scan") }
            let stop = min(input.count, position + ByteReader.windowSize)
            try input.forEachPiece(of: position..<stop) { piece in
                for byte in piece {
                    if found >= 0 || !isSound { return }
                    if escaped {
                        if byte == 0xFF {
                            // Fill byte: still a marker's beginning.
                        } else if byte == 0 {
                            escaped = false
                        } else if (0xD0...0xD7).contains(byte) {
                            isSound = Int(byte) == 0xD0 + restart
                            restart = (restart + 1) & 7
                            escaped = false
                        } else {
                            found = position - 1
                        }
                    } else {
                        escaped = byte == 0xFF
                    }
                    position += 1
                }
            }
        }
        guard isSound else { throw .broken("restart markers out of turn") }
        return found
    }

    // MARK: Application data

    private mutating func application(_ number: Int, at body: Int, end: Int) throws(WalkStop) {
        switch number {
        case 0:
            if try input.matches("JFIF\0", at: body) { file.note("jfif") }
            if try input.matches("AVI1", at: body) { isMotionJPEG = true }
        case 1:
            if try input.matches("Exif\0", at: body) {
                isRecognised = true
                try Exif.note(input, at: body + 6, end: end, in: &file)
            } else if try input.matches("http://ns.adobe.com/xap/1.0/\0", at: body) {
                file.note("xmp")
                for mark in ["MotionPhoto=\"1\"", "MicroVideo=\"1\"", "MotionPhoto>1<", "MicroVideo>1<"]
                where try input.firstOffset(of: Array(mark.utf8), from: body, to: end) != nil {
                    isMotionPhoto = true
                }
            }
        case 2:
            if try input.matches("ICC_PROFILE\0", at: body) { file.note("icc_profile") }
            if try input.matches("MPF\0", at: body) { try pictureIndex(at: body + 4, end: end) }
        case 11:
            // JUMBF boxes: common identifier "JP", instance, sequence, box length, box type.
            if try input.matches("JP", at: body), try input.matches("jumb", at: body + 12) { file.note("c2pa") }
        case 13:
            if try input.matches("Photoshop 3.0\0", at: body) { file.note("photoshop") }
        default: break
        }
    }

    /// The index of a multi-picture file (CIPA DC-007, 5.2).
    private mutating func pictureIndex(at base: Int, end: Int) throws(WalkStop) {
        guard pictures.isEmpty, let structure = try TIFFStructure(input, at: base, end: end),
            let directory = try structure.directory(at: structure.firstDirectory, lenient: true),
            let entry = directory[0xB002]
        else { return }
        for index in 0..<min(entry.byteCount / 16, Self.mostPictures) {
            let item = entry.valueAt + 16 * index
            let offset = try structure.u32(item + 8)
            guard offset > 0 else { continue }
            pictures.append(
                (offset: base + offset, size: try structure.u32(item + 4), kind: try structure.u32(item) & 0xFF_FFFF))
        }
    }

    /// The pictures that follow the first one, each walked to its own end.
    private mutating func laterPictures() throws(WalkStop) {
        guard start == 0, !pictures.isEmpty else { return }
        var found = 1
        for picture in pictures.sorted(by: { $0.offset < $1.offset }) {
            guard picture.offset >= file.length, picture.offset - file.length <= Self.mostPadding,
                try input.matches([0xFF, 0xD8, 0xFF], at: picture.offset)
            else { continue }
            var walk = JPEGWalk(input, at: picture.offset)
            do {
                try walk.run()
            } catch {
                if case .failed = error { throw error }
                continue
            }
            file.length = picture.offset + walk.file.length
            found += 1
            // Stereoscopic, panoramic and multi-angle pictures make an MPO; previews and gain maps do not.
            if (0x20001...0x20003).contains(picture.kind) {
                file.format = "mpo"
                file.fileExtension = "mpo"
                file.mime = "image/mpo"
            }
        }
        file.note("pictures", found)
        if found < pictures.count + 1 {
            file.warnings.append("\(pictures.count + 1 - found) pictures of the multi-picture index are missing")
        }
    }

    /// The film that a phone appends to a motion photo, when the picture's XMP announces one.
    private mutating func film() throws(WalkStop) {
        guard isMotionPhoto, start == 0, try input.matches("ftyp", at: file.length + 4) else { return }
        var at = file.length
        var shown = at
        var hasMovie = false
        while let box = try ISOBox(input, at: at, limit: input.count), ISOMediaWalk.topLevel.contains(box.type) {
            // Another file begins.
            if box.type == "ftyp", at > file.length { break }
            if box.type == "moov", hasMovie { break }
            hasMovie = hasMovie || box.type == "moov"
            shown = box.body
            at = box.end
        }
        guard hasMovie else {
            file.warnings.append("the film of the motion photo makes no sense")
            return
        }
        file.length = at
        // Boxes are shown by those behind them.
        file.leaveUnchecked(shown..<at)
        file.note("motion_photo")
    }
}
