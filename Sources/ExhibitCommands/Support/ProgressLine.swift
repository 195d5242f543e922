import Casework
import Foundation

/// Shows how far a long step is, on standard error: one line that is redrawn on a terminal, a plain line now and then
/// elsewhere. Silent for steps of under two seconds.
final class ProgressLine: ProgressListener, @unchecked Sendable {
    private static let silence = 2.0
    private static let redrawEvery = 0.2
    private static let plainLineEvery = 10.0

    private let lock = NSLock()
    /// Guarded by `lock`.
    private var step: (name: String, unit: ProgressUnit, began: Date)?
    private var lastShown = Date.distantPast
    private var isLineOpen = false
    private var note = ""

    func began(_ name: String, unit: ProgressUnit) {
        lock.withLock {
            closeLine()
            step = (name, unit, Date())
            note = ""
            lastShown = Date.distantPast
        }
    }

    func advanced(to done: Int, of total: Int) {
        lock.withLock {
            guard let step else { return }
            let now = Date()
            let elapsed = now.timeIntervalSince(step.began)
            let pause = Terminal.isInteractive ? Self.redrawEvery : Self.plainLineEvery
            guard elapsed >= Self.silence, now.timeIntervalSince(lastShown) >= pause else { return }
            lastShown = now
            show(step.name, step.unit, done, total, elapsed)
        }
    }

    func noted(_ text: String) { lock.withLock { note = text } }

    func ended() {
        lock.withLock {
            closeLine()
            step = nil
        }
    }

    private func show(_ name: String, _ unit: ProgressUnit, _ done: Int, _ total: Int, _ elapsed: TimeInterval) {
        let rate = Double(done) / elapsed
        var parts = [name]
        if total > 0 { parts.append("\(min(100, done * 100 / max(1, total))) %") }
        switch unit {
        case .bytes:
            parts.append("\(SizeText.text(done)) of \(SizeText.text(total))")
            parts.append("\(SizeText.text(Int(rate)))/s")
        case .things(let noun): parts.append("\(done) of \(total) \(noun)")
        }
        if done > 0, total >= done { parts.append("\(Self.duration(Double(total - done) / rate)) left") }
        if !note.isEmpty { parts.append(note) }
        let text = parts.joined(separator: "  ")
        if Terminal.isInteractive {
            Terminal.write("\r\u{1B}[K" + text)
            isLineOpen = true
        } else {
            Terminal.say(text)
        }
    }

    private func closeLine() {
        if isLineOpen { Terminal.write("\r\u{1B}[K") }
        isLineOpen = false
    }

    private static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 360_000 else { return "more than 100 h" }
        let whole = Int(seconds.rounded(.up))
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole / 60 % 60) min"
    }
}

/// Byte counts for people, in binary units as IEC 80000-13 names them.
enum SizeText {
    static func text(_ bytes: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        // Rounded down, as in the report: nothing is made to look larger than it is.
        return unit == 0 ? "\(bytes) B" : String(format: "%.1f %@", (value * 10).rounded(.down) / 10, units[unit])
    }
}
