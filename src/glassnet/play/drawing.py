"""A digit drawn with the mouse, reduced as the digits of the data set were: a 32 × 32 bitmap, counted in 4 × 4 blocks.

Source: Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (1998). Their
bitmaps are of upright digits that fill the height, so a drawing is moved and scaled to do the same.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.array_likes import short_repr
from glassnet.errors import ParameterError

Array = Any
SIZE, BLOCK = 32, 4
RADIUS = 2.8  # of the pen, in pixels of the bitmap: the digits of the set have as much ink on average
MAX_STROKES, MAX_POINTS = 50, 5000


class Drawing(NamedTuple):
    """The bitmap (32, 32) of 0 and 1, and the image (8, 8) of shares from 0 to 1."""

    bitmap: Array
    image: Array


def drawing(strokes: list[Any]) -> Drawing:
    """Reduce lines of [x, y], each from 0 to 1, y downwards. Raises ParameterError for what is no drawing."""
    lines = _fitted(_checked(strokes))
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] + 0.5
    distance = np.full((SIZE, SIZE), np.inf)
    for line in lines:
        for start, end in zip(line, line[1:] if len(line) > 1 else line, strict=False):
            distance = np.minimum(distance, _distance(columns, rows, start, end))
    bitmap = (distance <= RADIUS).astype(np.uint8)
    counts = bitmap.reshape(SIZE // BLOCK, BLOCK, SIZE // BLOCK, BLOCK).sum(axis=(1, 3))
    return Drawing(bitmap, counts / BLOCK**2)


def _checked(strokes: list[Any]) -> list[Array]:
    lines, count = [], 0
    for stroke in strokes:
        try:
            line = np.array(stroke, np.float64)
        except (TypeError, ValueError):
            line = np.zeros(0)
        if line.ndim != 2 or line.shape[1:] != (2,) or not np.isfinite(line).all() or not (abs(line) <= 2).all():
            raise ParameterError(f"{short_repr(stroke)} is no line; one is a list of [x, y] from 0 to 1.")
        count += len(line)
        lines.append(line)
    if not lines or count > MAX_POINTS:
        raise ParameterError(f"a drawing has 1 to {MAX_POINTS:,} points; this one has {count:,}.")
    return lines


def _fitted(lines: list[Array]) -> list[Array]:
    """The lines moved and scaled, so that the pen fills the height (or the width of a wide drawing)."""
    points = np.concatenate(lines)
    low, high = points.min(axis=0), points.max(axis=0)
    room, extent = SIZE - 2 * RADIUS, (high - low).max()
    scale = room / extent if extent > 1 / SIZE else 1.0
    return [(line - (low + high) / 2) * scale + SIZE / 2 for line in lines]


def _distance(x: Array, y: Array, start: Array, end: Array) -> Array:
    """How far each pixel is from the line between two points."""
    along = end - start
    length = float(along @ along)
    share = np.zeros_like(x) if length == 0 else ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / length
    share = share.clip(0, 1)
    return np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])
