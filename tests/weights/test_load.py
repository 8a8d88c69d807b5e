import hashlib
import json
import os
import pickle
import stat
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save, save_file
from weights_kit import Toy, item, register_toy, save_toy, use_manifest

from colorcli.errors import UsageError, VerificationError, WeightsMissing
from colorcli.models.catalog import MODELS
from colorcli.weights.load import load_model, read_verified
from colorcli.weights.manifest import entries
from colorcli.weights.weightsfile import save_weights

META = {"format": "colorcli/1", "model": "toy", "config": "{}", "size": "128", "saturation": "1.0"}
URL = {"type": "url", "url": "https://example.org/toy.bin", "file": "toy.safetensors"}


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    register_toy(monkeypatch)


@pytest.fixture
def file(tmp_path):
    """A good weights file."""
    save_toy(tmp_path / "mine.safetensors")
    return tmp_path / "mine.safetensors"


@pytest.fixture
def bundled(monkeypatch, tmp_path, file):
    """A manifest with these weights bundled as toy@photo; their path."""
    use_manifest(monkeypatch, tmp_path, item(file.read_bytes()))
    return file.rename(entries()[0].path)


def tensors():
    return {name: t.half() if t.is_floating_point() else t for name, t in Toy().state_dict().items()}


def refusal(path):
    """The message with which `path` is refused; it names the file."""
    with pytest.raises(VerificationError) as error:
        load_model(weights=path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_saved_network_comes_back_the_same(tmp_path):
    saved = save_toy(tmp_path / "a.safetensors").state_dict()
    loaded = load_model(weights=tmp_path / "a.safetensors").state_dict()
    assert all(torch.equal(saved[name], loaded[name]) for name in saved | loaded)
    assert {t.dtype for t in loaded.values()} == {torch.float32, torch.int64}


def test_a_file_alone_says_how_it_is_used(tmp_path):
    path = tmp_path / "mine.safetensors"
    save_toy(path, size="192", saturation="1.25", config='{"width": 3}')
    model = load_model(weights=path)
    assert (model.label, model.default_size, model.default_saturation, model.detail) == ("mine", 192, 1.25, 1)
    assert model.weights_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert model.config == {"width": 3}
    assert not model.training


def test_what_save_leaves_out_comes_from_the_model(tmp_path):
    toy = Toy(width=2)
    toy.default_size, toy.default_saturation, toy.detail = 96, 1.5, 0.75
    save_weights(tmp_path / "a.safetensors", toy, {"model": "toy"})
    model = load_model(weights=tmp_path / "a.safetensors")
    assert (model.config, model.default_size, model.default_saturation, model.detail) == ({"width": 2}, 96, 1.5, 0.75)


def test_files_hold_half_precision_and_integers_as_they_are(file):
    assert {t.dtype for t in load(file.read_bytes()).values()} == {torch.float16, torch.int64}


def test_a_tensor_in_half_precision_is_saved_without_sharing(tmp_path):
    toy = Toy().half()
    toy.norm.bias = toy.norm.weight  # two names for one tensor
    save_weights(tmp_path / "a.safetensors", toy, {"model": "toy"})
    assert torch.equal(load_model(weights=tmp_path / "a.safetensors").norm.bias, torch.ones(3))


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_saved_files_follow_the_umask(tmp_path):
    old = os.umask(0o022)
    try:
        save_toy(tmp_path / "a.safetensors")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.safetensors").stat().st_mode) == 0o644


def test_values_too_large_for_half_precision_are_kept_in_float32(tmp_path):
    toy = Toy()
    torch.nn.init.constant_(toy.conv.bias, 1e6)
    save_weights(tmp_path / "a.safetensors", toy, {"model": "toy"})
    assert load_model(weights=tmp_path / "a.safetensors").conv.bias.eq(1e6).all()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_not_saved(tmp_path, file, value):
    before, toy = file.read_bytes(), Toy()
    torch.nn.init.constant_(toy.conv.bias, value)
    with pytest.raises(VerificationError, match=r"'conv\.bias'"):
        save_weights(file, toy, {"model": "toy"})
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("metadata", [{}, {"model": "no"}, {"model": "toy", "size": "x"}])
def test_metadata_that_could_not_be_read_back_is_not_saved(tmp_path, metadata):
    with pytest.raises(VerificationError):
        save_weights(tmp_path / "a.safetensors", Toy(), metadata)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"format": "pt"}, "not a colorcli weights file (metadata format is 'pt'"),
        ({"model": "no"}, "made for the model 'no', which this colorcli does not know (it knows "),
        ({"config": "{"}, "broken metadata"),
        ({"config": "[1]"}, "config is not a JSON object"),
        ({"config": "[" * 100_000}, "broken metadata"),
        ({"config": '{"width": 4}'}, "tensors do not fit"),
        ({"config": '{"width": -1}'}, "its config does not fit the model 'toy'"),
        ({"config": '{"depth": 4}'}, "its config does not fit the model 'toy'"),
        ({"size": "big"}, "broken metadata"),
        ({"size": "0"}, "out of range"),
        ({"saturation": "nan"}, "out of range"),
        ({"saturation": "-1"}, "out of range"),
        ({"detail": "1.5"}, "out of range"),
    ],
)
def test_broken_metadata_is_named(tmp_path, changes, problem):
    save_file(tensors(), tmp_path / "a.safetensors", META | changes)
    assert problem in refusal(tmp_path / "a.safetensors")


@pytest.mark.parametrize("key", ["config", "size", "saturation"])
def test_missing_metadata_is_named(tmp_path, key):
    save_file(tensors(), tmp_path / "a.safetensors", {k: v for k, v in META.items() if k != key})
    assert f"broken metadata: '{key}' is missing" in refusal(tmp_path / "a.safetensors")


def test_a_safetensors_file_of_others_is_named(tmp_path):
    save_file(tensors(), tmp_path / "a.safetensors")
    assert "not a colorcli weights file (metadata format is 'missing'" in refusal(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"conv.bias": None}, "1 missing (conv.bias)"),
        ({"extra": torch.zeros(1)}, "1 unexpected (extra)"),
        ({"conv.bias": torch.zeros(4)}, "1 of another shape (conv.bias 4 instead of 3)"),
        ({"conv.bias": torch.zeros(3, dtype=torch.int32)}, "(conv.bias 3 int32 instead of 3)"),
        (dict.fromkeys(["conv.weight", "conv.bias", "norm.weight", "norm.bias"]), "4 missing (conv.weight, conv.b"),
    ],
)
def test_tensors_of_another_network_are_named(tmp_path, change, problem):
    kept = {name: tensor for name, tensor in (tensors() | change).items() if tensor is not None}
    save_file(kept, tmp_path / "a.safetensors", META)
    assert problem in refusal(tmp_path / "a.safetensors")


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_the_first_tensor_that_is_not_finite_is_named(tmp_path, value):
    broken = tensors()
    broken["norm.weight"][1] = broken["norm.bias"][2] = value
    save_file(broken, tmp_path / "a.safetensors", META)
    assert "'norm.weight' has values that are NaN or infinite" in refusal(tmp_path / "a.safetensors")


def test_beyond_float32_is_not_finite(tmp_path):
    save_file(tensors() | {"conv.bias": torch.full((3,), 1e300, dtype=torch.float64)}, tmp_path / "a", META)
    assert "'conv.bias' has values that are NaN or infinite" in refusal(tmp_path / "a")


def test_every_truncation_is_refused(tmp_path, file):
    data = file.read_bytes()
    for length in [0, 1, 7, 8, 9, 100, len(data) // 2, len(data) - 1]:
        file.write_bytes(data[:length])
        assert "safetensors" in refusal(file)


def test_bytes_after_the_end_are_refused(file):
    file.write_bytes(file.read_bytes() + b"\0")
    assert "not a safetensors file" in refusal(file)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff" * 64, "its header would take 18,446,744,073,709,551,615 bytes"),
        ((10**8).to_bytes(8, "little") + b"{}", "a header of 100,000,000 bytes in 10"),
        (b"GIF89a" + bytes(100), "its header would take"),
        ((2).to_bytes(8, "little") + b"{]", "damaged or not a safetensors file"),
        (pickle.dumps(list(range(100)), protocol=2), "a pickle"),
    ],
)
def test_other_files_are_named(tmp_path, content, problem):
    (tmp_path / "a.safetensors").write_bytes(content)
    assert problem in refusal(tmp_path / "a.safetensors")


def test_a_pth_file_is_named_and_never_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    torch.save({"x": Trap()}, tmp_path / "a.pth")
    assert "a pickle, as torch.save writes it" in refusal(tmp_path / "a.pth")
    assert not (tmp_path / "sprung").exists()


def test_a_dtype_that_torch_lacks_is_refused(tmp_path):
    header = json.dumps({"__metadata__": META, "x": {"dtype": "F6_E2M3", "shape": [4], "data_offsets": [0, 3]}})
    (tmp_path / "a").write_bytes(len(header).to_bytes(8, "little") + header.encode() + b"abc")
    assert "damaged or not a safetensors file" in refusal(tmp_path / "a")


def test_a_folder_is_named(tmp_path):
    assert "a folder or device" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "a folder or device" in refusal(tmp_path / "pipe")


def test_a_file_that_may_not_be_read(file, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert "cannot be read: Permission denied" in refusal(file)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"no\.safetensors: no such weights file"):
        load_model(weights=tmp_path / "no.safetensors")


def test_a_path_works_where_a_name_does(file, monkeypatch):
    assert load_model(str(file)).label == "mine"
    monkeypatch.chdir(file.parent)
    assert load_model("mine.safetensors").label == "mine"


@pytest.mark.parametrize("name", ["toy", "toy@photo"])
def test_a_name_loads_its_weights(bundled, name):
    model = load_model(name)
    assert model.label == "toy@photo"
    assert model.weights_sha256 == entries()[0].sha256


def test_loading_draws_no_random_values(file):
    before = torch.get_rng_state()
    load_model(weights=file)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_plain_name_depends_on_the_task(bundled):
    with pytest.raises(UsageError, match="no default weights for the task cifar10"):
        load_model("toy", task="cifar10")


def test_one_changed_bit_is_found(bundled):
    data = bytearray(bundled.read_bytes())
    data[-1] ^= 1
    bundled.write_bytes(data)
    load_model(weights=bundled)  # as a file it is as good as any
    with pytest.raises(VerificationError, match=r"SHA-256 is not that of toy@photo.*install colorcli again"):
        load_model("toy")


def test_a_header_that_changed_says_how_to_mend_it(bundled):
    bundled.write_bytes(bundled.read_bytes().replace(b"conv.bias", b"conv.bibs"))
    with pytest.raises(VerificationError, match="SHA-256 is not that of toy@photo"):
        load_model("toy")
    bundled.write_bytes(bundled.read_bytes().replace(b'"F16"', b'"F99"'))
    with pytest.raises(VerificationError, match="of the type 'F99': damaged or changed; install colorcli again"):
        load_model("toy")


def test_another_size_is_named(bundled):
    size = bundled.stat().st_size
    bundled.write_bytes(bundled.read_bytes()[:-1])
    with pytest.raises(VerificationError, match=f"{size - 1:,} bytes, but toy@photo has {size:,}"):
        load_model("toy")


def test_weights_of_another_model_than_listed(monkeypatch, tmp_path):
    data = save(tensors(), META | {"model": "gan"})
    use_manifest(monkeypatch, tmp_path, item(data))
    entries()[0].path.write_bytes(data)
    with pytest.raises(VerificationError, match="weights of the model 'gan', not of 'toy'"):
        load_model("toy")


def test_missing_bundled_weights(bundled):
    bundled.unlink()
    with pytest.raises(WeightsMissing, match="comes with colorcli: install colorcli again"):
        load_model("toy")


def test_missing_weights_say_which_file_to_put_where(monkeypatch, tmp_path):
    use_manifest(monkeypatch, tmp_path, item(source=URL))
    with pytest.raises(WeightsMissing) as error:
        load_model("toy")
    where = tmp_path / "cache" / "toy@photo" / "toy.safetensors"
    for part in ("'colorcli models pull toy@photo'", "https://example.org/toy.bin", f"put it at {where}"):
        assert part in str(error.value)


def test_pulled_weights_that_are_damaged_say_how_to_mend_them(monkeypatch, tmp_path):
    use_manifest(monkeypatch, tmp_path, item(b"good", source=URL))
    entries()[0].path.parent.mkdir(parents=True)
    entries()[0].path.write_bytes(bytes(8) + b"x")
    with pytest.raises(VerificationError, match="run 'colorcli models pull toy@photo'"):
        read_verified(entries()[0])


@pytest.mark.parametrize("name", ["scribbles", "transfer"])
def test_a_system_without_weights_is_ready_at_once(name, monkeypatch, tmp_path):
    use_manifest(monkeypatch, tmp_path)
    model = load_model(name)
    assert (model.label, model.weights_sha256, model.needs) == (name, "", MODELS[name].needs)
