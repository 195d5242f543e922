import Casework
import FuzzSupport

/// Runs one input: a manifest that is accepted must be the very bytes that its content is written as.
private func runManifest(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    guard let manifest = try? EvidenceManifest(parsing: bytes) else { return 0 }
    precondition(manifest.encoded == bytes)
    return 0
}

/// The program's entry.
@_cdecl("ManifestFuzzer_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    runFuzzer(count, arguments) { runManifest($0, $1) }
}
