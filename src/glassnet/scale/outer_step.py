"""The step from one shared state to the next: the mean of the lanes, and some of the way that earlier rounds went.

A mean of lanes moves less far than one process would with all of their data. Momentum over rounds makes up for some of
it without larger steps inside a round, which may be as large as is stable already.
"""

from __future__ import annotations

import numpy as np

from glassnet.program.parameters import Array

CHUNK = 1 << 14  # numbers that are computed at a time, so that their float64 copies stay in cache


def outer_step_into(parameters: Array, mean: Array, velocity: Array, momentum: float) -> None:
    """Nesterov's step: v ← μ·v + (mean − w), w ← mean + μ·v; in float64, rounded to the dtype and within its range.

    Source: Douillard et al., DiLoCo (2023), algorithm 1, with an outer learning rate of 1; the idea is that of Wang et
    al., SlowMo (2020).
    """
    largest, buffers = np.finfo(parameters.dtype).max, np.empty((2, min(CHUNK, len(parameters))))
    for first in range(0, len(parameters), CHUNK):
        part = slice(first, first + CHUNK)
        way, speed = buffers[:, : len(parameters[part])]
        np.subtract(mean[part], parameters[part], out=way, dtype=np.float64)
        np.multiply(velocity[part], momentum, out=speed, dtype=np.float64)
        velocity[part] = np.clip(np.add(speed, way, out=speed), -largest, largest, out=speed)
        np.multiply(velocity[part], momentum, out=speed, dtype=np.float64)
        np.add(mean[part], speed, out=speed, dtype=np.float64)
        parameters[part] = np.clip(speed, -largest, largest, out=speed)
