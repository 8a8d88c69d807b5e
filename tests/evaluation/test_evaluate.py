from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from colorcli.color import lab_to_rgb, merge, rgb_to_lab
from colorcli.engine import Colorizer
from colorcli.errors import ColorcliError, UsageError
from colorcli.evaluation import evaluate as module
from colorcli.evaluation.evaluate import evaluate, load_models
from colorcli.evaluation.metrics import measure
from colorcli.evaluation.protocols import Dataset, open_dataset
from colorcli.evaluation.realism import load_classifier
from colorcli.models.base import ColorModel


class Constant(ColorModel):
    """Every pixel gets the same ab."""

    default_size = 32

    def __init__(self, a: float, b: float) -> None:
        super().__init__()
        self.ab = torch.nn.Parameter(torch.tensor([float(a), float(b)]).view(1, 2, 1, 1))

    def predict_ab(self, L: torch.Tensor) -> torch.Tensor:
        return self.ab.expand(len(L), 2, *L.shape[-2:]).contiguous()


def colorizer(a: float = 10.0, b: float = 15.0) -> Colorizer:
    return Colorizer(Constant(a, b), device="cpu")


@pytest.fixture
def photos(tmp_path) -> Path:
    """Four photos, one of them in a subfolder, and a file that is none."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for i, name in enumerate(["a.png", "a.webp", "b.png", "more/c.png"]):
        crop = data.astronaut()[90 * i : 90 * i + 60, 100 : 100 + 50 + 10 * i]
        Image.fromarray(crop).save(folder / name, lossless=True)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a photo")
    return folder


@pytest.fixture
def cifar(tmp_path) -> Path:
    """Twelve CIFAR-10 test images cut from a photo."""
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    crops = [data.astronaut()[30 * i : 30 * i + 32, 200:232].transpose(2, 0, 1).ravel() for i in range(12)]
    records = np.column_stack([np.zeros(12, np.uint8), np.stack(crops)])
    (folder / "test_batch.bin").write_bytes(records.tobytes())
    return tmp_path


def values(row: module.ModelScores) -> dict[str, float]:
    return {name: score.value for name, score in row.scores.items()}


def test_rows_are_grey_truth_models(photos):
    result = evaluate(open_dataset(str(photos)), {"one": colorizer(), "two": colorizer(-20, 5)})
    assert [row.name for row in result.rows] == ["grey", "truth", "one", "two"]
    assert result.images == 4
    assert result.rows[0].images_per_second is None
    assert result.rows[2].images_per_second > 0
    assert result.rows[0].scores.keys() == result.rows[3].scores.keys()
    assert result.rows[1].scores.keys() == {"colourfulness"}


def test_files_that_are_no_photos_are_named(photos):
    Image.new("RGB", (6, 40)).save(photos / "slim.png")
    result = evaluate(open_dataset(str(photos)), {})
    assert [line.split(":")[0] for line in result.failed] == [str(photos / "broken.jpg"), str(photos / "slim.png")]


def test_a_folder_without_a_readable_photo_is_an_error(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no photo")
    with pytest.raises(ColorcliError, match=r"x\.png"):
        evaluate(open_dataset(str(tmp_path)), {})


def test_grey_of_a_photo_keeps_its_lightness_and_has_no_colour(photos):
    batch = next(iter(open_dataset(str(photos))))
    grey, truth = batch.grey[0], batch.truth[0]
    assert grey.dtype == torch.uint8
    assert (grey[:, 0] == grey[:, 1]).all()
    assert (grey[:, 0] == grey[:, 2]).all()
    assert (rgb_to_lab(grey / 255) - rgb_to_lab(truth / 255))[:, 0].abs().max() < 0.3


def test_photos_are_scored_as_the_files_that_a_user_gets(photos):
    one = colorizer()
    batch = next(iter(open_dataset(str(photos))))
    expected = measure(torch.from_numpy(one(batch.inputs[0]).pixels).permute(2, 0, 1)[None], batch.truth[0])
    row = evaluate(open_dataset(str(photos), limit=1), {"one": one}).rows[2]
    assert values(row)["psnr"] == pytest.approx(expected["psnr"].item())
    assert values(row)["ssim"] == pytest.approx(expected["ssim"].item())


def test_batches_of_photos_change_nothing(photos):
    alone, together = (
        evaluate(open_dataset(str(photos), batch_size=size), {"one": colorizer()}).rows[2] for size in (1, 3)
    )
    assert values(alone) == pytest.approx(values(together), rel=1e-5)


@pytest.mark.parametrize("pixels", [np.full((20, 20), 99, np.uint8), np.full((20, 20), 99 * 257, np.uint16)])
def test_grey_photos_count_as_their_own_truth(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "grey.png")
    row = values(evaluate(open_dataset(str(tmp_path)), {}).rows[0])
    assert row["psnr"] == 100
    assert np.isnan(row["colourfulness_ratio"])


def test_cifar10_is_scored_unrounded_from_its_exact_lightness(cifar):
    dataset = open_dataset("cifar10", data_root=cifar)
    truth = dataset.images / 255
    lab = rgb_to_lab(truth)
    lab[:, 1:] = 0
    row = values(evaluate(dataset, {}).rows[0])
    expected = measure(lab_to_rgb(lab), truth)
    assert row["pixel_accuracy_2"] == pytest.approx(expected["pixel_accuracy_2"].mean().item())
    assert row["psnr"] == pytest.approx(expected["psnr"].mean().item(), abs=1e-4)


def test_cifar10_model_with_the_true_colours_is_all_but_perfect(cifar):
    dataset = open_dataset("cifar10", data_root=cifar, batch_size=5)
    truth_ab = iter(rgb_to_lab(dataset.images / 255)[:, 1:].split(5))
    oracle = Constant(0, 0)
    first = next(truth_ab)
    calls = iter([first, first, *truth_ab])  # the first batch is coloured twice
    oracle.predict_ab = lambda L: next(calls)
    rows = evaluate(dataset, {"oracle": Colorizer(oracle, device="cpu")}).rows
    assert values(rows[2])["psnr"] > 60
    assert values(rows[2])["colourfulness_ratio"] == pytest.approx(1, abs=1e-3)
    assert values(rows[2])["colourfulness"] == pytest.approx(rows[1].scores["colourfulness"].value, rel=1e-3)


def test_cifar10_saturation_scales_ab(cifar):
    twice = 1.8125  # of a chroma of 10
    strong, plain = (Colorizer(Constant(10, 0), device="cpu", saturation=s) for s in (twice, 1.0))
    rows = evaluate(
        open_dataset("cifar10", data_root=cifar), {"strong": strong, "plain": plain, "as": colorizer(20, 0)}
    )
    scored = {row.name: values(row) for row in rows.rows}
    assert scored["strong"] == pytest.approx(scored["as"])
    assert scored["strong"]["colourfulness"] > 1.5 * scored["plain"]["colourfulness"]


def test_colours_that_are_not_numbers_stop_the_run(cifar):
    with pytest.raises(ColorcliError, match="not numbers"):
        evaluate(open_dataset("cifar10", data_root=cifar), {"bad": colorizer(float("nan"), 0)})


def test_limit_takes_the_first_images(cifar, photos):
    assert len(open_dataset("cifar10", data_root=cifar, limit=5)) == 5
    assert open_dataset(str(photos), limit=2).files == [photos / "a.png", photos / "a.webp"]


def test_progress_counts_images(cifar):
    seen = []
    evaluate(open_dataset("cifar10", data_root=cifar, batch_size=5), {}, on_progress=seen.append)
    assert seen == [5, 10, 12]


def test_samples_are_spread_over_the_dataset(cifar):
    dataset = open_dataset("cifar10", data_root=cifar, batch_size=5)
    samples = evaluate(dataset, {"one": colorizer()}, samples=3).samples
    assert list(samples) == ["grey", "one", "truth"]
    for kept, position in zip(samples["truth"], (2, 6, 10), strict=True):
        assert (kept == dataset.images[position].permute(1, 2, 0).numpy()).all()
    assert len(samples["one"]) == 3


def test_saved_images_are_the_scored_ones(photos, tmp_path):
    one = colorizer()
    evaluate(open_dataset(str(photos)), {"runs/one": one}, save_images=tmp_path / "out")
    folder = tmp_path / "out" / "runs_one"
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert names == ["a.png.png", "a.webp.png", "b.png", "more/c.png"]
    inputs = [photo for batch in open_dataset(str(photos)) for photo in batch.inputs]
    assert (np.asarray(Image.open(folder / "more" / "c.png")) == one(inputs[3]).pixels).all()
    assert not (tmp_path / "out" / "grey").exists()


def test_unknown_dataset_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="neither cifar10 nor a folder"):
        open_dataset(str(tmp_path / "nowhere"))


def fake_loader(label_of):
    def load(name="gan", *, task="photo", weights=None):
        model = Constant(0, 0)
        model.label = label_of(name, task, weights)
        return model

    return load


def test_models_are_named_by_label_and_loaded_for_the_dataset(monkeypatch):
    monkeypatch.setattr(module, "load_model", fake_loader(lambda name, task, weights: f"{name}@{task}"))
    assert list(load_models(["gan"], "cifar10")) == ["gan@cifar10"]
    assert list(load_models(["gan", "other"], "some/folder")) == ["gan@photo", "other@photo"]


def test_labels_that_clash_give_way_to_paths(monkeypatch):
    monkeypatch.setattr(module, "load_model", fake_loader(lambda name, task, weights: weights.stem))
    paths = [Path("run1/model.safetensors"), Path("run2/model.safetensors"), Path("x.safetensors"), Path("truth.st")]
    assert list(load_models(paths, "photos")) == [*map(str, paths[:2]), "x", "truth.st"]


def test_a_model_given_twice_is_refused():
    with pytest.raises(UsageError, match="given twice: gan"):
        load_models(["gan", "gan"], "cifar10")


def test_intervals_lie_around_values_and_are_drawn_alike(cifar):
    one, other = (evaluate(open_dataset("cifar10", data_root=cifar), {"one": colorizer()}).rows[2] for _ in range(2))
    assert all(s.low <= s.value <= s.high for name, s in one.scores.items() if name != "frechet")
    assert one.scores == other.scores


class Painter(ColorModel):
    """Predicts RGB: noise of its own, brighter than the input by `lift` L units."""

    predicts_rgb, noise = True, 3

    def __init__(self, lift: float) -> None:
        super().__init__()
        self.lift = lift

    def predict_rgb(self, L: torch.Tensor) -> torch.Tensor:
        ab = 20 * torch.randn(len(L), self.noise)[:, :2, None, None]
        return merge(L + self.lift, ab.expand(-1, -1, *L.shape[-2:]))

    def predict_ab(self, L: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        return rgb_to_lab(self.predict_rgb(L))[:, 1:]


def painter(lift: float = 0.0) -> Colorizer:
    return Colorizer(Painter(lift), device="cpu")


def by_name(dataset: Dataset, colorizers: dict[str, Colorizer], **options: int) -> dict[str, dict[str, float]]:
    return {row.name: values(row) for row in evaluate(dataset, colorizers, **options).rows}


def test_rgb_is_scored_with_L_put_back_and_as_it_comes(cifar):
    dataset = open_dataset("cifar10", data_root=cifar)
    rows = by_name(dataset, {"same": painter(), "bright": painter(20), "ab": colorizer()})
    assert list(rows) == ["grey", "truth", "same", "same (as RGB)", "bright", "bright (as RGB)", "ab"]
    assert rows["same"] == pytest.approx(rows["same (as RGB)"], abs=0.01)
    assert rows["bright"]["ssim"] > rows["bright (as RGB)"]["ssim"] + 0.05
    assert rows["bright"]["psnr"] > rows["bright (as RGB)"]["psnr"] + 1


def test_rgb_as_it_comes_keeps_its_saturation(cifar):
    grey = Colorizer(Painter(0), device="cpu", saturation=0)
    rows = by_name(open_dataset("cifar10", data_root=cifar), {"grey too": grey})
    assert rows["grey too"]["colourfulness"] < 0.1
    assert rows["grey too (as RGB)"]["colourfulness"] > 1


def test_photos_have_no_row_for_rgb_as_it_comes(photos):
    rows = by_name(open_dataset(str(photos), limit=1), {"rgb": painter(20)})
    assert list(rows) == ["grey", "truth", "rgb"]


def test_rgb_that_is_no_number_stops_the_run(cifar):
    broken = painter()
    broken.model.predict_ab = lambda L: torch.zeros(len(L), 2, 32, 32)
    broken.model.predict_rgb = lambda L: torch.full((len(L), 3, 32, 32), float("nan"))
    with pytest.raises(ColorcliError, match="not numbers"):
        evaluate(open_dataset("cifar10", data_root=cifar), {"bad": broken})


def test_a_seed_draws_the_same_noise_whatever_else_is_measured(cifar):
    dataset = open_dataset("cifar10", data_root=cifar, batch_size=5)
    alone = by_name(dataset, {"it": painter()}, seed=7)
    beside = by_name(dataset, {"other": painter(), "it": painter()}, seed=7)
    assert alone["it"] == beside["it"]
    assert alone["it"] != by_name(dataset, {"it": painter()}, seed=8)["it"]


def test_batches_draw_noise_of_their_own_and_leave_the_callers_generator(cifar):
    seen = []
    model = painter()
    model.model.predict_ab = lambda L: seen.append(torch.randn(1).item()) or torch.zeros(len(L), 2, 32, 32)
    torch.manual_seed(3)
    expected = torch.randn(1)
    torch.manual_seed(3)
    evaluate(open_dataset("cifar10", data_root=cifar, batch_size=5), {"it": model})
    assert seen[0] == seen[1]  # the first batch is coloured twice
    assert len(set(seen)) == 3
    assert torch.randn(1) == expected


def test_cifar10_rows_say_what_the_classifier_makes_of_them(cifar):
    result = evaluate(open_dataset("cifar10", data_root=cifar, batch_size=5), {"one": colorizer()})
    grey, truth, one = (row.scores for row in result.rows)
    assert list(truth) == ["colourfulness", "top1", "frechet"]
    assert all(0 <= row["top1"].low <= row["top1"].value <= row["top1"].high <= 1 for row in (grey, truth, one))
    assert truth["frechet"].value == pytest.approx(0, abs=1e-4)
    assert 0.01 < grey["frechet"].value != one["frechet"].value
    assert np.isnan([one["frechet"].low, one["frechet"].high]).all()


def test_the_truth_is_told_as_the_classifier_tells_it(cifar):
    dataset = open_dataset("cifar10", data_root=cifar, batch_size=5)
    with torch.no_grad():
        dataset.labels[:] = load_classifier()(dataset.images / 255).argmax(1)
    dataset.labels[:3] = (dataset.labels[:3] + 1) % 10
    assert values(evaluate(dataset, {}).rows[1])["top1"] == 0.75


def test_photos_are_not_shown_to_the_classifier(photos):
    result = evaluate(open_dataset(str(photos)), {})
    assert not {"top1", "frechet"} & result.rows[0].scores.keys()


def test_all_are_the_weights_for_the_task_that_are_there():
    assert list(load_models(["all"], "photos")) == ["gan@photo", "gan@photo-faithful"]
    assert "classifier@cifar10" not in load_models(["all"], "cifar10")
