"""Turns one HTML page on standard input into a PDF/A-3b on standard output.

    python3 -I render_pdf.py IDENTIFIER

The page names no file and no address. Should it do so all the same, nothing is fetched: pictures come as data in the
page, and every other address ends the run with an error.
"""
import base64
import ctypes
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import confined

# fontTools writes the time into each font that it cuts down; the report's time is elsewhere, this one is fixed.
os.environ["SOURCE_DATE_EPOCH"] = "946684800"

PICTURES = ("data:image/jpeg;base64,", "data:image/png;base64,")


class Refused(Exception):
    pass


refused = []


def covered():
    """Characters that some installed font can draw, as a test."""
    fc = ctypes.CDLL("libfontconfig.so.1")
    for name in ("FcInitLoadConfigAndFonts", "FcConfigGetFonts", "FcCharSetCreate", "FcCharSetUnion"):
        getattr(fc, name).restype = ctypes.c_void_p

    class FontSet(ctypes.Structure):
        _fields_ = [
            ("count", ctypes.c_int), ("size", ctypes.c_int), ("fonts", ctypes.POINTER(ctypes.c_void_p))]

    config = ctypes.c_void_p(fc.FcInitLoadConfigAndFonts())
    fonts = ctypes.cast(fc.FcConfigGetFonts(config, 0), ctypes.POINTER(FontSet))
    all_characters = []
    for index in range(fonts.contents.count if fonts else 0):
        characters = ctypes.c_void_p()
        pattern = ctypes.c_void_p(fonts.contents.fonts[index])
        if fc.FcPatternGetCharSet(pattern, b"charset", 0, ctypes.byref(characters)) == 0:
            all_characters.append(characters)
    return lambda code: any(fc.FcCharSetHasChar(each, code) for each in all_characters)


def visible(page):
    """The page with each character that no font can draw as its number: nothing may vanish from a report."""
    has = covered()
    missing = {
        character: "\u27e6U+%04X\u27e7" % ord(character)
        for character in set(page) if ord(character) > 0x7E and not has(ord(character))}
    return page.translate(str.maketrans(missing))


def fetch(url, timeout=0, ssl_context=None):
    for prefix in PICTURES:
        if url.startswith(prefix):
            content = base64.b64decode(url[len(prefix):], validate=True)
            return {"string": content, "mime_type": prefix[5:-8]}
    refused.append(url[:200])
    raise Refused("refused to fetch " + url[:200])


def main():
    identifier = sys.argv[1].encode("ascii")
    confined.limit(memory=6 << 30, seconds=900, output=1 << 30)
    import logging

    try:
        import weasyprint
        import weasyprint.text.fonts
    except ImportError as error:
        sys.stderr.write(str(error) + "\n")
        return 4

    logging.getLogger("weasyprint").addHandler(logging.StreamHandler(sys.stderr))
    # The folder for fonts that a page brings along: ours brings none, and none can be written.
    weasyprint.text.fonts.mkdtemp = lambda prefix: "/nonexistent"
    confined.isolate(
        ["/usr", "/lib", "/lib64", "/etc/fonts", "/etc/ld.so.cache", "/var/cache/fontconfig", "/dev/urandom"])
    page = visible(sys.stdin.buffer.read().decode("utf-8"))
    html = weasyprint.HTML(
        string=page, base_url="exhibit:/report/", url_fetcher=fetch, media_type="print")
    pdf = html.write_pdf(
        identifier=identifier, variant="pdf/a-3b", presentational_hints=False, optimize_size=("fonts",))
    if refused:
        sys.stderr.write("refused: " + ", ".join(repr(url) for url in refused) + "\n")
        return 3
    sys.stdout.buffer.write(pdf)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
