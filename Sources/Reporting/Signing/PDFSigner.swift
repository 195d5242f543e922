internal import Digesting
internal import EvidenceModel

/// Puts the annexes and a PAdES signature (ETSI EN 319 142-1) behind WeasyPrint's bytes, in one incremental update.
///
/// The same update makes the file a PDF/A-3 (ISO 19005-3, 6.8): embedded files with `/AFRelationship`, MIME type and
/// `/AF`, and dates in the form that the standard demands, which WeasyPrint 57 does not write.
struct PDFSigner {
    /// Room for the signature's DER bytes, in hexadecimal digits.
    static let contentsDigits = 32_768

    /// What the signature dictionary says beside the signature.
    struct Claims: Hashable, Sendable {
        var time: UTCTime
        var name: String
        var reason: String
        var location: String
    }

    let claims: Claims
    let annexes: [ReportModel.Annex]

    /// - Parameter makeSignature: given the signed bytes before and after the signature; returns the CMS in DER.
    func sign(
        _ pdf: [UInt8], makeSignature: (_ pieces: [ArraySlice<UInt8>]) throws(ReportError) -> [UInt8]
    ) throws(ReportError) -> [UInt8] {
        let document = try PDFDocument(pdf)
        let catalogNumber = try document.number(of: "Root", in: document.trailer)
        var catalog = try document.dictionary(catalogNumber)
        var update = try PDFUpdate(document)

        try writeInformation(document, &update)
        try writeAnnexes(&catalog, &update)

        let pageNumber = try document.lastPage(catalog: catalog)
        let field = update.reserveNumber()
        let signature = update.reserveNumber()
        try writeField(field, signature: signature, page: pageNumber, document, &update)
        guard catalog["AcroForm"] == nil else { throw PDFDocument.unexpected("a form") }
        catalog["AcroForm"] = .dictionary(["Fields": .array([.reference(field)]), "SigFlags": .integer(3)])
        update.write(catalogNumber, catalog)

        // Last, so that nothing that an annex holds can stand behind it and be taken for the byte range.
        let room = writeSignature(signature, &update)
        update.finish(revision: Array(try Fingerprint.sha256(update.bytes).bytes.prefix(16)))
        let lengths = (before: room.contents.lowerBound, after: update.bytes.count - room.contents.upperBound)
        update.fill(
            room.byteRange,
            with: Self.padded(
                "[0 \(lengths.before) \(room.contents.upperBound) \(lengths.after)]", to: room.byteRange.count))
        let signed = update.bytes
        let contents = try makeSignature([signed[..<room.contents.lowerBound], signed[room.contents.upperBound...]])
        guard contents.count * 2 <= Self.contentsDigits else {
            throw ReportError(
                .signature,
                "The signature takes \(contents.count) bytes; there is room for \(Self.contentsDigits / 2). "
                    + "Use a shorter certificate chain.")
        }
        let digits = Array(Hex.encode(contents).utf8)
        update.fill(
            room.contents.lowerBound + 1..<room.contents.upperBound - 1,
            with: digits + [UInt8](repeating: UInt8(ascii: "0"), count: Self.contentsDigits - digits.count))
        return update.bytes
    }

    /// The document information again, with dates as ISO 32000-1, 7.9.4 writes them.
    private func writeInformation(_ document: PDFDocument, _ update: inout PDFUpdate) throws(ReportError) {
        let number = try document.number(of: "Info", in: document.trailer)
        var information = try document.dictionary(number)
        for key in ["CreationDate", "ModDate"] where information[key] != nil {
            information[key] = .string(Array(Self.date(claims.time, zone: "Z").utf8))
        }
        update.write(number, information)
    }

    // MARK: - Annexes

    private func writeAnnexes(_ catalog: inout PDFDictionary, _ update: inout PDFUpdate) throws(ReportError) {
        guard !annexes.isEmpty else { return }
        var files: [PDFObject] = []
        var names: [PDFObject] = []
        // A name tree is in the order of its keys (7.9.6).
        for annex in annexes.sorted(by: { $0.fileName < $1.fileName }) {
            let stream = update.reserveNumber()
            let file = update.reserveNumber()
            let checksum: Digest
            do {
                checksum = try digest(.md5, of: annex.bytes)
            } catch {
                throw ReportError(.resource, "MD5 failed: \(error)")
            }
            update.writeStream(
                stream,
                [
                    "Type": .name("EmbeddedFile"), "Subtype": .name(annex.mediaType),
                    "Params": .dictionary([
                        "Size": .integer(annex.bytes.count),
                        "ModDate": .string(Array(Self.date(claims.time, zone: "Z").utf8)),
                        "CheckSum": .string(checksum.bytes),
                    ]),
                ], annex.bytes)
            update.write(
                file,
                [
                    "Type": .name("Filespec"), "F": .text(annex.fileName), "UF": .text(annex.fileName),
                    "Desc": .text(annex.title), "AFRelationship": .name(annex.relationship.rawValue),
                    "EF": .dictionary(["F": .reference(stream), "UF": .reference(stream)]),
                ])
            files.append(.reference(file))
            names += [.text(annex.fileName), .reference(file)]
        }
        guard catalog["AF"] == nil else { throw PDFDocument.unexpected("attached files") }
        catalog["AF"] = .array(files)
        var trees = PDFDictionary()
        if let existing = catalog["Names"] {
            guard let dictionary = existing.dictionary, dictionary["EmbeddedFiles"] == nil else {
                throw PDFDocument.unexpected("names of another kind")
            }
            trees = dictionary
        }
        trees["EmbeddedFiles"] = .dictionary(["Names": .array(names)])
        catalog["Names"] = .dictionary(trees)
    }

    // MARK: - Signature

    /// The field, which is its own invisible widget on the last page: what can be seen of the signature is page content.
    private func writeField(
        _ number: Int, signature: Int, page pageNumber: Int, _ document: PDFDocument, _ update: inout PDFUpdate
    ) throws(ReportError) {
        update.write(
            number,
            [
                "Type": .name("Annot"), "Subtype": .name("Widget"), "FT": .name("Sig"), "T": .text("Signature1"),
                // Print and Locked (12.5.3); PDF/A wants every annotation to print.
                "F": .integer(132), "Rect": .array([.integer(0), .integer(0), .integer(0), .integer(0)]),
                "P": .reference(pageNumber), "V": .reference(signature),
            ])
        var page = try document.dictionary(pageNumber)
        var annotations: [PDFObject] = []
        if let existing = page["Annots"] {
            guard let array = existing.array else { throw PDFDocument.unexpected("annotations of another kind") }
            annotations = array
        }
        page["Annots"] = .array(annotations + [.reference(number)])
        update.write(pageNumber, page)
    }

    /// Where the byte range and the contents are filled in, as positions in the file.
    private struct Room {
        let byteRange: Range<Int>
        /// With the angle brackets: what the signature does not cover.
        let contents: Range<Int>
    }

    private func writeSignature(_ number: Int, _ update: inout PDFUpdate) -> Room {
        let head: PDFDictionary = [
            "Type": .name("Sig"), "Filter": .name("Adobe.PPKLite"), "SubFilter": .name("ETSI.CAdES.detached"),
            "M": .string(Array(Self.date(claims.time, zone: "+00'00'").utf8)), "Name": .text(claims.name),
            "Reason": .text(claims.reason), "Location": .text(claims.location),
        ]
        let byteRangeLength = "[0 0000000000 0000000000 0000000000]".utf8.count
        var content = Array(head.encoded.dropLast(2))
        content += "/ByteRange ".utf8
        let byteRange = content.count..<content.count + byteRangeLength
        content += [UInt8](repeating: UInt8(ascii: " "), count: byteRangeLength)
        content += "\n/Contents ".utf8
        let contents = content.count..<content.count + Self.contentsDigits + 2
        content += "<".utf8
        content += [UInt8](repeating: UInt8(ascii: "0"), count: Self.contentsDigits)
        content += ">\n>>".utf8
        let start = update.write(number, content)
        return Room(
            byteRange: start + byteRange.lowerBound..<start + byteRange.upperBound,
            contents: start + contents.lowerBound..<start + contents.upperBound)
    }

    private static func padded(_ text: String, to length: Int) -> [UInt8] {
        let bytes = Array(text.utf8)
        precondition(bytes.count <= length, "a report is smaller than 10 GB")
        return bytes + [UInt8](repeating: UInt8(ascii: " "), count: length - bytes.count)
    }

    /// A date (7.9.4), for example "D:20261121174454Z".
    private static func date(_ time: UTCTime, zone: String) -> String {
        "D:" + time.rfc3339.prefix(19).filter(\.isNumber) + zone
    }
}

extension PDFDictionary: ExpressibleByDictionaryLiteral {
    init(dictionaryLiteral elements: (String, PDFObject)...) {
        self.init()
        for (key, value) in elements { self[key] = value }
    }
}
