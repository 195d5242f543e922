import Digesting
public import EvidenceModel

/// What the comparison with a list of known digests gave.
public struct KnownComparison: Hashable, Sendable {
    /// The answer for one digest of the list, or one file that it does not name.
    public enum Result: String, Hashable, Sendable {
        /// The medium, or the file of this name, has this digest.
        case matched
        /// The medium, or the file of this name, has another digest.
        case differs
        /// No file of this name is there; a file of another name has this digest.
        case renamed
        /// No file of this name is there, and none has this digest.
        case missing
        /// The digest is of something that was not digested.
        case notCompared = "not_compared"
        /// The file is not in the list.
        case unlisted
    }

    /// One line of `known.jsonl`.
    public struct Line: Hashable, Sendable {
        public let result: Result
        /// As the list states it; nil for a file that is not in the list.
        public let digest: Digest?
        /// The name in the list, or of the file that is not in it.
        public let name: [UInt8]?
        /// The digest that was taken.
        public var observed: Digest?
        /// For ``Result/renamed``: where a file with the digest is.
        public var found: [UInt8]?

        var canonical: CanonicalValue {
            var members: [String: CanonicalValue] = ["result": .string(result.rawValue)]
            if let digest {
                members["alg"] = .string(digest.algorithm.rawValue)
                members["hex"] = .string(digest.hex)
            }
            if let observed { members["observed"] = .string(observed.hex) }
            for (key, bytes) in [("name", name), ("found", found)] {
                guard let bytes else { continue }
                if let text = String(validating: bytes, as: UTF8.self) {
                    members[key] = .string(text)
                } else {
                    members[key + "_hex"] = .string(Hex.encode(bytes))
                }
            }
            return .object(members)
        }
    }

    public let list: KnownDigestList
    public let lines: [Line]

    func count(_ result: Result) -> Int { lines.count { $0.result == result } }

    /// `known.jsonl`.
    var encoded: [UInt8] { lines.flatMap { $0.canonical.encoded + [UInt8(ascii: "\n")] } }

    // MARK: A medium

    /// Compares the digests of a medium.
    ///
    /// A digest without a name is the medium's. In a list of several names, those of the source's files speak of it; a
    /// digest under the name of a container's file may be of that file or of the medium in it.
    /// - Parameters:
    ///   - sourceName: the last part of the source's path.
    ///   - files: the files that hold the source, with each one's own digest where it was taken.
    ///   - isContainer: the files' bytes are not the medium's.
    init(
        _ list: KnownDigestList, medium digests: [Digest], sourceName: [UInt8],
        files: [(name: [UInt8], sha256: Digest?)], isContainer: Bool
    ) {
        self.list = list
        let namesInList = Set(list.entries.compactMap(\.name))
        lines = list.entries.map { entry in
            func line(_ result: Result, _ observed: Digest?) -> Line {
                Line(result: result, digest: entry.digest, name: entry.name, observed: observed)
            }
            let ofMedium = digests.first { $0.algorithm == entry.digest.algorithm }
            if ofMedium == entry.digest { return line(.matched, ofMedium) }
            let last = entry.name.map { Self.lastComponent($0) }
            let file = last.flatMap { last in files.first { Self.lastComponent($0.name) == last } }
            if let file, isContainer || files.count > 1 {
                // The digest of that file, mostly; without the file's own one nobody can tell.
                guard let own = file.sha256, own.algorithm == entry.digest.algorithm else {
                    return line(.notCompared, nil)
                }
                return line(own == entry.digest ? .matched : .differs, own)
            }
            // Other names in a list of several belong to other items.
            if let last, file == nil, last != sourceName, namesInList.count > 1 { return line(.notCompared, nil) }
            return ofMedium.map { line(.differs, $0) } ?? line(.notCompared, nil)
        }
    }

    // MARK: Files

    /// Compares the digests of files, by their names and by their content.
    init(_ list: KnownDigestList, files: [(name: [UInt8], digests: [Digest])]) {
        self.list = list
        var byName: [[UInt8]: [Digest]] = [:]
        var byDigest: [Digest: [UInt8]] = [:]
        for file in files {
            byName[file.name] = file.digests
            for digest in file.digests where byDigest[digest] == nil { byDigest[digest] = file.name }
        }
        let names = KnownNames(list, there: Set(byName.keys))
        let algorithms = Set(files.flatMap { $0.digests.map(\.algorithm) })
        var listed: Set<[UInt8]> = []
        var lines: [Line] = []
        for entry in list.entries {
            let name = entry.name.map { names.path(of: $0) }
            var line = Line(result: .missing, digest: entry.digest, name: entry.name)
            if let name, let digests = byName[name] {
                listed.insert(name)
                let observed = digests.first { $0.algorithm == entry.digest.algorithm }
                let result: Result = observed.map { $0 == entry.digest ? .matched : .differs } ?? .notCompared
                line = Line(result: result, digest: entry.digest, name: entry.name, observed: observed)
            } else if !files.isEmpty, !algorithms.contains(entry.digest.algorithm) {
                line = Line(result: .notCompared, digest: entry.digest, name: entry.name)
            } else if let found = byDigest[entry.digest] {
                listed.insert(found)
                line = Line(
                    result: name == nil ? .matched : .renamed, digest: entry.digest, name: entry.name,
                    observed: entry.digest, found: found)
            }
            lines.append(line)
        }
        for file in files where !listed.contains(file.name) {
            lines.append(Line(result: .unlisted, digest: nil, name: file.name))
        }
        self.lines = lines
    }

    static func lastComponent(_ name: [UInt8]) -> [UInt8] {
        let isBorder: (UInt8) -> Bool = { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
        return Array(name.split(whereSeparator: isBorder).last ?? name[...])
    }
}

/// How names in a list become paths within the folder: by one rule for the whole list, so that no name is bent until it
/// fits.
struct KnownNames {
    /// Most leading folders that are left out.
    private static let mostLevels = 32

    private let isBackslashed: Bool
    private let level: Int

    /// Finds the rule under which most names of the list are there.
    init(_ list: KnownDigestList, there: Set<[UInt8]>) {
        let names = Set(list.entries.compactMap(\.name))
        var best = (hits: -1, isBackslashed: false, level: 0)
        let hasBackslash = names.contains { $0.contains(UInt8(ascii: "\\")) }
        for isBackslashed in hasBackslash ? [false, true] : [false] {
            let parts = names.map { Self.parts($0, isBackslashed) }
            for level in 0...Self.sharedLevels(parts) {
                let hits = parts.count { there.contains(Self.joined($0, level)) }
                if hits > best.hits { best = (hits, isBackslashed, level) }
            }
        }
        (isBackslashed, level) = (best.isBackslashed, best.level)
    }

    func path(of name: [UInt8]) -> [UInt8] { Self.joined(Self.parts(name, isBackslashed), level) }

    private static func parts(_ name: [UInt8], _ isBackslashed: Bool) -> [ArraySlice<UInt8>] {
        name.split { $0 == UInt8(ascii: "/") || isBackslashed && $0 == UInt8(ascii: "\\") }
            .filter { !$0.elementsEqual([UInt8(ascii: ".")]) }
    }

    private static func joined(_ parts: [ArraySlice<UInt8>], _ level: Int) -> [UInt8] {
        Array(parts.dropFirst(level).joined(separator: [UInt8(ascii: "/")]))
    }

    /// How many leading folders all names share.
    private static func sharedLevels(_ names: [[ArraySlice<UInt8>]]) -> Int {
        guard let first = names.first else { return 0 }
        var shared = min(first.count - 1, mostLevels)
        for name in names {
            shared = min(shared, name.count - 1)
            while shared > 0, !zip(name, first).prefix(shared).allSatisfy({ $0.elementsEqual($1) }) { shared -= 1 }
        }
        return max(0, shared)
    }
}
