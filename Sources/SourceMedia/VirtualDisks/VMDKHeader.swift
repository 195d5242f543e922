import EvidenceModel

/// Reads what a VMware disk image says of itself, what files it consists of, and which of its grains lie beyond their
/// ends.
///
/// See `Documentation/Formats/virtual-disks.md`.
enum VMDKHeader {
    static let largestMedium = 1 << 60

    /// Opens the further files of an image.
    typealias OpenSibling = (String) throws(SourceError) -> HeaderFile

    static func read(_ file: HeaderFile, opening sibling: OpenSibling) throws(SourceError) -> VirtualDiskFacts {
        let head = try file.available(at: 0, count: 512)
        var facts = VirtualDiskFacts(format: .vmdk, size: 0)
        if VMDKDescriptor.begins(head) {
            guard file.size <= VMDKDescriptor.largest else {
                throw file.damaged("its descriptor has \(file.size) bytes")
            }
            let text = try file.bytes(at: 0, count: file.size, "descriptor")
            let descriptor = try VMDKDescriptor(text, of: file)
            try describe(descriptor, file, &facts)
            try readExtents(descriptor, file, sibling, &facts)
            return facts
        }
        let extent = try VMDKSparseExtent(file)
        guard let text = try extent.embeddedDescriptor() else {
            throw file.unsupported(
                "is one extent of a VMDK image of several files",
                "Give the image's descriptor, the small file of text that names its extents.")
        }
        let descriptor = try VMDKDescriptor(text, of: file)
        try describe(descriptor, file, &facts)
        guard descriptor.extents.count <= 1 else {
            throw file.unsupported(
                "is an extent whose embedded descriptor names \(descriptor.extents.count) extents",
                "Convert it with the program that made it.")
        }
        facts.size = extent.size
        facts.properties += extent.properties
        facts.warnings += extent.warnings
        try extent.findLost(from: 0, prefix: "", &facts.lost)
        return facts
    }

    private static func describe(
        _ descriptor: VMDKDescriptor, _ file: HeaderFile, _ facts: inout VirtualDiskFacts
    ) throws(SourceError) {
        if descriptor.values.keys.contains(where: { $0.hasPrefix("encryption") }) {
            throw file.unsupported("is encrypted and cannot be read", "Decrypt it with the program that made it.")
        }
        let parent = descriptor.values["parentcid"]?.lowercased() ?? "ffffffff"
        if parent != "ffffffff" || descriptor.values["parentfilenamehint"] != nil {
            facts.backing = descriptor.values["parentfilenamehint"] ?? "the image with CID \(parent)"
            facts.backingFormat = "vmdk"
        }
        let keys = [
            ("createtype", "variant"), ("cid", "content_id"), ("ddb.adaptertype", "adapter"),
            ("ddb.virtualhwversion", "hardware_version"), ("ddb.uuid", "uuid"), ("ddb.uuid.image", "uuid_image"),
            ("ddb.toolsversion", "tools_version"), ("ddb.toolsinstalltype", "tools_install_type"),
            ("ddb.longcontentid", "long_content_id"), ("ddb.comment", "comment"),
        ]
        for (key, name) in keys {
            guard let value = descriptor.values[key] else { continue }
            facts.properties.append(SourceProperty(name, headerText(Array(value.utf8))))
        }
    }

    private static func readExtents(
        _ descriptor: VMDKDescriptor, _ file: HeaderFile, _ sibling: OpenSibling, _ facts: inout VirtualDiskFacts
    ) throws(SourceError) {
        guard !descriptor.extents.isEmpty else { throw file.damaged("its descriptor names no extent") }
        facts.properties.append(SourceProperty("extents", "\(descriptor.extents.count)"))
        var start = 0
        for extent in descriptor.extents {
            let length = extent.sectors * 512
            guard start <= largestMedium - length else { throw file.damaged("its extents are larger than any medium") }
            try read(extent, of: file, sibling, start, length, &facts)
            start += length
        }
        guard start > 0 else { throw file.damaged("its extents hold nothing") }
        facts.size = start
    }

    private static func read(
        _ extent: VMDKDescriptor.Extent, of file: HeaderFile, _ sibling: OpenSibling, _ start: Int, _ length: Int,
        _ facts: inout VirtualDiskFacts
    ) throws(SourceError) {
        guard extent.access != "NOACCESS" else {
            throw file.unsupported("has an extent that must not be read (NOACCESS)", "Take in its files one by one.")
        }
        if extent.type == "ZERO" { return }
        guard let name = extent.name else { throw file.damaged("an extent of its descriptor has no name") }
        guard isPlain(name) else {
            throw file.unsupported(
                "names an extent outside of its folder (\(headerText(Array(name.utf8)))), which is never followed",
                "If that file belongs to the evidence, put it beside the descriptor of a working copy, and name it "
                    + "there "
                    + "without its folder.")
        }
        switch extent.type {
        case "FLAT", "VMFS":
            let part = try sibling(name)
            if !facts.extents.contains(name) { facts.extents.append(name) }
            let held = max(0, part.size - extent.offset * 512)
            if held < length {
                try facts.lost.add(offset: start + held, length: length - held, "\(name) ends before")
            }
        case "SPARSE", "VMFSSPARSE":
            let part = try sibling(name)
            // qemu would follow what an extent's own descriptor says; only its grains are wanted.
            let sparse = try VMDKSparseExtent(part)
            if !facts.extents.contains(name) { facts.extents.append(name) }
            guard sparse.size >= length else {
                throw part.damaged("it holds \(sparse.size) bytes; the descriptor says \(length)")
            }
            facts.warnings += sparse.warnings
            try sparse.findLost(from: start, prefix: "\(name): ", limit: length, &facts.lost)
        default:
            throw file.unsupported(
                "has an extent of type \(extent.type.prefix(40)), a device or something not known, which is never "
                    + "followed",
                "Export the image with the program that made it.")
        }
    }

    /// A name within the same folder, and nothing that qemu could take for a protocol.
    static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/"))
            && !name.utf8.contains(UInt8(ascii: ":")) && !name.utf8.contains(0) && name.utf8.count <= 255
    }
}
