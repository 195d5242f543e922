internal import EvidenceModel

/// RPM packages, versions 3 and 4 (Linux Standard Base, RPM Package Format): a signature header with the size and digests
/// of what follows it, the package's header, and the payload.
struct RPMWalker: FormatWalker {
    let name = "rpm"
    let signatures = [WalkerSignature([0xED, 0xAB, 0xEE, 0xDB, 3]), WalkerSignature([0xED, 0xAB, 0xEE, 0xDB, 4])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try RPMWalk(reader).verdict() }
}

private struct RPMWalk: FileWalk {
    static let mostEntries = 1 << 16
    static let largestHeader = 256 << 20

    /// A header structure: an index of tagged values and their store.
    private struct Header {
        var entries: [Int: (type: Int, at: Int, count: Int)] = [:]
        var end = 0
    }

    let input: WalkInput
    var file = WalkedFile(
        length: 96, confidence: .proven, format: "rpm", fileExtension: "rpm", mime: "application/x-rpm")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        guard try input.matches([0xED, 0xAB, 0xEE, 0xDB], at: 0), try input.u16be(78) == 5 else {
            throw .rejected("no signature header")
        }
        let signature = try header(at: 96)
        isRecognised = true
        file.length = signature.end
        let start = (signature.end + 7) / 8 * 8
        let package = try header(at: start)
        file.length = package.end
        try describe(package)
        var size = 0
        if let entry = signature.entries[270], entry.type == 5 {
            size = try input.length64be(entry.at)
        } else if let entry = signature.entries[1000], entry.type == 4 {
            size = try input.u32be(entry.at)
        } else {
            throw .broken("the size is not stated")
        }
        guard size >= package.end - start else { throw .broken("the stated size is smaller than the header") }
        guard input.fits(start, size) else { throw .broken("the source ends inside the package") }
        if !(try isProven(signature, package, start: start, end: start + size)) {
            file.confidence = .structural
            file.leaveUnchecked(package.end..<start + size)
        }
        file.length = start + size
    }

    /// True when a digest over header and payload holds; throws when one does not.
    private func isProven(_ signature: Header, _ package: Header, start: Int, end: Int) throws(WalkStop) -> Bool {
        if let entry = signature.entries[1004], entry.type == 7, entry.count == 16, input.fits(entry.at, 16),
            let digest = try input.digest(.md5, of: [start..<end])
        {
            guard try input.matches(digest, at: entry.at) else { throw .broken("the package's MD5 does not hold") }
            return true
        }
        guard let head = signature.entries[273], head.type == 6,
            let headDigest = try input.digest(.sha256, of: [start..<package.end])
        else { return false }
        guard try input.matches(Hex.encode(headDigest), at: head.at) else {
            throw .broken("the header's SHA-256 does not hold")
        }
        guard let payload = package.entries[5092], let algorithm = package.entries[5093], algorithm.type == 4,
            input.fits(algorithm.at, 4), try input.u32be(algorithm.at) == 8,
            let payloadDigest = try input.digest(.sha256, of: [package.end..<end])
        else { return false }
        guard try input.matches(Hex.encode(payloadDigest), at: payload.at) else {
            throw .broken("the payload's SHA-256 does not hold")
        }
        return true
    }

    private func header(at start: Int) throws(WalkStop) -> Header {
        guard try input.matches([0x8E, 0xAD, 0xE8, 0x01, 0, 0, 0, 0], at: start) else {
            throw isRecognised ? .broken("no header where one must stand") : .rejected("no signature header")
        }
        let count = try input.u32be(start + 8)
        let size = try input.u32be(start + 12)
        let store = start + 16 + 16 * count
        guard count <= Self.mostEntries, size <= Self.largestHeader else { throw .broken("an impossible header") }
        guard input.fits(store, size) else { throw .failed(.pastEnd(offset: store)) }
        var header = Header()
        header.end = store + size
        for index in 0..<count {
            let at = start + 16 + 16 * index
            let place = try input.u32be(at + 8)
            let type = try input.u32be(at + 4)
            guard type <= 9, place <= size else { throw .broken("an impossible entry of a header") }
            header.entries[try input.u32be(at)] = (type, store + place, try input.u32be(at + 12))
        }
        return header
    }

    private mutating func describe(_ package: Header) throws(WalkStop) {
        let texts = [
            1000: "name", 1001: "version", 1002: "release", 1004: "title", 1007: "build_host", 1011: "vendor",
            1015: "packager", 1022: "architecture", 1044: "source_package",
        ]
        for (tag, key) in texts {
            guard let entry = package.entries[tag], [6, 9].contains(entry.type) else { continue }
            file.note(key, text: try input.available(at: entry.at, count: min(1024, package.end - entry.at)))
        }
        if let entry = package.entries[1006], entry.type == 4, input.fits(entry.at, 4) {
            file.facts["created"] = EvidenceTime.posix(try input.u32be(entry.at))
        }
    }
}
