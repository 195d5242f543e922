internal import Digesting
public import EvidenceModel

/// What lies where in an image: the ground truth that results are compared with.
public struct Truth: Sendable {
    /// The recipe's name.
    public var image: String
    /// The seed the layout came from.
    public var seed: String
    /// The unit of alignment, in bytes.
    public var block: Int
    /// Size of the medium in bytes; nil for a folder.
    public var size: Int?
    /// Digest of the medium; nil for a folder.
    public var sha256: Digest?
    /// Every planted file, in the order of its first byte.
    public var files: [PlantedFile]

    /// JSON with one planted file a line: members sorted, the same bytes each time.
    public var encoded: [UInt8] {
        var head: [String: CanonicalValue] = ["block": .size(block), "image": .string(image), "seed": .string(seed)]
        head["size"] = size.map { .size($0) }
        head["sha256"] = sha256.map { .string($0.hex) }
        let members = head.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value.encodedText)" }
        let lines = files.map(\.value.encodedText).joined(separator: ",\n")
        return Array("{\(members.joined(separator: ",")),\"files\":[\n\(lines)\n]}\n".utf8)
    }
}

/// A file that a recipe planted.
public struct PlantedFile: Sendable {
    /// The format's short name; for a decoy, the format it pretends to be.
    public var type: String
    /// The sample's file name, or a name for what the recipe made.
    public var name: String
    /// Size of the whole file, in bytes.
    public var size: Int
    /// Digest of the whole file.
    public var sha256: Digest
    /// Where its bytes lie, in the order of its content. Of an incomplete file: what is left of it.
    public var extents: [Extent]
    /// Whether the extents hold the whole file, and it is what its type says.
    public var isComplete = true
    /// Whether it only begins like its type: nothing here is a file of that type.
    public var isDecoy = false
    /// In a file system: its path there.
    public var path: String?
    /// In a file system: "present" or "deleted".
    public var state: String?
    /// What is wrong with it, or worth knowing.
    public var note: String?

    /// A planted file whose content is `bytes`.
    public init(type: String, name: String, bytes: [UInt8], extents: [Extent]) throws {
        self.type = type
        self.name = name
        self.extents = extents
        size = bytes.count
        sha256 = try digest(.sha256, of: bytes)
    }

    var value: CanonicalValue {
        .object(compacting: [
            "complete": .bool(isComplete), "decoy": isDecoy ? .bool(true) : nil,
            "extents": .array(extents.map { ["offset": .size($0.offset), "length": .size($0.length)] }),
            "name": .string(name), "note": note.map { .string($0) }, "path": path.map { .string($0) },
            "sha256": .string(sha256.hex), "size": .size(size), "state": state.map { .string($0) },
            "type": .string(type),
        ])
    }
}
