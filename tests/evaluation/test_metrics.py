import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage import color as skcolor
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from colorcli.bins import ab_bins
from colorcli.color import lab_to_rgb, rgb_to_lab
from colorcli.evaluation import metrics
from colorcli.evaluation.metrics import MetricSums, ciede2000, colourfulness, measure, ssim


def images(count: int = 3, height: int = 41, width: int = 50) -> torch.Tensor:
    """Crops of a real photo, uint8 (B, 3, H, W)."""
    photo = torch.from_numpy(data.astronaut()).permute(2, 0, 1)
    return torch.stack([photo[:, 60 * i : 60 * i + height, 90 * i : 90 * i + width] for i in range(count)])


def noisy(real: torch.Tensor, spread: float = 30) -> torch.Tensor:
    noise = torch.randn(real.shape, generator=torch.Generator().manual_seed(1)) * spread
    return (real + noise).round().clamp(0, 255).byte()


def flat(*rgb: float, size: int = 8) -> torch.Tensor:
    return torch.tensor(rgb).view(1, 3, 1, 1).expand(1, 3, size, size)


def channels_last(rgb: torch.Tensor) -> np.ndarray:
    return rgb.permute(0, 2, 3, 1).numpy()


def test_pixel_accuracy_wants_all_three_channels_at_once():
    real = torch.full((1, 3, 8, 8), 100, dtype=torch.uint8)
    pred = real.clone()
    pred[:, :, :4] += 6  # beyond 2% (5.1 levels), within 5%
    pred[:, 0, :, :2] += 13  # red beyond 5% (12.75 levels) in a quarter of the columns
    values = measure(pred, real)
    assert values["pixel_accuracy_2"].item() == pytest.approx(4 * 6 / 64)
    assert values["pixel_accuracy_5"].item() == pytest.approx(8 * 6 / 64)
    assert values["pixel_accuracy_5_r"].item() == pytest.approx(8 * 6 / 64)
    assert values["pixel_accuracy_2_g"].item() == values["pixel_accuracy_2_b"].item() == pytest.approx(0.5)
    assert values["pixel_accuracy_5_g"].item() == 1


@pytest.mark.parametrize(("levels", "within"), [(5, 1), (6, 0)])
def test_two_percent_lies_between_five_and_six_levels(levels, within):
    real = torch.full((1, 3, 8, 8), 200, dtype=torch.uint8)
    assert measure(real - levels, real)["pixel_accuracy_2"].item() == within


def test_psnr_equals_skimage_and_does_not_wrap():
    real = images()
    pred = noisy(real)
    expected = [peak_signal_noise_ratio(r, p) for r, p in zip(real.numpy(), pred.numpy(), strict=True)]
    assert measure(pred, real)["psnr"].numpy() == pytest.approx(expected, abs=1e-4)


def test_equal_images_count_as_100_decibel():
    values = measure(images(), images())
    assert values["psnr"].tolist() == [100, 100, 100]
    assert values["ssim"].numpy() == pytest.approx(1)
    assert values["ab_auc"].tolist() == [1, 1, 1]
    assert values["ciede2000"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("spread", [3, 30])
def test_ssim_equals_skimage(spread):
    real = images()
    pred = noisy(real, spread)
    pairs = zip(channels_last(pred), channels_last(real), strict=True)
    expected = [structural_similarity(p / 255, r / 255, channel_axis=2, data_range=1) for p, r in pairs]
    assert ssim(pred, real).numpy() == pytest.approx(expected, abs=1e-5)


def test_ssim_of_flat_images_equals_skimage():
    real, pred = flat(0.9, 0.2, 0.1), flat(0.88, 0.25, 0.1)
    expected = structural_similarity(channels_last(pred)[0], channels_last(real)[0], channel_axis=2, data_range=1)
    assert ssim(pred, real).item() == pytest.approx(expected, abs=1e-4)


def test_ssim_refuses_images_below_its_window():
    with pytest.raises(ValueError, match="7 x 7"):
        ssim(torch.zeros(1, 3, 6, 20), torch.zeros(1, 3, 6, 20))


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="shapes differ"):
        measure(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 9))


def test_bands_change_nothing(monkeypatch):
    real = images()
    pred = noisy(real)
    whole = measure(pred, real)
    monkeypatch.setattr(metrics, "PIXELS_AT_ONCE", 3 * 50 * 4)  # bands of four rows
    banded = measure(pred, real)
    assert {n: v.numpy() for n, v in banded.items()} == {
        n: pytest.approx(v.numpy(), rel=1e-5) for n, v in whole.items()
    }


def test_floats_and_bytes_measure_the_same():
    real = images()
    pred = noisy(real)
    floats = measure(pred / 255, real / 255)
    assert {n: v.numpy() for n, v in floats.items()} == {
        n: pytest.approx(v.numpy(), rel=1e-4) for n, v in measure(pred, real).items()
    }


# Sharma, Wu and Dalal 2005, table 1: pairs chosen for the formula's corners
SHARMA = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, -0.001, 2.49), (50, 0.0011, -2.49), 4.7461),
    ((50, 2.5, 0), (61, -5, 29), 22.8977),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((90.9257, -0.5406, -0.9208), (88.6381, -0.8985, -0.7239), 1.5381),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("one", "two", "expected"), SHARMA)
def test_ciede2000_of_published_pairs(one, two, expected):
    pair = [torch.tensor(c, dtype=torch.float64).view(3, 1, 1) for c in (one, two)]
    assert ciede2000(*pair).item() == pytest.approx(expected, abs=5e-5)
    assert ciede2000(*reversed(pair)).item() == pytest.approx(expected, abs=5e-5)


def test_ciede2000_equals_skimage_all_over_rgb():
    rgb = torch.rand(2, 3, 200, 100, generator=torch.Generator().manual_seed(0))
    rgb[:, :, :20] = rgb[:, :1, :20]  # some of it grey
    lab = rgb_to_lab(rgb)
    expected = skcolor.deltaE_ciede2000(*channels_last(lab.double()))
    assert ciede2000(lab[0], lab[1]).numpy() == pytest.approx(expected, abs=2e-3)
    assert ciede2000(*lab.double()).numpy() == pytest.approx(expected, abs=1e-9)


def test_ab_metrics_equal_a_sweep_over_thresholds():
    real = images(1)
    pred = noisy(real)
    labs = [skcolor.rgb2lab(channels_last(x)[0]) for x in (pred, real)]
    distance = np.hypot(*np.moveaxis((labs[0] - labs[1])[..., 1:], -1, 0))
    area = np.mean([(distance <= t).mean() for t in range(151)])
    values = measure(pred, real)
    assert values["ab_auc"].item() == pytest.approx(area, abs=1e-4)
    assert values["ab_error"].item() == pytest.approx(distance.mean(), abs=1e-3)


@pytest.mark.parametrize(("distance", "area"), [(0, 1), (0.5, 150 / 151), (1, 150 / 151), (150, 1 / 151), (151, 0)])
def test_ab_auc_of_one_distance(distance, area):
    assert metrics.ab_auc(torch.tensor([float(distance)])).item() == pytest.approx(area)


def test_colourfulness_is_signed():
    half = torch.zeros(1, 3, 10, 10, dtype=torch.uint8)
    half[:, 0, :5] = 255 // 2
    half[:, 1, 5:] = 255 // 2
    spread, mean = 127.0, 127 / 2  # rg is +-127, yb is 63.5 everywhere
    assert colourfulness(half).item() == pytest.approx(spread + 0.3 * mean)
    assert colourfulness(half / 255).item() == pytest.approx(spread + 0.3 * mean, rel=1e-5)


def test_colourfulness_by_hand():
    assert colourfulness(flat(0.4, 0.4, 0.4)).item() == 0
    assert colourfulness(flat(1, 0, 0)).item() == pytest.approx(0.3 * math.hypot(255, 127.5))
    rgb = data.astronaut().astype(float)
    rg, yb = rgb[..., 0] - rgb[..., 1], rgb[..., :2].mean(-1) - rgb[..., 2]
    expected = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
    whole = torch.from_numpy(data.astronaut()).permute(2, 0, 1)[None]
    assert colourfulness(whole).item() == pytest.approx(expected, rel=1e-5)


def scored(pred: torch.Tensor, real: torch.Tensor, batch: int, **options: int) -> dict[str, metrics.Score]:
    scores = MetricSums()
    for start in range(0, len(real), batch):
        scores.add(measure(pred[start : start + batch], real[start : start + batch]))
    return scores.finish(**options)


def test_scores_do_not_depend_on_the_batches():
    real = images(4)
    pred = noisy(real)
    one, two = scored(pred, real, 4), scored(pred, real, 3)
    assert {n: s.value for n, s in one.items()} == pytest.approx({n: s.value for n, s in two.items()}, rel=1e-5)


def test_pooled_psnr_is_that_of_the_mean_error():
    real = torch.full((2, 3, 8, 8), 0.5)
    pred = real + torch.tensor([0.1, 0.3]).view(2, 1, 1, 1)
    scores = scored(pred, real, 2)
    assert scores["psnr"].value == pytest.approx((20 - 20 * math.log10(0.3)) / 2, abs=1e-4)
    assert scores["psnr_pooled"].value == pytest.approx(-10 * math.log10((0.01 + 0.09) / 2), abs=1e-4)


def test_pooled_psnr_weighs_images_by_their_pixels():
    scores = MetricSums()
    for size, error in ((8, 0.1), (24, 0.3)):
        real = torch.full((1, 3, size, size), 0.5)
        scores.add(measure(real + error, real))
    expected = -10 * math.log10((0.01 * 64 + 0.09 * 576) / 640)
    assert scores.finish()["psnr_pooled"].value == pytest.approx(expected, abs=1e-4)


def test_colourfulness_ratio_is_one_of_means():
    real = torch.cat([flat(1, 0, 0), flat(0, 0, 1)])
    pred = torch.cat([flat(0.5, 0, 0), flat(0, 0, 1)])
    parts = [0.3 * math.hypot(255, 127.5), 0.3 * 255]
    scores = scored(pred, real, 2)
    assert scores["colourfulness_ratio"].value == pytest.approx((parts[0] / 2 + parts[1]) / sum(parts), rel=1e-5)
    assert math.isnan(scored(flat(1, 0, 0), flat(0, 0, 0), 1)["colourfulness_ratio"].value)


def test_intervals_cover_the_value_repeat_and_narrow():
    generator = torch.Generator().manual_seed(3)
    real = torch.rand(400, 3, 7, 7, generator=generator)
    pred = (real + 0.2 * torch.rand(400, 1, 1, 1, generator=generator)).clamp(0, 1)
    few, many = scored(pred[:40], real[:40], 40), scored(pred, real, 400)
    assert many == scored(pred, real, 400)
    assert all(s.low <= s.value <= s.high for s in many.values())
    assert many["psnr"].high - many["psnr"].low < 0.5 * (few["psnr"].high - few["psnr"].low)


def test_interval_of_a_mean_is_the_textbook_one():
    values = torch.randn(2000, generator=torch.Generator().manual_seed(5)).double()
    scores = MetricSums()
    ones = torch.ones(2000)
    scores.add(
        {
            "x": values,
            "squared_error": ones,
            "samples": ones,
            "colourfulness": ones,
            "true_colourfulness": ones,
        }
    )
    score = scores.finish(resamples=2000)["x"]
    half = 1.96 * values.std().item() / math.sqrt(2000)
    assert score.high - score.low == pytest.approx(2 * half, rel=0.08)


def test_no_images_no_scores():
    with pytest.raises(ValueError, match="no images"):
        MetricSums().finish()


def test_balanced_auc_counts_every_colour_alike():
    bins = ab_bins(40)
    lab = torch.tensor([60.0, 0, 0])[:, None, None].repeat(1, 8, 8)
    lab[1:, 0, 0] = torch.tensor([40.0, 40.0])
    real = lab_to_rgb(lab)[None]
    common, rare = bins.encode_hard(rgb_to_lab(real)[:, 1:])[0, [1, 0], [1, 0]].tolist()
    prior = np.zeros(len(bins))
    prior[[common, rare]] = 63 / 64, 1 / 64
    grey = lab_to_rgb(torch.cat([lab[:1], torch.zeros(2, 8, 8)]))[None]
    found = measure(grey, real, replace(bins, prior=prior))
    missed = (151 - math.ceil(rgb_to_lab(real)[0, 1:, 0, 0].norm().item())) / 151
    assert finished(found)["ab_auc_balanced"].value == pytest.approx((1 + missed) / 2, abs=0.005)
    assert "ab_auc_balanced" not in finished(measure(grey, real))


def finished(values):
    scores = MetricSums()
    scores.add(values)
    return scores.finish()
