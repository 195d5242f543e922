/// How many bytes walkers may read in vain.
///
/// Data that was made to be slow, or repeats one word, may have a candidate at every block, or at every byte where every
/// offset is searched, and each may be followed far before it is declined. What the walkers read in vain is paid for by the bytes of the medium that have passed, with some
/// credit, so that the work grows with the medium and not with its square. Where the credit is used up, candidates are
/// left out until more of the medium has passed; they are counted. Everything is counted in the order of offsets, so the
/// result depends on the medium alone.
struct ExaminationBudget {
    /// Bytes that may be read in vain for each byte of the medium.
    private let perByte: Int
    /// Most credit, in bytes.
    private let credit: Int
    private var left: Int
    private var last = 0

    init(_ limits: CarveLimits) {
        perByte = limits.readsPerByte
        credit = limits.readCredit
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
