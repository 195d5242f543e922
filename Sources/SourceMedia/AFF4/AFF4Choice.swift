/// Which image of a volume is read: what it is, and which stream holds its bytes.
struct AFF4Choice {
    let volume: AFF4Volume
    /// Nil in a container that has a stream but no image.
    let image: String?
    let dataStream: String
    let sectorSize: Int
    /// Bytes that the image says it has.
    let size: Int?
    let warnings: [String]

    /// - Throws: ``SourceError``: `damaged`, `unsupported`.
    init(_ volume: AFF4Volume) throws(SourceError) {
        self.volume = volume
        let graph = volume.graph
        try Self.refuseOthers(volume)
        func subjects(_ type: String) -> [String] { graph.subjects(ofType: AFF4Lexicon.word(type)) }
        let stream = AFF4Lexicon.word("dataStream")
        let kinds = ["DiskImage", "VolumeImage", "MemoryImage", "ContiguousImage", "DiscontiguousImage", "Image"]
        var warnings: [String] = []
        var images: [String] = []
        for kind in kinds {
            images = subjects(kind).filter { graph.objects($0, stream).contains { $0.iri != nil } }
            if !images.isEmpty { break }
        }
        guard images.count <= 1 else {
            throw SourceError(
                .unsupported,
                "\(volume.path) holds \(images.count) images, and which of them is meant cannot be told: "
                    + images.prefix(5).map { AFF4Text.shown($0) }.joined(separator: ", ")
                    + ". Nothing was taken in. Export each of them with the program that made the container.")
        }
        if let image = images.first {
            let others = subjects("Image").filter { $0 != image && graph.text($0, stream) != nil }
            if !others.isEmpty {
                warnings.append("the container holds \(others.count) other images, which are not read")
            }
            let streams = graph.objects(image, stream).compactMap(\.iri)
            self.image = image
            dataStream =
                streams.first { graph.objects($0, AFF4Lexicon.word("stored")).contains(.iri(volume.urn)) } ?? streams[0]
            let blockSize = graph.number(image, AFF4Lexicon.word("blockSize")) ?? 512
            sectorSize = (1...1 << 16).contains(blockSize) ? blockSize : 512
            size = graph.number(image, AFF4Lexicon.word("size"))
        } else {
            let maps = subjects("Map")
            let streams = maps.isEmpty ? subjects("ImageStream") : maps
            guard streams.count == 1, let only = streams.first else { throw Self.noImage(volume) }
            warnings.append("the container describes no image; its only stream is read as the medium")
            image = nil
            dataStream = only
            sectorSize = 512
            size = nil
        }
        self.warnings = warnings
    }

    /// Containers of other kinds and versions.
    private static func refuseOthers(_ volume: AFF4Volume) throws(SourceError) {
        let graph = volume.graph
        func refuse(_ what: String, _ remedy: String) -> SourceError {
            SourceError(.unsupported, "\(volume.path) is \(what) and cannot be read. Nothing was taken in. \(remedy)")
        }
        if !graph.subjects(ofType: AFF4Lexicon.word("EncryptedStream")).isEmpty
            || graph.subjects.contains(where: { !graph.objects($0, AFF4Lexicon.word("keyBag")).isEmpty })
        {
            throw refuse("an encrypted AFF4 container", "Decrypt it with the program that made it.")
        }
        if let major = volume.version["major"], major != "1" {
            throw refuse(
                "an AFF4 container of version \(AFF4Text.shown(major))", "Convert it with the program that made it.")
        }
        let isLegacy = graph.subjects.contains { subject in
            graph.objects(subject, AFF4Lexicon.type).contains { $0.text.hasPrefix(AFF4Lexicon.legacyBase) }
        }
        if isLegacy {
            throw refuse(
                "an AFF4 container of the years before the standard", "Convert it with the program that made it.")
        }
    }

    private static func noImage(_ volume: AFF4Volume) -> SourceError {
        let graph = volume.graph
        let logical = ["FileImage", "Folder", "LogicalAcquisitionTask"]
        if logical.contains(where: { !graph.subjects(ofType: AFF4Lexicon.word($0)).isEmpty }) {
            return SourceError(
                .unsupported,
                "\(volume.path) is a logical AFF4 image (AFF4-L): it holds single files, not a medium, and cannot be read. "
                    + "Nothing was taken in. Export its files with the program that made it, and take in the folder.")
        }
        let reason = volume.damage.isEmpty ? "" : " (" + volume.damage.prefix(3).joined(separator: "; ") + ")"
        return SourceError(
            volume.damage.isEmpty ? .unsupported : .damaged,
            "\(volume.path) describes no image that can be read\(reason). Nothing was taken in. Copy it again from its source."
        )
    }
}
