"""The numbers of a table as one matrix: all columns that are scaled by quartiles are encoded at once.

With thousands of columns, a call per column would take longer than the arithmetic. A column's own encoding gives the
same bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassnet.data.encodings import Encoding
from glassnet.data.reading import Array
from glassnet.data.robust_number import BLOCK_SIZE, FULL, RobustNumber, robust_scaled


class NumberBlock:
    """The robust numbers among some encodings, with the positions of their inputs.

    Attributes
    ----------
    columns : which of the encodings they are, in order.
    """

    def __init__(self, encodings: Sequence[Encoding], starts: Sequence[int]) -> None:
        """Collect the encodings; `starts` are the numbers of their first inputs."""
        robust = [(index, encoding) for index, encoding in enumerate(encodings) if isinstance(encoding, RobustNumber)]
        self.columns = [index for index, _ in robust]
        self.median = np.array([encoding.median for _, encoding in robust])
        self.scale = np.array([encoding.scale for _, encoding in robust])
        self.inputs = _indices([starts[index] for index, _ in robust])
        self.with_indicator = np.flatnonzero([encoding.indicator for _, encoding in robust])
        self.indicators = _indices([starts[index] + 1 for index, encoding in robust if encoding.indicator])

    def encode_into(self, values: Array, out: Array) -> None:
        """Write the inputs of the block's columns (n, columns) float64 into `out` (n, inputs), float32."""
        step = max(1, BLOCK_SIZE // max(len(self.columns), 1))
        for start in range(0, len(values), step):
            rows = slice(start, start + step)
            out[rows, self.inputs] = robust_scaled(values[rows], self.median, self.scale)
            if len(self.with_indicator):
                missing = np.isnan(values[rows, self.with_indicator])
                out[rows, self.indicators] = missing * np.float32(FULL)


def _indices(positions: list[int]) -> Array | slice:
    """Positions as a slice where they follow each other: NumPy then copies without looking each up."""
    if positions and positions[-1] - positions[0] == len(positions) - 1:
        return slice(positions[0], positions[-1] + 1)
    return np.array(positions, np.int64)
