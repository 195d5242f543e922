import Foundation
import GRDB

/// Values of a row whose types are not taken on trust: a doctored file may hold anything anywhere.
extension Row {
    func integer(_ index: Int) -> Int? {
        guard case .int64(let number) = databaseValue(index) else { return nil }
        return Int(exactly: number)
    }

    func text(_ index: Int) -> String? {
        guard case .string(let text) = databaseValue(index) else { return nil }
        return text
    }

    func blob(_ index: Int) -> [UInt8]? {
        guard case .blob(let data) = databaseValue(index) else { return nil }
        return Array(data)
    }

    private func databaseValue(_ index: Int) -> DatabaseValue.Storage {
        let value: DatabaseValue = self[index]
        return value.storage
    }
}
