// swift-tools-version: 6.2
import PackageDescription

// The readers are compiled here once more, from the same files through links, with the instructions that tell the fuzzer
// which branches an input took. So Exhibit's own package needs no library products and no flags for it.
let rules: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]
let traced: [SwiftSetting] = rules + [.unsafeFlags(["-sanitize=fuzzer"])]
let fuzzer: [SwiftSetting] = traced + [.unsafeFlags(["-parse-as-library"])]
let linked: [LinkerSetting] = [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]

let package = Package(
    name: "fuzzing",
    targets: [
        .systemLibrary(name: "COpenSSL", path: "Sources/COpenSSL", pkgConfig: "libcrypto"),
        .systemLibrary(name: "CLinux", path: "Sources/CLinux"),
        .systemLibrary(name: "CDeflate", path: "Sources/CDeflate"),
        .systemLibrary(name: "CSnappy", path: "Sources/CSnappy"),
        .systemLibrary(name: "CLZ4", path: "Sources/CLZ4", pkgConfig: "liblz4"),
        .systemLibrary(name: "CNBD", path: "Sources/CNBD", pkgConfig: "libnbd"),
        .systemLibrary(name: "CArchive", path: "Sources/CArchive", pkgConfig: "libarchive"),
        .systemLibrary(name: "CMagic", path: "Sources/CMagic", pkgConfig: "libmagic"),
        .systemLibrary(name: "CVectorscan", path: "Sources/CVectorscan", pkgConfig: "libhs"),
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "CBZip2", path: "Sources/CBZip2"),
        .systemLibrary(name: "CLZMA", path: "Sources/CLZMA", pkgConfig: "liblzma"),
        .systemLibrary(name: "CZstd", path: "Sources/CZstd", pkgConfig: "libzstd"),

        .executableTarget(
            name: "MagicCompiler", dependencies: ["CMagic"], path: "Sources/MagicCompiler", swiftSettings: rules),
        .plugin(
            name: "CompileMagic", capability: .buildTool(), dependencies: ["MagicCompiler"],
            path: "Plugins/CompileMagic"),

        .target(name: "EvidenceModel", path: "Sources/EvidenceModel", swiftSettings: traced),
        .target(
            name: "Digesting", dependencies: ["EvidenceModel", "COpenSSL"], path: "Sources/Digesting",
            swiftSettings: rules),
        .target(
            name: "SourceMedia",
            dependencies: ["EvidenceModel", "Digesting", "CDeflate", "CSnappy", "CLZ4", "CNBD", "CArchive", "CLinux"],
            path: "Sources/SourceMedia", swiftSettings: traced),
        .target(
            name: "FormatIdentification", dependencies: ["EvidenceModel", "CMagic", "CVectorscan", "CLinux"],
            path: "Sources/FormatIdentification", exclude: ["Magic"], swiftSettings: rules, plugins: ["CompileMagic"]),
        .target(
            name: "Carving",
            dependencies: [
                "EvidenceModel", "Digesting", "FormatIdentification", "SourceMedia", "CBZip2", "CDeflate", "CLZ4",
                "CLZMA", "CZlib", "CZstd",
            ],
            path: "Sources/Carving", swiftSettings: traced),
        // Of Casework only what reads a manifest: a file that this comes to need is linked there too.
        .target(
            name: "Casework", dependencies: ["EvidenceModel", "Digesting", "SourceMedia"], path: "Sources/Casework",
            swiftSettings: traced),

        .target(
            name: "FuzzSupport", dependencies: ["EvidenceModel", "SourceMedia"], path: "Targets/FuzzSupport",
            swiftSettings: rules),
        .executableTarget(
            name: "AFF4Fuzzer", dependencies: ["FuzzSupport", "CDeflate"], path: "Targets/AFF4Fuzzer",
            swiftSettings: fuzzer, linkerSettings: linked),
        .executableTarget(
            name: "EWFFuzzer", dependencies: ["FuzzSupport"], path: "Targets/EWFFuzzer", swiftSettings: fuzzer,
            linkerSettings: linked),
        .executableTarget(
            name: "ManifestFuzzer", dependencies: ["Casework", "FuzzSupport"], path: "Targets/ManifestFuzzer",
            swiftSettings: fuzzer,
            linkerSettings: linked),
        .executableTarget(
            name: "WalkerFuzzer", dependencies: ["Carving", "EvidenceModel", "SourceMedia", "FuzzSupport"],
            path: "Targets/WalkerFuzzer", swiftSettings: fuzzer, linkerSettings: linked),
        .executableTarget(
            name: "CarvingFuzzer",
            dependencies: ["Carving", "EvidenceModel", "FormatIdentification", "SourceMedia", "FuzzSupport"],
            path: "Targets/CarvingFuzzer", swiftSettings: fuzzer, linkerSettings: linked),
        .executableTarget(
            name: "SeedMaker", dependencies: ["Casework", "EvidenceModel", "Digesting", "CDeflate", "CSnappy", "CLZ4"],
            path: "Targets/SeedMaker", swiftSettings: rules, linkerSettings: linked),
    ],
    swiftLanguageModes: [.v6]
)
