internal import EvidenceModel

/// The kinds of file in which other files are looked for.
enum ContainerKind: String, Sendable {
    case jpeg, tiff, zip, tar, gzip, bzip2, ole2, pdf, mail

    /// Bytes by which ``init(format:head:)`` tells kinds apart.
    static let headSize = 262

    /// The kind by a file's first bytes; nil for every other file.
    init?(format: String, head: [UInt8]) {
        func begins(_ bytes: [UInt8]) -> Bool { head.starts(with: bytes) }
        if format == "eml" {
            self = .mail
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

    /// How sure it is that the listed parts are the container's own.
    ///
    /// What makes a tar archive uncertain is the padding behind its last member.
    func standing(of container: Artifact) -> Confidence {
        self == .tar && container.confidence == .header ? .structural : container.confidence
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
            case .jpeg: try JPEGParts(input).list(into: &list)
            case .tiff: try TIFFParts(input).list(into: &list)
            case .zip: try ZipParts(input).list(into: &list)
            case .tar: try TarParts(input).list(into: &list)
            case .gzip: try PackedParts(input).gzip(container, into: &list)
            case .bzip2: PackedParts(input).bzip2(container, into: &list)
            case .ole2: try CompoundParts(input).list(into: &list)
            case .pdf: try PDFParts(input).list(container, into: &list)
            case .mail: try MailParts(input).list(into: &list)
            }
        } catch {
            if case .failed(.medium(let cause)) = error { throw .medium(cause) }
        }
        return list
    }
}
