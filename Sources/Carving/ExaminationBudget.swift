/// How many bytes walkers may read in vain.
///
/// Data that was made to be slow, or repeats one word, may have a candidate at every block, or at every byte where every
/// offset is searched, and each may be followed far before it is declined. What the walkers read in vain is paid for by
/// the bytes of the medium that have passed, with a credit that grows with the medium: work grows with it, and not with
/// its square, and real documents never come near it. Where the credit is used up, candidates are left out until more of
/// the medium has passed; they are counted. Everything is counted in the order of offsets, so the result depends on the
/// medium alone.
struct ExaminationBudget {
    /// Bytes that may be read in vain for each byte of the medium.
    private let perByte: Int
    /// Most credit, in bytes.
    private let credit: Int
    private var left: Int
    private var last = 0

    init(_ limits: CarveLimits, mediumSize: Int) {
        perByte = limits.readsPerByte
        let (earned, overflow) = mediumSize.multipliedReportingOverflow(by: limits.readCreditPerByte)
        credit = overflow ? limits.mostReadCredit : min(limits.mostReadCredit, max(limits.readCredit, earned))
        left = credit
    }

    /// True when nothing may be examined before more of the medium has passed.
    var isUsedUp: Bool { left < 0 }

    /// True when the candidate at `offset` may be examined. Offsets must ascend.
    mutating func allows(_ offset: Int) -> Bool {
        let passed = min(offset - last, credit)
        left = min(credit, left + passed.multipliedReportingOverflow(by: perByte).partialValue)
        last = offset
        return left >= 0
    }

    /// Takes what an examination has read in vain.
    mutating func charge(_ bytes: Int) { left -= bytes }
}

/// How many bytes walkers may decode.
///
/// A compressed file may be a thousand times as large as its stored bytes, or a million times, and a medium may hold one
/// at every block. What is decoded is paid for by the bytes of the medium that have passed, with some credit. Where
/// that is used up, each place may still decode a little, and a walker that needs more stops at the limit: so what needs
/// no decoding is found as ever. Counted in the order of offsets.
struct DecodingBudget {
    private let perByte: Int
    private let credit: Int
    private let least: Int
    private var left: Int
    private var last = 0
    /// Bytes that might be decoded at the place that was paid for last.
    private(set) var allowed = Int.max

    init(_ limits: CarveLimits) {
        perByte = limits.decodedPerByte
        credit = limits.decodedCredit
        least = limits.decodedLeast
        left = credit
    }

    /// Bytes that may be decoded at `offset`, were nothing decoded before it.
    func allowance(at offset: Int) -> Int { max(least, credited(at: offset)) }

    private func credited(at offset: Int) -> Int {
        let (earned, overflow) = max(0, offset - last).multipliedReportingOverflow(by: perByte)
        return min(credit, left + min(credit, overflow ? credit : earned))
    }

    /// What was made with at least as much as may be decoded at `offset`, or else made again. Offsets must ascend.
    ///
    /// - Parameter ahead: made with ``allowance(at:)`` of this place or a later one, before this one was paid for.
    mutating func pay<Made: DecodingWork, Failure: Error>(
        at offset: Int, _ ahead: Made?, make: (Int) throws(Failure) -> Made
    ) throws(Failure) -> Made {
        left = credited(at: offset)
        last = max(last, offset)
        allowed = max(least, left)
        var made: Made
        if let ahead, ahead.bytesDecoded < allowed { made = ahead } else { made = try make(allowed) }
        made.isOutOfDecoding = made.bytesDecoded >= allowed
        left = max(0, left - made.bytesDecoded)
        return made
    }
}

/// What came of something that may have decoded bytes.
protocol DecodingWork {
    var bytesDecoded: Int { get }
    /// True when no more was to be decoded.
    var isOutOfDecoding: Bool { get set }
}

/// How many places libmagic may be asked about.
///
/// It takes up to a millisecond for each, and what it names is a find that nothing else bounds: a signature of a few
/// bytes at every block would fill the catalogue and take hours. Each place that it is asked about is paid for by the
/// bytes of the medium that have passed, with some credit; places beyond are counted. Counted in the order of offsets.
struct MagicBudget {
    private let bytes: Int
    private let most: Int
    /// In bytes of the medium.
    private var left: Int
    private var last = 0

    init(_ limits: CarveLimits) {
        bytes = max(1, limits.bytesPerMagic)
        let (product, overflow) = bytes.multipliedReportingOverflow(by: max(0, limits.magicCredit))
        most = overflow ? Int.max / 2 : product
        left = most
    }

    /// How many places up to `offset` may be asked about at most.
    func allowed(upTo offset: Int) -> Int { min(most, left + max(0, offset - last)) / bytes }

    /// Pays for the candidate at `offset` when libmagic is concerned, or takes back what it said. Offsets must ascend.
    ///
    /// - Parameter ask: examines the candidate again, where libmagic was not asked and may be.
    mutating func judge(
        _ examination: inout CandidateExamination, at offset: Int, ask: () -> CandidateExamination
    ) {
        left = min(most, left + offset - last)
        last = offset
        guard examination.concernsMagic else { return }
        if left >= bytes {
            left -= bytes
            if examination.isLeftToMagic { examination = ask() }
            return
        }
        examination.isLeftToMagic = true
        examination.bytesRead -= examination.bytesReadForMagic
        examination.bytesReadForMagic = 0
        examination.confirmationCalls = 0
        examination.libmagicCalls = 0
        if case .header = examination.finding { examination.finding = .nothing }
    }
}

extension CarveResult {
    /// Counts the limits that decided something about a candidate.
    mutating func note(_ examination: CandidateExamination) {
        for limit in examination.limits { limitsHit[limit.rawValue, default: 0] += 1 }
        if examination.isOutOfDecoding { limitsHit["carve_decoded_per_byte", default: 0] += 1 }
        if examination.isLeftToMagic { limitsHit["carve_bytes_per_magic", default: 0] += 1 }
    }
}
