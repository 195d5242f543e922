internal import EvidenceModel

extension ReportModel.VerificationStep {
    /// The checks of a case with stock tools only, from inside the case folder.
    /// - Parameters:
    ///   - reportID: the report's number; its files lie in `reports/<reportID>/`.
    ///   - items: the items of the report.
    public static func standard(reportID: String, items: [ReportModel.Item]) -> [ReportModel.VerificationStep] {
        let report = Shell.quoted("reports/\(reportID)/report.pdf")
        var steps = [
            ReportModel.VerificationStep(.root, commands: ["openssl x509 -in ca.pem -noout -fingerprint -sha256"]),
            ReportModel.VerificationStep(.report, commands: reportCommands(report)),
        ]
        for item in items {
            let manifest = Shell.quoted(item.manifest.path)
            let signature = Shell.quoted(item.manifest.path + ".p7s")
            steps.append(
                ReportModel.VerificationStep(
                    .manifest, item: item.id,
                    commands: [
                        "openssl cms -verify -cades -binary -inform DER -in \(signature) -content \(manifest)"
                            + " -CAfile ca.pem -purpose any -out /dev/null"
                    ]))
            if item.manifest.timestamp != nil {
                let response = Shell.quoted(item.manifest.path + ".tsr")
                steps.append(
                    ReportModel.VerificationStep(
                        .timestamp, item: item.id,
                        commands: ["openssl ts -verify -data \(signature) -in \(response) -CAfile ca.pem"]))
            }
            let commands = mediumCommands(item)
            if !commands.isEmpty {
                steps.append(ReportModel.VerificationStep(.medium, item: item.id, commands: commands))
            }
        }
        steps.append(ReportModel.VerificationStep(.ledger, commands: ledgerCommands))
        return steps
    }

    /// The signature covers all bytes but its own: the two runs that `/ByteRange` names.
    private static func reportCommands(_ report: String) -> [String] {
        [
            "set -- $(grep -a -o '/ByteRange \\[[0-9 ]*\\]' \(report) | tail -n 1 | tr -dc '0-9 ')",
            "{ head -c \"$2\" \(report); tail -c \"$4\" \(report); } > signed.bin",
            "{ printf \"select writefile('signature.der', x'\"; tail -c +$(($2 + 2)) \(report) |"
                + " head -c $(($3 - $2 - 2)); printf \"');\"; } | sqlite3",
            "openssl cms -verify -binary -inform DER -in signature.der -content signed.bin -CAfile ca.pem"
                + " -purpose any -out /dev/null",
        ]
    }

    private static let ledgerCommands = [
        "n=0",
        "sqlite3 ledger.custody \"select writefile('entry.p7m', cms) from entry where seq = $n\"",
        "openssl cms -verify -cades -binary -inform DER -in entry.p7m -CAfile ca.pem -purpose any",
        "{ printf '\\0'; cat entry.p7m; } | sha256sum",
        "sqlite3 ledger.custody \"select lower(hex(leaf)) from entry where seq = $n\"",
    ]

    /// What gives the digests of the medium's bytes; empty where no stock tool does, or none in one line: the recipe in
    /// CHAIN_OF_CUSTODY.md knows those of folders and of images in several files.
    private static func mediumCommands(_ item: ReportModel.Item) -> [String] {
        let tools = item.digests.compactMap { tool(for: $0.algorithm.rawValue) }
        switch item.source.container {
        case "raw", "device", "archive":
            return item.source.segments.count < 2 ? tools.map { "\($0) IMAGE" } : []
        case "ewf", "e01":
            return tools.map { "ewfexport -u -q -f raw -t - IMAGE | head -c \(item.source.size) | \($0)" }
        case "qcow2", "vmdk", "vhdx", "vdi":
            return ["qemu-img convert -O raw IMAGE medium.raw"] + tools.map { "\($0) medium.raw" }
        case "vhd":
            let options = "driver=vpc,force_size_calc=current_size,file.driver=file,file.filename=IMAGE"
            return ["qemu-img convert --image-opts \(options) -O raw medium.raw"] + tools.map { "\($0) medium.raw" }
        default:
            return []
        }
    }

    /// The stock tool for a digest; nil when there is none.
    private static func tool(for algorithm: String) -> String? {
        switch algorithm {
        case "md5", "sha1", "sha256", "sha512": "\(algorithm)sum"
        case "sha3-256", "blake2b512": "openssl dgst -\(algorithm)"
        default: nil
        }
    }
}
