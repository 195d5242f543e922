internal import Glibc

extension UTCTime {
    /// The workstation's clock, whether it is right or not.
    public static var systemClock: UTCTime {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return UTCTime(milliseconds: Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000)
    }
}
