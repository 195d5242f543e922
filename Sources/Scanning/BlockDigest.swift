import Digesting
import EvidenceModel
import Glibc

/// The SHA-256 of a block.
enum BlockDigest {
    /// Much of most media is zeros: the digest of a block of nothing else is taken once.
    private static let zeros = [UInt8](repeating: 0, count: MediaPass.pageSize)
    private static let ofZeros = Result { () throws(DigestError) in try digest(.sha256, of: zeros).bytes }

    static func of(_ block: ArraySlice<UInt8>) throws(DigestError) -> [UInt8] {
        isZeros(block) ? try ofZeros.get() : try digest(.sha256, of: block).bytes
    }

    /// Looks no further than the first byte that is not zero.
    private static func isZeros(_ block: ArraySlice<UInt8>) -> Bool {
        guard block.count == zeros.count else { return false }
        return unsafe block.withUnsafeBytes { block in
            unsafe zeros.withUnsafeBytes { zeros in
                guard let block = block.baseAddress, let zeros = zeros.baseAddress else { return false }
                return unsafe memcmp(block, zeros, MediaPass.pageSize) == 0
            }
        }
    }
}
