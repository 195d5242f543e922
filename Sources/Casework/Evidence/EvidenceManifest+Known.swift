public import EvidenceModel

extension EvidenceManifest {
    /// The comparison with digests that whoever handed the item over has given.
    public struct Known: Hashable, Sendable {
        /// Most digests of a medium that are listed one by one.
        static let mostDigests = 64

        /// One digest of the list.
        public struct Entry: Hashable, Sendable {
            public var digest: Digest
            public var name: String?
            /// A word of ``KnownComparison/Result``.
            public var result: String
        }

        /// Name of the list's file.
        public var list: String
        /// SHA-256 of the list's file.
        public var listSHA256: Digest
        public var format: String
        /// How many digests, or files, had which result.
        public var counts: [String: Int]
        /// Digests of algorithms that are not computed here.
        public var unsupported: Int
        /// Lines or elements that were not understood.
        public var notUnderstood: Int
        /// SHA-256 of `known.jsonl`.
        public var results: Digest
        /// Of a medium: the digests one by one, those that could be compared first.
        public var digests: [Entry]

        /// Number of digests with a result.
        public func count(_ result: KnownComparison.Result) -> Int { counts[result.rawValue] ?? 0 }

        /// What came of it, in words: for the ledger and the screen.
        public var sentence: String {
            let words: [(KnownComparison.Result, String)] = [
                (.matched, "match"), (.differs, "differ"), (.renamed, "are there under another name"),
                (.missing, "are missing"), (.notCompared, "could not be compared"),
                (.unlisted, "files are not in the list"),
            ]
            var parts = words.filter { count($0.0) > 0 }.map { "\(count($0.0)) \($0.1)" }
            if unsupported > 0 { parts.append("\(unsupported) are of algorithms that are not computed") }
            if notUnderstood > 0 { parts.append("\(notUnderstood) lines were not understood") }
            if !isCompared { parts.insert("nothing could be compared", at: 0) }
            return "known digests of \(list) (SHA-256 \(listSHA256.hex)): " + parts.joined(separator: ", ")
        }

        /// True when at least one digest of the list could be compared.
        public var isCompared: Bool {
            [KnownComparison.Result.matched, .differs, .renamed, .missing].contains { count($0) > 0 }
        }

        /// True when something was compared and all of it is there as the list says.
        public var holds: Bool {
            count(.matched) > 0 && count(.differs) == 0 && count(.renamed) == 0 && count(.missing) == 0
        }
    }
}
