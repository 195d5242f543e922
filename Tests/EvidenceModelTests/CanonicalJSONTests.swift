import EvidenceModel
import Testing

@Suite("Canonical JSON")
struct CanonicalJSONTests {
    @Test("keys are sorted, controls escaped, everything else verbatim")
    func encodes() {
        let value: CanonicalValue = [
            "z": 1, "a": ["b": [true, .null, -5], "a": "a\"\\/\u{1}\n\u{7F}é𝄞"],
        ]
        #expect(value.encodedText == #"{"a":{"a":"a\"\\/\u0001\n"# + "\u{7F}é𝄞" + #"","b":[true,null,-5]},"z":1}"#)
    }

    @Test("what parses re-encodes to the same bytes")
    func parsesItsOwnEncoding() throws {
        let value: CanonicalValue = ["list": [1, 2, "three"], "nested": ["deep": ["x": false]], "text": "tab\there"]
        #expect(try CanonicalValue(parsing: value.encoded) == value)
    }

    @Test(
        "other spellings are refused",
        arguments: [
            "{\"a\":1,\"a\":1}", "{\"b\":1,\"a\":1}", "{ \"a\":1}", "{\"a\":01}", "{\"a\":1.0}", "{\"A\":1}", "[1,]",
            "{\"a\":9007199254740992}", "\"\\u0041\"", "\"\\/\"", "-0", "", "{\"a\":1} ", "nul", "[[[",
        ])
    func refuses(text: String) {
        #expect(throws: CanonicalParseError.self) { try CanonicalValue(parsing: Array(text.utf8)) }
    }

    @Test("bytes that are not UTF-8 and deep nesting are refused")
    func refusesHostileBytes() {
        #expect(throws: CanonicalParseError.self) { try CanonicalValue(parsing: [0x22, 0xFF, 0x22]) }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        #expect(throws: CanonicalParseError.self) { try CanonicalValue(parsing: deep) }
    }
}

@Suite("UTC time")
struct UTCTimeTests {
    @Test("known moments")
    func formats() {
        #expect(UTCTime(milliseconds: 0).rfc3339 == "1970-01-01T00:00:00.000Z")
        #expect(UTCTime(milliseconds: -1).rfc3339 == "1969-12-31T23:59:59.999Z")
        #expect(UTCTime(seconds: 951_782_400).rfc3339 == "2000-02-29T00:00:00.000Z")
    }

    @Test("format and parse are inverse, and impossible dates do not parse")
    func roundTrip() {
        for milliseconds in stride(from: Int64(-2_000_000_000_000), through: 5_000_000_000_000, by: 86_399_999_777) {
            let time = UTCTime(milliseconds: milliseconds)
            #expect(UTCTime(rfc3339: time.rfc3339) == time)
        }
        #expect(UTCTime(rfc3339: "2023-02-29T00:00:00.000Z") == nil)
        #expect(UTCTime(rfc3339: "2023-01-01T00:00:00Z") == nil)
    }
}
