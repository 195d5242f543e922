import EvidenceModel
import Testing

@testable import Carving

@Suite struct MPEGAudioWalkerTests {
    /// Frames of 128 kbit/s at 44.1 kHz: 417 bytes each.
    static func frames(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).flatMap { _ in [0xFF, 0xFB, 0x90, 0x00] + generator.bytes(413) }
    }

    /// A first frame that states how many follow.
    static func counted(_ count: Int, seed: UInt64) -> [UInt8] {
        var first = [0xFF, 0xFB, 0x90, 0x00] + [UInt8](repeating: 0, count: 413)
        first.put(Array("Xing".utf8) + .be32(1) + .be32(count), at: 36)
        return first + frames(count, seed: seed)
    }

    static let tag: [UInt8] = {
        let text = [0] + Array("J. Doe".utf8)
        let frame = Array("TPE1".utf8) + .be32(text.count) + [0, 0] + text
        return Array("ID3".utf8) + [3, 0, 0, 0, 0, 0, UInt8(frame.count)] + frame
    }()

    @Test func endsAfterTheStatedFrames() throws {
        let file = Self.tag + Self.counted(12, seed: 1)
        expectExact(MPEGAudioWalker(), file, .structural, format: "mp3")
        let found = try #require(verdict(of: MPEGAudioWalker(), on: file).completed)
        #expect(found.facts["artist"] == "J. Doe")
        #expect(found.facts["duration_ms"] == 313)
        for length in stride(from: 0, to: file.count, by: 31) {
            #expect(verdict(of: MPEGAudioWalker(), on: Array(file[..<length])).completed == nil, "cut to \(length)")
        }
        expectNeverTraps(MPEGAudioWalker(), file, rounds: 300)
    }

    @Test func withoutACountItEndsWhereNoFrameFollows() {
        expectExact(MPEGAudioWalker(), Self.frames(9, seed: 2), .header, format: "mp3")
        let tagged = Self.frames(9, seed: 3) + Array("TAG".utf8) + [UInt8](repeating: 0, count: 125)
        // Nothing shows that the sound begins there.
        expectExact(MPEGAudioWalker(), tagged, .header, format: "mp3")
        expectExact(MPEGAudioWalker(), Self.tag + tagged, .structural, format: "mp3")
    }

    @Test func aFewFramesAloneAreNoFile() {
        #expect(verdict(of: MPEGAudioWalker(), on: Self.frames(3, seed: 4)).completed == nil)
    }
}
