internal import Digesting
internal import EvidenceModel
internal import FormatIdentification
internal import SourceMedia

/// What looking into one artifact gave.
struct EmbeddedOutcome: DecodingWork, Sendable {
    /// The artifact itself, with a warning for whatever was not opened.
    var container: Artifact
    /// The files in it and in those, each behind its parent.
    var children: [Artifact] = []
    var limitsHit: [String: Int] = [:]
    var warnings: [String] = []
    var bytesHashed = 0
    /// Bytes decoded, what walkers decoded counted.
    var bytesDecoded = 0
    var isOutOfDecoding = false
    var descriptionCalls = 0
    /// Times that libmagic was given bytes to name.
    var libmagicCalls = 0

    init(_ container: Artifact) { self.container = container }
}

extension CarveWorker {
    /// Looks for files in a catalogued artifact.
    ///
    /// Documentation/Formats/embedded-artifacts.md states the rules.
    /// - Parameter allowance: bytes that may be decoded.
    /// - Throws: ``CarveError`` when a digest cannot be computed.
    func open(_ artifact: Artifact, workFolder: String, allowance: Int = .max) throws(CarveError) -> EmbeddedOutcome {
        let callsBefore = cookie.calls
        var opening = ContainerOpening(worker: self, workFolder: workFolder, artifact, allowance: allowance)
        let bytesBefore = opening.budget.bytes
        do {
            try opening.run()
        } catch let error as CarveError where error.code == .output {
            opening.outcome.container.warnings.append("not all embedded files were opened: no room for decoded content")
            opening.outcome.warnings.append("\(artifact.path): \(error.message)")
        } catch let error as SourceError {
            opening.outcome.warnings.append("\(artifact.path): \(error.message)")
        } catch let error as CarveError {
            throw error
        } catch {
            throw CarveError(.digest, "\(error)")
        }
        opening.outcome.libmagicCalls = cookie.calls - callsBefore
        opening.outcome.bytesDecoded = bytesBefore - opening.budget.bytes
        return opening.outcome
    }
}

/// One artifact being looked into, and what lies in it, level by level.
private struct ContainerOpening {
    let worker: CarveWorker
    let limits: CarveLimits
    let workFolder: String
    var outcome: EmbeddedOutcome
    var budget: EmbeddedBudget

    init(worker: CarveWorker, workFolder: String, _ artifact: Artifact, allowance: Int) {
        self.worker = worker
        self.limits = worker.limits
        self.workFolder = workFolder
        outcome = EmbeddedOutcome(artifact)
        budget = EmbeddedBudget(worker.limits, size: artifact.size, allowance: allowance)
    }

    mutating func run() throws {
        let content = ExtentSource(worker.source, extents: outcome.container.extents)
        outcome.container = try opened(outcome.container, content, depth: 1)
    }

    /// Catalogues the files in a container; answers it with a warning for each kind of refusal.
    private mutating func opened(_ container: Artifact, _ content: any ByteSource, depth: Int) throws -> Artifact {
        let head = try content.bytes(at: 0, count: ContainerKind.headSize)
        guard let kind = ContainerKind(format: container.format, head: head) else { return container }
        var container = container
        guard let list = try parts(of: &container, kind, content, depth: depth) else { return container }
        var refused = list.refused
        if depth > limits.embeddedDepth {
            let count = list.parts.count + list.refused.values.reduce(0, +)
            refused = count > 0 ? [.limit("embedded_depth"): count] : [:]
        } else {
            for part in list.parts {
                guard budget.members > 0 else {
                    refused[.limit("embedded_members"), default: 0] += 1
                    continue
                }
                if let reason = try add(part, of: container, kind, content, depth: depth) {
                    refused[reason, default: 0] += 1
                }
            }
        }
        for (reason, count) in refused.sorted(by: { $0.key < $1.key }) {
            container.warnings.append(reason.words(count))
            if case .encrypted = reason { container.facts["encrypted_members"] = .size(count) }
            if case .limit(let name) = reason { outcome.limitsHit[name, default: 0] += count }
        }
        return container
    }

    /// Lists the files in a container; nil when it cannot be followed at all.
    private mutating func parts(
        of container: inout Artifact, _ kind: ContainerKind, _ content: any ByteSource, depth: Int
    ) throws -> PartList? {
        if let format = kind.unpackFormat {
            guard depth <= limits.embeddedDepth else {
                var list = PartList(most: 0)
                list.refuse(.limit("embedded_depth"))
                return list
            }
            let archive = UnpackedParts(
                format: format, container: content, limits: limits, workFolder: workFolder, buffer: worker.buffer)
            return try archive.list(&budget, most: budget.members)
        }
        let reader = ByteReader(whole: content, allowance: budget.bytes)
        let list: PartList
        do throws(ReadFailure) { list = try kind.parts(of: container, reader, most: budget.members) } catch {
            if case .medium(let cause) = error { throw cause }
            return nil
        }
        for limit in reader.limitsReached.sorted() {
            outcome.limitsHit[limit.rawValue, default: 0] += 1
            container.warnings.append("not every embedded file was looked for: limit \(limit.rawValue)")
        }
        return list
    }

    // MARK: One part

    /// Catalogues a part and what lies in it; answers why it was passed over.
    private mutating func add(
        _ part: EmbeddedPart, of container: Artifact, _ kind: ContainerKind, _ content: any ByteSource, depth: Int
    ) throws -> PartRefusal? {
        let place = EmbeddedPlace(part, in: container, kind)
        guard place.extents.count <= limits.embeddedExtents else { return .limit("embedded_extents") }
        var isChecked = false
        let found: any ByteSource
        var digested: DigestedContent?
        if part.coding == .stored {
            guard part.size == nil || part.size == part.storedSize else { return .damaged }
            found = part.content(in: content)
        } else if let unpacked = part.unpacked {
            found = unpacked
        } else {
            var sink = try ContentSink(folder: workFolder)
            let decoder = PartDecoder(part: part, container: content, limits: limits, buffer: worker.buffer)
            switch try decoder.decode(into: &sink, &budget) {
            case .refused(let reason): return part.isOptional ? nil : reason
            case .whole(let checked): isChecked = checked
            }
            guard let whole = try sink.finish() else { return .damaged }
            found = whole.source
            digested = whole
        }
        guard found.size > 0 else { return nil }

        let (examination, allowance) = worker.examine(embedded: found, allowance: budget.bytes)
        budget.bytes = allowance
        for limit in examination.limits { outcome.limitsHit[limit.rawValue, default: 0] += 1 }
        outcome.warnings += examination.warnings
        var child = EmbeddedFind(part, size: found.size)
        guard child.take(examination) else { return nil }
        if allowance == 0, child.stopsAtLimit(budget.bytesLimit) {
            outcome.limitsHit[budget.bytesLimit, default: 0] += 1
        }
        let cut =
            child.size < found.size ? ExtentSource(found, extents: [Extent(offset: 0, length: child.size)]) : found
        let digests = try cut.size == found.size ? digested ?? digest(cut) : digest(cut)
        if let size = part.size {
            let mask = part.sizeIsShort ? 0xFFFF_FFFF : Int.max
            guard found.size & mask == size & mask else { return .damaged }
        }
        if let crc = part.crc {
            if digests.crc == crc, cut.size == found.size {
                isChecked = true
            } else if cut.size == found.size {
                child.contradict("the container's CRC-32 does not hold over this file")
            }
        }
        if !child.isKnown { try name(&child, cut) }
        budget.members -= 1
        outcome.bytesHashed += cut.size
        let extents = part.coding == .stored ? place.cut(to: child.size) : place.extents
        let artifact = Artifact(
            id: try ArtifactIdentity.id(
                item: container.item, format: child.format, extents: extents, parent: container.id,
                path: place.path),
            item: container.item, origin: .embedded, mime: child.mime, format: child.format,
            fileExtension: child.fileExtension, description: child.description, size: child.size,
            sha256: digests.sha256, md5: digests.md5, extents: extents,
            confidence: child.confidence(isChecked: isChecked, under: kind.standing(of: container)),
            parent: container.id,
            path: place.path, facts: child.facts, warnings: child.warnings, decoding: place.decoding)
        let position = outcome.children.count
        outcome.children.append(artifact)
        outcome.children[position] = try opened(artifact, cut, depth: depth + 1)
        return nil
    }

    /// Names a file that no walker knows: by its bytes, and by the name it has in the container.
    private mutating func name(_ child: inout EmbeddedFind, _ content: any ByteSource) throws {
        let head = try content.bytes(at: 0, count: limits.embeddedDescribedBytes)
        if EmbeddedFind.isPlainText(head) {
            child.format = "text"
            child.mime = "text/plain"
            child.description = "text"
            return
        }
        outcome.descriptionCalls += 1
        do throws(MagicError) {
            let named = try worker.cookie.identify(head)
            child.description = named.description
            guard !MagicAnswer.saysNothing(named.description) else { return }
            child.take(named)
        } catch {
            outcome.warnings.append("\(child.path): \(error.message)")
        }
    }

    private func digest(_ content: any ByteSource) throws -> DigestedContent {
        var sha256 = try RunningDigest(.sha256)
        var md5 = try RunningDigest(.md5)
        var crc = CRC32()
        var at = 0
        while at < content.size {
            let piece = try worker.buffer.piece(of: content, at: at, upTo: content.size - at)
            guard !piece.isEmpty else { throw SourceError(.changed, "the medium ends inside an embedded file") }
            try sha256.update(piece)
            try md5.update(piece)
            crc.update(piece)
            at += piece.count
        }
        return DigestedContent(
            source: content, sha256: try sha256.finalize(), md5: try md5.finalize(), crc: crc.value)
    }
}

extension EmbeddedPart {
    /// How its content comes of its stored bytes, in the words of the catalogue; nil when it is the same.
    func step(_ kind: ContainerKind) -> String? {
        switch coding {
        case .stored: nil
        case .member: kind.rawValue + ":\(member ?? 0)"
        default: coding.rawValue
        }
    }

    /// The stored bytes, in the container's content.
    func content(in container: any ByteSource) -> any ByteSource {
        ExtentSource(container, extents: pieces.map { Extent(offset: $0.lowerBound, length: $0.count) })
    }
}

/// Where an embedded file lies on the medium, and how its content comes of it.
struct EmbeddedPlace {
    let path: String
    let decoding: String?
    private(set) var extents: [Extent]
    /// True when the content is the concatenation of the extents.
    private let isExact: Bool

    init(_ part: EmbeddedPart, in container: Artifact, _ kind: ContainerKind) {
        path = container.path + "/" + part.path
        if let outer = container.decoding {
            // Bytes that exist only once the container is decoded lie where the container does.
            extents = container.extents
            decoding = outer + "/" + (part.step(kind) ?? kind.rawValue)
            isExact = false
        } else {
            extents = Self.map(part.pieces, through: container.extents)
            decoding = part.step(kind)
            isExact = part.coding == .stored
        }
    }

    /// The extents of the first bytes of the content.
    func cut(to size: Int) -> [Extent] {
        guard isExact else { return extents }
        return Self.map([0..<size], through: extents)
    }

    /// Ranges of a container's content as extents of its medium.
    private static func map(_ ranges: [Range<Int>], through extents: [Extent]) -> [Extent] {
        var result: [Extent] = []
        for range in ranges {
            var start = 0
            for extent in extents {
                let low = max(range.lowerBound, start)
                let high = min(range.upperBound, start + extent.length)
                if low < high {
                    let offset = extent.offset + low - start
                    if let last = result.last, last.end == offset {
                        result[result.count - 1] = Extent(offset: last.offset, length: last.length + high - low)
                    } else {
                        result.append(Extent(offset: offset, length: high - low))
                    }
                }
                start += extent.length
            }
        }
        return result
    }
}

/// A file in a container, while it is made out what it is.
struct EmbeddedFind {
    let path: String
    private(set) var size: Int
    var format = "unknown"
    var fileExtension: String
    var mime = "application/octet-stream"
    var description = "data"
    private(set) var facts: [String: CanonicalValue]
    private(set) var warnings: [String] = []
    /// True once a walker or libmagic has named it.
    private(set) var isKnown = false
    private let isOptional: Bool
    private let endsItself: Bool
    /// True when its structure ends before the container says it does.
    private var endsBefore = false
    /// What its own structure says; nil where no walker knows it.
    private var own: Confidence?

    init(_ part: EmbeddedPart, size: Int) {
        path = part.path
        self.size = size
        facts = part.facts
        warnings = part.warnings
        isOptional = part.isOptional
        endsItself = part.endsItself
        fileExtension = Self.suffix(of: part.path)
    }

    /// Takes over what was found out; false when there is no file here.
    mutating func take(_ examination: CandidateExamination) -> Bool {
        switch examination.finding {
        case .whole(let file) where file.length == size:
            // Doubt only about where it ends: the container tells.
            take(file, file.confidence == .header && file.certainLength != nil ? .structural : file.confidence)
        case .whole(let file) where endsItself:
            take(file, file.confidence)
            size = file.length
        case .whole(let file):
            guard !isOptional else { return false }
            take(file, file.confidence)
            endsBefore = true
            warnings.append("\(size - file.length) bytes follow the end of the format's structure")
        case .broken(let file, let reason):
            guard !isOptional else { return false }
            take(file, .broken)
            warnings.append(reason)
        case .header(let format):
            guard !isOptional else { return false }
            take(format)
        case .nothing: return !isOptional
        }
        return true
    }

    private mutating func take(_ file: WalkedFile, _ confidence: Confidence) {
        format = file.format
        fileExtension = file.fileExtension
        mime = file.mime
        description = file.format
        facts.merge(file.facts) { _, own in own }
        warnings += file.warnings
        own = confidence
        isKnown = true
    }

    /// What libmagic says, and where that is little, the name that the file has in the container.
    mutating func take(_ named: IdentifiedFormat) {
        description = named.description
        mime = named.mime
        if let suffix = named.extensions.first {
            fileExtension = suffix
            format = suffix.lowercased()
        } else if named.mime == "text/plain" {
            format = "text"
        } else if named.mime == "application/octet-stream" {
            format = fileExtension == "bin" ? "unknown" : fileExtension
        } else {
            format = named.mime.split(separator: "/").last.map { $0.lowercased() } ?? "unknown"
        }
        isKnown = true
    }

    /// A walker that a limit stopped has found nothing wrong: true when it was one.
    mutating func stopsAtLimit(_ limit: String) -> Bool {
        guard own == .broken else { return false }
        own = .header
        warnings.removeLast()
        warnings.append("its structure was not followed to its end: limit \(limit)")
        return true
    }

    /// Notes that something speaks against the content.
    mutating func contradict(_ reason: String) {
        own = .broken
        warnings.append(reason)
    }

    /// How sure it is that this is the whole file that the container held.
    func confidence(isChecked: Bool, under container: Confidence) -> Confidence {
        let mostUnchecked: Confidence = container == .proven || container == .structural ? .structural : .header
        switch own {
        case .proven? where !endsBefore: return .proven
        case .proven?: return isChecked ? .proven : .header
        case .broken?: return .broken
        case .header?: return .header
        case .structural?: return isChecked ? .proven : endsBefore ? .header : mostUnchecked
        // Nothing looked into these bytes: a piece of another file among them would not show.
        case nil: return isChecked ? .proven : .header
        }
    }

    /// The extension of a name; "bin" when it has none that is plain.
    private static func suffix(of path: String) -> String {
        guard let name = path.split(separator: "/").last, let dot = name.lastIndex(of: "."), dot > name.startIndex
        else { return "bin" }
        let suffix = name[name.index(after: dot)...].lowercased()
        let isPlain = suffix.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }
        return isPlain && (1...8).contains(suffix.utf8.count) ? suffix : "bin"
    }

    /// True when the first bytes are UTF-8 or ASCII without control characters: libmagic takes longest for those.
    static func isPlainText(_ head: [UInt8]) -> Bool {
        guard !head.isEmpty, head.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || (0x09...0x0D).contains($0) }) else {
            return false
        }
        guard head.contains(where: { $0 >= 0x80 }) else { return true }
        // The limit may fall inside a character.
        return (0...3).contains { String(validating: head.dropLast($0), as: UTF8.self) != nil }
    }
}
