import EvidenceModel
import Reporting

/// How often finds of each confidence were right on a sample whose truth is known: what every report states.
///
/// Filled from the output of `Benchmarks/carving`; empty means not measured, and reports say so.
enum MeasuredPrecision {
    static let rates: [ReportModel.ErrorRate] = []
}
