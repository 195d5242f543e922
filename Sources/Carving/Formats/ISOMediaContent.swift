/// A track of a movie: where its samples lie and how their codec frames them (ISO/IEC 14496-12, 8.3 to 8.7).
struct ISOTrack {
    /// Most samples or chunks whose tables are read; a longer film's samples are not looked at.
    static let mostSamples = WalkLimit.isoMediaSamples.value

    var width = 0
    var height = 0
    var codec: String?
    var samples = 0
    var isVideo = false
    var isAudio = false
    /// Furthest byte that a sample needs.
    private(set) var dataEnd = 0

    private(set) var framing = ISOFraming.unknown
    private var sizes: [UInt8] = []
    private var commonSize = 0
    /// Each chunk's offset and number of samples, in order.
    private var chunks: [(offset: Int, samples: Int, length: Int)] = []

    init(_ input: WalkInput, _ box: ISOBox) throws(WalkStop) {
        guard let children = try ISOBox.children(input, from: box.body, to: box.end) else {
            throw .broken("a track makes no sense")
        }
        for child in children where child.type == "tkhd" && child.end - child.body >= 84 {
            width = try input.u32be(child.end - 8) >> 16
            height = try input.u32be(child.end - 4) >> 16
        }
        guard let media = children.first(where: { $0.type == "mdia" }),
            let parts = try ISOBox.children(input, from: media.body, to: media.end)
        else { throw .broken("a track has no media") }
        guard parts.contains(where: { $0.type == "mdhd" }), parts.contains(where: { $0.type == "minf" }) else {
            throw .broken("a track's media has no header")
        }
        var hasTables = false
        for part in parts where part.type == "hdlr" && part.end - part.body >= 12 {
            isVideo = try input.tag(part.body + 8) == "vide"
            isAudio = try input.tag(part.body + 8) == "soun"
        }
        var isLocal = true
        for part in parts where part.type == "minf" {
            guard let information = try ISOBox.children(input, from: part.body, to: part.end) else {
                throw .broken("a track's media information makes no sense")
            }
            for box in information where box.type == "dinf" { isLocal = try Self.isLocal(input, box) }
            for box in information where box.type == "stbl" {
                guard let tables = try ISOBox.children(input, from: box.body, to: box.end) else {
                    throw .broken("a track's sample tables make no sense")
                }
                try read(input, tables)
                hasTables = true
            }
        }
        guard hasTables else { throw .broken("a track has no sample tables") }
        // The samples of a reference movie lie in another file.
        if !isLocal {
            dataEnd = 0
            chunks = []
        }
    }

    private static func isLocal(_ input: WalkInput, _ box: ISOBox) throws(WalkStop) -> Bool {
        for child in try ISOBox.children(input, from: box.body, to: box.end) ?? [] where child.type == "dref" {
            for entry in try ISOBox.children(input, from: child.body + 8, to: child.end) ?? []
            where entry.end - entry.body >= 4 {
                if try input.u32be(entry.body) & 1 == 1 { return true }
            }
            return false
        }
        return true
    }

    private mutating func read(_ input: WalkInput, _ tables: [ISOBox]) throws(WalkStop) {
        var offsets: (box: ISOBox, width: Int)?
        var toChunks: ISOBox?
        var hasCompactSizes = false
        let types = Set(tables.map(\.type))
        guard types.isSuperset(of: ["stsd", "stts", "stsc"]), !types.isDisjoint(with: ["stsz", "stz2"]),
            !types.isDisjoint(with: ["stco", "co64"])
        else { throw .broken("a track lacks a sample table") }
        for table in tables {
            let length = table.end - table.body
            switch table.type {
            case "stsd" where length >= 16:
                if let entry = try ISOBox(input, at: table.body + 8, limit: table.end) {
                    codec = entry.type.text
                    framing = try ISOFraming(input, entry)
                }
            case "stsz" where length >= 12:
                commonSize = try input.u32be(table.body + 4)
                samples = try input.u32be(table.body + 8)
                if commonSize == 0 {
                    guard samples <= (length - 12) / 4 else { throw .broken("a sample size table is cut") }
                    if samples <= Self.mostSamples {
                        sizes = try input.bytes(at: table.body + 12, count: 4 * samples)
                    }
                }
            case "stts" where length >= 8:
                guard try input.u32be(table.body + 4) == (length - 8) / 8 else {
                    throw .broken("a time table of another length")
                }
            case "stz2": hasCompactSizes = true
            case "stco": offsets = (table, 4)
            case "co64": offsets = (table, 8)
            case "stsc" where length >= 8: toChunks = table
            default: break
            }
        }
        guard let offsets, let toChunks, !hasCompactSizes, samples > 0 else { return }
        guard samples <= Self.mostSamples else { return input.reached(.isoMediaSamples) }
        let count = try input.u32be(offsets.box.body + 4)
        guard count <= (offsets.box.end - offsets.box.body - 8) / offsets.width else {
            throw .broken("a chunk offset table is cut")
        }
        guard count <= Self.mostSamples / 2 else { return input.reached(.isoMediaSamples) }
        let table = try input.bytes(at: offsets.box.body + 8, count: count * offsets.width)
        let runs = try input.u32be(toChunks.body + 4)
        guard runs <= (toChunks.end - toChunks.body - 8) / 12 else { throw .broken("a sample-to-chunk table is cut") }
        try lay(input, table, width: offsets.width, runs: runs, at: toChunks.body + 8)
    }

    private mutating func lay(
        _ input: WalkInput, _ offsets: [UInt8], width: Int, runs: Int, at runsAt: Int
    ) throws(WalkStop) {
        let count = offsets.count / width
        var sample = 0
        var run = 0
        var perChunk = 0
        for chunk in 0..<count {
            while run < runs {
                guard try input.u32be(runsAt + 12 * run) <= chunk + 1 else { break }
                perChunk = try input.u32be(runsAt + 12 * run + 4)
                run += 1
            }
            var offset = 0
            // 54 bits are more than any medium has; the mask only keeps the shift from overflowing.
            for index in 0..<width { offset = (offset & ((1 << 54) - 1)) << 8 | Int(offsets[chunk * width + index]) }
            let here = min(perChunk, samples - sample)
            guard here > 0 else { break }
            var length = 0
            if commonSize > 0 {
                // Uncompressed sound counts frames, not bytes: then the size of a sample says nothing.
                length = commonSize == 1 ? 0 : commonSize * here
            } else {
                for index in sample..<sample + here { length += size(index) }
            }
            chunks.append((offset, here, length))
            // Chunks without bytes may point anywhere.
            if length > 0 || commonSize == 1 { dataEnd = max(dataEnd, offset + length) }
            sample += here
        }
    }

    private func size(_ sample: Int) -> Int {
        guard commonSize == 0 else { return commonSize }
        let at = 4 * sample
        return Int(sizes[at]) << 24 | Int(sizes[at + 1]) << 16 | Int(sizes[at + 2]) << 8 | Int(sizes[at + 3])
    }

    /// Where the samples lie that have bytes, in the order of the tables.
    func samplePlaces() -> [(offset: Int, length: Int)] {
        var places: [(offset: Int, length: Int)] = []
        var sample = 0
        for chunk in chunks {
            var at = chunk.offset
            for _ in 0..<chunk.samples {
                let length = size(sample)
                sample += 1
                if length > 0 { places.append((at, length)) }
                at += length
            }
        }
        return places
    }

    /// Looks whether every sample is one of its codec; throws at the first that is not. Answers where the last of them
    /// begins, 0 where the codec does not frame its samples.
    func check(_ input: WalkInput, prefix: inout Int) throws(WalkStop) -> Int {
        guard framing != .unknown else { return 0 }
        let places = samplePlaces()
        let framing = try framing.learned(input, places.prefix(ISOFraming.learnedFrom + 1))
        if framing.isWeak { return try checkHeads(input, places, framing, prefix: &prefix) }
        var last = 0
        for place in places {
            if try !framing.holds(input, at: place.offset, length: place.length) {
                prefix = min(prefix, place.offset)
                throw .broken("a sample is not one of its codec")
            }
            last = max(last, place.offset)
        }
        return last
    }

    /// Samples that are looked at together where each has only a few bits that show its codec, and how many of them
    /// must fail before the first of those is taken for the end of the file's own.
    private static let headsTogether = 8
    private static let headsFailing = 5
    /// Samples at the end that show together that the file reaches to the first of them.
    private static let headsShowing = 4

    private func checkHeads(
        _ input: WalkInput, _ places: [(offset: Int, length: Int)], _ framing: ISOFraming, prefix: inout Int
    ) throws(WalkStop) -> Int {
        guard framing != .unknown else { return 0 }
        var failed: [Int] = []
        for (index, place) in places.enumerated() {
            if try framing.holds(input, at: place.offset, length: place.length) { continue }
            failed.removeAll { $0 <= index - Self.headsTogether }
            failed.append(index)
            if failed.count == Self.headsFailing {
                prefix = min(prefix, places[failed[0]].offset)
                throw .broken("samples are not those of their codec")
            }
        }
        let tail = places.suffix(Self.headsShowing)
        guard tail.count == Self.headsShowing, let first = tail.first, failed.last ?? 0 < tail.startIndex else {
            return 0
        }
        return first.offset
    }
}

/// How a codec frames its samples, where that can be checked without decoding.
enum ISOFraming: Hashable {
    case unknown
    /// Network abstraction layer units, each after its length (ISO/IEC 14496-15); HEVC's when `isHEVC`.
    case units(lengthSize: Int, isHEVC: Bool)
    /// Open bitstream units with their sizes (AV1 in ISO media).
    case av1
    /// Length and "icpf" (SMPTE RDD 36).
    case proRes
    case jpeg
    /// The same bytes at the start of each sample.
    case begins([UInt8])
    /// Elements of AAC or ALAC: the kind and number of the first one, seven bits, are those of nearly every sample
    /// (ISO/IEC 14496-3, 4.4.2.1).
    case elements
    case element(UInt8)
    /// A TIFF header behind its own offset (ISO/IEC 23008-12, A.2.1).
    case exif
    /// XMP: text that begins with a tag.
    case markup

    /// True when one sample says little: then several are looked at together.
    var isWeak: Bool {
        switch self {
        case .begins, .elements, .element, .unknown: true
        default: false
        }
    }

    /// Samples that must begin alike before the first element is believed. The very first sample may hold a note of
    /// the encoder.
    static let learnedFrom = 8

    /// The framing with what the first samples say about the others.
    func learned(_ input: WalkInput, _ places: some Collection<(offset: Int, length: Int)>) throws(WalkStop)
        -> ISOFraming
    {
        guard self == .elements else { return self }
        var heads: Set<Int> = []
        guard places.count > Self.learnedFrom else { return .unknown }
        for place in places.dropFirst() {
            guard input.fits(place.offset, 1) else { return .unknown }
            heads.insert(try input.u8(place.offset) & 0xFE)
        }
        guard heads.count == 1, let head = heads.first else { return .unknown }
        return .element(UInt8(head))
    }

    /// From a sample description.
    init(_ input: WalkInput, _ entry: ISOBox) throws(WalkStop) {
        self = .unknown
        switch entry.type {
        case "avc1", "avc3", "hvc1", "hev1", "dvh1", "dvhe", "dva1", "dvav":
            guard entry.end - entry.body > 78 else { return }
            for box in try ISOBox.children(input, from: entry.body + 78, to: entry.end) ?? [] {
                let length = box.end - box.body
                if box.type == "avcC", length >= 7 {
                    self = .units(lengthSize: try input.u8(box.body + 4) & 3 + 1, isHEVC: false)
                } else if box.type == "hvcC", length >= 23 {
                    self = .units(lengthSize: try input.u8(box.body + 21) & 3 + 1, isHEVC: true)
                }
            }
        case "av01": self = .av1
        case "apch", "apcn", "apcs", "apco", "ap4h", "ap4x": self = .proRes
        case "jpeg", "mjpa", "mjpb": self = entry.type == "mjpb" ? .unknown : .jpeg
        case "mp4a", "alac": self = .elements
        case "ac-3", "ec-3": self = .begins([0x0B, 0x77])
        // Start codes of MPEG-2 and MPEG-4 video.
        case "mp4v", "m2v1", "mp2v": self = .begins([0, 0, 1])
        case "icod": self = .begins([0x01, 0x16])
        default:
            let name = entry.type.characters
            if [Array("xdv".utf8), Array("xd5".utf8), Array("hdv".utf8), Array("mx5".utf8)]
                .contains(Array(name.prefix(3)))
            {
                self = .begins([0, 0, 1])
            }
        }
    }

    /// True when the bytes are framed as the codec frames a sample.
    func holds(_ input: WalkInput, at offset: Int, length: Int) throws(WalkStop) -> Bool {
        switch self {
        case .unknown, .elements: return true
        case .exif:
            let head = try input.bytes(at: offset, count: min(length, 24))
            return [[0x49, 0x49, 0x2A, 0], [0x4D, 0x4D, 0, 0x2A]].contains { mark in
                head.indices.contains { head[$0...].starts(with: mark) }
            }
        case .markup:
            let head = try input.bytes(at: offset, count: min(length, 64))
            return head.first { $0 > 0x20 && ![0xEF, 0xBB, 0xBF].contains($0) } == 0x3C
        case .begins(let bytes):
            guard length >= bytes.count else { return true }
            return try input.matches(bytes, at: offset)
        case .element(let head):
            guard length > 1 else { return true }
            return try input.u8(offset) & 0xFE == Int(head)
        case .proRes:
            guard length >= 8 else { return false }
            let isFrame = try input.tag(offset + 4) == "icpf"
            let stated = try input.u32be(offset)
            return isFrame && stated == length
        case .jpeg:
            return try input.matches([0xFF, 0xD8], at: offset)
        case .units(let lengthSize, let isHEVC):
            return try units(input, from: offset, to: offset + length, lengthSize: lengthSize, isHEVC: isHEVC)
        case .av1:
            return try openUnits(input, from: offset, to: offset + length)
        }
    }

    private func units(
        _ input: WalkInput, from start: Int, to end: Int, lengthSize: Int, isHEVC: Bool
    ) throws(WalkStop) -> Bool {
        var at = start
        var hasUnit = false
        while at < end {
            guard end - at > lengthSize else { return false }
            var length = 0
            for index in 0..<lengthSize { length = length << 8 | (try input.u8(at + index)) }
            at += lengthSize
            guard length <= end - at else { return false }
            // Encoders write empty units now and then.
            if length == 0 { continue }
            guard try input.u8(at) & 0x80 == 0 else { return false }
            hasUnit = true
            at += length
        }
        return hasUnit
    }

    private func openUnits(_ input: WalkInput, from start: Int, to end: Int) throws(WalkStop) -> Bool {
        var at = start
        while at < end {
            let header = try input.u8(at)
            // Types that are defined (AV1, 6.2.2); 0 is reserved, so that zeros are no unit.
            guard header & 0x81 == 0, (1...8).contains(header >> 3) || header >> 3 == 15 else { return false }
            at += header & 4 != 0 ? 2 : 1
            // The last unit may leave out its size.
            guard header & 2 != 0 else { return at <= end }
            var length = 0
            var shift = 0
            while true {
                guard at < end, shift < 56 else { return false }
                let byte = try input.u8(at)
                at += 1
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte & 0x80 == 0 { break }
            }
            guard length <= end - at else { return false }
            at += length
        }
        return at == end
    }
}

/// An item of a HEIF file: a picture, a tile, Exif, XMP (ISO/IEC 14496-12, 8.11).
struct ISOItem {
    /// Most items of one file, and most extents of all its items.
    static let mostItems = 1 << 16

    /// Fewer bytes are no picture of any codec but a stand-in that some writer of samples put there.
    static let smallestPicture = 32

    let identifier: Int
    var type: FourCC = "    "
    var contentType = ""
    /// 0: offsets in the file; 1: offsets in the idat box.
    var construction = 0
    var extents: [(offset: Int, length: Int)] = []

    /// Furthest byte of the file that the item needs.
    var dataEnd: Int {
        construction == 0 ? extents.reduce(0) { max($0, $1.length == 0 ? 0 : $1.offset + $1.length) } : 0
    }

    /// Where an extent stands in the file.
    func place(_ data: ISOBox?, _ index: Int) -> Int {
        let offset = extents[index].offset
        if construction == 0 { return offset }
        guard construction == 1, let data, offset < data.end - data.body else { return -1 }
        return data.body + offset
    }

    /// The items that iinf and iloc describe.
    static func list(_ input: WalkInput, _ boxes: [ISOBox]) throws(WalkStop) -> [ISOItem] {
        var types: [Int: (FourCC, String)] = [:]
        for box in boxes where box.type == "iinf" && box.end - box.body >= 6 {
            let isLong = try input.u8(box.body) > 0
            for entry in try ISOBox.children(input, from: box.body + (isLong ? 8 : 6), to: box.end) ?? []
            where entry.type == "infe" && entry.end - entry.body >= 12 {
                let version = try input.u8(entry.body)
                guard version >= 2, version == 2 || entry.end - entry.body >= 14 else { continue }
                let identifier = version == 2 ? try input.u16be(entry.body + 4) : try input.u32be(entry.body + 4)
                let at = entry.body + (version == 2 ? 8 : 10)
                let type = try input.tag(at)
                var content = ""
                if type == "mime" {
                    let rest = try input.bytes(at: at + 4, count: min(entry.end - at - 4, 256))
                    // The item's name, then its content type, each ended by NUL.
                    if let end = rest.firstIndex(of: 0) { content = EvidenceText.clean(rest[(end + 1)...]) ?? "" }
                }
                types[identifier] = (type, content)
            }
        }
        guard let box = boxes.first(where: { $0.type == "iloc" }) else { return [] }
        var items = try locations(input, box)
        for index in items.indices {
            if let (type, content) = types[items[index].identifier] {
                items[index].type = type
                items[index].contentType = content
            }
        }
        return items
    }

    private static func locations(_ input: WalkInput, _ box: ISOBox) throws(WalkStop) -> [ISOItem] {
        guard box.end - box.body >= 8 else { throw .broken("the item locations are cut") }
        let version = try input.u8(box.body)
        let widths = try input.u16be(box.body + 4)
        let (offsetSize, lengthSize) = (widths >> 12, widths >> 8 & 15)
        let (baseSize, indexSize) = (widths >> 4 & 15, version == 0 ? 0 : widths & 15)
        guard version <= 2, [offsetSize, lengthSize, baseSize, indexSize].allSatisfy({ [0, 4, 8].contains($0) }) else {
            throw .broken("impossible item locations")
        }
        var at = box.body + 6
        func number(_ size: Int) throws(WalkStop) -> Int {
            guard box.end - at >= size else { throw .broken("the item locations are cut") }
            defer { at += size }
            switch size {
            case 0: return 0
            case 2: return try input.u16be(at)
            case 4: return try input.u32be(at)
            default: return min(try input.length64be(at), 1 << 60)
            }
        }
        let count = try number(version == 2 ? 4 : 2)
        guard count <= mostItems else { throw .broken("more items than any real file has") }
        var items: [ISOItem] = []
        var total = 0
        for _ in 0..<count {
            var item = ISOItem(identifier: try number(version == 2 ? 4 : 2))
            if version > 0 { item.construction = try number(2) & 15 }
            let isElsewhere = try number(2) != 0
            let base = try number(baseSize)
            let extents = try number(2)
            total += extents
            guard total <= mostItems else { throw .broken("more extents than any real file has") }
            for _ in 0..<extents {
                _ = try number(indexSize)
                let offset = try number(offsetSize)
                let length = try number(lengthSize)
                item.extents.append((base + offset, length))
            }
            if isElsewhere { item.extents = [] }
            items.append(item)
        }
        return items
    }

    /// How the item's data are framed; nil where that cannot be told.
    var framing: ISOFraming? {
        guard construction == 0, extents.count == 1 else { return nil }
        return switch type {
        case "hvc1": .units(lengthSize: 4, isHEVC: true)
        case "avc1": .units(lengthSize: 4, isHEVC: false)
        case "av01": .av1
        case "jpeg": .jpeg
        case "Exif": .exif
        case "mime" where contentType == "application/rdf+xml": .markup
        default: nil
        }
    }

    /// Looks whether a picture's data are framed as its codec frames them.
    /// Answers where it begins, 0 where that cannot be told.
    func check(_ input: WalkInput, prefix: inout Int) throws(WalkStop) -> Int {
        guard extents.count == 1 else { return 0 }
        let (offset, length) = extents[0]
        guard let framing, length >= Self.smallestPicture else { return 0 }
        if framing == .exif || framing == .markup {
            if try framing.holds(input, at: offset, length: length) { return offset }
            prefix = min(prefix, offset)
            throw .broken("an item is not what the index says")
        }
        // HEVC encoders write their settings as text.
        if type != "jpeg",
            let foreign = try ForeignBlocks.first(input, in: offset..<offset + length, mayHoldText: type != "av01")
        {
            prefix = min(prefix, foreign)
            throw .broken("a block inside a picture is not compressed data")
        }
        if try framing.holds(input, at: offset, length: length) { return offset }
        prefix = min(prefix, offset)
        throw .broken("a picture's data are not those of its codec")
    }
}
