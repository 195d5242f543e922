#!/usr/bin/python3
"""Lays the files of a folder out on a raw medium, each in one piece, with the truth beside it.

    lay_out.py FOLDER IMAGE [--seed N] [--block BYTES] [--largest BYTES]

Between files lie 1 to 32 blocks of zeros, random bytes or words; the rest of a file's last block is zeros or random
bytes. Writes IMAGE and IMAGE.json, in the form of test-images/*/truth.json. Same folder and seed, same bytes. The name of
the folder that a file lies in is its type.
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder"), parser.add_argument("image")
    parser.add_argument("--seed", type=int, default=1), parser.add_argument("--block", type=int, default=512)
    parser.add_argument("--largest", type=int, default=64 << 20)
    options = parser.parse_args()
    rng = random.Random(f"carving benchmark {options.seed}")
    paths = sorted(os.path.join(root, name) for root, _, names in os.walk(options.folder) for name in names)
    paths = [path for path in paths if 0 < os.path.getsize(path) <= options.largest]
    rng.shuffle(paths)
    files = []
    with open(options.image, "wb") as image:
        image.write(rng.randbytes(8 * options.block))
        for path in paths:
            with open(path, "rb") as file: content = file.read()
            files.append({
                "type": os.path.basename(os.path.dirname(path)), "name": os.path.basename(path), "complete": True,
                "sha256": hashlib.sha256(content).hexdigest(), "size": len(content),
                "extents": [{"offset": image.tell(), "length": len(content)}]})
            image.write(content)
            slack = -image.tell() % options.block
            image.write(bytes(slack) if rng.random() < 0.5 else rng.randbytes(slack))
            image.write(filler(rng, rng.randint(1, 32) * options.block))
    with open(options.image + ".json", "w") as file:
        json.dump({"block": options.block, "seed": options.seed, "files": files}, file, indent=1)


if __name__ == "__main__": main()
