internal import EvidenceModel

/// The members of a JSON text's outermost object, and what kind of file they make of it.
struct JSONMembers {
    private(set) var keys: [String] = []
    private var values: [String: String] = [:]
    private var last = ""

    /// A member begins.
    mutating func open(_ name: [UInt8]) {
        last = EvidenceText.clean(name) ?? ""
        keys.append(last)
    }

    mutating func note(text: [UInt8]) { values[last] = values[last] ?? EvidenceText.clean(text) }

    mutating func note(number: [UInt8]) { note(text: number) }

    /// One kind of file: members that it has, at least one of some others, and values that some must have.
    private struct Kind {
        var words: String
        var all: Set<String> = []
        var any: Set<String> = []
        var values: [String: String] = [:]
        var format: String?
        /// Members whose value is worth a fact, and the fact's name. Never a secret.
        var facts: [(key: String, fact: String)] = []
    }

    private static let kinds: [Kind] = [
        Kind(
            words: "Ethereum keystore", all: ["version", "address"], any: ["crypto", "Crypto"],
            values: ["version": "3"],
            format: "ethereum-keystore", facts: [("address", "address"), ("id", "id")]),
        Kind(
            words: "Ethereum keystore", all: ["version", "id"], any: ["crypto", "Crypto"], values: ["version": "3"],
            format: "ethereum-keystore", facts: [("id", "id")]),
        Kind(
            words: "Electrum wallet", all: ["seed_version"], any: ["keystore", "wallet_type", "accounts", "x1/"],
            format: "electrum-wallet", facts: [("seed_version", "seed_version"), ("wallet_type", "wallet_type")]),
        Kind(
            words: "Wasabi wallet", all: ["EncryptedSecret", "ChainCode"], format: "wasabi-wallet",
            facts: [("MasterFingerprint", "master_fingerprint")]),
        Kind(words: "MetaMask vault", all: ["data", "iv", "salt"], format: "metamask-vault"),
        Kind(
            words: "Telegram export", all: ["name", "type", "id", "messages"],
            facts: [("name", "chat"), ("type", "chat_type")]),
        Kind(words: "Telegram export", all: ["about", "chats"]),
        Kind(
            words: "Facebook or Instagram messages", all: ["participants", "messages"],
            facts: [("title", "chat"), ("thread_path", "thread")]),
        Kind(words: "Discord export", all: ["guild", "channel", "messages"], facts: [("exportedAt", "exported")]),
        Kind(words: "Slack export", all: ["type", "user", "text", "ts"]),
        Kind(words: "Google location history", any: ["locations", "timelineObjects", "semanticSegments"]),
        Kind(words: "Google Photos description", all: ["title", "photoTakenTime"], facts: [("title", "title")]),
        Kind(words: "Google activity", all: ["header", "title", "time", "products"]),
        Kind(words: "Chromium bookmarks", all: ["checksum", "roots", "version"]),
        Kind(words: "Chromium settings", all: ["profile"], any: ["browser", "os_crypt", "extensions"]),
        Kind(words: "Bitwarden export", all: ["encrypted", "items"]),
        Kind(words: "HTTP archive", all: ["log"]),
        Kind(words: "GeoJSON", all: ["features"], values: ["type": "FeatureCollection"]),
    ]

    /// Notes what the members tell.
    func describe(_ file: inout WalkedFile) {
        let present = Set(keys)
        let kind = Self.kinds.first { kind in
            kind.all.isSubset(of: present) && (kind.any.isEmpty || !kind.any.isDisjoint(with: present))
                && kind.values.allSatisfy { values[$0.key] == $0.value }
        }
        if !keys.isEmpty { file.facts["members"] = .array(keys.prefix(16).map { .string($0) }) }
        guard let kind else { return }
        file.facts["kind"] = .string(kind.words)
        if let format = kind.format { file.format = format }
        for (key, fact) in kind.facts {
            if let value = values[key] { file.facts[fact] = .string(value) }
        }
    }
}
