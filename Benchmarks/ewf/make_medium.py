#!/usr/bin/env python3
"""Writes a medium of text, pictures, zeros and random bytes, the same in every run.

    make_medium.py FILE MiB
"""
import random
import sys

MIB = 1 << 20
numbers = random.Random(7)


def text():
    """Words of a made-up language, as often as words are."""
    letters = b"abcdefghijklmnopqrstuvwxyz"
    words = [bytes(numbers.choices(letters, k=numbers.randint(2, 10))) for _ in range(4000)]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    return b" ".join(numbers.choices(words, weights, k=MIB // 4))[:MIB]


def picture():
    """Unpacked pixels with noise: bytes that are not equally frequent and do not repeat."""
    return numbers.randbytes(MIB).translate(bytes(value * value >> 8 for value in range(256)))


def main():
    path, size = sys.argv[1], int(sys.argv[2]) * MIB
    texts = [text() for _ in range(16)]
    written = 0
    with open(path, "wb") as medium:
        while written < size:
            for kind in range(4):
                count = min(numbers.choice([MIB // 4, MIB, 2 * MIB, 4 * MIB]), size - written)
                pieces = range(-(-count // MIB))
                if kind == 0:
                    run = b"".join(numbers.choice(texts) for _ in pieces)
                elif kind == 1:
                    run = b"".join(picture() for _ in pieces)
                elif kind == 2:
                    run = bytes(count)
                else:
                    run = numbers.randbytes(count)
                medium.write(run[:count])
                written += count


main()
