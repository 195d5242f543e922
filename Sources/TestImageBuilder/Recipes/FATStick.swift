internal import Digesting
internal import EvidenceModel

extension Recipe {
    /// A USB stick with deleted files: the image of the demo.
    static let fatStick = Recipe(
        name: "fat-stick", seed: "fat-stick/1",
        page: """
            A FAT16 volume of 4 MiB, without a partition table, as on a small stick: one sector a cluster, long file names,
            two folders. `truth.json` gives each file's path and whether it is present or deleted.

            - Present: documents, pictures, a film, one file in two pieces (`Work/old inventory.tif`).
            - Deleted, data untouched: entries marked 0xE5, chains freed. `Pictures/beach at night.jpg` was in two pieces when
              it was deleted, with a present file between them.
            - Deleted, then partly overwritten by a later file: `Work/plan.pdf` lost its head; of `Pictures/panorama.png` the
              first part is left. Neither is complete.
            - Deleted and wholly overwritten: `Work/draft.txt`, of which only the directory entry is left.

            Free clusters that were never used are zero. All times are 9 March 2024, 10:30. The image of `make demo`.
            """
    ) { library, seed in
        var stick = Stick(
            volume: try FATVolume(sectorCount: 8192, label: "HOLIDAY", serial: 0x2024_0309), library: library)
        try stick.fill()
        let image = stick.volume.image
        let files = stick.files.sorted {
            ($0.extents.first?.offset ?? 0, $0.path ?? "") < ($1.extents.first?.offset ?? 0, $1.path ?? "")
        }
        let truth = Truth(
            image: "fat-stick", seed: seed, block: FATVolume.clusterSize, size: image.count,
            sha256: try digest(.sha256, of: image), files: files)
        return BuiltImage(content: .image(image), truth: truth)
    }
}

/// The history of the stick: what was copied to it and deleted, in order.
private struct Stick {
    var volume: FATVolume
    let library: SampleLibrary
    var files: [PlantedFile] = []

    private mutating func note(
        _ path: String, _ sample: Sample, _ extents: [Extent], deleted: Bool = false, complete: Bool = true,
        because note: String? = nil
    ) throws {
        var file = try PlantedFile(type: sample.type, name: sample.name, bytes: sample.bytes, extents: extents)
        file.path = path
        file.state = deleted ? "deleted" : "present"
        file.isComplete = complete
        file.note = note
        files.append(file)
    }

    private mutating func copy(_ path: String, _ sample: String) throws {
        let sample = try library.sample(sample)
        try note(path, sample, try volume.add(path, sample.bytes))
    }

    /// Copies a file that is deleted at once; what comes later lands behind it.
    private mutating func copyAndDelete(_ path: String, _ sample: String) throws {
        let sample = try library.sample(sample)
        let extents = try volume.add(path, sample.bytes)
        try volume.delete(path)
        try note(path, sample, extents, deleted: true)
    }

    /// Lays a file down in two pieces with another between them.
    private mutating func copyAround(
        _ path: String, _ sample: String, firstClusters: Int, inner innerPath: String, _ inner: String, thenDelete: Bool
    ) throws {
        let outer = try library.sample(sample)
        let between = try library.sample(inner)
        let head = try volume.take(firstClusters)
        try note(innerPath, between, try volume.add(innerPath, between.bytes))
        let tail = try volume.take(FATVolume.clusters(for: outer.bytes.count) - firstClusters)
        let extents = try volume.add(path, outer.bytes, clusters: head + tail)
        if thenDelete { try volume.delete(path) }
        try note(path, outer, extents, deleted: thenDelete, because: "in two pieces")
    }

    mutating func fill() throws {
        try volume.makeFolder("Pictures", entries: 96)
        try volume.makeFolder("Work", entries: 128)
        try copy("README.TXT", "html/old-page.html")
        try copy("Pictures/hills.jpg", "jpg/hills-exif-thumbnail.jpg")
        try copyAndDelete("Pictures/hills (second try).jpg", "jpg/hills-progressive.jpg")
        try copy("Pictures/Été à la montagne.png", "png/hills-palette.png")
        try copyAround(
            "Pictures/beach at night.jpg", "jpg/hills-imagemagick.jpg", firstClusters: 7, inner: "Pictures/icon.gif",
            "gif/hills.gif", thenDelete: true)
        try copy("Pictures/turning.gif", "gif/turning.gif")
        try copyAndDelete("Pictures/phone 0001.heic", "heic/hills.heic")
        try copy("Pictures/phone 0002.heic", "heic/hills-thumbnail.heic")
        try copyAndDelete("Pictures/page.webp", "webp/hills-lossy.webp")
        try copy("Pictures/chart.bmp", "bmp/hills-24-bit.bmp")
        try copy("Pictures/clip.mp4", "mp4/pattern-h264-aac.mp4")
        try copyAndDelete("Pictures/clip, unsorted.mov", "mov/pattern-mjpeg.mov")
        try copyAround(
            "Work/old inventory.tif", "tiff/hills-tiles-deflate.tif", firstClusters: 20,
            inner: "Work/Letter to the office.docx",
            "docx/letter.docx", thenDelete: false)
        try copy("Work/accounts.xlsx", "xlsx/count.xlsx")
        try copyAndDelete("Work/accounts (true).xls", "xls/count.xls")
        try copyAndDelete("Work/letter.doc", "doc/letter.doc")
        try copy("Work/talk.pptx", "pptx/talk.pptx")
        try copyAndDelete("Work/notes.odt", "odt/table.odt")
        try copyAndDelete("Work/inventory.pdf", "pdf/inventory-object-streams.pdf")
        try copy("Work/picture.pdf", "pdf/picture-pillow.pdf")
        try copyAndDelete("Work/messages.sqlite", "sqlite/chat.sqlite")
        try copyAndDelete("Work/sealed.zip", "zip/notes.zip")
        try copy("Work/backup.tar.gz", "gz/notes.tar.gz")
        try copyAndDelete("Work/a note kept apart.msg", "msg/note.msg")
        try copy("TOOL.EXE", "pe/seal.exe")
        try copyAndDelete("system log.evtx", "evtx/one-chunk.evtx")
        try copyAndDelete("settings.hive", "hive/settings.hive")
        try copy("一覧.xml", "xml/inventory.xml")
        try overwrite()
        try copy("Work/tone.wav", "wav/tone-16-bit.wav")
        try copyAndDelete("Work/book.epub", "epub/long-book.epub")
    }

    /// Files that lost some or all of their data to later ones.
    private mutating func overwrite() throws {
        let plan = try library.sample("pdf/inventory-linearized.pdf")
        let panorama = try library.sample("png/hills.png")
        let draft = try library.sample("html/page.html")
        let small = try library.sample("jar/seal.jar")
        let pattern = try library.sample("avi/pattern-mpeg4.avi")
        let planClusters = try volume.take(FATVolume.clusters(for: plan.bytes.count))
        let panoramaClusters = try volume.take(FATVolume.clusters(for: panorama.bytes.count))
        let planExtents = try volume.add("Work/plan.pdf", plan.bytes, clusters: planClusters)
        let panoramaExtents = try volume.add("Pictures/panorama.png", panorama.bytes, clusters: panoramaClusters)
        let draftClusters = try volume.take(FATVolume.clusters(for: draft.bytes.count))
        try volume.add("Work/draft.txt", draft.bytes, clusters: draftClusters)
        for path in ["Work/plan.pdf", "Pictures/panorama.png", "Work/draft.txt"] { try volume.delete(path) }

        // A small file over the plan's head; a film over the rest of the panorama and over all of the draft.
        let smallClusters = FATVolume.clusters(for: small.bytes.count)
        try note(
            "Work/seal.jar", small,
            try volume.add("Work/seal.jar", small.bytes, clusters: Array(planClusters.prefix(smallClusters))))
        let cut = smallClusters * FATVolume.clusterSize
        try note(
            "Work/plan.pdf", plan, planExtents.map { Extent(offset: $0.offset + cut, length: $0.length - cut) },
            deleted: true,
            complete: false, because: "its first \(cut) bytes are overwritten")

        let filmClusters = FATVolume.clusters(for: pattern.bytes.count)
        let kept = panoramaClusters.count - (filmClusters - draftClusters.count)
        guard 0 < kept, kept < panoramaClusters.count else {
            throw BuilderError("the film does not fit over the panorama")
        }
        let room = Array(panoramaClusters[kept...]) + draftClusters
        try note("Pictures/film.avi", pattern, try volume.add("Pictures/film.avi", pattern.bytes, clusters: room))
        let left = kept * FATVolume.clusterSize
        try note(
            "Pictures/panorama.png", panorama, panoramaExtents.map { Extent(offset: $0.offset, length: left) },
            deleted: true,
            complete: false, because: "only its first \(left) bytes are left")
        try note("Work/draft.txt", draft, [], deleted: true, complete: false, because: "overwritten whole")
    }
}
