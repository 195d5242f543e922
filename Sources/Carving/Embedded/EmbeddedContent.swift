internal import Digesting
internal import EvidenceModel
internal import SourceMedia

/// The content of catalogued embedded files, decoded again out of their ancestors.
///
/// The ancestors of one file stay open until another one needs others: whoever asks for the files of a container one behind
/// the other has it listed, decoded and unpacked once. Used by one thread at a time.
final class EmbeddedContent {
    /// A container that is open, and what is known of the files in it.
    private struct OpenContainer {
        let artifact: Artifact
        let content: any ByteSource
        let kind: ContainerKind
        /// The parts by path; nil until one of them is asked for.
        var parts: [String: EmbeddedPart]?
        /// The members of an archive that was unpacked as a whole, by number.
        var members: [Int: any ByteSource]?
    }

    private let source: any ByteSource
    private let workFolder: String
    /// The members that will be asked for, with their sizes, by the archive's id; else each asks for itself alone.
    private let wanted: [String: [Int: Int]]
    private let buffer = ReadBuffer(size: 256 * 1024)
    private var containers: [OpenContainer] = []

    init(source: any ByteSource, workFolder: String, wanted: [String: [Int: Int]] = [:]) {
        self.source = source
        self.workFolder = workFolder
        self.wanted = wanted
    }

    /// - Parameter ancestors: from the artifact on the medium down to the parent.
    /// - Throws: ``CarveError`` with code `mismatch` when an ancestor no longer holds what was catalogued, `output` when
    ///   decoded content cannot be kept; ``SourceError``, ``DigestError``.
    func open(_ artifact: Artifact, ancestors: [Artifact]) throws -> any ByteSource {
        guard artifact.decoding != nil else { return ExtentSource(source, extents: artifact.extents) }
        guard let first = ancestors.first, first.decoding == nil, let parent = ancestors.last,
            parent.id == artifact.parent
        else {
            throw CarveError(
                .mismatch, "artifact \(artifact.id): its parent \(artifact.parent ?? "") is not in the catalogue")
        }
        let shared = zip(containers, ancestors).prefix { $0.artifact.id == $1.id }.count
        containers.removeLast(containers.count - shared)
        for (position, ancestor) in ancestors.enumerated().dropFirst(shared) {
            let content =
                position == 0
                ? ExtentSource(source, extents: ancestor.extents) : try self.content(of: ancestor, in: position - 1)
            let child = position + 1 < ancestors.count ? ancestors[position + 1] : artifact
            let head = try content.bytes(at: 0, count: ContainerKind.headSize)
            guard let kind = ContainerKind(format: ancestor.format, head: head) else { throw missing(child, ancestor) }
            containers.append(OpenContainer(artifact: ancestor, content: content, kind: kind))
        }
        return try content(of: artifact, in: ancestors.count - 1)
    }

    /// The content of a file in one of the open containers.
    private func content(of child: Artifact, in position: Int) throws -> any ByteSource {
        guard child.decoding != nil else { return ExtentSource(source, extents: child.extents) }
        let container = containers[position]
        if let format = container.kind.unpackFormat {
            return try unpacked(child, format, in: position)
        }
        if containers[position].parts == nil { containers[position].parts = try parts(of: container, for: child) }
        let prefix = container.artifact.path + "/"
        guard child.path.hasPrefix(prefix),
            let part = containers[position].parts?[String(child.path.dropFirst(prefix.count))]
        else { throw missing(child, container.artifact) }
        if part.coding == .stored {
            let stored = part.content(in: container.content)
            return ExtentSource(stored, extents: [Extent(offset: 0, length: min(child.size, stored.size))])
        }
        // The catalogue states the size: that is limit enough.
        var limits = CarveLimits()
        limits.embeddedMemberBytes = child.size
        limits.embeddedTotalBytes = child.size
        limits.embeddedRatioAbove = child.size
        var budget = EmbeddedBudget(limits, size: container.artifact.size)
        // Whoever takes the content digests it.
        var sink = try ContentSink(folder: workFolder, isDigested: false)
        let decoder = PartDecoder(part: part, container: container.content, limits: limits, buffer: buffer)
        guard case .whole = try decoder.decode(into: &sink, &budget) else { throw missing(child, container.artifact) }
        return sink.content()
    }

    private func parts(of container: OpenContainer, for child: Artifact) throws -> [String: EmbeddedPart] {
        let list: PartList
        do throws(ReadFailure) {
            list = try container.kind.parts(
                of: container.artifact, ByteReader(whole: container.content, allowance: Int.max), most: Int.max)
        } catch {
            if case .medium(let cause) = error { throw cause }
            throw missing(child, container.artifact)
        }
        return Dictionary(list.parts.map { ($0.path, $0) }) { first, _ in first }
    }

    /// A member of an archive that is unpacked as a whole: its number stands at the end of `decoding`.
    private func unpacked(_ child: Artifact, _ format: UnpackFormat, in position: Int) throws -> any ByteSource {
        let container = containers[position]
        guard let number = child.member(of: container.kind) else { throw missing(child, container.artifact) }
        if containers[position].members == nil {
            var sizes = wanted[container.artifact.id] ?? [:]
            sizes[number] = child.size
            containers[position].members = try members(of: container, format, sizes)
        }
        guard let member = containers[position].members?[number] else { throw missing(child, container.artifact) }
        return ExtentSource(member, extents: [Extent(offset: 0, length: min(child.size, member.size))])
    }

    private func members(
        of container: OpenContainer, _ format: UnpackFormat, _ sizes: [Int: Int]
    ) throws -> [Int: any ByteSource] {
        // The catalogue has taken them: whatever comes before them may be as large as it was then.
        var limits = CarveLimits()
        limits.embeddedUnpackedBytes = max(container.content.size, sizes.values.reduce(0, +))
        limits.embeddedMemberBytes = sizes.values.max() ?? 0
        limits.embeddedRatioAbove = Int.max
        limits.embeddedTotalBytes = Int.max
        var budget = EmbeddedBudget(limits, size: container.artifact.size)
        budget.bytes = Int.max
        let archive = UnpackedParts(
            format: format, container: container.content, limits: limits, workFolder: workFolder, buffer: buffer,
            only: Set(sizes.keys))
        var members: [Int: any ByteSource] = [:]
        for part in try archive.list(&budget, most: Int.max).parts {
            if let member = part.member { members[member] = part.unpacked }
        }
        return members
    }

    private func missing(_ child: Artifact, _ container: Artifact) -> CarveError {
        CarveError(
            .mismatch,
            "artifact \(child.id): \(container.path) no longer holds what was catalogued; verify the evidence item")
    }
}

extension Artifact {
    /// Its number among the members of an archive that is unpacked as a whole; nil when it is no such member.
    func member(of kind: ContainerKind) -> Int? {
        guard let step = decoding?.split(separator: "/").last, step.hasPrefix(kind.rawValue + ":") else { return nil }
        return Int(step.dropFirst(kind.rawValue.utf8.count + 1))
    }

    /// The same, whatever the archive's kind.
    var memberNumber: Int? {
        guard let step = decoding?.split(separator: "/").last, let colon = step.firstIndex(of: ":") else { return nil }
        return Int(step[step.index(after: colon)...])
    }
}
