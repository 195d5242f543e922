internal import EvidenceModel

/// Windows registry hives ("regf", Windows NT registry file format): a base block and a chain of hive bins.
struct RegistryHiveWalker: FormatWalker {
    let name = "regf"
    let signatures = [WalkerSignature("regf")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try RegistryHiveWalk(reader).verdict() }
}

private struct RegistryHiveWalk: FileWalk {
    static let baseBlock = 4096
    /// Windows grows the files of its own hives in steps of this size.
    static let growth = 256 * 1024
    /// Largest hive that Windows makes: 2 GiB.
    static let largestBins = 1 << 31

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "hive", fileExtension: "hive", mime: "application/x-ms-registry")
    var isRecognised = false
    /// What the last cell of the last bin holds.
    var lastCell = 0..<0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let bins = try input.u32le(40)
        guard try input.u32le(20) == 1, try input.u32le(24) <= 6, try input.u32le(28) == 0, try input.u32le(32) == 1,
            bins > 0, bins % 4096 == 0, bins <= Self.largestBins
        else { throw .rejected("not a hive base block") }
        let isSound = try checksum() == input.u32le(508)
        guard try input.matches("hbin", at: Self.baseBlock) else {
            guard isSound else { throw .rejected("no hive bin behind the base block") }
            isRecognised = true
            file.length = FreeSpace.block
            throw .broken("no hive bin behind the base block")
        }
        isRecognised = true
        file.length = Self.baseBlock
        if !isSound {
            file.confidence = .header
            file.warnings.append("the base block's checksum does not hold")
        }
        while file.length < Self.baseBlock + bins { try bin(at: file.length, end: Self.baseBlock + bins) }
        let root = Self.baseBlock + (try input.u32le(36))
        guard root < file.length, try input.matches("nk", at: root + 4) else {
            file.length = Self.baseBlock
            throw .broken("the root key is not where the base block says")
        }
        // Cells and bins are shown by those behind them; zeros in the last cell are unused space.
        if try !input.isZero(lastCell) { file.leaveUnchecked(lastCell) }
        try grown()
        try describe(root: root)
    }

    /// Exclusive or of the first 127 numbers, with two values that stand for others.
    private func checksum() throws(WalkStop) -> Int {
        var sum = 0
        for at in stride(from: 0, to: 508, by: 4) { sum ^= try input.u32le(at) }
        return sum == 0 ? 1 : sum == 0xFFFF_FFFF ? 0xFFFF_FFFE : sum
    }

    /// One hive bin: its cells fill it exactly.
    private mutating func bin(at start: Int, end: Int) throws(WalkStop) {
        guard try input.matches("hbin", at: start), try input.u32le(start + 4) == start - Self.baseBlock else {
            throw .broken("no hive bin where one must be")
        }
        let size = try input.u32le(start + 8)
        guard size >= 4096, size % 4096 == 0, size <= end - start else {
            throw .broken("a hive bin of impossible size")
        }
        guard input.fits(start, size) else { throw .broken("the source ends inside a hive bin") }
        var at = start + 32
        var last = at
        while at < start + size {
            last = at
            let stated = Int(Int32(truncatingIfNeeded: try input.u32le(at)))
            let cell = abs(stated)
            guard cell >= 8, cell % 8 == 0, cell <= start + size - at else {
                throw .broken("a hive bin whose cells do not fill it")
            }
            at += cell
        }
        lastCell = last + 4..<start + size
        file.length = start + size
    }

    /// A hive that Windows itself keeps carries its name, and its file is a multiple of ``growth`` long: what lies
    /// behind the last bin belongs to the file. A hive that was saved to a file has no name and ends with its last bin.
    private mutating func grown() throws(WalkStop) {
        let bins = file.length
        guard try input.u16le(48) != 0 else { return }
        // Bins of a time when the hive was larger may still lie behind its last one.
        var reach = bins
        while input.fits(reach, 4096), try input.matches("hbin", at: reach),
            try input.u32le(reach + 4) == reach - Self.baseBlock
        {
            let size = try input.u32le(reach + 8)
            guard size >= 4096, size % 4096 == 0, size <= Self.largestBins, reach <= Self.largestBins else { break }
            reach += size
        }
        let end = (reach + Self.growth - 1) / Self.growth * Self.growth
        guard end > bins else { return }
        file.note("bins_end", bins)
        guard input.fits(0, end) else {
            file.warnings.append("the source ends before the space that Windows reserves behind the last hive bin")
            file.confidence = .header
            return
        }
        if try !input.isZero(bins..<end), reach == bins {
            file.confidence = .header
            file.warnings.append("the reserved space behind the last hive bin is not empty; its end is a rule of thumb")
            file.certainLength = bins
        }
        file.length = end
    }

    private mutating func describe(root: Int) throws(WalkStop) {
        if let name = EvidenceText.cleanUTF16(try input.bytes(at: 48, count: 64), bigEndian: false) {
            file.facts["hive_name"] = .string(name)
        }
        do { file.facts["last_written"] = EvidenceTime.fileTime(try input.reader.u64le(12)) } catch {
            throw .failed(error)
        }
        if try input.u32le(4) != input.u32le(8) {
            file.note("dirty")
            file.warnings.append("the sequence numbers differ: changes may be in transaction logs")
        }
        file.note("format_version", text: Array("1.\(try input.u32le(24))".utf8))
        let nameLength = min(try input.u16le(root + 4 + 72), 256)
        if input.fits(root + 80, nameLength), try input.u16le(root + 6) & 0x20 != 0 {
            file.note("root_key", text: try input.bytes(at: root + 80, count: nameLength))
        }
    }
}
