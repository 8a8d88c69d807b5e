import hashlib
import re
import threading
import time
import xml.etree.ElementTree as ET
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metadata_files import hostile_xmp
from metadata_files import xmp as packet_of

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


def true(data: bytes, turned: int = 1) -> tuple[str, list[str]]:
    """A packet made true for a picture of 72 x 48 pixels, and what was lost."""
    packet = xmp.Packet(data)
    packet.make_true(72, 48, turned)
    return packet.tobytes().decode(), packet.lost


def test_a_packet_with_nothing_untrue_stays_to_the_byte():
    data = packet_of("<dc:title>Großmutter</dc:title>", 'dc:format="image/jpeg"')
    assert true(data, 6) == (data.decode(), [])


@pytest.mark.parametrize("form", [' {}="{}"', "<{0}>{1}</{0}>"])
def test_what_tells_of_the_grey_pixels_goes(form):
    told = {
        "photoshop:ColorMode": 1,
        "photoshop:ICCProfile": "Dot Gain 20%",
        "tiff:BitsPerSample": 8,
        "exif:ColorSpace": 1,
    }
    told |= {"tiff:ImageWidth": 48, "exif:PixelXDimension": 48, "dc:source": "box 12"}
    parts = "".join(form.format(name, value) for name, value in told.items())
    text, lost = true(packet_of(*(("", parts) if form[0] == " " else (parts, ""))))
    assert "box 12" in text and lost == []
    assert not re.search(r"ColorMode[=>]|ICCProfile|BitsPerSample|ColorSpace|ImageWidth|PixelX", text)


def test_thumbnails_go():
    picture = "<xmpGImg:format>JPEG</xmpGImg:format><xmpGImg:image>/9j/</xmpGImg:image>"
    inside = f"<xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType='Resource'>{picture}</rdf:li></rdf:Alt></xmp:Thumbnails>"
    inside += "<xmp:PageInfo><rdf:Seq><rdf:li xmpGImg:image='/9j/'/></rdf:Seq></xmp:PageInfo><dc:source>box</dc:source>"
    text, lost = true(packet_of(inside))
    assert "/9j/" not in text and "box" in text and lost == []


@pytest.mark.parametrize(
    ("inside", "attributes", "lost"),
    [
        ("", 'GCamera:MotionPhoto="1" GCamera:MicroVideoOffset="92"', "the film of a motion photo"),
        ("<hdrgm:Version>1.0</hdrgm:Version>", "", "the gain map"),
        (
            "<Container:Directory><rdf:Seq><rdf:li Item:Semantic='GainMap'/></rdf:Seq></Container:Directory>",
            "",
            "the gain map",
        ),
    ],
)
def test_claims_of_what_lay_beside_the_photo_go_and_are_told(inside, attributes, lost):
    text, told = true(packet_of(inside + "<GCamera:BurstID>b</GCamera:BurstID>", attributes))
    assert told == [lost] and "BurstID" in text
    assert not re.search(r"Motion|MicroVideo|hdrgm:V|GainMap", text)


@pytest.mark.parametrize("attributes", [True, False])
def test_regions_are_turned_with_the_photo(attributes):
    values = {"x": 0.3, "y": 0.2, "w": 0.2, "h": 0.1, "unit": "normalized"}
    fields = "".join(f' stArea:{k}="{v}"' for k, v in values.items())
    area = f"<mwg-rs:Area{fields}/>"
    if not attributes:
        fields = "".join(f"<stArea:{k}>{v}</stArea:{k}>" for k, v in values.items())
        area = f"<mwg-rs:Area rdf:parseType='Resource'>{fields}</mwg-rs:Area>"
    size = "<mwg-rs:AppliedToDimensions stDim:w='48' stDim:h='72' stDim:unit='pixel'/>"
    text, lost = true(packet_of(f"<mwg-rs:Regions rdf:parseType='Resource'>{size}{area}</mwg-rs:Regions>"), 6)
    found = {k: re.search(rf"stArea:{k}[=>\"]+([\d.]+)", text)[1] for k in "xywh"}
    assert found == {"x": "0.8", "y": "0.3", "w": "0.1", "h": "0.2"}
    assert 'stDim:w="72"' in text and 'stDim:h="48"' in text and lost == []


def test_microsofts_regions_are_turned():
    text, lost = true(packet_of("<MP:RegionInfo><rdf:li MPReg:Rectangle='0.2, 0.1, 0.4, 0.3'/></MP:RegionInfo>"), 6)
    assert 'MPReg:Rectangle="0.6, 0.2, 0.3, 0.4"' in text and lost == []


@pytest.mark.parametrize(
    "inside",
    [
        "<mwg-rs:Regions><mwg-rs:Area stArea:x='30' stArea:y='20'/></mwg-rs:Regions>",
        "<MP:RegionInfo><rdf:li MPReg:Rectangle='junk'/></MP:RegionInfo>",
        "<Iptc4xmpExt:ImageRegion><rdf:Bag><rdf:li>0.2</rdf:li></rdf:Bag></Iptc4xmpExt:ImageRegion>",
    ],
)
def test_regions_that_cannot_be_turned_go_and_are_told(inside):
    text, lost = true(packet_of(inside), 6)
    assert "egion>" not in text and len(lost) == 1 and "the photo was turned" in lost[0]
    assert true(packet_of(inside))[1] == []


def test_the_subject_in_xmp_is_turned():
    items = "".join(f"<rdf:li>{v}</rdf:li>" for v in (10, 20, 8, 6))
    text, _ = true(packet_of(f"<exif:SubjectArea><rdf:Seq>{items}</rdf:Seq></exif:SubjectArea>"), 6)
    assert re.findall(r"<rdf:li>(\d+)", text) == ["52", "10", "6", "8"]


def test_a_packet_goes_on_in_its_second_block():
    second = packet_of("<dc:description>Großmutter</dc:description>")
    digest = hashlib.md5(second).hexdigest().upper()
    packet = xmp.Packet(packet_of("", f'xmpNote:HasExtendedXMP="{digest}"'))
    packet.extend({digest: second})
    packet.make_true(72, 48)
    assert (
        "Großmutter" in packet.tobytes().decode() and b"HasExtended" not in packet.tobytes().split(b"xmp/note/", 1)[0]
    )
    assert packet.get("{http://ns.adobe.com/xmp/note/}HasExtendedXMP") is None
    for blocks in ({}, {digest: second + b" "}):
        with pytest.raises(ValueError, match="second block"):
            xmp.Packet(packet_of("", f'xmpNote:HasExtendedXMP="{digest}"')).extend(blocks)


def test_split_and_joined_it_is_whole():
    main, rest, digest = xmp.split(xmp.with_source_type(packet_of("<dc:title>Großmutter</dc:title>")))
    assert source_types(main) == [xmp.COMPOSITE_WITH_TRAINED_MODEL] and digest.encode() in main and len(main) < 1500
    packet = xmp.Packet(main)
    packet.extend({digest: rest})
    assert "Großmutter" in packet.tobytes().decode()


def nested(depth: int) -> bytes:
    return packet_of("<b>" * depth + "</b>" * depth)


def spaced(count: int) -> bytes:
    return packet_of("".join(f'<dc:a xmlns:p{i:x}="u{i:x}"/>' for i in range(count)))


@pytest.mark.parametrize(
    "packet",
    [
        nested(3000),
        spaced(48_000),
        spaced(2000).decode().encode("utf-16"),
        packet_of("<b/>" * 200_000),
        packet_of("<b>" + "x" * (9 << 20) + "</b>"),
    ],
)
def test_packets_beyond_bounds_are_a_value_error(packet):
    with pytest.raises(ValueError, match=r"Excessive depth|too many|larger than"):
        xmp.Packet(packet)


@pytest.mark.parametrize(
    "packet",
    [
        packet_of("<b><xmpGImg:image/></b>" * 40_000),
        packet_of("<b stArea:x='0.1' stArea:y='2'/>" * 90_000),
        packet_of("".join(f"<hdrgm:a{i}/>" for i in range(90_000))),
    ],
)
def test_many_of_anything_take_no_longer_than_a_photo(packet):
    start = time.process_time()
    true(packet, 6)
    assert time.process_time() - start < 6


def test_packets_of_two_threads_do_not_meet():
    """Each declares its own prefix for one namespace, and keeps it."""
    packets = [packet_of(f'<a{i}:t xmlns:a{i}="http://same/">x</a{i}:t>') for i in range(8)]
    results: list[bytes] = [b""] * 8

    def work(i: int) -> None:
        for _ in range(50):
            results[i] = xmp.with_source_type(packets[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(f'<a{i}:t xmlns:a{i}="http://same/">x</a{i}:t>'.encode() in result for i, result in enumerate(results))


def test_the_format_is_the_files_own():
    packet = xmp.Packet(packet_of("", 'dc:format="image/jpeg"'))
    packet.set_format("image/png")
    assert b'dc:format="image/png"' in packet.tobytes()
    bare = xmp.Packet(packet_of())
    bare.set_format("image/png")
    assert bare.tobytes() == packet_of()


@given(hostile_xmp, st.integers(1, 8))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_packet_is_made_true_or_a_value_error(data, turned):
    with suppress(ValueError):
        packet = xmp.Packet(data)
        packet.make_true(3, 2, turned)
        packet.set_source_type(xmp.COMPOSITE_WITH_TRAINED_MODEL)
        again = packet.tobytes()
        assert source_types(again) == [xmp.COMPOSITE_WITH_TRAINED_MODEL]
        assert len(again) < len(data) + 2000
