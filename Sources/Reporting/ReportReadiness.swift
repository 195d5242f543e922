/// Whether a report can be made on this machine: asked before hours of work lead up to it.
public enum ReportReadiness {
    /// Reads the texts and templates, and has WeasyPrint lay out an empty page as it will lay out the report.
    ///
    /// - Throws: `missingTool` when a program that the report needs is not installed, `resource` when the tool's own
    ///   files are not there, `renderer` when WeasyPrint fails. The message says that nothing was done.
    public static func check(_ language: ReportLanguage) async throws(ReportError) {
        do throws(ReportError) {
            _ = try HTMLRenderer(language: language)
            _ = try ReportResources.text("make_thumbnail.py")
            _ = try await PDFRenderer.pdf(
                html: Array("<!DOCTYPE html><html lang=\"en\"><title>-</title><p>-</p></html>".utf8),
                identifier: String(repeating: "0", count: 32))
        } catch {
            throw ReportError(
                error.code, "A report could not be made here, so nothing was begun: \(error.message)")
        }
    }
}
