internal import EvidenceModel

/// Windows programs and libraries (Microsoft PE/COFF).
///
/// Ends with what lies furthest: headers, sections, the symbol table with its strings, the certificates; behind these
/// an archive that the program unpacks (ZIP, 7z, RAR, or the one of the Nullsoft installer) belongs to the file. Other
/// bytes behind them are not described by the format and are not taken.
struct PEWalker: FormatWalker {
    let name = "pe"
    let signatures = [WalkerSignature("MZ")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try PEWalk(reader).verdict() }
}

private struct PEWalk: FileWalk {
    /// Furthest that the PE header lies from the start.
    static let furthestHeader = 64 * 1024
    static let mostSections = 96 * 16
    /// Blocks that begin like a program, within one, behind which no checksum is computed any more. Each of them is a
    /// candidate that may state a checksum too: so many headers cannot make the same bytes be read more often than this.
    static let mostProgramsInside = WalkLimit.peProgramsInside.value

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "pe", fileExtension: "exe",
        mime: "application/vnd.microsoft.portable-executable")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let header = try input.u32le(60)
        guard header >= 4, header <= Self.furthestHeader, try input.matches([0x50, 0x45, 0, 0], at: header) else {
            throw .rejected("no PE header")
        }
        let machine = try input.u16le(header + 4)
        let sections = try input.u16le(header + 6)
        let optionalSize = try input.u16le(header + 20)
        guard let machineName = Self.machines[machine], sections > 0, sections <= Self.mostSections else {
            throw .rejected("not a PE header")
        }
        let optional = header + 24
        let magic = optionalSize >= 2 ? try input.u16le(optional) : 0
        let isPlus = magic == 0x20B
        guard magic == 0x10B || isPlus, optionalSize >= (isPlus ? 112 : 96) else {
            throw .rejected("not a PE optional header")
        }
        isRecognised = true
        let fileAlignment = try input.u32le(optional + 36)
        let headersSize = try input.u32le(optional + 60)
        let table = optional + optionalSize
        guard input.fits(table, 40 * sections) else { throw .broken("the source ends inside the section table") }
        file.length = table + 40 * sections
        guard fileAlignment & (fileAlignment - 1) == 0 || fileAlignment == 0, headersSize <= input.count else {
            throw .broken("impossible alignment or header size")
        }
        var end = max(file.length, headersSize)
        var names: [CanonicalValue] = []
        for index in 0..<sections {
            let at = table + 40 * index
            let size = try input.u32le(at + 16)
            let start = try input.u32le(at + 20)
            if size > 0, start > 0 { end = max(end, start + size) }
            if names.count < ZipContents.mostNames, let text = EvidenceText.clean(try input.bytes(at: at, count: 8)) {
                names.append(.string(text))
            }
        }
        end = try symbols(header: header, end: end)
        end = try certificates(optional: optional, size: optionalSize, isPlus: isPlus, end: end)
        guard input.fits(0, end) else {
            file.length = input.count
            throw .broken("the source ends before the furthest section")
        }
        file.length = end
        if try checksumHolds(at: optional + 64) {
            file.note("checksum")
            try doubtZeros(table + 40 * sections..<end)
        } else {
            file.leaveUnchecked(table + 40 * sections..<end)
        }
        try overlay()
        file.note("machine", text: Array(machineName.utf8))
        file.facts["sections"] = .array(names)
        file.facts["linked"] = EvidenceTime.posix(try input.u32le(header + 8))
        file.note("subsystem", try input.u16le(optional + 68))
        let characteristics = try input.u16le(header + 22)
        file.fileExtension = characteristics & 0x2000 != 0 ? "dll" : "exe"
        if try input.u16le(optional + 68) == 1 { file.fileExtension = "sys" }
    }

    /// Zeros change no sum: where a block of them lies inside and more follow, a gap may lie inside and the end be missing.
    private mutating func doubtZeros(_ range: Range<Int>) throws(WalkStop) {
        let block = FreeSpace.block
        let behind = (range.upperBound + block - 1) / block * block
        guard input.fits(behind, block), try input.isZero(range.upperBound..<behind + block) else { return }
        let first = (range.lowerBound + block - 1) / block * block
        for start in stride(from: first, to: range.upperBound - block, by: block)
        where try input.isZero(start..<start + block) {
            file.doubt([range], because: "the checksum would not show a gap of zeros, and zeros follow")
            return
        }
    }

    /// True when the header states a checksum and it is that of the file: the sum of its 16-bit words with the carries
    /// added in, without the field itself, plus the length (as the Image Help Library computes it).
    private func checksumHolds(at field: Int) throws(WalkStop) -> Bool {
        let stated = try input.u32le(field)
        guard stated != 0, field % 2 == 0 else { return false }
        var sum = 0
        var low: UInt8?
        var programs = 0
        for start in stride(from: 0, to: file.length, by: ByteReader.windowSize) {
            let range = start..<min(file.length, start + ByteReader.windowSize)
            for border in stride(from: start, to: range.upperBound - 1, by: FreeSpace.block)
            where try input.u16be(border) == 0x4D5A {
                programs += 1
            }
            guard programs <= Self.mostProgramsInside else {
                input.reached(.peProgramsInside)
                return false
            }
            try input.forEachPiece(of: range) { piece in
                for byte in piece {
                    guard let first = low else {
                        low = byte
                        continue
                    }
                    sum += Int(byte) << 8 | Int(first)
                    low = nil
                }
            }
        }
        if let low { sum += Int(low) }
        sum -= try input.u16le(field) + input.u16le(field + 2)
        while sum >> 16 != 0 { sum = (sum & 0xFFFF) + sum >> 16 }
        return sum + file.length == stated
    }

    /// The COFF symbol table and the string table behind it (PE/COFF 5.4 to 5.6).
    private func symbols(header: Int, end: Int) throws(WalkStop) -> Int {
        let table = try input.u32le(header + 12)
        let count = try input.u32le(header + 16)
        guard table > 0, count > 0 else { return end }
        let strings = table + 18 * count
        guard input.fits(strings, 4) else { return max(end, strings + 4) }
        return max(end, strings + max(4, try input.u32le(strings)))
    }

    /// The attribute certificate table, the only directory entry that is a file offset.
    private mutating func certificates(optional: Int, size: Int, isPlus: Bool, end: Int) throws(WalkStop) -> Int {
        let countField = optional + (isPlus ? 108 : 92)
        let entry = optional + (isPlus ? 112 : 96) + 32
        guard try input.u32le(countField) > 4, entry + 8 <= optional + size else { return end }
        let offset = try input.u32le(entry)
        let length = try input.u32le(entry + 4)
        guard offset > 0, length >= 8 else { return end }
        guard input.fits(offset, length) else { return max(end, offset + length) }
        // WIN_CERTIFICATE: length, revision 1.0 or 2.0, type.
        guard [0x100, 0x200].contains(try input.u16le(offset + 4)), try input.u32le(offset) <= length else {
            throw .broken("no certificate where the header says")
        }
        file.note("signed")
        return max(end, offset + length)
    }

    /// An archive behind the program that the program unpacks.
    private mutating func overlay() throws(WalkStop) {
        let start = file.length
        // The Nullsoft installer writes its marker and sizes behind the program.
        if try input.matches([0xEF, 0xBE, 0xAD, 0xDE], at: start + 4), try input.matches("NullsoftInst", at: start + 8)
        {
            let size = try input.u32le(start + 24)
            guard input.fits(start, size) else { throw .broken("the source ends inside the installer's archive") }
            file.length = start + size
            file.note("overlay", text: Array("nsis".utf8))
            return
        }
        let walkers: [any FormatWalker] = [ZipWalker(), SevenZipWalker(), RARWalker()]
        for walker in walkers {
            for signature in walker.signatures where try input.matches(signature.bytes, at: start) {
                let verdict: WalkVerdict
                do { verdict = try walker.walk(input.reader.reader(at: start)) } catch { throw .failed(error) }
                switch verdict {
                case .complete(let inner):
                    file.length = start + inner.length
                    file.note("overlay", text: Array(inner.format.utf8))
                    if inner.confidence == .header { file.confidence = .header }
                case .broken(let inner, let reason):
                    file.length = start + inner.length
                    throw .broken("the \(inner.format) archive behind the program: " + reason)
                case .rejected: break
                }
                return
            }
        }
    }

    private static let machines = [
        0x14C: "x86", 0x8664: "x86-64", 0x1C0: "ARM", 0x1C2: "ARM Thumb", 0x1C4: "ARMv7", 0xAA64: "ARM64",
        0x200: "IA-64", 0x166: "MIPS", 0x1F0: "PowerPC", 0xEBC: "EFI byte code", 0x5032: "RISC-V 32",
        0x5064: "RISC-V 64", 0x6264: "LoongArch 64", 0x1A2: "SH3", 0x1A6: "SH4", 0x184: "Alpha",
    ]
}
