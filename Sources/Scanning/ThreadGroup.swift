import Foundation

/// Threads that are started together and waited for together.
///
/// Threads rather than tasks: the reader blocks in system calls and the workers block on a condition, neither of which
/// the cooperative pool allows.
final class ThreadGroup: @unchecked Sendable {
    private let condition = NSCondition()
    /// Guarded by `condition`.
    private var running = 0

    func start(_ body: @escaping @Sendable () -> Void) {
        condition.lock()
        running += 1
        condition.unlock()
        let thread = Thread {
            body()
            self.condition.lock()
            self.running -= 1
            self.condition.broadcast()
            self.condition.unlock()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    func wait() {
        condition.lock()
        while running > 0 { condition.wait() }
        condition.unlock()
    }
}
