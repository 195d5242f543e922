import Carving
import EvidenceModel
import FuzzSupport
import SourceMedia

/// What a walk may fetch for each byte of the input, and at least: a walk that reads on and on is a find.
private let mostFetchedPerByte = 256
private let leastAllowedFetch = 64 << 20

/// Runs one input: every walker that one of its signatures calls walks it, in place and behind 512 other bytes.
private func runWalkers(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    let plain = MemorySource(bytes)
    let shifted = MemorySource([UInt8](repeating: 0x5A, count: 512) + bytes)
    for walker in allFormatWalkers where isCalled(walker, bytes) {
        let first = verdict(of: walker, plain, at: 0)
        check(first, walker, size)
        precondition(first == verdict(of: walker, shifted, at: 512), "\(walker.name) depends on the place")
    }
    return 0
}

private func isCalled(_ walker: any FormatWalker, _ bytes: [UInt8]) -> Bool {
    walker.signatures.contains { signature in
        signature.offset + signature.bytes.count <= bytes.count
            && bytes[signature.offset..<signature.offset + signature.bytes.count].elementsEqual(signature.bytes)
    }
}

private func verdict(of walker: any FormatWalker, _ source: MemorySource, at offset: Int) -> WalkVerdict? {
    let reader = ByteReader(source, at: offset)
    defer {
        precondition(
            reader.bytesFetched <= max(leastAllowedFetch, reader.count * mostFetchedPerByte),
            "\(walker.name) fetched \(reader.bytesFetched) bytes of \(reader.count)")
    }
    do {
        return try walker.walk(reader)
    } catch {
        // A read past the end rejects the candidate.
        return nil
    }
}

/// Traps when a verdict breaks what walkers promise.
private func check(_ verdict: WalkVerdict?, _ walker: any FormatWalker, _ size: Int) {
    switch verdict {
    case .complete(let file):
        precondition(file.length > 0 && file.length <= size, "\(walker.name) believes bytes that are not there")
        precondition(file.confidence != .broken)
        check(file)
    case .broken(let file, _): check(file)
    case .rejected, nil: break
    }
}

private func check(_ file: WalkedFile) {
    precondition(file.length >= 0)
    precondition((file.certainLength ?? 0) >= 0)
    for part in file.unchecked { precondition(part.lowerBound >= 0) }
    for key in file.facts.keys {
        precondition(key.first?.isLowercase == true)
        precondition(key.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "_") })
    }
    // Facts go into the catalogue's canonical lines.
    _ = CanonicalValue.object(file.facts).encoded
}

/// The program's entry.
@_cdecl("WalkerFuzzer_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    runFuzzer(count, arguments) { runWalkers($0, $1) }
}
