"""What the rest of colorcli sees of a photo."""

from dataclasses import dataclass, field

import numpy as np

from colorcli.photo.xmp import ALGORITHMICALLY_ENHANCED, COMPOSITE_WITH_TRAINED_MODEL
from colorcli.version import __version__


@dataclass
class Photo:
    """One picture, upright and in sRGB, with what its file carried.

    pixels: uint8 (H, W) grey, uint8 (H, W, 3) colour, or uint16 (H, W) grey over the full 0..65535;
            all with the sRGB tone curve. A colour file whose channels are all equal comes as (H, W).
    alpha:  uint8 (H, W), 0 transparent .. 255 opaque, or None when everything is opaque.
    format: Pillow's name of the source format ("JPEG", "PNG", "PPM", "HEIF", ...).
    exif:   starts with b"Exif\\0\\0"; orientation 1, no thumbnail. xmp: the packet's bytes. dpi: (x, y).
    notes:  what a user should know about the reading, a short phrase each.
    iptc:   IPTC-IIM. comments: of a JPEG or GIF. texts: of a PNG, as its chunks: (kind, data).
    lost:   the metadata that could not be read, or that turning and colouring make untrue, a short name each.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    format: str = "PNG"
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    notes: list[str] = field(default_factory=list)
    iptc: bytes | None = None
    comments: list[bytes] = field(default_factory=list)
    texts: list[tuple[bytes, bytes]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """ValueError, in one line, for pixels or alpha of another kind or shape."""
        shape, kind = self.pixels.shape, self.pixels.dtype
        grey, colour = len(shape) == 2, len(shape) == 3 and shape[2] == 3
        if not ((grey and kind in (np.uint8, np.uint16)) or (colour and kind == np.uint8)) or 0 in shape:
            raise ValueError(
                f"a photo's pixels are uint8 (H, W) or (H, W, 3), or uint16 (H, W), not {kind} {tuple(shape)}"
            )
        if self.alpha is not None and (self.alpha.dtype != np.uint8 or self.alpha.shape != shape[:2]):
            raise ValueError(f"alpha is uint8 {shape[:2]} as the pixels, not {self.alpha.dtype} {self.alpha.shape}")


@dataclass(frozen=True)
class Provenance:
    """What coloured a photo; written into the result so that it says what it is. weights_sha256: "" without weights."""

    model: str
    weights_sha256: str

    @property
    def software(self) -> str:
        """The text for EXIF Software: tool, version, model and the start of the weights' hash."""
        return f"colorcli {__version__} {self.model} {self.weights_sha256[:12]}".rstrip()

    @property
    def source_type(self) -> str:
        """IPTC's term for such a picture, for XMP DigitalSourceType."""
        return COMPOSITE_WITH_TRAINED_MODEL if self.weights_sha256 else ALGORITHMICALLY_ENHANCED
