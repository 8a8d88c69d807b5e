"""The engine's promises: luminance untouched, colour along edges, the same result at any size."""

import numpy as np
import pytest
import torch
from torch import Tensor

from colorcli.color import merge, rgb_to_lab
from colorcli.engine import Colorizer, evened
from colorcli.errors import ColorcliError, UsageError
from colorcli.fullsize import bounded, luminance
from colorcli.guidance.hints import Hints
from colorcli.models.base import ColorModel
from colorcli.models.catalog import build
from colorcli.photo import Photo
from colorcli.weights.load import load_model


class Painter(ColorModel):
    """Gives ab as a function of L: no training, a known answer."""

    multiple = 8
    default_size = 64
    evens_tone = False

    def __init__(self, paint=lambda L: torch.cat([L * 0.4 - 20, 20 - L * 0.4], 1)):
        super().__init__()
        self.paint = paint
        self.scale = torch.nn.Parameter(torch.ones(()))
        self.seen: list[torch.Size] = []
        self.eval()

    def predict_ab(self, L: Tensor) -> Tensor:
        self.seen.append(L.shape)
        return self.paint(L) * self.scale


def photo(pixels: np.ndarray) -> Photo:
    return Photo(pixels=pixels, alpha=None, format="PNG", exif=None, xmp=None, dpi=None, notes=[])


def lab(pixels: np.ndarray) -> Tensor:
    return rgb_to_lab(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255)


def texture(height: int, width: int, dtype=np.uint8) -> np.ndarray:
    top = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(0, top, (height, width), dtype=dtype, endpoint=True)


@pytest.mark.parametrize(
    "pixels",
    [
        texture(97, 131),
        texture(131, 97, np.uint16),
        texture(80, 3 * 70).reshape(80, 70, 3),
        texture(1, 1),
        texture(3, 200),
    ],
    ids=["grey", "16-bit", "rgb", "one pixel", "strip"],
)
def test_luminance_comes_out_as_it_came_in(pixels):
    out = Colorizer(Painter(), device="cpu")(photo(pixels)).pixels
    assert out.shape == (*pixels.shape[:2], 3)
    assert out.dtype == np.uint8
    assert (lab(out)[:, :1] - luminance(pixels)).abs().max() < 0.6


def test_bands_join_without_a_seam(monkeypatch):
    pixels = texture(200, 150)
    whole = Colorizer(Painter(), device="cpu")(photo(pixels)).pixels
    monkeypatch.setitem(__import__("colorcli.engine").engine.BAND_PIXELS, "cpu", 7 * 150)
    assert np.abs(Colorizer(Painter(), device="cpu")(photo(pixels)).pixels.astype(int) - whole).max() <= 1


def test_colour_stops_at_an_edge_of_L():
    """Two flat halves: the colour of one must not be seen in the other, far nearer than a network pixel."""
    pixels = np.full((600, 600), 60, np.uint8)
    pixels[:, 300:] = 190
    red_left = Painter(lambda L: torch.cat([torch.where(L < 50, 40.0, 0.0), torch.zeros_like(L)], 1))
    a = lab(Colorizer(red_left, device="cpu")(photo(pixels)).pixels)[0, 1]
    assert a[:, :298].min() > 33
    assert a[:, 302:].max() < 6


def test_aspect_ratio_is_kept_and_padded_to_the_multiple():
    model = Painter()
    Colorizer(model, device="cpu", size=50)(photo(texture(100, 150)))
    assert {tuple(shape[-2:]) for shape in model.seen} == {(56, 80)}


def test_a_panorama_does_not_outgrow_the_network():
    model = Painter()
    Colorizer(model, device="cpu", size=64)(photo(texture(40, 4000)))
    assert max(shape[-1] * shape[-2] for shape in model.seen) < 8 * 64 * 64


def test_a_large_copy_gets_the_same_colours():
    small = np.repeat(np.repeat(texture(8, 12), 16, 0), 16, 1)
    large = np.repeat(np.repeat(small, 4, 0), 4, 1)
    colorizer = Colorizer(Painter(), device="cpu")
    a, b = colorizer(photo(small)).pixels, colorizer(photo(large)).pixels[2::4, 2::4]
    assert (lab(a) - lab(b))[:, 1:].norm(dim=1).mean() < 2


def test_many_gives_what_one_at_a_time_gives():
    photos = [photo(texture(64, 96)), photo(texture(96, 64)), photo(255 - texture(64, 96))]
    colorizer = Colorizer(Painter(), device="cpu")
    for together, alone in zip(colorizer.many(photos), map(colorizer, photos), strict=True):
        assert np.abs(together.pixels.astype(int) - alone.pixels).max() <= 1


def test_small_pictures_and_their_mirror_images_go_together_and_change_nothing(monkeypatch):
    ramp = Painter(lambda L: torch.linspace(0, 40, L.shape[-1]).expand(len(L), 2, *L.shape[-2:]))
    source = photo(texture(64, 96))
    together = Colorizer(ramp, device="cpu")(source).pixels
    monkeypatch.setattr("colorcli.engine.MIRRORED_TOGETHER", 0)
    assert np.array_equal(Colorizer(ramp, device="cpu")(source).pixels, together)
    assert [shape[0] for shape in ramp.seen] == [2, 1, 1]


def test_evened_tones_reach_from_dark_to_light_and_fit_ones_are_left_alone():
    fit = torch.linspace(2, 98, 64 * 64).view(1, 1, 64, 64)
    seen, steeper = evened(torch.cat([fit, fit / 3, 70 + fit / 10, torch.full_like(fit, 40)]))
    assert steeper.flatten().tolist() == pytest.approx([1, 2.8, 4, 4], abs=0.05)
    torch.testing.assert_close(seen[0], fit[0])
    assert seen[1].quantile(0.99).item() == pytest.approx(90, abs=1)
    assert seen[2].mean().item() == pytest.approx(50, abs=1)
    assert seen[3].unique().numel() == 1


def test_tones_of_the_largest_input_are_evened():
    dark = torch.linspace(0, 30, 2048).expand(1, 1, 12288, 2048)
    assert evened(dark)[1].item() == pytest.approx(3, abs=0.1)


def test_a_dark_photo_gets_the_colours_of_a_light_one_in_its_own_strength():
    model = Painter(lambda L: torch.cat([L * 0.1, L * 0.1], 1))
    model.evens_tone = True
    light = np.linspace(0, 255, 64 * 64).reshape(64, 64).astype(np.uint8)
    a, b = (lab(Colorizer(model, device="cpu")(photo(pixels)).pixels)[:, 1:] for pixels in (light, light // 3))
    assert (2.7 * b.mean()).item() == pytest.approx(a.mean().item(), rel=0.1)


def test_detail_softens_what_the_network_sees_and_nothing_else():
    seen = []
    painter = Painter(lambda L: seen.append(L) or torch.zeros_like(L).repeat(1, 2, 1, 1))
    soft = Painter(painter.paint)
    soft.detail = 0.25
    stripes = np.tile(np.repeat(np.uint8([40, 200]), 2), (128, 32))  # of two px: one in what is seen
    for model in (painter, soft):
        out = Colorizer(model, device="cpu")(photo(stripes)).pixels
        assert np.array_equal(out[..., 0], stripes)
    assert seen[0].shape == seen[1].shape
    assert seen[1].std() < 0.1 * seen[0].std()


def test_saturation_scales_chroma():
    pixels = np.full((64, 64), 128, np.uint8)
    chroma = [
        float(lab(Colorizer(Painter(), device="cpu", saturation=s)(photo(pixels)).pixels)[:, 1:].norm(dim=1).mean())
        for s in (0.0, 0.5, 1.0)
    ]
    assert chroma[0] < 0.5
    assert chroma[1] == pytest.approx(chroma[2] / 2, abs=0.6)


def test_metadata_is_carried_over():
    source = photo(texture(20, 20))
    source.exif, source.notes, source.dpi = b"Exif\0\0", ["a note"], (300.0, 300.0)
    out = Colorizer(Painter(), device="cpu")(source)
    assert (out.exif, out.notes, out.dpi) == (source.exif, source.notes, source.dpi)


def test_colours_that_are_not_numbers_are_refused():
    broken = Painter(lambda L: torch.full((len(L), 2, *L.shape[-2:]), torch.nan))
    with pytest.raises(ColorcliError, match="not numbers"):
        Colorizer(broken, device="cpu")(photo(texture(20, 20)))


class Reddener(Painter):
    """Takes hints for its colours, and keeps what it was given."""

    takes = ("hints",)

    def predict_ab(self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor) -> Tensor:
        self.given = hint_ab, hint_mask
        return hint_ab * self.scale


def test_hints_come_to_the_model_at_its_size_and_padded():
    model, source = Reddener(), photo(texture(100, 150))
    Colorizer(model, device="cpu", size=50)(source, hints=Hints.from_points([(0, 99, (200, 30, 20))], source))
    ab, mask = model.given  # of the mirror image, which comes last
    assert (ab.shape, mask.shape) == ((1, 2, 56, 80), (1, 1, 56, 80))
    assert mask.nonzero().tolist() == [[0, 0, 49, 74]]


class Deaf(Painter):
    """Takes hints and does not follow them."""

    evens_tone = True

    takes = ("hints",)

    def predict_ab(self, L: Tensor, hint_ab: Tensor | None = None, hint_mask: Tensor | None = None) -> Tensor:
        return super().predict_ab(L)


@pytest.mark.parametrize("tones", [(0, 255), (2, 40), (110, 150), (210, 250)], ids=["full", "dark", "faded", "light"])
@pytest.mark.parametrize("saturation", [0.5, 1.0, 1.8])
def test_a_colour_that_was_asked_for_comes_out_as_asked(tones, saturation):
    low, high = tones
    source = photo((low + texture(120, 160).astype(float) / 255 * (high - low)).round().astype(np.uint8))
    L = luminance(source.pixels)[0, 0]
    for x, y in ((30, 40), (100, 80)):
        asked = merge(L[y, x].view(1, 1, 1, 1), torch.tensor([12.0, 6.0]).view(1, 2, 1, 1))
        levels = tuple((asked.flatten() * 255).round().int().tolist())
        hints = Hints.from_points([(x, y, levels)], source)
        pixel = Colorizer(Deaf(), device="cpu", saturation=saturation)(source, hints=hints).pixels[y : y + 1, x : x + 1]
        assert (lab(pixel)[0, 1:, 0, 0] - lab(np.uint8([[levels]]))[0, 1:, 0, 0]).norm() < 2


def test_a_hint_spreads_over_its_own_surface_and_no_further():
    pixels = np.full((96, 128), 90, np.uint8)
    pixels[:, 64:] = 170
    source = photo(pixels)
    a = lab(Colorizer(Deaf(), device="cpu")(source, hints=Hints.from_points([(20, 50, (140, 70, 70))], source)).pixels)
    plain = lab(Colorizer(Deaf(), device="cpu")(source).pixels)
    moved = (a - plain)[0, 1:].norm(dim=0)
    assert moved[:, :56].min() > 15 and moved[:, 72:].max() < moved[:, :56].min() / 4


def test_the_model_of_the_caller_stays_as_it_was():
    model = build("gan", widths=[8, 8, 8], encoder_blocks=[1, 1, 1], decoder_blocks=[1, 1]).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    source = photo(texture(40, 40))
    first = Colorizer(model, device="cpu", precision="fp32")
    plain = first(source).pixels
    Colorizer(model, device="cpu", precision="bf16")(source)
    assert model.training and all(torch.equal(model.state_dict()[name], tensor) for name, tensor in before.items())
    assert np.array_equal(first(source).pixels, plain)


def test_the_colour_of_a_hint_comes_out_where_it_lies():
    source = photo(np.full((64, 96), 120, np.uint8))
    hints = Hints.from_points([(x, y, (200, 30, 20)) for x in range(60, 96) for y in range(64)], source)
    a = lab(Colorizer(Reddener(), device="cpu")(source, hints=hints).pixels)[0, 1]
    assert a[:, 64:].min() > 50
    assert a[:, :56].max() < 1


def test_conditions_that_a_model_does_not_take_are_refused():
    hints = Hints.from_points([(1, 1, (200, 30, 20))], photo(texture(9, 9)))
    with pytest.raises(UsageError, match="takes no hints: use --model gan or scribbles"):
        Colorizer(Painter(), device="cpu")(photo(texture(9, 9)), hints=hints)


@pytest.mark.parametrize(("name", "option"), [("scribbles", "--hint "), ("transfer", "--reference ")])
def test_conditions_that_a_model_needs_are_asked_for(name, option):
    with pytest.raises(UsageError, match=f"the model {name} needs .*{option}"):
        Colorizer(load_model(name), device="cpu")(photo(texture(9, 9)))


@pytest.mark.parametrize("name", ["scribbles", "transfer"])
def test_systems_without_a_network_compute_in_full_precision(name):
    assert Colorizer(load_model(name), device="cpu", precision="bf16").dtype == torch.float32


@pytest.mark.parametrize("options", [{"size": 8}, {"saturation": -1}, {"device": "abacus"}, {"precision": "fp12"}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(UsageError):
        Colorizer(Painter(), **{"device": "cpu", **options})


@pytest.mark.parametrize("shape", [(65535, 1), (2, 300_000), (20_000, 3)])
def test_thin_pictures_cost_no_more_than_their_area(shape):
    model = Painter()
    out = Colorizer(model, device="cpu")(photo(texture(*shape))).pixels
    assert out.shape == (*shape, 3)
    assert all(seen[-1] * seen[-2] <= 13 * 64**2 for seen in model.seen)


@pytest.mark.parametrize(
    ("sides", "expected"), [((300, 200), (300, 200)), ((0.2, 7), (1, 7)), ((90_000, 1.4), (312, 1))]
)
def test_only_the_longer_side_is_shortened(sides, expected):
    assert bounded(sides, 32, 10_000 if max(sides) > 1000 else 10**6) == expected
