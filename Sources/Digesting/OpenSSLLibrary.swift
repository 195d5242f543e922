internal import COpenSSL

/// The OpenSSL library that this process runs with.
public enum OpenSSLLibrary {
    /// For example "OpenSSL 3.0.22 25 Aug 2026"; manifests and reports print it.
    public static var version: String {
        guard let text = unsafe OpenSSL_version(OPENSSL_VERSION) else { return "OpenSSL of unknown version" }
        return unsafe String(cString: text)
    }

    /// Takes every error that OpenSSL queued on this thread, in its own words, the first cause first.
    ///
    /// The queue is emptied, so an old failure never explains a new one.
    package static func takeErrors() -> String {
        var messages: [String] = []
        while true {
            let code = ERR_get_error()
            guard code != 0 else { break }
            var buffer = [CChar](repeating: 0, count: 256)
            let size = buffer.count
            unsafe buffer.withUnsafeMutableBufferPointer { unsafe ERR_error_string_n(code, $0.baseAddress, size) }
            messages.append(
                String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        return messages.isEmpty ? "OpenSSL gave no reason" : messages.joined(separator: "; ")
    }
}
