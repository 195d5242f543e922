import EvidenceModel
import Foundation

/// The workstation's clock.
enum WallClock {
    static func now() -> UTCTime { UTCTime(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down))) }
}
