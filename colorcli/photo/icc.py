"""ICC profiles: any colours to sRGB, by LittleCMS through Pillow."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

_BAD_PROFILE = (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError)
_SPACES = {"L": "GRAY", "RGB": "RGB", "RGBA": "RGB", "CMYK": "CMYK", "LAB": "Lab"}


class ProfileError(ValueError):
    """A profile that is broken, or made for other pixels."""


@lru_cache(maxsize=1)
def srgb() -> ImageCms.ImageCmsProfile:
    """LittleCMS's own sRGB profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@lru_cache(maxsize=1)
def srgb_bytes() -> bytes:
    """The sRGB profile that outputs carry, with a fixed date: equal photos give equal files."""
    profile = srgb().tobytes()
    date = np.array([2020, 1, 1, 0, 0, 0], dtype=">u2").tobytes()
    return profile[:24] + date + profile[36:]


class Profile:
    """An embedded profile. Raises ProfileError when it cannot be used."""

    def __init__(self, data: bytes) -> None:
        try:
            self._profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
            self._space = self._profile.profile.xcolor_space.strip()
        except _BAD_PROFILE as error:
            raise ProfileError("is broken") from error

    @property
    def name(self) -> str:
        """The profile's description, fit to print."""
        try:
            text = ImageCms.getProfileDescription(self._profile)
        except _BAD_PROFILE:
            text = ""
        return "".join(c for c in " ".join(text.split()) if c.isprintable())[:60] or "unnamed"

    def _transform(self, mode: str, output: str, flags: int = 0) -> ImageCms.ImageCmsTransform:
        if self._space != _SPACES[mode]:
            raise ProfileError(f"is for {self._space or 'unknown'} pixels")
        try:
            return _build(self._profile, mode, output, flags)
        except _BAD_PROFILE as error:
            raise ProfileError("is broken") from error

    def grey_curve(self) -> np.ndarray | None:
        """Grey values 0..255 of this profile's space -> sRGB values, uint8 (256,); None where equal.

        A grey picture may carry a grey or an RGB profile; the latter's neutral axis is meant then.
        """
        mode = "RGB" if self._space == "RGB" else "L"
        ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None]).convert(mode)
        exact = self._transform(mode, "RGB", ImageCms.Flags.NOOPTIMIZE)  # the usual tables are coarse in shadows
        converted = np.asarray(ImageCms.applyTransform(ramp, exact))
        curve = converted[0].mean(axis=1).round().astype(np.uint8)
        return None if _same(curve, np.arange(256)) else curve

    def to_srgb(self, image: Image.Image) -> Image.Image | None:
        """RGB, RGBA (alpha kept), CMYK or LAB to sRGB; None when the pixels are sRGB already."""
        output = "RGBA" if image.mode == "RGBA" else "RGB"
        if output == image.mode and self._is_srgb():
            return None
        transform = self._transform(image.mode, output)
        if image.mode != output:
            return ImageCms.applyTransform(image, transform)
        ImageCms.applyTransform(image, transform, inPlace=True)
        return image

    def _is_srgb(self) -> bool:
        """Many files name sRGB by many profiles; a grid of colours tells."""
        steps = np.linspace(0, 255, 9).astype(np.uint8)
        grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(9, 81, 3)
        converted = ImageCms.applyTransform(Image.fromarray(grid), self._transform("RGB", "RGB"))
        return _same(np.asarray(converted), grid)


def _build(profile: ImageCms.ImageCmsProfile, mode: str, output: str, flags: int = 0) -> ImageCms.ImageCmsTransform:
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    flags |= ImageCms.Flags.BLACKPOINTCOMPENSATION
    return ImageCms.buildTransform(profile, srgb(), mode, output, intent, flags)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.abs(a.astype(np.int16) - b.astype(np.int16)).max() <= 1)


def lab_to_srgb(image: Image.Image) -> Image.Image:
    """A CIE Lab picture (D50, as TIFF's CIELab is in practice) to sRGB."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    converted = ImageCms.applyTransform(image, _build(lab, "LAB", "RGB"))
    assert converted is not None  # it is, unless in place
    return converted


def chroma(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """L in 0..255 and ab in Lab units of a few sRGB pixels, uint8 (H, W, 3) -> int16 (N,), int16 (N, 2)."""
    lab = ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(srgb(), lab, "RGB", "LAB")
    values = np.asarray(ImageCms.applyTransform(Image.fromarray(np.ascontiguousarray(pixels)), transform))
    flat = values.reshape(-1, 3)
    return flat[:, 0].astype(np.int16), flat[:, 1:].view(np.int8).reshape(-1, 2).astype(np.int16)
