extension FormatWalker {
    /// True when whole files of other formats are at home between a file's first and last byte: members of an archive
    /// that begin at blocks, texts in texts.
    var holdsWholeFiles: Bool {
        switch self {
        // Read sign by sign too, but what they hold is packed in streams and pages.
        case is PDFWalker, is OggWalker: false
        default: self is TarWalker || self is any TextWalker
        }
    }

    /// Kinds of blocks that files of this format are not made of.
    ///
    /// Binary formats hold no whole block of text and no unused block, as a rule; text formats hold nothing else than text.
    var foreign: BlockKind {
        switch self {
        case is MarkupWalker, is RTFWalker, is MailWalker, is PEMWalker, is CardWalker, is JSONWalker,
            is PostScriptWalker, is MailboxWalker:
            [.uniform, .dense]
        case is PDFWalker: .uniform
        case is CompoundFileWalker, is SQLiteWalker, is RegistryHiveWalker, is EventLogWalker:
            [.text, .uniform, .dense]
        // Members are anything.
        case is TarWalker, is UnixArchiveWalker, is CPIOWalker: []
        case is BMPWalker, is AIFFWalker, is PSDWalker: [.text, .uniform, .dense]
        case is PEWalker, is ELFWalker, is MachOWalker: [.text, .dense]
        default: [.text, .uniform]
        }
    }
}
