"""A model as a file and back: its numbers as tensors, everything else as one document of plain data.

The tensors have the article's names and orientation (`w1` is (fan_out, fan_in)); storage.py reads and writes the file.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.errors import GlassnetError, ModelFileError
from glassnet.execution.model import Model
from glassnet.files.history_file import arrays_of, document_of, history_of, shortened
from glassnet.files.storage import read_tensors, write_tensors
from glassnet.program.architecture import architecture
from glassnet.program.layer_positions import segments
from glassnet.program.parameters import Array
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.costs import COSTS, CustomCost
from glassnet.tables.custom_activation import CustomActivation
from glassnet.tables.entry import describe, rebuild
from glassnet.tables.initializers import INITIALIZERS
from glassnet.tables.layers import LAYERS
from glassnet.training.history import History

MAX_LACKING = 1_000_000  # parameters without a tensor, which are named once the network is built; more are refused
HISTORY = "history "  # begins the names of its tensors
ESTIMATOR, TABLE = "estimator", "table"  # keys of a document that has more than a network


class SavedModel(NamedTuple):
    """The content of a model file: a description of the model, its tensors, its runs, and the History of the last."""

    path: Any
    description: dict[str, Any]
    tensors: dict[str, Array]
    runs: int
    history: History | None

    def arguments(self) -> dict[str, Any]:
        """The arguments of NeuralNetwork. Raises KeyError, TypeError, ValueError where the description is wrong."""
        described = self.description
        return {
            "layers": [entry if isinstance(entry, int) else rebuild(LAYERS, entry) for entry in described["layers"]],
            "activations": [rebuild(ACTIVATIONS, entry, CustomActivation) for entry in described["activations"]],
            "cost": rebuild(COSTS, described["cost"], CustomCost),
            "initializer": rebuild(INITIALIZERS, described["initializer"]),
            **{name: described[name] for name in ("l1", "l2", "dtype", "seed")},
        }

    def build(self, kind: Any, engine: str = "compiled") -> Any:
        """The network, of the class `kind`. Raises ModelFileError (a ValueError) where it cannot be built."""
        try:
            arguments = self.arguments()
            self._check_size(arguments)
            network = kind(**arguments, engine=engine)
        except (GlassnetError, KeyError, TypeError, ValueError) as error:
            raise cannot_be_built(self.path, error) from None
        self.copy_into(network.model)
        network.runs, network.history = self.runs, self.history
        return network

    def _check_size(self, arguments: dict[str, Any]) -> None:
        """Raise ValueError for a network far larger than the file, before memory is allocated for it."""
        given = sum(tensor.size for tensor in self.tensors.values())

        def check(needed: int) -> None:
            if needed > given + MAX_LACKING:
                raise ValueError(f"it has {needed:,} parameters or more, and the file holds {given:,} numbers")

        check(max((entry for entry in arguments["layers"] if isinstance(entry, int)), default=0))
        described = architecture(*(arguments[name] for name in ("layers", "activations", "cost", "l1", "l2")))
        check(sum(dense.fan_in * dense.fan_out for dense in described.dense))
        check(sum(segment.size for group in segments(described) for segment in group))

    def copy_into(self, model: Model) -> None:
        """Copy the tensors into a model of this description; shapes and dtypes must be those that it needs."""
        for name, target in model_arrays(model).items():
            tensor = self.tensors.get(name)
            if tensor is None or tensor.shape != target.shape or tensor.dtype != target.dtype:
                problem = "is missing" if tensor is None else f"is {tensor.dtype} {tensor.shape}"
                needs = f"the network it describes needs {target.dtype} {target.shape}"
                raise ModelFileError(f"{self.path}: tensor {name} {problem}; {needs}.")
            target[...] = tensor


def model_arrays(model: Model) -> dict[str, Array]:
    """Views of all parameters and running statistics, by name."""
    return {**model.parameters, **model.statistics}


def describe_model(model: Model) -> dict[str, Any]:
    """Layers, activations, cost, penalty, initialiser, dtype and seed as plain data."""
    architecture = model.architecture
    layers: list[Any] = [architecture.inputs, *map(describe, architecture.input_layers)]
    for dense in architecture.dense:
        layers += [dense.fan_out, *map(describe, dense.before + dense.after)]
    return {
        "layers": layers,
        "activations": [describe(dense.activation) for dense in architecture.dense],
        "cost": describe(architecture.cost),
        "initializer": describe(model.initializer),
        "l1": architecture.l1,
        "l2": architecture.l2,
        "dtype": str(model.dtype),
        "seed": model.seed,
    }


def model_parts(model: Model, runs: int, history: History | None) -> tuple[dict[str, Any], dict[str, Array]]:
    """The document and the tensors of a model; the History of its last training is in short (history_file.py)."""
    tensors = {}
    for name, array in model_arrays(model).items():
        if not np.isfinite(array).all():
            raise ModelFileError(f"{name} has a number that is not finite; train the network anew before saving it.")
        tensors[name] = np.ascontiguousarray(array)
    document = {"network": describe_model(model), "runs": runs}
    if history is not None:
        short = shortened(history)
        measured = arrays_of(short, len(model.architecture.dense))
        tensors |= {HISTORY + name: array for name, array in measured.items()}
        document["history"] = document_of(short)
    return document, tensors


def saved_model(path: Any, document: dict[str, Any], tensors: dict[str, Array]) -> SavedModel:
    """The model that `model_parts` took apart. Raises ModelFileError (a ValueError) where it is damaged."""
    try:
        description = document["network"]
        runs, layers = int(document.get("runs", 0)), len(description["activations"])
    except (KeyError, TypeError, ValueError) as error:
        raise cannot_be_built(path, error) from None
    return SavedModel(path, description, tensors, runs, _history(document.get("history"), tensors, path, layers))


def with_table(extra: dict[str, Any] | None, preparation: Any, target: Any) -> dict[str, Any]:
    """What is stored with a network, with the preparation of the table that it was trained from, if there is one."""
    if preparation is None or target is None:
        return extra or {}
    return {**(extra or {}), TABLE: {"preparation": preparation.to_json(), "target": target.to_json(), "training": {}}}


def write_model(path: Any, model: Model, runs: int, history: History | None, extra: dict[str, Any] | None) -> None:
    """Write a file of one model; the file that was there stays whole until the new one is. `extra` is plain data."""
    document, tensors = model_parts(model, runs, history)
    write_tensors(path, tensors, document | {"extra": extra or {}})


def read_model(path: Any, *, bare: bool = False) -> SavedModel:
    """Read the model of a file that holds one.

    Raises ModelFileError (a ValueError) where it is damaged, not ours, or too new; where it has to be `bare`, also for
    a file that holds more than a network.
    """
    tensors, document = read_tensors(path)
    if bare:
        _check_bare(path, document)
    if not isinstance(document.get("network"), dict):
        raise ModelFileError(f"{path} holds no network; name a file that NeuralNetwork.save or `glassnet train` wrote.")
    return saved_model(path, document, tensors)


def _check_bare(path: Any, document: dict[str, Any]) -> None:
    """Refuse a file of which only the network would be read."""
    estimator, extra = document.get(ESTIMATOR), document.get("extra")
    if isinstance(estimator, dict):
        raise ModelFileError(
            f"{path} holds a fitted {str(estimator.get('class'))[:60]}, not a bare network; read it with glassnet.load."
        )
    if isinstance(extra, dict) and TABLE in extra:
        raise ModelFileError(
            f"{path} holds a network together with the preparation of its columns, without which its predictions would "
            "be wrong; read it with glassnet.load, whose model_.members[0].network is the network."
        )


def cannot_be_built(path: Any, error: Exception) -> ModelFileError:
    """The error for a description that no network fits."""
    reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error).removesuffix(".")
    return ModelFileError(f"{path} describes a network that cannot be built: {reason}.")


def _history(document: Any, tensors: dict[str, Any], path: Any, layers: int) -> History | None:
    """The History of the training that made the model; None where the file has none."""
    if document is None:
        return None
    arrays = {name.removeprefix(HISTORY): array for name, array in tensors.items() if name.startswith(HISTORY)}
    try:
        return history_of(arrays, document, layers)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelFileError(f"{path} is damaged: its history makes no sense ({error}); save it again.") from None
