import ArgumentParser
import Casework
import EvidenceModel
import Trust

/// `exhibit identity`.
struct IdentityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity", abstract: "Make, import and list the identities that sign.",
        subcommands: [New.self, Import.self, List.self], defaultSubcommand: List.self)

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a laboratory root and an examiner certificate for trying out.",
            discussion: """
                What they sign is marked as a trial everywhere: it is not for casework. The private key is encrypted with \
                the passphrase. For casework import the certificate that your authority issued.
                """)

        @Option(help: "The examiner's name.")
        var name: String

        @Option(name: .customLong("org"), help: "The laboratory's name.")
        var organization: String

        @Option(help: ArgumentHelp("Days until the certificate expires.", valueName: "days"))
        var validDays = 365

        @Option(
            help: ArgumentHelp(
                "The passphrase of the laboratory root, when another examiner made it with another one.",
                valueName: "file"))
        var rootPassphraseFile: String?

        @OptionGroup var passphrase: PassphraseOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if !(1...3650).contains(validDays) { throw ValidationError("--valid-days takes a number from 1 to 3650.") }
        }

        func run() throws {
            let (workstation, _) = try Setting.workstation()
            let identity = try workstation.identities.createTrialIdentity(
                name: name, organization: organization,
                passphrase: try passphrase.passphrase(for: "the new identity", confirming: true), validDays: validDays,
                rootPassphrase: try rootPassphraseFile.map { try PassphraseOptions.firstLine(ofFile: $0) })
            try output.write(IdentityText.value(identity)) {
                "Identity \(identity.slug) made: a trial certificate, not for casework.\n"
                    + IdentityText.text([identity])
            }
        }
    }

    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Import an examiner's own key and certificate.",
            discussion: """
                FILE is PKCS#12 (.p12, .pfx), or PEM with --certificate. The key is stored encrypted with the same passphrase.
                """)

        @Argument(help: "PKCS#12 file, or PEM file with the private key.")
        var file: String

        @Option(
            help: ArgumentHelp("PEM file with the certificate and its chain; then FILE is the key.", valueName: "file"))
        var certificate: String?

        @Option(
            help: ArgumentHelp(
                "PEM file with the root certificate that signatures are checked against.", valueName: "file"))
        var root: String?

        @OptionGroup var passphrase: PassphraseOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let (workstation, _) = try Setting.workstation()
            let secret = try passphrase.passphrase(for: file)
            let store = workstation.identities
            let identity =
                if let certificate {
                    try store.importPEM(
                        certificatePath: certificate, keyPath: file, passphrase: secret, rootsPath: root)
                } else {
                    try store.importPKCS12(path: file, passphrase: secret, rootsPath: root)
                }
            try output.write(IdentityText.value(identity)) { IdentityText.text([identity]) }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the identities of this workstation.")

        @OptionGroup var output: OutputOptions

        func run() throws {
            let (workstation, _) = try Setting.workstation()
            let identities = try workstation.identities.list()
            try output.write(["identities": .array(identities.map(IdentityText.value))]) {
                identities.isEmpty ? "There is no identity in \(workstation.home)." : IdentityText.text(identities)
            }
        }
    }
}
