internal import CLinux
import EvidenceModel
import Foundation
import Glibc

/// What must hold of the file itself, before SQLite sees it.
enum LedgerFile {
    /// Bytes of SQLite's header that are looked at.
    static let headerLength = 100

    /// SQLite's header (sqlite.org/fileformat2, 1.3).
    struct Header {
        let bytes: [UInt8]

        var pageSize: Int { number(16, 2) }
        /// 1 for a rollback journal, 2 for a write-ahead log.
        var writeVersion: Int { number(18, 1) }
        var readVersion: Int { number(19, 1) }
        var pageCount: Int { number(28, 4) }
        var schemaCookie: Int { number(40, 4) }
        var userVersion: Int { number(60, 4) }
        var applicationID: Int { number(68, 4) }

        /// Whether all that has one possible value has it: the two change counters agree, schema format 4, UTF-8, what
        /// is reserved is zero.
        var isPlain: Bool {
            number(24, 4) == number(92, 4) && number(44, 4) == 4 && number(56, 4) == 1
                && [20..<21, 48..<56, 64..<68, 72..<92].allSatisfy { range in
                    bytes[range].allSatisfy { $0 == 0 }
                }
        }

        private func number(_ offset: Int, _ width: Int) -> Int {
            bytes[offset..<(offset + width)].reduce(0) { $0 << 8 | Int($1) }
        }
    }

    /// Reads SQLite's header.
    static func header(at path: String) throws(LedgerError) -> Header {
        guard FileManager.default.fileExists(atPath: path) else {
            throw LedgerError(.notFound, "\(path): there is no such ledger")
        }
        let bytes = try RawLedgerFile(path).read(at: 0, count: headerLength)
        guard bytes.count == headerLength, bytes.starts(with: Array("SQLite format 3\0".utf8)) else {
            throw LedgerError(.notALedger, "\(path): not a custody ledger: it is no SQLite file")
        }
        return Header(bytes: bytes)
    }

    /// Throws `notALedger` for another application's file, `newerVersion` for a format that this build does not know.
    static func demandVersion(_ header: Header, at path: String) throws(LedgerError) {
        guard header.applicationID == LedgerSchema.applicationID else {
            throw LedgerError(.notALedger, "\(path): a SQLite file, but not a custody ledger")
        }
        guard header.userVersion <= LedgerSchema.userVersion else {
            throw LedgerError(
                .newerVersion,
                "\(path): ledger format \(header.userVersion) is newer than this program knows "
                    + "(\(LedgerSchema.userVersion)); use a newer release")
        }
        guard header.userVersion == LedgerSchema.userVersion else {
            throw LedgerError(.notALedger, "\(path): ledger format \(header.userVersion) does not exist")
        }
    }

    /// Locks over a network are not to be relied on, and a lost lock means two entries with one number.
    static func refuseNetworkFileSystem(_ folder: String) throws(LedgerError) {
        var answer = statfs()
        guard unsafe statfs(folder, &answer) == 0 else {
            throw LedgerError(.notFound, "\(folder): \(systemWords(errno))")
        }
        if let name = networkFileSystems[UInt32(truncatingIfNeeded: answer.f_type)] {
            throw LedgerError(
                .networkFileSystem,
                "\(folder): lies on a \(name) file system, where locks are not reliable; keep the case on a local disk")
        }
    }

    /// The values of statfs(2) and linux/magic.h. FUSE is among them: behind it may lie anything.
    private static let networkFileSystems: [UInt32: String] = [
        0x6969: "NFS", 0x517B: "SMB", 0xFF53_4D42: "SMB", 0xFE53_4D42: "SMB", 0x6573_5546: "FUSE", 0x5346_414F: "AFS",
        0x6B41_4653: "AFS", 0x7375_7245: "Coda", 0x0102_1997: "9P", 0x00C3_6400: "Ceph", 0x0BD0_0BD0: "Lustre",
        0x7461_636F: "OCFS2", 0x0116_1970: "GFS2", 0x564C: "NCP", 0x1983_0326: "BeeGFS", 0x4750_4653: "GPFS",
    ]

    /// Gives a finished file its name, without ever replacing another one, and makes the name durable.
    static func publish(_ temporary: String, as path: String) throws(LedgerError) {
        guard unsafe linux_rename_without_replacing(temporary, path) == 0 else {
            let reason = errno
            if reason == EEXIST { throw LedgerError(.alreadyExists, "\(path): there is a ledger already") }
            throw LedgerError(.inputOutput, "\(path): \(systemWords(reason))")
        }
        do {
            try DurableFile.synchronizeFolder(URL(fileURLWithPath: path).deletingLastPathComponent().path)
        } catch { throw LedgerError(.inputOutput, error.message) }
    }

    private static func systemWords(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}

/// 256 KiB kept beside the ledger, given up when the disk is full so that the incident itself can still be recorded.
///
/// It lies outside the file because a full disk leaves no room for SQLite's rollback journal either.
struct LedgerReserve {
    /// Enough for the journal and the pages of several entries.
    static let size = 256 * 1024

    let path: String

    init(besideLedgerAt ledger: String) { path = ledger + ".reserve" }

    /// Puts the reserve back when it is missing. A disk too full for it is no failure: the ledger works without.
    func keep() {
        guard !FileManager.default.fileExists(atPath: path) else { return }
        let made = FileManager.default.createFile(
            atPath: path, contents: Data(repeating: 0, count: Self.size), attributes: [.posixPermissions: 0o600])
        if !made { giveUp() }
    }

    /// Frees the space; false when there was none to free.
    @discardableResult
    func giveUp() -> Bool { unsafe unlink(path) == 0 }
}
