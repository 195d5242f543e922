public import Foundation

/// A small file of a known format, from test-images/samples.
public struct Sample: Hashable, Sendable {
    /// The folder it lies in: the format's short name, such as "jpg".
    public let type: String
    /// Its file name.
    public let name: String
    /// Its content.
    public let bytes: [UInt8]
}

/// The samples that images are built from.
public struct SampleLibrary: Sendable {
    /// Every sample, by type and name in byte order.
    public let samples: [Sample]

    /// Reads `folder`/<type>/<name>.
    ///
    /// Throws when the folder cannot be read, or holds no sample.
    public init(folder: URL) throws {
        samples = try regularFiles(under: folder).compactMap { path in
            let parts = path.split(separator: "/").map(String.init)
            guard parts.count == 2 else { return nil }
            return Sample(type: parts[0], name: parts[1], bytes: try readFile(folder.appending(path: path)))
        }
        guard !samples.isEmpty else {
            throw BuilderError("\(folder.path) holds no samples: scripts/make-samples makes them")
        }
    }

    /// The sample at "type/name".
    ///
    /// Throws when there is none.
    public func sample(_ path: String) throws -> Sample {
        guard let found = samples.first(where: { "\($0.type)/\($0.name)" == path }) else {
            throw BuilderError("no sample \(path) under test-images/samples")
        }
        return found
    }
}

/// Why an image could not be built, or differs.
public struct BuilderError: Error, Hashable, CustomStringConvertible {
    /// What went wrong, and what to do.
    public let description: String
    init(_ description: String) { self.description = description }
}

/// The whole file.
func readFile(_ file: URL) throws -> [UInt8] { [UInt8](try Data(contentsOf: file)) }

/// Paths of the regular files under a folder, relative to it, in byte order; symbolic links are left out.
func regularFiles(under folder: URL) throws -> [String] {
    let manager = FileManager.default
    return try manager.subpathsOfDirectory(atPath: folder.path).filter { path in
        let attributes = try manager.attributesOfItem(atPath: folder.appending(path: path).path)
        return attributes[.type] as? FileAttributeType == .typeRegular
    }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}
