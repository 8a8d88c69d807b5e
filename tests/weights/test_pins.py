import json

import pytest

from colorcli.errors import VerificationError
from colorcli.weights.pins import FILE, Content, Pin, read_pin, write_pin

PUBLISHED, CONVERTED = Content(10, "ab" * 32), Content(20, "cd" * 32)


@pytest.mark.parametrize("converted", [None, CONVERTED])
def test_a_pin_is_read_as_written(tmp_path, converted):
    write_pin(tmp_path, Pin("1" * 40, PUBLISHED, converted))
    assert read_pin(tmp_path) == Pin("1" * 40, PUBLISHED, converted)


def test_no_pin(tmp_path):
    assert read_pin(tmp_path) is None


GOOD = {"revision": "", "published": {"size": 10, "sha256": "ab" * 32}, "converted": None}


@pytest.mark.parametrize(
    "changes",
    [
        {"revision": None},
        {"published": None},
        {"published": {"size": 10}},
        {"published": {"size": 10, "sha256": "ab"}},
        {"published": {"size": 10, "sha256": None}},
        {"published": {"size": 0, "sha256": "ab" * 32}},
        {"published": {"size": "10", "sha256": "ab" * 32}},
        {"converted": {"size": 10, "sha256": "AB" * 32}},
        {"converted": []},
    ],
)
def test_a_damaged_pin_is_refused(tmp_path, changes):
    (tmp_path / FILE).write_text(json.dumps(GOOD | changes))
    with pytest.raises(VerificationError, match=r"pin\.json: damaged .* delete it and pull the weights again"):
        read_pin(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\0", "[" * 100_000])
def test_what_is_no_pin_at_all_is_refused(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(VerificationError, match=r"pin\.json: damaged"):
        read_pin(tmp_path)
