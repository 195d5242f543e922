/// Pictures, sound and moving pictures.
let mediaWalkers: [any FormatWalker] = [
    PNGWalker(),
    GIFWalker(),
    BMPWalker(),
    RIFFWalker(),
    AIFFWalker(),
    TIFFWalker(),
]
