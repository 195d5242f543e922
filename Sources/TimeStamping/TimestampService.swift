import EvidenceModel
import Foundation

/// A time-stamping authority that is asked over HTTP or HTTPS (RFC 3161, section 3.4).
///
/// Debian's `curl` speaks to it, as a child process; see `Documentation/Decisions/0013-time-stamps-by-curl.md`. What comes
/// back is bytes of a bounded number and nothing more: the caller verifies them.
public struct TimestampService: Sendable {
    /// Largest answer that is taken, in bytes: tokens with long chains have some 20 KiB.
    public static let largestAnswer = 1 << 20
    /// Seconds to wait for a connection.
    public static let connectionTime = 15
    /// Seconds that the whole exchange may take.
    public static let exchangeTime = 60
    /// Largest credentials file, in bytes.
    static let largestCredentials = 64 << 10

    /// Where the authority is, for example "https://tsa.example/tsr"; holds no credentials.
    public let address: String
    /// The proxy to use; nil for what the environment says.
    public var proxy: String?
    /// A PEM file of the certificates that the server's TLS certificate must lead to; nil for those of the system.
    public var tlsRoots: String?
    /// `user:password`, or a word that begins with "Bearer "; nil for none.
    private var credentials: String?

    /// - Parameters:
    ///   - address: begins with "http://" or "https://", holds no user or password.
    ///   - credentialsFile: its first line is `user:password` or `Bearer TOKEN`; sent over HTTPS only, or to this machine.
    /// - Throws: ``TimestampServiceError`` with code `settings`.
    public init(
        address: String, proxy: String? = nil, tlsRoots: String? = nil, credentialsFile: String? = nil
    ) throws(TimestampServiceError) {
        let url = URL(string: address)
        guard address.utf8.count <= 2048, Self.isPlain(address), let url, let host = url.host, !host.isEmpty,
            ["http", "https"].contains(url.scheme?.lowercased() ?? "")
        else {
            throw TimestampServiceError(
                .settings,
                "\"\(address.prefix(200))\" is no address of a time-stamping authority: give http:// or https://.")
        }
        guard url.user == nil, url.password == nil else {
            throw TimestampServiceError(
                .settings,
                "The address of the time-stamping authority holds a user or password, which others could see. Put them into "
                    + "a file: --tsa-credentials FILE.")
        }
        if let proxy {
            guard Self.isPlain(proxy), URL(string: proxy)?.password == nil else {
                throw TimestampServiceError(.settings, "The proxy must be an address without a password.")
            }
        }
        if let credentialsFile {
            credentials = try Self.credentials(in: credentialsFile)
            guard url.scheme?.lowercased() == "https" || ["127.0.0.1", "::1", "localhost"].contains(host) else {
                throw TimestampServiceError(
                    .settings, "Credentials are sent over https only, so that nobody on the way can read them.")
            }
        }
        self.address = address
        self.proxy = proxy
        self.tlsRoots = tlsRoots
    }

    /// Printable ASCII without what would end a word or a quoted value.
    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }

    private static func credentials(in path: String) throws(TimestampServiceError) -> String {
        let bytes: [UInt8]
        do {
            bytes = try DurableFile.read(path, limit: largestCredentials)
        } catch {
            throw TimestampServiceError(.settings, "The credentials cannot be read: \(error.message)")
        }
        let line = String(
            decoding: bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }, as: UTF8.self)
        guard !line.isEmpty, !line.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }),
            line.hasPrefix("Bearer ") || line.contains(":")
        else {
            throw TimestampServiceError(
                .settings, "The first line of \(path) must be user:password, or Bearer and a token.")
        }
        return line
    }

    // MARK: Exchange

    /// Whether a connection to the server can be made: cheap, before long work.
    ///
    /// - Throws: ``TimestampServiceError`` with code `unreachable`, `missingTool`.
    public func reach() throws(TimestampServiceError) {
        let lines = ["head", "max-time = \(Self.connectionTime)"]
        _ = try Curl.run(configuration(lines), answerLimit: 1 << 16)
    }

    /// Sends a TimeStampReq in DER; answers what the server sent, unverified.
    ///
    /// - Throws: ``TimestampServiceError``.
    public func send(_ request: [UInt8]) throws(TimestampServiceError) -> [UInt8] {
        let file = FileManager.default.temporaryDirectory.appending(path: "exhibit-\(UUID().uuidString).tsq")
        do {
            try DurableFile.write(request, to: file.path, permissions: 0o600)
        } catch {
            throw TimestampServiceError(.missingTool, "The request cannot be written: \(error.message)")
        }
        // What stays behind in the temporary folder would be a digest and a random number.
        defer { try? FileManager.default.removeItem(at: file) }
        let lines = [
            "data-binary = \"@\(Curl.quoted(file.path))\"", "header = \"Content-Type: application/timestamp-query\"",
            "header = \"Accept: application/timestamp-reply\"", "header = \"Expect:\"",
            "max-time = \(Self.exchangeTime)", "max-filesize = \(Self.largestAnswer)",
        ]
        let answer = try Curl.run(configuration(lines), answerLimit: Self.largestAnswer)
        guard answer.status == 200 else {
            let what =
                (300..<400).contains(answer.status)
                ? "it redirects to another address, which is not followed: give that address itself"
                : "HTTP status \(answer.status)"
            throw TimestampServiceError(.refused, "The time-stamping authority \(address) gave no time stamp: \(what).")
        }
        guard answer.contentType == "application/timestamp-reply" else {
            throw TimestampServiceError(
                .notATimestamp,
                "The answer of \(address) is \(answer.contentType.isEmpty ? "of no type" : answer.contentType), not "
                    + "application/timestamp-reply. Is this the address of a time-stamping authority?")
        }
        return answer.body
    }

    /// curl's configuration, which goes through its standard input: no secret on the command line.
    private func configuration(_ lines: [String]) -> String {
        var all = [
            "url = \"\(address)\"", "silent", "show-error", "globoff", "tlsv1.2", "proto = \"=http,https\"",
            "connect-timeout = \(Self.connectionTime)", "user-agent = \"Exhibit\"",
            "write-out = \"%{stderr}\\n%{http_code} %{content_type}\\n\"",
        ]
        if let proxy { all.append("proxy = \"\(Curl.quoted(proxy))\"") }
        if let tlsRoots { all.append("cacert = \"\(Curl.quoted(tlsRoots))\"") }
        if let credentials {
            all.append(
                credentials.hasPrefix("Bearer ")
                    ? "header = \"Authorization: \(Curl.quoted(credentials))\""
                    : "user = \"\(Curl.quoted(credentials))\"")
        }
        return (all + lines).joined(separator: "\n") + "\n"
    }
}
