import EvidenceModel
import Reporting

/// How often finds of each confidence were right on a sample whose truth is known: what every report states.
///
/// Measured on test-images/contiguous laid out anew with the seeds 1, 2 and 3: 88 files of 31 types, each in one piece.
/// `Benchmarks/README.md` says how to repeat it. It says nothing of files in pieces, nor of formats that are not in the
/// sample; a release that changes a walker measures again.
enum MeasuredPrecision {
    static let rates: [ReportModel.ErrorRate] = [
        rate(.proven, correct: 75, of: 75),
        rate(.structural, correct: 156, of: 156),
    ]

    private static func rate(_ confidence: Confidence, correct: Int, of examined: Int) -> ReportModel.ErrorRate {
        ReportModel.ErrorRate(
            method: "carving", confidence: confidence, correct: correct, examined: examined,
            sample: "test-images/contiguous (1, 2, 3)", toolVersion: "0.1.0",
            measured: UTCTime(seconds: 1_795_305_600))
    }
}
