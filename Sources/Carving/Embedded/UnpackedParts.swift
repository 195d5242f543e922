internal import EvidenceModel
internal import SourceMedia

/// The members of an archive that only libarchive decodes: 7z, RAR, cabinets, LHA.
///
/// They cannot be told apart by their stored bytes, because one compressed stream may hold many: the stored bytes of each
/// are all that follows the archive's header, and its number says which it is. Only RAR states a place for each.
struct UnpackedParts {
    let format: UnpackFormat
    let container: any ByteSource
    let limits: CarveLimits
    let workFolder: String
    let buffer: ReadBuffer
    /// The only members whose content is kept; nil for all.
    var only: Set<Int>?

    /// Unpacks the archive, as far as the budget goes.
    ///
    /// - Throws: ``SourceError``, or ``CarveError`` when content cannot be kept.
    func list(_ budget: inout EmbeddedBudget, most: Int) throws -> PartList {
        var list = PartList(most: most)
        guard container.size <= limits.embeddedUnpackedBytes else {
            list.refuse(.limit("embedded_unpacked_bytes"))
            return list
        }
        var taking = MemberTaking(parts: self, spool: ContentSpool(folder: workFolder), left: budget.bytes)
        let file = try copy()
        // One more than may be taken, so that more of them show.
        let bounds = UnpackLimits(
            members: most < Int.max ? most + 1 : most, memberBytes: limits.embeddedMemberBytes)
        let end = try ArchiveUnpacking.unpack(format, descriptor: file.descriptor, limits: bounds) { event in
            try taking.take(event)
        }
        budget.bytes = taking.left
        if let limit = taking.stoppedBy {
            list.refuse(.limit(limit == "budget" ? budget.bytesLimit : limit))
        } else {
            switch end {
            case .whole: break
            case .encrypted: list.refuse(.encrypted)
            case .tooMany: list.refuse(.limit("embedded_members"))
            case .damaged: list.refuse(.damaged)
            }
        }
        let taken = taking.finish()
        for refusal in taken.refused { list.refuse(refusal) }
        let stated = try format == .rar ? statedMembers() : []
        let behindHeader = min(Self.headLength(of: format), container.size)..<container.size
        for member in taken.members {
            var part = EmbeddedPart(PartPath.escaped(member.name), [behindHeader], .member)
            part.member = member.index
            part.size = member.size
            if member.index < stated.count, stated[member.index].size == member.place.count {
                part.crc = stated[member.index].crc
                part.pieces = [stated[member.index].packed]
            }
            if let modified = member.modified { part.facts["member_modified"] = EvidenceTime.posix(modified) }
            part.unpacked = ExtentSource(
                taken.content, extents: [Extent(offset: member.place.lowerBound, length: member.place.count)])
            list.addUnpacked(part)
        }
        return list
    }

    /// Bytes of the header that an archive begins with, at least.
    private static func headLength(of format: UnpackFormat) -> Int {
        switch format {
        case .sevenZip: 32
        case .cabinet: 36
        case .rar: 7
        case .lha: 21
        }
    }

    private func statedMembers() throws -> [RARChecksums.Member] {
        do throws(WalkStop) { return try RARChecksums(container).members } catch {
            if case .failed(.medium(let cause)) = error { throw cause }
            return []
        }
    }

    /// The archive as a file without a name: libarchive reads files.
    private func copy() throws -> DecodedContent {
        var file = ContentSpool(folder: workFolder, mostInMemory: -1)
        var at = 0
        while at < container.size {
            let piece = try buffer.piece(of: container, at: at, upTo: container.size - at)
            guard !piece.isEmpty else { throw SourceError(.changed, "the medium ends inside an archive") }
            try file.append(piece)
            at += piece.count
        }
        return file.content()
    }
}

/// Takes members while they are unpacked.
private struct MemberTaking: ~Copyable {
    struct Member {
        var index: Int
        var name: [UInt8]
        var size: Int?
        var modified: Int?
        var place: Range<Int>
    }

    private let parts: UnpackedParts
    private var spool: ContentSpool
    /// Bytes that decoding may still give.
    private(set) var left: Int
    /// The limit that ended it.
    private(set) var stoppedBy: String?
    private var members: [Member] = []
    private var refused: [PartRefusal] = []
    private var current: UnpackedMember?
    private var start = 0
    /// Why the current member is not kept.
    private var reason: PartRefusal?

    init(parts: UnpackedParts, spool: consuming ContentSpool, left: Int) {
        self.parts = parts
        self.spool = spool
        self.left = left
    }

    mutating func take(_ event: ArchiveUnpacking.Event) throws -> Bool {
        switch event {
        case .begins(let member):
            current = member
            start = spool.size
            reason = nil
            switch member.refusal {
            case .encrypted: refused.append(.encrypted)
            case .tooLarge: refused.append(.limit("embedded_member_bytes"))
            case .noFile, nil: break
            }
            if let only = parts.only { return member.index <= only.max() ?? -1 }
        case .content(let piece):
            guard current?.refusal == nil else { return true }
            left -= piece.count
            guard left >= 0 else {
                left = 0
                return stop("budget")
            }
            if let only = parts.only, let index = current?.index, !only.contains(index) { return true }
            let size = spool.size - start + piece.count
            if size > parts.limits.embeddedMemberBytes { reason = .limit("embedded_member_bytes") }
            if spool.size + piece.count > parts.limits.embeddedUnpackedBytes { return stop("embedded_unpacked_bytes") }
            let limits = parts.limits
            if spool.size + piece.count > limits.embeddedRatioAbove,
                (spool.size + piece.count) / limits.embeddedRatio > parts.container.size
            {
                return stop("embedded_ratio")
            }
            if reason == nil { try spool.append(piece) }
        case .ends(let isWhole):
            guard let member = current, member.refusal == nil else { return true }
            if let only = parts.only, !only.contains(member.index) { return true }
            let place = start..<spool.size
            if let reason {
                refused.append(reason)
            } else if !isWhole || member.size.map({ $0 != place.count }) == true {
                refused.append(.damaged)
            } else if !place.isEmpty {
                members.append(
                    Member(
                        index: member.index, name: member.name, size: member.size, modified: member.modified,
                        place: place))
            }
            current = nil
        }
        return true
    }

    private mutating func stop(_ limit: String) -> Bool {
        stoppedBy = limit
        return false
    }

    consuming func finish() -> (members: [Member], refused: [PartRefusal], content: DecodedContent) {
        (members, refused, spool.content())
    }
}
