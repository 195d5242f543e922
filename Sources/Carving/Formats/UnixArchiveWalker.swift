internal import EvidenceModel

/// ar archives (ar(5)): Debian packages and static libraries.
///
/// Members follow each other without an end mark. A Debian package (deb(5)) is known to end with its data member; of a
/// library the end is where no member follows.
struct UnixArchiveWalker: FormatWalker {
    let name = "ar"
    let signatures = [WalkerSignature("!<arch>\n")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try UnixArchiveWalk(reader).verdict() }
}

private struct UnixArchiveWalk: FileWalk {
    static let mostMembers = 1 << 20

    let input: WalkInput
    var file = WalkedFile(
        length: 8, confidence: .header, format: "ar", fileExtension: "a", mime: "application/x-archive")
    var isRecognised = false
    var names = MemberNames()
    var hasData = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let isPackage = try input.matches("debian-binary", at: 8)
        var at = 8
        while names.count < Self.mostMembers, !hasData, let size = try memberSize(at) {
            let raw = try input.bytes(at: at, count: 16)
            let name = raw.prefix { $0 != 0x20 && ($0 != 0x2F || $0 == raw[0]) }
            isRecognised = true
            guard input.fits(at + 60, size) else { throw .broken("the source ends inside a member") }
            names.add(name)
            if isPackage {
                if name.starts(with: "data.tar".utf8) {
                    hasData = true
                    try data(at + 60, size: size)
                } else if names.count == 1 {
                    guard size == 4, try input.matches("2.", at: at + 60) else {
                        throw .broken("a Debian package of no known version")
                    }
                }
            }
            at += 60 + size
            file.length = at
            if size % 2 == 1, try input.matches([0x0A], at: at) {
                at += 1
                file.length = at
            }
        }
        guard isRecognised else { throw .rejected("no member behind the signature") }
        if isPackage {
            become("deb", "deb", "application/vnd.debian.binary-package")
            guard hasData else { throw .broken("a Debian package without its data") }
            file.confidence = .structural
        } else {
            file.warnings.append("the archive has no end mark: it ends where no member follows")
        }
        names.note(in: &file)
    }

    /// The size that a member's header states; nil when no header stands there.
    private func memberSize(_ at: Int) throws(WalkStop) -> Int? {
        guard input.fits(at, 60), try input.matches([0x60, 0x0A], at: at + 58) else { return nil }
        let digits = try input.bytes(at: at + 48, count: 10).prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 & 15) }
    }

    /// Lets the walker of the compression look whether the package's data end where the member does.
    private mutating func data(_ at: Int, size: Int) throws(WalkStop) {
        let walkers: [any FormatWalker] = [GzipWalker(), XZWalker(), ZstandardWalker(), Bzip2Walker()]
        for walker in walkers {
            for signature in walker.signatures where try input.matches(signature.bytes, at: at + signature.offset) {
                let verdict: WalkVerdict
                do { verdict = try walker.walk(input.reader.reader(at: at)) } catch { throw .failed(error) }
                switch verdict {
                case .complete(let inner) where inner.length == size:
                    if inner.confidence == .header { file.leaveUnchecked(at..<at + size) }
                    return
                case .complete, .rejected: throw .broken("the package's data do not end where their member does")
                case .broken(let inner, let reason):
                    file.length = at + min(inner.length, size)
                    throw .broken("the package's data: " + reason)
                }
            }
        }
        file.leaveUnchecked(at..<at + size)
    }

    private mutating func become(_ format: String, _ ending: String, _ mime: String) {
        file.format = format
        file.fileExtension = ending
        file.mime = mime
    }
}
