import EvidenceModel
import Foundation
import Testing
import Trust

/// A folder for one test, removed with the last reference to it.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("trust-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ bytes: [UInt8], _ name: String) throws -> String {
        try DurableFile.write(bytes, to: path + "/" + name)
        return path + "/" + name
    }

    @discardableResult
    func write(_ text: String, _ name: String) throws -> String { try write(Array(text.utf8), name) }

    func read(_ name: String) throws -> [UInt8] { try DurableFile.read(path + "/" + name, limit: 1 << 24) }

    /// Runs the stock openssl in this folder.
    @discardableResult
    func openssl(_ arguments: String...) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
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

/// A laboratory for one test.
struct Laboratory {
    let rootKey: PrivateKey
    let root: Certificate
    static let start = UTCTime(seconds: 1_700_000_000)
    static let end = UTCTime(seconds: 4_000_000_000)

    init() throws {
        rootKey = try .generateP256()
        root = try TrialCertificates.root(
            organization: "Test Lab", key: rootKey, notBefore: Self.start, notAfter: Self.end)
    }

    func examiner(
        _ name: String = "A. Examiner", key: PrivateKey? = nil, from: UTCTime = Laboratory.start,
        to: UTCTime = Laboratory.end
    ) throws -> Signer {
        let key = try key ?? .generateP256()
        let certificate = try TrialCertificates.examiner(
            name: name, organization: "Test Lab", key: key, notBefore: from, notAfter: to, issuer: root,
            issuerKey: rootKey)
        return try Signer(key: key, certificate: certificate)
    }
}

extension SignatureVerdict {
    var problem: SignatureProblem? {
        if case .invalid(let problem) = self { problem } else { nil }
    }

    var verified: VerifiedSignature? {
        if case .valid(let signature) = self { signature } else { nil }
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, seeded, the same on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
