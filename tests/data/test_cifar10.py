import hashlib
import io
import os
import pickle
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from weights_kit import serve

from colorcli.data import cifar10 as datasets
from colorcli.data.cifar10 import cifar10, download_cifar10
from colorcli.errors import UsageError, VerificationError
from colorcli.photo.find import image_files

BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")


def batch(name: str, count: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (count, 3072) and labels (count,), different in each batch."""
    generator = np.random.default_rng(BATCHES.index(name))
    return generator.integers(256, size=(count, 3072), dtype=np.uint8), generator.integers(10, size=count)


def write_binary(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in BATCHES:
        pixels, labels = batch(name)
        (folder / f"{name}.bin").write_bytes(np.column_stack([labels.astype(np.uint8), pixels]).tobytes())
    return folder


def write_pickles(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in BATCHES:
        pixels, labels = batch(name)
        content = {b"batch_label": name.encode(), b"labels": labels.tolist(), b"data": pixels}
        (folder / name).write_bytes(pickle.dumps(content | {b"filenames": [b"a.png"] * 4}, protocol=2))
    return folder


WRITERS = {"cifar-10-batches-bin": write_binary, "cifar-10-batches-py": write_pickles}


@pytest.mark.parametrize("layout", WRITERS)
def test_both_layouts_give_images_and_labels(tmp_path, layout):
    WRITERS[layout](tmp_path / layout)
    test, train = cifar10("test", tmp_path), cifar10("train", tmp_path)
    pixels, labels = batch("test_batch")
    assert test.images.shape == (4, 3, 32, 32)
    assert test.images[2, 1, 5, 7] == pixels[2, 1024 + 5 * 32 + 7]  # green plane, row 5, column 7
    assert test.labels.tolist() == labels.tolist()
    assert len(train) == 20
    assert train.labels[16:].tolist() == batch("data_batch_5")[1].tolist()
    assert train.images.dtype == train.labels.dtype == np.uint8


@pytest.mark.parametrize("layout", WRITERS)
def test_the_folder_itself_may_be_named(tmp_path, layout):
    assert len(cifar10("test", WRITERS[layout](tmp_path / "renamed"))) == 4


def test_the_environment_names_the_folder(tmp_path, monkeypatch):
    write_binary(tmp_path / "cifar-10-batches-bin")
    monkeypatch.setenv("COLORCLI_DATA", str(tmp_path))
    assert len(cifar10("test")) == 4


def test_an_option_comes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORCLI_DATA", str(tmp_path / "nowhere"))
    assert len(cifar10("test", write_binary(tmp_path / "here"))) == 4


def test_limit_reads_no_more_files_than_it_needs(tmp_path):
    folder = write_binary(tmp_path / "bin")
    (folder / "data_batch_3.bin").unlink()
    assert cifar10("train", folder, limit=6).labels.tolist() == [
        *batch("data_batch_1")[1],
        *batch("data_batch_2")[1][:2],
    ]


@pytest.fixture
def cache(monkeypatch, tmp_path) -> Path:
    """The cache folder, with nothing named in the environment."""
    monkeypatch.delenv("COLORCLI_DATA", raising=False)
    monkeypatch.setenv("COLORCLI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_cache_folder_comes_last(cache):
    write_binary(cache / "datasets" / "cifar-10-batches-bin")
    assert len(cifar10("test")) == 4


@pytest.mark.parametrize("root", ["there", None])
def test_missing_data_say_where_to_get_them(cache, tmp_path, root):
    with pytest.raises(UsageError, match=r"COLORCLI_DATA.*--download.*cifar-10-binary") as error:
        cifar10("test", root and tmp_path / root)
    assert f"no CIFAR-10 in {tmp_path / root if root else cache / 'datasets'}." in str(error.value)


@pytest.fixture
def official(monkeypatch):
    """official(layout, server, content): the archive of a layout comes from there."""

    def publish(layout: str, url: str, content: bytes) -> None:
        archive = replace(
            datasets.CIFAR10_ARCHIVES[layout],
            url=f"{url}/cifar-10.tar.gz",
            size=len(content),
            md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
        )
        monkeypatch.setitem(datasets.CIFAR10_ARCHIVES, layout, archive)

    return publish


def packed(layout_folder: Path) -> bytes:
    """The folder as a .tar.gz, as the official archives have it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        tar.add(layout_folder, layout_folder.name)
    return file.getvalue()


@pytest.mark.parametrize(("layout", "folder"), [("binary", "cifar-10-batches-bin"), ("python", "cifar-10-batches-py")])
def test_the_official_archive_of_a_layout_is_downloaded(cache, tmp_path, official, layout, folder):
    content = packed(WRITERS[folder](tmp_path / "theirs" / folder))
    with serve(content) as server:
        official(layout, server.url, content)
        assert download_cifar10(layout=layout) == cache / "datasets" / folder
    assert cifar10("train").labels[16:].tolist() == batch("data_batch_5")[1].tolist()


def test_data_are_downloaded_when_asked_to_and_not_there(cache, tmp_path, official):
    content = packed(write_binary(tmp_path / "theirs" / "cifar-10-batches-bin"))
    with serve(content) as server:
        official("binary", server.url, content)
        for _ in range(2):
            assert len(cifar10("test", tmp_path / "mine", download=True)) == 4
    assert len(server.requests) == 1


def test_data_in_the_other_layout_are_not_downloaded_again(tmp_path, official):
    write_pickles(tmp_path / "cifar-10-batches-py")
    with serve(b"") as server:
        official("binary", server.url, b"")
        assert len(cifar10("test", tmp_path, download=True)) == 4
    assert server.requests == []


def test_truncated_binary_batch_is_named(tmp_path):
    folder = write_binary(tmp_path / "bin")
    with (folder / "test_batch.bin").open("r+b") as file:
        file.truncate(3073 * 3 + 100)
    with pytest.raises(VerificationError, match=r"test_batch\.bin: truncated"):
        cifar10("test", folder)


@pytest.mark.parametrize("content", [b"", b"\x0a" + bytes(3072)])
def test_binary_batch_without_images_or_with_an_eleventh_class(tmp_path, content):
    folder = write_binary(tmp_path / "bin")
    (folder / "test_batch.bin").write_bytes(content)
    with pytest.raises(VerificationError, match=r"test_batch\.bin: not a batch"):
        cifar10("test", folder)


class Evil:
    def __reduce__(self) -> tuple:
        return os.system, ("touch never",)


class EvilCodec:
    def __reduce__(self) -> tuple:
        import _codecs

        return _codecs.encode, ("text", "rot13")


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Evil()),
        pickle.dumps(EvilCodec()),
        pickle.dumps(subprocess.Popen),
        pickle.dumps({b"labels": [1]}),
        pickle.dumps({b"labels": [1], b"data": "text"}),
        pickle.dumps({b"labels": [1], b"data": np.zeros((1, 3072), np.float32)}),
        pickle.dumps({b"labels": [1, 2], b"data": np.zeros((1, 3072), np.uint8)}),
        pickle.dumps({b"labels": [-1], b"data": np.zeros((1, 3072), np.uint8)}),
        pickle.dumps({b"labels": 1, b"data": np.zeros((1, 3072), np.uint8)}),
        pickle.dumps([1, 2, 3]),
        b"no pickle at all",
        b"",
    ],
)
def test_hostile_and_damaged_pickles_are_refused(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    folder = write_pickles(tmp_path / "py")
    (folder / "test_batch").write_bytes(content)
    with pytest.raises(VerificationError, match="test_batch: not a batch"):
        cifar10("test", folder)
    assert not (tmp_path / "never").exists()


def test_pickles_of_python_2_and_old_numpy_load(tmp_path):
    folder = write_pickles(tmp_path / "py")
    pixels, labels = batch("test_batch")
    # as Python 2 wrote it: byte strings as STRING opcodes, numpy under its old module names
    content = b"".join(
        [
            b"(dp0\nS'data'\np1\ncnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n(I0\ntp4\nS'b'\np5\n",
            b"tp6\nRp7\n(I1\n(I4\nI3072\ntp8\ncnumpy\ndtype\np9\n(S'u1'\np10\nI0\nI1\ntp11\nRp12\n(I3\nS'|'\np13\n",
            b"NNNI-1\nI-1\nI0\ntp14\nbI00\nS" + python_2_literal(pixels.tobytes()) + b"\np15\ntp16\nbsS'labels'\n",
            b"p17\n(lp18\n" + b"".join(b"I%d\na" % label for label in labels) + b"s.",
        ]
    )
    (folder / "test_batch").write_bytes(content)
    assert (cifar10("test", folder).images.reshape(4, -1) == pixels).all()


def python_2_literal(content: bytes) -> bytes:
    return b"'" + b"".join(b"\\x%02x" % byte for byte in content) + b"'"


def test_image_files_are_sorted_and_recursive(tmp_path):
    wanted = ["a.JPG", "b/c.webp", "b/d/e.png", "f.tiff"]
    for name in [*wanted, "notes.txt", ".hidden.png", ".thumbs/x.png", "jpg"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert image_files(tmp_path) == [tmp_path / name for name in wanted]


def test_folder_without_images_and_no_folder(tmp_path):
    with pytest.raises(UsageError, match="no image files"):
        image_files(tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        image_files(tmp_path / "nowhere")


def test_archives_are_the_official_ones():
    assert {a.folder: (a.md5[:6], a.size) for a in datasets.CIFAR10_ARCHIVES.values()} == {
        "cifar-10-batches-bin": ("c32a1d", 170_052_171),
        "cifar-10-batches-py": ("c58f30", 170_498_071),
    }
