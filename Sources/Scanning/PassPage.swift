/// A page in memory and what it still waits for.
///
/// Its bytes are written by the thread that fills it, before the board gets it, and only read afterwards.
final class PassPage {
    let index: Int
    /// Bytes that belong to the page; those after them are the margin that a search may look at.
    let usable: Int
    private(set) var buffer: [UInt8]
    var tasksLeft = 0
    /// Whether candidates are looked for in it, and whether its digest is still to be taken.
    var isSearched = false
    var isDigested = false
    /// Whether the classes of its blocks are still to be told.
    var isClassified = false
    /// How far into the container's files a pass has come that has read this page.
    var containerPosition = 0
    var blockDigest: [UInt8]?
    var candidates: [Int] = []
    var blockRuns: [BlockRun] = []

    init(index: Int, usable: Int, buffer: [UInt8]) {
        self.index = index
        self.usable = usable
        self.buffer = buffer
    }

    /// The copy of the array ends with the call, so that who fills the buffer next finds it unshared.
    func withBytes<E: Error>(_ body: (Span<UInt8>) throws(E) -> Void) throws(E) {
        let bytes = buffer
        try body(bytes.span)
    }

    /// Gives the buffer back for another page.
    func takeBuffer() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &buffer)
        return taken
    }
}
