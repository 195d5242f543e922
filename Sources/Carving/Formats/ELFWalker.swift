internal import EvidenceModel

/// ELF programs, libraries and objects (System V gABI), 32 and 64 bit, either byte order.
///
/// Ends with whatever lies furthest: a header table, a segment or a section.
struct ELFWalker: FormatWalker {
    let name = "elf"
    let signatures = [WalkerSignature([0x7F, 0x45, 0x4C, 0x46])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try ELFWalk(reader).verdict() }
}

private struct ELFWalk: FileWalk {
    /// Most section headers that are read.
    static let mostSections = 1 << 20
    /// Most bytes of string tables that are read.
    static let mostNames = 64 << 20

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "elf", fileExtension: "elf", mime: "application/x-executable")
    var isRecognised = false
    var is64 = false
    var isBig = false
    var end = 0
    /// Where the last table ends whose own content shows that it stands in its place.
    var shownEnd = 0
    /// Bytes of string tables that may still be read.
    var namesLeft = Self.mostNames

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    private func half(_ at: Int) throws(WalkStop) -> Int { isBig ? try input.u16be(at) : try input.u16le(at) }
    private func word(_ at: Int) throws(WalkStop) -> Int { isBig ? try input.u32be(at) : try input.u32le(at) }
    /// An address, offset or size: 32 or 64 bit.
    private func wide(_ at: Int) throws(WalkStop) -> Int {
        guard is64 else { return try word(at) }
        return isBig ? try input.length64be(at) : try input.length64le(at)
    }

    mutating func run() throws(WalkStop) {
        let classByte = try input.u8(4)
        let order = try input.u8(5)
        let system = try input.u8(7)
        guard (1...2).contains(classByte), (1...2).contains(order), try input.u8(6) == 1,
            system <= 18 || system == 97 || system == 255
        else { throw .rejected("not an ELF identification") }
        is64 = classByte == 2
        isBig = order == 2
        let type = try half(16)
        let machine = try half(18)
        guard type <= 4 || type >= 0xFE00, try word(20) == 1 else { throw .rejected("not an ELF header") }
        let headerSize = is64 ? 64 : 52
        guard try half(is64 ? 52 : 40) == headerSize else { throw .rejected("an ELF header of impossible size") }
        end = headerSize
        file.length = headerSize
        try segments()
        let sectionsAreSound = try sections()
        guard end > headerSize else { throw .rejected("an ELF header that describes nothing") }
        guard input.fits(0, end) else {
            file.length = input.count
            throw .broken("the source ends before the furthest section or segment")
        }
        file.length = end
        file.leaveUnchecked(shownEnd..<max(shownEnd, end))
        if !sectionsAreSound {
            file.confidence = .header
            file.warnings.append("no section headers: the end is that of the furthest segment")
        }
        describe(type: type, machine: machine)
    }

    private mutating func extend(_ offset: Int, _ size: Int) {
        // Both are at most Int.max / 4.
        end = max(end, offset + size)
    }

    private mutating func segments() throws(WalkStop) {
        let table = try wide(is64 ? 32 : 28)
        let size = try half(is64 ? 54 : 42)
        let count = try half(is64 ? 56 : 44)
        guard table > 0, count > 0, count != 0xFFFF else { return }
        guard size == (is64 ? 56 : 32) else { throw .broken("program headers of impossible size") }
        extend(table, size * count)
        guard input.fits(table, size * count) else { return }
        for index in 0..<count {
            let at = table + index * size
            let offset = try wide(at + (is64 ? 8 : 4))
            let fileSize = try wide(at + (is64 ? 32 : 16))
            let alignment = try wide(at + (is64 ? 48 : 28))
            guard alignment & (alignment - 1) == 0 || alignment == 0 else {
                throw .broken("a program header with an alignment that is no power of two")
            }
            if try word(at) != 0, fileSize > 0 { extend(offset, fileSize) }
        }
        isRecognised = true
    }

    /// True when there are sections, and the table and its names are as they must be.
    private mutating func sections() throws(WalkStop) -> Bool {
        let table = try wide(is64 ? 40 : 32)
        let size = try half(is64 ? 58 : 46)
        var count = try half(is64 ? 60 : 48)
        var names = try half(is64 ? 62 : 50)
        guard table > 0 else { return false }
        guard size == (is64 ? 64 : 40) else { throw .broken("section headers of impossible size") }
        let sizeField = is64 ? 32 : 20
        let linkField = is64 ? 40 : 24
        guard input.fits(table, size) else { throw pastEnd() }
        // More sections than a half word counts are counted in the first one.
        if count == 0 { count = try wide(table + sizeField) }
        if names == 0xFFFF { names = try word(table + linkField) }
        guard count > 0, count <= Self.mostSections else { throw .broken("an impossible count of sections") }
        extend(table, size * count)
        guard input.fits(table, size * count) else { throw pastEnd() }
        guard try word(table) == 0, try word(table + 4) == 0 else {
            throw .broken("the first section header is not empty")
        }
        isRecognised = true
        var nameTable: (offset: Int, size: Int)?
        if names > 0, names < count {
            let at = table + names * size
            let offset = try wide(at + (is64 ? 24 : 16))
            let length = try wide(at + sizeField)
            guard try word(at + 4) == 3 else { throw .broken("the section names are no string table") }
            guard input.fits(offset, length) else { throw pastEnd() }
            guard length > 0, try input.u8(offset) == 0, try input.u8(offset + length - 1) == 0 else {
                throw .broken("the section names are no string table")
            }
            nameTable = (offset, length)
        }
        var empty = 0
        for index in 1..<max(1, count) {
            let at = table + index * size
            let type = try word(at + 4)
            if type == 0 { empty += 1 }
            let offset = try wide(at + (is64 ? 24 : 16))
            let length = try wide(at + sizeField)
            let alignment = try wide(at + (is64 ? 48 : 32))
            guard alignment & (alignment - 1) == 0 || alignment == 0 else {
                throw .broken("a section with an alignment that is no power of two")
            }
            if let nameTable, try word(at) >= nameTable.size { throw .broken("a section with a name that is nowhere") }
            // String tables begin and end with a NUL: what was cut off shows here.
            if type == 3, length > 0, input.fits(offset, length) {
                guard try input.u8(offset) == 0, try input.u8(offset + length - 1) == 0 else {
                    throw .broken("a string table that does not begin and end with a NUL")
                }
                if try isNames(offset..<offset + length) { shownEnd = max(shownEnd, offset + length) }
            }
            // NULL and NOBITS sections take no space in the file.
            if type != 0, type != 8, length > 0 { extend(offset, length) }
        }
        // A block of zeros would pass for headers of sections that are not there.
        if count > 1, empty == 0 { shownEnd = max(shownEnd, table + size * count) }
        file.note("sections", count)
        return true
    }

    /// True when every block of a string table holds names, each ended by a NUL.
    private mutating func isNames(_ table: Range<Int>) throws(WalkStop) -> Bool {
        guard table.count <= namesLeft else { return false }
        namesLeft -= table.count
        var at = table.lowerBound
        var isSound = true
        var names = 0
        var ends = 0
        try input.scanPieces(of: table) { piece in
            for byte in piece {
                if at % FreeSpace.block == 0 {
                    if at - table.lowerBound >= FreeSpace.block, names == 0 || ends == 0 { isSound = false }
                    names = 0
                    ends = 0
                }
                if byte == 0 { ends += 1 } else { names += 1 }
                if byte > 0 && byte < 0x20 || byte == 0x7F { isSound = false }
                at += 1
            }
            return isSound
        }
        return isSound && names > 0 && ends > 0
    }

    private mutating func pastEnd() -> WalkStop {
        isRecognised = true
        file.length = input.count
        return .broken("the source ends before the section headers")
    }

    // MARK: Facts

    private static let machines = [
        2: "SPARC", 3: "x86", 4: "m68k", 8: "MIPS", 20: "PowerPC", 21: "PowerPC64", 22: "S390", 40: "ARM", 42: "SuperH",
        43: "SPARC V9", 50: "IA-64", 62: "x86-64", 183: "AArch64", 243: "RISC-V", 247: "BPF", 258: "LoongArch",
    ]

    private mutating func describe(type: Int, machine: Int) {
        file.note("class", is64 ? 64 : 32)
        file.note("byte_order", text: Array((isBig ? "big" : "little").utf8))
        file.note("machine", text: Array((Self.machines[machine] ?? String(machine)).utf8))
        let kinds = [
            1: ("object", "application/x-object", "o"), 2: ("executable", "application/x-executable", "elf"),
            3: ("shared object", "application/x-sharedlib", "so"), 4: ("core dump", "application/x-coredump", "core"),
        ]
        if let kind = kinds[type] {
            file.note("type", text: Array(kind.0.utf8))
            file.mime = kind.1
            file.fileExtension = kind.2
        }
    }
}
