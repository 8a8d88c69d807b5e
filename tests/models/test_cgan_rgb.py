"""The generator of the four rungs of paper 004, small."""

from pathlib import Path

import numpy as np
import pytest
import torch

from colorcli.color import rgb_to_L, rgb_to_lab
from colorcli.engine import Colorizer
from colorcli.models.catalog import MODELS, build
from colorcli.models.cgan_rgb import CganRgb, luma
from colorcli.photo import Photo
from colorcli.weights.load import load_model
from colorcli.weights.weightsfile import save_weights

GOLDEN = Path(__file__).parents[1] / "golden" / "cgan-rgb.npz"
RUNGS = sorted(name for name, spec in MODELS.items() if spec.samples)


def small(name="cgan-rgb") -> CganRgb:
    torch.manual_seed(0)
    return build(name, width=8).eval()


def ramp(height=16, width=24) -> torch.Tensor:
    return torch.linspace(0, 100, height * width).view(1, 1, height, width)


def test_the_weights_of_grey_sum_to_one():
    assert luma(torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1)).item() == pytest.approx(0.2125 + 0.3577)
    assert luma(torch.full((1, 3, 1, 1), 0.3)).item() == pytest.approx(0.3)


@pytest.mark.parametrize("name", RUNGS)
@pytest.mark.parametrize("shape", [(32, 32), (16, 24), (40, 72)])
def test_any_multiple_of_eight_is_coloured(name, shape, inference):
    model = small(name)
    assert model(torch.rand(2, 1, *shape), torch.randn(2, model.noise)).shape == (2, 3, *shape)
    assert model.predict_ab(torch.rand(2, 1, *shape) * 100).shape == (2, 2, *shape)


@pytest.mark.parametrize("name", RUNGS)
def test_networks_are_small_enough_for_their_weights_file(name):
    assert sum(p.numel() for p in build(name).parameters()) < 2_000_000


def test_the_network_sees_the_grey_of_a_grey_picture(inference):
    model, seen = small(), []
    model.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    grey = torch.rand(1, 1, 8, 8)
    model.predict_rgb(rgb_to_L(grey.expand(-1, 3, -1, -1)))
    torch.testing.assert_close(seen[0], grey, atol=1e-4, rtol=0)


def test_ab_is_that_of_the_picture(inference):
    model, noise = small(), torch.ones(1, 16)
    rgb = model.predict_rgb(ramp(), noise)
    assert rgb.amin() >= 0 and rgb.amax() <= 1
    torch.testing.assert_close(model.predict_ab(ramp(), noise), rgb_to_lab(rgb)[:, 1:])


@pytest.mark.parametrize("name", ["cgan-rgb", "cgan-rgb-ed"])
def test_noise_comes_from_torchs_generator_and_changes_the_colours(name, inference):
    model = small(name)
    torch.manual_seed(1)
    one, other = model.predict_ab(ramp()), model.predict_ab(ramp())
    torch.manual_seed(1)
    assert torch.equal(model.predict_ab(ramp()), one) and not torch.equal(one, other)


def test_without_skips_the_finest_level_is_not_seen(inference):
    """All that the encoder-decoder knows passes through the coarsest level."""
    grey, noise = torch.rand(1, 1, 16, 16), torch.zeros(1, 16)
    for name, told in (("cgan-rgb", True), ("cgan-rgb-ed", False)):
        model = small(name)
        model.down[-1].register_forward_hook(lambda module, inputs, output: torch.zeros_like(output))
        assert torch.equal(model(grey, noise), model(1 - grey, noise)) is not told


def test_bfloat16(inference):
    ab = small().bfloat16().predict_ab(ramp().bfloat16(), torch.ones(1, 16))
    assert ab.dtype == torch.bfloat16 and ab.isfinite().all()


@pytest.mark.parametrize("name", ["cgan-rgb", "cgan-rgb-ed"])
def test_weights_come_back(name, tmp_path, inference):
    model, noise = small(name), torch.ones(1, 16)
    save_weights(tmp_path / "w.safetensors", model, {"model": name})
    loaded = load_model(weights=tmp_path / "w.safetensors")
    assert loaded.config == model.config and loaded.noise == 16
    torch.testing.assert_close(loaded.predict_ab(ramp(), noise), model.predict_ab(ramp(), noise), atol=0.3, rtol=0.02)


def seeded(name: str) -> CganRgb:
    """Weights from NumPy, whose numbers stay the same in every version."""
    model, numbers = small(name), np.random.default_rng(0)
    for parameter in model.state_dict().values():
        if parameter.ndim > 1:
            bound = (3 / parameter[0].numel()) ** 0.5
            parameter.copy_(torch.from_numpy(numbers.uniform(-bound, bound, parameter.shape).astype(np.float32)))
        elif parameter.is_floating_point():
            parameter.copy_(torch.from_numpy(numbers.uniform(0.5, 1, parameter.shape).astype(np.float32)))
    return model


@pytest.mark.parametrize("name", ["cgan-rgb", "cgan-rgb-ed"])
def test_golden(name, inference):
    noise = torch.linspace(-2, 2, 16)[None]
    ab = seeded(name).predict_ab(ramp(), noise)
    with np.load(GOLDEN) as golden:
        torch.testing.assert_close(ab, torch.from_numpy(golden[name]), atol=1e-2, rtol=1e-3)


def photo() -> Photo:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50), dtype=np.uint8)
    return Photo(pixels=pixels, alpha=None, format="PNG", exif=None, xmp=None, dpi=None, notes=[])


def colours(seed: int, count: int = 1) -> list[np.ndarray]:
    colorizer = Colorizer(small(), device="cpu", precision="fp32", size=32, seed=seed)
    return [one(photo()).pixels for one in colorizer.samples(count)]


def test_a_seed_gives_the_same_colours_every_time_and_the_first_of_several():
    assert np.array_equal(colours(3)[0], colours(3, count=2)[0])


def test_samples_and_seeds_differ():
    first, second = colours(0, count=2)
    assert not np.array_equal(first, second) and not np.array_equal(first, colours(1)[0])


def test_picture_and_mirror_image_share_their_noise():
    seen = []
    model = small()
    model.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[1]))
    Colorizer(model, device="cpu", precision="fp32", size=32)(photo())
    assert all(torch.equal(row, seen[0][0]) for noise in seen for row in noise) and len(torch.cat(seen)) == 2
