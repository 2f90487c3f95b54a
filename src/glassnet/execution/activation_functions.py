"""The activations and their derivatives as functions of z, under the names that the article gives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassnet.batches.samples import numeric
from glassnet.errors import ParameterError
from glassnet.program.parameters import Array
from glassnet.tables.activations import ActivationLike, activation


class ActivationFunctions:
    """The article's two static methods, spelled as there."""

    @staticmethod
    def getActivationFunction(name: ActivationLike) -> Callable[[ArrayLike], Array]:
        """The activation σ as a function of z, an array (fan_out, batch)."""
        entry = activation(name)
        return lambda z: np.asarray(entry.value(_floating(z)))

    @staticmethod
    def getDerivitiveActivationFunction(name: ActivationLike) -> Callable[[ArrayLike], Array]:
        """The derivative σ' as a function of z alone. Raises ValueError for softmax, whose derivative is a matrix."""
        entry = activation(name)
        if not entry.elementwise:
            product = f"glassnet.tables.activations.{type(entry).__name__}().jacobian_product(a, v)"
            raise ParameterError(f"{entry.name} has no elementwise derivative: use {product}.")

        def derivative(z: Any) -> Array:
            z = _floating(z)
            return np.asarray(np.ones_like(z) * entry.derivative(z, entry.value(z)))

        return derivative


def _floating(z: Any) -> Array:
    """z as an array of floats."""
    array = numeric("z", z)
    return array if array.dtype.kind == "f" else array.astype(np.float64)
