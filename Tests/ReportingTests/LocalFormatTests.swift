import EvidenceModel
import Testing

@testable import Reporting

struct LocalFormatTests {
    private let english = LocalFormat(language: .english)
    private let french = LocalFormat(language: .french)

    @Test func numbers() {
        #expect(english.number(0) == "0")
        #expect(english.number(999) == "999")
        #expect(english.number(1000) == "1,000")
        #expect(english.number(-1_234_567) == "−1,234,567")
        #expect(english.number(.min) == "−9,223,372,036,854,775,808")
        #expect(french.number(1_234_567) == "1\u{202F}234\u{202F}567")
    }

    @Test func sizes() {
        #expect(english.size(1) == "1\u{A0}byte")
        #expect(english.size(0) == "0\u{A0}bytes")
        #expect(french.size(0) == "0\u{A0}octet")
        #expect(french.size(2) == "2\u{A0}octets")
        #expect(english.size(1023) == "1,023\u{A0}bytes")
        #expect(english.size(1536) == "1.5\u{A0}KiB")
        #expect(english.size((1 << 20) - 1) == "1,023.9\u{A0}KiB")
        #expect(french.size(16 << 20) == "16,0\u{A0}Mio")
        #expect(english.size(.max) == "7.9\u{A0}EiB")
        #expect(english.fullSize(2048) == "2.0\u{A0}KiB (2,048\u{A0}bytes)")
    }

    @Test func shares() {
        #expect(english.percent(317, of: 402) == "78.8\u{A0}%")
        #expect(french.percent(1, of: 1) == "100,0\u{A0}%")
        #expect(english.percent(9999, of: 10000) == "99.9\u{A0}%")
        #expect(english.percent(0, of: 0) == nil)
        #expect(english.percent(2, of: 1) == nil)
        #expect(english.percent(.max, of: .max) == nil)
        #expect(english.share(1, of: 4_000_000) == "<\u{A0}0.1\u{A0}%")
        #expect(french.share(1, of: 1001) == "<\u{A0}0,1\u{A0}%")
        #expect(english.share(1, of: 1000) == "0.1\u{A0}%")
        #expect(english.share(0, of: 1000) == "0.0\u{A0}%")
        #expect(english.share(999_999, of: 1_000_000) == "99.9\u{A0}%")
        #expect(english.share(0, of: 0) == "–")
    }

    @Test func dates() {
        let time = UTCTime(milliseconds: 1_795_282_494_000)
        #expect(english.dateTime(time) == "21\u{A0}November\u{A0}2026, 17:34:54\u{A0}UTC")
        #expect(french.dateTime(time) == "21\u{A0}novembre\u{A0}2026 à 17:34:54\u{A0}UTC")
        #expect(french.date(UTCTime(milliseconds: 1_796_083_200_000)) == "1er\u{A0}décembre\u{A0}2026")
        #expect(english.tableDate(time) + " " + english.clock(time) == "2026-11-21 17:34:54")
    }
}
