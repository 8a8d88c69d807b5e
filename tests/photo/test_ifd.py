import io
import struct

import pytest
from hypothesis import given, settings
from metadata_files import EXIF_IFD, GPS_IFD, INTEROP_IFD, after, entries, exif, hostile_exif

from colorcli.photo.ifd import MOST_ENTRIES, Entry, Tiff, tree


def source(data: bytes) -> Tiff:
    return Tiff(io.BytesIO(data))


@pytest.mark.parametrize(("order", "mark"), [("<", b"II"), (">", b"MM")])
def test_big_tiffs_are_read_too(order, mark):
    row = struct.pack(order + "HHQ8s", 270, 2, 10, struct.pack(order + "Q", 60))
    data = mark + struct.pack(order + "HHHQQ", 43, 8, 0, 16, 1) + row + bytes(8)
    big = source(data.ljust(60, b"\0") + b"Aunt Anna\0")
    entry = big.directory(big.first)[0][270]
    assert big.big and big.value(entry) == b"Aunt Anna\0"


@pytest.mark.parametrize("data", [b"", b"II", b"II*\0\x08", b"MM*\0\0\0\0\x08", b"II+\0\x08\0\0\0", b"plain text"])
def test_what_has_no_header_is_a_value_error(data):
    with pytest.raises(ValueError, match="no TIFF header"):
        source(data)


def test_a_directory_that_is_its_own_is_left_out_by_name():
    found = tree(source(exif((EXIF_IFD, 4, 1, 8))))
    assert found.lost == ["EXIF's camera data (two ways lead to one directory)"]
    assert found.directories == {0: {}}


def test_directories_that_share_others_are_read_once():
    """Each of 30 names the next one three times: 3^30 ways."""
    length = after(3) - 8
    levels = [
        entries(*((tag, 4, 1, 8 + (i + 1) * length) for tag in (EXIF_IFD, GPS_IFD, INTEROP_IFD))) for i in range(30)
    ]
    found = tree(source(b"II*\0\x08\0\0\0" + b"".join(levels) + entries((0x0131, 2, 4, 0x636261))))
    assert set(found.directories) == {0, EXIF_IFD, INTEROP_IFD}
    assert any("two ways" in lost for lost in found.lost) and any("out of place" in lost for lost in found.lost)


def test_values_that_many_entries_share_are_refused():
    rows = [(1000 + i, 7, 50_000, 100) for i in range(1500)]
    with pytest.raises(ValueError, match="share their bytes"):
        tree(source(exif(*rows, behind=bytes(60_000))))


def test_too_many_entries_are_refused():
    with pytest.raises(ValueError, match="too many entries"):
        tree(source(exif(*((i, 3, 1, 0) for i in range(MOST_ENTRIES + 1)))))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((270, 2, 100, 5000), "outside the data"),
        ((270, 99, 1, 0), "unknown type"),
        ((INTEROP_IFD, 4, 1, 8), "out of place"),
    ],
)
def test_an_entry_that_leads_nowhere_is_left_out_by_name(row, reason):
    found = tree(source(exif(row, (271, 2, 4, 0x636261))))
    assert found.directories[0] == {271: Entry(2, 4, b"abc\0")}
    assert len(found.lost) == 1 and reason in found.lost[0]


def test_only_wanted_tags_of_the_main_directory_count():
    found = tree(source(exif((273, 4, 100_000, 8), (270, 2, 4, 0x636261))), {270})
    assert found.others == [273] and found.lost == []


@given(hostile_exif())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_structure_ends_within_bounds(data):
    try:
        found = tree(source(data))
    except ValueError:
        return
    held = [entry for entries_ in found.directories.values() for entry in entries_.values()]
    reader = source(data)
    assert len(held) <= MOST_ENTRIES and sum(len(reader.value(entry)) for entry in held) <= len(data)
