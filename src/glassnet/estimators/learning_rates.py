"""The learning rate of each epoch in scikit-learn's three modes: constant, invscaling and adaptive."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.tables.schedules import Floats, Schedule


class EpochRates(Schedule):
    """The rate of each epoch of a fit; after the last given epoch the rate stays constant.

    `first_step` is the step number at which the fit begins: partial_fit continues counting where the last call ended.
    """

    name = "epoch_rates"
    source = "scikit-learn's SGDOptimizer"

    def __init__(self, rates: Any, first_step: int) -> None:
        self.epoch_rates, self.first_step = np.atleast_1d(np.asarray(rates, np.float64)), first_step

    def rates(self, lr: float, t: Any, total: int, per_epoch: int) -> Floats:
        """The rate of each step: that of the epoch it belongs to."""
        return self.after((np.asarray(t, np.int64) - self.first_step) // per_epoch)

    def after(self, epochs: Any) -> Floats:
        """The rate after `epochs` epochs."""
        return self.epoch_rates[np.minimum(epochs, len(self.epoch_rates) - 1)]

    def change(self, epochs: int, rate: float) -> None:
        """Set the rate of all epochs after the first `epochs`."""
        self.epoch_rates = np.append(self.after(np.arange(epochs)), rate)


def inverse_scaling(first: float, initial: float, power: float, t: Any) -> Floats:
    """`first` in the first epoch, then initial / (t + 1)^power, with `t` the samples processed before each epoch."""
    return np.append(first, initial / (np.asarray(t, np.float64) + 1) ** power)
