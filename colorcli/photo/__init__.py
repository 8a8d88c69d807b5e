"""Photos in and out of files, with everything that a file carries.

    photo = read_photo(Path("grandma.jpg"))          # upright, sRGB, metadata kept, notes for the user
    write_photo(photo, Path("grandma-color.jpg"))    # atomic: the whole file or none

photo.py   what a Photo is               formats.py  suffixes, limits, targets
read.py    a file -> Photo               given.py    an image, an array -> Photo
write.py   Photo -> a file               pixels.py   Pillow's images <-> arrays
metadata.py  what a file carries, made true for the result    packing.py  the same as the result's format holds it
bare.py    a file without what its decoder stumbles over      turn.py     places in a picture that is turned
exif.py, ifd.py, xmp.py, iptc.py, png.py, icc.py, tiff.py: one room for each of these formats
"""

from colorcli.photo.formats import PIXEL_LIMIT, READABLE, suffix_for, target_format
from colorcli.photo.given import as_photo
from colorcli.photo.photo import Photo, Provenance
from colorcli.photo.read import read_photo
from colorcli.photo.write import write_photo

__all__ = [
    "PIXEL_LIMIT",
    "READABLE",
    "Photo",
    "Provenance",
    "as_photo",
    "read_photo",
    "suffix_for",
    "target_format",
    "write_photo",
]
