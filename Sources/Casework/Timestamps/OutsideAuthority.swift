import EvidenceModel
public import TimeStamping
public import Trust

/// A time-stamping authority outside the laboratory, and what its stamps must lead to.
public struct OutsideAuthority: Sendable {
    public let service: TimestampService
    /// Its root certificates, with intermediate ones where its tokens lack them.
    public let roots: [Certificate]

    public init(_ service: TimestampService, roots: [Certificate]) {
        self.service = service
        self.roots = roots
    }

    /// Looks, before long work, whether the authority can be reached.
    ///
    /// - Returns: a warning; nil when it can.
    public func warningBeforehand() -> String? {
        do {
            try service.reach()
            return nil
        } catch {
            return "\(error) The work goes on with the laboratory's own stamp; the request will be kept."
        }
    }
}

/// A stamp of an outside authority as it lies in a case.
public struct OutsideStamp: Sendable {
    /// Where it lies.
    public let path: String
    public let stamp: VerifiedTimestamp
}

/// What came of asking an outside authority.
public enum OutsideStamping: Sendable {
    case stamped(OutsideStamp)
    /// Nothing is lost: the laboratory's own stamp is there, and the request is kept to be answered by hand.
    case failed(reason: String, request: String)

    /// A warning for the user; nil when there is a stamp.
    public var warning: String? {
        guard case .failed(let reason, let request) = self else { return nil }
        return
            "No time stamp of the outside authority: \(reason) The laboratory's own stamp is there. The request is kept "
            + "as \(request): have it answered, then run `exhibit timestamp import`."
    }
}

/// Why an answer of an authority is not taken.
struct RefusedStamp: Error, CustomStringConvertible {
    let description: String
}

extension TimestampTrust {
    /// The level in words, for one line.
    public var words: String {
        switch self {
        case .laboratory: "the laboratory's own authority: order, not independent time"
        case .commercial: "an outside authority"
        case .qualified: "an outside authority; claims to be a qualified time stamp"
        }
    }
}

extension VerifiedTimestamp {
    /// For example "stamped at 2026-01-02T03:04:05.000Z by X (an outside authority)".
    var sentence: String { "stamped at \(genTime.rfc3339) by \(signer.subjectCommonName) (\(trust.words))" }
}
