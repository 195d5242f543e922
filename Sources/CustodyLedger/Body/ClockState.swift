internal import CLinux
import EvidenceModel
import Foundation

/// What the workstation knew of its own clock when it wrote a time.
public struct ClockState: Hashable, Sendable, LedgerField {
    /// True when the kernel says that a time service keeps the clock right.
    public var sync: Bool
    /// Who keeps it: "chrony", "ntp", "systemd-timesyncd", "kernel" (some service, which one is not known), "manual",
    /// or "unknown" when the kernel would not say.
    public var source: String
    /// The correction still under way, in milliseconds; 0, and no claim, when `sync` is false.
    public var offsetMs: Int
    /// First 16 hexadecimal digits of the kernel's boot id: entries of one boot share one clock. Zeros when unknown.
    public var boot: String

    public init(sync: Bool, source: String, offsetMs: Int, boot: String) {
        self.sync = sync
        self.source = source
        self.offsetMs = offsetMs
        self.boot = boot
    }

    /// Asks the kernel (adjtimex(2), /proc/sys/kernel/random/boot_id). What it does not say is stated as unknown.
    public static func current() -> ClockState {
        let boot = bootID() ?? String(repeating: "0", count: bootDigits)
        var answer = timex()
        let state = unsafe adjtimex(&answer)
        guard state >= 0 else { return ClockState(sync: false, source: "unknown", offsetMs: 0, boot: boot) }
        let flags = answer.status
        // TIME_ERROR and STA_UNSYNC: the kernel itself says that nobody disciplines the clock.
        guard state != TIME_ERROR, flags & STA_UNSYNC == 0 else {
            return ClockState(sync: false, source: "manual", offsetMs: 0, boot: boot)
        }
        let unitsPerMillisecond = flags & STA_NANO != 0 ? 1_000_000 : 1000
        let offset = Int(answer.offset) / unitsPerMillisecond
        return ClockState(sync: true, source: timeService(), offsetMs: offset, boot: boot)
    }

    private static let bootDigits = 16

    private static func bootID() -> String? {
        let file = "/proc/sys/kernel/random/boot_id"
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return nil }
        let digits = String(text.filter { $0.isHexDigit }.prefix(bootDigits)).lowercased()
        return digits.count == bootDigits ? digits : nil
    }

    private static func timeService() -> String {
        let signs = [
            ("/run/chrony", "chrony"), ("/run/ntpd.pid", "ntp"), ("/run/ntpsec", "ntp"),
            ("/run/systemd/timesync/synchronized", "systemd-timesyncd"),
        ]
        return signs.first { FileManager.default.fileExists(atPath: $0.0) }?.1 ?? "kernel"
    }

    var canonical: CanonicalValue {
        ["sync": .bool(sync), "src": .string(source), "offset_ms": .integer(offsetMs), "boot": .string(boot)]
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        sync = try fields.bool("sync")
        source = try fields.text("src")
        offsetMs = try fields.integer("offset_ms")
        boot = Hex.encode(try fields.hex("boot", byteCount: Self.bootDigits / 2))
    }
}
