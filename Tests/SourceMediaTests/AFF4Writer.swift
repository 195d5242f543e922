import CLZ4
import CSnappy
import Digesting
import EvidenceModel
import Foundation

/// Writes AFF4 images as the standard says, for tests only: small, and with every part in reach.
struct AFF4Writer {
    enum Method: CaseIterable {
        case stored, snappy, lz4, zlib, deflate

        var iri: String? {
            switch self {
            case .stored: nil
            case .snappy: "http://code.google.com/p/snappy/"
            case .lz4: "https://code.google.com/p/lz4/"
            case .zlib: "https://www.ietf.org/rfc/rfc1950.txt"
            case .deflate: "https://tools.ietf.org/html/rfc1951"
            }
        }

        func compress(_ chunk: [UInt8]) -> [UInt8] {
            switch self {
            case .stored: chunk
            case .snappy: AFF4Writer.snappy(chunk)
            case .lz4: AFF4Writer.lz4(chunk)
            case .zlib: AFF4Zip.deflated(chunk, zlib: true)
            case .deflate: AFF4Zip.deflated(chunk)
            }
        }
    }

    /// What a medium is made of, in order.
    enum Part {
        case data([UInt8])
        /// A symbolic stream's local name and a number of bytes.
        case symbolic(String, Int)
        case gap(Int)

        var count: Int {
            switch self {
            case .data(let bytes): bytes.count
            case .symbolic(_, let count), .gap(let count): count
            }
        }
    }

    static let image = "aff4://11111111-0000-4000-8000-000000000000"

    var method = Method.snappy
    var chunkSize = 2048
    var chunksInSegment = 4
    var blockHashes: [DigestAlgorithm] = [.md5, .sha1]
    var stripes = 1
    var gapStream: String?
    var isZip64 = false
    var deflatesMembers = false
    /// Fills the last chunk up with zeros, as the standard says.
    var padsLastChunk = true
    /// Stated as digests of the medium.
    var stored: [DigestAlgorithm] = []

    static func volume(_ stripe: Int) -> String { "aff4://22222222-0000-4000-8000-00000000000\(stripe)" }
    static func map(_ stripe: Int) -> String { "aff4://33333333-0000-4000-8000-00000000000\(stripe)" }
    static func stream(_ stripe: Int) -> String { "aff4://44444444-0000-4000-8000-00000000000\(stripe)" }
    /// The name of a member of an object.
    static func member(_ urn: String, _ rest: String) -> String {
        urn.replacingOccurrences(of: "://", with: "%3A%2F%2F") + "/" + rest
    }

    // MARK: The medium

    /// The bytes that a reader must give, worked out apart from any reader.
    static func medium(_ parts: [Part], gapStream: String = "Zero") -> [UInt8] {
        var medium: [UInt8] = []
        for part in parts {
            switch part {
            case .data(let bytes): medium += bytes
            case .symbolic(let name, let count): medium += symbolic(name, medium.count, count)
            case .gap(let count): medium += symbolic(gapStream, medium.count, count)
            }
        }
        return medium
    }

    private static func symbolic(_ name: String, _ start: Int, _ count: Int) -> [UInt8] {
        switch name {
        case "Zero": return [UInt8](repeating: 0, count: count)
        case "UnknownData", "UnreadableData":
            let text = Array((name == "UnknownData" ? "UNKNOWN" : "UNREADABLEDATA").utf8)
            return (start..<start + count).map { text[($0 % (1 << 20)) % text.count] }
        default: return [UInt8](repeating: UInt8(name.suffix(2), radix: 16) ?? 0, count: count)
        }
    }

    // MARK: Writing

    /// The volumes, one a stripe.
    func write(_ parts: [Part]) -> [AFF4Zip] {
        var streams = [[UInt8]](repeating: [], count: stripes)
        var entries: [(start: Int, length: Int, target: Int, name: String)] = []
        var at = 0
        var turn = 0
        for part in parts {
            switch part {
            case .gap: break
            case .symbolic(let name, let count): entries.append((at, count, at, "http://aff4.org/Schema#" + name))
            case .data(let bytes):
                // With stripes each takes a chunk in its turn.
                let unit = stripes == 1 ? bytes.count : chunkSize
                for start in stride(from: 0, to: bytes.count, by: max(1, unit)) {
                    let piece = bytes[start..<min(bytes.count, start + unit)]
                    let stripe = turn % stripes
                    turn += 1
                    entries.append((at + start, piece.count, streams[stripe].count, Self.stream(stripe)))
                    streams[stripe] += piece
                }
            }
            at += part.count
        }
        var names: [String] = []
        for entry in entries where !names.contains(entry.name) { names.append(entry.name) }
        let map = entries.flatMap { entry in
            AFF4Zip.number(entry.start, 8) + AFF4Zip.number(entry.length, 8) + AFF4Zip.number(entry.target, 8)
                + AFF4Zip.number(names.firstIndex(of: entry.name) ?? 0, 4)
        }
        let medium = Self.medium(parts, gapStream: gapStream ?? "Zero")
        let index = Array(names.map { $0 + "\n" }.joined().utf8)
        var mapHashes: [[UInt8]] = []
        var volumes: [AFF4Zip] = []
        var texts: [String] = []
        for stripe in 0..<stripes {
            var zip = AFF4Zip()
            zip.comment = Array(Self.volume(stripe).utf8)
            zip.isZip64 = isZip64
            zip["container.description"] = Array(Self.volume(stripe).utf8)
            zip["version.txt"] = Array("major=1\nminor=0\ntool=test\n".utf8)
            var text = prefixes(stripe)
            let lists = add(streams[stripe], to: &zip, stripe, &text)
            zip[Self.member(Self.map(stripe), "map")] = map
            zip[Self.member(Self.map(stripe), "idx")] = index
            let all = lists + [hash(map), hash(index)].flatMap { $0 }
            mapHashes.append(hash(all))
            text += mapText(stripe, size: at, map: map, index: index, whole: hash(all))
            texts.append(text)
            volumes.append(zip)
        }
        let whole = stripes == 1 ? mapHashes[0] : hash(mapHashes.flatMap { $0 })
        for stripe in 0..<stripes {
            var hashes = blockHashes.isEmpty ? [] : ["\"\(Hex.encode(whole))\"^^aff4:blockMapHashSHA512"]
            for algorithm in stored {
                hashes.append("\"\(Self.digest(algorithm, medium).hex)\"^^aff4:\(Self.name(algorithm))")
            }
            texts[stripe] += "<\(Self.image)> a aff4:DiskImage, aff4:ContiguousImage , aff4:Image ;\n"
            if !hashes.isEmpty { texts[stripe] += "  aff4:hash \(hashes.joined(separator: " , ")) ;\n" }
            texts[stripe] += "  aff4:dataStream <\(Self.map(stripe))> ; aff4:blockSize \"512\"^^xsd:int ;\n"
            texts[stripe] += "  aff4:size \"\(at)\"^^xsd:long .\n"
            volumes[stripe]["information.turtle"] = Array(texts[stripe].utf8)
            if deflatesMembers {
                for index in volumes[stripe].members.indices { volumes[stripe].members[index].isDeflated = true }
            }
        }
        return volumes
    }

    private func prefixes(_ stripe: Int) -> String {
        """
        @prefix : <\(Self.volume(stripe))> .
        @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
        @prefix aff4: <http://aff4.org/Schema#> .
        # The volume itself.
        : a aff4:ZipVolume ; aff4:interface aff4:Volume .

        """
    }

    /// Adds a stream's segments; answers the hashes of its lists of block hashes.
    private func add(_ content: [UInt8], to zip: inout AFF4Zip, _ stripe: Int, _ text: inout String) -> [UInt8] {
        let urn = Self.stream(stripe)
        var lists = [[UInt8]](repeating: [], count: blockHashes.count)
        var indices: [UInt8] = []
        let chunks = stride(from: 0, to: content.count, by: chunkSize).map {
            Array(content[$0..<min(content.count, $0 + chunkSize)])
        }
        for first in stride(from: 0, to: chunks.count, by: chunksInSegment) {
            var data: [UInt8] = []
            var index: [UInt8] = []
            var hashes = [[UInt8]](repeating: [], count: blockHashes.count)
            for chunk in chunks[first..<min(chunks.count, first + chunksInSegment)] {
                let filling = [UInt8](repeating: 0, count: chunkSize - chunk.count)
                let whole = padsLastChunk ? chunk + filling : chunk
                var packed = method.compress(whole)
                if packed.count >= chunkSize - 16 { packed = chunk + filling }
                index += AFF4Zip.number(data.count, 8) + AFF4Zip.number(packed.count, 4)
                data += packed
                for (which, algorithm) in blockHashes.enumerated() {
                    hashes[which] += Self.digest(algorithm, whole).bytes
                }
            }
            let number = String(format: "%08d", first / chunksInSegment)
            zip[Self.member(urn, number)] = data
            zip[Self.member(urn, number + ".index")] = index
            indices += index
            for (which, algorithm) in blockHashes.enumerated() {
                zip[Self.member(urn, number + ".blockHash." + Self.name(algorithm).lowercased())] = hashes[which]
                lists[which] += hashes[which]
            }
        }
        text += "<\(urn)> a aff4:ImageStream ; aff4:chunkSize \"\(chunkSize)\"^^xsd:int ;\n"
        text += "  aff4:chunksInSegment \"\(chunksInSegment)\"^^xsd:int ; aff4:size \"\(content.count)\"^^xsd:long ;\n"
        if let iri = method.iri { text += "  aff4:compressionMethod <\(iri)> ;\n" }
        text += "  aff4:imageStreamIndexHash \"\(Hex.encode(hash(indices)))\"^^aff4:SHA512 ;\n"
        text += "  aff4:stored : ; aff4:target <\(Self.map(stripe))> .\n"
        for other in 0..<stripes where other != stripe {
            text += "<\(Self.stream(other))> a aff4:ImageStream ; aff4:stored <\(Self.volume(other))> .\n"
        }
        for (which, algorithm) in blockHashes.enumerated() {
            text += "<\(urn)/blockhash.\(Self.name(algorithm).lowercased())> a aff4:BlockHashes ;\n"
            text += "  aff4:hash \"\(Hex.encode(hash(lists[which])))\"^^aff4:SHA512 .\n"
        }
        return lists.flatMap { hash($0) }
    }

    private func mapText(_ stripe: Int, size: Int, map: [UInt8], index: [UInt8], whole: [UInt8]) -> String {
        let streams = (0..<stripes).map { "<\(Self.stream($0))>" }.joined(separator: " , ")
        var text = "<\(Self.map(stripe))> a aff4:Map ; aff4:dependentStream \(streams) ;\n"
        if let gapStream { text += "  aff4:mapGapDefaultStream aff4:\(gapStream) ;\n" }
        if !blockHashes.isEmpty { text += "  aff4:blockMapHash \"\(Hex.encode(whole))\"^^aff4:SHA512 ;\n" }
        text += "  aff4:mapPointHash \"\(Hex.encode(hash(map)))\"^^aff4:SHA512 ;\n"
        text += "  aff4:mapIdxHash \"\(Hex.encode(hash(index)))\"^^aff4:SHA512 ;\n"
        text += "  aff4:mapHash \"\(Hex.encode(hash(map + index)))\"^^aff4:SHA512 ;\n"
        return text + "  aff4:size \"\(size)\"^^xsd:long ; aff4:stored : .\n"
    }

    private func hash(_ bytes: [UInt8]) -> [UInt8] { Self.digest(.sha512, bytes).bytes }

    // MARK: Digests and compression

    static func digest(_ algorithm: DigestAlgorithm, _ bytes: [UInt8]) -> Digest {
        (try? Digesting.digest(algorithm, of: bytes))
            ?? Digest(algorithm, [UInt8](repeating: 0, count: algorithm.byteCount))
    }

    static func name(_ algorithm: DigestAlgorithm) -> String {
        algorithm == .blake2b512 ? "Blake2b" : algorithm.rawValue.uppercased()
    }

    private static func snappy(_ chunk: [UInt8]) -> [UInt8] {
        var length = snappy_max_compressed_length(chunk.count)
        var room = [CChar](repeating: 0, count: length)
        let source = chunk.map { CChar(bitPattern: $0) }
        _ = unsafe snappy_compress(source, source.count, &room, &length)
        return room.prefix(length).map { UInt8(bitPattern: $0) }
    }

    private static func lz4(_ chunk: [UInt8]) -> [UInt8] {
        let source = chunk.map { CChar(bitPattern: $0) }
        var room = [CChar](repeating: 0, count: chunk.count + 1024)
        let count = unsafe LZ4_compress_default(source, &room, Int32(source.count), Int32(room.count))
        return room.prefix(Int(count)).map { UInt8(bitPattern: $0) }
    }
}
