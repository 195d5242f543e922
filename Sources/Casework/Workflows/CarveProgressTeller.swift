import Carving
import Synchronization

/// Tells a listener each phase of a carving run as a step of its own.
final class CarveProgressTeller: Sendable {
    private let listener: any ProgressListener
    private let item: String
    /// The phase that was told last. The run begins with the first one.
    private let told = Mutex(CarvePhase.examining)

    init(_ listener: any ProgressListener, item: String) {
        self.listener = listener
        self.item = item
    }

    /// Called from any thread.
    func tell(_ progress: CarveProgress) {
        let isNew = told.withLock { phase in
            defer { phase = progress.phase }
            return phase != progress.phase
        }
        if isNew { listener.began(name(of: progress.phase), unit: unit(of: progress.phase)) }
        listener.advanced(to: progress.done, of: progress.total)
    }

    private func name(of phase: CarvePhase) -> String {
        switch phase {
        case .examining: "Carving \(item)"
        case .joining: "Joining pieces of files on \(item)"
        case .searchingGaps: "Searching between the finds on \(item)"
        case .openingFiles: "Opening files in files on \(item)"
        }
    }

    private func unit(of phase: CarvePhase) -> ProgressUnit {
        switch phase {
        case .examining, .searchingGaps: .bytes
        case .joining: .things("files")
        case .openingFiles: .things("finds")
        }
    }
}
