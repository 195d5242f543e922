import EvidenceModel

/// Opens virtual disks, by their content.
enum VirtualDiskOpener {
    /// Most images that one may rest on, one on the other.
    static let longestChain = 16

    /// What a file that is read as raw bytes must be warned of; nil when it is nothing of this kind.
    enum Recognition {
        case disk(VirtualDiskFormat, fixedVHD: Bool)
        case raw(warnings: [String])
    }

    /// - Throws: ``SourceError``: `missing`, `unreadable`, `damaged`, `unsupported`.
    static func recognise(_ path: String) throws(SourceError) -> Recognition {
        let file = HeaderFile(try ReadOnlyFile(path: Array(path.utf8)))
        if let format = VirtualDiskFormat(head: try file.available(at: 0, count: VirtualDiskFormat.headLength)) {
            return .disk(format, fixedVHD: false)
        }
        try refuseOtherDisks(file)
        switch try VHDFooter.ending(of: file) {
        case .fixed: return .disk(.vhd, fixedVHD: true)
        case .foreign(let why):
            try refuseUnlessRaw(file)
            return .raw(warnings: [why + "; the file is read as raw bytes, the last sector included"])
        case .none:
            try refuseUnlessRaw(file)
            return .raw(warnings: try appleImage(file))
        }
    }

    /// A warning for a file that ends like an Apple disk image (UDIF), whose mark is its last 512 bytes.
    private static func appleImage(_ file: HeaderFile) throws(SourceError) -> [String] {
        guard file.size > 512 else { return [] }
        let trailer = try file.available(at: file.size - 512, count: 12)
        // The mark, version 4, the length of the trailer.
        guard trailer == Array("koly".utf8) + [0, 0, 0, 4, 0, 0, 2, 0] else { return [] }
        return [
            "the file ends like an Apple disk image (UDIF, .dmg), which is not read as a medium; its bytes are taken in as "
                + "they are"
        ]
    }

    /// Virtual disks of formats that are known, but not read: as raw bytes they would be no medium.
    private static func refuseOtherDisks(_ file: HeaderFile) throws(SourceError) {
        let marks = [
            ("QED", Array("QED".utf8) + [0]), ("Parallels", Array("WithoutFreeSpace".utf8)),
            ("Parallels", Array("WithouFreSpacExt".utf8)),
        ]
        let head = try file.available(at: 0, count: 16)
        guard let (name, _) = marks.first(where: { head.starts(with: $0.1) }) else { return }
        throw file.unsupported(
            "is a virtual disk of the format \(name), which is not read",
            "Convert it, for example with `qemu-img convert -O qcow2`, and take in the result beside the original.")
    }

    /// A file that is named like a virtual disk and is none must not be read as raw bytes.
    private static func refuseUnlessRaw(_ file: HeaderFile) throws(SourceError) {
        let name = file.name.lowercased()
        if name.hasSuffix("-flat.vmdk") { return }
        guard [".vmdk", ".vhd", ".vhdx", ".qcow2", ".qcow", ".vdi"].contains(where: { name.hasSuffix($0) }) else {
            return
        }
        throw SourceError(
            .damaged,
            "\(ReadOnlyFile.text(file.file.path)) is named like a virtual disk, but it does not begin or end like "
                + "one: it is "
                + "empty, damaged, an extent without its descriptor, or something else. Nothing was taken in. Copy "
                + "it again "
                + "from its source, or give the descriptor; to take in its bytes as they are, give it the ending .dd.")
    }

    /// Opens an image, and the images that it rests on where they are named.
    ///
    /// - Parameter backing: paths of what the image rests on, then of what that one rests on, and so on.
    /// - Throws: ``SourceError``: `damaged`, `unsupported`, `missing`, `unreadable`, `incomplete`.
    static func open(
        _ path: String, _ format: VirtualDiskFormat, fixedVHD: Bool, backing: [String]
    ) throws(SourceError) -> any SourceReader {
        try QEMUTools.require(QEMUTools.server, for: "a virtual disk")
        let image = try DiskFiles(path, format, fixedVHD: fixedVHD)
        let chain = [image] + (try backingChain(of: image, named: backing))
        var descriptors: [Int32] = []
        var nodes: [(first: Int, disk: DiskFiles)] = []
        for disk in chain {
            nodes.append((descriptors.count, disk))
            descriptors += disk.files.map(\.descriptor)
        }
        // In the server the listening socket has number 3, in the check the first file has.
        let server = DiskServer(
            path, opening: QEMUTools.filename(nodes.map { $0.disk.node(firstDescriptor: 4 + $0.first) }), descriptors)
        var found = ImageCheck.Findings()
        if format.isCheckedByQEMU {
            try QEMUTools.require(QEMUTools.image, for: "a virtual disk")
            found = try ImageCheck.run(
                image.node(firstDescriptor: 3), image.files.map(\.descriptor), keepsUser: false)
        }
        let export = try server.export()
        try compare(export, image)
        let facts = image.facts
        var damage = facts.damage
        if facts.lost.bytes > 0 {
            damage.append(
                "\(facts.lost.bytes) bytes of the medium should lie where the file has no bytes: it is cut off, or its "
                    + "tables are damaged")
        }
        let description = SourceDescription(
            kind: format.kind, path: path, files: chain.flatMap(\.described), mediaSize: image.facts.size,
            sectorSize: facts.sectorSize, device: nil, oddities: [],
            warnings: chain.flatMap(\.facts.warnings) + found.warnings,
            properties: [SourceProperty("format", format.name)] + facts.properties
                + chain.dropFirst().map { SourceProperty("backing_file", $0.name) },
            damage: damage + chain.dropFirst().flatMap(\.facts.damage) + found.damage)
        if let other = chain.dropFirst().first(where: { $0.facts.lost.bytes > 0 }) {
            throw SourceError(
                .damaged,
                "\(other.path), which the image rests on, lacks \(other.facts.lost.bytes) bytes of its medium: which "
                    + "parts "
                    + "of the image that affects cannot be told. Nothing was taken in. Copy it again from its source.")
        }
        return VirtualDiskImage(
            description, files: chain.flatMap(\.files), server: server, export: export,
            lost: facts.lost)
    }

    /// The header and qemu must agree on the size of the medium.
    private static func compare(_ export: DiskServer.Export, _ image: DiskFiles) throws(SourceError) {
        let stated = image.facts.size
        // qemu exports whole sectors; what follows the last byte of the medium is not evidence.
        guard export.size >= stated, export.size - stated < image.facts.sectorSize else {
            throw SourceError(
                .damaged,
                "\(image.path): the header says that the medium has \(stated) bytes, qemu-nbd finds \(export.size). "
                    + "Nothing "
                    + "was taken in. Copy it again from its source.")
        }
    }

    private static func backingChain(of image: DiskFiles, named paths: [String]) throws(SourceError) -> [DiskFiles] {
        guard paths.count <= longestChain else {
            throw SourceError(.unsupported, "More than \(longestChain) backing files were named.")
        }
        var chain: [DiskFiles] = []
        var top = image
        for path in paths {
            guard let claimed = top.facts.backing else {
                throw SourceError(
                    .unsupported,
                    "\(top.path) rests on no other image, so \(path) does not belong to it. Nothing was taken in. "
                        + "Leave out "
                        + "--backing \(path).")
            }
            let absolute = try SourceOpener.absolutePath(path)
            let next: DiskFiles
            switch try recognise(absolute) {
            case .disk(let format, let fixedVHD): next = try DiskFiles(absolute, format, fixedVHD: fixedVHD)
            case .raw: next = try DiskFiles(raw: absolute)
            }
            if let format = top.facts.backingFormat, format != (next.format?.driver ?? "raw") {
                throw SourceError(
                    .unsupported,
                    "\(top.path) says that it rests on a file of format \(format) (\(claimed)), but \(path) is of "
                        + "format "
                        + "\(next.format?.driver ?? "raw"). Nothing was taken in. Name the right file.")
            }
            chain.append(next)
            top = next
        }
        if let missing = top.facts.backing {
            throw SourceError(
                .incomplete,
                "\(top.path) holds only what was changed since another image, which it names as \"\(missing)\". That "
                    + "file is "
                    + "never followed by itself. Nothing was taken in. If it belongs to the evidence, name it with "
                    + "--backing "
                    + "PATH\(paths.isEmpty ? "" : ", once more for each further one").")
        }
        return chain
    }
}

/// The files of one image, opened for reading only, and what its header says.
struct DiskFiles {
    let path: String
    /// Nil for raw bytes.
    let format: VirtualDiskFormat?
    let facts: VirtualDiskFacts
    /// The image first, then its extents.
    let files: [ReadOnlyFile]

    var name: String { SourceOpener.lastComponent(path) }

    init(_ path: String, _ format: VirtualDiskFormat, fixedVHD: Bool) throws(SourceError) {
        let main = HeaderFile(try ReadOnlyFile(path: Array(path.utf8)))
        let folder = String(path.dropLast(SourceOpener.lastComponent(path).count))
        var opened: [String: HeaderFile] = [:]
        let facts: VirtualDiskFacts =
            switch format {
            case .qcow: try QCOWHeader.readVersion1(main)
            case .qcow2: try QCOWHeader.readVersion2(main)
            case .vdi: try VDIHeader.read(main)
            case .vhd: try VHDFooter.read(main, fixed: fixedVHD)
            case .vhdx: try VHDXHeader.read(main)
            case .vmdk:
                try VMDKHeader.read(main) { name throws(SourceError) in
                    if let file = opened[name] { return file }
                    let file = HeaderFile(try ReadOnlyFile(regular: Array((folder + name).utf8)))
                    opened[name] = file
                    return file
                }
            }
        self.path = path
        self.format = format
        self.facts = facts
        files = [main.file] + facts.extents.compactMap { opened[$0]?.file }
    }

    init(raw path: String) throws(SourceError) {
        self.path = path
        format = nil
        let file = try ReadOnlyFile(regular: Array(path.utf8))
        facts = VirtualDiskFacts(format: .qcow2, size: file.size)
        files = [file]
    }

    var described: [SourceFile] {
        files.map { file in
            SourceFile(
                nameBytes: Array(SourceOpener.lastComponent(ReadOnlyFile.text(file.path)).utf8), size: file.size,
                modified: file.modifiedNanoseconds / 1_000_000, mode: file.mode & 0o7777)
        }
    }

    /// How qemu is to open it, its first file having this number.
    ///
    /// By number: whatever happens to the name meanwhile, it is the file whose header was read. An image of several
    /// files is found by name, since qemu looks for the others beside it; it can open no others all the same.
    func node(firstDescriptor: Int) -> QEMUTools.Node {
        QEMUTools.Node(
            format: format, path: files.count == 1 ? "/proc/self/fd/\(firstDescriptor)" : path,
            options: facts.driverOptions)
    }
}
