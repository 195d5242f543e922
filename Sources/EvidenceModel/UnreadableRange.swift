/// A run of bytes that could not be read from a medium; it counts as zeros in what is digested, and is listed.
public struct UnreadableRange: Hashable, Sendable {
    public let extent: Extent
    /// The operating system's or the container's words.
    public let error: String

    public init(extent: Extent, error: String) {
        self.extent = extent
        self.error = error
    }
}
