internal import EvidenceModel

/// ARJ archives (ARJ technical information, 1993): headers with a CRC-32, each stating its member's size, up to an empty one.
struct ARJWalker: FormatWalker {
    let name = "arj"
    let signatures = [WalkerSignature([0x60, 0xEA])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try ARJWalk(reader).verdict() }
}

private struct ARJWalk: FileWalk {
    static let largestHeader = 2600
    static let mostMembers = 1 << 20

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "arj", fileExtension: "arj", mime: "application/x-arj")
    var isRecognised = false
    var names = MemberNames()

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var at = 0
        while try input.u16be(at) == 0x60EA {
            let size = try input.u16le(at + 2)
            if size == 0 {
                guard isRecognised else { throw .rejected("an empty archive") }
                file.length = at + 4
                names.note(in: &file)
                return
            }
            let body = at + 4
            let first = try input.u8(body)
            guard size <= Self.largestHeader, first >= 30, first < size, input.fits(body, size + 4),
                try Int(input.crc32(of: body..<body + size)) == input.u32le(body + size),
                names.count < Self.mostMembers
            else { throw isRecognised ? .broken("a header's CRC-32 does not hold") : .rejected("not an ARJ header") }
            let isMain = at == 0
            guard try (input.u8(body + 6) == 2) == isMain else { throw .rejected("not the main header") }
            isRecognised = true
            // Extended headers, each with a CRC-32, up to one without length.
            var content = body + size + 4
            while true {
                let length = try input.u16le(content)
                content += 2
                if length == 0 { break }
                content += length + 4
            }
            let packed = isMain ? 0 : try input.u32le(body + 12)
            guard input.fits(content, packed) else {
                file.length = at
                throw .broken("the source ends inside a member")
            }
            if !isMain {
                names.add(try input.bytes(at: body + first, count: size - first))
                // Method 0 stores: the header's CRC-32 is the one of these bytes.
                if try input.u8(body + 5) == 0,
                    try Int(input.crc32(of: content..<content + packed)) != input.u32le(body + 20)
                {
                    throw .broken("a member's CRC-32 does not hold")
                }
            }
            at = content + packed
            file.length = at
        }
        throw isRecognised ? .broken("no header where one must start") : .rejected("not an ARJ header")
    }
}

/// LHA archives (.lzh, .lha; header levels 0 to 2): headers that state their members' sizes, up to a zero byte.
struct LHAWalker: FormatWalker {
    let name = "lha"
    let signatures = ["lh0", "lh1", "lh4", "lh5", "lh6", "lh7", "lhd", "lzs", "lz4", "lz5"].map {
        WalkerSignature("-" + $0 + "-", at: 2)
    }

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try LHAWalk(reader).verdict() }
}

private struct LHAWalk: FileWalk {
    static let mostMembers = 1 << 20

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "lha", fileExtension: "lzh", mime: "application/x-lha")
    var isRecognised = false
    var names = MemberNames()

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var at = 0
        while true {
            if at > 0, !(try goesOn(at)) { break }
            guard names.count < Self.mostMembers else { throw .broken("more members than any real archive has") }
            let content = try member(at)
            file.length = content.upperBound
            file.leaveUnchecked(content)
            at = content.upperBound
        }
        file.length = at + 1
        names.note(in: &file)
    }

    /// True when a member and not the end follows. The low byte of a level-2 header's size may be zero.
    private func goesOn(_ at: Int) throws(WalkStop) -> Bool {
        if try input.u8(at) != 0 { return true }
        guard input.fits(at, 21) else { return false }
        guard try input.u8(at + 1) != 0, try input.u8(at + 2) == 0x2D else { return false }
        return try input.u8(at + 20) == 2
    }

    /// Where a member's data lie.
    private mutating func member(_ at: Int) throws(WalkStop) -> Range<Int> {
        let level = try input.u8(at + 20)
        guard try input.u8(at + 2) == 0x2D, try input.u8(at + 3) == 0x6C, try input.u8(at + 6) == 0x2D, level <= 2
        else {
            throw stop("no member header where one must start")
        }
        let packed = try input.u32le(at + 7)
        var start = 0
        var size = packed
        if level == 2 {
            start = at + (try input.u16le(at))
            guard start - at >= 26 else { throw stop("a member header of impossible size") }
            try extended(at + 24, end: start)
        } else {
            let length = try input.u8(at)
            guard length >= 22 else { throw stop("a member header of impossible size") }
            let sum = try input.bytes(at: at + 2, count: length).reduce(0) { $0 + Int($1) } & 0xFF
            let nameLength = try input.u8(at + 21)
            guard sum == (try input.u8(at + 1)), 22 + nameLength <= length else {
                throw stop("a member header's sum does not hold")
            }
            names.add(try input.bytes(at: at + 22, count: nameLength))
            start = at + 2 + length
            if level == 1 {
                var next = try input.u16le(start - 2)
                while next != 0 {
                    guard next >= 3, next <= size else { throw stop("an extended header of impossible size") }
                    start += next
                    size -= next
                    next = try input.u16le(start - 2)
                }
            }
        }
        guard input.fits(start, size) else {
            if isRecognised || names.count > 0 { file.length = at }
            throw stop("the source ends inside a member")
        }
        isRecognised = true
        return start..<start + size
    }

    /// The name among the extended headers of level 2.
    private mutating func extended(_ start: Int, end: Int) throws(WalkStop) {
        var at = start
        while end - at >= 2 {
            let size = try input.u16le(at)
            guard size > 0 else { break }
            guard size >= 3, size <= end - at else { throw stop("an extended header of impossible size") }
            if try input.u8(at + 2) == 1 { names.add(try input.bytes(at: at + 3, count: size - 3)) }
            at += size
        }
    }

    private func stop(_ reason: String) -> WalkStop { isRecognised ? .broken(reason) : .rejected(reason) }
}

/// ACE archives, versions 1 and 2: headers with a checksum. Nothing states which member is the last.
struct ACEWalker: FormatWalker {
    let name = "ace"
    let signatures = [WalkerSignature("**ACE**", at: 7)]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try ACEWalk(reader).verdict() }
}

private struct ACEWalk: FileWalk {
    static let mostMembers = 1 << 20

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .header, format: "ace", fileExtension: "ace", mime: "application/x-ace-compressed")
    var isRecognised = false
    var names = MemberNames()

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var at = 0
        while names.count < Self.mostMembers, input.fits(at, 7) {
            let size = try input.u16le(at + 2)
            guard size >= 3, input.fits(at + 4, size),
                try Int(~input.crc32(of: at + 4..<at + 4 + size)) & 0xFFFF == input.u16le(at)
            else { break }
            let type = try input.u8(at + 4)
            guard (type == 0) == (at == 0) else { break }
            let hasContent = try input.u16le(at + 5) & 1 != 0 && size >= 7
            let content = hasContent ? try input.u32le(at + 7) : 0
            isRecognised = true
            file.length = at + 4 + size
            guard input.fits(at + 4 + size, content) else { throw .broken("the source ends inside a member") }
            if type == 1, size >= 33 {
                let length = try input.u16le(at + 33)
                if length <= size - 31, input.fits(at + 35, length) {
                    names.add(try input.bytes(at: at + 35, count: length))
                }
            }
            at += 4 + size + content
            file.length = at
        }
        guard isRecognised else { throw .rejected("the first header's checksum does not hold") }
        file.warnings.append("the format has no end mark: the file ends where no member follows")
        names.note(in: &file)
    }
}
