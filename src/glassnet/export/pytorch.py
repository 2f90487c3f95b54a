"""Networks to and from the state dict of PyTorch's nn.Sequential, as safetensors: keys 0.weight, 0.bias, 2.weight ...

PyTorch itself is not needed. Its .pt and .pth files are pickles, which can run code, so they are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.export.file_endings import check_ending
from glassnet.export.imported import build_imported, checked_arrays
from glassnet.export.model_pipeline import network_of
from glassnet.export.safetensors_file import read_safetensors
from glassnet.export.sequential import Names, described, parts_of
from glassnet.files.atomic_file import FilePath, atomic_file
from glassnet.files.replacing import TENSORS
from glassnet.network import NeuralNetwork
from glassnet.tables.activations import ActivationLike
from glassnet.tables.costs import CostLike
from glassnet.tables.layers import BatchNorm, LayerNorm

Array = np.ndarray[Any, Any]
ACTIVATIONS = {
    **{"sigmoid": "nn.Sigmoid()", "tanh": "nn.Tanh()", "relu": "nn.ReLU()", "leaky_relu": "nn.LeakyReLU({})"},
    **{"elu": "nn.ELU({})", "selu": "nn.SELU()", "gelu": 'nn.GELU("tanh")', "silu": "nn.SiLU()", "mish": "nn.Mish()"},
    **{"softplus": "nn.Softplus()", "softsign": "nn.Softsign()", "softmax": "nn.Softmax(dim=1)"},
}
NAMES = Names(
    "PyTorch",
    lambda fan_in, fan_out: f"nn.Linear({fan_in}, {fan_out})",
    lambda activation: described(activation, ACTIVATIONS),
    lambda width, entry: f"nn.BatchNorm1d({width}, eps={entry.epsilon:g}, momentum={1 - entry.momentum:g})",
    lambda width, entry: f"nn.LayerNorm({width}, eps={entry.epsilon:g})",
    lambda rate: f"nn.Dropout({rate:g})",
)
KEYS = {
    "w": "weight",
    "b": "bias",
    "gamma": "weight",
    "beta": "bias",
    "mean": "running_mean",
    "variance": "running_var",
}
KEY = re.compile(r"(?P<prefix>(?:.*\.)?)(?P<number>\d{1,4})\.(?P<name>weight|bias|running_mean|running_var)", re.S)
COUNT = "num_batches_tracked"


def to_torch_state_dict(model: Any, path: FilePath | None = None) -> dict[str, Array]:
    """Return the weights under the keys of an nn.Sequential, and write them to `path` as safetensors.

    In a Sequential, an activation is a layer with its own number, except "linear". The metadata of the file contain the
    code of the Sequential under the key "sequential". Running means and variances of BatchNorm are included. Raises
    ParameterError (a ValueError) for a model of several networks, for a layer that a Sequential lacks, and for a `path`
    with the ending of another format.
    """
    if path is not None:
        check_ending(path, "a safetensors file")
    network = network_of(model, "a state dict can")
    tensors: dict[str, Array] = {}
    for number, part in enumerate(parts_of(network, NAMES)):
        for name, array in part.arrays.items():
            values = array.T if name == "w" else array
            tensors[f"{number}.{KEYS[name]}"] = np.ascontiguousarray(values)
        if "variance" in part.arrays:
            tensors[f"{number}.{COUNT}"] = np.array(0, np.int64)
    if path is not None:
        from safetensors.numpy import save

        with atomic_file(path, kind=TENSORS) as file:
            file.write(save(tensors, {"format": "pt", "sequential": sequential_text(network)}))
    return tensors


def sequential_text(model: Any) -> str:
    """The nn.Sequential that a state dict of this model belongs to, as Python code."""
    parts = parts_of(network_of(model, "a state dict can"), NAMES)
    return f"nn.Sequential({', '.join(part.text for part in parts)})"


class _Linear(NamedTuple):
    """A dense layer of a state dict, with the normalisations before and after its activation."""

    w: Array
    b: Array | None
    before: list[tuple[Any, dict[str, Array]]]
    after: list[tuple[Any, dict[str, Array]]]
    number: int


def from_torch_state_dict(
    state_dict: FilePath | Mapping[str, Any],
    *,
    activations: Sequence[ActivationLike],
    cost: CostLike | None = None,
    dtype: Any = None,
    epsilon: float = 1e-5,
) -> NeuralNetwork:
    """Make a network with the weights of a PyTorch nn.Sequential.

    Parameters
    ----------
    state_dict : a safetensors file (`safetensors.torch.save_file(model.state_dict(), path)`), or the mapping itself, of
        arrays or CPU tensors; Linear, BatchNorm1d and LayerNorm are read; a missing bias becomes 0
    activations : one per Linear, because a state dict does not contain them; "linear" for none
    cost : the cost of further training; None means the one that fits the last activation
    dtype : float32 or float64; None means that of the weights
    epsilon : the eps of the normalisation layers

    A normalisation directly after a Linear acts before the activation. Raises ModelFileError (a ValueError) for a file
    that cannot be trusted, and ParameterError (a ValueError) for keys of other layers.
    """
    if hasattr(state_dict, "state_dict"):
        raise ParameterTypeError(f"state_dict is a {type(state_dict).__name__}; give model.state_dict().")
    where = "the state dict" if isinstance(state_dict, Mapping) else str(state_dict)
    tensors = dict(state_dict) if isinstance(state_dict, Mapping) else read_safetensors(state_dict)
    tensors = checked_arrays({name: tensor for name, tensor in tensors.items() if not str(name).endswith(COUNT)}, where)
    linears = _linears(_by_number(tensors, where), where, epsilon)
    layers: list[Any] = [linears[0].w.shape[1]]
    values: dict[str, Array] = {}
    for number, linear in enumerate(linears, 1):
        out = len(linear.w)
        biases = np.zeros(out, linear.w.dtype) if linear.b is None else linear.b
        values |= {f"w{number}": linear.w.T, f"b{number}": biases}
        layers += [out, *(entry for entry, _ in linear.before + linear.after)]
        for entry, arrays in linear.before + linear.after:
            values |= {f"{entry.name}{number}_{name}": array for name, array in arrays.items()}
    return build_imported(layers, activations, values, where, cost=cost, dtype=dtype)


def _by_number(tensors: Mapping[str, Array], where: str) -> dict[int, dict[str, Array]]:
    """The tensors by the number of their layer. Raises ParameterError for keys of another form."""
    layers: dict[int, dict[str, Array]] = {}
    prefixes = set()
    for key, tensor in tensors.items():
        match = KEY.fullmatch(key)
        if match is None:
            fault = f"{where} has the key {key[:60]!r}; those of an nn.Sequential are 0.weight, 0.bias, 2.weight ..."
            raise ParameterError(f"{fault}: give the state dict of the Sequential itself.")
        prefixes.add(match["prefix"])
        layers.setdefault(int(match["number"]), {})[match["name"]] = tensor
    if len(prefixes) > 1:
        raise ParameterError(f"{where} holds {len(prefixes)} modules; give the state dict of one nn.Sequential.")
    return dict(sorted(layers.items()))


def _linears(layers: Mapping[int, dict[str, Array]], where: str, epsilon: float) -> list[_Linear]:
    linears: list[_Linear] = []
    for number, arrays in layers.items():
        if "weight" not in arrays:
            raise ParameterError(f"{where} has {number}.{next(iter(arrays))}, but no {number}.weight; save it again.")
        weight = arrays["weight"]
        if weight.ndim == 2:
            linears.append(_Linear(weight, arrays.get("bias"), [], [], number))
            continue
        if weight.ndim != 1 or not linears:
            fault = f"{where} has {number}.weight of shape {weight.shape}, which is no Linear"
            raise ParameterError(f"{fault}; only Linear, BatchNorm1d and LayerNorm behind a Linear can be read.")
        if "bias" not in arrays:
            fault = f"{where} has {number}.weight of shape {weight.shape} without {number}.bias"
            raise ParameterError(f"{fault}: a PReLU, or a normalisation without bias, neither of which can be read.")
        last = linears[-1]
        target = last.before if number == last.number + 1 + len(last.before) and not last.after else last.after
        target.append(_normalisation(arrays, epsilon, target is last.before))
    if not linears:
        raise ParameterError(f"{where} holds no Linear layer; a network needs at least one.")
    return linears


def _normalisation(arrays: dict[str, Array], epsilon: float, before: bool) -> tuple[Any, dict[str, Array]]:
    """The layer, and its arrays by our names."""
    names = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "variance"}
    is_batch = "running_mean" in arrays
    entry = (BatchNorm if is_batch else LayerNorm)(epsilon=epsilon, before_activation=before)
    return entry, {names[name]: array for name, array in arrays.items()}
