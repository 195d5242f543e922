/// Further pictures, sound, films, archives and programs.
let furtherMediaWalkers: [any FormatWalker] = [
    MPEGProgramStreamWalker(),
    MPEGTransportStreamWalker(),
    SpeechSoundWalker(),
    ADTSWalker(),
    MIDIWalker(),
    LZ4Walker(),
    CPIOWalker(),
    UnixArchiveWalker(),
    RPMWalker(),
    DalvikWalker(),
    WebFontWalker(),
    WebFont2Walker(),
]
