import pytest
import torch

from colorcli.evaluation import realism
from colorcli.evaluation.realism import Moments, Recognition, frechet_distance
from colorcli.models.classifier import Classifier


@pytest.fixture
def classifier(monkeypatch) -> Classifier:
    torch.manual_seed(0)
    model = Classifier(widths=[8, 16], blocks=[1, 1]).eval()
    monkeypatch.setattr(realism, "load_classifier", lambda: model)
    return model


def pictures(seed: int, count: int = 6) -> torch.Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def test_top1_is_whether_the_highest_logit_is_the_label_s(classifier):
    rgb = pictures(1)
    with torch.no_grad():
        told = classifier(rgb).argmax(1)
    labels = told.clone()
    labels[2:] = (told[2:] + 1) % 10
    right = Recognition(torch.device("cpu")).see("row", rgb, labels)
    assert right.dtype == torch.float64
    assert right.tolist() == [1, 1, 0, 0, 0, 0]


def test_bytes_are_seen_as_the_colours_they_stand_for(classifier):
    rgb = (pictures(1) * 255).round()
    it = Recognition(torch.device("cpu"))
    it.see("bytes", rgb.to(torch.uint8), torch.zeros(6))
    it.see("floats", rgb / 255, torch.zeros(6))
    assert it.frechet("bytes", "floats") == pytest.approx(0, abs=1e-5)


def test_distance_is_that_of_all_features_seen(classifier):
    it, one, other = Recognition(torch.device("cpu")), pictures(1), pictures(2) / 2
    for part in one.split(4):
        it.see("one", part, torch.zeros(len(part)))
    it.see("other", other, torch.zeros(6))
    expected = Moments(), Moments()
    with torch.no_grad():
        for moments, rgb in zip(expected, (one, other), strict=True):
            moments.add(classifier.features(rgb))
    assert it.frechet("one", "other") == pytest.approx(frechet_distance(*expected), rel=1e-3)
    assert it.frechet("one", "other") > 0.01
