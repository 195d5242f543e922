import Testing

@testable import Reporting

struct EvidenceTextTests {
    @Test(arguments: [
        ("plain name.txt", "plain name.txt"),
        ("a\u{202E}gpj.exe", "a⟦U+202E⟧gpj.exe"),
        ("\u{2066}x\u{2069}", "⟦U+2066⟧x⟦U+2069⟧"),
        ("a\u{0}\u{1B}[2J\u{7F}", "a⟦NUL⟧⟦ESC⟧[2J⟦DEL⟧"),
        ("line\r\nbreak", "line⟦CR⟧⟦LF⟧break"),
        (" in the middle ", "⟦SP⟧in the middle⟦SP⟧"),
        ("a\u{A0}b\u{3000}c", "a⟦U+00A0⟧b⟦U+3000⟧c"),
        ("zero\u{200B}width\u{FEFF}", "zero⟦U+200B⟧width⟦U+FEFF⟧"),
        ("tag\u{E0041}", "tag⟦U+E0041⟧"),
        ("private\u{E000}\u{10FFFF}", "private⟦U+E000⟧⟦U+10FFFF⟧"),
        ("⟦U+202E⟧", "⟦U+27E6⟧U+202E⟦U+27E7⟧"),
        ("صورة 証拠 תמונה Ω é", "صورة 証拠 תמונה Ω é"),
        ("", ""),
    ])
    func whatCannotBeSeenIsNamed(_ text: String, _ shown: String) {
        #expect(EvidenceText.plain(text) == shown)
    }

    @Test func brokenUTF8IsShownByteByByte() {
        func shown(_ bytes: [UInt8]) -> String {
            EvidenceText.pieces(EvidenceString(bytes: bytes)).map(\.text).joined()
        }
        #expect(shown([0x61, 0xFF, 0x62]) == "a⟦0xFF⟧b")
        #expect(shown([0xC0, 0xAF]) == "⟦0xC0⟧⟦0xAF⟧")  // overlong "/"
        #expect(shown([0xE0, 0x80, 0x80]) == "⟦0xE0⟧⟦0x80⟧⟦0x80⟧")
        #expect(shown([0xED, 0xA0, 0x80, 0xED, 0xBF, 0xBF]) == "⟦U+D800⟧⟦U+DFFF⟧")
        #expect(shown([0xF4, 0x90, 0x80, 0x80]) == "⟦0xF4⟧⟦0x90⟧⟦0x80⟧⟦0x80⟧")
        #expect(shown([0xE2, 0x82]) == "⟦0xE2⟧⟦0x82⟧")
        #expect(shown([0xF0, 0x9F, 0x98, 0x80]) == "😀")
    }

    @Test func lengthIsBounded() {
        #expect(EvidenceText.plain(String(repeating: "x", count: 1000), limit: 10) == "xxxxxxxxxx⟦+990⟧")
        #expect(EvidenceText.plain("xxxxxxxxxx", limit: 10) == "xxxxxxxxxx")
        let stacked = "Z" + String(repeating: "\u{0300}", count: 10)
        #expect(EvidenceText.plain(stacked).hasSuffix(String(repeating: "⟦U+0300⟧", count: 6)))
    }

    /// Whatever the bytes are, what comes out has no control, format or private character and no forged mark.
    @Test func nothingInvisiblePasses() {
        var generator = SeededGenerator(seed: 42)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: .min ... .max, using: &generator)
            }
            let pieces = EvidenceText.pieces(EvidenceString(bytes: bytes))
            for piece in pieces where !piece.isMark {
                for scalar in piece.text.unicodeScalars {
                    #expect(scalar == " " || scalar.value > 0x20)
                    #expect(scalar != "⟦" && scalar != "⟧")
                    switch scalar.properties.generalCategory {
                    case .control, .format, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
                        Issue.record("U+\(String(scalar.value, radix: 16)) passes")
                    default: break
                    }
                }
            }
        }
    }
}

/// SplitMix64: the same numbers on every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
