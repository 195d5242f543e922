internal import CBZip2
internal import EvidenceModel

/// bzip2: decompressed to its own end; libbz2 checks the CRC-32 of every block and of the whole.
struct Bzip2Walker: FormatWalker {
    let name = "bzip2"
    let signatures = (1...9).map { WalkerSignature(Array("BZh\($0)".utf8) + [0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) }

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try Bzip2Walk(reader).verdict() }
}

private struct Bzip2Walk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .proven, format: "bz2", fileExtension: "bz2", mime: "application/x-bzip2")
    var isRecognised = false
    var content = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var streams = 0
        repeat {
            try stream()
            streams += 1
        } while try input.continues(with: "BZh".utf8, at: file.length)
        file.note("streams", streams)
        file.note("content_bytes", content)
    }

    private mutating func stream() throws(WalkStop) {
        guard var decompressor = Bzip2Decompressor() else { throw .broken("no memory to decompress") }
        var output = [UInt8](repeating: 0, count: Inflater.pieceSize)
        var at = file.length
        while true {
            let piece = try input.available(at: at, count: ByteReader.windowSize / 4)
            guard !piece.isEmpty else { throw .broken("the source ends inside the compressed data") }
            var used = 0
            var isFull = false
            while used < piece.count || isFull {
                let step = decompressor.step(piece[used...], into: &output)
                used += step.consumed
                content += step.produced
                input.reader.charge(step.produced)
                isFull = step.produced == output.count
                file.length = at + used
                isRecognised = isRecognised || step.produced > 0
                switch step.status {
                case .finished: return
                case .invalid: throw .broken("the compressed data is not valid bzip2, or a CRC-32 does not hold")
                case .more: break
                }
                guard content <= InflateLimit.mostBytes else {
                    throw input.stop(at: .inflatedBytes, "not decompressed to its end")
                }
                guard input.reader.mayDecode else { throw .broken("not decompressed to its end") }
                if step.consumed == 0, step.produced == 0 { throw .broken("the compressed data leads nowhere") }
            }
            at += used
        }
    }
}

/// One bzip2 stream, decompressed piece by piece with libbz2.
@safe struct Bzip2Decompressor: ~Copyable {
    private let stream: UnsafeMutablePointer<bz_stream>

    /// Nil when libbz2 has no memory.
    init?() {
        unsafe stream = UnsafeMutablePointer<bz_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: bz_stream())
        guard unsafe BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK else {
            unsafe stream.deallocate()
            return nil
        }
    }

    deinit {
        unsafe BZ2_bzDecompressEnd(stream)
        unsafe stream.deallocate()
    }

    /// Decompresses from `input` into `output`, as much as both allow.
    mutating func step(
        _ input: ArraySlice<UInt8>, into output: inout [UInt8]
    ) -> (status: Inflater.Status, consumed: Int, produced: Int) {
        let room = output.count
        var source = Array(input.map { CChar(bitPattern: $0) })
        let outcome: (Int32, Int, Int) = unsafe source.withUnsafeMutableBufferPointer { from in
            unsafe output.withUnsafeMutableBytes { to in
                unsafe stream.pointee.next_in = from.baseAddress
                unsafe stream.pointee.avail_in = UInt32(from.count)
                unsafe stream.pointee.next_out = to.bindMemory(to: CChar.self).baseAddress
                unsafe stream.pointee.avail_out = UInt32(to.count)
                let result = unsafe BZ2_bzDecompress(stream)
                return unsafe (result, from.count - Int(stream.pointee.avail_in), Int(stream.pointee.avail_out))
            }
        }
        let produced = room - outcome.2
        switch outcome.0 {
        case BZ_STREAM_END: return (.finished, outcome.1, produced)
        case BZ_OK: return (.more, outcome.1, produced)
        default: return (.invalid, outcome.1, produced)
        }
    }
}
