import EvidenceModel
import Foundation
import Trust

/// Takes an authority's answer into a case, when it holds.
struct StampAcceptance {
    /// How far the clocks of workstation and authority may differ, in milliseconds.
    static let clockTolerance: Int64 = 5 * 60 * 1000

    let folder: CaseFolder
    let files: StampFiles
    /// The roots of outside authorities to trust.
    let roots: [Certificate]
    /// When the stamp can have been made: from the moment the data, or the request, existed until now.
    let time: ClosedRange<UTCTime>

    /// Checks the answer and puts it beside the other stamps.
    ///
    /// - Parameter nonce: of the request, when that is known.
    /// - Throws: ``RefusedStamp`` with what is wrong; then nothing was stored. File errors.
    func take(_ response: [UInt8], nonce: [UInt8]?) throws -> OutsideStamp {
        let stamp = try verified(response)
        if let nonce, stamp.nonce != nonce {
            throw RefusedStamp(
                description: "its nonce is not that of the request: it answers another one, or an old one.")
        }
        let (from, to) = (time.lowerBound.milliseconds, time.upperBound.milliseconds)
        let stated = stamp.genTime.milliseconds
        guard stated >= from - Self.clockTolerance, stated <= to + Self.clockTolerance else {
            throw RefusedStamp(
                description:
                    "it states the time \(stamp.genTime.rfc3339), but by this workstation's clock it was made between "
                    + "\(time.lowerBound.rfc3339) and \(time.upperBound.rfc3339). Check the clock.")
        }
        for path in files.outsidePaths + [files.ownPath]
        where try FileManager.default.fileExists(atPath: path)
            && DurableFile.read(path, limit: StampFiles.largestFile) == response
        {
            throw RefusedStamp(description: "it is in the case already, as \(path).")
        }
        guard let path = files.nextPath else {
            throw RefusedStamp(description: "there are \(StampFiles.mostStamps) stamps over this already.")
        }
        // The roots first: a stamp without its root could not be checked by others.
        try folder.addOutsideRoots(stamp.trust == .laboratory ? [] : roots)
        try DurableFile.write(response, to: path)
        if nonce != nil, FileManager.default.fileExists(atPath: files.requestPath) {
            try FileManager.default.removeItem(atPath: files.requestPath)
        }
        return OutsideStamp(path: path, stamp: stamp)
    }

    private func verified(_ response: [UInt8]) throws -> VerifiedTimestamp {
        let verdict = TimestampVerifier.verify(
            response: response, data: try files.data(), laboratory: try folder.rootCertificates(), outside: roots)
        switch verdict {
        case .valid(let stamp): return stamp
        case .invalid(let problem): throw RefusedStamp(description: "\(problem).")
        }
    }
}
