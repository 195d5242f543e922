public import EvidenceModel
public import SourceMedia

/// A medium whose first bytes are in an image already: those are read from there, the others from the device.
public struct ContinuedMedium: SourceReader {
    private let device: any SourceReader
    private let written: any ByteSource
    private let known: UnreadableRanges

    /// - Parameters:
    ///   - written: what the image holds, from the medium's start.
    ///   - known: what of it could not be read from the device.
    public init(_ device: any SourceReader, written: any ByteSource, known: UnreadableRanges) {
        self.device = device
        self.written = written
        self.known = known
    }

    public var size: Int { device.size }

    public var description: SourceDescription { device.description }

    public var unreadable: [UnreadableRange] {
        var all = known
        // The device was asked for its first bytes to tell whether it is the same one; what failed there is known.
        for range in device.unreadable {
            let start = max(written.size, range.extent.offset)
            if start < range.extent.end { all.add(start..<range.extent.end, range.error) }
        }
        return all.ranges
    }

    public func checkUnchanged() throws(SourceError) { try device.checkUnchanged() }

    public func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
        guard offset >= 0, offset < size else { return 0 }
        let inImage = max(0, min(destination.count, written.size - offset))
        if inImage > 0 {
            var part = destination._mutatingExtracting(0..<inImage)
            guard try written.read(at: offset, into: &part) == inImage else {
                throw SourceError(.damaged, "The interrupted image ends before byte \(offset + inImage).")
            }
        }
        guard inImage < destination.count, offset + inImage < size else { return inImage }
        var rest = destination._mutatingExtracting(inImage..<destination.count)
        return inImage + (try device.read(at: offset + inImage, into: &rest))
    }
}
