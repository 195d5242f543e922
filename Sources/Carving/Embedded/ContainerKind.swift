internal import EvidenceModel
internal import SourceMedia

/// The kinds of file in which other files are looked for.
enum ContainerKind: String, Sendable {
    case sevenZip = "7z"
    case rar, cab, lha
    case jpeg, tiff, zip, tar, gzip, bzip2, xz, lzip, lzma, zstd, lz4, cpio, ar, rpm, ole2, pdf, mail, mbox, iso9660,
        dbx, thumbcache

    /// Bytes by which ``init(format:head:)`` tells kinds apart.
    static let headSize = 262

    /// The kind by a file's first bytes; nil for every other file.
    init?(format: String, head: [UInt8]) {
        func begins(_ bytes: [UInt8]) -> Bool { head.starts(with: bytes) }
        if format == "eml" {
            self = .mail
        } else if format == "mbox" {
            self = .mbox
        } else if format == "iso9660" {
            self = .iso9660
        } else if begins([0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if begins([0x49, 0x49, 0x2A, 0]) || begins([0x4D, 0x4D, 0, 0x2A]) || begins([0x49, 0x49, 0x52, 0x4F])
            || begins([0x49, 0x49, 0x52, 0x53]) || begins([0x4D, 0x4D, 0x4F, 0x52])
        {
            self = .tiff
        } else if begins([0x50, 0x4B, 3, 4]) || begins([0x50, 0x4B, 0x30, 0x30, 0x50, 0x4B, 3, 4]) {
            self = .zip
        } else if begins([0x1F, 0x8B, 8]) {
            self = .gzip
        } else if begins(Array("BZh".utf8)) {
            self = .bzip2
        } else if begins([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]) {
            self = .xz
        } else if begins(Array("LZIP\u{1}".utf8)) {
            self = .lzip
        } else if begins([0x5D, 0, 0]), head.count > 13, head[12] == 0 || head[12] == 0xFF, head[13] == 0 {
            self = .lzma
        } else if format == "zst" || begins([0x28, 0xB5, 0x2F, 0xFD]) {
            self = .zstd
        } else if format == "lz4" || begins([0x04, 0x22, 0x4D, 0x18]) {
            self = .lz4
        } else if begins(Array("070701".utf8)) || begins(Array("070702".utf8)) || begins(Array("070707".utf8)) {
            self = .cpio
        } else if begins(Array("!<arch>\n".utf8)) {
            self = .ar
        } else if begins([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]) {
            self = .sevenZip
        } else if begins([0x52, 0x61, 0x72, 0x21, 0x1A, 0x07]) {
            self = .rar
        } else if begins(Array("MSCF\0\0\0\0".utf8)) {
            self = .cab
        } else if format == "lha" {
            self = .lha
        } else if begins([0xED, 0xAB, 0xEE, 0xDB]) {
            self = .rpm
        } else if begins(ThumbnailCache.signature), head.count > 4, ThumbnailCache.versions.contains(head[4]) {
            self = .thumbcache
        } else if begins([0xCF, 0xAD, 0x12, 0xFE, 0xC5, 0xFD, 0x74, 0x6F]) {
            self = .dbx
        } else if begins([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]) {
            self = .ole2
        } else if begins(Array("%PDF-".utf8)) {
            self = .pdf
        } else if head.count >= 262, head[257..<262].elementsEqual("ustar".utf8) {
            self = .tar
        } else {
            return nil
        }
    }

    /// Nil for the kinds whose parts this program finds itself.
    var unpackFormat: UnpackFormat? {
        switch self {
        case .sevenZip: .sevenZip
        case .rar: .rar
        case .cab: .cabinet
        case .lha: .lha
        default: nil
        }
    }

    /// How sure it is that the listed parts are the container's own.
    ///
    /// What makes these archives uncertain is what stands behind their last member, unless they were joined.
    func standing(of container: Artifact) -> Confidence {
        let isUncertainOnlyBehind = [.tar, .cpio, .ar].contains(self)
        let isSound = isUncertainOnlyBehind && container.extents.count == 1
        return isSound && container.confidence == .header ? .structural : container.confidence
    }

    /// Lists the files in a container; what cannot be followed ends the list.
    ///
    /// - Parameters:
    ///   - container: the artifact it is, for what its walker found out about it.
    ///   - most: most parts that are listed.
    /// - Throws: ``ReadFailure`` when the medium fails.
    func parts(of container: Artifact, _ reader: ByteReader, most: Int) throws(ReadFailure) -> PartList {
        var list = PartList(most: most)
        let input = WalkInput(reader)
        do throws(WalkStop) {
            switch self {
            case .sevenZip, .rar, .cab, .lha: break
            case .jpeg: try JPEGParts(input).list(into: &list)
            case .tiff: try TIFFParts(input).list(into: &list)
            case .zip: try ZipParts(input).list(into: &list)
            case .tar: try TarParts(input).list(into: &list)
            case .gzip: try PackedParts(input).gzip(container, into: &list)
            case .bzip2: PackedParts(input).bzip2(container, into: &list)
            case .xz: PackedParts(input).whole(.xz, into: &list)
            case .lzip: PackedParts(input).whole(.lzip, into: &list)
            case .lzma: PackedParts(input).whole(.lzma, isChecked: false, into: &list)
            // Their walkers say "proven" only where checksums stand in the file.
            case .zstd: PackedParts(input).whole(.zstd, isChecked: container.confidence == .proven, into: &list)
            case .lz4: PackedParts(input).whole(.lz4, isChecked: container.confidence == .proven, into: &list)
            case .cpio: try CPIOParts(input).list(into: &list)
            case .ar: try UnixArchiveParts(input).list(into: &list)
            case .rpm: try PackedParts(input).package(into: &list)
            case .ole2: try CompoundParts(input).list(into: &list)
            case .pdf: try PDFParts(input).list(container, into: &list)
            case .mail: try MailParts(input).list(into: &list)
            case .mbox: try MailboxParts(input).list(into: &list)
            case .thumbcache: try ThumbnailCacheParts(input).list(into: &list)
            case .dbx: try OutlookExpressParts(input).list(into: &list)
            case .iso9660: try OpticalDiscParts(input).list(into: &list)
            }
        } catch {
            if case .failed(.medium(let cause)) = error { throw .medium(cause) }
        }
        return list
    }
}
