internal import EvidenceModel

/// A walk over a sequence of OpenPGP packets (RFC 4880 and 9580, sections 4 and 5).
struct OpenPGPPackets {
    /// What the packets make.
    enum Kind: Equatable {
        case message
        case signature
        case keys(isSecret: Bool)
    }

    static let most = 100_000
    static let mostNames = 32
    /// Longest packet but for those with data.
    static let longestPacket = 1 << 20

    let input: WalkInput
    private(set) var kind = Kind.message
    /// Where the last packet ends.
    private(set) var end = 0
    private(set) var count = 0
    /// True once all is there that such a file must have.
    private(set) var isWhole = false
    /// Encrypted or signed data.
    private(set) var unchecked: [Range<Int>] = []

    private var keys: [CanonicalValue] = []
    private var users: [CanonicalValue] = []
    private var recipients: [CanonicalValue] = []
    private var created: CanonicalValue?
    private var algorithm: Int?
    private var signatures = 0

    private static let algorithms = [
        1: "RSA", 2: "RSA", 3: "RSA", 16: "ElGamal", 17: "DSA", 18: "ECDH", 19: "ECDSA", 22: "EdDSA", 25: "X25519",
        27: "Ed25519",
    ]

    init(_ input: WalkInput) { self.input = input }

    /// One packet's place.
    private struct Packet {
        var tag: Int
        /// Content; of one in parts, the first part.
        var content: Range<Int>
        var end: Int
    }

    mutating func walk() throws(WalkStop) {
        while end < input.count, count < Self.most {
            let packet: Packet
            do throws(WalkStop) {
                packet = try self.packet(at: end)
                if count == 0 { begin(packet.tag) }
                guard try accept(packet) else { break }
            } catch {
                // Behind a whole key ring anything may follow.
                guard isWhole, kind != .message else { throw error }
                if case .failed(.medium) = error { throw error }
                break
            }
            count += 1
            end = packet.end
            if kind != .message || ![9, 18, 20].contains(packet.tag) { continue }
            isWhole = true
            return
        }
    }

    private mutating func begin(_ tag: Int) {
        switch tag {
        case 2: kind = .signature
        case 5, 6: kind = .keys(isSecret: tag == 5)
        default: kind = .message
        }
    }

    private func packet(at start: Int) throws(WalkStop) -> Packet {
        let head = try input.u8(start)
        guard head & 0x80 != 0 else { throw .broken("not a packet") }
        let isNew = head & 0x40 != 0
        let tag = isNew ? head & 0x3F : head >> 2 & 0x0F
        var at = start + 1
        var isPartial = false
        var length: Int
        if isNew {
            (length, isPartial) = try newLength(&at)
        } else {
            switch head & 3 {
            case 0: length = try input.u8(at)
            case 1: length = try input.u16be(at)
            case 2: length = try input.u32be(at)
            default: throw .broken("a packet without a length")
            }
            at += [1, 2, 4][head & 3]
        }
        let content = at
        let first = length
        guard input.fits(at, length) else { throw .failed(.pastEnd(offset: at)) }
        at += length
        while isPartial {
            (length, isPartial) = try newLength(&at)
            guard input.fits(at, length) else { throw .failed(.pastEnd(offset: at)) }
            at += length
        }
        return Packet(tag: tag, content: content..<content + first, end: at)
    }

    /// A length of the new kind (4.2.2), and whether more parts follow.
    private func newLength(_ at: inout Int) throws(WalkStop) -> (Int, Bool) {
        let first = try input.u8(at)
        at += 1
        switch first {
        case 0..<192: return (first, false)
        case 192..<224:
            at += 1
            return ((first - 192) << 8 + (try input.u8(at - 1)) + 192, false)
        case 255:
            at += 4
            return (try input.u32be(at - 4), false)
        default: return (1 << (first & 0x1F), true)
        }
    }

    /// True when the packet can stand here and its content is well formed.
    private mutating func accept(_ packet: Packet) throws(WalkStop) -> Bool {
        let content = packet.content
        let hasData = [8, 9, 11, 18, 20].contains(packet.tag)
        guard hasData || packet.end == content.upperBound && content.count <= Self.longestPacket else { return false }
        switch kind {
        case .message:
            switch packet.tag {
            case 1: return try sessionKey(content)
            case 3: return try [4, 5, 6].contains(input.u8(content.lowerBound)) && content.count <= 256
            case 9, 18, 20:
                let version = try input.u8(content.lowerBound)
                guard count > 0, packet.tag != 18 || version == 1 || version == 2 else { return false }
                unchecked.append(content.lowerBound..<packet.end)
                return true
            default: return false
            }
        case .signature:
            guard packet.tag == 2, try signature(content) else { return false }
            isWhole = true
            return true
        case .keys:
            switch packet.tag {
            case 2: guard try signature(content) else { return false }
            case 5, 6, 7, 14: guard try key(content, isMain: packet.tag <= 6) else { return false }
            case 13:
                let text = try input.bytes(at: content.lowerBound, count: min(content.count, 2048))
                guard !text.isEmpty, !text.contains(where: { $0 < 0x20 }) else { return false }
                if users.count < Self.mostNames, let name = EvidenceText.clean(text) { users.append(.string(name)) }
            case 12, 17: guard !content.isEmpty else { return false }
            default: return false
            }
            isWhole = !keys.isEmpty && !users.isEmpty && signatures > 0
            return true
        }
    }

    /// Numbers of a stated count of bits (3.2), up to the end.
    private func numbersFill(from start: Int, to end: Int) throws(WalkStop) -> Bool {
        var at = start
        while at < end {
            guard end - at >= 2 else { return false }
            let bits = try input.u16be(at)
            let bytes = (bits + 7) / 8
            guard bits > 0, bytes <= end - at - 2 else { return false }
            // The highest stated bit is set.
            guard try input.u8(at + 2) >> ((bits - 1) % 8) == 1 else { return false }
            at += 2 + bytes
        }
        return at == end
    }

    private mutating func signature(_ content: Range<Int>) throws(WalkStop) -> Bool {
        let start = content.lowerBound
        let version = try input.u8(start)
        guard [3, 4, 6].contains(version), content.count >= 12 else { return false }
        signatures += 1
        guard version == 4 else { return true }
        let hashed = try input.u16be(start + 4)
        guard hashed <= content.count - 8 else { return false }
        let unhashed = try input.u16be(start + 6 + hashed)
        let numbers = start + 8 + hashed + unhashed + 2
        guard numbers < content.upperBound else { return false }
        return try numbersFill(from: numbers, to: content.upperBound)
    }

    private mutating func key(_ content: Range<Int>, isMain: Bool) throws(WalkStop) -> Bool {
        let start = content.lowerBound
        guard content.count > 8, try [4, 5, 6].contains(input.u8(start)) else { return false }
        let time = try input.u32be(start + 1)
        guard time > 0, Self.algorithms[try input.u8(start + 5)] != nil else { return false }
        guard isMain else { return true }
        created = created ?? EvidenceTime.posix(time)
        if algorithm == nil { algorithm = try input.u8(start + 5) }
        guard try input.u8(start) == 4, keys.count < Self.mostNames else { return true }
        // The fingerprint covers the public part, which ends before a secret one begins.
        guard let end = try publicEnd(content) else { return false }
        let body = try input.bytes(at: start, count: end - start)
        let head: [UInt8] = [0x99, UInt8(truncatingIfNeeded: body.count >> 8), UInt8(truncatingIfNeeded: body.count)]
        keys.append(.string(Hex.encode(try input.hash(head + body, .sha1))))
        return true
    }

    /// Where a key's public part ends: behind as many numbers as its algorithm has.
    private func publicEnd(_ content: Range<Int>) throws(WalkStop) -> Int? {
        var at = content.lowerBound + 6
        let algorithm = try input.u8(at - 1)
        var numbers = 1
        switch algorithm {
        case 1...3: numbers = 2
        case 16: numbers = 3
        case 17: numbers = 4
        case 18, 19, 22: at += 1 + (try input.u8(at))
        default: return at + 32 <= content.upperBound ? at + 32 : nil
        }
        for _ in 0..<numbers {
            guard at + 2 <= content.upperBound else { return nil }
            at += 2 + (try input.u16be(at) + 7) / 8
        }
        return at <= content.upperBound ? at : nil
    }

    private mutating func sessionKey(_ content: Range<Int>) throws(WalkStop) -> Bool {
        let start = content.lowerBound
        guard content.count > 12, try input.u8(start) == 3, Self.algorithms[try input.u8(start + 9)] != nil else {
            return false
        }
        let id = try input.bytes(at: start + 1, count: 8)
        if recipients.count < Self.mostNames, id.contains(where: { $0 != 0 }) {
            recipients.append(.string(Hex.encode(id)))
        }
        return true
    }

    /// Notes who the keys belong to and who can read the message.
    func describe(_ file: inout WalkedFile) {
        if !keys.isEmpty { file.facts["fingerprints"] = .array(keys) }
        if !users.isEmpty { file.facts["user_ids"] = .array(users) }
        if !recipients.isEmpty { file.facts["recipient_keys"] = .array(recipients) }
        if let created { file.facts["created"] = created }
        if let algorithm, let name = Self.algorithms[algorithm] { file.facts["algorithm"] = .string(name) }
    }
}
