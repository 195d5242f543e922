internal import Glibc

/// A block device with its partitions, and the devices that are made of them (LVM, RAID, encryption).
package struct BlockDeviceTopology: Hashable, Sendable {
    /// "major:minor" of the device itself.
    package let number: String
    /// "major:minor" of the device, its partitions, and everything made of them.
    package let numbers: Set<String>

    /// - Parameter path: of a block device.
    package init(_ path: String, system: String = "/sys") throws(SourceError) {
        var information = stat()
        guard unsafe stat(path, &information) == 0 else {
            throw ReadOnlyFile.failure(to: "examine", Array(path.utf8), errno)
        }
        self.init(number: Self.text(information.st_rdev), system: system)
    }

    package init(number: String, system: String = "/sys") {
        self.number = number
        var numbers: Set<String> = []
        var folders = [SystemFile.resolved(system + "/dev/block/" + number)].compactMap { $0 }
        numbers.insert(number)
        while let folder = folders.popLast() {
            if let number = SystemFile.text(folder + "/dev") { numbers.insert(number) }
            for name in SystemFile.names(in: folder)
            where SystemFile.text(folder + "/" + name + "/partition") != nil {
                folders.append(folder + "/" + name)
            }
            for name in SystemFile.names(in: folder + "/holders") {
                guard let holder = SystemFile.resolved(folder + "/holders/" + name),
                    let number = SystemFile.text(holder + "/dev"), !numbers.contains(number)
                else { continue }
                folders.append(holder)
            }
        }
        self.numbers = numbers
    }

    /// Mount points of any of them that allow writing, from `/proc/self/mountinfo` (proc(5)).
    func writableMounts() throws(SourceError) -> [String] {
        try Self.mounts().filter { isMine($0) && $0.isWritable }.map(\.point)
    }

    /// Says whether a folder lies on any of them.
    package func holds(folder: String) throws(SourceError) -> Bool {
        var information = stat()
        guard unsafe stat(folder, &information) == 0 else {
            throw ReadOnlyFile.failure(to: "examine", Array(folder.utf8), errno)
        }
        let number = Self.text(information.st_dev)
        // Some file systems (btrfs) show a number of their own; their mount tells the device.
        if numbers.contains(number) { return true }
        return try Self.mounts().contains { $0.number == number && isMine($0) }
    }

    private func isMine(_ mount: Mount) -> Bool {
        if numbers.contains(mount.number) { return true }
        var information = stat()
        return unsafe mount.source.hasPrefix("/") && stat(mount.source, &information) == 0
            && information.st_mode & S_IFMT == S_IFBLK && numbers.contains(Self.text(information.st_rdev))
    }

    private struct Mount {
        let number: String
        let point: String
        let isWritable: Bool
        let source: String
    }

    private static func mounts() throws(SourceError) -> [Mount] {
        guard let table = SystemFile.text("/proc/self/mountinfo") else {
            throw SourceError(
                .inUse, "Cannot read /proc/self/mountinfo, so it cannot be told what is mounted. Nothing was read.")
        }
        return table.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 5, let dash = fields.firstIndex(of: "-"), dash + 2 < fields.count else { return nil }
            return Mount(
                number: String(fields[2]), point: String(fields[4]),
                isWritable: fields[5].split(separator: ",").contains("rw"), source: String(fields[dash + 2]))
        }
    }

    /// "major:minor" as the kernel writes it (makedev(3)).
    private static func text(_ number: dev_t) -> String {
        let major = (number >> 8) & 0xFFF | (number >> 32) & ~0xFFF
        let minor = number & 0xFF | (number >> 12) & ~0xFF
        return "\(major):\(minor & 0xFFFF_FFFF)"
    }
}
