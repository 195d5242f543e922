/// Blocks inside compressed data that compression never gives: another file's text, or unused space.
///
/// A format whose data cannot be followed bit by bit is still told apart from a file in pieces where the gap between
/// them holds text or one repeated byte.
enum ForeignBlocks {
    /// Offset of the first whole block in the range that is not compressed data; nil when there is none.
    ///
    /// - Parameter mayHoldText: true where encoders leave their settings as text among the data.
    static func first(
        _ input: WalkInput, in range: Range<Int>, mayHoldText: Bool = false
    ) throws(WalkStop) -> Int? {
        let blockSize = FreeSpace.block
        var at = (range.lowerBound + blockSize - 1) / blockSize * blockSize
        while at + blockSize <= range.upperBound {
            var isUniform = true
            var isText = !mayHoldText
            let first = UInt8(truncatingIfNeeded: try input.u8(at))
            var offset = at
            while offset < at + blockSize, isUniform || isText {
                let byte = UInt8(truncatingIfNeeded: try input.u8(offset))
                if byte != first { isUniform = false }
                if !(0x20...0x7E).contains(byte), byte != 0x0A, byte != 0x0D, byte != 0x09 { isText = false }
                offset += 1
            }
            if isUniform || isText { return at }
            at += blockSize
        }
        return nil
    }
}
