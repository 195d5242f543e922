/// A run of consecutive bytes: `length` bytes that start at `offset`, both in bytes.
///
/// An artifact's content is the concatenation of its extents, in order.
public struct Extent: Hashable, Sendable {
    /// Distance of the first byte from the start of the medium, in bytes.
    public let offset: Int
    /// Number of bytes.
    public let length: Int

    /// - Precondition: neither value is negative and their sum does not overflow.
    public init(offset: Int, length: Int) {
        precondition(offset >= 0 && length >= 0 && !offset.addingReportingOverflow(length).overflow)
        self.offset = offset
        self.length = length
    }

    /// Offset of the first byte after the run.
    public var end: Int { offset + length }

    /// True when no byte belongs to both runs.
    public func isDisjoint(from other: Extent) -> Bool { end <= other.offset || other.end <= offset }

    /// True when every byte of `other` belongs to this run.
    public func contains(_ other: Extent) -> Bool { offset <= other.offset && other.end <= end }
}
