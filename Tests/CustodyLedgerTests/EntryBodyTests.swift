import EvidenceModel
import Testing
import Trust

@testable import CustodyLedger

@Suite("Entry bodies")
struct EntryBodyTests {
    private static let digest = Digest(.sha256, [UInt8](repeating: 0xAB, count: 32))
    private static let time = UTCTime(milliseconds: 1_795_284_918_784)
    private static let reference = EntryReference(seq: 1, leaf: digest)

    /// A draft with all that the verb may state.
    static func full(_ verb: LedgerVerb) -> EntryDraft {
        let party = LedgerParty(name: "B", id: "2", org: "Court", certificate: digest)
        let isTransfer = verb.rawValue.hasPrefix("transfer.")
        let kind = verb.rawValue.hasPrefix("anchor.") ? String(verb.rawValue.dropFirst(7)) : nil
        return EntryDraft(
            verb, actor: LedgerActor(name: "Zoë \"Q\"\nÅ", id: "1", role: "examiner", org: "Lab"),
            tool: LedgerTool(
                name: "exhibit", version: "1", commit: "c", build: digest, config: digest, magic: [digest, digest]),
            clock: ClockState(sync: false, source: "unknown", offsetMs: -3, boot: "00000000000000ff"),
            authority: LedgerAuthority(type: "warrant", id: "W/7", issuedBy: "Judge", date: "2026-01-31"),
            items: [
                LedgerItem(
                    id: "E001", rootID: "E000", kind: .physical, desc: "disk", make: "m", model: "x", serial: "s",
                    quantity: 2, sealIn: "1", sealOut: "2", condition: "good", size: 1 << 60,
                    digests: DigestAlgorithm.allCases.map {
                        Digest($0, [UInt8](repeating: 1, count: $0.byteCount))
                    }, blocksRoot: digest),
                LedgerItem(id: "E002"),
            ].map { item in
                var item = item
                item.condition = item.condition ?? "sealed"
                return item
            },
            from: isTransfer ? party : nil, to: isTransfer ? party : nil,
            place: LedgerPlace(site: "HQ", room: "12", store: "safe"), reason: "because",
            check: LedgerCheck(expected: "a", observed: "b", result: .mismatch),
            changes: [LedgerChange(what: "RAM", who: "A", why: "live")], refs: [reference],
            corrects: verb == .correction ? reference : nil,
            anchor: kind.map { AnchorReference(kind: $0, size: 1, sha256: digest) }, detail: detail(verb))
    }

    private static func detail(_ verb: LedgerVerb) -> EntryDetail? {
        switch verb {
        case .genesis:
            .genesis(
                LedgerGenesis(
                    certificateAuthorities: [digest], timestampAuthorities: [digest], checkpointKey: "k+00000000+AQ=="))
        case .acquireBegin: .acquisitionStart(AcquisitionStart(sourceKind: "raw", sourceName: "a.dd", size: 1 << 60))
        case .acquireEnd:
            .acquisitionResult(
                AcquisitionResult(
                    manifest: digest, blocks: digest, files: digest, bytesRead: 1 << 60, unreadableRanges: 1,
                    unreadableBytes: 512, warnings: 3))
        case .carveRun:
            .carving(
                CarvingResult(
                    catalog: digest, counts: ["proven": 3], limits: ["carve_depth": 4], limitsHit: ["carve_depth": 1]))
        case .reportIssue, .reportAmend:
            .report(
                IssuedReport(
                    id: "r", number: "R01", language: "fr", files: [NamedFile(name: "a.pdf", size: 3, sha256: digest)]))
        case .export: .export(ExportedFiles(count: 1, bytes: 1 << 60, list: digest))
        case .incident: .incident(IncidentKind(.override))
        case .keyAuthorise: .key(KeyAuthority(certificate: digest, from: time, until: time))
        case .keyRevoke: .key(KeyAuthority(checkpointKey: "k+00000000+AQ==", from: time))
        case .certificateStatus:
            .certificateStatus(CertificateStanding(certificate: digest, status: .revoked, at: time, evidence: digest))
        default: nil
        }
    }

    private func body(_ draft: EntryDraft) -> EntryBody {
        EntryBody(
            origin: "lab.example/custody/1/0000000000000000", seq: 1 << 40, previousLeaf: Self.digest,
            previousRoot: Self.digest, time: Self.time, caseNumber: "1", certificate: Self.digest, draft: draft)
    }

    @Test("each verb comes back from its bytes as it was, and to the same bytes", arguments: LedgerVerb.allCases)
    func roundTrip(verb: LedgerVerb) throws {
        let body = body(Self.full(verb))
        let bytes = body.canonical.encoded
        #expect(try EntryBody(parsing: bytes) == body)
        #expect(try EntryBody(parsing: bytes).canonical.encoded == bytes)
    }

    @Test("each member, removed, renamed or of another type, is read as meant or refused, never trapped")
    func everyMember() throws {
        for verb in LedgerVerb.allCases {
            let whole = body(Self.full(verb)).canonical
            for change in Mutation.all(of: whole) {
                do {
                    let read = try EntryBody(parsing: change.value.encoded)
                    // What is accepted means exactly what its bytes say.
                    #expect(read.canonical == change.value, "\(change.path)")
                    #expect(
                        change.isRemoval || [".clock.sync", ".clock.offset_ms"].contains(change.path), "\(change.path)")
                } catch {
                    #expect(error.code == .malformedEntry)
                }
            }
        }
    }

    @Test("texts that could hide something are refused", arguments: ["", "a\u{1B}[2J", "a\u{0}", "a\u{9B}", "a\tb"])
    func texts(text: String) {
        var draft = Self.full(.intake)
        draft.reason = text
        #expect(throws: LedgerError.self) { try EntryBody(parsing: body(draft).canonical.encoded) }
    }

    @Test("case numbers and domains make an origin, or are refused")
    func origins() throws {
        let nonce = [UInt8](1...16)
        let origin = try LedgerOrigin.make(labDomain: "lab.example", caseNumber: "BR 12/é", nonce: nonce)
        #expect(origin == "lab.example/custody/BR%2012%2F%C3%A9/0102030405060708")
        #expect(LedgerOrigin.casePrefix(of: origin) == "lab.example/custody/BR%2012%2F%C3%A9/")
        #expect(LedgerOrigin.matches(origin, caseNumber: "BR 12/é", nonce: nonce))
        #expect(!LedgerOrigin.matches(origin, caseNumber: "BR 12/e", nonce: nonce))
        for (domain, number) in [
            ("", "1"), ("Lab", "1"), ("a/b", "1"), ("lab", ""), ("lab", String(repeating: "x", count: 201)),
        ] {
            #expect(throws: LedgerError.self) {
                try LedgerOrigin.make(labDomain: domain, caseNumber: number, nonce: nonce)
            }
        }
    }

    @Test("the workstation's clock is described without guessing")
    func clock() {
        let clock = ClockState.current()
        #expect(clock.boot.utf8.count == 16)
        #expect(["chrony", "ntp", "systemd-timesyncd", "kernel", "manual", "unknown"].contains(clock.source))
        #expect(clock.sync || clock.offsetMs == 0)
    }
}

/// Every way to change one member of a value.
private struct Mutation {
    let path: String
    let value: CanonicalValue
    let isRemoval: Bool

    static func all(of value: CanonicalValue, at path: String = "") -> [Mutation] {
        guard case .object(let members) = value else {
            guard case .array(let elements) = value else { return [] }
            return elements.indices.flatMap { index in
                all(of: elements[index], at: "\(path)[\(index)]").map { inner in
                    var changed = elements
                    changed[index] = inner.value
                    return Mutation(path: inner.path, value: .array(changed), isRemoval: inner.isRemoval)
                }
            }
        }
        var mutations = [Mutation(path: path + ".zzz", value: with(members, "zzz", 1), isRemoval: false)]
        for (key, member) in members {
            let name = path + "." + key
            mutations.append(Mutation(path: name, value: with(members, key, nil), isRemoval: true))
            let others: [CanonicalValue] = [
                .null, .bool(true), .integer(-1), .string("\u{7}"), .array([.null]), .object([:]),
            ]
            for other in others where other != member && !isCountMap(key) {
                mutations.append(Mutation(path: name, value: with(members, key, other), isRemoval: false))
            }
            if isCountMap(key) { continue }
            for inner in all(of: member, at: name) {
                mutations.append(
                    Mutation(path: inner.path, value: with(members, key, inner.value), isRemoval: inner.isRemoval))
            }
        }
        return mutations
    }

    /// Objects whose keys are free.
    private static func isCountMap(_ key: String) -> Bool { ["counts", "limits", "limits_hit"].contains(key) }

    private static func with(_ members: [String: CanonicalValue], _ key: String, _ value: CanonicalValue?)
        -> CanonicalValue
    {
        var changed = members
        changed[key] = value
        return .object(changed)
    }
}
