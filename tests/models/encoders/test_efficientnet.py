"""Against the published form of the network, batch normalisation and all, on random weights."""

import pytest
import torch
import torch.nn.functional as F

from colorcli.models.encoders import build_encoder
from colorcli.models.encoders.efficientnet import EPS

# channels in and out, kernel and stride of the first blocks
LITE2 = [(32, 16, 3, 1), (16, 24, 3, 2), (24, 24, 3, 1), (24, 24, 3, 1)]


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return build_encoder("efficientnet-lite2").eval()


def published(encoder):
    """Random weights under the published names, with batch normalisation to fold away."""
    state = {}

    def norm(name, channels):
        for part, low in {"weight": 0.5, "bias": -0.5, "running_mean": -0.5, "running_var": 0.5}.items():
            state[f"{name}.{part}"] = low + torch.rand(channels)

    def conv(name, norm_name, like):
        state[f"{name}.weight"] = torch.randn(like.weight.shape) / like.weight[0].numel() ** 0.5
        norm(norm_name, len(like.weight))

    conv("_conv_stem", "_bn0", encoder.stem)
    for i, block in enumerate(encoder.blocks):
        if block.expand is not None:
            conv(f"_blocks.{i}._expand_conv", f"_blocks.{i}._bn0", block.expand)
        conv(f"_blocks.{i}._depthwise_conv", f"_blocks.{i}._bn1", block.depthwise)
        conv(f"_blocks.{i}._project_conv", f"_blocks.{i}._bn2", block.project)
    return state


def normed(x, state, name):
    parts = (state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, *parts, eps=EPS)


def same(x, weight, stride, groups=1):
    """TensorFlow's SAME: what padding is odd goes to the right and the bottom."""
    total = max(weight.shape[-1] - stride, 0)
    x = F.pad(x, [total // 2, total - total // 2] * 2)
    return F.conv2d(x, weight, stride=stride, groups=groups)


def test_first_blocks_are_the_published_ones(encoder):
    state, rgb = published(encoder), torch.rand(2, 3, 64, 96)
    encoder.load_published(state)
    x = F.relu6(normed(same((rgb * 255 - 127) / 128, state["_conv_stem.weight"], 2), state, "_bn0"))
    for i, (narrow, wide, _, stride) in enumerate(LITE2):
        name, before = f"_blocks.{i}.", x
        if i:
            x = F.relu6(normed(F.conv2d(x, state[f"{name}_expand_conv.weight"]), state, f"{name}_bn0"))
        x = same(x, state[f"{name}_depthwise_conv.weight"], stride, groups=x.shape[1])
        x = F.relu6(normed(x, state, f"{name}_bn1"))
        x = normed(F.conv2d(x, state[f"{name}_project_conv.weight"]), state, f"{name}_bn2")
        x = x + before if stride == 1 and narrow == wide else x
    torch.testing.assert_close(encoder.features(rgb)[1], x, rtol=1e-4, atol=1e-4)


def test_features_have_the_strides_and_channels_it_says(encoder):
    features = encoder.features(torch.rand(1, 3, 64, 96))
    assert encoder.channels == (16, 24, 48, 120, 352)
    assert [x.shape[1:] for x in features] == [
        (channels, 64 // stride, 96 // stride)
        for channels, stride in zip(encoder.channels, encoder.strides, strict=True)
    ]


@pytest.mark.parametrize(("name", "parameters"), [("efficientnet-lite0", 2_958_848), ("efficientnet-lite2", 4_357_952)])
def test_it_has_the_published_number_of_parameters(name, parameters):
    """Which count two for each batch-normalised channel, where the folded convolution has one bias."""
    encoder = build_encoder(name)
    folded = sum(len(parameter) for parameter in encoder.parameters() if parameter.ndim == 1)
    assert sum(parameter.numel() for parameter in encoder.parameters()) + folded == parameters


def test_all_it_learns_has_the_gradient_of_plain_convolutions(encoder):
    """The kernels that do not learn, the biases added by themselves and the slices give no other gradients."""
    block, x = encoder.blocks[4], torch.rand(2, 24, 16, 16, requires_grad=True)
    block(x).square().sum().backward()
    got = [x.grad.clone(), block.depthwise.bias.grad.clone(), block.expand.weight.grad.clone()]
    x.grad = None
    block.zero_grad()
    y = F.relu6(block.expand(x))
    weight, bias = block.depthwise.weight, block.depthwise.bias
    y = F.relu6(same(y, weight, 2, groups=len(weight)) + bias[:, None, None])
    block.project(y).square().sum().backward()
    for mine, plain in zip(got, (x.grad, bias.grad, block.expand.weight.grad), strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-4, atol=1e-5)
    assert not block.depthwise.weight.requires_grad


def test_an_unknown_encoder_is_named():
    with pytest.raises(ValueError, match="resnet"):
        build_encoder("resnet")
