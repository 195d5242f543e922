import Carving
import EvidenceModel
import FormatIdentification
import FuzzSupport
import SourceMedia

private let magic: MagicDatabases = {
    do { return try MagicDatabases.standard() } catch { fatalError("\(error)") }
}()
private let index = SignatureIndex.forCarving(magic: magic)

/// Less work than evidence gets, so that an input is done in a moment.
private let limits: CarveLimits = {
    var limits = CarveLimits()
    limits.joinWork = 16 << 20
    limits.guessWork = 2 << 20
    return limits
}()

/// Runs one input: it is carved as a medium is, pieces of files and all.
private func runCarver(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    var candidates: [Int] = []
    index.candidates(
        in: bytes.span, count: size, baseOffset: 0, blockSize: 512, into: &candidates)
    do {
        let carver = Carver(item: "E001", source: MemorySource(bytes), magic: magic, limits: limits)
        check(try carver.carve(candidates: candidates), size)
    } catch {
        fatalError("a medium in memory cannot fail: \(error)")
    }
    return 0
}

/// Formats in which whole files are found.
private let volumes = ["iso9660", "dmg"]

/// Traps when a result breaks what carving promises.
private func check(_ result: CarveResult, _ size: Int) {
    var ids: Set<String> = []
    var whole: [Extent] = []
    for artifact in result.artifacts {
        precondition(ids.insert(artifact.id).inserted)
        for extent in artifact.extents {
            precondition(extent.offset >= 0 && extent.length > 0 && extent.end <= size)
        }
        _ = artifact.canonical.encoded
        guard artifact.parent == nil, artifact.confidence == .proven || artifact.confidence == .structural,
            !volumes.contains(artifact.format)
        else { continue }
        whole += artifact.extents
    }
    whole.sort { $0.offset < $1.offset }
    for (one, next) in zip(whole, whole.dropFirst()) { precondition(one.end <= next.offset, "two files share a byte") }
}

/// The program's entry.
@_cdecl("CarvingFuzzer_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    runFuzzer(count, arguments) { runCarver($0, $1) }
}
