/// The compiled databases of a run, in the order in which they are asked.
///
/// A value to make once and hand to every worker: each opens its own ``MagicCookie`` on it.
public struct MagicDatabases: Sendable {
    /// The databases that libmagic loads, the most specific first.
    public let images: [CompiledMagic]
    /// What each of them holds, as far as its layout is known.
    public let contents: [Content]
    /// What of them is fixed bytes at fixed offsets.
    public var signatures: [FormatSignature] { contents.flatMap(\.signatures) }
    /// What could not be used and why, for the provenance of the run.
    public let notes: [String]

    /// What a database holds.
    public struct Content: Hashable, Sendable {
        /// The database's name, as in ``CompiledMagic/name``.
        public let name: String
        /// Number of its top-level tests.
        public let topLevelCount: Int
        /// Those of them that compare fixed bytes at a fixed offset.
        public let signatures: [FormatSignature]
    }

    /// Takes those of `images` that libmagic loads.
    ///
    /// A database that libmagic loads but whose layout is unknown here still names bytes; it then adds no signatures,
    /// and a note says so.
    /// - Throws: ``MagicError`` with code `unavailable` when none can be loaded.
    public init(_ images: [CompiledMagic], notes: [String] = []) throws(MagicError) {
        var usable: [CompiledMagic] = []
        var contents: [Content] = []
        var notes = notes
        for image in images {
            do throws(MagicError) {
                _ = try MagicCookie(loading: [image], limits: MagicLimits())
                usable.append(image)
            } catch {
                notes.append("\(image.name): not used: \(error.message)")
                continue
            }
            do throws(MagicError) {
                let database = try image.withBytes { (bytes) throws(MagicError) in
                    try MagicDatabase(compiled: bytes)
                }
                contents.append(
                    Content(
                        name: image.name, topLevelCount: database.topLevelCount, signatures: database.signatures))
            } catch {
                notes.append("\(image.name): gives no signatures to the search: \(error.message)")
            }
        }
        guard !usable.isEmpty else {
            throw MagicError(
                .unavailable, "no magic database can be used; install libmagic1. " + notes.joined(separator: "; "))
        }
        self.images = usable
        self.contents = contents
        self.notes = notes
    }

    /// Exhibit's own database, then the system's; before both, those of the examiner.
    ///
    /// Without a system database the run goes on with Exhibit's own, and a note says so.
    /// - Throws: ``MagicError`` when not even that can be loaded.
    public static func standard(after examiners: [CompiledMagic] = []) throws(MagicError) -> MagicDatabases {
        var images = examiners + [CompiledMagic.exhibit]
        var notes: [String] = []
        var found = false
        for path in MagicLibrary.databasePaths() where !found {
            do throws(MagicError) {
                images.append(try CompiledMagic(path: path))
                found = true
            } catch {
                notes.append(error.message)
            }
        }
        // A path that libmagic merely could have used is of no interest once another one was found.
        return try MagicDatabases(images, notes: found ? [] : notes)
    }
}
