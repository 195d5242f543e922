internal import EvidenceModel

/// The pictures in a JPEG file: the thumbnail of its Exif block, that of Photoshop, and the further pictures of an MPO.
struct JPEGParts {
    /// Most segments before the first scan that are looked at.
    private static let mostSegments = 4096
    private static let mostPictures = 64

    private let input: WalkInput

    init(_ input: WalkInput) { self.input = input }

    func list(into list: inout PartList) throws(WalkStop) {
        var at = 2
        for _ in 0..<Self.mostSegments {
            guard input.fits(at, 4), try input.u8(at) == 0xFF else { return }
            let marker = try input.u8(at + 1)
            if marker == 0xFF {
                at += 1
                continue
            }
            guard marker >= 0xC0, marker != 0xD9, marker != 0xDA else { return }
            let length = try input.u16be(at + 2)
            let end = at + 2 + length
            guard length >= 2, end <= input.count else { return }
            switch marker {
            case 0xE1 where try input.matches("Exif\0", at: at + 4):
                if let structure = try TIFFStructure(input, at: at + 10, end: end) {
                    try TIFFParts.thumbnail(structure, into: &list)
                }
            case 0xE2 where try input.matches("MPF\0", at: at + 4):
                try pictures(at: at + 8, end: end, into: &list)
            case 0xED where try input.matches("Photoshop 3.0\0", at: at + 4):
                try photoshop(at: at + 18, end: end, into: &list)
            default: break
            }
            at = end
        }
    }

    /// The further pictures of a multi-picture file (CIPA DC-007, 5.2).
    private func pictures(at base: Int, end: Int, into list: inout PartList) throws(WalkStop) {
        guard let structure = try TIFFStructure(input, at: base, end: end),
            let directory = try structure.directory(at: structure.firstDirectory, lenient: true),
            let entry = directory[0xB002]
        else { return }
        for index in 0..<min(entry.byteCount / 16, Self.mostPictures) {
            let item = entry.valueAt + 16 * index
            let size = try structure.u32(item + 4)
            let offset = try structure.u32(item + 8)
            guard offset > 0, size > 0, input.fits(base + offset, 3),
                try input.matches([0xFF, 0xD8, 0xFF], at: base + offset)
            else { continue }
            let start = base + offset
            var part = EmbeddedPart("picture-\(index + 1).jpg", [start..<start + min(size, input.count - start)])
            part.endsItself = true
            list.add(part)
        }
    }

    /// The thumbnail among Photoshop's image resources (Photoshop File Formats Specification, resource 1036).
    private func photoshop(at start: Int, end: Int, into list: inout PartList) throws(WalkStop) {
        var at = start
        while at + 12 <= end, try input.matches("8BIM", at: at) {
            let identifier = try input.u16be(at + 4)
            let name = (try input.u8(at + 6) + 2) & ~1
            let size = try input.u32be(at + 6 + name)
            let body = at + 10 + name
            guard size <= end - body else { return }
            if identifier == 1036 || identifier == 1033, size > 28,
                try input.matches([0xFF, 0xD8, 0xFF], at: body + 28)
            {
                var part = EmbeddedPart("photoshop-thumbnail.jpg", [body + 28..<body + size])
                part.endsItself = true
                list.add(part)
            }
            at = body + (size + 1) & ~1
        }
    }
}

/// The JPEG pictures in a TIFF structure: thumbnails and previews (TIFF/EP; Exif 2.32, 4.6.8; DNG 1.7).
struct TIFFParts {
    private static let mostDirectories = 256

    private let input: WalkInput

    init(_ input: WalkInput) { self.input = input }

    /// The thumbnail of an Exif block, which its second directory names.
    static func thumbnail(_ structure: TIFFStructure, into list: inout PartList) throws(WalkStop) {
        guard let first = try structure.directory(at: structure.firstDirectory, lenient: true), first.next != 0,
            let second = try structure.directory(at: first.next, lenient: true)
        else { return }
        try add(structure, second, "thumbnail.jpg", into: &list)
    }

    func list(into list: inout PartList) throws(WalkStop) {
        guard let structure = try TIFFStructure(input, at: 0, end: input.count) else { return }
        var pending = [structure.firstDirectory]
        var seen: Set<Int> = []
        var places: Set<Int> = []
        while let offset = pending.popLast(), seen.count < Self.mostDirectories {
            guard offset != 0, seen.insert(offset).inserted,
                let directory = try structure.directory(at: offset, lenient: true)
            else { continue }
            if let place = try Self.place(structure, directory), places.insert(place.lowerBound).inserted {
                Self.add(place, "directory-\(seen.count).jpg", into: &list)
            } else if let place = try preview(structure, directory), places.insert(place.lowerBound).inserted {
                Self.add(place, "directory-\(seen.count).jpg", into: &list)
            }
            pending.append(directory.next)
            if let entry = directory[0x14A] {
                for index in (0..<min(entry.count, Self.mostDirectories)).reversed() {
                    if let child = try structure.number(entry, index) { pending.append(child) }
                }
            }
        }
    }

    private static func add(
        _ structure: TIFFStructure, _ directory: TIFFStructure.Directory, _ name: String, into list: inout PartList
    ) throws(WalkStop) {
        if let place = try place(structure, directory) { add(place, name, into: &list) }
    }

    private static func add(_ place: Range<Int>, _ name: String, into list: inout PartList) {
        var part = EmbeddedPart(name, [place])
        part.endsItself = true
        list.add(part)
    }

    /// JPEGInterchangeFormat and its length.
    private static func place(
        _ structure: TIFFStructure, _ directory: TIFFStructure.Directory
    ) throws(WalkStop) -> Range<Int>? {
        guard let offsets = directory[0x201], let lengths = directory[0x202],
            let offset = try structure.number(offsets), let length = try structure.number(lengths), length > 2
        else { return nil }
        return try picture(structure, offset, length)
    }

    /// A reduced picture in a single strip, as cameras keep previews.
    private func preview(
        _ structure: TIFFStructure, _ directory: TIFFStructure.Directory
    ) throws(WalkStop) -> Range<Int>? {
        func number(_ tag: Int) throws(WalkStop) -> Int? {
            guard let entry = directory[tag], entry.count == 1 else { return nil }
            return try structure.number(entry)
        }
        guard let compression = try number(0x103), let offset = try number(0x111), let length = try number(0x117)
        else { return nil }
        let isReduced = try number(0xFE) == 1
        guard compression == 6 || compression == 7 && isReduced else { return nil }
        return try Self.picture(structure, offset, length)
    }

    private static func picture(
        _ structure: TIFFStructure, _ offset: Int, _ length: Int
    ) throws(WalkStop) -> Range<Int>? {
        guard structure.fits(offset, length), length > 2,
            try structure.input.matches([0xFF, 0xD8, 0xFF], at: structure.base + offset)
        else { return nil }
        return structure.base + offset..<structure.base + offset + length
    }
}
