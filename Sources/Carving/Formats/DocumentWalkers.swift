/// Documents, archives, databases, programs and system files.
let documentWalkers: [any FormatWalker] = [
    GzipWalker(),
    ZipWalker(),
    PDFWalker(),
    SQLiteWalker(),
    CompoundFileWalker(),
    ELFWalker(),
    EventLogWalker(),
    RegistryHiveWalker(),
    MarkupWalker(),
    PEWalker(),
    SevenZipWalker(),
    RARWalker(),
]
