internal import EvidenceModel

/// MPEG audio, above all MP3 (ISO/IEC 11172-3, 2.4; 13818-3).
///
/// Frames that follow each other with the same version, layer and rate. The encoder's own count of frames, where it
/// left one, makes the end certain; otherwise the file ends where no such frame follows.
struct MPEGAudioWalker: FormatWalker {
    let name = "mpeg-audio"
    let signatures =
        [WalkerSignature("ID3\u{02}"), WalkerSignature("ID3\u{03}"), WalkerSignature("ID3\u{04}")]
        + [0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xE2, 0xFD, 0xFC].map { WalkerSignature([0xFF, $0]) }

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try MPEGAudioWalk(WalkInput(reader)).verdict()
    }
}

private struct MPEGAudioWalk: FileWalk {
    /// Frames that must follow each other before a file without a tag or an encoder's count is believed.
    static let fewestFrames = 6

    let input: WalkInput
    var file = WalkedFile(length: 4, confidence: .header, format: "mp3", fileExtension: "mp3", mime: "audio/mpeg")
    var isRecognised = false

    init(_ input: WalkInput) { self.input = input }

    mutating func run() throws(WalkStop) {
        var at = 0
        if let tag = try ID3Tag.length(input, at: 0) {
            guard input.fits(0, tag) else { throw .broken("the source ends inside the tag") }
            at = tag
            // Some writers leave zeros between the tag and the sound, or a second tag.
            if let second = try ID3Tag.length(input, at: at), input.fits(at, second) { at += second }
        }
        let hasTag = at > 0
        guard let first = try frame(at) else {
            guard hasTag else { throw .rejected("no sound frame") }
            let frames = try ID3Tag.frames(input, at: 0, length: at)
            isRecognised = frames.count > 0
            file.length = frames.believed
            try ID3Tag.note(input, at: 0, length: at, in: &file)
            throw .broken("no sound behind the tag")
        }
        let stated = try MPEGAudioTag(input, at: at, first)
        var frames = 0
        var samples = 0
        let start = at
        var lastFrame = at
        while stated.map({ frames <= $0.frames }) ?? true, let next = try frame(at), next.continues(first) {
            guard input.fits(at, next.length) else { break }
            lastFrame = at
            at += next.length
            frames += 1
            samples += next.samples
            if frames >= Self.fewestFrames || stated != nil {
                isRecognised = true
                file.length = at
            }
        }
        var isCovered = false
        if let stated {
            // The frame that holds the count is not counted.
            guard frames > stated.frames else {
                // No frame confirms the last one: where it reaches into another block, that one may be another file's.
                let border = (at - 1) / FreeSpace.block * FreeSpace.block
                if lastFrame < border { file.likelyLength = border }
                throw .broken("\(stated.frames) frames are stated, \(frames - 1) are there")
            }
            file.confidence = .structural
            samples -= first.samples
            isCovered = try checkSound(stated, from: start, to: at, first)
        } else {
            guard frames >= (hasTag ? 2 : Self.fewestFrames) else { throw .rejected("too few sound frames") }
        }
        isRecognised = true
        let end = try ID3Tag.endOfTrailers(input, at: at, in: &file)
        if end > at, stated == nil {
            // Frames that begin at a block are no start of a file: without a tag the sound may begin elsewhere.
            file.confidence = hasTag ? .structural : .header
            if !hasTag { file.warnings.append("nothing shows that the sound begins here") }
        } else if end > at, file.confidence == .proven {
            file.confidence = .structural
        }
        file.length = end
        // A frame is shown by the one behind it, or by a tag; nothing shows what is in the last one.
        if end > at || !isCovered { file.leaveUnchecked((end > at ? at : lastFrame) + 4..<end) }
        if hasTag { try ID3Tag.note(input, at: 0, length: start, in: &file) }
        if first.layer != 3 {
            file.format = "mp\(first.layer)"
            file.fileExtension = file.format
        }
        file.note("channels", first.channels)
        file.note("sample_rate", first.rate)
        file.note("frames", frames)
        file.noteDuration(samples, perSecond: first.rate)
    }

    private func frame(_ at: Int) throws(WalkStop) -> MPEGAudioFrame? {
        guard input.fits(at, 4) else { return nil }
        return MPEGAudioFrame(try input.u32be(at))
    }

    /// Judges the sound by what the encoder left beside its number of frames; true when its checksum holds.
    private mutating func checkSound(
        _ stated: MPEGAudioTag, from start: Int, to end: Int, _ first: MPEGAudioFrame
    ) throws(WalkStop) -> Bool {
        if let music = stated.music {
            if music.range.upperBound == end, try music.holds(input) {
                // Nothing checks a tag before the sound.
                if start == 0, music.isSealed { file.confidence = .proven }
                return true
            }
            if music.isSealed {
                file.confidence = .header
                file.warnings.append(
                    "the encoder's checksum over the sound does not hold: it was changed later, or pieces of other "
                        + "files lie in it")
                return false
            }
        }
        // At a block's border another file may begin.
        if end % FreeSpace.block != 0, let next = try frame(end), next.continues(first) {
            file.confidence = .header
            file.warnings.append("more frames follow than are stated")
        }
        return false
    }
}

/// What a frame header says.
struct MPEGAudioFrame {
    let version: Int
    let layer: Int
    let rate: Int
    let channels: Int
    let bitRate: Int
    let length: Int
    let samples: Int

    /// Nil when the four bytes are no frame header.
    init?(_ header: Int) {
        let versionCode = header >> 19 & 3
        let layerCode = header >> 17 & 3
        let bitRateCode = header >> 12 & 15
        let rateCode = header >> 10 & 3
        guard header >> 21 == 0x7FF, versionCode != 1, layerCode != 0, (1...14).contains(bitRateCode),
            rateCode != 3, header & 3 != 2
        else { return nil }
        let isFirst = versionCode == 3
        version = versionCode
        layer = 4 - layerCode
        rate = [44100, 48000, 32000][rateCode] >> (isFirst ? 0 : versionCode == 2 ? 1 : 2)
        channels = header >> 6 & 3 == 3 ? 1 : 2
        let rates: [Int]
        switch (isFirst, layer) {
        case (true, 1): rates = [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448]
        case (true, 2): rates = [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384]
        case (true, _): rates = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
        case (false, 1): rates = [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256]
        default: rates = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
        }
        bitRate = rates[bitRateCode - 1] * 1000
        let padding = header >> 9 & 1
        samples = layer == 1 ? 384 : layer == 3 && !isFirst ? 576 : 1152
        length = layer == 1 ? (12 * bitRate / rate + padding) * 4 : samples / 8 * bitRate / rate + padding
    }

    func continues(_ other: MPEGAudioFrame) -> Bool {
        version == other.version && layer == other.layer && rate == other.rate
    }
}
