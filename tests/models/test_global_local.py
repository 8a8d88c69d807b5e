from pathlib import Path

import numpy as np
import pytest
import torch
from parity import values

from colorcli.models.catalog import build
from colorcli.training.recipes import RECIPES
from colorcli.weights.load import load_model
from colorcli.weights.weightsfile import save_weights

GOLDEN = Path(__file__).parents[1] / "golden" / "global_local.npz"
NARROW = {
    "low": [[8, 2], [16, 1], [16, 2]], "global_": [[16, 2]], "full": [16, 8], "mid": [16], "colour": [[16], [8]],
    "classes": 3,
}  # fmt: skip


@pytest.fixture
def model():
    """The narrow network with weights made from the tensors' names."""
    network = build("global-local", **NARROW)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    network.load_state_dict({name: torch.as_tensor(values(name, shape)) for name, shape in shapes.items()})
    return network.eval()


def luminance(height=16, width=24):
    return torch.linspace(0, 100, 2 * height * width).reshape(2, 1, height, width)


def test_golden_colours(model, inference):
    with np.load(GOLDEN) as golden:
        expected = torch.from_numpy(golden["ab"])
    torch.testing.assert_close(model.predict_ab(luminance()), expected, atol=0.02, rtol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(4, 4), (16, 24), (68, 36)])
def test_ab_at_half_the_size_and_a_logit_for_each_class(model, height, width, inference):
    ab, logits = model(luminance(height, width))
    assert (ab.shape, logits.shape) == ((2, 2, height // 2, width // 2), (2, 3))
    assert ab.abs().max() <= 1
    assert model.predict_ab(luminance(height, width)).shape == (2, 2, height, width)


def test_the_global_vector_reaches_every_place(model, inference):
    L = luminance(64, 64)[:1]
    changed = L.clone()
    changed[..., -8:, -8:] = 100 - changed[..., -8:, -8:]
    moved = (model.predict_ab(L) - model.predict_ab(changed)).abs()
    assert moved[..., :8, :8].amin() > 0


def test_fusion_is_a_1x1_convolution_of_both_joined(model, inference):
    local, vector = torch.rand(2, 16, 3, 4), torch.rand(2, 8)
    joined = torch.cat([local, vector[..., None, None].expand(-1, -1, 3, 4)], 1)
    weight = torch.cat([model.fuse_local.weight, model.fuse_global.weight[..., None, None]], 1)
    expected = torch.nn.functional.conv2d(joined, weight, model.fuse_local.bias).relu()
    torch.testing.assert_close(model.fuse(local, vector), expected)


def test_half_precision_gives_about_the_same(model, inference):
    exact = model.predict_ab(luminance())
    rough = model.bfloat16().predict_ab(luminance().bfloat16())
    assert rough.dtype == torch.bfloat16
    assert (rough.float() - exact).abs().mean() < 0.05 * exact.abs().mean() + 0.5


def test_weights_come_back_from_their_file(model, tmp_path, inference):
    save_weights(tmp_path / "a.safetensors", model, {"model": "global-local"})
    again = load_model(weights=tmp_path / "a.safetensors")
    torch.testing.assert_close(again.predict_ab(luminance()), model.predict_ab(luminance()), atol=0.5, rtol=1e-2)


def test_width_widens_all_convolutions():
    config = build("global-local", **NARROW, width=16).config
    assert config["low"] == [[16, 2], [32, 1], [32, 2]]
    assert (config["mid"], config["colour"], config["full"]) == ([32], [[32], [16]], [16, 8])


def test_presets_are_the_papers_layers_and_a_small_network():
    with torch.device("meta"):
        paper, fast = (build("global-local", **RECIPES["global-local"].presets[n].config) for n in ("paper", "fast"))
    assert [stage[0] for stage in paper.config["low"]] == [64, 128, 128, 256, 256, 512]
    assert paper.multiple == 8
    assert sum(p.numel() for p in fast.parameters()) < 2e6
