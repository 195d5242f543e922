import EvidenceModel
import Foundation
import SourceMedia
import Testing

/// A folder of its own, with sets of segment files in it.
final class EWFFolder {
    let url = FileManager.default.temporaryDirectory.appending(path: "ewf-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appending(path: name).path }

    @discardableResult
    func file(_ name: String, _ content: [UInt8]) throws -> String {
        try Data(content).write(to: url.appending(path: name))
        return path(name)
    }

    /// Writes segments as name.E01 and on; answers the path of the first one.
    @discardableResult
    func set(_ segments: [[UInt8]], name: String = "disk", series: String = "E") throws -> String {
        for (index, segment) in segments.enumerated() {
            let number = index < 9 ? "0\(index + 1)" : "\(index + 1)"
            try file("\(name).\(series)\(number)", segment)
        }
        return path("\(name).\(series)01")
    }
}

/// Media and how a reader gives them.
enum EWFMedia {
    /// Bytes that look random and are the same in every run.
    static func medium(_ count: Int) -> [UInt8] {
        var state: UInt64 = 42
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }

    /// Reads in steps that fall together with no border of the format.
    static func all(_ source: any SourceReader, step: Int = 3001) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < source.size {
            let piece = try source.bytes(at: bytes.count, count: step)
            try #require(!piece.isEmpty)
            bytes += piece
        }
        return bytes
    }

    /// What a damaged set must give: the medium, with zeros exactly in the ranges that are reported.
    static func expectReadable(
        _ source: any SourceReader, of medium: [UInt8], lost: [Range<Int>],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var expected = medium
        for range in lost { for index in range { expected[index] = 0 } }
        #expect(try all(source) == expected, sourceLocation: sourceLocation)
        let reported = source.unreadable.map { $0.extent.offset..<$0.extent.end }
        #expect(reported == lost, sourceLocation: sourceLocation)
    }
}
