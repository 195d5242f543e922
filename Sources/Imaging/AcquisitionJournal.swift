import EvidenceModel
public import SourceMedia

/// What an interrupted acquisition is continued from: how far the image is durable, and what was found on the way.
///
/// Lies beside the image while it is being made, as canonical JSON; written anew at each durable point, after the image
/// itself was flushed.
public struct AcquisitionJournal: Hashable, Sendable {
    /// Version of the layout.
    public static let version = 1
    static let type = "exhibit.acquisition-journal"
    /// Largest journal that is read, in bytes.
    static let largest = 64 << 20

    public var plan: ImagePlan
    /// Pages of 1 MiB that the image holds durably.
    public var pages = 0
    /// State of an E01; nil for a raw image.
    public var ewf: EWFImageState?
    /// What could not be read in those pages.
    public var unreadable = UnreadableRanges()
    /// How often the acquisition was continued.
    public var resumptions = 0

    public init(_ plan: ImagePlan) {
        self.plan = plan
        if plan.format == .e01 { ewf = EWFImageState() }
    }

    /// Reads the journal of an image.
    ///
    /// - Throws: ``ImagingError`` with code `journal`.
    public init(of place: ImagePlace) throws(ImagingError) {
        let value: CanonicalValue
        do {
            value = try CanonicalValue(parsing: try DurableFile.read(place.journalPath, limit: Self.largest))
        } catch let error as FileError where error.isMissing {
            throw ImagingError(
                .journal,
                "There is no interrupted acquisition at \(place.stem): \(place.journalPath) is missing. Start without "
                    + "--resume.")
        } catch {
            throw ImagingError(.journal, "\(place.journalPath) cannot be read: \(error).")
        }
        guard value["type"]?.string == Self.type, value["v"]?.integer == Self.version,
            let plan = value["plan"].flatMap({ ImagePlan($0) }), let pages = value["pages"]?.size, pages >= 0,
            pages <= (plan.medium.size >> 20) + 1, let resumptions = value["resumptions"]?.integer,
            let unreadable = Self.ranges(value["unreadable"]), (value["ewf"] != nil) == (plan.format == .e01)
        else {
            throw ImagingError(
                .journal, "\(place.journalPath) is damaged, or was written by another version. It cannot be continued.")
        }
        self.plan = plan
        self.pages = pages
        self.resumptions = resumptions
        self.unreadable = unreadable
        if let state = value["ewf"] {
            guard let ewf = EWFImageState(state) else {
                throw ImagingError(.journal, "\(place.journalPath) is damaged. It cannot be continued.")
            }
            self.ewf = ewf
        }
    }

    var canonical: CanonicalValue {
        .object(compacting: [
            "v": .integer(Self.version), "type": .string(Self.type), "plan": plan.canonical, "pages": .size(pages),
            "resumptions": .integer(resumptions), "ewf": ewf?.canonical,
            "unreadable": .array(
                unreadable.ranges.map {
                    [
                        "offset": .size($0.extent.offset), "length": .size($0.extent.length),
                        "error": .string($0.error),
                    ]
                }),
        ])
    }

    /// Nil when they are not what is written: ascending, apart.
    private static func ranges(_ value: CanonicalValue?) -> UnreadableRanges? {
        guard let list = value?.array else { return nil }
        var ranges = UnreadableRanges()
        for entry in list {
            guard let offset = entry["offset"]?.size, let length = entry["length"]?.size,
                let error = entry["error"]?.string, offset >= 0, length > 0,
                !offset.addingReportingOverflow(length).overflow, !ranges.overlaps(offset..<offset + length)
            else { return nil }
            ranges.add(offset..<offset + length, error)
        }
        return ranges
    }
}

extension EWFImageState {
    fileprivate var canonical: CanonicalValue {
        [
            "segment": .integer(segment), "length": .size(length), "tables": .integer(tables),
            "sectors_at": .size(sectorsAt), "chunks": .size(chunks),
            "entries": .array(entries.map { .integer(Int($0)) }),
        ]
    }

    fileprivate init?(_ value: CanonicalValue) {
        guard let segment = value["segment"]?.integer, (0...20_000).contains(segment),
            let length = value["length"]?.size, length >= 0, let tables = value["tables"]?.integer, tables >= 0,
            let sectorsAt = value["sectors_at"]?.size, (0...length).contains(sectorsAt),
            let chunks = value["chunks"]?.size, chunks >= 0, let list = value["entries"]?.array,
            list.count <= chunks
        else { return nil }
        self.init()
        self.segment = segment
        self.length = length
        self.tables = tables
        self.sectorsAt = sectorsAt
        self.chunks = chunks
        for entry in list {
            guard let number = entry.integer, let entry = UInt32(exactly: number) else { return nil }
            entries.append(entry)
        }
    }
}
