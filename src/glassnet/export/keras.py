"""Networks to and from the list of arrays that a Keras model's get_weights gives and set_weights takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.export.file_endings import check_ending
from glassnet.export.imported import build_imported, checked_arrays
from glassnet.export.model_pipeline import network_of
from glassnet.export.sequential import Names, described, parts_of
from glassnet.files.atomic_file import FilePath, atomic_file
from glassnet.files.replacing import NPZ
from glassnet.network import NeuralNetwork
from glassnet.tables.activations import ActivationLike
from glassnet.tables.costs import CostLike

Array = np.ndarray[Any, Any]
ACTIVATIONS = {
    **{
        name: f'layers.Activation("{name}")' for name in ("sigmoid", "tanh", "relu", "selu", "silu", "mish", "softplus")
    },
    **{name: f'layers.Activation("{name}")' for name in ("softsign", "softmax")},
    "exp": 'layers.Activation("exponential")',
    "gelu": "layers.Activation(partial(keras.activations.gelu, approximate=True))",
    "leaky_relu": "layers.LeakyReLU(negative_slope={})",
    "elu": "layers.ELU(alpha={})",
}
NAMES = Names(
    "Keras",
    lambda fan_in, fan_out: f"layers.Dense({fan_out})",
    lambda activation: described(activation, ACTIVATIONS),
    lambda width, entry: f"layers.BatchNormalization(momentum={entry.momentum:g}, epsilon={entry.epsilon:g})",
    lambda width, entry: f"layers.LayerNormalization(epsilon={entry.epsilon:g})",
    lambda rate: f"layers.Dropout({rate:g})",
)


def to_keras(model: Any, path: FilePath | None = None) -> list[Array]:
    """Return the weights as the list that `set_weights` of a Keras Sequential takes, and write them to `path` as .npz.

    `keras_text` returns the code of this Sequential. The arrays in the file are arr_0, arr_1 ..., in order. Raises
    ParameterError (a ValueError) for a model of several networks, for a layer that a Sequential of Keras lacks, and for
    a `path` with the ending of another format.
    """
    if path is not None:
        check_ending(path, "a NumPy .npz file")
    parts = parts_of(network_of(model, "weights of Keras"), NAMES)
    arrays = [array for part in parts for array in part.arrays.values()]
    if path is not None:
        with atomic_file(path, kind=NPZ) as file:
            np.savez(file, *arrays)
    return arrays


def keras_text(model: Any) -> str:
    """The keras.Sequential that `to_keras` of this model gives the weights of, as Python code."""
    network = network_of(model, "weights of Keras")
    parts = [f"keras.Input(({network.architecture.inputs},))", *(part.text for part in parts_of(network, NAMES))]
    return f"keras.Sequential([{', '.join(parts)}])"


def from_keras(
    weights: Any, *, activations: Sequence[ActivationLike], cost: CostLike | None = None, dtype: Any = None
) -> NeuralNetwork:
    """Make a network with the weights of a Keras model of Dense layers.

    Parameters
    ----------
    weights : the list that `model.get_weights()` returns: kernel (fan_in, fan_out) and bias (fan_out,) of each layer; a
        layer without a bias has the kernel alone
    activations : one per Dense layer, because the weights do not contain them; "linear" for none
    cost : the cost of further training; None means the one that fits the last activation
    dtype : float32 or float64; None means that of the weights

    Raises ParameterError (a ValueError) for weights of other layers.
    """
    if isinstance(weights, str) or not isinstance(weights, Sequence) or not len(weights):
        raise ParameterTypeError("weights must be the list that get_weights() of a Keras model gives.")
    arrays = list(checked_arrays({f"weights[{i}]": array for i, array in enumerate(weights)}, "weights").values())
    layers: list[Any] = []
    values: dict[str, Array] = {}
    for index, array in enumerate(arrays):
        number = len(layers)
        if array.ndim == 2:
            layers += [len(array), array.shape[1]] if not layers else [array.shape[1]]
            number = len(layers) - 1
            values |= {f"w{number}": array, f"b{number}": np.zeros(array.shape[1], array.dtype)}
        elif array.ndim == 1 and index and arrays[index - 1].ndim == 2:
            values[f"b{number - 1}"] = array
        else:
            fault = f"weights[{index}] has the shape {array.shape}, which no Dense layer has at this place"
            raise ParameterError(f"{fault}; give the weights of Dense layers alone.")
    return build_imported(layers, activations, values, "weights", cost=cost, dtype=dtype)
