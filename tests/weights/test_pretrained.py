import hashlib

import pytest
import torch

from colorcli.errors import UsageError, VerificationError
from colorcli.weights import pretrained

NAME = "efficientnet-lite2"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package in the place of the published one, with a file of its own and that file's hash."""
    packed = pretrained.PACKED[NAME]
    file = tmp_path / packed.package / packed.file
    file.parent.mkdir(parents=True)
    (tmp_path / packed.package / "__init__.py").write_text("raise SystemExit('imported')")
    torch.save({"_conv_stem.weight": torch.ones(2)}, file)
    monkeypatch.syspath_prepend(tmp_path)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setitem(pretrained.PACKED, NAME, pretrained._Packed(packed.package, packed.file, sha256))
    return file


def test_the_file_is_read_without_importing_the_package(package):
    assert pretrained.published_encoder(NAME)["_conv_stem.weight"].tolist() == [1, 1]


def test_another_hash_is_refused(package):
    package.write_bytes(package.read_bytes() + b"x")
    with pytest.raises(VerificationError, match="SHA-256"):
        pretrained.published_encoder(NAME)


def test_without_the_package_the_extra_is_named(monkeypatch):
    gone = pretrained._Packed("no_such_package", "file.pth", "")
    monkeypatch.setitem(pretrained.PACKED, NAME, gone)
    with pytest.raises(UsageError, match=r"colorcli\[pretrained\]"):
        pretrained.published_encoder(NAME)


def test_an_unknown_encoder_lists_the_known():
    with pytest.raises(UsageError, match="known are efficientnet-lite0, efficientnet-lite2"):
        pretrained.published_encoder("resnet")
