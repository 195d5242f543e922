import EvidenceModel

@testable import Reporting

/// A report with everything in it: two items, hostile names, thirty ledger entries, finds of twelve types, pictures.
enum SampleReport {
    static let issued = UTCTime(milliseconds: 1_795_282_494_000)

    static func time(_ minutes: Int) -> UTCTime {
        UTCTime(milliseconds: issued.milliseconds - 86_400_000 + Int64(minutes) * 60_000)
    }

    /// Names that must be shown as they are and must do nothing: markup, controls, direction, broken UTF-8, addresses.
    static let hostileNames = [
        "<script>alert(1)</script>.jpg",
        "\u{202E}gpj.exe",
        "evil\u{0000}\u{0007}\u{001B}[31mred\r\nX",
        "\"><img src=file:///etc/passwd onerror=x>",
        "http://attacker.example/collect?x=1",
        "file:///etc/passwd",
        "\u{0D4E}<img src=\"http://attacker.example/\">",
        "{{identifier}} {{{identifier}}} {{>style}}",
        "صورة عائلية ١٢٣.jpg",
        "תמונה (1).png",
        "証拠写真_東京.heic",
        "증거 사진.png",
        "Стенограмма №7.docx",
        "Z\u{0351}\u{036B}\u{0343}\u{036A}\u{0302}\u{036B}\u{033D}\u{034F}\u{0334}algo.txt",
        String(repeating: "very-long-name-", count: 40) + ".bin",
        "url(file:///etc/passwd) } body { background: red }",
        "👩‍🔬 lab.png", "rare \u{1E900}\u{13000}\u{1F9FF} \u{A0}nbsp", "  leading and trailing  ", "⟦U+202E⟧ forged mark",
    ]

    static func digest(_ algorithm: DigestAlgorithm, seed: Int) -> Digest {
        var state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 &+ 0xD1B5_4A32_D192_ED03
        return Digest(
            algorithm,
            (0..<algorithm.byteCount).map { _ in
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                return UInt8(truncatingIfNeeded: state >> 32)
            })
    }

    static func hex(_ seed: Int) -> String { digest(.sha256, seed: seed).hex }

    static func artifacts(_ count: Int = 40) -> [Artifact] {
        let types = [
            ("jpeg", "image/jpeg", "JPEG image data, JFIF standard 1.01, resolution (DPI), density 72x72"),
            ("png", "image/png", "PNG image data, 640 x 480, 8-bit/color RGB, non-interlaced"),
            ("pdf", "application/pdf", "PDF document, version 1.7, 3 pages"),
            ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Microsoft Word 2007+"),
            ("sqlite", "application/vnd.sqlite3", "SQLite 3.x database, last written using SQLite version 3040001"),
            ("mp4", "video/mp4", "ISO Media, MP4 Base Media v1"),
            ("zip", "application/zip", "Zip archive data, at least v2.0 to extract"),
            ("gif", "image/gif", "GIF image data, version 89a, 320 x 200"),
            ("evtx", "application/x-ms-evtx", "MS Windows 10-11 Event Log, version 3.2"),
            ("elf", "application/x-executable", "ELF 64-bit LSB pie executable, x86-64"),
            ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Microsoft Excel 2007+"),
            ("wav", "audio/x-wav", "RIFF (little-endian) data, WAVE audio, Microsoft PCM, 16 bit, stereo 44100 Hz"),
        ]
        return (0..<count).map { index in
            // Skewed towards the first types, as media are.
            let type = types[index % 3 == 0 ? 0 : index % types.count]
            let offset = 4096 * (index + 1) * 37
            let confidence = Confidence.allCases[index % 7 == 6 ? 3 : index % 5 == 4 ? 2 : index % 2]
            let name = hostileNames[index % hostileNames.count]
            return Artifact(
                id: String(hex(index).prefix(16)), item: index % 4 == 3 ? "E002" : "E001", origin: .carved,
                mime: type.1,
                format: type.0, fileExtension: type.0, description: type.2, size: 1000 + index * index * 7919,
                sha256: digest(.sha256, seed: index), md5: digest(.md5, seed: index),
                extents: index % 9 == 8
                    ? [Extent(offset: offset, length: 4096), Extent(offset: offset + 16384, length: 900)]
                    : [Extent(offset: offset, length: 1000 + index)],
                confidence: confidence, parent: nil,
                path: index % 3 == 0 ? "E001/offset-\(offset)" : "E002/files/\(name)", facts: ["pixels": "640x480"],
                warnings: index % 6 == 5 ? ["the length in the header is larger than the file"] : [])
        }
    }

    static func entries(_ count: Int = 30) -> [ReportModel.HandlingEntry] {
        let verbs: [(String, String, ReportModel.EntryCheck?)] = [
            ("genesis", "", nil), ("receive", "Received from the police of Esch in sealed bag LU-204418", nil),
            ("seal.open", "Seal LU-204418 intact before opening", nil), ("intake", "USB stick, 16 MB, blue", nil),
            ("acquire.begin", "Reading \(hostileNames[0])", nil),
            ("acquire.end", "16,777,216 bytes read, none unreadable", .match),
            ("verify", "Source read again whole", .match), ("carve.run", "40 finds of 12 types", nil),
            ("anchor.tsa", "Time stamp over checkpoint of 8 entries", nil),
            ("incident", "Cable unplugged; reading stopped", nil),
            ("verify", "Digest differs after the incident", .mismatch),
            ("correction", "Entry 9 named the wrong bay", nil),
            ("export", "artifacts.csv", .notDone), ("custom.verb", "A verb of a later version", nil),
        ]
        return (0..<count).map { index in
            let verb = verbs[index < verbs.count ? index : index % 4 + 4]
            return ReportModel.HandlingEntry(
                sequence: index, time: time(index * 47), verb: verb.0,
                actor: index % 5 == 4 ? "B. Custodian" : "A. Examiner",
                items: index == 0 ? [] : index % 6 == 5 ? ["E001", "E002"] : ["E001"], what: verb.1, check: verb.2,
                leaf: hex(1000 + index))
        }
    }

    static func items() -> [ReportModel.Item] {
        let block = ReportModel.BlockTree(blockSize: 1 << 20, count: 16, root: hex(7))
        let manifest = ReportModel.ManifestCheck(
            path: "evidence/E001/manifest.json", sha256: hex(8), signature: .valid(detail: ""), signer: "A. Examiner",
            signed: time(250),
            timestamp: ReportModel.TimestampCheck(
                outcome: .valid(detail: ""), time: time(250), authority: "Lab Time Stamp Authority", trust: .laboratory)
        )
        return [
            ReportModel.Item(
                id: "E001", description: "USB stick, blue, label “Holiday” & <b>co</b>", make: "SanDisk",
                model: "Cruzer Blade", serial: "4C530001230817115361", condition: "Casing scratched, seal intact",
                seal: "LU-204418", received: time(47),
                source: ReportModel.Source(
                    name: EvidenceString("/media/evidence/\(hostileNames[1])/usb.dd"), kind: "raw", size: 16 << 20,
                    sectorSize: 512),
                digests: [
                    digest(.md5, seed: 1), digest(.sha1, seed: 1), digest(.sha256, seed: 1), digest(.sha512, seed: 1),
                ],
                blocks: block, readBegan: time(188), readEnded: time(190), integrity: .unchanged(checked: time(282)),
                manifest: manifest),
            ReportModel.Item(
                id: "E002", description: "Phone export 証拠 صورة", condition: "", seal: "",
                source: ReportModel.Source(
                    name: EvidenceString(bytes: Array("/srv/export/bad-".utf8) + [0xFF, 0xFE, 0xED, 0xA0, 0x80, 0x2F]),
                    kind: "folder", size: 3_458_764_513_820),
                digests: [digest(.sha256, seed: 2)],
                files: ReportModel.FileTree(count: 12_345, bytes: 3_458_764_513_820, root: hex(9)),
                unreadable: [
                    UnreadableRange(extent: Extent(offset: 1_048_576, length: 4096), error: "Input/output error"),
                    UnreadableRange(extent: Extent(offset: 9_000_000, length: 512), error: "Input/output error"),
                ],
                readBegan: time(200), readEnded: time(400), integrity: .unchanged(checked: time(500)),
                manifest: ReportModel.ManifestCheck(
                    path: "evidence/E002/manifest.json", sha256: hex(10), signature: .valid(detail: ""),
                    signer: "A. Examiner", signed: time(401)),
                warnings: ["2 file names are not UTF-8: \(hostileNames[2])"]),
        ]
    }

    static func model(
        isTrial: Bool = true, artifactCount: Int = 40, thumbnails: [ReportModel.Thumbnail] = [],
        annexes: [ReportModel.Annex]? = nil
    ) -> ReportModel {
        let found = artifacts(artifactCount)
        let items = items()
        return ReportModel(
            identifier: "2026-0042-R01", issued: issued,
            request: ReportModel.Request(
                caseNumber: "2026-0042", caseTitle: "Public Prosecutor v. Unknown",
                authority: "Public Prosecutor’s Office, Luxembourg", reference: "Order 1234/26/CD of 12 November 2026",
                date: time(-12000),
                question: "Which picture and document files are on the items, deleted ones included?"),
            laboratory: ReportModel.Laboratory(
                name: "Digital Forensics Laboratory", address: ["1, rue du Laboratoire", "L-1234 Luxembourg"]),
            examiner: ReportModel.Examiner(name: "A. Examiner", role: "forensic examiner"), isTrial: isTrial,
            items: items,
            handling: ReportModel.Handling(
                entries: entries(),
                audit: ReportModel.LedgerAudit(
                    outcome: .valid(detail: ""), entryCount: 30, root: hex(11),
                    checkpoint: ReportModel.Checkpoint(size: 29, root: hex(12), note: "lab/custody\n29\n"),
                    anchor: ReportModel.Anchor(
                        kind: "tsa", size: 27, time: time(1290), authority: "Lab Time Stamp Authority",
                        trust: .laboratory))),
            findings: ReportModel.Findings(
                summaries: ReportModel.TypeSummary.counting(found), artifacts: found, thumbnails: thumbnails,
                coverage: [ReportModel.ItemCoverage(item: "E001", statement: coverage)]),
            methods: ReportModel.Methods(
                tool: ToolIdentity(
                    name: "exhibit", version: "0.1.0", commit: "e466d50c0ffee", buildSHA256: hex(13),
                    openssl: "OpenSSL 3.0.17 1 Jul 2025", libmagic: "5.44", magicSHA256: [hex(14), hex(15)]),
                libraries: [ReportModel.Library(name: "SQLite", version: "3.40.1")],
                commandLine: ["exhibit", "process", "it's <here>/usb.dd", "--case", "demo", "--number", "2026-0042"],
                limits: [
                    ReportModel.Limit(name: "carve_zero_run", value: "4096"),
                    ReportModel.Limit(name: "inflated bytes per file", value: "256 MiB", hits: 2),
                ]),
            omissions: [
                ReportModel.Omission(
                    item: "E002", what: "2 unreadable ranges, 4,608 bytes", reason: "Input/output error"),
                ReportModel.Omission(what: hostileNames[3], reason: "format not supported"),
            ],
            errorRates: [
                ReportModel.ErrorRate(
                    method: "carving", confidence: .proven, correct: 2418, examined: 2418,
                    sample: "generated media, contiguous profile, 40 seeds", toolVersion: "0.1.0", measured: time(0)),
                ReportModel.ErrorRate(
                    method: "carving", confidence: .header, correct: 317, examined: 402,
                    sample: "generated media, contiguous profile, 40 seeds", toolVersion: "0.1.0", measured: time(0)),
            ],
            verification: ReportModel.Verification(
                rootName: "Digital Forensics Laboratory Root", rootSHA256: hex(16),
                steps: ReportModel.VerificationStep.standard(reportID: "2026-0042-R01", items: items)),
            annexes: annexes ?? [
                ReportModel.Annex(
                    fileName: "artifacts.csv", mediaType: "text/csv", relationship: .data, title: "All finds (CSV)",
                    bytes: Array("id,format\n1,jpeg\n".utf8)),
                ReportModel.Annex(
                    fileName: "ledger.json", mediaType: "application/json", relationship: .supplement,
                    title: "Ledger summary", bytes: Array("{}".utf8)),
            ])
    }

    /// A medium with all classes, a tiny one among them, and more large runs than are printed.
    static let coverage = CoverageStatement(
        size: 64 << 20,
        bytes: [
            .unreadable: 512, .carvedProven: 9_000_001, .carvedStructural: 7_000_000, .carvedHeader: 1_048_576,
            .carvedBroken: 70_000, .zero: 20_000_000, .filled: 1 << 20, .text: 40_000, .highEntropy: 24_000_000,
            .unexplained: (64 << 20) - 62_207_665,
        ],
        runs: [.highEntropy: 30], large: [.highEntropy: 14],
        largest: [.highEntropy: (0..<14).map { Extent(offset: $0 << 22, length: (2 << 20) - $0 * 512) }], readAgain: 0)

    static let signature = SignatureBlock(
        name: "A. Examiner", organization: "Digital Forensics Laboratory", certificateSHA256: hex(17),
        serial: "5f3a9c0011223344", notBefore: time(-100_000), notAfter: time(900_000), timestampAuthority: nil)
}

extension SampleReport {
    /// Pictures of different shapes and colours, drawn as bitmaps and made small by the real thumbnail maker.
    static func thumbnails() async throws -> [ReportModel.Thumbnail] {
        var thumbnails: [ReportModel.Thumbnail] = []
        for (index, artifact) in artifacts().filter({ $0.format == "jpeg" }).prefix(12).enumerated() {
            let (width, height) = [(400, 300), (300, 400), (512, 128), (256, 256)][index % 4]
            let picture = bitmap(width: width, height: height) { x, y in
                (
                    UInt8(truncatingIfNeeded: x &* (index + 1) / 3), UInt8(truncatingIfNeeded: y),
                    UInt8(truncatingIfNeeded: 40 * index)
                )
            }
            guard case .made(let bytes) = await ThumbnailMaker.thumbnail(of: picture) else { continue }
            thumbnails.append(ReportModel.Thumbnail(artifact: artifact.id, format: .jpeg, bytes: bytes))
        }
        return thumbnails
    }

    /// A Windows bitmap with 24 bits a pixel.
    static func bitmap(width: Int, height: Int, color: (Int, Int) -> (UInt8, UInt8, UInt8)) -> [UInt8] {
        func little(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let row = (width * 3 + 3) / 4 * 4
        var bytes = Array("BM".utf8) + little(54 + row * height, 4) + little(0, 4) + little(54, 4)
        bytes += little(40, 4) + little(width, 4) + little(height, 4) + little(1, 2) + little(24, 2)
        bytes += little(0, 4) + little(row * height, 4) + little(2835, 4) + little(2835, 4) + little(0, 8)
        for y in 0..<height {
            for x in 0..<width {
                let (red, green, blue) = color(x, y)
                bytes += [blue, green, red]
            }
            bytes += [UInt8](repeating: 0, count: row - width * 3)
        }
        return bytes
    }
}
