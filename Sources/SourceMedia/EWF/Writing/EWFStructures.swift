import EvidenceModel

/// The bytes of an EWF file's structures, each with its Adler-32. Read by the files of the same name one folder up.
enum EWFStructures {
    static func fileHeader(segment: Int) -> [UInt8] {
        Array("EVF\t\r\n".utf8) + [0xFF, 0x00, 0x01] + integer(segment, bytes: 2) + [0, 0]
    }

    /// The descriptor of a section.
    ///
    /// - Parameters:
    ///   - next: where the next section begins; the section's own offset for the one that ends a segment.
    ///   - size: bytes of descriptor and content; 0 for a section that ends a segment.
    static func descriptor(_ type: String, next: Int, size: Int) -> [UInt8] {
        let name = Array(type.utf8)
        return sealed(
            name + [UInt8](repeating: 0, count: 16 - name.count) + integer(next, bytes: 8) + integer(size, bytes: 8)
                + [UInt8](repeating: 0, count: 40))
    }

    /// A section that follows another one at `offset`.
    static func section(_ type: String, _ content: [UInt8], at offset: Int) -> [UInt8] {
        let size = EWFSection.descriptorSize + content.count
        return descriptor(type, next: offset + size, size: size) + content
    }

    /// Sections `volume` of the first and `data` of the other segments.
    static func volume(_ facts: EWFImageFacts) -> [UInt8] {
        var content = integer(facts.isRemovable ? 0 : 1, bytes: 4)
        content += integer(facts.chunkCount, bytes: 4)
        content += integer(EWFImageFacts.chunkSize / facts.sectorSize, bytes: 4)
        content += integer(facts.sectorSize, bytes: 4)
        content += integer(facts.mediaSize / facts.sectorSize, bytes: 8)
        content += [UInt8](repeating: 0, count: 12)
        // Media flags: an image, of a physical device rather than of a volume.
        content += integer(facts.isPhysical ? 3 : 1, bytes: 4)
        content += [UInt8](repeating: 0, count: 12)
        content += integer(facts.compression == .fast ? 1 : 0, bytes: 4)
        // Sectors that one error costs: each is read by itself.
        content += integer(1, bytes: 4)
        content += [UInt8](repeating: 0, count: 4)
        content += facts.setIdentifier
        return sealed(content + [UInt8](repeating: 0, count: 1048 - content.count))
    }

    /// The content of sections `table` and `table2`.
    ///
    /// - Parameters:
    ///   - base: what the offsets in `entries` are relative to.
    ///   - entries: with the highest bit set for deflated chunks.
    static func table(base: Int, _ entries: [UInt32]) -> [UInt8] {
        var list: [UInt8] = []
        list.reserveCapacity(entries.count * 4 + 4)
        for entry in entries { list += integer(Int(entry), bytes: 4) }
        return sealed(integer(entries.count, bytes: 8) + integer(base, bytes: 8) + integer(0, bytes: 4)) + sealed(list)
    }

    /// Bytes of a `table` section with its descriptor.
    static func tableSize(_ count: Int) -> Int { EWFSection.descriptorSize + EWFTable.headerSize + count * 4 + 4 }

    /// The content of section `error2`; nil when there is nothing to say.
    ///
    /// The format has 32 bits for a sector's number: ranges beyond that are left out, and stand in the manifest only.
    static func errors(_ ranges: [Range<Int>]) -> [UInt8]? {
        let told = ranges.filter { $0.upperBound <= Int(UInt32.max) }.prefix(EWFAcquisitionErrors.mostRanges)
        guard !told.isEmpty else { return nil }
        let header = sealed(integer(told.count, bytes: 4) + [UInt8](repeating: 0, count: 512))
        return header + sealed(told.flatMap { integer($0.lowerBound, bytes: 4) + integer($0.count, bytes: 4) })
    }

    /// The content of section `hash`.
    static func hash(md5: Digest) -> [UInt8] { sealed(md5.bytes + [UInt8](repeating: 0, count: 16)) }

    /// The content of section `digest`.
    static func digest(md5: Digest, sha1: Digest) -> [UInt8] {
        sealed(md5.bytes + sha1.bytes + [UInt8](repeating: 0, count: 40))
    }

    /// Bytes that any set may need after its last table: `digest`, `hash`, `done`.
    static let tailSize = 3 * EWFSection.descriptorSize + 80 + 36

    static func integer(_ value: Int, bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func sealed(_ content: [UInt8]) -> [UInt8] {
        var sum = Adler32()
        sum.update(content.span)
        return content + integer(Int(sum.value), bytes: 4)
    }
}
