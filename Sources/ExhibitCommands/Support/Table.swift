/// A small table for the end of a command: columns aligned, numbers to the right.
struct Table {
    private let columns: [String]
    private let numeric: Set<Int>
    private var rows: [[String]] = []

    /// - Parameter numeric: indexes of the columns whose values stand to the right.
    init(_ columns: [String], numeric: Set<Int> = []) {
        self.columns = columns
        self.numeric = numeric
    }

    mutating func add(_ row: [String]) { rows.append(row) }

    var isEmpty: Bool { rows.isEmpty }

    var text: String {
        let all = [columns] + rows
        let widths = columns.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            let cells = row.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                return numeric.contains(column) ? padding + row[column] : row[column] + padding
            }
            let line = cells.joined(separator: "  ")
            return line.lastIndex(where: { $0 != " " }).map { String(line[...$0]) } ?? ""
        }
        .joined(separator: "\n")
    }
}
