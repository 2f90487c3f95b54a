"""When a fit ends: scikit-learn's count of epochs in which the loss or the validation score did not improve."""

from __future__ import annotations

import math


class Patience:
    """Counts the epochs since the last improvement by `tol`; the fit ends when there are more than `limit`.

    `best` is the lowest loss or the highest score so far. With a warm start both carry over from fit to fit.
    """

    def __init__(self, tol: float, limit: float, best: float, count: int) -> None:
        self.tol, self.limit, self.best, self.count = tol, limit, best, count

    def add_loss(self, value: float) -> None:
        """Count an epoch by its loss."""
        self.count = self.count + 1 if value > self.best - self.tol else 0
        self.best = min(self.best, value)

    def add_score(self, value: float) -> bool:
        """Count an epoch by its score, which may be NaN; returns whether it is the best so far."""
        self.count = self.count + 1 if value < self.best + self.tol else 0
        better = value > self.best
        self.best = value if better else self.best
        return better

    @property
    def exhausted(self) -> bool:
        """Whether more epochs than allowed passed without improvement."""
        return self.count > self.limit

    def safe_epochs(self, most: int) -> int:
        """The number of epochs, at most `most`, that can run before the fit might have to end."""
        left = self.limit + 1 - self.count
        return most if left == math.inf else max(1, min(most, int(left)))

    def message(self, measure: str) -> str:
        """Why a fit ended, in scikit-learn's wording."""
        return f"{measure} did not improve more than tol={self.tol:f} for {self.limit} consecutive epochs."
