import xml.etree.ElementTree as ET
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colorcli.photo import xmp

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
TYPE = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" tiff:Orientation="6" dc:format="image/jpeg">
<dc:title><rdf:Alt><rdf:li xml:lang="de">Gro\u00dfmutter</rdf:li></rdf:Alt></dc:title>%s</rdf:Description>
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
OLD = "<Iptc4xmpExt:DigitalSourceType>http://old</Iptc4xmpExt:DigitalSourceType>"


def source_types(packet: bytes) -> list[str]:
    root = ET.fromstring(packet.decode().split("?>", 1)[1].rsplit("<?", 1)[0])
    return [v for e in root.iter() for v in (e.get(TYPE), e.text if e.tag == TYPE else None) if v]


@pytest.mark.parametrize("old", ["", OLD])
def test_the_source_type_is_set_once_and_the_rest_kept(old):
    packet = xmp.with_source_type((PACKET % old).encode())
    assert source_types(packet) == [xmp.COMPOSITE_WITH_TRAINED_MODEL]
    text = packet.decode()
    assert "Großmutter" in text and 'dc:format="image/jpeg"' in text and "ns0" not in text
    assert text.startswith("<?xpacket begin=") and text.endswith('<?xpacket end="w"?>')


def test_the_source_type_can_be_another_term():
    packet = xmp.with_source_type((PACKET % OLD).encode(), xmp.ALGORITHMICALLY_ENHANCED)
    assert source_types(packet) == [xmp.ALGORITHMICALLY_ENHANCED]


def test_setting_it_twice_changes_nothing():
    once = xmp.with_source_type((PACKET % "").encode())
    assert xmp.with_source_type(once) == once


@pytest.mark.parametrize(
    "empty", [None, b"", PACKET.encode().split(b"<rdf:Desc")[0].split(b"?>\n")[1] + b"</rdf:RDF></x:xmpmeta>"]
)
def test_a_packet_from_nothing(empty):
    assert source_types(xmp.with_source_type(empty)) == [xmp.COMPOSITE_WITH_TRAINED_MODEL]


def test_a_bare_rdf_root_with_padding():
    bare = (PACKET % "").encode().split(b'adobe:ns:meta/">')[1].split(b"</x:xmpmeta>")[0] + b"  \n\0\0"
    assert source_types(xmp.with_source_type(bare)) == [xmp.COMPOSITE_WITH_TRAINED_MODEL]


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize("broken", [b"<x", b"plain words", b"<x/>", b"\xff\xfe\x00", b"   ", BOMB])
def test_what_is_no_xmp_is_a_value_error(broken):
    with pytest.raises(ValueError, match=r"."):
        xmp.with_source_type(broken)


def test_orientation_is_read_and_reset():
    packet = (PACKET % "").encode()
    assert xmp.orientation(packet) == 6
    upright = xmp.Packet(packet)
    upright.make_true(2, 3, 6)
    assert xmp.orientation(upright.tobytes()) == upright.orientation == 1
    assert xmp.orientation(b"<x/>") is None


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_bytes_are_xmp_or_a_value_error(data):
    with suppress(ValueError):
        source_types(xmp.with_source_type(data))
