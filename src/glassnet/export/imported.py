"""A network of weights that another program trained: checked, built, and with its values in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.network import NeuralNetwork
from glassnet.tables.activations import ActivationLike, activation
from glassnet.tables.costs import CostLike

Array = np.ndarray[Any, Any]
MAX_PARAMETERS = 1 << 30
COSTS = {"softmax": "categorical_cross_entropy", "sigmoid": "binary_cross_entropy", "exp": "poisson"}


def checked_arrays(arrays: Mapping[str, Any], where: str) -> dict[str, Array]:
    """The arrays as float32 or float64, finite. Raises ParameterError or ParameterTypeError that names a bad one."""
    return {str(name): _checked(str(name), value, where) for name, value in arrays.items()}


def _checked(name: str, value: Any, where: str) -> Array:
    if hasattr(value, "detach"):  # a tensor of PyTorch that may still take part in its gradients
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        fault = f"{where}: {name[:60]!r} is not an array of numbers{_dtype_text(value)}"
        raise ParameterTypeError(f"{fault}; give arrays, or CPU tensors as float32.") from None
    if array.dtype.kind not in "fiu":
        raise ParameterTypeError(f"{where}: {name[:60]!r} has dtype {array.dtype}; weights are real numbers.")
    array = array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)
    if not np.isfinite(array).all():
        raise ParameterError(f"{where}: {name[:60]!r} has a value that is not a finite number; train it again.")
    return array


def _dtype_text(value: Any) -> str:
    """The dtype of a tensor that NumPy lacks, such as bfloat16."""
    return f" but has dtype {value.dtype}" if hasattr(value, "dtype") else ""


def build_imported(
    layers: Sequence[Any],
    activations: Sequence[ActivationLike],
    values: Mapping[str, Array],
    where: str,
    *,
    cost: CostLike | None = None,
    dtype: Any = None,
) -> NeuralNetwork:
    """The network with these values by the names of its parameters and statistics, as rows: w1 (fan_in, fan_out).

    Shapes are compared before anything is made. Raises ParameterError where they do not fit one another.
    """
    widths = [layer for layer in layers if isinstance(layer, int)]
    _check_shapes(widths, values, where)
    if isinstance(activations, str) or not isinstance(activations, Sequence):
        raise ParameterTypeError(
            f"activations must be a list with one entry per dense layer, not {activations!r:.100}."
        )
    last = activation(activations[-1]).name if len(activations) else ""
    kind = np.dtype(dtype) if dtype is not None else np.result_type(*(array.dtype for array in values.values()))
    network = NeuralNetwork(
        layers, activations, cost or COSTS.get(last, "quadratic"), initializer="zeros", dtype=kind, seed=0
    )
    for name, array in values.items():
        vector = network.parameters if name in network.parameters else network.statistics
        if name not in vector or vector.rows(name).shape != array.shape:
            raise ParameterError(f"{where}: {name} has the shape {array.shape}, which does not fit its layer.")
        with np.errstate(over="ignore"):
            vector.rows(name)[...] = array
        if not np.isfinite(vector.rows(name)).all():
            raise ParameterError(f"{where}: {name} has a value beyond the range of {kind}; pass dtype='float64'.")
    return network


def _check_shapes(widths: Sequence[int], values: Mapping[str, Array], where: str) -> None:
    """Raise unless each dense layer reads what the one before it gives."""
    for number, (fan_in, fan_out) in enumerate(pairwise(widths), 1):
        for name, shape in ((f"w{number}", (fan_in, fan_out)), (f"b{number}", (fan_out,))):
            if values[name].shape != shape:
                what = "weights" if name[0] == "w" else "biases"
                fault = f"{where}: dense layer {number} has {what} of shape {values[name].shape}"
                raise ParameterError(f"{fault}, but {shape} would fit its neighbours: give the layers of one network.")
        if fan_in < 1 or fan_out < 1:
            raise ParameterError(f"{where}: dense layer {number} has no neurons; give the layers of one network.")
