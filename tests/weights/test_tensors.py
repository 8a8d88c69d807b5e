import hashlib
import io
import json

import pytest
import torch
from safetensors.torch import load, save

from colorcli.errors import VerificationError
from colorcli.weights.pins import Content
from colorcli.weights.tensors import DTYPES, read_tensors, write_tensors

META = {"a": "1", "ü": '{"b": 2}'}


def samples():
    """A tensor of every type, with none, one and several dimensions, and one without values."""
    made = {name: torch.arange(6).reshape(2, 3).to(dtype) for name, dtype in DTYPES.items()}
    return made | {"scalar": torch.tensor(7), "empty": torch.zeros(0, 3)}


def written(tensors=None):
    file = io.BytesIO()
    content = write_tensors(file, samples() if tensors is None else tensors, META)
    return file.getvalue(), content


@pytest.fixture
def read(tmp_path):
    """read(content) -> what a file of it holds."""

    def through_a_file(content):
        (tmp_path / "a").write_bytes(content)
        return read_tensors(tmp_path / "a")

    return through_a_file


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    assert {name: t.dtype for name, t in found.items()} == {name: t.dtype for name, t in expected.items()}


def test_safetensors_reads_what_is_written():
    assert_same(load(written()[0]), samples())


def test_what_safetensors_writes_is_read(read):
    found = read(save(samples(), META))
    assert found.metadata == META
    assert_same(found.tensors, samples())


def test_size_and_hash_are_those_of_the_file(read):
    data, content = written()
    assert content == Content(len(data), hashlib.sha256(data).hexdigest())
    assert read(data).sha256 == content.sha256


def test_tensors_have_memory_of_their_own(read):
    found = read(written()[0]).tensors
    assert all(tensor.untyped_storage().nbytes() == tensor.nbytes for tensor in found.values())


def header_of(*places, shape=(2,), dtype="F32", **others):
    fields = {
        name: {"dtype": dtype, "shape": shape, "data_offsets": place}
        for name, place in zip("abc", places, strict=False)
    }
    text = json.dumps(fields | others).encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (header_of([0, 8]), "16 bytes of tensors, 8 of them told"),
        (header_of([0, 8], [0, 8]), "do not lie side by side at 'b'"),
        (header_of([8, 16]), "do not lie side by side at 'a'"),
        (header_of([0, 8], [8, 16], [16, 24]), "16 bytes of tensors, 24"),
        (header_of([0, 16]), "does not fill its place"),
        (header_of([16, 8]), "does not fill its place"),
        (header_of([-8, 0], [0, 16]), "no whole numbers"),
        (header_of([0, 16], shape=[-2, -2]), "no whole numbers"),
        (header_of([0, 16], shape=[4.0]), "no whole numbers"),
        (header_of([0, 16], shape=4), "must be an iterable"),
        (header_of([0, 16], dtype="F8_E5M2"), "of the type 'F8_E5M2'"),
        (header_of([0, 16], dtype=[]), "unhashable"),
        (header_of([0, 8], [8, 16], __metadata__={"a": 1}), "metadata that is no text"),
        (header_of([0, 8], [8, 16], __metadata__=[]), "no attribute"),
        (header_of(x=3), "not subscriptable"),
    ],
)
def test_headers_that_do_not_tell_the_whole_file_are_refused(read, header, problem):
    with pytest.raises(VerificationError, match=f"damaged or not a safetensors file: .*{problem}"):
        read(header + bytes(16))
