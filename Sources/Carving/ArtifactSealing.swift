internal import Digesting
internal import EvidenceModel
internal import FormatIdentification
internal import SourceMedia

/// A find whose place is decided and whose content has not been digested yet.
struct DecidedFind: Sendable {
    var offset: Int
    var length: Int
    var confidence: Confidence
    var format: String
    var fileExtension: String
    var mime: String
    var facts: [String: CanonicalValue]
    var warnings: [String]
    /// The file's other pieces, where it lies in more than one.
    var furtherExtents: [Extent] = []
    /// True when nobody knows where the find ends: rules of thumb may cut it.
    var endIsGuessed = false

    /// Where the find lies, in the order of its content.
    var extents: [Extent] { [Extent(offset: offset, length: length)] + furtherExtents }
    /// Bytes of all its pieces.
    var size: Int { furtherExtents.reduce(length) { $0 + $1.length } }
}

/// What sealing a find gave.
struct SealedFind: DecodingWork, Sendable {
    /// Nil when the medium could not be read.
    var artifact: Artifact?
    var limitsHit: [String] = []
    var warnings: [String] = []
    var bytesHashed = 0
    /// Bytes that walkers decoded to name it.
    var bytesDecoded = 0
    var isOutOfDecoding = false
    /// Times that libmagic was given bytes to name.
    var libmagicCalls = 0
}

extension CarveWorker {
    /// Reads the find once: digests, libmagic's description, its identity.
    func seal(_ find: DecidedFind, item: String) throws(CarveError) -> SealedFind {
        var result = SealedFind()
        do {
            var find = find
            if find.endIsGuessed { try endAtZeros(&find) }
            let content = ExtentSource(source, extents: find.extents)
            let head = try content.bytes(at: 0, count: limits.describedBytes)
            let (sha256, md5) = try digests(of: content, head: head, offset: find.offset)
            var description = ""
            do throws(MagicError) {
                description = try describe(head, of: sha256)
            } catch {
                result.warnings.append("offset \(find.offset): \(error.message)")
            }
            result.libmagicCalls = 1
            result.bytesHashed = content.size
            // What libmagic does not know by the find's own bytes, it knew by those of its neighbour.
            if find.endIsGuessed, MagicAnswer.saysNothing(description) { return result }
            if find.endIsGuessed, find.length == limits.largestHeader {
                result.limitsHit.append("carve_largest_header")
                find.warnings.append("ended after \(limits.largestHeader) bytes, the limit for a find without a walker")
            }
            let extents = find.extents
            result.artifact = Artifact(
                id: try ArtifactIdentity.id(item: item, format: find.format, extents: extents), item: item,
                origin: .carved, mime: find.mime, format: find.format, fileExtension: find.fileExtension,
                description: description, size: content.size, sha256: sha256, md5: md5, extents: extents,
                confidence: find.confidence, parent: nil, path: "\(item)/\(find.offset)", facts: find.facts,
                warnings: find.warnings)
        } catch let error as SourceError {
            result.warnings.append("offset \(find.offset): not catalogued: \(error.message)")
        } catch let error as DigestError {
            throw CarveError(.digest, error.message)
        } catch {
            throw CarveError(.medium, "\(error)")
        }
        return result
    }

    /// Cuts a find of unknown length where the medium is empty for a while.
    private func endAtZeros(_ find: inout DecidedFind) throws(SourceError) {
        var at = 0
        var zerosSince: Int?
        while at < find.length {
            let piece = try buffer.piece(of: source, at: find.offset + at, upTo: find.length - at)
            if piece.isEmpty { break }
            for (index, byte) in piece.enumerated() {
                if byte != 0 {
                    zerosSince = nil
                } else if let start = zerosSince {
                    if at + index - start + 1 >= limits.zeroRun {
                        find.length = max(1, start)
                        return
                    }
                } else {
                    zerosSince = at + index
                }
            }
            at += piece.count
        }
    }

    /// libmagic's description of content whose first bytes and digest are known; the same content is described once.
    private func describe(_ head: [UInt8], of content: Digest) throws(MagicError) -> String {
        if let known = descriptions[content] { return known }
        let description = try cookie.describe(head)
        if descriptions.count >= Self.mostDescriptions { descriptions.removeAll(keepingCapacity: true) }
        descriptions[content] = description
        return description
    }

    /// Both digests in one read, of which the first bytes were read already.
    private func digests(
        of content: ExtentSource, head: [UInt8], offset: Int
    ) throws -> (sha256: Digest, md5: Digest) {
        var sha256 = try RunningDigest(.sha256)
        var md5 = try RunningDigest(.md5)
        try sha256.update(head)
        try md5.update(head)
        var at = head.count
        while at < content.size {
            let piece = try buffer.piece(of: content, at: at, upTo: content.size - at)
            guard !piece.isEmpty else {
                throw SourceError(.changed, "the medium ends before the find at \(offset) does, after \(at) bytes")
            }
            try sha256.update(piece)
            try md5.update(piece)
            at += piece.count
        }
        return (try sha256.finalize(), try md5.finalize())
    }
}
