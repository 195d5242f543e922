internal import EvidenceModel

/// Java classes (The Java Virtual Machine Specification, 4): every part states its size.
struct JavaClassWalker: FormatWalker {
    let name = "class"
    let signatures = [WalkerSignature([0xCA, 0xFE, 0xBA, 0xBE, 0])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try JavaClassWalk(reader).verdict() }
}

private struct JavaClassWalk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "class", fileExtension: "class", mime: "application/java-vm")
    var isRecognised = false
    var at = 8
    /// Indices of the constants that are UTF-8 texts: attribute names must be such.
    var texts: Set<Int> = []

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let major = try input.u16be(6)
        guard (45...90).contains(major) else { throw .rejected("not a class file version") }
        try constants()
        isRecognised = true
        let interfaces = try input.u16be(at + 6)
        at += 8 + 2 * interfaces
        for _ in 0..<2 {
            let members = try input.u16be(at)
            at += 2
            for _ in 0..<members {
                guard texts.contains(try input.u16be(at + 2)), texts.contains(try input.u16be(at + 4)) else {
                    throw .broken("a member without a name")
                }
                at += 6
                try attributes()
            }
        }
        try attributes()
        file.length = at
        file.note("class_version", major)
    }

    private mutating func constants() throws(WalkStop) {
        let count = try input.u16be(8)
        guard count > 4 else { throw .rejected("too few constants") }
        at = 10
        var index = 1
        while index < count {
            let tag = try input.u8(at)
            switch tag {
            case 1:
                texts.insert(index)
                at += 3 + (try input.u16be(at + 1))
            case 3, 4, 9, 10, 11, 12, 17, 18: at += 5
            case 5, 6:
                at += 9
                index += 1
            case 7, 8, 16, 19, 20: at += 3
            case 15: at += 4
            default: throw index < 8 ? .rejected("no constant pool") : .broken("a constant of no known kind")
            }
            index += 1
            file.length = min(at, input.count)
        }
    }

    private mutating func attributes() throws(WalkStop) {
        let count = try input.u16be(at)
        at += 2
        for _ in 0..<count {
            guard texts.contains(try input.u16be(at)) else { throw .broken("an attribute without a name") }
            let length = try input.u32be(at + 2)
            guard input.fits(at + 6, length) else { throw .broken("the source ends inside an attribute") }
            at += 6 + length
            file.length = at
        }
    }
}

/// Mach-O programs of macOS and iOS, single and universal: ends with what the load commands describe furthest.
struct MachOWalker: FormatWalker {
    let name = "mach-o"
    let signatures = [
        WalkerSignature([0xCE, 0xFA, 0xED, 0xFE]), WalkerSignature([0xCF, 0xFA, 0xED, 0xFE]),
        WalkerSignature([0xFE, 0xED, 0xFA, 0xCE]), WalkerSignature([0xFE, 0xED, 0xFA, 0xCF]),
        WalkerSignature([0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0]),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try MachOWalk(reader).verdict() }
}

private struct MachOWalk: FileWalk {
    static let mostCommands = 16_384

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "mach-o", fileExtension: "macho", mime: "application/x-mach-binary")
    var isRecognised = false
    var end = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        if try input.u32be(0) == 0xCAFE_BABE {
            let count = try input.u32be(4)
            guard count > 0, count < 20 else { throw .rejected("not a universal binary") }
            for index in 0..<count {
                let offset = try input.u32be(8 + 20 * index + 8)
                let size = try input.u32be(8 + 20 * index + 12)
                guard offset >= 8 + 20 * count, size > 28 else { throw .rejected("not a universal binary") }
                try slice(at: offset)
                end = max(end, offset + size)
            }
            file.note("architectures", count)
        } else {
            try slice(at: 0)
        }
        guard input.fits(0, end) else {
            file.length = input.count
            throw .broken("the source ends before the furthest segment")
        }
        file.leaveUnchecked(min(file.length, end)..<end)
        file.length = end
    }

    private mutating func slice(at start: Int) throws(WalkStop) {
        let magic = try input.u32be(start)
        let isBig = magic == 0xFEED_FACE || magic == 0xFEED_FACF
        let is64 = magic == 0xCFFA_EDFE || magic == 0xFEED_FACF
        guard isBig || is64 || magic == 0xCEFA_EDFE else { throw .rejected("not a Mach-O header") }
        func word(_ at: Int) throws(WalkStop) -> Int { isBig ? try input.u32be(at) : try input.u32le(at) }
        func wide(_ at: Int) throws(WalkStop) -> Int { isBig ? try input.length64be(at) : try input.length64le(at) }
        let commands = try word(start + 16)
        let commandBytes = try word(start + 20)
        guard try (1...12).contains(word(start + 12)), commands > 0, commands <= Self.mostCommands,
            commandBytes >= commands * 8, commandBytes < 1 << 24
        else { throw .rejected("not a Mach-O header") }
        var at = start + (is64 ? 32 : 28)
        let commandsEnd = at + commandBytes
        end = max(end, commandsEnd)
        for _ in 0..<commands {
            let command = try word(at) & 0x7FFF_FFFF
            let size = try word(at + 4)
            guard size >= 8, size % 4 == 0, size <= commandsEnd - at else {
                throw .broken("a load command of impossible size")
            }
            isRecognised = true
            switch command {
            case 0x01 where size >= 56: end = max(end, start + (try word(at + 32)) + (try word(at + 36)))
            case 0x19 where size >= 72: end = max(end, start + (try wide(at + 40)) + (try wide(at + 48)))
            case 0x02 where size >= 24:
                end = max(end, start + (try word(at + 8)) + (try word(at + 12)) * (is64 ? 16 : 12))
                end = max(end, start + (try word(at + 16)) + (try word(at + 20)))
            case 0x1D, 0x1E, 0x26, 0x29, 0x2B, 0x2E, 0x33, 0x34:
                guard size >= 16 else { break }
                end = max(end, start + (try word(at + 8)) + (try word(at + 12)))
            case 0x22 where size >= 48:
                for pair in 0..<5 {
                    let offset = try word(at + 8 + 8 * pair)
                    end = max(end, start + offset + (try word(at + 12 + 8 * pair)))
                }
            default: break
            }
            at += size
            file.length = at
        }
        guard at == commandsEnd else { throw .broken("load commands that do not fill their space") }
    }
}
