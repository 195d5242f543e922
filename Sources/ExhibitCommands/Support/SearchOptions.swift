import ArgumentParser

/// What carving searches for, and where.
struct SearchOptions: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            "Search every offset of the medium, not only the starts of blocks and the gaps between finds."))
    var embedded = false

    @Option(
        help: ArgumentHelp(
            "Your own magic file, source or compiled, asked before the others. May be given more than once.",
            valueName: "file"))
    var magic: [String] = []
}
