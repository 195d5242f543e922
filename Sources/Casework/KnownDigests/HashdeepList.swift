/// Lists of hashdeep, version 1.0: `%%%%` lines, of which one names the columns, then values with commas between them.
enum HashdeepList {
    static func read(_ text: [UInt8], into collector: inout KnownDigestCollector) {
        var columns: [String] = []
        KnownListText.lines(of: text) { line in
            if line.starts(with: Array("%%%%".utf8)) {
                let names = String(decoding: KnownListText.trimmed(line.dropFirst(4)), as: UTF8.self)
                if names.hasSuffix("filename") { columns = names.split(separator: ",").map(String.init) }
                return
            }
            // "##" begins a comment.
            guard !line.starts(with: Array("##".utf8)), !line.isEmpty else { return }
            // The name is the last column and may hold commas.
            let values = line.split(
                separator: UInt8(ascii: ","), maxSplits: max(0, columns.count - 1), omittingEmptySubsequences: false)
            guard columns.count >= 2, values.count == columns.count, let name = values.last, !name.isEmpty else {
                collector.notUnderstood += 1
                return
            }
            for (column, value) in zip(columns, values).dropLast() where column != "size" && !value.isEmpty {
                collector.add(value, algorithm: column, name: Array(name))
            }
        }
    }
}
