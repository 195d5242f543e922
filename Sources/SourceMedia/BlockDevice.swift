import EvidenceModel
internal import Glibc

/// Opens a block device read-only and asks the system what it is.
enum BlockDevice {
    static func open(_ path: String, allowWritableMounts: Bool) throws(SourceError) -> any SourceReader {
        let mounts = try writableMounts(of: path)
        guard mounts.isEmpty || allowWritableMounts else {
            throw SourceError(
                .inUse,
                "\(path) is mounted for writing at \(mounts.joined(separator: ", ")): it can change while it is read. "
                    + "Nothing was read. Unmount it, or use --force with --reason \"…\"; the reason goes into the ledger."
            )
        }
        let file = try ReadOnlyFile(path: Array(path.utf8))
        guard file.size > 0 else {
            throw SourceError(.empty, "\(path) has no size: no medium is inserted, or it does not answer.")
        }
        let name = SourceOpener.lastComponent(path)
        let attributes = "/sys/class/block/" + name
        // A partition has neither queue nor model of its own; those of its disk lie one folder up.
        let disk = attribute(attributes + "/queue/logical_block_size") != nil ? attributes : attributes + "/.."
        let device = DeviceDescription(
            path: path, model: attribute(disk + "/device/model"), serial: attribute(disk + "/device/serial"),
            firmware: attribute(disk + "/device/rev") ?? attribute(disk + "/device/firmware_rev"), size: file.size,
            isReadOnly: attribute(attributes + "/ro") == "1", writableMounts: mounts)
        let sectorSize = attribute(disk + "/queue/logical_block_size").flatMap { Int($0) } ?? 512
        var warnings: [String] = []
        if !device.isReadOnly { warnings.append("the kernel does not refuse writes to \(path); use a write blocker") }
        for mount in mounts { warnings.append("\(path) is mounted for writing at \(mount) while it is read") }
        let description = SourceDescription(
            kind: .device, path: path,
            files: [SourceFile(nameBytes: Array(name.utf8), size: file.size, modified: nil, mode: nil)],
            mediaSize: file.size, sectorSize: sectorSize, device: device, oddities: [], warnings: warnings)
        return ConcatenatedFiles(description, paths: [Array(path.utf8)], opened: [0: file])
    }

    /// Mount points of the device and of its partitions that allow writing, from `/proc/self/mountinfo` (proc(5)).
    private static func writableMounts(of path: String) throws(SourceError) -> [String] {
        let numbers = deviceNumbers(of: path)
        guard let table = text(of: "/proc/self/mountinfo") else {
            throw SourceError(
                .inUse, "Cannot read /proc/self/mountinfo, so it cannot be told whether \(path) is mounted for writing."
            )
        }
        return table.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 5, numbers.contains(String(fields[2])),
                fields[5].split(separator: ",").contains("rw")
            else { return nil }
            return String(fields[4])
        }
    }

    /// "major:minor" of the device and of each of its partitions.
    private static func deviceNumbers(of path: String) -> Set<String> {
        let folder = "/sys/class/block/" + SourceOpener.lastComponent(path)
        var numbers: Set<String> = []
        if let number = attribute(folder + "/dev") { numbers.insert(number) }
        guard let listing = unsafe opendir(folder) else { return numbers }
        defer { unsafe closedir(listing) }
        while let entry = unsafe readdir(listing) {
            let name = unsafe String(cString: DirectoryEntry.name(entry))
            guard attribute(folder + "/" + name + "/partition") != nil else { continue }
            if let partition = attribute(folder + "/" + name + "/dev") { numbers.insert(partition) }
        }
        return numbers
    }

    /// A sysfs attribute without surrounding white space; nil when the system does not give it.
    private static func attribute(_ path: String) -> String? {
        guard let value = text(of: path) else { return nil }
        let trimmed = value.drop(while: { $0 == " " || $0 == "\n" })
        let end = trimmed.lastIndex(where: { $0 != " " && $0 != "\n" })
        return end.map { String(trimmed[...$0]) }
    }

    /// A whole small system file, at most 1 MiB of it.
    private static func text(of path: String) -> String? {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var content = [UInt8](repeating: 0, count: 1 << 20)
        var filled = 0
        while filled < content.count {
            let count = unsafe content.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                return unsafe Glibc.read(descriptor, rest.baseAddress, rest.count)
            }
            guard count > 0 else { break }
            filled += count
        }
        return String(decoding: content[..<filled], as: UTF8.self)
    }
}
