/// Moving bytes between buffers.
enum AFF4Bytes {
    /// - Precondition: `bytes` holds as many bytes after `start` as `destination` has.
    static func copy(_ bytes: [UInt8], from start: Int, into destination: inout MutableSpan<UInt8>) {
        let count = destination.count
        unsafe destination.withUnsafeMutableBufferPointer { room in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                _ = unsafe room.update(fromContentsOf: bytes[start..<start + count])
            }
        }
    }

    static func fill(_ destination: inout MutableSpan<UInt8>, with byte: UInt8) {
        unsafe destination.withUnsafeMutableBufferPointer { room in unsafe room.update(repeating: byte) }
    }
}

/// Text from a container, as a message or a manifest may show it.
enum AFF4Text {
    /// Most characters of a value that are shown.
    static let longestValue = 4096

    /// Control characters, which could steer a terminal, are replaced; what is too long is cut.
    static func shown(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(longestValue) {
            switch scalar.properties.generalCategory {
            case .control where scalar != "\n" && scalar != "\t", .format, .surrogate: scalars.append("\u{FFFD}")
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }
}
