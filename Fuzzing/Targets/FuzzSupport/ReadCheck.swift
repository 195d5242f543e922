import EvidenceModel
import Foundation
import SourceMedia

/// Opens an input as a source and reads of it what a bounded time allows; a promise that is broken traps.
public final class ReadCheck: Sendable {
    /// Most bytes that are read from each place of a medium.
    static let window = 1 << 20

    private let folder: URL
    private let path: String

    /// - Parameter name: of the file that inputs are written to; its ending may matter to a reader.
    public init(name: String) {
        let memory = URL(fileURLWithPath: "/dev/shm")
        let parent =
            FileManager.default.isWritableFile(atPath: memory.path) ? memory : FileManager.default.temporaryDirectory
        folder = parent.appendingPathComponent("exhibit-fuzzing-\(ProcessInfo.processInfo.processIdentifier)")
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.appendingPathComponent(name).path
        let made = folder
        Self.onExit { try? FileManager.default.removeItem(at: made) }
    }

    private static nonisolated(unsafe) var cleanUp: (() -> Void)?

    private static func onExit(_ body: @escaping () -> Void) {
        cleanUp = body
        atexit { ReadCheck.cleanUp?() }
    }

    /// Runs one input.
    public func run(_ bytes: UnsafeBufferPointer<UInt8>) {
        write(bytes)
        do {
            let source = try SourceOpener.open(path)
            try read(source)
            try source.checkUnchanged()
        } catch is SourceError {
            // Refusing an input is an answer.
        } catch {
            fatalError("an error of another kind: \(error)")
        }
    }

    private func read(_ source: any SourceReader) throws {
        let size = source.size
        precondition(size > 0 && size == source.description.mediaSize)
        var starts = [0, size - 1, size - Self.window, size / 2, size / 3]
        // The places just around what cannot be read are where ranges are cut.
        starts += source.unreadable.prefix(4).flatMap { [$0.extent.offset - 100, $0.extent.end - 100] }
        for start in starts.map({ max(0, $0) }) {
            let run = try source.zeroRun(at: start)
            precondition(run >= 0 && run <= size - start)
            let whole = try source.bytes(at: start, count: Self.window)
            precondition(whole.count == min(Self.window, size - start))
            if run > 0 { precondition(whole.prefix(run).allSatisfy { $0 == 0 }) }
            let part = try source.bytes(at: start + 700, count: 3001)
            precondition(part.elementsEqual(whole.dropFirst(700).prefix(part.count)) || whole.count < 4000)
        }
        let behind = try source.bytes(at: size, count: 10)
        precondition(behind.isEmpty)
        var end = 0
        for range in source.unreadable {
            precondition(range.extent.offset >= end && range.extent.end <= size && range.extent.length > 0)
            end = range.extent.end
        }
        _ = source.description
    }

    private func write(_ bytes: UnsafeBufferPointer<UInt8>) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        precondition(descriptor >= 0)
        var written = 0
        while let start = bytes.baseAddress, written < bytes.count {
            let count = Foundation.write(descriptor, start + written, bytes.count - written)
            precondition(count > 0)
            written += count
        }
        close(descriptor)
    }
}
