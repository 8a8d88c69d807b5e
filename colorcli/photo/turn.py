"""Places in a picture, turned as EXIF's orientation has its pixels turned. (CIPA DC-008 "Exif", Orientation.)"""

from collections.abc import Sequence


def turned_point(x: float, y: float, turned: int, width: float = 1, height: float = 1) -> tuple[float, float]:
    """Where a point of a stored picture of width x height lies once it is upright. turned: 1..8.

    >>> turned_point(0.3, 0.2, 6)
    (0.8, 0.3)
    """
    if turned in (2, 3, 7, 8):
        x = width - x
    if turned in (3, 4, 6, 7):
        y = height - y
    return (y, x) if turned >= 5 else (x, y)


def turned_area(values: Sequence[int], size: tuple[int, int], turned: int) -> list[int]:
    """EXIF's SubjectArea: a point, a circle (with its diameter) or a rectangle around its centre, in pixels of a stored
    picture of this size (width, height). Empty for what is none of them, or lies outside."""
    if len(values) not in (2, 3, 4) or values[0] > size[0] or values[1] > size[1]:
        return []
    x, y = turned_point(values[0], values[1], turned, *size)
    rest = [*values[2:]]
    return [int(x), int(y), *(rest[::-1] if turned >= 5 else rest)]
