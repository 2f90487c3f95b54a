"""When a fit ends: scikit-learn's count of epochs without improvement, of the loss or of a score."""

from __future__ import annotations

import math
from typing import Any


class Patience:
    """The epochs since the last improvement by `tol`, and what ends the fit once they are more than `limit`.

    `best` is the lowest loss so far, or the highest score; `count` goes on from fit to fit where weights do.
    """

    def __init__(self, tol: float, limit: float, best: float, count: int) -> None:
        self.tol, self.limit, self.best, self.count = tol, limit, best, count

    def loss(self, value: float) -> None:
        """Count an epoch by its loss."""
        self.count = self.count + 1 if value > self.best - self.tol else 0
        self.best = min(self.best, value)

    def score(self, value: float) -> bool:
        """Count an epoch by its score, which may be NaN; whether it is the best one."""
        self.count = self.count + 1 if value < self.best + self.tol else 0
        better = value > self.best
        self.best = value if better else self.best
        return better

    @property
    def exhausted(self) -> bool:
        """Whether there were more epochs without improvement than are allowed."""
        return self.count > self.limit

    def certain(self, most: int) -> int:
        """How many epochs can be run, at most `most`, before the fit could have to end."""
        left = self.limit + 1 - self.count
        return most if left == math.inf else max(1, min(most, int(left)))


def sentence(early_stopping: bool, tol: float, limit: Any) -> str:
    """scikit-learn's words for why a fit ended."""
    what = "Validation score" if early_stopping else "Training loss"
    return f"{what} did not improve more than tol={tol:f} for {limit} consecutive epochs."
