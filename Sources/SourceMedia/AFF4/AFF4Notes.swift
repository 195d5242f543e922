internal import Synchronization

/// Damage that shows only while a medium is read, and that loses no bytes by itself.
final class AFF4Notes: Sendable {
    /// Most notes that are kept.
    static let mostNotes = 1000

    private let notes = Mutex<[String]>([])

    /// In an order that does not depend on that of the reads.
    var all: [String] { notes.withLock { $0 }.sorted() }

    func add(_ note: String) {
        notes.withLock { notes in
            guard notes.count <= Self.mostNotes, !notes.contains(note) else { return }
            notes.append(notes.count == Self.mostNotes ? "more damage than is listed here" : note)
        }
    }
}
