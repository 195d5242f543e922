import EvidenceModel
import Foundation
import Testing

@Suite("AFF4 images, with the real program")
struct AFF4Tests {
    let lab: Laboratory
    let parts: [AFF4Writer.Part]
    let medium: [UInt8]
    var writer = AFF4Writer()

    init() throws {
        lab = try Laboratory()
        var numbers = SeededNumbers(seed: 4)
        let data = (0..<700_000).map { $0 / 9000 % 2 == 0 ? 5 : UInt8(truncatingIfNeeded: numbers.next()) }
        parts = [.data(data), .symbolic("Zero", 3 << 20), .symbolic("SymbolicStreamFF", 4096), .data([1, 2, 3])]
        medium = AFF4Writer.medium(parts)
        writer.chunkSize = 32_768
        writer.stored = [.md5, .sha1]
        let made = try lab.signed("case", "new", "--case", lab.path("case"), "--number", "T-1")
        try #require(made.status == 0, "\(made.errors)")
    }

    private func ingest(_ file: String, item: String) throws -> (answer: Answer, value: CanonicalValue?) {
        let answer = try lab.signed("ingest", lab.path(file), "--case", lab.path("case"), "--item", item, "--json")
        let line = answer.text.split(separator: "\n").last.map { Array($0.utf8) } ?? []
        return (answer, line.isEmpty ? nil : try CanonicalValue(parsing: line))
    }

    @Test("every compression and a striped image give the medium's digests, and all of it verifies")
    func intact() throws {
        let sha256 = AFF4Writer.digest(.sha256, medium).hex
        for (index, method) in AFF4Writer.Method.allCases.enumerated() {
            var writer = writer
            writer.method = method
            writer.stripes = index % 2 + 1
            let folder = lab.folder.appending(path: "image\(index)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for (stripe, volume) in writer.write(parts).enumerated() {
                try lab.file("image\(index)/disk_\(stripe).aff4", volume.bytes)
            }
            let (answer, value) = try ingest("image\(index)/disk_0.aff4", item: "E\(index)")
            #expect(answer.status == 0, "\(method): \(answer.text)\(answer.errors)")
            #expect(value?["kind"]?.string == "aff4")
            #expect(value?["digests"]?["sha256"]?.string == sha256, "\(method)")
            #expect(value?["stored"]?.array?.allSatisfy { $0["match"]?.bool == true } == true, "\(method)")
        }
        let verification = try lab.run(["verify", "--case", lab.path("case")])
        #expect(verification.status == 0, "\(verification.text)")
    }

    @Test("a missing stripe, a false digest and a damaged segment end with status 1 and are named")
    func damaged() throws {
        var striped = writer
        striped.stripes = 2
        try lab.file("lone.aff4", striped.write(parts)[1].bytes)
        let lone = try ingest("lone.aff4", item: "E1")
        #expect(lone.answer.status == 1)
        #expect(lone.answer.text.contains(AFF4Writer.volume(0)))
        try FileManager.default.removeItem(atPath: lab.path("lone.aff4"))

        let stated = AFF4Writer.digest(.md5, medium).hex
        let false_ = String(stated.reversed())
        try lab.file("false.aff4", writer.write(parts)[0].replacing(stated, with: false_).bytes)
        let mismatch = try ingest("false.aff4", item: "E2")
        #expect(mismatch.answer.status == 1)
        #expect(mismatch.value?["stored"]?.array?.first?["match"]?.bool == false)
        try FileManager.default.removeItem(atPath: lab.path("false.aff4"))

        // Without block hashes this damage shows only while the medium is read.
        var plain = writer
        plain.blockHashes = []
        plain.method = .stored
        plain.stored = []
        let written = plain.write(parts)[0].written
        let place = try #require(written.places.first { $0.key.hasSuffix("/00000001") }?.value)
        var bytes = written.bytes
        bytes[place.lowerBound] ^= 1
        try lab.file("flipped.aff4", bytes)
        let flipped = try ingest("flipped.aff4", item: "E3")
        #expect(flipped.answer.status == 1)
        #expect(flipped.answer.text.contains("the checksum of segment 1"))
        let verification = try lab.run(["verify", "--case", lab.path("case")])
        #expect(verification.status == 1)
        #expect(verification.text.contains("the checksum of segment 1"))
    }

    @Test("a medium of exabytes is refused at once, with the number of bytes that are stored")
    func exabytes() throws {
        var volume = writer.write([.data([1, 2, 3])])[0]
        let text = String(decoding: volume["information.turtle"] ?? [], as: UTF8.self)
        volume["information.turtle"] = Array(
            text.replacingOccurrences(
                of: "aff4:size \"3\"^^xsd:long ; aff4:stored : .", with: "aff4:size \"\(1 << 61)\" ."
            )
            .utf8)
        try lab.file("sparse.aff4", volume.bytes)
        let (answer, _) = try ingest("sparse.aff4", item: "E1")
        #expect(answer.status != 0)
        #expect(answer.errors.contains("3 of them are stored in the container"))
    }
}
