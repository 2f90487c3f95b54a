"""The learning rate of each epoch, as scikit-learn's three modes have it: constant, invscaling, adaptive."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.tables.schedules import Floats, Schedule


class EpochRates(Schedule):
    """The rate of each epoch of a fit; past those that are known the last one stays.

    `first_step` is the number of the fit's first step: later fits of a run go on counting.
    """

    name = "epoch_rates"
    source = "scikit-learn's SGDOptimizer"

    def __init__(self, rates: Any, first_step: int) -> None:
        self.known, self.first_step = np.atleast_1d(np.asarray(rates, np.float64)), first_step

    def rates(self, lr: float, t: Any, total: int, per_epoch: int) -> Floats:
        """The rate of the epoch that each step lies in."""
        return self.after((np.asarray(t, np.int64) - self.first_step) // per_epoch)

    def after(self, epochs: Any) -> Floats:
        """The rate after so many epochs."""
        return self.known[np.minimum(epochs, len(self.known) - 1)]

    def change(self, epochs: int, rate: float) -> None:
        """Another rate from here on, after so many epochs."""
        self.known = np.append(self.after(np.arange(epochs)), rate)


def inverse_scaling(first: float, initial: float, power: float, samples: Any) -> Floats:
    """`first` in the first epoch, then initial / (t + 1)^power, with `samples` the t seen before each later epoch."""
    return np.append(first, initial / (np.asarray(samples, np.float64) + 1) ** power)
