public import FormatIdentification
public import SourceMedia

/// Turns candidates into artifacts: asks walkers and libmagic what starts where, and decides what belongs to what.
///
/// Documentation/Formats/carving.md states the rules. The result depends on the medium, the candidates, the walkers,
/// the databases and the limits only; not on the number of workers nor on how candidates are handed over.
public struct Carver: Sendable {
    let item: String
    let source: any ByteSource
    let walkers: [any FormatWalker]
    let magic: MagicDatabases
    let limits: CarveLimits
    let workers: Int
    /// Whether files in other files are looked for: pictures in documents, members of archives, attachments.
    public var opensContainers = false
    /// Folder in which large decoded content is kept while it is looked at, in files without a name.
    public var workFolder = "/var/tmp"
    /// Searches what lies between the finds at every offset, once they are known; nil where every offset was searched
    /// already, or none but the candidates shall be.
    public var gapSearch: SignatureSearch?

    /// - Parameters:
    ///   - item: id of the evidence item, for example "E001".
    ///   - source: the item's medium.
    ///   - walkers: asked in this order; the candidates must come from their signatures.
    ///   - magic: the databases that name what no walker knows.
    ///   - workers: threads, at least 1.
    public init(
        item: String, source: any ByteSource, walkers: [any FormatWalker] = allFormatWalkers, magic: MagicDatabases,
        limits: CarveLimits = CarveLimits(), workers: Int = 1
    ) {
        self.item = item
        self.source = source
        self.walkers = walkers
        self.magic = magic
        self.limits = limits
        self.workers = max(1, workers)
    }

    /// Carves the medium at the given offsets.
    ///
    /// - Parameters:
    ///   - candidates: offsets in ascending order, as ``SignatureIndex`` names them.
    ///   - progress: called from time to time, on any thread.
    /// - Throws: ``CarveError`` when libmagic or a digest cannot be used. What cannot be read at single places of the
    ///   medium is a warning of the result.
    public func carve(
        candidates: some Sequence<Int>, progress: @escaping @Sendable (CarveProgress) -> Void = { _ in }
    ) throws(CarveError) -> CarveResult {
        let run = try CarvingRun(self, progress: progress)
        for candidate in candidates { try run.add(candidate) }
        return try run.finish()
    }
}
