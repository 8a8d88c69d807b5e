"""XMP: an XML packet beside the pixels (ISO 16684-1)."""

import re

from lxml import etree as ET

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_META = "adobe:ns:meta/"
_IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_SOURCE_TYPE = f"{{{_IPTC_EXT}}}DigitalSourceType"
MOST_NAMESPACES = 500  # declarations in a packet; cameras and editors write about twenty
_PACKET_HEAD = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'.encode()
_PACKET_TAIL = b'<?xpacket end="w"?>'
_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|>)\s*)([1-8])""")

# IPTC's terms (https://cv.iptc.org/newscodes/digitalsourcetype/) for a picture that people and a trained model made
# together, and for one that an algorithm without a trained model changed.
COMPOSITE_WITH_TRAINED_MODEL = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
ALGORITHMICALLY_ENHANCED = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"


def orientation(packet: bytes) -> int | None:
    """tiff:Orientation, 1..8, or None when the packet does not say."""
    match = _ORIENTATION.search(packet)
    return int(match[2]) if match else None


def upright(packet: bytes) -> bytes:
    """The packet with tiff:Orientation, where there is one, set to 1."""
    return _ORIENTATION.sub(rb"\g<1>1", packet)


def with_source_type(packet: bytes | None, term: str = COMPOSITE_WITH_TRAINED_MODEL) -> bytes:
    """The packet, all else kept, with DigitalSourceType set to one of IPTC's terms.

    Raises ValueError for a packet that is not XMP.
    """
    root = _parse(packet) if packet else _new()
    rdf = root if root.tag == f"{{{_RDF}}}RDF" else root.find(f".//{{{_RDF}}}RDF")
    if rdf is None:
        raise ValueError("no rdf:RDF element")
    descriptions = rdf.findall(f"{{{_RDF}}}Description")
    for description in descriptions:
        description.attrib.pop(_SOURCE_TYPE, None)
        for stale in description.findall(_SOURCE_TYPE):
            description.remove(stale)
    if not descriptions:
        descriptions = [ET.SubElement(rdf, f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""})]
    descriptions[0].set(_SOURCE_TYPE, term)
    return b"\n".join((_PACKET_HEAD, ET.tostring(root, encoding="utf-8", xml_declaration=False), _PACKET_TAIL))


def _new() -> ET._Element:
    root = ET.Element(f"{{{_META}}}xmpmeta", nsmap={"x": _META})
    ET.SubElement(root, f"{{{_RDF}}}RDF", nsmap={"rdf": _RDF, "Iptc4xmpExt": _IPTC_EXT})
    return root


def _parse(packet: bytes) -> ET._Element:
    """The root element. ValueError for what is no XML, declares entities, or is deeper than libxml2's 256 levels or of
    more namespaces than MOST_NAMESPACES, whose look-up grows with the square of their number."""
    if b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:  # XMP has neither; entities can blow up in memory
        raise ValueError("it declares entities")
    if packet.count(b"xmlns") > MOST_NAMESPACES:
        raise ValueError(f"it has more than {MOST_NAMESPACES} namespaces")
    parser = ET.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return ET.fromstring(packet.strip(b"\0 \r\n\t"), parser)
    except (ET.XMLSyntaxError, LookupError, UnicodeError) as error:
        raise ValueError(str(error)) from error
