"""The numbers of a table as one matrix: all columns that are scaled by quartiles are encoded at once.

With thousands of columns, a call per column would take longer than the arithmetic. A column's own encoding gives the
same bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassnet.data.encodings import Encoding
from glassnet.data.reading import Array
from glassnet.data.robust_number import BLOCK_SIZE, FULL, BinnedNumber, RobustNumber, robust_scaled

FEW_ROWS = 64  # up to which the bins of all columns are computed together


class NumberBlock:
    """The robust and binned numbers among some encodings, with the places of their inputs.

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
        ends = [starts[index] + len(encoding.input_kinds) for index, encoding in robust]
        self.indicators = _indices([ends[position] - 1 for position in self.with_indicator])
        self.bins = Bins(robust, starts)

    def encode_into(self, values: Array, out: Array) -> None:
        """Write the inputs of the block's columns (n, columns) float64 into `out` (n, inputs), float32."""
        step = max(1, BLOCK_SIZE // max(len(self.columns), 1))
        for start in range(0, len(values), step):
            rows = slice(start, start + step)
            out[rows, self.inputs] = robust_scaled(values[rows], self.median, self.scale)
            if len(self.with_indicator):
                missing = np.isnan(values[rows, self.with_indicator])
                out[rows, self.indicators] = missing * np.float32(FULL)
        if self.bins.columns:
            self.bins.encode_into(values, out)


class Bins:
    """The bins of the binned numbers in a block."""

    def __init__(self, robust: Sequence[tuple[int, RobustNumber]], starts: Sequence[int]) -> None:
        """Collect the edges of (column, encoding); shorter lists of edges are padded with bins that are not used."""
        binned = [(p, starts[i], e) for p, (i, e) in enumerate(robust) if isinstance(e, BinnedNumber) and e.edges]
        self.columns = binned
        counts = [len(encoding.edges) - 1 for _, _, encoding in binned]
        shape = len(binned), max(counts, default=0)
        self.lower, self.widths, self.used = np.zeros(shape), np.ones(shape), np.zeros(shape, bool)
        for row, ((_, _, encoding), count) in enumerate(zip(binned, counts, strict=True)):
            halves = np.array(encoding.edges) / 2
            self.lower[row, :count], self.widths[row, :count] = halves[:-1], np.diff(halves)
            self.used[row, :count] = True
        places = [np.arange(start + 1, start + 1 + count) for (_, start, _), count in zip(binned, counts, strict=True)]
        self.inputs = np.concatenate(places) if places else np.empty(0, np.int64)
        self.positions = [position for position, _, _ in binned]
        self.median = np.array([encoding.median for _, _, encoding in binned])

    def encode_into(self, values: Array, out: Array) -> None:
        """Write the bins of the columns of a block (n, columns) float64 into `out` (n, inputs), float32."""
        if len(values) > FEW_ROWS:
            for position, start, encoding in self.columns:
                encoding.encode_bins_into(values[:, position], out[:, start:])
            return
        chosen = values[:, self.positions]
        halves = np.where(np.isnan(chosen), self.median, chosen)[:, :, np.newaxis] / 2
        passed = np.clip(halves - self.lower, 0, self.widths) / self.widths
        out[:, self.inputs] = (2 * passed - 1)[:, self.used]


def _indices(positions: list[int]) -> Array | slice:
    """Positions as a slice where they follow each other: NumPy then copies without looking each up."""
    if positions and positions[-1] - positions[0] == len(positions) - 1:
        return slice(positions[0], positions[-1] + 1)
    return np.array(positions, np.int64)
