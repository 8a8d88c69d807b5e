"""XMP: an XML packet beside the pixels (ISO 16684-1), read within bounds.

lxml keeps each packet's own prefixes, refuses more than 256 elements in one another, and shares nothing between
packets; the standard library's table of prefixes is the whole process's, and is searched for each name.
"""

import hashlib
import re
from collections.abc import Iterator

from lxml import etree

from colorcli.photo.turn import turned_area, turned_point

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_META = "adobe:ns:meta/"
_IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_TIFF, _EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"
_PHOTOSHOP, _XMP, _NOTE = (
    "http://ns.adobe.com/photoshop/1.0/",
    "http://ns.adobe.com/xap/1.0/",
    "http://ns.adobe.com/xmp/note/",
)
_GIMG = "http://ns.adobe.com/xap/1.0/g/img/"
_CONTAINER = "http://ns.google.com/photos/1.0/container/"
_GPANO = "http://ns.google.com/photos/1.0/panorama/"

_SOURCE_TYPE = f"{{{_IPTC_EXT}}}DigitalSourceType"
_CREDENTIALS = "{http://purl.org/dc/terms/}provenance"  # the way to a block of C2PA, which is signed for other pixels
CREDENTIALS = "Content Credentials"
_FORMAT = "{http://purl.org/dc/elements/1.1/}format"
_POINTER = f"{{{_NOTE}}}HasExtendedXMP"
_ORIENTATION = f"{{{_TIFF}}}Orientation"
_SUBJECT = {f"{{{_EXIF}}}SubjectArea", f"{{{_EXIF}}}SubjectLocation"}
_X, _Y, _W, _H = (f"{{http://ns.adobe.com/xmp/sType/Area#}}{key}" for key in "xywh")
_SIDES = tuple(f"{{http://ns.adobe.com/xap/1.0/sType/Dimensions#}}{key}" for key in "wh")
_RECTANGLE = "{http://ns.microsoft.com/photo/1.2/t/Region#}Rectangle"
_DESCRIPTION, _ABOUT, _LI = (f"{{{_RDF}}}{name}" for name in ("Description", "about", "li"))
_PACKET_HEAD = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'.encode()
_PACKET_TAIL = b'<?xpacket end="w"?>'

# Captions take thousands of bytes, a second picture in a packet some million; histories have thousands of elements.
_MOST_BYTES, _MOST_ELEMENTS, _MOST_ATTRIBUTES, _MOST_NAMESPACES = 8 << 20, 100_000, 2000, 1000

# What speaks of the pixels as they were stored.
_STORED = {
    *(f"{{{_TIFF}}}{name}" for name in (
        "ImageWidth", "ImageLength", "BitsPerSample", "Compression", "PhotometricInterpretation", "SamplesPerPixel",
        "PlanarConfiguration", "YCbCrSubSampling", "YCbCrPositioning", "TransferFunction", "WhitePoint",
        "PrimaryChromaticities", "YCbCrCoefficients", "ReferenceBlackWhite", "NativeDigest",
    )),
    *(f"{{{_EXIF}}}{name}" for name in (
        "ColorSpace", "PixelXDimension", "PixelYDimension", "ComponentsConfiguration", "CompressedBitsPerPixel",
        "Gamma", "NativeDigest",
    )),
    f"{{{_PHOTOSHOP}}}ColorMode", f"{{{_PHOTOSHOP}}}ICCProfile", f"{{{_XMP}}}Thumbnails", f"{{{_GIMG}}}image", _POINTER,
}  # fmt: skip

# Pictures, films and maps that lay beside the photo, or in the packet, and are not in the result.
_BESIDE = {
    "http://ns.adobe.com/hdr-gain-map/1.0/": "the gain map",
    "http://ns.apple.com/HDRGainMap/1.0/": "the gain map",
    "http://ns.apple.com/pixeldatainfo/1.0/": "the gain map",
    "http://ns.google.com/photos/1.0/depthmap/": "the depth map",
    "http://ns.google.com/photos/1.0/image/": "a second picture in XMP",
    _CONTAINER: "",
    "http://ns.google.com/photos/dd/1.0/device/": "the depth map",
    "http://ns.oplus.com/photos/1.0/camera/": "",
}
_FILM = re.compile(r"MotionPhoto|MicroVideo")
_ITEMS = {"GainMap": "the gain map", "MotionPhoto": "the film of a motion photo", "Depth": "the depth map"}

# Places in the unturned picture, in forms that are not turned here.
_PLACES = {f"{{{_IPTC_EXT}}}ImageRegion"}
_PLACES_IN = {"http://ns.acdsee.com/regions/", "http://ns.apple.com/faceinfo/1.0/", _GPANO}

# IPTC's terms (https://cv.iptc.org/newscodes/digitalsourcetype/) for a picture that people and a trained model made
# together, and for one that an algorithm without a trained model changed.
COMPOSITE_WITH_TRAINED_MODEL = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
ALGORITHMICALLY_ENHANCED = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"


_TOLD = re.compile(rb"""tiff:Orientation(?:\s*=\s*["']|>)\s*([1-8])""")


def orientation(data: bytes) -> int | None:
    """tiff:Orientation, 1..8, of a packet that may be broken: how a photo lies must not depend on it."""
    match = _TOLD.search(data)
    return int(match[1]) if match else None


class Packet:
    """A packet's properties. `lost` names what was dropped and is worth telling. Raises ValueError for no XMP."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.lost: list[str] = []
        self._root = _parse(data)
        self._rdf = self._root if self._root.tag == f"{{{_RDF}}}RDF" else self._root.find(f".//{{{_RDF}}}RDF")
        if self._rdf is None:
            raise ValueError("no rdf:RDF element")
        self._changed = False

    def tobytes(self) -> bytes:
        """The packet; as it came where nothing was changed."""
        if self._changed:
            body = etree.tostring(self._root, encoding="utf-8", xml_declaration=False, with_tail=False)
            self.data = b"\n".join((_PACKET_HEAD, body, _PACKET_TAIL))
            self._changed = False
        return self.data

    # --------------------------------------------------------------------------------------- properties

    def _descriptions(self) -> list[etree._Element]:
        return self._rdf.findall(_DESCRIPTION)

    def _properties(self) -> Iterator[tuple[etree._Element, str, etree._Element | None]]:
        """Each property: the description that holds it, its qualified name, its element unless it is an attribute."""
        for description in self._descriptions():
            yield from ((description, name, None) for name in description.attrib if name != _ABOUT)
            yield from ((description, child.tag, child) for child in description.iterchildren("*"))

    def _having(self, *names: str) -> list[etree._Element]:
        """The elements within properties that have one of these as an attribute or a child."""
        spaces = {f"n{i}": _split(name)[0] for i, name in enumerate(names)}
        tests = [f"{way}n{i}:{_split(name)[1]}" for i, name in enumerate(names) for way in ("@", "")]
        found = self._rdf.xpath(f".//*[{' or '.join(tests)}]", namespaces=spaces)
        return [element for element in found if element.getparent() is not self._rdf]

    def get(self, name: str) -> str | None:
        """The text of a simple property, by its qualified name."""
        for description in self._descriptions():
            if (found := description.get(name, description.findtext(name))) is not None:
                return found.strip()
        return None

    def _set(self, name: str, text: str) -> None:
        for description in self._descriptions():
            if name in description.attrib:
                description.set(name, text)
            for child in description.findall(name):
                child.text = text
        self._changed = True

    def _drop(self, description: etree._Element, name: str, child: etree._Element | None) -> None:
        if child is None:
            description.attrib.pop(name)
        else:
            description.remove(child)
        self._changed = True

    def drop(self, name: str) -> None:
        """Forget a property, by its qualified name."""
        for description, other, child in list(self._properties()):
            if other == name:
                self._drop(description, name, child)

    # --------------------------------------------------------------------------------------- what is asked and mended

    @property
    def orientation(self) -> int | None:
        """tiff:Orientation, 1..8, or None when the packet does not say."""
        found = self.get(_ORIENTATION) or ""
        return int(found) if re.fullmatch("[1-8]", found) else None

    def extend(self, blocks: dict[str, bytes]) -> None:
        """Take in the second block that the packet points to; blocks: by their MD5, as JPEG holds them.

        Raises ValueError where there is none, or a broken one.
        """
        pointer = self.get(_POINTER)
        if pointer is None:
            return
        if pointer not in blocks or hashlib.md5(blocks[pointer], usedforsecurity=False).hexdigest().upper() != pointer:
            raise ValueError("its second block is not there, or damaged")
        for description in Packet(blocks[pointer])._descriptions():
            self._rdf.append(description)
        self._changed = True

    def make_true(self, width: int, height: int, turned: int = 1) -> None:
        """Have the packet speak of pixels of this size, turned upright by `turned`, in colour, alone in their file."""
        if self.orientation not in (None, 1):
            self._set(_ORIENTATION, "1")
        for description, name, child in list(self._properties()):
            beside = self._beside(name, child)
            if beside is not None or name in _STORED:
                self._drop(description, name, child)
            self._tell(beside)
        for picture in self._having(f"{{{_GIMG}}}image"):
            self._drop_around(picture)
        if self._changed:
            etree.cleanup_namespaces(self._root)  # what is gone is not named any more
        if turned != 1:
            self._turn((height, width) if turned >= 5 else (width, height), turned)

    def _beside(self, name: str, child: etree._Element | None) -> str | None:
        """What a property tells of that lay beside the photo; "" for nothing worth telling, None for nothing at all."""
        namespace, local = _split(name)
        if name == _CREDENTIALS:
            return CREDENTIALS
        if _FILM.search(local):
            return _ITEMS["MotionPhoto"]
        if namespace == _CONTAINER and child is not None:
            said = etree.tostring(child, encoding="unicode")
            for what in (what for word, what in _ITEMS.items() if word in said):
                self._tell(what)
        return _BESIDE.get(namespace)

    def _tell(self, what: str | None) -> None:
        if what and what not in self.lost:
            self.lost.append(what)

    def _drop_around(self, element: etree._Element) -> None:
        """Drop the whole property that an element is in."""
        while element.getparent() is not None and element.getparent().getparent() not in (None, self._rdf):
            element = element.getparent()
        if element.getparent() is not None:
            element.getparent().remove(element)
            self._changed = True

    # --------------------------------------------------------------------------------------- places in the picture

    def _turn(self, size: tuple[int, int], turned: int) -> None:
        for description, name, child in list(self._properties()):
            if name in _PLACES or _split(name)[0] in _PLACES_IN:
                self._drop(description, name, child)
                self._tell("regions in XMP (the photo was turned)")
            elif name in _SUBJECT:
                self._turn_subject(description, name, child, size, turned)
        for element in self._having(_X, _Y):
            self._turn_area(element, turned)
        for element in self._having(_RECTANGLE):
            self._turn_rectangle(element, turned)
        for element in self._having(*_SIDES) if turned >= 5 else ():
            width, height = (_value(element, side) for side in _SIDES)
            if width and height:
                self._put(element, dict(zip(_SIDES, (height, width), strict=True)))

    def _turn_subject(
        self,
        description: etree._Element,
        name: str,
        child: etree._Element | None,
        size: tuple[int, int],
        turned: int,
    ) -> None:
        items = [] if child is None else list(child.iter(_LI))[:5]
        try:
            area = turned_area([int(item.text or "") for item in items], size, turned)
        except ValueError:
            area = []
        if not area:
            self._drop(description, name, child)
        for item, value in zip(items, area, strict=False):
            item.text = str(value)
            self._changed = True

    def _turn_area(self, element: etree._Element, turned: int) -> None:
        """A region as the Metadata Working Group has it: its centre, and its size, as shares of the picture's."""
        width, height = (_value(element, side) for side in (_W, _H))
        try:
            x, y = turned_point(float(_value(element, _X) or ""), float(_value(element, _Y) or ""), turned)
        except ValueError:
            x = y = -1.0
        if not (0 <= x <= 1 and 0 <= y <= 1):
            self._drop_around(element)
            self._tell("a region in XMP (the photo was turned)")
            return
        changed = {_X: f"{x:.6g}", _Y: f"{y:.6g}"}
        if turned >= 5 and width and height:
            changed |= {_W: height, _H: width}
        self._put(element, changed)

    def _turn_rectangle(self, element: etree._Element, turned: int) -> None:
        """A region as Microsoft has it: "left, top, width, height", as shares of the picture's."""
        try:
            left, top, width, height = (float(part) for part in (_value(element, _RECTANGLE) or "").split(","))
        except ValueError:
            self._drop_around(element)
            self._tell("a region in XMP (the photo was turned)")
            return
        x, y = turned_point(left + width / 2, top + height / 2, turned)
        if turned >= 5:
            width, height = height, width
        self._put(element, {_RECTANGLE: ", ".join(f"{v:.6g}" for v in (x - width / 2, y - height / 2, width, height))})

    def _put(self, element: etree._Element, values: dict[str, str]) -> None:
        for name, text in values.items():
            child = element.find(name)
            if child is not None:
                child.text = text
            else:
                element.set(name, text)
        self._changed = True

    # --------------------------------------------------------------------------------------- provenance

    def set_format(self, mime: str) -> None:
        """Set dc:format, where it is told, to the file's own."""
        if mime and self.get(_FORMAT) not in (None, mime):
            self._set(_FORMAT, mime)

    def set_source_type(self, term: str) -> None:
        """Set DigitalSourceType to one of IPTC's terms, in a description of its own."""
        self.drop(_SOURCE_TYPE)
        for description in self._descriptions():
            if not len(description) and set(description.keys()) <= {_ABOUT}:
                self._rdf.remove(description)
        about = next((d.get(_ABOUT) for d in self._descriptions()), None) or ""
        added = etree.SubElement(self._rdf, _DESCRIPTION, nsmap={"Iptc4xmpExt": _IPTC_EXT})
        added.set(_ABOUT, about)
        added.set(_SOURCE_TYPE, term)
        self._changed = True


def with_source_type(data: bytes | None, term: str = COMPOSITE_WITH_TRAINED_MODEL) -> bytes:
    """The packet, all else kept, with DigitalSourceType set to one of IPTC's terms.

    Raises ValueError for a packet that is not XMP.
    """
    packet = Packet(data or _new())
    packet.set_source_type(term)
    return packet.tobytes()


def split(data: bytes) -> tuple[bytes, bytes, str]:
    """A packet in two for JPEG, whose segments hold only so much: the main one, the second block, and its MD5.

    The main packet holds DigitalSourceType and points to the rest. (Adobe XMP specification part 3, 1.1.3.1)
    """
    packet = Packet(data)
    term = packet.get(_SOURCE_TYPE)
    packet.drop(_SOURCE_TYPE)
    rest = etree.tostring(packet._root, encoding="utf-8", xml_declaration=False, with_tail=False)
    digest = hashlib.md5(rest, usedforsecurity=False).hexdigest().upper()
    main = Packet(with_source_type(None, term) if term else _new())
    added = etree.SubElement(main._rdf, _DESCRIPTION, nsmap={"xmpNote": _NOTE})
    added.set(_ABOUT, next((d.get(_ABOUT) for d in packet._descriptions()), None) or "")
    added.set(_POINTER, digest)
    main._changed = True
    return main.tobytes(), rest, digest


def _new() -> bytes:
    root = etree.Element(f"{{{_META}}}xmpmeta", nsmap={"x": _META})
    etree.SubElement(root, f"{{{_RDF}}}RDF", nsmap={"rdf": _RDF})
    return etree.tostring(root)


def _parse(data: bytes) -> etree._Element:
    if len(data) > _MOST_BYTES:
        raise ValueError(f"it is larger than {_MOST_BYTES >> 20} MB")
    if data.replace(b"\0", b"").count(b"xmlns") > _MOST_NAMESPACES:  # without NULs, for it may be UTF-16
        raise ValueError("it declares too many namespaces")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data.strip(b"\0 \r\n\t"), parser)
    except (etree.XMLSyntaxError, LookupError, ValueError) as error:
        raise ValueError((getattr(error, "msg", None) or "it is no XML").split(", ")[0]) from error
    if root.getroottree().docinfo.doctype:  # XMP has none; entities can blow up in memory
        raise ValueError("it declares entities")
    if root.xpath("count(//*)") > _MOST_ELEMENTS or root.xpath(f"//*[count(@*) > {_MOST_ATTRIBUTES}][1]"):
        raise ValueError("it has too many elements or attributes")
    return root


def _split(name: str) -> tuple[str, str]:
    namespace, _, local = name.rpartition("}")
    return namespace[1:], local


def _value(element: etree._Element, name: str) -> str | None:
    """A field of a structure, which may be an attribute or an element."""
    return element.get(name, element.findtext(name))
