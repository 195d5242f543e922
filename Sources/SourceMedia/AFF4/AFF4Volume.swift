/// One ZIP file of an image: its members and what it says of them.
final class AFF4Volume: Sendable {
    /// Most bytes of `version.txt` and `container.description` that are read.
    static let largestNote = 4096

    let path: String
    let file: ReadOnlyFile
    /// Its URN; empty when it states none.
    let urn: String
    let graph: AFF4Graph
    /// Bytes of its `information.turtle`.
    let textSize: Int
    /// Of `version.txt`, by name.
    let version: [String: String]
    /// What is damaged in what was read of it so far.
    let damage: [String]
    private let directory: AFF4ZipDirectory

    var name: String { SourceOpener.lastComponent(path) }
    var memberCount: Int { directory.members.count }

    /// Opens a file; nil when it is no ZIP file, or none that holds a volume.
    ///
    /// - Throws: ``SourceError``: `missing`, `unreadable`, `unsupported`.
    static func open(_ path: String) throws(SourceError) -> AFF4Volume? {
        let file = try ReadOnlyFile(path: Array(path.utf8))
        guard let end = try AFF4ZipEnd.read(file) else { return nil }
        let directory = try AFF4ZipDirectory(file, end)
        let hasDescription = !directory.candidates(hash("container.description")).isEmpty
        let hasTurtle = !directory.candidates(hash("information.turtle")).isEmpty
        guard hasDescription || hasTurtle else { return nil }
        return try AFF4Volume(path, file, end, directory)
    }

    private static func hash(_ name: String) -> UInt64 { AFF4Name.hash(Array(name.utf8)) }

    private init(_ path: String, _ file: ReadOnlyFile, _ end: AFF4ZipEnd, _ directory: AFF4ZipDirectory)
        throws(SourceError)
    {
        self.path = path
        self.file = file
        self.directory = directory
        let name = SourceOpener.lastComponent(path)
        var damage: [String] = []
        if let flaw = directory.flaw { damage.append("\(name): \(flaw)") }

        func content(_ member: String, limit: Int) throws(SourceError) -> [UInt8]? {
            switch try AFF4Segment.open(Array(member.utf8), in: file, directory) {
            case .missing: return nil
            case .damaged(let problem):
                damage.append("\(name): \(problem)")
                return nil
            case .found(let segment):
                guard let bytes = segment.bytes(limit: limit) else {
                    damage.append("\(name): member \"\(member)\" has more than \(limit) bytes, or cannot be read")
                    return nil
                }
                if !segment.checksumHolds {
                    damage.append("\(name): the checksum of member \"\(member)\" does not hold")
                }
                return bytes
            }
        }

        let described = try content("container.description", limit: Self.largestNote)
        let urns = [described, end.comment].map { Self.urn($0 ?? []) }.filter { !$0.isEmpty }
        urn = urns.first ?? ""
        if urns.count == 2, urns[0] != urns[1] {
            damage.append("\(name): container.description and the ZIP comment name different volumes")
        }
        version = Self.lines(try content("version.txt", limit: Self.largestNote) ?? [])
        if let text = try content("information.turtle", limit: AFF4Turtle.largestText) {
            textSize = text.count
            let (graph, flaw) = AFF4Turtle.read(text)
            self.graph = graph
            if let flaw { damage.append("\(name): information.turtle, line \(flaw.line): \(flaw.problem)") }
        } else {
            textSize = 0
            graph = AFF4Graph()
            if damage.isEmpty { damage.append("\(name): it has no information.turtle") }
        }
        self.damage = damage
    }

    /// The member that holds the bytes of an AFF4 object.
    ///
    /// An object below the volume's own URN may be stored under its name relative to it (Standard v1.0, 5.1).
    func segment(_ urn: String) throws(SourceError) -> AFF4Segment.Lookup {
        let whole = AFF4Name.plain(Array(urn.utf8))
        let found = try AFF4Segment.open(whole, in: file, directory)
        let own = AFF4Name.plain(Array(self.urn.utf8)) + [UInt8(ascii: "/")]
        guard case .missing = found, !self.urn.isEmpty, whole.starts(with: own) else { return found }
        return try AFF4Segment.open(Array(whole.dropFirst(own.count)), in: file, directory)
    }

    /// "name=value" of each line.
    private static func lines(_ bytes: [UInt8]) -> [String: String] {
        var values: [String: String] = [:]
        for line in bytes.split(whereSeparator: { $0 == 10 || $0 == 13 }) {
            let parts = line.split(separator: UInt8(ascii: "="), maxSplits: 1)
            guard parts.count == 2 else { continue }
            values[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self)
        }
        return values
    }

    /// A URN at the start of some bytes; empty when none stands there.
    private static func urn(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes.prefix { $0 > 0x20 && $0 < 0x7F }, as: UTF8.self)
        return text.hasPrefix("aff4:") ? text : ""
    }
}
