internal import EvidenceModel

/// Jump lists that a program made itself (`customDestinations-ms`): categories of shortcuts, each ended by BABFFBAB.
struct CustomDestinationsWalker: FormatWalker {
    let name = "custom-destinations"
    // Version 2, then the number of categories.
    let signatures = (1...8).flatMap { count in
        (0...2).map { kind in
            WalkerSignature([2, 0, 0, 0, UInt8(count), 0, 0, 0, 0, 0, 0, 0, UInt8(kind), 0, 0, 0])
        }
    }

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try CustomDestinationsWalk(reader).verdict() }
}

private struct CustomDestinationsWalk: FileWalk {
    static let shortcut: [UInt8] = [0x01, 0x14, 0x02, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46]
    static let end: [UInt8] = [0xAB, 0xFB, 0xBF, 0xBA]
    static let mostEntries = 4096
    static let mostNames = 32

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "custom-destinations", fileExtension: "customDestinations-ms",
        mime: "application/x-ms-jumplist")
    var isRecognised = false
    var entries = 0
    var targets: [CanonicalValue] = []

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let categories = try input.u32le(4)
        var at = 12
        for _ in 0..<min(categories, 64) { try category(&at) }
        guard entries > 0 else { throw .rejected("a list without shortcuts") }
        file.length = at
        file.note("categories", categories)
        file.note("entries", entries)
        if !targets.isEmpty { file.facts["targets"] = .array(targets) }
    }

    private mutating func category(_ at: inout Int) throws(WalkStop) {
        let kind = try input.u32le(at)
        at += 4
        var count = 0
        switch kind {
        case 0:
            let units = try input.u16le(at)
            guard units <= 512 else { throw .rejected("a name longer than any real one") }
            if let name = EvidenceText.cleanUTF16(try input.bytes(at: at + 2, count: 2 * units), bigEndian: false),
                file.facts["category"] == nil
            {
                file.facts["category"] = .string(name)
            }
            at += 2 + 2 * units
            count = try input.u32le(at)
            at += 4
        case 1: at += 4
        case 2:
            count = try input.u32le(at)
            at += 4
        default: throw .rejected("a category of no known kind")
        }
        guard count <= Self.mostEntries else { throw .rejected("more shortcuts than any real list has") }
        for _ in 0..<count {
            guard try input.matches(Self.shortcut, at: at) else { throw .broken("no shortcut where one must be") }
            at += 16
            let verdict: WalkVerdict
            do { verdict = try ShellLinkWalker().walk(input.reader.reader(at: at)) } catch { throw .failed(error) }
            guard case .complete(let link) = verdict else { throw .broken("a shortcut that does not end") }
            isRecognised = true
            for fact in ["machine", "volume_serial", "network_address"] where file.facts[fact] == nil {
                file.facts[fact] = link.facts[fact]
            }
            if targets.count < Self.mostNames, let target = link.facts["target"] ?? link.facts["description"] {
                targets.append(target)
            }
            entries += 1
            at += link.length
            file.length = at
        }
        guard try input.matches(Self.end, at: at) else { throw .broken("a category without an end") }
        at += 4
        file.length = at
    }
}
