#!/usr/bin/python3
"""Lays the files of a folder out on a raw medium, with the truth beside it.

    lay_out.py FOLDER IMAGE [--profile NAME] [--seed N] [--block BYTES] [--largest BYTES] [--size MIB]

Profiles: `whole` puts each file down in one piece at a block border; `pieces` cuts each file of more than three blocks in
two, with zeros, random bytes, words or another file between; `shifted` puts whole files down at any byte. Between files
lie 1 to 32 blocks of zeros, random bytes or words; the rest of a file's last block is zeros or random bytes. With --size
the folder's files come again and again, in another order each time, until the medium is as large.

Writes IMAGE and IMAGE.json, in the form of test-images/*/truth.json. Same folder and options, same bytes. The name of the
folder that a file lies in is its type.
"""
import argparse, hashlib, json, os, random

WORDS = b"seal ledger exhibit evidence of the page stick drawer box 17 opened \n counted weighed copied signed".split(b" ")


def filler(rng, count):
    kind = rng.randrange(3)
    if kind == 0: return bytes(count)
    if kind == 1: return rng.randbytes(count)
    text = bytearray()
    while len(text) < count: text += rng.choice(WORDS) + b" "
    return bytes(text[:count])


class Medium:
    def __init__(self, image, options):
        self.image, self.block, self.profile = image, options.block, options.profile
        self.rng = random.Random(f"carving benchmark {options.profile} {options.seed}")
        self.files = []
        image.write(self.rng.randbytes(8 * self.block))

    def gap(self): self.image.write(filler(self.rng, self.rng.randint(1, 32) * self.block))

    def piece(self, content):
        if self.profile == "shifted": self.image.write(self.rng.randbytes(self.rng.randrange(1, self.block)))
        extent = {"offset": self.image.tell(), "length": len(content)}
        self.image.write(content)
        slack = -self.image.tell() % self.block
        self.image.write(bytes(slack) if self.rng.random() < 0.5 else self.rng.randbytes(slack))
        return extent

    def put(self, paths):
        """Puts the next file down; in pieces, another whole file may come to lie between."""
        path = paths.pop()
        with open(path, "rb") as file: content = file.read()
        blocks = -(-len(content) // self.block)
        if self.profile == "pieces" and blocks > 3:
            cut = self.rng.randrange(1, blocks) * self.block
            extents = [self.piece(content[:cut])]
            if paths and self.rng.random() < 0.25:
                with open(paths[-1], "rb") as file: between = file.read()
                self.record(paths.pop(), between, [self.piece(between)])
            else: self.gap()
            extents.append(self.piece(content[cut:]))
        else: extents = [self.piece(content)]
        self.record(path, content, extents)
        self.gap()

    def record(self, path, content, extents):
        self.files.append({
            "type": os.path.basename(os.path.dirname(path)), "name": os.path.basename(path), "complete": True,
            "sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "extents": extents})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder"), parser.add_argument("image")
    parser.add_argument("--profile", choices=["whole", "pieces", "shifted"], default="whole")
    parser.add_argument("--seed", type=int, default=1), parser.add_argument("--block", type=int, default=512)
    parser.add_argument("--largest", type=int, default=64 << 20), parser.add_argument("--size", type=int, default=0)
    options = parser.parse_args()
    paths = sorted(os.path.join(root, name) for root, _, names in os.walk(options.folder) for name in names)
    paths = [path for path in paths if 0 < os.path.getsize(path) <= options.largest]
    if not paths: parser.error(f"{options.folder} holds no files to lay out")
    with open(options.image, "wb") as image:
        medium = Medium(image, options)
        while True:
            todo = medium.rng.sample(paths, len(paths))
            while todo: medium.put(todo)
            if image.tell() >= options.size << 20: break
    with open(options.image + ".json", "w") as file:
        json.dump({"block": options.block, "seed": options.seed, "files": medium.files}, file, indent=1)


if __name__ == "__main__": main()
