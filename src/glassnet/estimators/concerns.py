"""What is wrong with a fit, named in a sentence: columns out of scale, a loss that grew, layers that learn nothing."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from glassnet.errors import DataError, DivergedError
from glassnet.network import NeuralNetwork

Array = np.ndarray[Any, Any]
APART = 1000.0  # times the middle column from which on a column is out of scale
WIDE = 10.0  # a size of columns with which layers may be saturated
FAR = 1e4  # a size that sums and rates are not made for
SOME = 4096  # samples that tell how far columns reach
LOOKED_AT = 256  # samples that tell whether a layer is saturated
MOST = 0.95  # share of a layer's outputs or units


class FitWarning(ConvergenceWarning):
    """A fit that probably gives a poor model, and what to do about it."""


class DivergedFitError(DivergedError, ValueError):
    """A fit met a number that is not finite; the weights of the step before are kept."""


def diverged(error: DivergedError) -> DivergedFitError:
    """The error in the words that scikit-learn's users look for, and where it came from."""
    return DivergedFitError(
        "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
        f"preprocessed. In short: {error}"
    )


def concern(sentence: str) -> None:
    """Say it."""
    warnings.warn(FitWarning(sentence), stacklevel=2)


def check_weights(weights: Array) -> None:
    """Refuse sample weights that are negative, or all 0."""
    if (weights < 0).any():
        place = int(np.argmax(weights < 0))
        raise DataError(f"sample_weight[{place}] is {weights[place]:g}; weights must be 0 or more.")
    if not weights.any():
        raise DataError("sample_weight is zero for all samples; at least one sample must count.")


def look_at_columns(x: Array, names: Any) -> float:
    """Name the column that reaches far further than the others do; return how far it does."""
    some = x[:: max(1, len(x) // SOME)]
    reach = np.maximum(np.abs(some.max(axis=0)), np.abs(some.min(axis=0))).astype(np.float64)
    used = reach[reach > 0]
    if not len(used):
        return 0.0
    worst, middle = int(np.argmax(reach)), float(np.median(used))
    if reach[worst] > FAR or (reach[worst] > 1 and reach[worst] > APART * middle):
        column = f"column {worst}" if names is None else f"column {str(names[worst])!r}"
        concern(
            f"{column} of X reaches {reach[worst]:.3g}, the middle column {middle:.3g}: gradients of such columns "
            "drown the others and training will probably stall; scale the columns first (StandardScaler)."
        )
    return float(reach[worst])


def look_at_targets(y: Array) -> None:
    """Name a target that is too large for common rates."""
    largest = float(np.abs(y).max())
    if largest > FAR:
        concern(
            f"y reaches {largest:.3g}: its squared errors drown the gradients; scale it first "
            "(TransformedTargetRegressor with a StandardScaler)."
        )


def look_at_losses(curve: list[float], rate: float) -> None:
    """Name a loss that grew."""
    first, last = curve[0], curve[-1]
    if last > 2 * first > 0:
        concern(
            f"the loss grew from {first:.3g} to {last:.3g} in {len(curve)} epochs: the learning rate {rate:g} is too "
            "large for these data; try a tenth of it, and scale the columns."
        )


def look_at_layers(network: NeuralNetwork, x: Array) -> None:
    """Name the first hidden layer that learns nothing, by what it makes of some rows."""
    z_s, a_s = network.feedforward(x.T)
    for number, dense in enumerate(network.architecture.dense[:-1], 1):
        row = dense.activation
        gates = np.abs(np.ones_like(a_s[number]) * row.derivative(z_s[number - 1], a_s[number]))
        shut = gates < 1e-3
        dead = float(shut.all(axis=1).mean())
        if dead > MOST or shut.mean() > MOST:
            concern(
                f"hidden layer {number} ({row.name}) is saturated: the derivative is all but 0 for {shut.mean():.0%} "
                f"of its outputs, {dead:.0%} of its units never learn; scale the columns or lower the learning rate."
            )
            return
