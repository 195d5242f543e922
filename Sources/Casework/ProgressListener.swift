/// What a step counts in.
public enum ProgressUnit: Sendable {
    case bytes
    /// The noun is plural, for example "candidates".
    case things(String)
}

/// Hears how far a long step is. Called from any thread, often: a listener throttles itself.
public protocol ProgressListener: Sendable {
    /// A step begins; another one may have ended without being told.
    func began(_ name: String, unit: ProgressUnit)
    /// `done` of `total` units are done.
    func advanced(to done: Int, of total: Int)
    /// Something about the step that should be seen while it runs, for example a count of errors.
    func noted(_ text: String)
    /// The step is over.
    func ended()
}

extension ProgressListener {
    public func noted(_ text: String) {}
}
