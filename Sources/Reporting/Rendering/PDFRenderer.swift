internal import EvidenceModel

/// The HTML page as a PDF/A-3b, laid out by WeasyPrint in a confined child process.
enum PDFRenderer {
    private static let sizeLimit = 512 << 20

    /// The file identifier (ISO 32000-1, 14.4): the same report has the same one, whenever it is made.
    static func identifier(of model: ReportModel) throws(ReportError) -> String {
        let text = "exhibit report\n\(model.identifier)\n\(model.issued.rfc3339)\n"
        return String(try Fingerprint.sha256(Array(text.utf8)).hex.prefix(32))
    }

    static func pdf(html: [UInt8], identifier: String) async throws(ReportError) -> [UInt8] {
        let outcome = try await ConfinedProgram.run(
            "render_pdf.py", arguments: [identifier], input: html, outputLimit: sizeLimit)
        let errors = EvidenceText.plain(outcome.errors, limit: 2000)
        switch outcome.exitCode {
        case 0:
            guard outcome.output.starts(with: "%PDF-".utf8) else {
                throw ReportError(.renderer, "WeasyPrint wrote something else than a PDF. \(errors)")
            }
            return outcome.output
        case ExitCode.missingModule:
            throw ReportError(
                .missingTool, "WeasyPrint is not installed. Install the Debian package weasyprint. \(errors)")
        case ExitCode.refused:
            throw ReportError(.renderer, "The report's page names an address, which it must not. \(errors)")
        default:
            throw ReportError(.renderer, "WeasyPrint failed (\(outcome.exitCode)). \(errors)")
        }
    }

    /// What `render_pdf.py` exits with.
    private enum ExitCode {
        static let refused: Int32 = 3
        static let missingModule: Int32 = 4
    }
}
