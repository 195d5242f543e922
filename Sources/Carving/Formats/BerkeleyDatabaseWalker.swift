internal import EvidenceModel

/// Berkeley DB files (Oracle Berkeley DB, `db_page.h`): B-trees and hash tables, and Bitcoin wallets among them.
///
/// Every page carries its own number, and the header that of the last one.
struct BerkeleyDatabaseWalker: FormatWalker {
    let name = "bdb"
    let signatures = [8, 9, 10].flatMap { version in
        [
            WalkerSignature([0x62, 0x31, 0x05, 0, UInt8(version), 0, 0, 0], at: 12),
            WalkerSignature([0x61, 0x15, 0x06, 0, UInt8(version), 0, 0, 0], at: 12),
        ]
    }

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try BerkeleyDatabaseWalk(reader).verdict() }
}

private struct BerkeleyDatabaseWalk: FileWalk {
    static let mostPages = 1 << 24
    static let mostAddresses = 32
    static let leaf = 5
    /// Highest type of a page.
    static let lastType = 16
    /// Names under which a Bitcoin wallet keeps its records; none of them is a secret.
    static let walletNames: Set<String> = [
        "key", "ckey", "mkey", "wkey", "name", "pool", "version", "minversion", "defaultkey", "keymeta", "tx",
        "bestblock", "bestblock_nomerkle", "orderposnext", "purpose", "hdchain", "watchs", "cscript", "acentry",
        "walletdescriptor", "flags", "setting", "destdata",
    ]

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "bdb", fileExtension: "db", mime: "application/x-dbm")
    var isRecognised = false
    var pageSize = 0
    var names: [String: Int] = [:]
    var addresses: [CanonicalValue] = []

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        pageSize = try input.u32le(20)
        let last = try input.u32le(32)
        let type = try input.u8(25)
        guard pageSize >= 512, pageSize <= 65_536, pageSize & (pageSize - 1) == 0, try input.u32le(8) == 0,
            type == 8 || type == 9, last < Self.mostPages,
            // The header's page alone is no database: each has the root of a tree, or a bucket.
            last > 0
        else { throw .rejected("not the header of a database") }
        isRecognised = true
        let isEncrypted = try input.u8(24) != 0
        file.note("page_size", pageSize)
        file.facts["kind"] = .string(type == 9 ? "B-tree" : "hash")
        if isEncrypted { file.note("encrypted") }
        file.length = pageSize
        guard input.fits(0, pageSize) else { throw .broken("the source ends inside the first page") }
        var unused = 0
        var endsUnused = false
        for page in 1..<max(1, last + 1) {
            let start = page * pageSize
            endsUnused = false
            guard input.fits(start, pageSize) else { throw .broken("the source ends before page \(page)") }
            if try input.u32le(start + 8) == page, try input.u8(start + 25) <= Self.lastType {
                if !isEncrypted, try input.u8(start + 25) == Self.leaf { try leaf(at: start) }
            } else if try input.isZero(start..<start + pageSize) {
                unused += 1
                endsUnused = true
            } else {
                throw .broken("page \(page) is not where it must be")
            }
            file.length = start + pageSize
        }
        file.note("pages", last + 1)
        if unused > 0 { file.note("unused_pages", unused) }
        if endsUnused {
            file.confidence = .header
            file.warnings.append("the last page is empty: nothing shows that it belongs to the file")
        }
        tellWallet()
    }

    /// Items of a B-tree's leaf lie inside their page; those at even places are keys.
    private mutating func leaf(at start: Int) throws(WalkStop) {
        let entries = try input.u16le(start + 20)
        guard 26 + 2 * entries <= pageSize else { throw .broken("a leaf with more items than fit") }
        for index in 0..<entries {
            let place = try input.u16le(start + 26 + 2 * index)
            guard place >= 26 + 2 * entries, place + 3 <= pageSize else { throw .broken("an item outside of its page") }
            let kind = try input.u8(start + place + 2) & 0x7F
            guard (1...3).contains(kind) else { throw .broken("an item of no known kind") }
            guard kind == 1 else { continue }
            let length = try input.u16le(start + place)
            guard place + 3 + length <= pageSize else { throw .broken("an item longer than its page") }
            if index % 2 == 0 { try key(at: start + place + 3, length: length) }
        }
    }

    private mutating func key(at start: Int, length: Int) throws(WalkStop) {
        guard length > 1 else { return }
        let count = try input.u8(start)
        guard (2...24).contains(count), count < length else { return }
        let name = String(decoding: try input.bytes(at: start + 1, count: count), as: UTF8.self)
        guard Self.walletNames.contains(name) else { return }
        names[name, default: 0] += 1
        // The address book: the address itself is the rest of the key.
        guard name == "name" || name == "purpose", count + 2 <= length else { return }
        let address = try input.u8(start + 1 + count)
        guard address == length - count - 2, (20...100).contains(address) else { return }
        let text = try input.bytes(at: start + 2 + count, count: address)
        guard
            text.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) })
        else { return }
        let value = CanonicalValue.string(String(decoding: text, as: UTF8.self))
        if addresses.count < Self.mostAddresses, !addresses.contains(value) { addresses.append(value) }
    }

    private mutating func tellWallet() {
        let keys = (names["key"] ?? 0) + (names["ckey"] ?? 0) + (names["wkey"] ?? 0)
        guard keys > 0 || names["mkey"] != nil || names["minversion"] != nil, names.count >= 2 else { return }
        file.format = "bitcoin-wallet"
        file.fileExtension = "dat"
        file.note("keys", keys)
        if names["mkey"] != nil || names["ckey"] != nil { file.note("wallet_encrypted") }
        file.note("transactions", names["tx"] ?? 0)
        if !addresses.isEmpty { file.facts["address_book"] = .array(addresses) }
    }
}
