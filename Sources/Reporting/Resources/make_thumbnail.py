"""Turns one picture on standard input into a small JPEG without metadata on standard output.

    python3 -I make_thumbnail.py PIXELS LARGEST_SIDE

The picture comes from evidence: the process is confined before it looks at it.
"""
import io
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import confined

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")


def main():
    pixels, side = int(sys.argv[1]), int(sys.argv[2])
    confined.limit(memory=2 << 30, seconds=20, output=1 << 20)
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        sys.stderr.write(str(error))
        return 4
    confined.isolate(["/usr", "/lib", "/lib64", "/etc/ld.so.cache"])
    try:
        picture = Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=FORMATS)
        if picture.width * picture.height > pixels:
            raise ValueError("%d x %d pixels" % picture.size)
        picture.draft("RGB", (2 * side, 2 * side))
        picture = ImageOps.exif_transpose(picture)
        picture.thumbnail((side, side))
        picture = picture.convert("RGBA")
        flat = Image.new("RGB", picture.size, "white")
        flat.paste(picture, mask=picture.getchannel("A"))
        result = io.BytesIO()
        flat.save(result, "JPEG", quality=82, optimize=True)
    except MemoryError:
        sys.stderr.write("takes too much memory")
        return 1
    except Exception as error:
        sys.stderr.write("%s: %s" % (type(error).__name__, str(error)[:200]))
        return 1
    sys.stdout.buffer.write(result.getvalue())
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
