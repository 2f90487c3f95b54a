"""A network as a model file and back: its numbers as tensors, everything else as one plain document.

The tensors carry the article's names and orientation (`w1` is (fan_out, fan_in)); storage.py reads and writes the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import GlassnetError, ModelFileError
from glassnet.files.history_file import arrays_of, history_of, shortened, words_of
from glassnet.files.storage import read_tensors, write_tensors
from glassnet.see.evidence import gathered
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.costs import COSTS, OwnCost
from glassnet.tables.initializers import INITIALIZERS
from glassnet.tables.layers import LAYERS
from glassnet.tables.own_activation import OwnActivation
from glassnet.tables.rows import describe, rebuild
from glassnet.training.history import History

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork

HISTORY = "history "  # begins the names of its tensors


def describe_network(network: NeuralNetwork) -> dict[str, Any]:
    """Layers, activations, cost, penalty, initialiser, dtype, seed and runs as plain data."""
    architecture = network.architecture
    layers: list[Any] = [architecture.inputs, *map(describe, architecture.input_layers)]
    for dense in architecture.dense:
        layers += [dense.fan_out, *map(describe, dense.before + dense.after)]
    return {
        "layers": layers,
        "activations": [describe(dense.activation) for dense in architecture.dense],
        "cost": describe(architecture.cost),
        "initializer": describe(network.initializer),
        "l1": architecture.l1,
        "l2": architecture.l2,
        "dtype": str(network.dtype),
        "seed": network.seed,
    }


def save(network: NeuralNetwork, path: Any, extra: dict[str, Any] | None = None) -> None:
    """Write the model file; what stood there before stays whole until the new file is. `extra` is plain data.

    The numbers of the last training go with it, in short (history_file.py).
    """
    for held in (network.parameters, network.statistics):
        for name in held:
            if not np.isfinite(held[name]).all():
                raise ModelFileError(
                    f"{name} holds a number that is not finite; train the network anew before saving it."
                )
    tensors = {
        name: np.ascontiguousarray(held[name]) for held in (network.parameters, network.statistics) for name in held
    }
    document = {"network": describe_network(network), "runs": network.runs, "extra": extra or {}}
    if network.history is not None:
        evidence = gathered(network)
        kept = shortened(network.history, evidence.measures, evidence.levels)
        arrays = arrays_of(kept, len(network.architecture.dense))
        tensors |= {HISTORY + name: array for name, array in arrays.items()}
        document["history"] = words_of(kept)
    write_tensors(path, tensors, document)


def load(path: Any, engine: str = "compiled") -> NeuralNetwork:
    """Read a model file. Raises ModelFileError (a ValueError) where it is damaged, not ours, or too new."""
    from glassnet.network import NeuralNetwork

    tensors, document = read_tensors(path)
    found = document.get("network")
    if not isinstance(found, dict):
        raise ModelFileError(f"{path} holds no network; name a file that NeuralNetwork.save or `glassnet train` wrote.")
    try:
        network = NeuralNetwork(**_arguments(found), engine=engine)
        network.runs = int(document.get("runs", 0))
    except (GlassnetError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path} describes a network that cannot be made: {error}") from None
    for held in (network.parameters, network.statistics):
        for name in held:
            _fill(held[name], name, tensors, path)
    network.history = _history(document.get("history"), tensors, path, len(network.architecture.dense))
    return network


def _history(words: Any, tensors: dict[str, Any], path: Any, layers: int) -> History | None:
    """The numbers of the training that made the network; None where the file keeps none."""
    if words is None:
        return None
    found = {name.removeprefix(HISTORY): array for name, array in tensors.items() if name.startswith(HISTORY)}
    try:
        return history_of(found, words, layers)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelFileError(f"{path} is damaged: its history makes no sense ({error}); save it again.") from None


def _arguments(found: dict[str, Any]) -> dict[str, Any]:
    """The constructor's arguments from a description."""
    return {
        "layers": [entry if isinstance(entry, int) else rebuild(LAYERS, entry) for entry in found["layers"]],
        "activations": [rebuild(ACTIVATIONS, row, OwnActivation) for row in found["activations"]],
        "cost": rebuild(COSTS, found["cost"], OwnCost),
        "initializer": rebuild(INITIALIZERS, found["initializer"]),
        **{name: found[name] for name in ("l1", "l2", "dtype", "seed")},
    }


def _fill(target: Any, name: str, tensors: dict[str, Any], path: Any) -> None:
    """Copy one tensor in; its shape and dtype must be those of the described network."""
    tensor = tensors.get(name)
    if tensor is None or tensor.shape != target.shape or tensor.dtype != target.dtype:
        what = "is missing" if tensor is None else f"is {tensor.dtype} {tensor.shape}"
        raise ModelFileError(
            f"{path}: tensor {name} {what}; the network it describes needs {target.dtype} {target.shape}."
        )
    target[...] = tensor
