public import EvidenceModel
import Foundation

/// The folder of one case and where things lie in it. See `Documentation/Architecture.md`, "A case on disk".
public struct CaseFolder: Hashable, Sendable {
    /// Version of the layout, in `case.json`.
    public static let version = 1

    /// Absolute path without a slash at the end.
    public let path: String
    /// What `case.json` says.
    public let facts: CaseFacts

    public var rootCertificatesPath: String { path + "/ca.pem" }
    public var factsPath: String { path + "/case.json" }
    public var ledgerPath: String { path + "/ledger.custody" }
    public var catalogPath: String { path + "/catalog.sqlite" }
    public var evidencePath: String { path + "/evidence" }
    public var artifactsPath: String { path + "/artifacts" }
    public var reportsPath: String { path + "/reports" }
    public var checkpointsPath: String { path + "/checkpoints" }

    /// Path of a file about the ledger's head of so many entries, without its ending: `checkpoints/00000012`.
    func checkpointPath(entries: Int) -> String {
        let number = String(entries)
        return checkpointsPath + "/" + String(repeating: "0", count: max(0, 8 - number.count)) + number
    }

    /// Where the files about one evidence item lie.
    public func evidence(_ item: String) -> EvidenceFolder { EvidenceFolder(path: evidencePath + "/" + item) }

    /// Opens an existing case.
    ///
    /// - Throws: ``CaseError``: `notACase`, `newerVersion`, `damaged`.
    public init(opening path: String) throws(CaseError) {
        let absolute = Self.absolute(path)
        let facts: [UInt8]
        do {
            facts = try DurableFile.read(absolute + "/case.json", limit: 1 << 20)
        } catch {
            throw CaseError(
                .notACase,
                error.isMissing
                    ? "\(path) is not a case: it has no case.json. Make one with `exhibit case new`, or check the path."
                    : "The case \(path) cannot be opened: \(error.message).")
        }
        self.path = absolute
        self.facts = try CaseFacts(parsing: facts)
    }

    private init(path: String, facts: CaseFacts) {
        self.path = path
        self.facts = facts
    }

    /// Makes a case: whole or not at all.
    ///
    /// Everything is built in a folder beside the final one, which is renamed when `fill` has succeeded.
    /// - Parameters:
    ///   - path: must not exist yet, or be an empty folder.
    ///   - fill: makes ledger and certificates in the folder it is given, and answers the case's facts.
    /// - Throws: `exists`, `storage`, and what `fill` throws.
    static func create(at path: String, fill: (_ workPath: String) throws -> CaseFacts) throws -> CaseFolder {
        let absolute = absolute(path)
        let manager = FileManager.default
        if manager.fileExists(atPath: absolute) {
            let content = try? manager.contentsOfDirectory(atPath: absolute)
            guard content == [] else {
                throw CaseError(
                    .exists,
                    "\(path) exists already and is not an empty folder. Choose another folder for the new case.")
            }
        }
        let parent = (absolute as NSString).deletingLastPathComponent
        let work = parent + "/." + (absolute as NSString).lastPathComponent + ".new-\(UInt32.random(in: 0 ... .max))"
        do {
            try manager.createDirectory(atPath: work, withIntermediateDirectories: true)
            for folder in ["evidence", "artifacts", "reports", "checkpoints"] {
                try manager.createDirectory(atPath: work + "/" + folder, withIntermediateDirectories: false)
            }
        } catch {
            throw CaseError(.storage, "The case folder \(path) cannot be made: \(error.localizedDescription)")
        }
        do {
            let facts = try fill(work)
            try DurableFile.write(facts.canonical.encoded, to: work + "/case.json")
            try DurableFile.synchronizeFolder(work)
            try FolderSync.rename(work, to: absolute)
            return CaseFolder(path: absolute, facts: facts)
        } catch {
            try? manager.removeItem(atPath: work)
            throw error
        }
    }

    /// The path made absolute, without `..` and double slashes.
    public static func absolute(_ path: String) -> String {
        let full = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        return (full as NSString).standardizingPath
    }
}

/// The files about one evidence item: `evidence/<item>/`.
public struct EvidenceFolder: Hashable, Sendable {
    /// Absolute path.
    public let path: String

    public var manifestPath: String { path + "/manifest.json" }
    public var signaturePath: String { path + "/manifest.json.p7s" }
    public var timestampPath: String { path + "/manifest.json.tsr" }
    public var blocksPath: String { path + "/blocks.sha256" }
    public var filesPath: String { path + "/files.jsonl" }
    /// The comparison with known digests, when a list was given.
    public var knownPath: String { path + "/known.jsonl" }
    public var artifactsPath: String { path + "/artifacts.jsonl" }
    /// Where the source was last seen: a convenience, signed by nobody.
    public var locationPath: String { path + "/location.json" }
}

/// What is fixed when a case is made: `case.json`.
public struct CaseFacts: Hashable, Sendable {
    public var number: String
    public var title: String
    /// Language of its reports, for example "en".
    public var language: String
    /// The ledger's origin line.
    public var origin: String
    public var created: UTCTime

    var canonical: CanonicalValue {
        [
            "v": .integer(CaseFolder.version), "type": "exhibit.case", "number": .string(number),
            "title": .string(title), "language": .string(language), "origin": .string(origin),
            "created": .string(created.rfc3339),
        ]
    }

    init(number: String, title: String, language: String, origin: String, created: UTCTime) {
        self.number = number
        self.title = title
        self.language = language
        self.origin = origin
        self.created = created
    }

    init(parsing bytes: [UInt8]) throws(CaseError) {
        let value: CanonicalValue
        do {
            value = try CanonicalValue(parsing: bytes)
        } catch {
            throw CaseError(.damaged, "case.json is damaged: \(error). Nothing was changed.")
        }
        guard value["type"]?.string == "exhibit.case", let version = value["v"]?.integer else {
            throw CaseError(.notACase, "case.json is not that of an Exhibit case.")
        }
        guard version <= CaseFolder.version else {
            throw CaseError(
                .newerVersion,
                "The case was made by a later version of Exhibit (layout \(version), this one knows "
                    + "\(CaseFolder.version)). Nothing was changed. Use that version.")
        }
        guard let number = value["number"]?.string, let title = value["title"]?.string,
            let language = value["language"]?.string, let origin = value["origin"]?.string,
            let created = value["created"]?.string.flatMap({ UTCTime(rfc3339: $0) })
        else { throw CaseError(.damaged, "case.json lacks a field. Nothing was changed.") }
        self.init(number: number, title: title, language: language, origin: origin, created: created)
    }
}
