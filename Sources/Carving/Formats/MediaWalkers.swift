/// Pictures, sound and moving pictures.
let mediaWalkers: [any FormatWalker] = [
    JPEGWalker(),
    PNGWalker(),
    GIFWalker(),
    BMPWalker(),
    RIFFWalker(),
    AIFFWalker(),
    TIFFWalker(),
    ISOMediaWalker(),
    FLACWalker(),
    MPEGAudioWalker(),
    OggWalker(),
    PSDWalker(),
    ICOWalker(),
    JPEG2000Walker(),
    MatroskaWalker(),
]
