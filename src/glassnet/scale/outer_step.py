"""The step from one shared state to the next: the mean of the lanes, and some of the way that earlier rounds went.

A mean of lanes moves less far than one process would with all of their data. Momentum over rounds makes up for some of
it without larger steps inside a round, which may be as large as is stable already.
"""

from __future__ import annotations

import numpy as np

from glassnet.program.parameters import Array

CHUNK = 1 << 16  # numbers that are computed at a time, so that their float64 copies stay in cache


def outer_step_into(parameters: Array, mean: Array, velocity: Array, momentum: float) -> None:
    """Nesterov's step: v ← μ·v + (mean − w), w ← mean + μ·v; in float64, rounded to the dtype and within its range.

    Source: Douillard et al., DiLoCo (2023), algorithm 1, with an outer learning rate of 1; the idea is that of Wang et
    al., SlowMo (2020).
    """
    largest = np.finfo(parameters.dtype).max
    for first in range(0, len(parameters), CHUNK):
        part = slice(first, first + CHUNK)
        target = mean[part].astype(np.float64)
        speed = momentum * velocity[part].astype(np.float64) + (target - parameters[part].astype(np.float64))
        velocity[part] = np.clip(speed, -largest, largest)
        parameters[part] = np.clip(target + momentum * velocity[part].astype(np.float64), -largest, largest)
