/// A sample in which one or a few fields say what is not so.
struct Lie: Sendable {
    let type: String
    let name: String
    /// The sample it starts from; nil when it is made from nothing.
    let path: String?
    let note: String
    let tell: @Sendable (inout [UInt8]) throws -> Void

    init(_ path: String, _ name: String, _ note: String, _ tell: @escaping @Sendable (inout [UInt8]) throws -> Void) {
        type = path.split(separator: "/").first.map(String.init) ?? path
        self.path = path.contains("/") ? path : nil
        self.name = name
        self.note = note
        self.tell = tell
    }

    static let all: [Lie] = pictures + films + documents + archives + programs

    private static let pictures = [
        Lie("png/hills.png", "length-2-31.png", "the first IDAT chunk claims 2^31 bytes") {
            try $0.put([0x80, 0, 0, 0], before: "IDAT", by: 4)
        },
        Lie("png/hills-palette.png", "length-2-31-less-one.png", "the first IDAT chunk claims 2^31 - 1 bytes") {
            try $0.put([0x7F, 0xFF, 0xFF, 0xFF], before: "IDAT", by: 4)
        },
        Lie("png/hills-interlaced.png", "huge-picture.png", "IHDR claims 2^31 - 1 by 2^31 - 1 pixels; its CRC is wrong")
        {
            $0.put([0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF], at: 16)
        },
        Lie("jpg/hills-grey.jpg", "segment-length-0.jpg", "the first segment has length 0") { $0.put([0, 0], at: 4) },
        Lie("jpg/comment.jpg", "segment-length-65535.jpg", "the first segment claims 65535 bytes") {
            $0.put([0xFF, 0xFF], at: 4)
        },
        Lie("gif/hills.gif", "no-end.gif", "sub-blocks of 255 bytes without an end") { bytes in
            bytes = Array(bytes.prefix(bytes.count / 2))
            bytes += (0..<60).flatMap { _ in [255] + [UInt8](repeating: 255, count: 255) }
        },
        Lie("tiff/hills-uncompressed.tif", "ifd-circle.tif", "the next directory is the same directory") { bytes in
            let directory = Int(bytes.littleEndian(at: 4, 4))
            let count = Int(bytes.littleEndian(at: directory, 2))
            bytes.put(bytes[4..<8], at: directory + 2 + count * 12)
        },
        Lie("tiff/hills-tiles-deflate.tif", "counts-2-32.tif", "every field claims 2^32 - 1 values") { bytes in
            let directory = Int(bytes.littleEndian(at: 4, 4))
            let count = Int(bytes.littleEndian(at: directory, 2))
            for entry in 0..<count { bytes.put([0xFF, 0xFF, 0xFF, 0xFF], at: directory + 2 + entry * 12 + 4) }
        },
        Lie("bmp/hills-24-bit.bmp", "size-2-32.bmp", "the header claims 2^32 - 1 bytes and 2^31 - 1 rows") {
            $0.put([0xFF, 0xFF, 0xFF, 0xFF], at: 2)
            $0.put([0xFF, 0xFF, 0xFF, 0x7F], at: 22)
        },
        Lie("bmp/hills-alpha.bmp", "lowest-height.bmp", "the height is -2^31") { $0.put([0, 0, 0, 0x80], at: 22) },
        Lie("webp/hills-lossless.webp", "size-0.webp", "RIFF claims no bytes") { $0.put([0, 0, 0, 0], at: 4) },
        Lie("webp/hills-lossy.webp", "chunk-2-32.webp", "RIFF and its chunk claim 2^32 - 1 bytes") {
            $0.put([0xFF, 0xFF, 0xFF, 0xFF], at: 4)
            $0.put([0xFF, 0xFF, 0xFF, 0xFF], at: 16)
        },
    ]

    private static let films = [
        Lie("mp4/pattern-index-first.mp4", "box-size-0.mp4", "moov has size 0: it reaches to the end of the medium") {
            try $0.put([0, 0, 0, 0], before: "moov", by: 4)
        },
        Lie("mp4/pattern-h264-aac.mp4", "box-size-1.mp4", "mdat has a 64-bit size of 2^63 - 1") { bytes in
            try bytes.put([0, 0, 0, 1], before: "mdat", by: 4)
            let at = try bytes.position(of: "mdat")
            bytes.put([0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], at: at + 4)
        },
        Lie("mp4/bars-fragmented.mp4", "box-size-7.mp4", "moof has size 7, less than its own header") {
            try $0.put([0, 0, 0, 7], before: "moof", by: 4)
        },
        Lie("heic/hills-thumbnail.heic", "nested-sizes.heic", "iinf claims more than the box around it") {
            try $0.put([0x7F, 0xFF, 0xFF, 0xFF], before: "iinf", by: 4)
        },
        Lie("avi/pattern-mpeg4.avi", "size-2-32.avi", "RIFF claims 2^32 - 1 bytes") {
            $0.put([0xFF, 0xFF, 0xFF, 0xFF], at: 4)
        },
        Lie("wav/tone-16-bit.wav", "data-2-32.wav", "RIFF and its data claim 2^32 - 1 bytes") {
            $0.put([0xFF, 0xFF, 0xFF, 0xFF], at: 4)
            try $0.put([0xFF, 0xFF, 0xFF, 0xFF], before: "data", by: -4)
        },
    ]

    private static let documents = [
        Lie("pdf/inventory-updated.pdf", "prev-circle.pdf", "the last cross-reference section is its own predecessor") {
            bytes in
            let prev = try bytes.position(of: "/Prev ")
            let start = try bytes.lastPosition(of: "startxref\n") + 10
            let digits = bytes[start...].prefix { (0x30...0x39).contains($0) }
            bytes.put(digits, at: prev + 6)
        },
        Lie("pdf/inventory-plain.pdf", "startxref-far.pdf", "startxref points 10^9 bytes on") { bytes in
            let start = try bytes.lastPosition(of: "startxref\n") + 10
            bytes = Array(bytes[..<start]) + Array("1000000000\n%%EOF\n".utf8)
        },
        Lie("doc/letter.doc", "fat-circle.doc", "each sector's successor is sector 0") { bytes in
            let fat = (Int(bytes.littleEndian(at: 76, 4)) + 1) * 512
            for entry in stride(from: fat, to: min(fat + 512, bytes.count - 3), by: 4) {
                bytes.put([0, 0, 0, 0], at: entry)
            }
        },
        Lie("xls/list.xls", "difat-circle.xls", "the DIFAT chain leads to itself and claims 2^31 sectors") {
            $0.put([0, 0, 0, 0], at: 68)
            $0.put([0, 0, 0, 0x80], at: 72)
        },
        Lie("sqlite/chat.sqlite", "page-size-0.sqlite", "the page size is 0") { $0.put([0, 0], at: 16) },
        Lie("sqlite/utf-16-wal-mode.sqlite", "pages-2-32.sqlite", "the header claims 2^32 - 1 pages") {
            $0.put([0xFF, 0xFF, 0xFF, 0xFF], at: 28)
        },
        Lie("xml", "deep.xml", "20,000 elements are opened and none is closed") {
            $0 = Array(("<?xml version=\"1.0\"?>\n" + String(repeating: "<a>", count: 20_000)).utf8)
        },
    ]

    private static let archives = [
        Lie("zip/notes.zip", "member-2-32.zip", "the first member claims 2^32 - 2 bytes, inflated and not") {
            $0.put([0xFE, 0xFF, 0xFF, 0xFF, 0xFE, 0xFF, 0xFF, 0xFF], at: 18)
        },
        Lie("zip/notes-stored.zip", "directory-far.zip", "the central directory is said to start beyond the end") {
            bytes in
            bytes.put([0xF0, 0xFF, 0xFF, 0x7F], at: bytes.count - 6)
        },
        Lie("zip/notes-data-descriptors.zip", "entries-65534.zip", "the end record claims 65,534 members") { bytes in
            let end = try bytes.lastPosition(of: "PK\u{5}\u{6}")
            bytes.put([0xFE, 0xFF, 0xFE, 0xFF], at: end + 8)
        },
        Lie("docx/letter.docx", "extra-65535.docx", "the first member's extra field claims 65,535 bytes") {
            $0.put([0xFF, 0xFF], at: 28)
        },
        Lie("zip", "overlapping.zip", "500 directory entries name the same member") {
            var one = StoredZip()
            one.add("a", [UInt8](repeating: 0x61, count: 4000))
            let bytes = one.bytes
            let directory = try bytes.lastPosition(of: "PK\u{1}\u{2}")
            let entry = bytes[directory..<bytes.count - 22]
            var end: [UInt8] = [0x50, 0x4B, 5, 6, 0, 0, 0, 0]
            end.appendLittleEndian([500, 500])
            end.appendLittleEndian(UInt32(entry.count * 500))
            end.appendLittleEndian(UInt32(directory))
            $0 = Array(bytes[..<directory]) + (0..<500).flatMap { _ in entry } + end + [0, 0]
        },
        Lie(
            "gz/two-members.gz", "flags-all.gz",
            "every flag is set: extra, name, comment and header CRC that are not there"
        ) {
            $0.put([0xFF], at: 3)
        },
    ]

    private static let programs = [
        Lie("elf/libseal.so", "sections-far.elf", "the section table is said to start at 2^64 - 64") {
            $0.put([0xC0] + [UInt8](repeating: 0xFF, count: 7), at: 40)
        },
        Lie("elf/seal.o", "sections-65535.elf", "the header claims 65,535 sections of 65,535 bytes") {
            $0.put([0xFF, 0xFF, 0xFF, 0xFF], at: 58)
        },
        Lie("pe/seal.exe", "header-far.exe", "the PE header is said to start at 2^31 - 16") {
            $0.put([0xF0, 0xFF, 0xFF, 0x7F], at: 60)
        },
        Lie("pe/seal.dll", "sections-65535.dll", "the header claims 65,535 sections") { bytes in
            let header = Int(bytes.littleEndian(at: 60, 4))
            bytes.put([0xFF, 0xFF], at: header + 6)
        },
        Lie("evtx/one-chunk.evtx", "chunks-65535.evtx", "the header claims 65,535 chunks; its checksum is wrong") {
            $0.put([0xFF, 0xFF], at: 42)
        },
        Lie("hive/settings.hive", "bin-size-0.hive", "the first bin has size 0") {
            $0.put([0, 0, 0, 0], at: 4096 + 8)
        },
        Lie("hive/devices.hive", "root-far.hive", "the root key is said to lie at 2^31 - 16; the checksum is wrong") {
            $0.put([0xF0, 0xFF, 0xFF, 0x7F], at: 36)
        },
    ]
}

extension [UInt8] {
    mutating func put(_ new: some Collection<UInt8>, at offset: Int) {
        replaceSubrange(offset..<offset + new.count, with: new)
    }

    /// Overwrites the bytes that lie `distance` bytes before the first occurrence of `mark`.
    fileprivate mutating func put(_ new: [UInt8], before mark: String, by distance: Int) throws {
        put(new, at: try position(of: mark) - distance)
    }

    fileprivate func position(of mark: String) throws -> Int {
        let mark = Array(mark.utf8)
        guard let at = indices.first(where: { self[$0...].starts(with: mark) }) else {
            throw BuilderError("no \(String(decoding: mark, as: UTF8.self)) in the sample")
        }
        return at
    }

    fileprivate func lastPosition(of mark: String) throws -> Int {
        let mark = Array(mark.utf8)
        guard let at = indices.last(where: { self[$0...].starts(with: mark) }) else {
            throw BuilderError("no \(String(decoding: mark, as: UTF8.self)) in the sample")
        }
        return at
    }

    fileprivate func littleEndian(at offset: Int, _ count: Int) -> UInt64 {
        self[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
