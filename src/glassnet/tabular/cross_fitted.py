"""What a member predicts for its holdout, where no row has chosen the epoch of its own prediction.

The holdout chooses the best epoch, so that the member looks better on it than it is; on small holdouts by a fifth and
more. Each half of the rows is therefore predicted with the epoch that is best for the other half. Copies of a row are
in the same half.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from glassnet.data.copies import random_parts
from glassnet.tabular.out_of_holdout import Array

MAX_ROWS = 1_000  # with more, the choice among the epochs flatters no longer
MIN_ROWS = 4
HALVES = 2


class CrossFittedOutputs:
    """Collects the predictions for a holdout of so many rows, epoch by epoch.

    `score(outputs, rows)` judges predictions for some of the rows, the greater the better. `copies` (rows,) are the
    first rows of the holdout with the same cells, or None where all rows differ.
    """

    def __init__(self, count: int, score: Callable[[Array, Array], float], copies: Array | None = None) -> None:
        halves = random_parts(count, HALVES, np.random.default_rng(count), copies)
        self.is_crossed = MIN_ROWS <= count <= MAX_ROWS
        self.rows = [np.flatnonzero(halves == half) for half in range(HALVES)]
        self.score, self.best = score, [-np.inf] * HALVES
        self.outputs: Array | None = None

    def consider(self, outputs: Array, is_best: bool) -> None:
        """Take the predictions (rows, outputs) of an epoch where they are the best, as a whole or of the other half."""
        if self.outputs is None:
            self.outputs = outputs.copy()
        if not self.is_crossed:
            if is_best:
                self.outputs = outputs
            return
        for half, rows in enumerate(self.rows):
            score = self.score(outputs[rows], rows)
            if score >= self.best[half]:
                others = self.rows[1 - half]
                self.best[half], self.outputs[others] = score, outputs[others]
