import EvidenceModel

/// Opens a block device read-only and asks the system what it is.
enum BlockDevice {
    static func open(_ path: String, allowWritableMounts: Bool) throws(SourceError) -> any SourceReader {
        let topology = try BlockDeviceTopology(path)
        let mounts = try topology.writableMounts()
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
        let identity = BlockDeviceIdentity(number: topology.number)
        // The kernel's own answer counts; sysfs tells the same of the devices it knows.
        let isReadOnly = file.isReadOnlyDevice ?? identity.isReadOnly
        let device = DeviceDescription(
            path: path, model: identity.model, serial: identity.serial, firmware: identity.firmware, size: file.size,
            isReadOnly: isReadOnly, writableMounts: mounts, transport: identity.transport,
            logicalSectorSize: identity.logicalSectorSize, physicalSectorSize: identity.physicalSectorSize,
            hiddenAreas: identity.hiddenAreas)
        var warnings: [String] = []
        if !isReadOnly { warnings.append("the kernel does not refuse writes to \(path); use a write blocker") }
        if isReadOnly != identity.isReadOnly {
            warnings.append("the kernel contradicts itself about whether \(path) may be written to")
        }
        for mount in mounts { warnings.append("\(path) is mounted for writing at \(mount) while it is read") }
        let name = SourceOpener.lastComponent(path)
        let description = SourceDescription(
            kind: .device, path: path,
            files: [SourceFile(nameBytes: Array(name.utf8), size: file.size, modified: nil, mode: nil)],
            mediaSize: file.size, sectorSize: identity.logicalSectorSize ?? 512, device: device, oddities: [],
            warnings: warnings)
        return try BlockDeviceReader(description, ReadPolicy(retries: 0))
    }
}

extension ReadOnlyFile {
    /// Whether the kernel refuses writes to the device; nil when it does not say.
    fileprivate var isReadOnlyDevice: Bool? {
        var answer: Int32 = 0
        let getReadOnly: UInt = 0x125E  // BLKROGET of linux/fs.h
        return control(getReadOnly, &answer) ? answer != 0 : nil
    }
}
