internal import Glibc

/// What sysfs and udev's records tell of a block device.
package struct BlockDeviceIdentity: Hashable, Sendable {
    package let model: String?
    package let serial: String?
    package let firmware: String?
    /// For example "ata", "usb", "nvme", "mmc", "virtio", "loop", "nbd".
    package let transport: String?
    package let logicalSectorSize: Int?
    package let physicalSectorSize: Int?
    package let isReadOnly: Bool
    /// What is known of HPA and DCO, in words.
    package let hiddenAreas: String

    /// - Parameters:
    ///   - number: "major:minor".
    ///   - system: where sysfs is mounted.
    ///   - records: where udev keeps its records.
    package init(number: String, system: String = "/sys", records: String = "/run/udev/data") {
        let folder = SystemFile.resolved(system + "/dev/block/" + number) ?? system + "/dev/block/" + number
        // A partition has neither queue nor model of its own; those of its disk lie one folder up.
        let isPartition = SystemFile.text(folder + "/partition") != nil
        let disk = isPartition ? String(folder[..<(folder.lastIndex(of: "/") ?? folder.endIndex)]) : folder
        let record = UdevRecord(records + "/b" + number)
        let vendor = SystemFile.text(disk + "/device/vendor").flatMap { $0.hasPrefix("0x") || $0 == "ATA" ? nil : $0 }
        let name = SystemFile.text(disk + "/device/model") ?? SystemFile.text(disk + "/device/name")
        let path = SystemFile.resolved(disk + "/device") ?? disk
        let transport = Self.transport(path: path, disk: disk) ?? record["ID_BUS"]

        model = name.map { [vendor, $0].compactMap { $0 }.joined(separator: " ") } ?? record["ID_MODEL"]
        serial =
            SystemFile.text(disk + "/device/serial") ?? SystemFile.unitSerial(disk + "/device/vpd_pg80")
            ?? record["ID_SERIAL_SHORT"] ?? SystemFile.text(disk + "/serial")
        firmware =
            SystemFile.text(disk + "/device/firmware_rev") ?? SystemFile.text(disk + "/device/rev")
            ?? SystemFile.text(disk + "/device/fwrev") ?? record["ID_REVISION"]
        self.transport = transport
        logicalSectorSize = SystemFile.text(disk + "/queue/logical_block_size").flatMap { Int($0) }
        physicalSectorSize = SystemFile.text(disk + "/queue/physical_block_size").flatMap { Int($0) }
        isReadOnly = SystemFile.text(folder + "/ro") == "1"
        hiddenAreas = Self.hiddenAreas(transport)
    }

    /// Sysfs says nothing of hidden areas, and asking the disk itself would be a command to evidence.
    private static func hiddenAreas(_ transport: String?) -> String {
        switch transport {
        case "loop", "nbd", "virtio", "dm", "md", "zram", "ram":
            "none: the device is made by this computer or its host"
        case "nvme", "mmc": "not determined; this kind of device has neither HPA nor DCO, but may hide other areas"
        default: "not determined: the kernel does not tell of HPA and DCO"
        }
    }

    private static func transport(path: String, disk: String) -> String? {
        let name = SourceOpener.lastComponent(disk)
        for kind in ["loop", "nbd", "zram", "ram", "dm-", "md"]
        where name.hasPrefix(kind) && name.dropFirst(kind.count).first?.isNumber == true {
            return kind == "dm-" ? "dm" : kind
        }
        let parts = path.split(separator: "/")
        let marks = [
            ("usb", "usb"), ("ata", "ata"), ("nvme", "nvme"), ("mmc", "mmc"), ("virtio", "virtio"), ("fw", "ieee1394"),
            ("host", "scsi"),
        ]
        for (mark, transport) in marks
        where parts.contains(where: { $0.hasPrefix(mark) && $0.dropFirst(mark.count).first?.isNumber == true }) {
            return transport
        }
        return nil
    }
}

/// What udev has found out about a device: lines "E:KEY=value".
private struct UdevRecord {
    private let values: [String: String]

    init(_ path: String) {
        var values: [String: String] = [:]
        for line in (SystemFile.text(path) ?? "").split(separator: "\n") where line.hasPrefix("E:") {
            let parts = line.dropFirst(2).split(separator: "=", maxSplits: 1)
            if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
        }
        self.values = values
    }

    subscript(key: String) -> String? { values[key].flatMap { $0.isEmpty ? nil : $0 } }
}

/// Small files in which the system tells of itself.
enum SystemFile {
    /// Most bytes that are read of one.
    private static let mostBytes = 1 << 20

    /// Its text without surrounding white space; nil when the system does not give it, or when it is empty.
    static func text(_ path: String) -> String? {
        let text = String(decoding: bytes(path), as: UTF8.self)
        let trimmed = text.drop { $0.isWhitespace || $0 == "\0" }
        return trimmed.lastIndex { !$0.isWhitespace && $0 != "\0" }.map { String(trimmed[...$0]) }
    }

    /// The serial number in a SCSI device's page "unit serial number" (SPC-4, 7.8.17): four bytes, then text.
    static func unitSerial(_ path: String) -> String? {
        let page = bytes(path)
        guard page.count > 4, page[1] == 0x80 else { return nil }
        let text = String(decoding: page[4...].prefix(Int(page[2]) << 8 | Int(page[3])), as: UTF8.self)
        let trimmed = text.drop { $0.isWhitespace || $0 == "\0" }
        return trimmed.lastIndex { !$0.isWhitespace && $0 != "\0" }.map { String(trimmed[...$0]) }
    }

    /// Where a path leads when all links are followed.
    static func resolved(_ path: String) -> String? {
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// Names in a folder; none when there is no such folder.
    static func names(in folder: String) -> [String] {
        guard let listing = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(listing) }
        var names: [String] = []
        while let entry = unsafe readdir(listing) {
            let name = unsafe String(cString: DirectoryEntry.name(entry))
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func bytes(_ path: String) -> [UInt8] {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var content = [UInt8](repeating: 0, count: mostBytes)
        var filled = 0
        while filled < content.count {
            let count = unsafe content.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                return unsafe Glibc.read(descriptor, rest.baseAddress, rest.count)
            }
            guard count > 0 else { break }
            filled += count
        }
        content.removeLast(content.count - filled)
        return content
    }
}
