import ArgumentParser
import Foundation
import Trust

/// Certificates that the user names.
enum CertificateFile {
    /// Reads every certificate of a PEM file.
    ///
    /// - Throws: `ValidationError` when it cannot be read or holds none.
    static func read(_ path: String) throws -> [Certificate] {
        let certificates: [Certificate]
        do {
            certificates = try Certificate.all(inPEM: try String(contentsOfFile: path, encoding: .utf8))
        } catch {
            throw ValidationError("The certificate file \(path) cannot be read: \(ErrorText.text(of: error))")
        }
        guard !certificates.isEmpty else {
            throw ValidationError("The certificate file \(path) holds no certificate in PEM.")
        }
        return certificates
    }
}
