import Casework
import EvidenceModel
import Foundation

/// Writes small inputs for each fuzzer: `SeedMaker FOLDER`.
@main
struct SeedMaker {
    static func main() throws {
        guard CommandLine.arguments.count == 2 else {
            print("usage: SeedMaker FOLDER")
            exit(2)
        }
        let folder = URL(fileURLWithPath: CommandLine.arguments[1])
        try write(aff4(), to: folder.appendingPathComponent("AFF4Fuzzer"))
        try write(ewf(), to: folder.appendingPathComponent("EWFFuzzer"))
        try write(try manifests(), to: folder.appendingPathComponent("ManifestFuzzer"))
    }

    private static func write(_ seeds: [[UInt8]], to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (index, seed) in seeds.enumerated() {
            try Data(seed).write(to: folder.appendingPathComponent("made-\(index)"))
        }
    }

    private static func medium(_ count: Int) -> [UInt8] {
        var state: UInt64 = 42
        return (0..<count).map { index in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return index % 1000 < 500 ? 0 : UInt8(truncatingIfNeeded: state >> 33)
        }
    }

    private static func aff4() -> [[UInt8]] {
        let parts: [AFF4Writer.Part] = [
            .data(medium(3000)), .symbolic("Zero", 5000), .symbolic("UnreadableData", 100), .gap(700),
            .data(medium(1700)),
            .symbolic("UnknownData", 10), .symbolic("SymbolicStream61", 1),
        ]
        var seeds: [[UInt8]] = []
        for method in AFF4Writer.Method.allCases {
            var writer = AFF4Writer()
            writer.method = method
            writer.chunkSize = 512
            writer.stored = [.md5]
            seeds.append(writer.write(parts)[0].bytes)
            writer.blockHashes = []
            writer.gapStream = "UnknownData"
            seeds.append(writer.write(parts)[0].bytes)
        }
        var writer = AFF4Writer()
        writer.isZip64 = true
        seeds.append(writer.write(parts)[0].bytes)
        writer.stripes = 2
        seeds.append(writer.write(parts)[0].bytes)
        return seeds
    }

    private static func ewf() -> [[UInt8]] {
        EWFWriter.Layout.allCases.flatMap { layout in
            var writer = EWFWriter()
            writer.layout = layout
            writer.errors = [(first: 3, count: 2)]
            writer.digests = [("hash", [UInt8](repeating: 5, count: 32)), ("digest", [UInt8](repeating: 6, count: 76))]
            let set = writer.write(medium(9000))
            writer.tablesPerSegment = 1
            return set + writer.write(medium(22_000))
        }
    }

    /// One with every field that a manifest may have, and one with as few as possible.
    private static func manifests() throws -> [[UInt8]] {
        let digest = CanonicalValue.string(String(repeating: "0a", count: 32))
        let extent: CanonicalValue = ["offset": .integer(512), "length": .integer(1024), "error": "cannot be read"]
        func manifest(
            _ item: CanonicalValue, _ source: CanonicalValue, _ unreadable: CanonicalValue, _ files: CanonicalValue?
        ) -> CanonicalValue {
            .object(compacting: [
                "v": .integer(1), "type": "exhibit.evidence-manifest", "case": "2026/1", "item": item, "source": source,
                "digests": [["alg": "sha256", "hex": digest]],
                "blocks": ["alg": "sha256", "size": .integer(1 << 20), "count": .integer(1), "root": digest],
                "files": files, "unreadable": unreadable, "warnings": ["odd"], "started": "2026-01-02T03:04:05.678Z",
                "ended": "2026-01-02T03:04:06.000Z", "bytes_read": .integer(4096),
                "clock": ["sync": .bool(true), "src": "ntp", "offset_ms": .integer(-3)],
                "examiner": ["name": "N", "id": "n", "org": "O", "cert_sha256": digest],
                "tool": [
                    "name": "exhibit", "version": "1", "commit": "c", "openssl": "3", "magic": "5",
                    "magic_sha256": [digest],
                    "build_sha256": digest,
                ],
            ])
        }
        let stored: CanonicalValue = [
            "alg": "md5", "hex": .string(String(repeating: "1b", count: 16)), "covers": "media",
        ]
        let device: CanonicalValue = [
            "path": "/dev/x", "model": "m", "serial": "s", "firmware": "f", "size": .integer(4096),
            "read_only": .bool(false),
            "writable_mounts": ["/mnt"],
        ]
        let full = manifest(
            [
                "id": "I1", "root_id": "I0", "kind": "image", "desc": "d", "make": "m", "model": "o", "serial": "s",
                "seal": "e", "condition": "c",
            ],
            [
                "kind": "ewf", "files": [["name": "a.E01", "size": .integer(9), "sha256": digest]],
                "media_size": .integer(4096), "sector_size": .integer(512), "stored": [stored], "device": device,
                "properties": [["name": "software", "value": "x"]], "damage": ["segment 2 is missing"],
            ], [extent],
            ["count": .integer(1), "bytes": .integer(2), "root": digest, "sha256": digest])
        let small = manifest(
            ["id": "I2", "kind": "image"],
            [
                "kind": "raw", "files": [], "media_size": .integer(4096), "sector_size": .integer(512), "stored": [],
            ], [], nil)
        let seeds = [full.encoded, small.encoded]
        for seed in seeds { _ = try EvidenceManifest(parsing: seed) }
        return seeds
    }
}
