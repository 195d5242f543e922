public import EvidenceModel

extension ReportModel {
    /// The handling history: the ledger's entries and what its audit says.
    public struct Handling: Hashable, Sendable {
        /// In the ledger's order.
        public var entries: [HandlingEntry]
        /// What the audit of the ledger says.
        public var audit: LedgerAudit

        /// Creates the value from its parts.
        public init(entries: [HandlingEntry], audit: LedgerAudit) {
            self.entries = entries
            self.audit = audit
        }
    }

    /// One ledger entry.
    public struct HandlingEntry: Hashable, Sendable {
        /// Position in the ledger, from 0.
        public var sequence: Int
        /// When, as far as it is known.
        public var time: UTCTime
        /// The entry's type without the prefix "custody.", for example "acquire.begin".
        public var verb: String
        /// Who signed it.
        public var actor: String
        /// Items it speaks of; may be empty.
        public var items: [String]
        /// What was done, in a sentence; may be empty.
        public var what: String
        /// Result of a digest comparison; nil when the entry has none.
        public var check: EntryCheck?
        /// Leaf hash: SHA-256, hexadecimal.
        public var leaf: String

        /// Creates the value from its parts.
        public init(
            sequence: Int, time: UTCTime, verb: String, actor: String, items: [String] = [], what: String = "",
            check: EntryCheck? = nil, leaf: String
        ) {
            self.sequence = sequence
            self.time = time
            self.verb = verb
            self.actor = actor
            self.items = items
            self.what = what
            self.check = check
            self.leaf = leaf
        }
    }

    /// The `check.result` of a ledger entry.
    public enum EntryCheck: String, CaseIterable, Hashable, Sendable {
        case match
        case mismatch
        case notDone = "not_done"
    }

    /// What the audit of the ledger says.
    public struct LedgerAudit: Hashable, Sendable {
        /// What the check said.
        public var outcome: CheckOutcome
        /// Number of entries audited.
        public var entryCount: Int
        /// RFC 6962 root over all entries: SHA-256, hexadecimal.
        public var root: String
        /// One line for each thing that is wrong.
        public var findings: [String]
        /// The newest published head; nil when there is none.
        public var checkpoint: Checkpoint?
        /// The newest anchor outside the ledger; nil when there is none.
        public var anchor: Anchor?

        /// Creates the value from its parts.
        public init(
            outcome: CheckOutcome, entryCount: Int, root: String, findings: [String] = [],
            checkpoint: Checkpoint? = nil, anchor: Anchor? = nil
        ) {
            self.outcome = outcome
            self.entryCount = entryCount
            self.root = root
            self.findings = findings
            self.checkpoint = checkpoint
            self.anchor = anchor
        }
    }

    /// A published head of the ledger (C2SP tlog-checkpoint).
    public struct Checkpoint: Hashable, Sendable {
        /// Number of entries it covers.
        public var size: Int
        /// SHA-256, hexadecimal.
        public var root: String
        /// The signed note, word for word.
        public var note: String

        /// Creates the value from its parts.
        public init(size: Int, root: String, note: String) {
            self.size = size
            self.root = root
            self.note = note
        }
    }

    /// A proof outside the ledger that its first `size` entries existed.
    public struct Anchor: Hashable, Sendable {
        /// The verb's second half: "tsa", "witness" or "label".
        public var kind: String
        /// Number of entries it covers.
        public var size: Int
        /// When, as far as it is known.
        public var time: UTCTime?
        /// Who made it.
        public var authority: String
        /// Nil for an anchor that is not a time stamp.
        public var trust: TimestampTrust?

        /// Creates the value from its parts.
        public init(
            kind: String, size: Int, time: UTCTime? = nil, authority: String, trust: TimestampTrust? = nil
        ) {
            self.kind = kind
            self.size = size
            self.time = time
            self.authority = authority
            self.trust = trust
        }
    }
}
