internal import EvidenceModel

/// ISO base media: MP4, M4A, QuickTime, 3GP, HEIF, HEIC, AVIF, CR3 (ISO/IEC 14496-12, 14496-14, 23008-12;
/// Apple QuickTime File Format).
///
/// Top-level boxes are walked while they make sense; then every sample and every item must lie inside the file, and
/// where the codec frames its samples (H.264, HEVC, AV1, ProRes, JPEG) each sample must be one.
struct ISOMediaWalker: FormatWalker {
    let name = "iso-media"
    let signatures = [
        WalkerSignature("ftyp", at: 4), WalkerSignature("moov", at: 4), WalkerSignature("mdat", at: 4),
        WalkerSignature("wide", at: 4),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try ISOMediaWalk(WalkInput(reader)).verdict()
    }
}

/// One box: four characters, a length and a body (ISO/IEC 14496-12, 4.2).
struct ISOBox {
    let type: FourCC
    let start: Int
    let body: Int
    let end: Int

    /// The box at an offset; nil when none that ends at or before `limit` stands there.
    init?(_ input: WalkInput, at offset: Int, limit: Int) throws(WalkStop) {
        guard offset >= 0, limit - offset >= 8, input.fits(offset, 8) else { return nil }
        var size = try input.u32be(offset)
        var header = 8
        if size == 1 {
            guard limit - offset >= 16, input.fits(offset, 16) else { return nil }
            size = try input.length64be(offset + 8)
            header = 16
        } else if size == 0 {
            size = limit - offset
        }
        guard size >= header, size <= limit - offset else { return nil }
        type = try input.tag(offset + 4)
        start = offset
        body = offset + header
        end = offset + size
    }

    /// The boxes that fill a range; nil when they do not. A few zeros may be left over: QuickTime ends lists so.
    ///
    /// - Parameter numbered: true where the types are numbers and not characters.
    static func children(
        _ input: WalkInput, from start: Int, to end: Int, numbered: Bool = false
    ) throws(WalkStop) -> [ISOBox]? {
        var boxes: [ISOBox] = []
        var at = start
        while end - at >= 8 {
            guard let box = try ISOBox(input, at: at, limit: end), boxes.count < mostChildren else { return nil }
            guard numbered || box.type.isBoxType else { return nil }
            boxes.append(box)
            at = box.end
        }
        while at < end {
            guard try input.u8(at) == 0 else { return nil }
            at += 1
        }
        return boxes
    }

    /// Most boxes of one parent.
    static let mostChildren = 1 << 16
}

extension FourCC {
    /// Printable, but for the copyright sign that QuickTime's texts begin with.
    fileprivate var isBoxType: Bool {
        isPrintable || (value >> 24 == 0xA9 && FourCC(0x2000_0000 | value & 0xFF_FFFF).isPrintable)
    }
}

struct ISOMediaWalk: FileWalk {
    /// Most top-level boxes; a fragmented film has two for each fragment.
    static let mostBoxes = WalkLimit.isoMediaBoxes.value
    /// Largest ftyp box.
    static let largestFileType = 4096
    /// The boxes that stand at the top of a file.
    static let topLevel: Set<FourCC> = [
        "ftyp", "moov", "mdat", "free", "skip", "wide", "uuid", "meta", "moof", "mfra", "sidx", "ssix", "styp", "pdin",
        "prft", "emsg", "udta", "pnot", "PICT", "jumb", "idat", "mpvd", "sefd", "thmb", "bloc", "meco", "junk", "imda",
    ]

    let input: WalkInput
    var file = WalkedFile(
        length: 8, confidence: .structural, format: "mp4", fileExtension: "mp4", mime: "video/mp4")
    var isRecognised = false

    /// Furthest byte that a sample or an item needs.
    var neededEnd = 0
    var hasMovie = false
    var hasItems = false
    var hasData = false
    var fragments = 0
    var tracks: [ISOTrack] = []
    var items: [ISOItem] = []
    var hasVideo = false
    var hasAudio = false
    /// The furthest place where something stands that must stand there.
    var shown = 0

    init(_ input: WalkInput) { self.input = input }

    mutating func run() throws(WalkStop) {
        try fileType()
        var at = 0
        var boxes = 0
        while let box = try nextBox(at, isFirst: at == 0) {
            boxes += 1
            guard boxes <= Self.mostBoxes else {
                throw input.stop(at: .isoMediaBoxes, "more boxes than any real file has")
            }
            try visit(box)
            shown = max(shown, box.body, try lastBoxShown(in: box, depth: 0))
            at = box.end
            file.length = at
        }
        guard hasMovie || hasItems else {
            throw at == 0 ? .rejected("no box that begins a file") : .broken("the file ends before its index")
        }
        isRecognised = true
        if fragments > 0 { file.note("fragments", fragments) }
        for track in tracks { neededEnd = max(neededEnd, track.dataEnd) }
        for item in items { neededEnd = max(neededEnd, item.dataEnd) }
        guard neededEnd <= at else { throw .broken("content that the index points at is missing") }
        for track in tracks { shown = max(shown, try track.check(input, prefix: &file.length)) }
        for item in items { shown = max(shown, try item.check(input, prefix: &file.length)) }
        // A piece of another file pushes everything behind it back: boxes, samples and items that stand in their places
        // show that there is none before them.
        file.leaveUnchecked(min(shown, at)..<at)
        file.length = at
    }

    /// Where the last box inside of a box has its content: boxes that fill their parents stand in their places.
    private func lastBoxShown(in box: ISOBox, depth: Int) throws(WalkStop) -> Int {
        guard Self.parents.contains(box.type) else { return box.body }
        guard depth < Self.deepestBox else {
            input.reached(.isoMediaDepth)
            return box.body
        }
        let children =
            box.type == "meta" ? try metadataChildren(box) : try ISOBox.children(input, from: box.body, to: box.end)
        guard let last = children?.last else { return box.body }
        return try lastBoxShown(in: last, depth: depth + 1)
    }

    /// Boxes that hold boxes, and deepest nesting that is followed.
    static let parents: Set<FourCC> = [
        "moov", "trak", "mdia", "minf", "stbl", "dinf", "edts", "udta", "meta", "ilst", "iprp", "ipco", "mvex", "moof",
        "traf", "mfra", "gmhd", "tapt",
    ]
    static let deepestBox = WalkLimit.isoMediaDepth.value

    /// The next top-level box; nil where the file ends.
    private func nextBox(_ at: Int, isFirst: Bool) throws(WalkStop) -> ISOBox? {
        guard input.fits(at, 8) else { return nil }
        let type = try input.tag(at + 4)
        guard Self.topLevel.contains(type) else { return nil }
        if !isFirst, type == "ftyp" || (type == "moov" && hasMovie) { return nil }
        // A box that reaches to the end of the file, wherever that may be.
        if try input.u32be(at) == 0 {
            guard !hasMovie, !hasItems else { return nil }
            throw .broken("the data reach to an end that nothing states")
        }
        guard let box = try ISOBox(input, at: at, limit: input.count) else {
            // A box that may stand here announces more of this file, whatever it says of its size.
            let size = try input.u32be(at)
            throw .broken(
                (2..<8).contains(size)
                    ? "\(type.text) has an impossible size" : "the source ends inside \(type.text)")
        }
        return box
    }

    private mutating func visit(_ box: ISOBox) throws(WalkStop) {
        switch box.type {
        case "moov":
            try movie(box)
            hasMovie = true
            isRecognised = true
        case "meta":
            try metadata(box)
        case "mdat", "imda": hasData = true
        case "moof":
            guard let children = try ISOBox.children(input, from: box.body, to: box.end),
                children.first?.type == "mfhd"
            else { throw .broken("a film fragment makes no sense") }
            fragments += 1
        case "uuid" where box.end - box.body >= 16:
            let c2pa: [UInt8] = [
                0xD8, 0xFE, 0xC3, 0xD6, 0x1B, 0x0E, 0x48, 0x3C, 0x92, 0x97, 0x58, 0x28, 0x87, 0x7E, 0xC4, 0x81,
            ]
            let xmp: [UInt8] = [
                0xBE, 0x7A, 0xCF, 0xCB, 0x97, 0xA9, 0x42, 0xE8, 0x9C, 0x71, 0x99, 0x94, 0x91, 0xE3, 0xAF, 0xAC,
            ]
            if try input.matches(c2pa, at: box.body) { file.note("c2pa") }
            if try input.matches(xmp, at: box.body) { file.note("xmp") }
        case "jumb": file.note("c2pa")
        default: break
        }
    }

    // MARK: Brands

    private mutating func fileType() throws(WalkStop) {
        guard try input.tag(4) == "ftyp" else {
            // QuickTime before 2003 has no file type box.
            become("mov", "mov", "video/quicktime")
            return
        }
        let size = try input.u32be(0)
        guard (16...Self.largestFileType).contains(size), size % 4 == 0, input.fits(0, size) else {
            throw .rejected("an impossible file type box")
        }
        let major = try input.tag(8)
        guard major.isPrintable else { throw .rejected("an impossible brand") }
        isRecognised = true
        var brands: Set<FourCC> = [major]
        for offset in stride(from: 16, to: size, by: 4) { brands.insert(try input.tag(offset)) }
        file.facts["brand"] = .string(major.text)
        switch major {
        case "avif", "avis": become("avif", "avif", "image/avif")
        case "heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs": become("heic", "heic", "image/heic")
        case "mif1", "msf1", "miaf", "mif2":
            if !brands.isDisjoint(with: ["avif", "avis"]) {
                become("avif", "avif", "image/avif")
            } else if !brands.isDisjoint(with: ["heic", "heix", "heim", "heis"]) {
                become("heic", "heic", "image/heic")
            } else {
                become("heif", "heif", "image/heif")
            }
        case "qt  ": become("mov", "mov", "video/quicktime")
        case "M4A ": become("m4a", "m4a", "audio/mp4")
        case "M4B ", "M4P ": become("m4a", major == "M4B " ? "m4b" : "m4p", "audio/mp4")
        case "M4V ", "M4VH", "M4VP": become("m4v", "m4v", "video/x-m4v")
        case "crx ": become("cr3", "cr3", "image/x-canon-cr3")
        case "f4v ": become("f4v", "f4v", "video/mp4")
        default:
            let letters = major.characters
            if letters.starts(with: Array("3gp".utf8)) || letters.starts(with: Array("3ge".utf8)) {
                become("3gp", "3gp", "video/3gpp")
            } else if letters.starts(with: Array("3g2".utf8)) {
                become("3g2", "3g2", "video/3gpp2")
            }
        }
    }

    private mutating func become(_ format: String, _ ending: String, _ mime: String) {
        file.format = format
        file.fileExtension = ending
        file.mime = mime
    }

    // MARK: Movie

    private mutating func movie(_ box: ISOBox) throws(WalkStop) {
        guard let children = try ISOBox.children(input, from: box.body, to: box.end) else {
            throw .broken("the movie box makes no sense")
        }
        guard children.contains(where: { $0.type == "mvhd" || $0.type == "cmov" || $0.type == "rmra" }) else {
            throw .broken("the movie box has no header")
        }
        for child in children {
            switch child.type {
            case "mvhd": try movieHeader(child)
            case "trak":
                let track = try ISOTrack(input, child)
                if let codec = track.codec { file.note(track.isAudio ? "audio_codec" : "codec", text: codec.utf8) }
                if track.isVideo, track.width > 0 {
                    file.note("width", track.width)
                    file.note("height", track.height)
                    file.note("frames", track.samples)
                }
                hasVideo = hasVideo || track.isVideo
                hasAudio = hasAudio || track.isAudio
                tracks.append(track)
            case "udta":
                for entry in try ISOBox.children(input, from: child.body, to: child.end) ?? [] {
                    if entry.type == "meta" { try noteTags(entry) } else { try noteUserData(entry) }
                }
            case "meta": try noteTags(child)
            case "uuid": try noteMovieUUID(child)
            default: break
            }
        }
        guard !tracks.isEmpty || children.contains(where: { $0.type != "mvhd" }) else {
            throw .broken("the movie has no tracks")
        }
        file.note("tracks", tracks.count)
    }

    private mutating func movieHeader(_ box: ISOBox) throws(WalkStop) {
        let isLong = try input.u8(box.body) == 1
        guard box.end - box.body >= (isLong ? 32 : 20) else { throw .broken("the movie header is cut") }
        let created = isLong ? try input.length64be(box.body + 4) : try input.u32be(box.body + 4)
        let scale = try input.u32be(box.body + (isLong ? 20 : 12))
        let duration = isLong ? try input.length64be(box.body + 24) : try input.u32be(box.body + 16)
        if duration != 0xFFFF_FFFF, duration < 1 << 50 { file.noteDuration(duration, perSecond: scale) }
        // Seconds since 1904-01-01, 66 years before 1970.
        if created > 2_082_844_800, created < 1 << 40, let time = EvidenceTime.posix(created - 2_082_844_800) {
            file.facts["created"] = time
        }
    }

    /// Canon's CR3 keeps its Exif directories in a uuid box of the movie.
    private mutating func noteMovieUUID(_ box: ISOBox) throws(WalkStop) {
        let canon: [UInt8] = [
            0x85, 0xC0, 0xB6, 0x87, 0x82, 0x0F, 0x11, 0xE0, 0x81, 0x11, 0xF4, 0xCE, 0x46, 0x2B, 0x6A, 0x48,
        ]
        guard try input.matches(canon, at: box.body) else { return }
        for child in try ISOBox.children(input, from: box.body + 16, to: box.end) ?? [] {
            guard ["CMT1", "CMT2"].contains(child.type) else { continue }
            try Exif.note(input, at: child.body, end: child.end, in: &file)
        }
    }

    // MARK: Tags

    /// Classic QuickTime texts: a 16-bit length and language before each.
    private mutating func noteUserData(_ box: ISOBox) throws(WalkStop) {
        let length = box.end - box.body
        guard box.type.value >> 24 == 0xA9, length > 4 else { return }
        let text = try input.bytes(at: box.body + 4, count: min(length - 4, 1024))
        note(box.type, text[...])
    }

    private mutating func noteTags(_ box: ISOBox) throws(WalkStop) {
        guard let children = try metadataChildren(box) else { return }
        var keys: [[UInt8]] = []
        for child in children where child.type == "keys" && child.end - child.body >= 8 {
            for key in try ISOBox.children(input, from: child.body + 8, to: child.end, numbered: true) ?? [] {
                keys.append(try input.bytes(at: key.body, count: min(key.end - key.body, 256)))
            }
        }
        for list in children where list.type == "ilst" {
            for tag in try ISOBox.children(input, from: list.body, to: list.end, numbered: true) ?? [] {
                for data in try ISOBox.children(input, from: tag.body, to: tag.end) ?? []
                where data.type == "data" && data.end - data.body > 8 {
                    guard try input.u32be(data.body) & 0xFF_FFFF == 1 else { continue }
                    let text = try input.bytes(at: data.body + 8, count: min(data.end - data.body - 8, 1024))
                    let index = Int(tag.type.value) - 1
                    if keys.indices.contains(index) {
                        note(key: String(decoding: keys[index], as: UTF8.self), text[...])
                    } else {
                        note(tag.type, text[...])
                    }
                }
            }
        }
    }

    private mutating func note(_ type: FourCC, _ text: ArraySlice<UInt8>) {
        let names: [[UInt8]: String] = [
            Array("nam".utf8): "title", Array("ART".utf8): "artist", Array("aut".utf8): "artist",
            Array("day".utf8): "taken", Array("too".utf8): "software", Array("swr".utf8): "software",
            Array("mak".utf8): "camera_make", Array("mod".utf8): "camera_model", Array("cmt".utf8): "comment",
            Array("alb".utf8): "album", Array("cpy".utf8): "copyright", Array("des".utf8): "description",
        ]
        guard type.value >> 24 == 0xA9 else { return }
        let name = Array(type.characters.dropFirst())
        if name == Array("xyz".utf8) {
            notePlace(text)
        } else if let key = names[name] {
            file.note(key, text: text)
        }
    }

    private mutating func note(key: String, _ text: ArraySlice<UInt8>) {
        let names = [
            "com.apple.quicktime.make": "camera_make", "com.apple.quicktime.model": "camera_model",
            "com.apple.quicktime.software": "software", "com.apple.quicktime.creationdate": "taken",
            "com.apple.quicktime.author": "artist", "com.apple.quicktime.title": "title",
            "com.android.version": "android_version", "com.android.manufacturer": "camera_make",
            "com.android.model": "camera_model",
        ]
        if key == "com.apple.quicktime.location.ISO6709" { return notePlace(text) }
        if let name = names[key] { file.note(name, text: text) }
    }

    /// Decimal degrees of ISO 6709: "+48.2082+016.3738/".
    private mutating func notePlace(_ text: ArraySlice<UInt8>) {
        var numbers: [String] = []
        for byte in text.prefix(64) {
            switch byte {
            case 0x2B, 0x2D: numbers.append(byte == 0x2D ? "-" : "")
            case 0x30...0x39, 0x2E:
                guard !numbers.isEmpty else { return }
                numbers[numbers.count - 1].unicodeScalars.append(Unicode.Scalar(byte))
            default:
                if numbers.count < 2 { return }
            }
        }
        guard numbers.count >= 2, let latitude = Double(numbers[0]), let longitude = Double(numbers[1]),
            abs(latitude) <= 90, abs(longitude) <= 180, file.facts["gps_latitude"] == nil
        else { return }
        file.facts["gps_latitude"] = .string(Exif.decimal(latitude, digits: 6))
        file.facts["gps_longitude"] = .string(Exif.decimal(longitude, digits: 6))
    }

    // MARK: Items

    /// The boxes of a meta box, which ISO makes a full box and QuickTime does not.
    private func metadataChildren(_ box: ISOBox) throws(WalkStop) -> [ISOBox]? {
        guard box.end - box.body >= 12 else { return nil }
        let isFull = try input.tag(box.body + 4) != "hdlr"
        return try ISOBox.children(input, from: box.body + (isFull ? 4 : 0), to: box.end)
    }

    private mutating func metadata(_ box: ISOBox) throws(WalkStop) {
        guard let children = try metadataChildren(box) else { throw .broken("the meta box makes no sense") }
        guard let handler = children.first(where: { $0.type == "hdlr" }), handler.end - handler.body >= 12 else {
            throw .broken("the meta box has no handler")
        }
        guard try input.tag(handler.body + 8) == "pict" else {
            try noteTags(box)
            return
        }
        hasItems = true
        isRecognised = true
        var data: ISOBox?
        for child in children {
            switch child.type {
            case "idat": data = child
            case "iprp":
                try noteProperties(child, of: children)
            default: break
            }
        }
        items = try ISOItem.list(input, children)
        for item in items {
            switch item.type {
            case "Exif" where item.extents.count == 1 && item.extents[0].length > 8:
                let at = item.place(data, 0)
                guard input.fits(at, item.extents[0].length) else { continue }
                let skip = try input.u32be(at)
                guard skip < item.extents[0].length - 8 else { continue }
                try Exif.note(input, at: at + 4 + skip, end: at + item.extents[0].length, in: &file)
            case "mime" where item.contentType == "application/rdf+xml": file.note("xmp")
            case "hvc1": file.note("codec", text: "HEVC".utf8)
            case "av01": file.note("codec", text: "AV1".utf8)
            case "jpeg": file.note("codec", text: "JPEG".utf8)
            default: break
            }
        }
        file.note("items", items.count)
    }

    /// The properties of the primary picture (ISO/IEC 23008-12, 9.3); of all pictures when none is primary.
    private mutating func noteProperties(_ box: ISOBox, of parents: [ISOBox]) throws(WalkStop) {
        let lists = try ISOBox.children(input, from: box.body, to: box.end) ?? []
        guard let list = lists.first(where: { $0.type == "ipco" }) else { return }
        let properties = try ISOBox.children(input, from: list.body, to: list.end) ?? []
        var chosen = Array(properties.indices)
        if let primary = parents.first(where: { $0.type == "pitm" }), primary.end - primary.body >= 6 {
            let isLong = try input.u8(primary.body) > 0
            let identifier = isLong ? try input.u32be(primary.body + 4) : try input.u16be(primary.body + 4)
            for associations in lists where associations.type == "ipma" {
                if let found = try associated(associations, with: identifier) { chosen = found }
            }
        }
        for index in chosen where properties.indices.contains(index) { try noteProperty(properties[index]) }
    }

    /// Indices of the properties that an ipma box associates with an item.
    private func associated(_ box: ISOBox, with identifier: Int) throws(WalkStop) -> [Int]? {
        guard box.end - box.body >= 8 else { return nil }
        let isLong = try input.u8(box.body) > 0
        let isWide = try input.u8(box.body + 3) & 1 == 1
        let count = try input.u32be(box.body + 4)
        var at = box.body + 8
        for _ in 0..<min(count, ISOItem.mostItems) {
            guard box.end - at >= (isLong ? 5 : 3) else { return nil }
            let item = isLong ? try input.u32be(at) : try input.u16be(at)
            let number = try input.u8(at + (isLong ? 4 : 2))
            at += isLong ? 5 : 3
            guard box.end - at >= number * (isWide ? 2 : 1) else { return nil }
            var indices: [Int] = []
            for step in 0..<number {
                let index = isWide ? try input.u16be(at + 2 * step) & 0x7FFF : try input.u8(at + step) & 0x7F
                indices.append(index - 1)
            }
            if item == identifier { return indices }
            at += number * (isWide ? 2 : 1)
        }
        return nil
    }

    private mutating func noteProperty(_ property: ISOBox) throws(WalkStop) {
        switch property.type {
        case "ispe" where property.end - property.body >= 12:
            file.note("width", try input.u32be(property.body + 4))
            file.note("height", try input.u32be(property.body + 8))
        case "pixi" where property.end - property.body >= 6: file.note("bit_depth", try input.u8(property.body + 5))
        case "colr" where property.end - property.body >= 4:
            if ["prof", "rICC"].contains(try input.tag(property.body)) { file.note("icc_profile") }
        default: break
        }
    }
}
