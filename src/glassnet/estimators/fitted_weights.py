"""What a person assigns to coefs_ and intercepts_ is checked, and copied into the network's parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.errors import ParameterError, counted
from glassnet.program.parameters import converted

Array = np.ndarray[Any, Any]


def copy_weights_into(views: Sequence[Array], given: Sequence[Any], name: str) -> None:
    """Copy one array per layer into the network, all of them or none; `name` is the attribute that holds them.

    Raises ParameterError where there are more or fewer, or one has another shape or a number that is not finite.
    """
    if len(given) != len(views):
        raise ParameterError(f"{name} has {counted(len(given), 'array')}, but the network has {len(views)} layers.")
    changed = [index for index, value in enumerate(given) if value is not views[index]]
    values = [converted(f"{name}[{index}]", given[index], views[index], "fan_in first") for index in changed]
    for index, value in zip(changed, values, strict=True):
        views[index][...] = value
