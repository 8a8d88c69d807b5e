import json
from pathlib import Path

import pytest
from huggingface_hub import constants
from weights_kit import COMMIT, NULL, item, register_toy, use_manifest

import colorcli.weights.manifest
from colorcli.errors import ColorcliError, UsageError, VerificationError
from colorcli.files import cache_folder
from colorcli.weights.manifest import ALIASES, entries, find, manifest_path

HUB = {"type": "hub", "repo": "owner/toy", "revision": COMMIT, "file": "sub/toy.safetensors"}
URL = {"type": "url", "url": "https://example.org/a/toy.bin", "file": "toy.safetensors"}


@pytest.fixture
def manifest(monkeypatch, tmp_path):
    register_toy(monkeypatch)
    return lambda *items: use_manifest(monkeypatch, tmp_path, *items)


@pytest.fixture
def three(manifest):
    return manifest(
        item(name="toy@photo"),
        item(name="toy@large", default=None, source=HUB),
        item(name="toy@cifar10", task="cifar10", source=URL),
    )


def test_the_manifest_that_ships_is_valid():
    assert len({entry.name for entry in entries()}) == len(entries())


def test_every_bundled_file_is_there_and_listed():
    bundled = {entry.path for entry in entries() if entry.source.type == "bundled"}
    assert bundled == set(colorcli.weights.manifest.BUNDLED.glob("*.safetensors"))


def test_manifest_of_an_installed_package_goes_before_a_stray_one(monkeypatch, tmp_path):
    monkeypatch.setattr(colorcli.weights.manifest, "__file__", str(tmp_path / "colorcli" / "weights" / "manifest.py"))
    (tmp_path / "colorcli").mkdir()
    (tmp_path / "weights_manifest.json").touch()
    assert manifest_path() == tmp_path / "weights_manifest.json"
    (tmp_path / "colorcli" / "weights_manifest.json").touch()
    assert manifest_path() == tmp_path / "colorcli" / "weights_manifest.json"


@pytest.mark.parametrize(
    ("name", "task", "found"),
    [
        ("toy", "photo", "toy@photo"),
        ("toy", "cifar10", "toy@cifar10"),
        ("toy@large", "photo", "toy@large"),
        ("toy@cifar10", "photo", "toy@cifar10"),
    ],
)
def test_names_are_found(three, name, task, found):
    assert find(name, task).name == found


@pytest.mark.parametrize(
    ("name", "hint"), [("tpy", "mean 'toy'"), ("toy@foto", "mean 'toy@photo'"), ("xx", "unknown 'xx'; known")]
)
def test_unknown_name_lists_the_known_ones(three, name, hint):
    with pytest.raises(UsageError, match=hint) as error:
        find(name)
    assert "toy@photo, toy@large, toy@cifar10" in str(error.value)


def test_model_without_default_for_the_task(manifest):
    manifest(item(name="toy@cifar10", task="cifar10"))
    with pytest.raises(UsageError, match="'toy' has no default weights for the task photo; known weights: toy@"):
        find("toy")


def test_empty_manifest(manifest):
    manifest()
    assert entries() == []
    with pytest.raises(UsageError, match="without any"):
        find("gan")


def test_places_of_files(three, tmp_path):
    bundled, hub, url = entries()
    assert bundled.path == tmp_path / "bundled" / "toy-photo.safetensors"
    assert hub.path == tmp_path / "cache" / "toy@large" / "toy.safetensors"
    assert url.path == tmp_path / "cache" / "toy@cifar10" / "toy.safetensors"


def test_addresses(three, monkeypatch):
    bundled, hub, url = entries()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert hub.source.address() == f"http://127.0.0.1:9/owner/toy/resolve/{COMMIT}/sub/toy.safetensors"
    monkeypatch.delenv("HF_ENDPOINT")
    assert hub.source.address() == f"{constants.ENDPOINT}/owner/toy/resolve/{COMMIT}/sub/toy.safetensors"
    assert url.source.address() == "https://example.org/a/toy.bin"
    assert [str(e.source) for e in (bundled, hub)] == ["bundled", "hub:owner/toy"]


def test_present_means_a_file_of_the_right_size(three, tmp_path):
    entry = entries()[0]
    assert not entry.present
    entry.path.write_bytes(b"xy")
    assert not entry.present
    entry.path.write_bytes(b"y")
    assert entry.present


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": None}, "entry 1: 'name' is missing"),
        ({"name": "toy"}, "entry 'toy': 'name' must be MODEL@WEIGHTS"),
        ({"name": "../x@y"}, "'name' must be MODEL@WEIGHTS"),
        ({"name": "gan@photo"}, "the name must start with 'toy@'"),
        ({"name": "no@photo", "model": "no"}, "unknown model 'no'"),
        ({"task": "video"}, "'task' must be one of photo, cifar10, not 'video'"),
        ({"bytes": 0}, "'bytes' must be positive"),
        ({"bytes": True}, "'bytes' must be a whole number, not True"),
        ({"bytes": "12"}, "'bytes' must be a whole number, not '12'"),
        ({"sha256": "ab"}, "'sha256' must be 64 small hex digits, not 'ab'"),
        ({"licence": " "}, "'licence' is empty"),
        ({"trained_on": None}, "'trained_on' is missing"),
        ({"default": "yes"}, "'default' must be true or false"),
        ({"results": []}, "'results' must be an object"),
        ({"defualt": True}, "unknown field 'defualt'"),
        ({"source": "bundled"}, "'source' must be an object"),
        ({"source": {"type": "ftp", "file": "a"}}, "'source.type' must be bundled, hub or url, not 'ftp'"),
        ({"source": {"type": "bundled"}}, "'source.file' is missing"),
        ({"source": {"type": "bundled", "file": "a/b"}}, "'source.file' must be a plain file name"),
        ({"source": HUB | {"file": "../b"}}, "'source.file' must be a plain file name"),
        ({"source": HUB | {"file": "a\\b"}}, "'source.file' must be a plain file name"),
        ({"source": HUB | {"revision": "main"}}, "'source.revision' must be a commit of 40 hex digits, not 'main'"),
        ({"source": HUB | {"repo": "toy"}}, "'source.repo' must be OWNER/NAME"),
        ({"source": URL | {"url": "file:///etc"}}, "'source.url' must be an http"),
        ({"source": URL | {"mirror": "x"}}, "unknown field 'source.mirror'"),
        ({"config": []}, "'config' must be an object"),
        ({"config": {}}, "'config' is for weights that others published"),
        ({"source": HUB | {"revision": None}}, "only weights with a 'config' can have null"),
        ({"bytes": NULL, "source": HUB}, "only weights with a 'config' can have null"),
        ({"sha256": NULL, "source": HUB}, "only weights with a 'config' can have null"),
        ({"sha256": NULL, "source": URL, "config": {}}, "'sha256' can be null only for a file of the hub"),
    ],
)
def test_a_broken_entry_is_named(manifest, changes, problem):
    path = manifest(item(**changes))
    with pytest.raises(VerificationError) as error:
        entries()
    assert problem in str(error.value)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize(
    ("second", "problem"),
    [({"default": None}, "names are not unique"), ({"name": "toy@b"}, "two defaults for one model and task")],
)
def test_entries_that_contradict_each_other(manifest, second, problem):
    manifest(item(), item(**second))
    with pytest.raises(VerificationError, match=problem):
        entries()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "not a weights manifest of version 1"),
        ('{"version": 2, "weights": []}', "not a weights manifest of version 1"),
        ('{"version": 1}', "'weights' must be a list"),
        ('{"version": 1, "weights": [3]}', "entry 1: must be an object"),
    ],
)
def test_a_broken_manifest(manifest, text, problem):
    manifest().write_text(text)
    with pytest.raises(VerificationError, match=problem):
        entries()


def test_a_missing_manifest(manifest):
    manifest().unlink()
    with pytest.raises(VerificationError, match="install colorcli again"):
        entries()


def test_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    for name in ("COLORCLI_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder() == tmp_path / ".cache" / "colorcli"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "colorcli"
    monkeypatch.setenv("COLORCLI_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


def test_no_home_folder(monkeypatch):
    def homeless():
        raise RuntimeError

    for name in ("COLORCLI_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(ColorcliError, match="COLORCLI_CACHE"):
        cache_folder()


def test_results_and_paper_are_kept(manifest):
    manifest(item(results={"psnr": 24.5}, paper="001"))
    assert (entries()[0].results, entries()[0].paper) == ({"psnr": 24.5}, "001")
    assert json.loads(manifest_path().read_text())["version"] == 1


@pytest.mark.parametrize("old", sorted(ALIASES))
def test_names_of_earlier_versions_still_mean_what_they_did(old):
    assert find(old).name == ALIASES[old]
