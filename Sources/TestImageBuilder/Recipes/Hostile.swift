internal import EvidenceModel

extension Recipe {
    /// What a suspect, or a broken disk, puts in a carver's way.
    static let hostile = Recipe(
        name: "hostile", seed: "hostile/1",
        page: """
            A raw stretch of a medium without a file system, at 512-byte blocks, made to mislead:

            - **cut**: samples whose head, middle or tail is missing (`complete: false`; the extents say what is left);
            - **lies**: samples with lengths, offsets or counts that point outside, overlap, run in a circle or have no end
              (`complete: false`; the note says where);
            - **decoys**: the first bytes of each format and then random bytes (`decoy: true`);
            - **nested**: archives in archives; the outer one is whole, what is in it is not listed;
            - **bombs**: gzip files that inflate to 8 MiB, one whole, one with a wrong CRC; an XML file of entities that double
              (it is well-formed as a file, so it counts as whole);
            - **slack**: JPEG files in the slack of 4096-byte clusters, one at a sector, one at no boundary at all;
            - **names**: an archive whose member names climb folders and hold markup, control characters and text that runs
              backwards.

            Only what `truth.json` calls complete may come out with confidence proven or structural.
            """
    ) { library, seed in
        var builder = HostileMedium(
            library: library, medium: RawMedium(block: 512, generator: SeededGenerator(seed: seed)))
        try builder.fill()
        let (bytes, truth) = try builder.medium.finished(image: "hostile", seed: seed)
        return BuiltImage(content: .image(bytes), truth: truth)
    }
}

private struct HostileMedium {
    let library: SampleLibrary
    var medium: RawMedium

    mutating func fill() throws {
        medium.gap(blocks: 8, .random)
        try cutHeads()
        try cutMiddles()
        try cutTails()
        for lie in Lie.all { try plant(lie) }
        try decoys()
        try nested()
        try bombs()
        try slack()
        try names()
    }

    /// Lays down what is left of a file; random bytes follow, so that nothing completes it by chance.
    private mutating func plant(
        _ type: String, _ name: String, _ whole: [UInt8], parts: [ArraySlice<UInt8>], complete: Bool = false,
        decoy: Bool = false, note: String
    ) throws {
        var file = try PlantedFile(type: type, name: name, bytes: whole, extents: parts.map { medium.piece($0) })
        file.isComplete = complete
        file.isDecoy = decoy
        file.note = note
        medium.record(file)
        medium.gap(blocks: medium.number(in: 2...12), .random)
    }

    private mutating func cutHeads() throws {
        for path in [
            "jpg/hills-progressive.jpg", "png/hills.png", "zip/notes-stored.zip", "pdf/inventory-plain.pdf",
            "evtx/one-chunk.evtx",
        ] {
            let sample = try library.sample(path)
            try plant(
                sample.type, sample.name, sample.bytes, parts: [sample.bytes[1024...]], note: "head missing: 1024 bytes"
            )
        }
    }

    private mutating func cutMiddles() throws {
        // Formats whose own checks show the loss: checksums, restart markers, offsets, page and bin boundaries.
        let paths = [
            "jpg/hills-imagemagick.jpg", "png/hills-palette.png", "zip/notes-stored.zip", "docx/letter.docx",
            "gz/prose.gz",
            "pdf/inventory-plain.pdf", "mp4/pattern-h264-aac.mp4", "evtx/one-chunk.evtx", "hive/devices.hive",
            "sqlite/chat.sqlite", "doc/letter.doc",
        ]
        for path in paths {
            let sample = try library.sample(path)
            let blocks = sample.bytes.count / 512
            let from = max(1, blocks / 3) * 512
            let to = max(from + 512, blocks / 2 * 512)
            try plant(
                sample.type, sample.name, sample.bytes, parts: [sample.bytes[..<from], sample.bytes[to...]],
                note: "middle missing: bytes \(from) to \(to - 1)")
        }
    }

    private mutating func cutTails() throws {
        let paths = [
            "jpg/hills-grey.jpg", "png/hills-interlaced.png", "gif/hills.gif", "zip/notes.zip", "docx/table.docx",
            "xlsx/list.xlsx", "odt/table.odt", "epub/short-book.epub", "jar/many.jar", "gz/notes.tar.gz",
            "pdf/inventory-linearized.pdf", "mp4/pattern-h264-aac.mp4", "mov/pattern-mjpeg.mov",
            "avi/pattern-mpeg4.avi",
            "evtx/two-chunks.evtx", "hive/devices.hive", "sqlite/deleted-rows-small-pages.sqlite", "xls/list.xls",
            "html/page.html", "xml/inventory.xml",
        ]
        for path in paths {
            let sample = try library.sample(path)
            let kept = max(512, sample.bytes.count * 6 / 10 / 512 * 512)
            try plant(
                sample.type, sample.name, sample.bytes, parts: [sample.bytes[..<kept]],
                note: "tail missing: from byte \(kept)")
        }
    }

    private mutating func plant(_ lie: Lie) throws {
        var bytes = try lie.path.map { try library.sample($0).bytes } ?? []
        try lie.tell(&bytes)
        try plant(lie.type, lie.name, bytes, parts: [bytes[...]], note: lie.note)
    }

    private mutating func decoys() throws {
        /// How many bytes of a sample a decoy keeps: the signature, and nothing that could make a small valid file.
        let lengths: KeyValuePairs = [
            "jpg/hills-grey.jpg": 4, "png/hills.png": 8, "gif/hills.gif": 6, "bmp/hills-24-bit.bmp": 14,
            "webp/hills-lossy.webp": 12, "tiff/hills-uncompressed.tif": 8, "pdf/inventory-plain.pdf": 9,
            "zip/notes.zip": 4,
            "gz/prose.gz": 10, "sqlite/chat.sqlite": 16, "mp4/pattern-h264-aac.mp4": 32, "heic/hills.heic": 24,
            "mov/bars-animation.mov": 20, "avi/pattern-mjpeg.avi": 16, "wav/tone-16-bit.wav": 16, "elf/seal": 16,
            "pe/seal.exe": 58, "evtx/one-chunk.evtx": 8, "hive/settings.hive": 4, "doc/letter.doc": 8,
            "docx/letter.docx": 30, "odt/table.odt": 38, "xml/inventory.xml": 38, "html/page.html": 15,
        ]
        for (path, length) in lengths {
            let sample = try library.sample(path)
            let bytes = Array(sample.bytes.prefix(length)) + medium.random(512 * medium.number(in: 2...8) - length)
            try plant(
                sample.type, "decoy.\(sample.type)", bytes, parts: [bytes[...]], decoy: true,
                note: "the first \(length) bytes of the format, then random bytes")
        }
    }

    private mutating func nested() throws {
        var inner = StoredZip()
        inner.add("hills.jpg", try library.sample("jpg/hills-grey.jpg").bytes)
        var middle = StoredZip()
        middle.add("inner.zip", inner.bytes)
        middle.add("notes.tar.gz", try library.sample("gz/notes.tar.gz").bytes)
        var outer = StoredZip()
        outer.add("padding.bin", medium.random(512 - 30 - 11 - 30 - 10))  // middle.zip starts at a block of its own
        outer.add("middle.zip", middle.bytes)
        try plant(
            "zip", "outer.zip", outer.bytes, parts: [outer.bytes[...]], complete: true, note: "three archives deep")
        var deep = inner
        for level in 1...40 {
            var next = StoredZip()
            next.add("level-\(level).zip", deep.bytes)
            deep = next
        }
        try plant("zip", "deep.zip", deep.bytes, parts: [deep.bytes[...]], complete: true, note: "forty archives deep")
    }

    private mutating func bombs() throws {
        let size = 8 << 20
        let whole = gzipOfZeros(size)
        try plant("gz", "zeros.gz", whole, parts: [whole[...]], complete: true, note: "inflates to \(size) bytes")
        let wrong = gzipOfZeros(size, claimsWrongCRC: true)
        try plant(
            "gz", "zeros-wrong-crc.gz", wrong, parts: [wrong[...]],
            note: "inflates to \(size) bytes, and its CRC is wrong")
        var entities = "<?xml version=\"1.0\"?>\n<!DOCTYPE list [\n<!ENTITY a0 \"seal\">\n"
        for level in 1...30 { entities += "<!ENTITY a\(level) \"&a\(level - 1);&a\(level - 1);\">\n" }
        let xml = Array((entities + "]>\n<list>&a30;</list>\n").utf8)
        try plant(
            "xml", "doubling-entities.xml", xml, parts: [xml[...]], complete: true,
            note: "would expand to 4 GiB if its entities were expanded")
    }

    private mutating func slack() throws {
        for (path, isAligned) in [("jpg/comment.jpg", true), ("jpg/hills-grey.jpg", false)] {
            while medium.bytes.count % 4096 != 0 { medium.gap(blocks: 1, .zeros) }
            let start = medium.bytes.count
            let host = try library.sample("html/old-page.html")
            var note = try PlantedFile(
                type: host.type, name: host.name, bytes: host.bytes, extents: [medium.unpadded(host.bytes)])
            note.note = "its 4096-byte cluster holds another file in its slack"
            medium.record(note)
            let fill = isAligned ? (512 - medium.bytes.count % 512) % 512 : 37
            _ = medium.unpadded([UInt8](repeating: 0, count: fill))
            let guest = try library.sample(path)
            // A cluster has room for this much of it.
            guard medium.bytes.count - start + guest.bytes.count <= 4096 else {
                throw BuilderError("\(path) is too large")
            }
            var file = try PlantedFile(
                type: guest.type, name: guest.name, bytes: guest.bytes, extents: [medium.unpadded(guest.bytes)])
            file.note = isAligned ? "in slack, at a sector" : "in slack, at no block boundary"
            medium.record(file)
            let rest = (512 - medium.bytes.count % 512) % 512
            _ = medium.unpadded([UInt8](repeating: 0, count: rest))
            medium.gap(blocks: 4, .random)
        }
    }

    private mutating func names() throws {
        var zip = StoredZip()
        let content = Array("sealed\n".utf8)
        let names = [
            "../../../etc/passwd", "/absolute", "C:\\Windows\\seal.txt", "<script>alert(1)</script>.html",
            "two\nlines\ttab",
            "\u{202E}gnp.exe", "quote\"'`$(id)", "-rf", "名前.txt", "\u{1F4BE}.bin", "=1+1.csv",
            String(repeating: "long", count: 200),
        ]
        for name in names { zip.add(name, content) }
        zip.add([0xFF, 0xFE, 0x80, 0x2E, 0x74, 0x78, 0x74], content)
        try plant(
            "zip", "names.zip", zip.bytes, parts: [zip.bytes[...]], complete: true, note: "member names that mislead")
    }
}
