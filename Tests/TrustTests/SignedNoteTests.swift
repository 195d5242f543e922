import EvidenceModel
import Foundation
import Testing
import Trust

@Suite("Signed notes")
struct SignedNoteTests {
    private let text =
        "lab.example/custody/2026-0042/0011223344556677\n61\nhDjdQwC9KkEUmsxdcnqvNempMvaDm+QL5U0WeUl2SNU=\n"

    @Test("a note is signed, read and verified, here and by the recipe with stock tools")
    func roundTrip() throws {
        let key = try NoteKey.generate(name: "lab.example/workstation/1")
        let note = try key.sign(text)
        let parsed = try SignedNote(parsing: note.encoded)
        #expect(parsed == note)
        #expect(parsed.text == text)
        #expect(parsed.isSigned(by: key.verifier))
        #expect(try parsed.isSigned(by: NoteVerifier(vkey: key.vkey)))
        #expect(try !parsed.isSigned(by: NoteKey.generate(name: key.name).verifier))
        #expect(try !parsed.isSigned(by: NoteKey.generate(name: "other").verifier))

        let folder = try TemporaryFolder()
        try folder.write(note.encoded, "checkpoint")
        try folder.write(key.verifier.publicKeyPEM, "ledger.pub")
        let script = """
            awk 'NF==0{exit}{print}' checkpoint > b
            sed -n 's/^— [^ ]* //p' checkpoint | base64 -d | tail -c +5 > s
            openssl pkeyutl -verify -rawin -pubin -inkey ledger.pub -in b -sigfile s
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", script]
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    @Test("the published example of the Go note package is read and verified")
    func published() throws {
        // Text, key and signature of the documentation of golang.org/x/mod/sumdb/note.
        let verifier = try NoteVerifier(vkey: "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
        let note = """
            If you think cryptography is the answer to your problem,
            then you don't know what your problem is.

            — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

            """
        let parsed = try SignedNote(parsing: note)
        #expect(parsed.isSigned(by: verifier))
        #expect(parsed.encoded == note)
        #expect(verifier.vkey == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    }

    @Test("each flipped bit is refused by the reader or the verifier")
    func tampering() throws {
        let key = try NoteKey.generate(name: "lab.example/w")
        let note = Array(try key.sign(text).encoded.utf8)
        for position in note.indices {
            for bit in 0..<8 {
                var changed = note
                changed[position] ^= 1 << bit
                let isSigned = (try? SignedNote(parsing: changed))?.isSigned(by: key.verifier) ?? false
                #expect(!isSigned, "byte \(position), bit \(bit)")
            }
        }
    }

    @Test(
        "malformed notes are refused",
        arguments: [
            "", "\n", "text\n", "text\n\n", "text\n\n— name\n", "text\n\n— name AAAAAAA=", "text\n\n- name AAAAAAA=\n",
            "text\n\n— na+me AAAAAAA=\n", "text\n\n—  AAAAAAA=\n", "text\n\n— name AAAA\n", "text\n\n— name AAAAAAB=\n",
            "text\n\n— name AAAAAAA= \n", "text\n\n— name AAAAAAA=\nmore\n", "te\u{1}xt\n\n— name AAAAAAA=\n",
            "text\n\n— na\u{A0}me AAAAAAA=\n", "text\r\n\r\n— name AAAAAAA=\r\n", "\n\n— name AAAAAAA",
        ])
    func malformed(_ note: String) {
        #expect(throws: TrustError.self) { try SignedNote(parsing: note) }
    }

    @Test("blank lines in the text, further signatures and bytes that are not UTF-8")
    func edges() throws {
        let first = try NoteKey.generate(name: "first")
        let second = try NoteKey.generate(name: "second")
        let text = "a\n\n\nb\n"
        let both = try first.sign(text).adding(second.sign(text))
        let parsed = try SignedNote(parsing: both.encoded)
        #expect(parsed.text == text)
        #expect(parsed.isSigned(by: first.verifier) && parsed.isSigned(by: second.verifier))
        #expect(throws: TrustError.self) { try first.sign("x\n").adding(second.sign("y\n")) }
        #expect(throws: TrustError.self) { try first.sign("no newline") }
        #expect(throws: TrustError.self) { try NoteKey.generate(name: "a b") }
        #expect(throws: TrustError.self) { try SignedNote(parsing: [0xFF, 0x0A, 0x0A] + Array("— n AAAAAAA=\n".utf8)) }
        for vkey in [
            "", "a+b", "name+00000000+AQ==", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        ] {
            #expect(throws: TrustError.self) { try NoteVerifier(vkey: vkey) }
        }
    }
}
