import ArgumentParser
import Casework
import Foundation
import TimeStamping
import Trust

/// The time-stamping authority outside the laboratory.
struct TimestampOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Have it stamped also by this authority (RFC 3161 over HTTP or HTTPS).", valueName: "url"))
    var tsa: String?

    @Option(
        help: ArgumentHelp(
            "The authority's root certificate (PEM), with intermediate ones where its stamps lack them; kept in the case.",
            valueName: "file"))
    var tsaRoot: String?

    @Option(help: ArgumentHelp("Proxy on the way to the authority, instead of the environment's.", valueName: "url"))
    var tsaProxy: String?

    @Option(
        help: ArgumentHelp(
            "Certificates (PEM) to trust for HTTPS to the authority, instead of the system's.", valueName: "file"))
    var tsaCa: String?

    @Option(
        help: ArgumentHelp(
            "File whose first line is user:password, or Bearer and a token, for the authority.", valueName: "file"))
    var tsaCredentials: String?

    func validate() throws {
        if tsa == nil, tsaRoot != nil || tsaProxy != nil || tsaCa != nil || tsaCredentials != nil {
            throw ValidationError("--tsa-root, --tsa-proxy, --tsa-ca and --tsa-credentials belong to --tsa URL.")
        }
    }

    /// The authority, looked at before any long work; nil when none was named.
    ///
    /// - Parameter folder: the case, which may know the authority's root already.
    func authority(knownTo folder: CaseFolder?) throws -> OutsideAuthority? {
        guard let tsa else { return nil }
        let service = try TimestampService(
            address: tsa, proxy: tsaProxy, tlsRoots: tsaCa.map { CaseFolder.absolute($0) },
            credentialsFile: tsaCredentials)
        let roots = try tsaRoot.map { try CertificateFile.read($0) } ?? folder?.outsideRoots() ?? []
        guard !roots.isEmpty else {
            throw ValidationError(
                "--tsa needs --tsa-root FILE: the authority's root certificate, which its stamps are checked against.")
        }
        let authority = OutsideAuthority(service, roots: roots)
        if let warning = authority.warningBeforehand() { Terminal.say("Warning: \(warning)") }
        return authority
    }
}
