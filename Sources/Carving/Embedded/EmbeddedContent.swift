internal import Digesting
internal import EvidenceModel
internal import SourceMedia

/// The content of a catalogued embedded file, decoded again out of its ancestors.
struct EmbeddedContent {
    let source: any ByteSource
    let workFolder: String

    /// - Parameter ancestors: from the artifact on the medium down to the parent.
    /// - Throws: ``CarveError`` with code `mismatch` when an ancestor no longer holds what was catalogued, `output` when
    ///   decoded content cannot be kept; ``SourceError``, ``DigestError``.
    func open(_ artifact: Artifact, ancestors: [Artifact]) throws -> any ByteSource {
        guard artifact.decoding != nil else { return ExtentSource(source, extents: artifact.extents) }
        guard var container = ancestors.first, container.decoding == nil, ancestors.last?.id == artifact.parent else {
            throw CarveError(
                .mismatch, "artifact \(artifact.id): its parent \(artifact.parent ?? "") is not in the catalogue")
        }
        var content: any ByteSource = ExtentSource(source, extents: container.extents)
        for child in ancestors.dropFirst() + [artifact] {
            content = try open(child, in: container, content)
            container = child
        }
        return content
    }

    private func open(_ child: Artifact, in container: Artifact, _ content: any ByteSource) throws -> any ByteSource {
        guard child.decoding != nil else { return ExtentSource(source, extents: child.extents) }
        let head = try content.bytes(at: 0, count: ContainerKind.headSize)
        guard let kind = ContainerKind(format: container.format, head: head) else { throw missing(child, container) }
        if let format = kind.unpackFormat {
            return try unpack(child, in: container, content, format, kind)
        }
        let list: PartList
        do throws(ReadFailure) {
            list = try kind.parts(
                of: container, ByteReader(whole: content, allowance: Int.max), most: Int.max)
        } catch {
            if case .medium(let cause) = error { throw cause }
            throw missing(child, container)
        }
        guard let part = list.parts.first(where: { container.path + "/" + $0.path == child.path }) else {
            throw missing(child, container)
        }
        if part.coding == .stored {
            let stored = part.content(in: content)
            return ExtentSource(stored, extents: [Extent(offset: 0, length: min(child.size, stored.size))])
        }
        // The catalogue states the size: that is limit enough.
        var limits = CarveLimits()
        limits.embeddedMemberBytes = child.size
        limits.embeddedTotalBytes = child.size
        limits.embeddedRatioAbove = child.size
        var budget = EmbeddedBudget(limits, size: container.size)
        var sink = try ContentSink(folder: workFolder)
        let decoder = PartDecoder(
            part: part, container: content, limits: limits, buffer: ReadBuffer(size: 256 * 1024))
        guard case .whole = try decoder.decode(into: &sink, &budget) else { throw missing(child, container) }
        return try sink.finish().source
    }

    /// A member of an archive that is unpacked as a whole: its number stands at the end of `decoding`.
    private func unpack(
        _ child: Artifact, in container: Artifact, _ content: any ByteSource, _ format: UnpackFormat,
        _ kind: ContainerKind
    ) throws -> any ByteSource {
        guard let step = child.decoding?.split(separator: "/").last, step.hasPrefix(kind.rawValue + ":"),
            let number = Int(step.dropFirst(kind.rawValue.utf8.count + 1))
        else { throw missing(child, container) }
        // The catalogue has taken it: whatever comes before it may be as large as it was then.
        var limits = CarveLimits()
        limits.embeddedUnpackedBytes = max(content.size, child.size)
        limits.embeddedMemberBytes = child.size
        limits.embeddedRatioAbove = Int.max
        limits.embeddedTotalBytes = Int.max
        var budget = EmbeddedBudget(limits, size: container.size)
        budget.bytes = Int.max
        let archive = UnpackedParts(
            format: format, container: content, limits: limits, workFolder: workFolder,
            buffer: ReadBuffer(size: 256 * 1024), only: number)
        guard let unpacked = try archive.list(&budget, most: Int.max).parts.first?.unpacked else {
            throw missing(child, container)
        }
        return ExtentSource(unpacked, extents: [Extent(offset: 0, length: min(child.size, unpacked.size))])
    }

    private func missing(_ child: Artifact, _ container: Artifact) -> CarveError {
        CarveError(
            .mismatch,
            "artifact \(child.id): \(container.path) no longer holds what was catalogued; verify the evidence item")
    }
}
