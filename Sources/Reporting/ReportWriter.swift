public import EvidenceModel
public import Trust

/// Issues a report: renders it, signs it and puts its files into a folder of its own.
public enum ReportWriter {
    /// Writes `report.pdf` (PDF/A-3b, signed), `report.html` and the annexes.
    ///
    /// The folder appears whole or not at all and is never overwritten: a report is not edited but replaced by a new one
    /// (ISO/IEC 17025:2017, 7.8.8).
    /// - Parameters:
    ///   - model: everything that the report says.
    ///   - language: the language it is issued in.
    ///   - folder: the report's own folder, which does not exist; the folder above it does.
    ///   - signer: who signs; a trial certificate marks the report as a trial whatever the model says.
    ///   - timestamp: gives the signature a time stamp (level B-T); nil for level B-B.
    /// - Throws: `exists` when the folder is there, `missingTool` when WeasyPrint is not installed, `model` when an annex
    ///   has an unfit name, `signature` when signing fails, `storage` when the file system refuses.
    public static func write(
        _ model: ReportModel, language: ReportLanguage, into folder: String, signer: Signer,
        timestamp: TimestampAuthority?
    ) async throws(ReportError) -> IssuedReport {
        var model = model
        model.isTrial = model.isTrial || signer.certificate.isTrial
        try check(model)
        try ReportFolder.checkAbsent(folder)

        let renderer = try HTMLRenderer(language: language)
        let html = Array(try renderer.html(model, signature: block(signer, timestamp)).utf8)
        let unsigned = try await PDFRenderer.pdf(html: html, identifier: PDFRenderer.identifier(of: model))
        let claims = PDFSigner.Claims(
            time: model.issued, name: signer.certificate.subjectCommonName, reason: renderer.signingReason(model),
            location: model.laboratory.place.isEmpty
                ? model.laboratory.address.joined(separator: ", ") : model.laboratory.place)
        let pdf = try PDFSigner(claims: claims, annexes: model.annexes).sign(unsigned) { pieces throws(ReportError) in
            try signature(over: pieces, signer, timestamp)
        }

        var contents = [(name: pdfName, bytes: pdf), (name: htmlName, bytes: html)]
        contents += model.annexes.map { (name: $0.fileName, bytes: $0.bytes) }
        try ReportFolder.write(contents, to: folder)
        var files: [IssuedFile] = []
        for (name, bytes) in contents {
            files.append(IssuedFile(name: name, size: bytes.count, sha256: try Fingerprint.sha256(bytes)))
        }
        return IssuedReport(
            id: model.identifier, pdfPath: folder + "/" + pdfName, htmlPath: folder + "/" + htmlName,
            pdfSHA256: files[0].sha256, htmlSHA256: files[1].sha256, files: files)
    }

    private static let pdfName = "report.pdf"
    private static let htmlName = "report.html"

    private static func block(_ signer: Signer, _ timestamp: TimestampAuthority?) -> SignatureBlock {
        let certificate = signer.certificate
        return SignatureBlock(
            name: certificate.subjectCommonName, organization: certificate.subjectOrganization,
            certificateSHA256: certificate.sha256.hex, serial: certificate.serialHex, notBefore: certificate.notBefore,
            notAfter: certificate.notAfter, timestampAuthority: timestamp?.certificate.subjectCommonName)
    }

    private static func signature(
        over pieces: [ArraySlice<UInt8>], _ signer: Signer, _ timestamp: TimestampAuthority?
    ) throws(ReportError) -> [UInt8] {
        do {
            return try CAdES.signForPDF(
                digestOf: pieces, by: signer, timestamp: timestamp.map { authority in { try authority.stamp($0) } })
        } catch {
            throw ReportError(.signature, "The report could not be signed: \(error)")
        }
    }

    /// What would make the report ambiguous or its folder unsafe.
    private static func check(_ model: ReportModel) throws(ReportError) {
        guard !model.identifier.isEmpty else {
            throw ReportError(.model, "The report has no number. Give it one.")
        }
        var names: Set<String> = [pdfName, htmlName]
        for annex in model.annexes {
            let isPlain = annex.fileName.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: ".-_".utf8.contains(byte)
                }
            }
            guard isPlain, let first = annex.fileName.first, first != ".", annex.fileName.utf8.count <= 100 else {
                throw ReportError(
                    .model,
                    "The annex name \(EvidenceText.plain(annex.fileName)) is unfit. Use letters, digits, '.', '-', '_'."
                )
            }
            guard names.insert(annex.fileName).inserted else {
                throw ReportError(.model, "The annex name \(annex.fileName) is taken. Use another.")
            }
        }
    }
}

/// A report that was issued: what the ledger records of it.
public struct IssuedReport: Hashable, Sendable {
    /// The report's number.
    public let id: String
    /// Path of the signed PDF.
    public let pdfPath: String
    /// Path of the HTML page.
    public let htmlPath: String
    /// SHA-256 of the signed PDF.
    public let pdfSHA256: Digest
    /// SHA-256 of the HTML page.
    public let htmlSHA256: Digest
    /// Every file of the report's folder, the PDF first.
    public let files: [IssuedFile]
}

/// One file of an issued report.
public struct IssuedFile: Hashable, Sendable {
    /// Name in the report's folder.
    public let name: String
    /// Size in bytes.
    public let size: Int
    /// SHA-256 of its content.
    public let sha256: Digest
}
