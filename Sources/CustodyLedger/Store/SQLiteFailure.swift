import GRDB

extension LedgerError {
    /// SQLite's failure in the ledger's terms, with SQLite's own words.
    init(_ error: DatabaseError, at path: String) {
        let said = error.message ?? error.resultCode.description
        let words = "SQLite says: \(said) (\(error.extendedResultCode.rawValue))"
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(.busy, "\(path): another process holds the ledger; try again when it has finished. \(words)")
        case .SQLITE_FULL:
            self.init(.diskFull, "\(path): the disk is full; nothing was recorded. Free space and try again. \(words)")
        case .SQLITE_NOTADB: self.init(.notALedger, "\(path): not a custody ledger. \(words)")
        case .SQLITE_CORRUPT, .SQLITE_ERROR:
            self.init(.damaged, "\(path): the file is damaged; keep it as it is and audit it. \(words)")
        case .SQLITE_IOERR:
            self.init(
                .inputOutput,
                "\(path): reading or writing failed. Whether the last entry was recorded is not known: open the ledger "
                    + "again and look before repeating anything. \(words)")
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            self.init(.inputOutput, "\(path): cannot be opened for this; check the permissions. \(words)")
        default: self.init(.inputOutput, "\(path): \(words)")
        }
    }
}

/// Runs work on the database and keeps the ledger's own errors.
func ledgerWork<Value>(at path: String, _ work: () throws -> Value) throws(LedgerError) -> Value {
    do { return try work() } catch let error as LedgerError { throw error } catch let error as DatabaseError {
        throw LedgerError(error, at: path)
    } catch { throw LedgerError(.inputOutput, "\(path): \(error)") }
}
