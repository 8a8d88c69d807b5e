import json

import pytest
import torch
from skimage import data

from colorcli.errors import UsageError, VerificationError
from colorcli.evaluation.realism import load_classifier
from colorcli.models.classifier import Classifier
from colorcli.weights.load import load_model
from colorcli.weights.manifest import entries, find
from colorcli.weights.weightsfile import load_file, save_weights


def small() -> Classifier:
    torch.manual_seed(0)
    return Classifier(widths=[8, 16], blocks=[1, 1]).eval()


def test_features_are_the_last_level_and_logits_one_a_class():
    rgb = torch.rand(3, 3, 32, 32)
    assert small().features(rgb).shape == (3, 16)
    assert small()(rgb).shape == (3, 10)


def test_width_scales_all_levels():
    assert Classifier(width=16).config["widths"] == [16, 32, 64]


def test_weights_survive_the_file(tmp_path):
    model, rgb = small(), torch.rand(2, 3, 32, 32)
    save_weights(tmp_path / "it.safetensors", model, {"model": "classifier"})
    loaded = load_file(tmp_path / "it.safetensors", colours=False)
    assert torch.allclose(loaded(rgb), model(rgb), atol=2e-3)


def test_it_is_refused_where_a_colorizer_is_wanted(tmp_path):
    save_weights(tmp_path / "it.safetensors", small(), {"model": "classifier"})
    for name in ("classifier", "classifier@cifar10", str(tmp_path / "it.safetensors")):
        with pytest.raises(UsageError, match="'classifier' does not colour photos"):
            load_model(name, task="cifar10")


def test_the_bundled_one_is_small_and_sees_colours():
    classifier = load_classifier()
    assert classifier.label == "classifier@cifar10"
    assert sum(p.numel() for p in classifier.parameters()) <= 1_000_000
    assert find("classifier", "cifar10").size <= 2 * 2**20
    rgb = torch.from_numpy(data.astronaut()[:32, :32] / 255).float().permute(2, 0, 1)[None]
    with torch.no_grad():
        assert not torch.allclose(classifier(rgb), classifier(rgb.flip(1)), atol=0.1)


def test_its_file_says_how_it_was_made():
    content = find("classifier", "cifar10").path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    assert metadata["model"] == "classifier"
    assert metadata["command"].startswith("colorcli train classifier --data cifar10")


def test_a_changed_file_is_refused(monkeypatch, tmp_path):
    entry = find("classifier", "cifar10")
    content = bytearray(entry.path.read_bytes())
    content[-1] ^= 1
    (tmp_path / entry.source.file).write_bytes(content)
    monkeypatch.setattr("colorcli.weights.manifest.BUNDLED", tmp_path)
    assert find("classifier", "cifar10") in entries()
    with pytest.raises(VerificationError, match="SHA-256"):
        load_classifier()
