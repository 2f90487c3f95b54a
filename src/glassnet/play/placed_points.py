"""Points that a person placed on the page, checked: a wrong one is a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.array_likes import short_repr
from glassnet.errors import ParameterError
from glassnet.play.own_data import MAX_POINTS, Points


def placed_points(points: Any) -> Points:
    """Points as they come from a page. Raises ParameterError for what is none."""
    if not isinstance(points, list) or not 2 <= len(points) <= MAX_POINTS:
        raise ParameterError(f"points must be a list of 2 to {MAX_POINTS:,} points.")
    result = []
    for point in points:
        try:
            x, y, label = float(point["x"]), float(point["y"]), int(point["label"])
            if not (np.isfinite([x, y]).all() and max(abs(x), abs(y)) <= 1e6 and 0 <= label <= 9):
                raise ValueError
        except (TypeError, KeyError, ValueError, OverflowError):
            fault = f"{short_repr(point)} is no point"
            raise ParameterError(f"{fault}; one has numbers x and y and a label from 0 to 9.") from None
        result.append((x, y, label))
    if len({label for _, _, label in result}) < 2:
        raise ParameterError("all points have one label; place at least one of another.")
    return result
