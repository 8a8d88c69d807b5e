"""Which formats are read and written, under which suffixes, and how large a picture may be."""

# Opening more than this is refused: a colour picture of the size needs about 3 GB. Pillow's own limit
# (a warning at 89 megapixels, an error at twice that) is too low for scans of large negatives.
PIXEL_LIMIT = 400_000_000

READABLE: dict[str, str] = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".mpo": "JPEG",
    ".png": "PNG",
    ".apng": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".ppm": "PPM",
    ".pgm": "PPM",
    ".pbm": "PPM",
    ".pnm": "PPM",
    ".avif": "AVIF",
    ".heic": "HEIF",
    ".heif": "HEIF",
    ".hif": "HEIF",
}

# The first suffix is the one that a new file gets.
WRITABLE: dict[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
    "PPM": (".ppm", ".pnm"),
    "AVIF": (".avif",),
    "HEIF": (".heic", ".heif", ".hif"),
}

# Formats that lose a little, whose quality can be chosen.
LOSSY = frozenset({"JPEG", "WEBP", "AVIF", "HEIF"})

# The longest side that a format, or its encoder, can hold.
LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383, "AVIF": 65536, "HEIF": 16384}


def target_format(source_format: str) -> tuple[str, str]:
    """The format and suffix for the coloured version: the same where it can hold 24-bit colour, else PNG.

    >>> target_format("JPEG"), target_format("GIF")
    (('JPEG', '.jpg'), ('PNG', '.png'))
    """
    name = source_format if source_format in WRITABLE else "PNG"
    return name, WRITABLE[name][0]


def suffix_for(format: str, source_suffix: str = "") -> str:
    """The suffix of a file in `format`: the source's own where it fits (".JPEG"), else the usual one.

    .pgm and .pbm promise grey and black-and-white, so their coloured version is a .ppm.
    """
    suffixes = WRITABLE[format]
    return source_suffix if source_suffix.lower() in suffixes else suffixes[0]


def heif_available() -> bool:
    """Whether HEIC is read and written: pillow-heif (the extra `heic`) is registered with Pillow if there."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True
