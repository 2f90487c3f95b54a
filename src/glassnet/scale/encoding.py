"""From a block of rows, as people pass it, to samples as a network reads them; done where the block lies.

An encoding goes to the workers of a cluster, so it holds plain data and what a person could pickle, but no data.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np

from glassnet.array_likes import to_array
from glassnet.batches.sources import Sources, checked_sources
from glassnet.errors import DataError
from glassnet.estimators.base_mlp import BaseMLP
from glassnet.estimators.inputs import checked_weights, engine_rows
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


class EstimatorEncoding:
    """Blocks of an MLPClassifier or MLPRegressor: X (rows, features) and y, encoded by what a first pass found.

    `estimator` knows its classes, columns and dtype (prepared.py); only that is kept of it.
    """

    def __init__(self, estimator: BaseMLP) -> None:
        self.dtype = str(estimator._network.dtype)
        state = {
            name: value for name, value in vars(estimator).items() if name not in (*NETWORK_ATTRIBUTES, COLUMN_NAMES)
        }
        self.estimator = copy.copy(estimator)
        self.estimator.__dict__.clear()
        self.estimator.__dict__.update(state)

    def __call__(self, X: Any, y: Any, weights: Any = None) -> Sources:
        """The block as Sources. Raises DataError or ValueError, as the estimator's fit does."""
        X, targets = self.estimator._validate_input(X, y, True, False)
        weights = self.estimator._apply_class_weight(checked_weights(weights, X), targets, True)
        return Sources(engine_rows(X, np.dtype(self.dtype)), targets, weights)


NETWORK_ATTRIBUTES = ("_network", "_views", "_training", "_optimizer", "_best_vectors", "coefs_", "intercepts_")
COLUMN_NAMES = "feature_names_in_"  # which were compared when the block was read, and which arrays do not have
