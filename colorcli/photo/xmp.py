"""XMP: an XML packet beside the pixels (ISO 16684-1)."""

import io
import re
import xml.etree.ElementTree as ET

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_META = "adobe:ns:meta/"
_IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_SOURCE_TYPE = f"{{{_IPTC_EXT}}}DigitalSourceType"
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
    for prefix, uri in (("x", _META), ("rdf", _RDF), ("Iptc4xmpExt", _IPTC_EXT)):
        ET.register_namespace(prefix, uri)
    return b"\n".join((_PACKET_HEAD, ET.tostring(root, encoding="utf-8", xml_declaration=False), _PACKET_TAIL))


def _new() -> ET.Element:
    root = ET.Element(f"{{{_META}}}xmpmeta")
    ET.SubElement(root, f"{{{_RDF}}}RDF")
    return root


def _parse(packet: bytes) -> ET.Element:
    if b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:  # XMP has neither; entities can blow up in memory
        raise ValueError("it declares entities")
    root: ET.Element | None = None
    try:
        for event, item in ET.iterparse(io.BytesIO(packet.strip(b"\0 \r\n\t")), ("start-ns", "end")):
            if event == "start-ns":
                _keep_prefix(*item)
            else:
                root = item
    except (ET.ParseError, LookupError, UnicodeError) as error:
        raise ValueError(str(error)) from error
    if root is None:
        raise ValueError("it is empty")
    return root


def _keep_prefix(prefix: str, uri: str) -> None:
    """Have the source's own prefix written again, not ns0, ns1, ..."""
    if prefix and not re.fullmatch(r"ns\d+", prefix):  # the forms that ElementTree keeps for itself
        ET.register_namespace(prefix, uri)
