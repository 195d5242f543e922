import EvidenceModel
import Foundation
import Synchronization
import Testing
import Trust

@testable import Reporting

private let keptFolders = Mutex<[String]>([])

/// A folder for one test, removed with the last reference to it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("report-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// A folder that lives as long as the test run: what is shared by tests is never released before.
    static func forWholeRun() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        keptFolders.withLock { $0.append(folder.path) }
        atexit { keptFolders.withLock { for path in $0 { try? FileManager.default.removeItem(atPath: path) } } }
        return folder
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    @discardableResult
    func write(_ bytes: [UInt8], _ name: String) throws -> String {
        try DurableFile.write(bytes, to: file(name))
        return file(name)
    }

    func read(_ name: String) throws -> [UInt8] { try DurableFile.read(file(name), limit: 1 << 28) }

    /// Runs a stock tool in this folder; its two outputs come as one text.
    @discardableResult
    func run(_ words: String...) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.currentDirectoryURL = URL(fileURLWithPath: path)
        process.standardInput = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}

/// A laboratory for trying out: root, examiner and time-stamp authority.
struct Laboratory {
    let root: Certificate
    let signer: Signer
    let authority: TimestampAuthority

    init() throws {
        let start = UTCTime(seconds: 1_700_000_000)
        let end = UTCTime(seconds: 4_000_000_000)
        let rootKey = try PrivateKey.generateP256()
        root = try TrialCertificates.root(organization: "Test Lab", key: rootKey, notBefore: start, notAfter: end)
        let key = try PrivateKey.generateP256()
        signer = try Signer(
            key: key,
            certificate: try TrialCertificates.examiner(
                name: "A. Examiner", organization: "Test Lab", key: key, notBefore: start, notAfter: end, issuer: root,
                issuerKey: rootKey))
        let stampKey = try PrivateKey.generateP256()
        authority = try TimestampAuthority(
            signer: try Signer(
                key: stampKey,
                certificate: try TrialCertificates.timestampAuthority(
                    organization: "Test Lab", key: stampKey, notBefore: start, notAfter: end, issuer: root,
                    issuerKey: rootKey)))
    }
}

/// The sample report, issued once for all tests that only look at it.
enum IssuedSample {
    struct Files: Sendable {
        let folder: TemporaryFolder
        let report: IssuedReport
        let laboratory: Laboratory
    }

    /// In English with a time stamp, and in French without.
    static let english = Task { try await issue(.english, timestamped: true) }
    static let french = Task { try await issue(.french, timestamped: false) }

    private static func issue(_ language: ReportLanguage, timestamped: Bool) async throws -> Files {
        let folder = try TemporaryFolder.forWholeRun()
        let laboratory = try Laboratory()
        var model = SampleReport.model(isTrial: false, thumbnails: try await SampleReport.thumbnails())
        model.verification.rootSHA256 = laboratory.root.sha256.hex
        let report = try await ReportWriter.write(
            model, language: language, into: folder.file("R01"), signer: laboratory.signer,
            timestamp: timestamped ? laboratory.authority : nil)
        try folder.write(Array(laboratory.root.pem.utf8), "ca.pem")
        try folder.run("mkdir", "nss")
        try folder.run("certutil", "-N", "-d", "sql:nss", "--empty-password")
        try folder.run("certutil", "-A", "-d", "sql:nss", "-n", "lab", "-t", "C,C,C", "-i", "ca.pem")
        // For looking at the pages: a folder that outlives the test.
        if let kept = ProcessInfo.processInfo.environment["EXHIBIT_KEEP_SAMPLE_REPORT"] {
            for name in ["report.pdf", "report.html"] {
                try DurableFile.write(
                    try folder.read("R01/" + name), to: "\(kept)/\(language.rawValue)-\(name)")
            }
        }
        return Files(folder: folder, report: report, laboratory: laboratory)
    }
}
