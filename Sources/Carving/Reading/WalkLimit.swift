/// What walkers keep to whatever a file says, by the names under which a run's provenance lists them.
///
/// A limit bounds work, memory or depth where a file of the format could go on. Where one decides something it is noted
/// with ``ByteReader/reached(_:)``, and so reaches the limits hit of the run. Numbers that no file of a format can exceed
/// are part of the format's description and stand in its walker.
public enum WalkLimit: String, CaseIterable, Comparable, Sendable {
    /// Bytes that the compressed data of one candidate may give.
    case inflatedBytes = "walk_inflated_bytes"
    /// Compressed data that give this many times their size are a decompression bomb.
    case inflatedRatio = "walk_inflated_ratio"
    /// Bytes up to which ``inflatedRatio`` is not looked at.
    case inflatedRatioAbove = "walk_inflated_ratio_above"
    /// Bytes of pixels of one PNG picture.
    case pngInflatedBytes = "walk_png_inflated_bytes"
    /// Bytes in which the data descriptor of a ZIP member without a size is searched.
    case zipDescriptorSearch = "walk_zip_descriptor_search"
    /// Members in the directory of a ZIP archive up to which those that it does not name are looked for.
    case zipListed = "walk_zip_listed"
    /// Boxes of one MP4 or similar file.
    case isoMediaBoxes = "walk_iso_media_boxes"
    /// Levels of boxes in boxes that are followed.
    case isoMediaDepth = "walk_iso_media_depth"
    /// Samples of one track whose places are checked.
    case isoMediaSamples = "walk_iso_media_samples"
    /// Bytes in which the end of a PDF stream without a usable length is searched.
    case pdfSearch = "walk_pdf_search"
    /// Numbers of a PDF that are remembered to find the lengths of its streams.
    case pdfObjects = "walk_pdf_objects"
    /// Entries of a PDF's cross-reference tables that are checked.
    case pdfEntries = "walk_pdf_entries"
    /// Levels of arrays and dictionaries in a PDF.
    case pdfNesting = "walk_pdf_nesting"
    /// Blocks of a program that begin like a program, behind which its checksum is not computed.
    case peProgramsInside = "walk_pe_programs_inside"
    /// Sectors of the allocation table of a compound file.
    case compoundTableSectors = "walk_compound_table_sectors"
    /// Directory entries of a compound file.
    case compoundEntries = "walk_compound_entries"
    /// Sectors of a compound file's streams whose order is looked at.
    case compoundListed = "walk_compound_listed"
    /// Directories of one TIFF file.
    case tiffDirectories = "walk_tiff_directories"
    /// Strips or tiles of one directory of a TIFF file.
    case tiffPieces = "walk_tiff_pieces"
    /// Segments of one JPEG picture.
    case jpegSegments = "walk_jpeg_segments"
    /// Elements of one Matroska file.
    case matroskaElements = "walk_matroska_elements"
    /// Chunks of one RIFF file.
    case riffChunks = "walk_riff_chunks"
    /// Pages of one database that are checked.
    case sqlitePages = "walk_sqlite_pages"
    /// Tables and indexes of one database that are followed.
    case sqliteTrees = "walk_sqlite_trees"
    /// Levels of the tree of one table.
    case sqliteDepth = "walk_sqlite_depth"
    /// Blocks of one xz stream.
    case xzBlocks = "walk_xz_blocks"
    /// Members of one cpio archive.
    case cpioMembers = "walk_cpio_members"
    /// Elements of one DER file.
    case derElements = "walk_der_elements"
    /// Bytes of one JSON text.
    case jsonBytes = "walk_json_bytes"
    /// Levels of one JSON text.
    case jsonDepth = "walk_json_depth"
    /// Bytes of one HTML page.
    case htmlBytes = "walk_html_bytes"
    /// Levels of elements of one XML document.
    case markupDepth = "walk_markup_depth"
    /// Bytes of one PEM block.
    case pemBlockBytes = "walk_pem_block_bytes"
    /// Bytes of one mailbox.
    case mailboxBytes = "walk_mailbox_bytes"
    /// Bytes of one OpenPGP text.
    case openPGPBytes = "walk_openpgp_bytes"
    /// Files of one disc image.
    case discRecords = "walk_disc_records"
    /// Directories of one disc image.
    case discDirectories = "walk_disc_directories"
    /// Pages of one Outlook store.
    case outlookPages = "walk_outlook_pages"

    /// The limit itself, in the unit that its description names.
    public var value: Int {
        switch self {
        case .inflatedBytes: 4 << 30
        case .inflatedRatio: 250
        case .inflatedRatioAbove: 64 << 20
        case .pngInflatedBytes: 1 << 30
        case .zipDescriptorSearch: 256 << 20
        case .zipListed: 1 << 20
        case .isoMediaBoxes: 1 << 20
        case .isoMediaDepth: 16
        case .isoMediaSamples: 1 << 21
        case .pdfSearch: 64 << 20
        case .pdfObjects: 1 << 20
        case .pdfEntries: 1 << 20
        case .pdfNesting: 256
        case .peProgramsInside: 16
        case .compoundTableSectors: 65_536
        case .compoundEntries: 262_144
        case .compoundListed: 1 << 23
        case .tiffDirectories: 4096
        case .tiffPieces: 1 << 20
        case .jpegSegments: 1 << 16
        case .matroskaElements: 1 << 24
        case .riffChunks: 1 << 24
        case .sqlitePages: 4 << 20
        case .sqliteTrees: 100_000
        case .sqliteDepth: 20
        case .xzBlocks: 1 << 20
        case .cpioMembers: 1 << 22
        case .derElements: 1 << 20
        case .jsonBytes: 512 << 20
        case .jsonDepth: 256
        case .htmlBytes: 32 << 20
        case .markupDepth: 10_000
        case .pemBlockBytes: 16 << 20
        case .mailboxBytes: 1 << 34
        case .openPGPBytes: 256 << 20
        case .discRecords: 1 << 20
        case .discDirectories: 1 << 16
        case .outlookPages: 1 << 20
        }
    }

    public static func < (one: WalkLimit, other: WalkLimit) -> Bool { one.rawValue < other.rawValue }
}

/// The limits that decided something while one candidate was looked at.
final class LimitNotes {
    fileprivate(set) var reached: Set<WalkLimit> = []
}

extension ByteReader {
    /// The limits that walkers reached while they read here, or in a reader made from this one.
    var limitsReached: Set<WalkLimit> { notes.reached }

    /// Notes that a limit decided something.
    func reached(_ limit: WalkLimit) { notes.reached.insert(limit) }
}

extension WalkInput {
    /// Notes that a limit decided something.
    func reached(_ limit: WalkLimit) { reader.reached(limit) }

    /// The end of a walk at a limit.
    func stop(at limit: WalkLimit, _ reason: String) -> WalkStop {
        reader.reached(limit)
        return .broken("\(reason): limit \(limit.rawValue)")
    }
}
