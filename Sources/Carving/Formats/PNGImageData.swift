/// The zlib stream that the IDAT chunks of a PNG carry together (PNG, 10.1): it ties them to one another and to IHDR.
///
/// Each chunk has its own CRC-32, which says nothing about its neighbours; chunks of two pictures hold one by one.
struct PNGImageData: ~Copyable {
    /// Most bytes of pixels that are inflated.
    private let most: Int
    private var inflater = Inflater(.zlib)
    private var output = [UInt8](repeating: 0, count: Inflater.pieceSize)
    /// Bytes that the picture's lines take with their filter bytes; nil when no number holds them.
    private let expected: Int?
    private var produced = 0
    private var isFinished = false
    private var isInvalid = false
    /// Bytes behind the end of the stream.
    private(set) var left = 0

    /// - Parameter allowance: bytes of pixels that may be inflated, where that is less than for any picture.
    init(width: Int, height: Int, bitsPerPixel: Int, isInterlaced: Bool, allowance: Int = .max) {
        most = min(WalkLimit.pngInflatedBytes.value, allowance)
        // The passes of Adam7 (8.2): first column, first line, and how far the next ones are.
        let passes =
            isInterlaced
            ? [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
            : [(0, 0, 1, 1)]
        var total: Int? = 0
        for (column, line, across, down) in passes {
            let columns = max(0, (width - column + across - 1) / across)
            let lines = max(0, (height - line + down - 1) / down)
            guard columns > 0, lines > 0 else { continue }
            let size = (1 + (columns * bitsPerPixel + 7) / 8).multipliedReportingOverflow(by: lines)
            total = size.overflow ? nil : total.map { $0.addingReportingOverflow(size.partialValue).partialValue }
        }
        expected = total
    }

    /// Inflates more of the stream.
    mutating func add(_ bytes: ArraySlice<UInt8>) {
        var used = bytes.startIndex
        while used < bytes.endIndex, !isFinished, !isInvalid, produced <= most {
            guard let step = inflater?.step(bytes[used...], into: &output) else {
                isInvalid = true
                return
            }
            used += step.consumed
            produced += step.produced
            if step.status == .finished { isFinished = true }
            if step.status == .invalid || expected.map({ produced > $0 }) ?? true { isInvalid = true }
            if step.consumed == 0, step.produced == 0 { break }
        }
        // What zlib holds back is taken by the next call; at the end it is asked for once more.
        if isFinished { left += bytes.endIndex - used }
    }

    enum Verdict {
        /// The checksum of the stream holds, and it has every line.
        case whole
        case contradictory
        case tooLarge
    }

    /// What the stream came to; to be asked once, when all of it was added.
    mutating func verdict() -> Verdict {
        while !isFinished, !isInvalid, produced <= most {
            guard let step = inflater?.step([], into: &output), step.produced > 0 || step.status == .finished else {
                break
            }
            produced += step.produced
            if step.status == .finished { isFinished = true }
        }
        if produced > most, !isInvalid { return .tooLarge }
        return isFinished && !isInvalid && produced == expected ? .whole : .contradictory
    }

    /// Bytes inflated so far.
    var cost: Int { produced }
}
