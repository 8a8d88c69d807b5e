"""`ddcolor`: one hundred learned colour queries look at the picture and then colour it (Kang et al. 2023).

ConvNeXt encoder -> pixel decoder (U-Net up to the full size) and colour decoder (a transformer over three scales
of the pixel decoder). Names of parameters are those of the published weights, which load unchanged. For inference:
dropout and the updates of spectral normalisation are not here.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorcli.color import lab_to_rgb
from colorcli.models.base import ColorModel
from colorcli.models.encoders.convnext import ConvNeXt

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WIDTHS = (512, 512, 256)  # of the pixel decoder's levels at 1/16, 1/8 and 1/4 of the size
QUERIES, DIM, HEADS, FFN, LAYERS = 100, 256, 8, 2048, 9  # of the colour decoder
BAND_PIXELS = 128 * 128  # at 1/4 of the size, worked on at once where 4096 channels are held: one band at 512x512
ENCODERS = {
    "tiny": {"depths": (3, 3, 9, 3), "dims": (96, 192, 384, 768)},
    "large": {"depths": (3, 3, 27, 3), "dims": (192, 384, 768, 1536)},
}


class DDColor(ColorModel):
    """L -> ab; 55.0 million parameters with the encoder "tiny", 227.9 with "large". ValueError for another."""

    multiple = 32
    default_size = 512
    evens_tone = False  # as published
    mean: Tensor
    std: Tensor

    def __init__(self, encoder: str = "large") -> None:
        super().__init__(encoder=encoder)
        if encoder not in ENCODERS:
            raise ValueError(f"encoder must be one of {', '.join(ENCODERS)}, not {encoder!r}")
        dims = ENCODERS[encoder]["dims"]
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).reshape(1, 3, 1, 1))
        self.encoder = nn.Sequential(OrderedDict(arch=ConvNeXt(**ENCODERS[encoder])))
        self.decoder = _Decoder(dims)
        self.refine_net = nn.Sequential(nn.Sequential(SpectralConv2d(QUERIES + 3, 2, 1)))

    def forward(self, rgb: Tensor) -> Tensor:
        """Grey sRGB (B, 3, H, W) in 0..1, sides multiples of 32 -> ab (B, 2, H, W) in Lab units, unbounded."""
        x = (rgb - self.mean) / self.std
        features, queries = self.decoder(self.encoder(x))
        # 100 maps = queries . features, joined to the picture, mixed down to ab: all linear, so mixed first
        mixer = cast(SpectralConv2d, self.refine_net.get_submodule("0.0"))
        weight = mixer.normalised()
        mix = torch.einsum("oq,bqc->boc", weight[:, :QUERIES, 0, 0], queries)
        return self.decoder.last_shuf(features, mix) + F.conv2d(x, weight[:, QUERIES:], mixer.bias)

    def predict_ab(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of 32 -> ab (B, 2, H, W) in Lab units, within +-128."""
        grey = F.pad(L.float(), (0, 0, 0, 0, 0, 2))
        return self(lab_to_rgb(grey).to(L.dtype)).clamp(-128, 128)


class SpectralConv2d(nn.Module):
    """A convolution whose weight is divided by its largest singular value (Miyato et al. 2018)."""

    weight_u: Tensor
    weight_v: Tensor

    def __init__(self, in_channels: int, out_channels: int, kernel: int, *, bias: bool = True) -> None:
        super().__init__()
        shape = (out_channels, in_channels, kernel, kernel)
        self.weight_orig = nn.Parameter(nn.init.kaiming_normal_(torch.empty(shape)))
        self.register_buffer("weight_u", F.normalize(torch.ones(out_channels), dim=0))
        self.register_buffer("weight_v", F.normalize(torch.ones(in_channels * kernel**2), dim=0))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None

    def normalised(self) -> Tensor:
        """The weight as used, (out, in, k, k). u and v are its stored singular vectors."""
        matrix = self.weight_orig.float().flatten(1)
        sigma = torch.dot(self.weight_u.float(), matrix @ self.weight_v.float())
        return (self.weight_orig / sigma).to(self.weight_orig.dtype)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.normalised()
        return F.conv2d(x, weight, self.bias, padding=weight.shape[-1] // 2)


class _Decoder(nn.Module):
    """Both decoders: features of the encoder -> features at 1/4 of the size and the colour queries."""

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        widths = (dims[-1], *WIDTHS)
        skips = reversed(dims[:-1])
        self.layers = nn.ModuleList(_Level(*pair, skip) for pair, skip in zip(pairwise(widths), skips, strict=True))
        self.last_shuf = _LastShuffle(WIDTHS[-1], DIM)
        self.color_decoder = _ColorDecoder(WIDTHS)

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Encoder features at 1/4, 1/8, 1/16, 1/32 -> features (B, 256, H/4, W/4), queries (B, 100, 256)."""
        *skips, x = features
        levels = []
        for layer, skip in zip(self.layers, reversed(skips), strict=True):
            x = layer(x, skip)
            levels.append(x)
        return x, self.color_decoder(levels)


class _Level(nn.Module):
    """One level of the pixel decoder: twice the size, joined with the encoder's features there."""

    def __init__(self, in_channels: int, out_channels: int, skip_channels: int) -> None:
        super().__init__()
        self.shuf = _Shuffle(in_channels, out_channels)
        self.bn = nn.BatchNorm2d(skip_channels)
        conv = SpectralConv2d(out_channels + skip_channels, out_channels, 3, bias=False)
        self.conv = nn.Sequential(conv, nn.ReLU(inplace=True), nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.conv(F.relu(torch.cat([self.shuf(x), self.bn(skip)], dim=1)))


class _Shuffle(nn.Module):
    """Twice the size: 1x1 convolution, pixel shuffle, and a blur against its chequerboard pattern."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        wide = 4 * out_channels
        self.conv = nn.Sequential(SpectralConv2d(in_channels, wide, 1, bias=False), nn.BatchNorm2d(wide))

    def forward(self, x: Tensor) -> Tensor:
        return _blur(F.pixel_shuffle(F.relu(self.conv(x), inplace=True), 2))


class _LastShuffle(nn.Module):
    """Four times the size, and at once mixed down to a few channels.

    Shuffle, blur and mix commute; mixed first, and band by band, 2 channels of the full size are held instead of 256.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(SpectralConv2d(in_channels, 16 * channels, 1))

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """x (B, C, h, w), mix (B, K, channels) -> (B, K, 4h, 4w)."""
        rows = max(1, BAND_PIXELS // x.shape[-1])
        mixed = torch.cat([self._mixed(band, mix) for band in x.split(rows, dim=2)], dim=2)
        return _blur(F.pixel_shuffle(mixed, 4))

    def _mixed(self, x: Tensor, mix: Tensor) -> Tensor:
        """x (B, C, h, w), mix (B, K, channels) -> (B, 16 K, h, w), not yet shuffled."""
        wide = F.relu(self.conv(x), inplace=True).reshape(len(x), mix.shape[-1], -1)  # (B, channels, 16 h w)
        return (mix @ wide).reshape(len(x), -1, *x.shape[-2:])


def _blur(x: Tensor) -> Tensor:
    """Mean of each pixel and its neighbours above, left and above left, edges repeated."""
    return F.avg_pool2d(F.pad(x, (1, 0, 1, 0), mode="replicate"), 2, stride=1)


class _ColorDecoder(nn.Module):
    """Queries that attend to three scales in turn: cross-attention, self-attention, feed-forward, nine times."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.query_feat = nn.Embedding(QUERIES, DIM)
        self.query_embed = nn.Embedding(QUERIES, DIM)
        self.level_embed = nn.Embedding(len(widths), DIM)
        self.input_proj = nn.ModuleList(nn.Conv2d(width, DIM, 1) for width in widths)
        self.transformer_self_attention_layers = nn.ModuleList(_Attention("self_attn") for _ in range(LAYERS))
        self.transformer_cross_attention_layers = nn.ModuleList(_Attention("multihead_attn") for _ in range(LAYERS))
        self.transformer_ffn_layers = nn.ModuleList(_FeedForward() for _ in range(LAYERS))
        self.decoder_norm = nn.LayerNorm(DIM)
        self.color_embed = _Perceptron(3)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Features of the three scales (B, C, h, w), coarsest first -> queries (B, 100, 256)."""
        values, keys = [], []
        for proj, x, level in zip(self.input_proj, levels, self.level_embed.weight, strict=True):
            values.append(proj(x).flatten(2).transpose(1, 2) + level)  # (B, h*w, 256)
            keys.append(values[-1] + sine_positions(x.shape[-2], x.shape[-1], DIM, x))
        x = self.query_feat.weight.expand(len(levels[0]), -1, -1)
        where = self.query_embed.weight
        for i in range(LAYERS):
            scale = i % len(levels)
            x = self.transformer_cross_attention_layers[i](x, x + where, keys[scale], values[scale])
            x = self.transformer_self_attention_layers[i](x, x + where, x + where, x)
            x = self.transformer_ffn_layers[i](x)
        return self.color_embed(self.decoder_norm(x))


class _Attention(nn.Module):
    """x + attention, then normalised. `name`: of the attention in the published weights."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.add_module(name, nn.MultiheadAttention(DIM, HEADS, batch_first=True))
        self.norm = nn.LayerNorm(DIM)

    def forward(self, x: Tensor, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        found, _ = self.get_submodule(self._name)(query, key, value, need_weights=False)
        return self.norm(x + found)


class _Perceptron(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(DIM, DIM) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class _FeedForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear1 = nn.Linear(DIM, FFN)
        self.linear2 = nn.Linear(FFN, DIM)
        self.norm = nn.LayerNorm(DIM)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x + self.linear2(F.relu(self.linear1(x))))


def sine_positions(height: int, width: int, channels: int, like: Tensor) -> Tensor:
    """Sines and cosines of row and column, each scaled to 0..2 pi (Carion et al. 2020) -> (height*width, channels).

    Half of the channels tell the row, half the column; dtype and device are those of `like`.
    """
    steps = torch.arange(channels // 4, device=like.device)
    wavelengths = 10000 ** (steps * 4 / channels)

    def axis(length: int) -> Tensor:
        at = torch.arange(1, length + 1, device=like.device) / (length + 1e-6) * (2 * math.pi)
        angle = at[:, None] / wavelengths
        return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)  # (length, channels / 2)

    rows = axis(height)[:, None].expand(-1, width, -1)
    columns = axis(width)[None].expand(height, -1, -1)
    return torch.cat([rows, columns], dim=-1).flatten(0, 1).to(like.dtype)
