internal import CVectorscan
internal import EvidenceModel
internal import Synchronization

/// Finds every occurrence of many byte strings in one go. Wraps Vectorscan (`hs_compile_multi`, `hs_scan`).
///
/// Immutable once made; any number of threads share one. Each scan borrows a scratch space of its own.
@safe
final class LiteralScanner: Sendable {
    /// Freed by `deinit`, when no scan can be running any more; Vectorscan only reads it. Nil without strings.
    private nonisolated(unsafe) let database: OpaquePointer?
    private let scratch: Mutex<ScratchSpaces>

    /// Compiles the strings; the answers name them by their position.
    ///
    /// - Precondition: none is empty.
    /// - Throws: ``MagicError`` with code `failed` and Vectorscan's own words.
    init(_ literals: [[UInt8]]) throws(MagicError) {
        precondition(literals.allSatisfy { !$0.isEmpty }, "an empty string is everywhere")
        let database = literals.isEmpty ? nil : unsafe try Self.compile(literals)
        unsafe self.database = unsafe database
        do throws(MagicError) {
            scratch = Mutex(ScratchSpaces(prototype: unsafe try database.map(Scratch.init(for:))))
        } catch {
            unsafe hs_free_database(database)
            throw error
        }
    }

    deinit { unsafe hs_free_database(database) }

    private static func compile(_ literals: [[UInt8]]) throws(MagicError) -> OpaquePointer {
        // Expressions of escaped bytes: the interface for plain literals takes one that begins with NUL for empty.
        // They stand one behind the other, so that one buffer lends all their addresses.
        let text = literals.flatMap { literal in
            literal.flatMap { Array("\\x".utf8) + Array(Hex.encode([$0]).utf8) } + [0]
        }.map { CChar(bitPattern: $0) }
        let flags = [UInt32](repeating: 0, count: literals.count)
        let numbers = literals.indices.map { UInt32($0) }
        var compiled: OpaquePointer?
        var failure: UnsafeMutablePointer<hs_compile_error_t>?
        let status = unsafe text.withUnsafeBufferPointer { text in
            var start = 0
            var addresses: [UnsafePointer<CChar>?] = unsafe []
            for literal in literals {
                unsafe addresses.append(unsafe text.baseAddress.map { unsafe $0 + start })
                start += 4 * literal.count + 1
            }
            return unsafe hs_compile_multi(
                addresses, flags, numbers, UInt32(literals.count), UInt32(HS_MODE_BLOCK), nil, &compiled, &failure)
        }
        defer { if let failure = unsafe failure { unsafe hs_free_compile_error(failure) } }
        guard status == HS_SUCCESS, let compiled = unsafe compiled else {
            let words = unsafe failure.flatMap { unsafe $0.pointee.message }.map { unsafe String(cString: $0) }
            throw MagicError(
                .failed, "the search for signatures cannot be prepared: \(words ?? "Vectorscan error \(status)")")
        }
        return unsafe compiled
    }

    /// Calls `body` for each occurrence with the string's position and the offset behind its last byte.
    ///
    /// Occurrences come in the order of their ends.
    /// - Precondition: fewer than 4 GiB.
    func scan(_ bytes: Span<UInt8>, _ body: (_ literal: Int, _ end: Int) -> Void) {
        guard unsafe database != nil, !bytes.isEmpty else { return }
        if let space = scratch.withLock({ $0.take() }) {
            scan(bytes, space, body)
            scratch.withLock { $0.giveBack(space) }
        } else {
            // No memory for another space: the scans take turns.
            scratch.withLock { if let space = $0.prototype { scan(bytes, space, body) } }
        }
    }

    private func scan(_ bytes: Span<UInt8>, _ space: Scratch, _ body: (_ literal: Int, _ end: Int) -> Void) {
        let status = withoutActuallyEscaping(body) { body in
            var receiver = Receiver(body: body)
            return unsafe bytes.withUnsafeBytes { buffer in
                unsafe withUnsafeMutablePointer(to: &receiver) { receiver in
                    unsafe hs_scan(
                        database, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), UInt32(buffer.count), 0,
                        space.address,
                        { literal, _, end, _, context in
                            unsafe context?.assumingMemoryBound(to: Receiver.self).pointee.body(
                                Int(literal), Int(end))
                            return 0
                        }, receiver)
                }
            }
        }
        // Only misuse can make a scan fail: the database, the scratch space and the buffer are all ours.
        precondition(status == HS_SUCCESS, "Vectorscan refuses a scan: \(status)")
    }

    /// What a match is handed to; lives on the stack while a scan runs.
    private struct Receiver {
        let body: (Int, Int) -> Void
    }
}

/// Memory in which one scan at a time works.
@safe
private final class Scratch: @unchecked Sendable {
    /// Freed by `deinit`.
    let address: OpaquePointer

    init(for database: OpaquePointer) throws(MagicError) {
        var address: OpaquePointer?
        guard unsafe hs_alloc_scratch(database, &address) == HS_SUCCESS, let address = unsafe address else {
            throw MagicError(.failed, "the search for signatures cannot be prepared: out of memory")
        }
        unsafe self.address = unsafe address
    }

    /// A space of the same kind; nil when there is no memory for it.
    ///
    /// - Precondition: no scan is using the other one.
    init?(like other: Scratch) {
        var address: OpaquePointer?
        guard unsafe hs_clone_scratch(other.address, &address) == HS_SUCCESS, let address = unsafe address else {
            return nil
        }
        unsafe self.address = unsafe address
    }

    deinit { unsafe hs_free_scratch(address) }
}

/// The spaces that no scan uses at the moment, and one that is only copied, as long as there is memory.
private struct ScratchSpaces {
    let prototype: Scratch?
    private var spare: [Scratch] = []

    init(prototype: Scratch?) { self.prototype = prototype }

    mutating func take() -> Scratch? { spare.popLast() ?? prototype.flatMap(Scratch.init(like:)) }
    mutating func giveBack(_ space: Scratch) { spare.append(space) }
}
