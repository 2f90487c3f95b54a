"""From a block of rows, as people pass it, to samples as a network reads them; done where the block lies.

An encoding goes to the workers of a cluster, so it holds plain data and what a person could pickle, but no data.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.array_likes import to_array
from glassnet.batches.sources import Sources, checked_sources
from glassnet.errors import DataError
from glassnet.program.architecture import Architecture


class NetworkEncoding(NamedTuple):
    """Blocks of a NeuralNetwork: x (rows, fan_in) and y (rows,) or (rows, fan_out), with weights (rows,) or None."""

    architecture: Architecture
    dtype: str

    def __call__(self, x: Any, y: Any, weights: Any = None) -> Sources:
        """The block as Sources. Raises DataError."""
        x, y, inputs = to_array("x", x), to_array("y", y), self.architecture.inputs
        if x.ndim != 2 or x.shape[1] != inputs:
            needs = f"this network has {inputs} inputs, and samples are rows here: (samples, {inputs})"
            raise DataError(f"x has shape {x.shape}, but {needs}.")
        return checked_sources(self.architecture, np.dtype(self.dtype), x.T, y.T, weights)
