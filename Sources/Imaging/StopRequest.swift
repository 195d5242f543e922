internal import Glibc
internal import Synchronization

/// Whether the user has asked to stop (Ctrl-C, SIGTERM): long work ends at its next safe point.
public enum StopRequest {
    private static let requested = Atomic(false)

    /// Hears the signals from now on. A second one ends the process at once, as if nobody had listened.
    public static func listen() {
        for number in [SIGINT, SIGTERM] {
            var action = sigaction()
            unsafe action.__sigaction_handler.sa_handler = { _ in StopRequest.requested.store(true, ordering: .relaxed)
            }
            action.sa_flags = SA_RESTART | Int32(bitPattern: UInt32(SA_RESETHAND))
            unsafe sigaction(number, &action, nil)
        }
    }

    /// True once a signal has come.
    public static var isRequested: Bool { requested.load(ordering: .relaxed) }
}
