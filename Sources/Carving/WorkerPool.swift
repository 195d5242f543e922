internal import Dispatch
internal import Synchronization

/// A fixed set of workers that share out numbered tasks.
///
/// Tasks start in ascending order. Results must not depend on which worker does a task or when.
struct WorkerPool<Worker: AnyObject & Sendable>: Sendable {
    let workers: [Worker]

    /// Runs `task` once for each number below `count`; returns when all are done.
    func run(_ count: Int, _ task: @Sendable (Worker, Int) -> Void) {
        let next = Atomic(0)
        if workers.count == 1 || count < 2 {
            for number in 0..<count { task(workers[0], number) }
            return
        }
        DispatchQueue.concurrentPerform(iterations: min(workers.count, count)) { position in
            while true {
                let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
                if number >= count { return }
                task(workers[position], number)
            }
        }
    }
}
