internal import EvidenceModel

/// tar archives (POSIX.1-2017 pax, ustar and GNU): headers with checksums, ended by two blocks of zeros.
struct TarWalker: FormatWalker {
    let name = "tar"
    let signatures = [WalkerSignature("ustar", at: 257)]

    let tailsAreFiles = true
    /// A member may be little more than its header, which is parsed.
    let readingCost = 8

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try TarWalk(reader).verdict() }
}

private struct TarWalk: FileWalk {
    static let blockSize = 512
    /// What most writers pad an archive to: 20 blocks.
    static let recordSize = 10_240

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "tar", fileExtension: "tar", mime: "application/x-tar")
    var isRecognised = false
    var names: [CanonicalValue] = []
    var members = 0
    /// True when the first header is written as libarchive writes it, which does not pad archives in files.
    var writerPadsNot = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        while try !isZeroBlock(at: file.length) { try member(at: file.length) }
        let end = file.length + Self.blockSize
        guard try isZeroBlock(at: end) else { throw .broken("only one block of zeros at the end") }
        file.length = end + Self.blockSize
        try padding()
        file.note("members", members)
        file.facts["names"] = .array(names)
    }

    private func isZeroBlock(at start: Int) throws(WalkStop) -> Bool {
        guard input.fits(start, Self.blockSize) else { throw .failed(.pastEnd(offset: start)) }
        return try input.isZero(start..<start + Self.blockSize)
    }

    private mutating func member(at start: Int) throws(WalkStop) {
        let header = try input.bytes(at: start, count: Self.blockSize)
        let isNamed = header[257..<262].elementsEqual("ustar".utf8)
        guard isNamed, TarNumber.checksumHolds(header) else {
            if members == 0 { throw .rejected("the header's checksum does not hold") }
            throw .broken("neither a member nor the end of the archive")
        }
        if !isRecognised { writerPadsNot = Self.isOfLibarchive(header) }
        isRecognised = true
        guard let size = TarNumber.value(header[124..<136]) else { throw .broken("a member without a size") }
        let type = header[156]
        // Links, devices, folders and pipes have no content, whatever the size says.
        let content = (0x31...0x36).contains(type) ? 0 : size
        let padded = (content + Self.blockSize - 1) / Self.blockSize * Self.blockSize
        if ![0x78, 0x67, 0x4C, 0x4B].contains(type) {
            members += 1
            if names.count < ZipContents.mostNames, let name = EvidenceText.clean(header[0..<100]) {
                names.append(.string(name))
            }
        }
        guard input.fits(start + Self.blockSize, padded) else {
            file.length = start + Self.blockSize
            throw .broken("a member reaches past the end of the source")
        }
        file.length = start + Self.blockSize + padded
    }

    /// libarchive writes mode, user and group as six digits, a space and a NUL; GNU tar and Python seven digits.
    private static func isOfLibarchive(_ header: [UInt8]) -> Bool {
        [100, 108, 116].allSatisfy { at in
            header[at..<at + 6].allSatisfy { (0x30...0x37).contains($0) } && header[at + 6] == 0x20
                && header[at + 7] == 0
        }
    }

    /// Zeros up to a whole record are taken for the archive's own, which nothing but custom says.
    private mutating func padding() throws(WalkStop) {
        let rest = file.length % Self.recordSize
        let end = rest == 0 ? file.length : file.length + Self.recordSize - rest
        guard input.fits(0, end), try input.isZero(file.length..<end) else {
            // Every member begins like an archive, and only the padding counts from the true beginning.
            file.doubt(
                [0..<file.length],
                because: "not padded to whole records: it may be the end of an archive that begins elsewhere")
            return
        }
        let follows = try input.isZero(end..<min(input.count, end + Self.blockSize))
        if try input.matches("ustar", at: end + 257) {
            file.doubt([0..<end], because: "an archive goes on right behind the zeros that end this one")
        }
        if writerPadsNot, end > file.length, end < input.count {
            file.confidence = .header
            if follows {
                file.warnings.append("zeros follow the archive; its writer does not pad archives to whole records")
                return
            }
            file.certainLength = file.length
            file.warnings.append("zeros fill the last record, though its writer seldom pads: they may not belong to it")
        } else if follows, end < input.count {
            file.confidence = .header
            file.certainLength = file.length
            file.warnings.append("zeros follow the archive; it was taken to be padded to whole records")
        }
        file.length = end
    }
}
