import Synchronization

/// Counts what has been read, in several threads, for whoever wants to know.
final class PassProgress: Sendable {
    private let report: (@Sendable (Int) -> Void)?
    private let done = Mutex(0)

    init(_ report: (@Sendable (Int) -> Void)?) { self.report = report }

    func advance(by count: Int) {
        guard let report else { return }
        // Told under the lock, so that the numbers only grow.
        done.withLock { done in
            done += count
            report(done)
        }
    }
}
