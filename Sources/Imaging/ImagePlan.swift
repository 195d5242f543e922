import Digesting
public import EvidenceModel
public import SourceMedia

/// What image is to be made, and what it says of itself: fixed before the first byte, and kept over interruptions.
public struct ImagePlan: Hashable, Sendable {
    /// The kinds of image that are made.
    public enum Format: String, CaseIterable, Hashable, Sendable {
        /// Expert Witness Format, as EnCase 6 writes it.
        case e01
        /// The medium's bytes and nothing else.
        case raw
    }

    /// What identifies the medium when it is attached again.
    public struct Medium: Hashable, Sendable {
        public var size: Int
        public var sectorSize: Int
        public var model: String?
        public var serial: String?

        init(size: Int, sectorSize: Int, model: String?, serial: String?) {
            self.size = size
            self.sectorSize = sectorSize
            self.model = model
            self.serial = serial
        }

        /// What a source tells of itself.
        public init(_ description: SourceDescription) {
            self.init(
                size: description.mediaSize, sectorSize: description.sectorSize, model: description.device?.model,
                serial: description.device?.serial)
        }
    }

    public var format: Format
    public var compression: EWFImageFacts.Compression
    /// Most bytes of a segment file; E01 only.
    public var segmentSize: Int
    public var medium: Medium
    public var caseNumber: String
    public var item: String
    public var description: String
    public var examiner: String
    public var software: String
    /// When the acquisition began.
    public var started: UTCTime

    public init(
        format: Format, compression: EWFImageFacts.Compression, segmentSize: Int, medium: Medium, caseNumber: String,
        item: String, description: String, examiner: String, software: String, started: UTCTime
    ) {
        self.format = format
        self.compression = compression
        self.segmentSize = segmentSize
        self.medium = medium
        self.caseNumber = caseNumber
        self.item = item
        self.description = description
        self.examiner = examiner
        self.software = software
        self.started = started
    }

    /// The facts of an E01.
    func ewfFacts() throws(DigestError) -> EWFImageFacts {
        EWFImageFacts(
            caseNumber: caseNumber, evidenceNumber: item, description: description, examiner: examiner,
            software: software, system: "Linux", model: medium.model, serial: medium.serial, started: started,
            mediaSize: medium.size, sectorSize: medium.sectorSize,
            setIdentifier: Array(try digest(.sha256, of: canonical.encoded).bytes.prefix(16)),
            compression: compression, segmentSize: segmentSize)
    }

    /// Most bytes that the image may take up.
    public func largestImage() throws -> Int {
        switch format {
        case .raw: medium.size
        case .e01: try ewfFacts().largestImage
        }
    }
}

extension ImagePlan {
    var canonical: CanonicalValue {
        .object(compacting: [
            "format": .string(format.rawValue), "compression": .string(compression.rawValue),
            "segment_size": .size(segmentSize), "media_size": .size(medium.size),
            "sector_size": .integer(medium.sectorSize), "model": medium.model.map { .string($0) },
            "serial": medium.serial.map { .string($0) }, "case": .string(caseNumber), "item": .string(item),
            "description": .string(description), "examiner": .string(examiner), "software": .string(software),
            "started": .string(started.rfc3339),
        ])
    }

    /// Nil when a field is missing or impossible.
    init?(_ value: CanonicalValue) {
        guard let format = value["format"]?.string.flatMap({ Format(rawValue: $0) }),
            let compression = value["compression"]?.string.flatMap({ EWFImageFacts.Compression(rawValue: $0) }),
            let segmentSize = value["segment_size"]?.size, segmentSize >= EWFImageFacts.smallestSegment,
            let size = value["media_size"]?.size, size > 0, let sectorSize = value["sector_size"]?.integer,
            sectorSize > 0, let caseNumber = value["case"]?.string, let item = value["item"]?.string,
            let description = value["description"]?.string, let examiner = value["examiner"]?.string,
            let software = value["software"]?.string,
            let started = value["started"]?.string.flatMap({ UTCTime(rfc3339: $0) })
        else { return nil }
        self.init(
            format: format, compression: compression, segmentSize: segmentSize,
            medium: Medium(
                size: size, sectorSize: sectorSize, model: value["model"]?.string, serial: value["serial"]?.string),
            caseNumber: caseNumber, item: item, description: description, examiner: examiner, software: software,
            started: started)
    }
}
