public import EvidenceModel
internal import Glibc

/// How far an image has been written: what a run needs to go on where another one was cut off.
public struct EWFImageState: Hashable, Sendable {
    /// The segment that is being written, counted from 1; 0 before the first one.
    public var segment = 0
    /// Bytes of that segment.
    public var length = 0
    /// Tables that it holds.
    public var tables = 0
    /// Where the descriptor of the open section `sectors` lies.
    public var sectorsAt = 0
    /// The chunks of the open section; empty when none is open.
    public var entries: [UInt32] = []
    /// Chunks written so far, in all segments.
    public var chunks = 0

    /// Nothing was written.
    public init() {}
}

/// Writes a set of segment files: E01 in the layout of EnCase 6.
///
/// The bytes depend on the facts and the chunks alone, not on when what was flushed or whether the work was interrupted.
/// Owned by one thread at a time.
public final class EWFImageWriter {
    /// Path without an ending; the segments are `STEM.E01` and on.
    public let stem: String
    public let facts: EWFImageFacts
    /// How far the image is.
    public private(set) var state: EWFImageState
    private var file: ImageFile?
    private var isFolderFlushed = true

    /// Begins an image; the first file is made when the first chunk comes.
    public init(_ stem: String, _ facts: EWFImageFacts) {
        self.stem = stem
        self.facts = facts
        state = EWFImageState()
    }

    /// Goes on with an image that was interrupted; nothing is changed before the first chunk comes.
    ///
    /// - Throws: ``SourceError`` when what the state tells of is not there.
    public init(_ stem: String, _ facts: EWFImageFacts, continuing state: EWFImageState) throws(SourceError) {
        self.stem = stem
        self.facts = facts
        self.state = state
        if state.segment > 0 {
            file = try ImageFile(continuing: Self.path(stem, state.segment), length: state.length)
        }
        isContinuing = true
    }

    /// True until the first write of a run that goes on: then what lies beyond the state is cut off.
    private var isContinuing = false

    /// Where a segment of an image lies.
    public static func path(_ stem: String, _ segment: Int) -> String {
        stem + "." + EWFSegmentName.ending(of: segment)
    }

    /// The segment files written so far.
    public var paths: [String] { state.segment == 0 ? [] : (1...state.segment).map { Self.path(stem, $0) } }

    /// Appends chunks.
    ///
    /// - Throws: ``SourceError``: `full`, `unwritable`, `exists`; `unsupported` when there are no more segment names.
    public func append(_ packed: EWFPackedChunks) throws(SourceError) {
        try cutOff()
        var flushed = 0
        var at = 0
        for (length, isDeflated) in packed.chunks {
            if state.segment == 0 || state.entries.count == EWFLayout.chunksPerTable || !hasRoom(for: length) {
                try write(packed.bytes.span.extracting(flushed..<at))
                flushed = at
                try makeRoom(for: length)
            }
            if state.entries.isEmpty {
                try write(packed.bytes.span.extracting(flushed..<at))
                flushed = at
                try openSectors()
            }
            let offset = state.length + (at - flushed) - state.sectorsAt
            state.entries.append(UInt32(offset) | (isDeflated ? 0x8000_0000 : 0))
            at += length
            pending = at - flushed
            state.chunks += 1
        }
        try write(packed.bytes.span.extracting(flushed..<at))
    }

    /// Forces everything that was written onto the medium; afterwards ``state`` is what a later run can go on from.
    public func synchronize() throws(SourceError) {
        try file?.synchronize()
        guard !isFolderFlushed else { return }
        do {
            try DurableFile.synchronizeFolder(String(stem[..<(stem.lastIndex(of: "/") ?? stem.startIndex)]) + "/.")
        } catch {
            throw SourceError(.unwritable, "\(error)")
        }
        isFolderFlushed = true
    }

    /// Ends the set: the last table, the unreadable sectors, the digests.
    ///
    /// - Parameters:
    ///   - md5: of the medium, as is `sha1`.
    ///   - unreadable: sectors that could not be read, ascending.
    public func finish(md5: Digest, sha1: Digest, unreadable: [Range<Int>]) throws(SourceError) {
        try cutOff()
        if state.segment == 0 { try beginSegment() }
        try closeSectors()
        if let errors = EWFStructures.errors(unreadable) { try add("error2", errors) }
        try add("digest", EWFStructures.digest(md5: md5, sha1: sha1))
        try add("hash", EWFStructures.hash(md5: md5))
        try write(EWFStructures.descriptor("done", next: state.length, size: 0).span)
        try synchronize()
        file = nil
    }

    // MARK: Sections

    /// Bytes of the chunks that belong to the state but are not yet in the file.
    private var pending = 0

    /// Says whether a chunk, its table and what may have to follow fit into the segment.
    private func hasRoom(for length: Int) -> Bool {
        if state.entries.isEmpty, state.tables == EWFLayout.tablesPerSegment { return false }
        let isFirst = state.entries.isEmpty && state.tables == 0
        let opening = state.entries.isEmpty ? EWFSection.descriptorSize : 0
        let end =
            state.length + pending + opening + length + 2 * EWFStructures.tableSize(state.entries.count + 1)
            + EWFStructures.tailSize
        return isFirst || end <= facts.segmentSize
    }

    /// Closes what is full, so that a chunk has a place.
    private func makeRoom(for length: Int) throws(SourceError) {
        if state.segment == 0 { return try beginSegment() }
        let isTableFull = state.entries.count == EWFLayout.chunksPerTable
        if isTableFull { try closeSectors() }
        guard !hasRoom(for: length) else { return }
        try closeSectors()
        try write(EWFStructures.descriptor("next", next: state.length, size: 0).span)
        try file?.synchronize()
        try beginSegment()
    }

    private func beginSegment() throws(SourceError) {
        guard state.segment < EWFSegmentName.mostSegments else {
            throw SourceError(
                .unsupported,
                "The image needs more than \(EWFSegmentName.mostSegments) segments, for which there are no names. Choose "
                    + "larger segments.")
        }
        file = try ImageFile(creating: Self.path(stem, state.segment + 1))
        isFolderFlushed = false
        state.segment += 1
        state.length = 0
        state.tables = 0
        try write(EWFStructures.fileHeader(segment: state.segment).span)
        if state.segment == 1 {
            // EnCase writes the first of its headers twice.
            let header2 = EWFHeaderSections.header2(facts)
            try add("header2", header2)
            try add("header2", header2)
            try add("header", EWFHeaderSections.header(facts))
        }
        try add(state.segment == 1 ? "volume" : "data", EWFStructures.volume(facts))
    }

    private func openSectors() throws(SourceError) {
        state.sectorsAt = state.length
        // Its size is not known yet; until then it leads nowhere.
        try write(EWFStructures.descriptor("sectors", next: state.length, size: 0).span)
    }

    private func closeSectors() throws(SourceError) {
        guard !state.entries.isEmpty else { return }
        let size = state.length - state.sectorsAt
        try file?.write(
            EWFStructures.descriptor("sectors", next: state.length, size: size).span, at: state.sectorsAt)
        let table = EWFStructures.table(base: state.sectorsAt, state.entries)
        try add("table", table)
        try add("table2", table)
        state.entries = []
        state.tables += 1
    }

    private func add(_ type: String, _ content: [UInt8]) throws(SourceError) {
        try write(EWFStructures.section(type, content, at: state.length).span)
    }

    private func write(_ bytes: Span<UInt8>) throws(SourceError) {
        pending = 0
        guard !bytes.isEmpty else { return }
        try file?.write(bytes, at: state.length)
        state.length += bytes.count
    }

    // MARK: Going on

    /// Removes what an interrupted run wrote after its last durable point.
    private func cutOff() throws(SourceError) {
        guard isContinuing else { return }
        isContinuing = false
        try file?.setLength(state.length)
        var next = state.segment + 1
        while next <= EWFSegmentName.mostSegments, unsafe unlink(Self.path(stem, next)) == 0 { next += 1 }
    }
}
