// swift-tools-version: 6.2
import PackageDescription

// Every target of ours is built under the same rules: Swift 6 mode, strict memory safety, no warnings.
let rules: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")

/// C libraries (L0). Each is visible only to the targets that name it, never in a public signature.
let systemLibraries: [Target] = [
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CMagic", pkgConfig: "libmagic", providers: [.apt(["libmagic-dev"])]),
    .systemLibrary(name: "CVectorscan", pkgConfig: "libhs", providers: [.apt(["libvectorscan-dev"])]),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CDeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(name: "CSnappy", providers: [.apt(["libsnappy-dev"])]),
    .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
    .systemLibrary(name: "CNBD", pkgConfig: "libnbd", providers: [.apt(["libnbd-dev"])]),
    .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
    .systemLibrary(name: "CBZip2", providers: [.apt(["libbz2-dev"])]),
    .systemLibrary(name: "CLZMA", pkgConfig: "liblzma", providers: [.apt(["liblzma-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
]

/// L1 to L8: an arrow goes only downwards. See Documentation/Architecture.md.
let layers: [Target] = [
    .target(name: "EvidenceModel", swiftSettings: rules),

    .target(name: "Digesting", dependencies: ["EvidenceModel", "COpenSSL"], swiftSettings: rules),
    .target(name: "Trust", dependencies: ["EvidenceModel", "Digesting", "COpenSSL"], swiftSettings: rules),
    .target(
        name: "FormatIdentification", dependencies: ["EvidenceModel", "CMagic", "CVectorscan", "CLinux"],
        exclude: ["Magic"], swiftSettings: rules, plugins: ["CompileMagic"]),
    .target(
        name: "SourceMedia",
        dependencies: ["EvidenceModel", "Digesting", "CDeflate", "CSnappy", "CLZ4", "CNBD", "CArchive", "CLinux"],
        swiftSettings: rules),

    .target(
        name: "Scanning", dependencies: ["EvidenceModel", "Digesting", "SourceMedia"],
        swiftSettings: rules),
    .target(name: "Imaging", dependencies: ["EvidenceModel", "Digesting", "SourceMedia"], swiftSettings: rules),
    .target(
        name: "Carving",
        dependencies: [
            "EvidenceModel", "Digesting", "FormatIdentification", "SourceMedia", "CBZip2", "CDeflate", "CLZ4",
            "CLZMA", "CZlib", "CZstd",
        ],
        swiftSettings: rules),

    .target(name: "TimeStamping", dependencies: ["EvidenceModel"], swiftSettings: rules),

    .target(name: "ArtifactCatalog", dependencies: ["EvidenceModel", "Digesting", grdb], swiftSettings: rules),
    .target(
        name: "CustodyLedger", dependencies: ["EvidenceModel", "Digesting", "Trust", "CLinux", grdb],
        swiftSettings: rules),

    .target(
        name: "Reporting",
        dependencies: [
            "EvidenceModel", "Digesting", "Trust",
            .product(name: "Mustache", package: "swift-mustache"),
            .product(name: "Yams", package: "Yams"),
            .product(name: "Subprocess", package: "swift-subprocess"),
        ],
        resources: [.copy("Resources")], swiftSettings: rules),

    .target(
        name: "Casework",
        dependencies: [
            "EvidenceModel", "Digesting", "Trust", "FormatIdentification", "SourceMedia", "Scanning", "Imaging",
            "Carving", "ArtifactCatalog", "CustodyLedger", "Reporting", "TimeStamping",
        ],
        swiftSettings: rules, plugins: ["StampBuild"]),

    .target(
        name: "ExhibitCommands",
        dependencies: [
            "Casework", "Imaging", "SourceMedia", "TimeStamping",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        swiftSettings: rules),
    .executableTarget(name: "exhibit", dependencies: ["ExhibitCommands"], swiftSettings: rules),
]

/// Executables that the plugins run: the logic of a plugin lives here, where tests reach it.
let tools: [Target] = [
    .executableTarget(name: "MagicCompiler", dependencies: ["CMagic"], swiftSettings: rules),
    .executableTarget(name: "BuildStamper", swiftSettings: rules),
    .executableTarget(name: "TestImageBuilder", dependencies: ["EvidenceModel", "Digesting"], swiftSettings: rules),
    .executableTarget(
        name: "CustodyAuditor", dependencies: ["EvidenceModel", "Digesting", "Trust", "CustodyLedger"],
        swiftSettings: rules),
]

let plugins: [Target] = [
    .plugin(name: "CompileMagic", capability: .buildTool(), dependencies: ["MagicCompiler"]),
    .plugin(name: "StampBuild", capability: .buildTool(), dependencies: ["BuildStamper"]),
    .plugin(
        name: "BuildTestImages",
        capability: .command(
            intent: .custom(verb: "build-test-images", description: "Build test-images from their seeded recipes"),
            permissions: [.writeToPackageDirectory(reason: "writes test-images/<name>/")]),
        dependencies: ["TestImageBuilder"]),
    .plugin(
        name: "AuditCustody",
        capability: .command(
            intent: .custom(
                verb: "audit-custody",
                description: "Check test-images against CHAIN_OF_CUSTODY.md, and any ledger given")),
        dependencies: ["CustodyAuditor"]),
]

let tests: [Target] = [
    .testTarget(name: "EvidenceModelTests", dependencies: ["EvidenceModel"], swiftSettings: rules),
    .testTarget(name: "DigestingTests", dependencies: ["Digesting"], swiftSettings: rules),
    .testTarget(name: "TrustTests", dependencies: ["Trust"], swiftSettings: rules),
    .testTarget(name: "MagicCompilerTests", dependencies: ["MagicCompiler"], swiftSettings: rules),
    .testTarget(name: "FormatIdentificationTests", dependencies: ["FormatIdentification"], swiftSettings: rules),
    .testTarget(name: "SourceMediaTests", dependencies: ["SourceMedia"], swiftSettings: rules),
    .testTarget(name: "ScanningTests", dependencies: ["Scanning"], swiftSettings: rules),
    .testTarget(name: "ImagingTests", dependencies: ["Imaging", "Scanning"], swiftSettings: rules),
    .testTarget(name: "CarvingTests", dependencies: ["Carving"], swiftSettings: rules),
    .testTarget(name: "ArtifactCatalogTests", dependencies: ["ArtifactCatalog"], swiftSettings: rules),
    .testTarget(
        name: "CustodyLedgerTests",
        dependencies: ["CustodyLedger", "CustodyAuditor", "Digesting", "Trust", "EvidenceModel", grdb],
        swiftSettings: rules),
    .testTarget(name: "ReportingTests", dependencies: ["Reporting", "Trust"], swiftSettings: rules),
    .testTarget(name: "BuildStamperTests", dependencies: ["BuildStamper"], swiftSettings: rules),
    .testTarget(
        name: "TestImageBuilderTests", dependencies: ["TestImageBuilder", "EvidenceModel", "Digesting"],
        swiftSettings: rules),
    .testTarget(
        name: "TestImagesTests",
        dependencies: ["TestImageBuilder", "Carving", "FormatIdentification", "SourceMedia", "EvidenceModel"],
        swiftSettings: rules),
    .testTarget(name: "CaseworkTests", dependencies: ["Casework", "Digesting", "EvidenceModel"], swiftSettings: rules),
    .testTarget(name: "EndToEndTests", dependencies: ["exhibit", "EvidenceModel"], swiftSettings: rules),
]

let package = Package(
    name: "exhibit",
    products: [.executable(name: "exhibit", targets: ["exhibit"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
    ],
    targets: systemLibraries + layers + tools + plugins + tests,
    swiftLanguageModes: [.v6]
)
