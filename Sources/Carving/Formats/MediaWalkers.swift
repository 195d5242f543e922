/// Pictures, sound and moving pictures.
let mediaWalkers: [any FormatWalker] = []
