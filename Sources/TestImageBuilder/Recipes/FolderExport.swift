internal import EvidenceModel

extension Recipe {
    /// What a phone or a cloud service exports, with every name that a file system allows and a report may stumble over.
    static let folderExport = Recipe(
        name: "folder-export", seed: "folder-export/1",
        page: """
            A folder, as a phone or a cloud service exports one. The names hold what a report, a shell or a web page may
            stumble over: spaces, quotes, markup, a line end, text that runs backwards, Chinese, Arabic and Hebrew letters,
            emoji, the same word composed and decomposed, 255 bytes, and bytes that are not UTF-8. There are nested folders,
            an empty folder, an empty file, two files of the same content, and symbolic links (one inside, one to nowhere, one
            that leads out, one that runs in a circle).

            Git cannot keep all of these well, so only `truth.json` and this page are committed. The folder is built on
            demand into `.build/test-images/folder-export/folder`:

                swift run TestImageBuilder --build folder-export --to DIRECTORY

            In `truth.json`, `path` shows the name with U+FFFD for what is not UTF-8, and `note` gives such a path in
            hexadecimal. Folders have the type "folder", symbolic links "symlink"; their size is 0. There are no extents.
            All times are 9 March 2024, 10:30 UTC.
            """
    ) { library, seed in
        let entries = try folderEntries(library)
        var files: [PlantedFile] = []
        for entry in entries {
            let path = String(decoding: entry.path, as: UTF8.self)
            let isText = Array(path.utf8) == entry.path
            var note = isText ? nil : "path in hexadecimal: \(Hex.encode(entry.path))"
            var type = "folder"
            var bytes: [UInt8] = []
            switch entry.kind {
            case .folder: break
            case .symbolicLink(let target):
                type = "symlink"
                note = "points to \(String(decoding: target, as: UTF8.self))"
            case .file(let content):
                bytes = content
                type = library.samples.first { $0.bytes == content }?.type ?? "text"
            }
            let name = entry.path.split(separator: 0x2F).last.map { String(decoding: $0, as: UTF8.self) } ?? path
            var file = try PlantedFile(type: type, name: name, bytes: bytes, extents: [])
            file.path = path
            file.note = note
            file.state = "present"
            files.append(file)
        }
        let truth = Truth(image: "folder-export", seed: seed, block: 1, size: nil, sha256: nil, files: files)
        return BuiltImage(content: .folder(entries), truth: truth)
    }
}

private func folderEntries(_ library: SampleLibrary) throws -> [FolderEntry] {
    var entries: [FolderEntry] = []
    func add(_ path: String, _ kind: FolderEntry.Kind) {
        entries.append(FolderEntry(path: Array(path.utf8), kind: kind))
    }
    func file(_ path: String, _ sample: String) throws { add(path, .file(try library.sample(sample).bytes)) }
    func text(_ path: String) { add(path, .file(Array("\(path.utf8.count) bytes of name\n".utf8))) }

    add("DCIM", .folder)
    add("DCIM/100EXHIB", .folder)
    try file("DCIM/100EXHIB/IMG_0001.JPG", "jpg/hills-exif-thumbnail.jpg")
    try file("DCIM/100EXHIB/IMG_0002.HEIC", "heic/hills.heic")
    try file("DCIM/100EXHIB/IMG_0003.MOV", "mov/bars-animation.mov")
    try file("DCIM/100EXHIB/IMG_0001 (1).JPG", "jpg/hills-exif-thumbnail.jpg")
    add("Documents", .folder)
    try file("Documents/letter.docx", "docx/letter.docx")
    try file("Documents/accounts & \"costs\".xlsx", "xlsx/list.xlsx")
    try file("Documents/it's signed.pdf", "pdf/inventory-plain.pdf")
    try file("Documents/no suffix", "png/hills-palette.png")
    try file("Documents/picture.txt", "gif/hills.gif")
    add("Documents/deep", .folder)
    for depth in 1...12 { add("Documents/deep" + (1...depth).map { "/\($0)" }.joined(), .folder) }
    try file("Documents/deep/1/2/3/4/5/6/7/8/9/10/11/12/bottom.sqlite", "sqlite/chat.sqlite")
    add("empty folder", .folder)
    add("empty file", .file([]))

    add("names", .folder)
    text("names/ leading and trailing space ")
    text("names/<img src=x onerror=alert(1)>.html")
    text("names/<script>alert('name')<%2fscript>&amp;.txt")
    text("names/{{mustache}} {{{raw}}} %s %n ${HOME} $(id) `id`")
    text("names/one\nline, then another.txt")
    text("names/tab\there, bell \u{7}, escape \u{1B}[31m.txt")
    text("names/\u{202E}fdp.exe")
    text("names/\u{2066}isolated\u{2069} and \u{200B}zero width")
    text("names/証拠品一覧.txt")
    text("names/دليل مادي.txt")
    text("names/ראיה.txt")
    text("names/👩🏽‍🔬 💾.txt")
    text("names/caf\u{E9}.txt")
    text("names/cafe\u{301}.txt")
    text("names/-rf")
    text("names/.hidden")
    text("names/back\\slash.txt")
    text("names/=HYPERLINK(\"http:example.invalid\").csv")
    text("names/CON.txt")
    text("names/" + String(repeating: "long ", count: 51))
    entries.append(
        FolderEntry(
            path: Array("names/".utf8) + [0xFF, 0xFE, 0x80, 0x20, 0xC3, 0x28] + Array(".txt".utf8),
            kind: .file([0x31, 0x0A])))
    entries.append(FolderEntry(path: Array("names/caf".utf8) + [0xE9], kind: .folder))
    entries.append(
        FolderEntry(path: Array("names/caf".utf8) + [0xE9] + Array("/latin-1.txt".utf8), kind: .file([0x32, 0x0A])))

    add("links", .folder)
    for (name, target) in [
        ("inside", "../Documents/letter.docx"), ("nowhere", "no such file"), ("outside", "/etc/hostname"),
        ("circle", "circle"),
        ("folder", "../DCIM"),
    ] { add("links/\(name)", .symbolicLink(Array(target.utf8))) }
    return entries
}
