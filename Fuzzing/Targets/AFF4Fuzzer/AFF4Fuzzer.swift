import FuzzSupport

private let check = ReadCheck(name: "input.aff4")

/// Runs one input.
private func runAFF4(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    check.run(UnsafeBufferPointer(start: data, count: size))
    return 0
}

@_silgen_name("LLVMFuzzerMutate")
private func mutate(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ room: Int) -> Int

/// Changes one member of the ZIP file and writes the file anew: with bytes changed at random alone, hardly any input would
/// still be a ZIP file.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutateAFF4(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ room: Int, _ seed: UInt32) -> Int {
    var chance = Chance(seed)
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    guard chance.below(4) > 0, var zip = ZipReading.read(bytes), !zip.members.isEmpty else {
        return mutate(data, size, room)
    }
    for _ in 0...chance.below(2) {
        let index = chance.below(zip.members.count)
        switch chance.below(12) {
        case 0: zip.members.remove(at: index)
        case 1: zip.members.append(zip.members[index])
        case 2: zip.members[index].isDeflated.toggle()
        case 3: zip.members[index].content = zip.members[chance.below(zip.members.count)].content
        case 4: zip.isZip64.toggle()
        default:
            let content = zip.members[index].content
            let limit = min(room, content.count + 4096)
            guard limit > 0 else { continue }
            var buffer = content + [UInt8](repeating: 0, count: limit - min(limit, content.count))
            let count = buffer.withUnsafeMutableBufferPointer { room in
                room.baseAddress.map { mutate($0, min(content.count, limit), limit) } ?? 0
            }
            zip.members[index].content = Array(buffer.prefix(count))
        }
        guard !zip.members.isEmpty else { return mutate(data, size, room) }
    }
    let written = zip.bytes
    guard written.count <= room else { return mutate(data, size, room) }
    for (index, byte) in written.enumerated() { data[index] = byte }
    return written.count
}

/// Reads well-formed ZIP files back into their members.
private enum ZipReading {
    static func read(_ bytes: [UInt8]) -> AFF4Zip? {
        var zip = AFF4Zip()
        var at = 0
        func number(_ offset: Int, _ count: Int) -> Int {
            (0..<count).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }
        // The local headers, one after the other, as long as they say where the next one is.
        while at + 30 <= bytes.count, number(at, 4) == 0x0403_4B50 {
            let name = number(at + 26, 2)
            let extra = number(at + 28, 2)
            let start = at + 30 + name + extra
            guard start <= bytes.count else { return nil }
            var length = number(at + 18, 4)
            if length == 0xFFFF_FFFF, extra >= 20 { length = number(start - extra + 12, 4) }
            guard length <= bytes.count - start else { return nil }
            guard number(at + 8, 2) == 0 else { return nil }
            zip.members.append(
                AFF4Zip.Member(
                    name: String(decoding: bytes[at + 30..<at + 30 + name], as: UTF8.self),
                    content: Array(bytes[start..<start + length])))
            at = start + length
        }
        return zip
    }
}

/// The program's entry.
@_cdecl("AFF4Fuzzer_main")
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    runFuzzer(count, arguments) { runAFF4($0, $1) }
}
