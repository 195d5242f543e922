/// Tells whether a file is an archive, whole, and not a medium or a document that begins like one.
enum ArchiveRecognition {
    /// Bytes of a ZIP's directory that are searched for the names that make it a document.
    static let searchedDirectory = 16 << 20
    /// Longest comment behind a ZIP's end record (APPNOTE 4.4.12), and the record itself.
    static let endSearch = 65_535 + 22

    struct Finding {
        let format: ArchiveFormat
        /// What shows already that it is not whole.
        let damage: [String]
    }

    /// Nil for what is to be read as raw bytes.
    ///
    /// - Throws: ``SourceError`` with code `unreadable`.
    static func recognise(_ file: HeaderFile) throws(SourceError) -> Finding? {
        let head = try file.available(at: 0, count: 512)
        let name = file.name.lowercased()
        let promised = ArchiveFormat.allCases.first { format in format.endings.contains { name.hasSuffix($0) } }
        if head.starts(with: ArchiveFormat.zip.signature) || isEmptyZip(head) {
            switch try zipDirectory(file) {
            case .whole(let start, let length):
                return try isDocument(file, start, length) ? nil : Finding(format: .zip, damage: [])
            case .wrong(let why):
                return promised == .zip ? Finding(format: .zip, damage: [why]) : nil
            }
        }
        if head.starts(with: ArchiveFormat.sevenZip.signature), head.count >= 32 {
            let end = head.littleEndian64(at: 12).addingReportingOverflow(head.littleEndian64(at: 20))
            if !end.overflow, end.partialValue == UInt64(max(0, file.size - 32)), startSumHolds(head) {
                return Finding(format: .sevenZip, damage: [])
            }
            let why = "its start header states another length than the file has, or is damaged: it is cut off"
            return promised == .sevenZip ? Finding(format: .sevenZip, damage: [why]) : nil
        }
        // TAR has no mark of its end, and the start of a medium can look like one: the name must promise it too.
        guard let promised else { return nil }
        switch promised {
        case .zip, .sevenZip: return nil
        case .tar: return isTarHeader(head) ? Finding(format: .tar, damage: []) : nil
        case .tarGzip, .tarBzip2, .tarXZ, .tarZstd:
            return head.starts(with: promised.signature) ? Finding(format: promised, damage: []) : nil
        }
    }

    // MARK: ZIP

    private enum ZipDirectory {
        case whole(start: Int, length: Int)
        case wrong(String)
    }

    private static func isEmptyZip(_ head: [UInt8]) -> Bool {
        head.count == 22 && head.starts(with: [0x50, 0x4B, 5, 6])
    }

    /// The directory, when the end record closes the file and says truly where it lies (APPNOTE 4.3.16).
    private static func zipDirectory(_ file: HeaderFile) throws(SourceError) -> ZipDirectory {
        let length = min(file.size, endSearch)
        let tail = try file.available(at: file.size - length, count: length)
        guard tail.count >= 22 else { return .wrong("it is cut off") }
        var at = tail.count - 22
        while at >= 0 {
            if tail[at] == 0x50, tail[at...].starts(with: [0x50, 0x4B, 5, 6]),
                tail.littleEndian16(at: at + 20) == tail.count - at - 22
            {
                break
            }
            at -= 1
        }
        guard at >= 0 else {
            return .wrong(
                "the record at its end is missing: it is cut off, or something was added "
                    + "to it")
        }
        let place = file.size - length + at
        var size = tail.littleEndian32(at: at + 12)
        var start = tail.littleEndian32(at: at + 16)
        var end = place
        if size == 0xFFFF_FFFF || start == 0xFFFF_FFFF || tail.littleEndian16(at: at + 10) == 0xFFFF {
            let locator = try file.available(at: place - 20, count: 20)
            guard locator.count == 20, locator.starts(with: [0x50, 0x4B, 6, 7]),
                let record = fileOffset(locator.littleEndian64(at: 8))
            else { return .wrong("its Zip64 locator is missing") }
            let body = try file.available(at: record, count: 56)
            guard body.count == 56, body.starts(with: [0x50, 0x4B, 6, 6]),
                let stated = fileOffset(body.littleEndian64(at: 40)),
                let first = fileOffset(body.littleEndian64(at: 48))
            else { return .wrong("its Zip64 end record is not where its locator says") }
            size = stated
            start = first
            end = record
        }
        guard start <= end, size == end - start else {
            return .wrong(
                "its directory does not lie where its end record says: it is damaged, or bytes were put "
                    + "before it")
        }
        let first = try file.available(at: start, count: 4)
        guard size == 0 || first == [0x50, 0x4B, 1, 2] else {
            return .wrong(
                "there is no directory where its end "
                    + "record says")
        }
        return .whole(start: start, length: size)
    }

    /// Office documents, e-books and programs are ZIPs too: as evidence they are files, not exports.
    private static func isDocument(_ file: HeaderFile, _ start: Int, _ length: Int) throws(SourceError) -> Bool {
        let names: Set<[UInt8]> = Set(
            ["[Content_Types].xml", "META-INF/MANIFEST.MF", "META-INF/container.xml", "AndroidManifest.xml"].map {
                Array($0.utf8)
            })
        let directory = try file.available(at: start, count: min(length, searchedDirectory))
        var at = 0
        while at + 46 <= directory.count, directory[at...].starts(with: [0x50, 0x4B, 1, 2]) {
            let nameLength = directory.littleEndian16(at: at + 28)
            guard at + 46 + nameLength <= directory.count else { return false }
            let name = Array(directory[at + 46..<at + 46 + nameLength])
            if names.contains(name) || (at == 0 && name == Array("mimetype".utf8)) { return true }
            at += 46 + nameLength + directory.littleEndian16(at: at + 30) + directory.littleEndian16(at: at + 32)
        }
        return false
    }

    // MARK: 7z and TAR

    private static func startSumHolds(_ head: [UInt8]) -> Bool {
        var sum = CRC32()
        sum.update(Array(head[12..<32]))
        return Int(sum.value) == head.littleEndian32(at: 8)
    }

    /// The header's own checksum: the sum of its bytes, its own field taken as blanks (POSIX.1-1988 ustar).
    static func isTarHeader(_ head: [UInt8]) -> Bool {
        guard head.count == 512 else { return false }
        let digits = head[148..<156].drop { $0 == 0x20 }.prefix { (0x30...0x37).contains($0) }
        guard !digits.isEmpty else { return false }
        let stated = digits.reduce(0) { $0 * 8 + Int($1) - 0x30 }
        let sum = head.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 0x20 : Int($1.element)) }
        return stated == sum
    }
}
