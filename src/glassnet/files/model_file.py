"""A model as a file and back: its numbers as tensors, everything else as one document of plain data.

The tensors have the article's names and orientation (`w1` is (fan_out, fan_in)); storage.py reads and writes the file.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.errors import GlassnetError, ModelFileError, unknown_name
from glassnet.execution.executor import ENGINES
from glassnet.execution.model import Model
from glassnet.files.header import MAX_TENSORS
from glassnet.files.history_file import arrays_of, document_of, history_of, shortened
from glassnet.files.schema import ENTRY, anything, each, either, fields, one_of, real, whole
from glassnet.files.storage import is_finite, read_tensors, write_tensors
from glassnet.program.architecture import Architecture, architecture
from glassnet.program.layer_positions import segments
from glassnet.program.parameters import Array
from glassnet.program.precision import MIXED, PRECISIONS
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.costs import COSTS, CustomCost
from glassnet.tables.custom_activation import CustomActivation
from glassnet.tables.entry import describe, rebuild
from glassnet.tables.initializers import INITIALIZERS, Initializer
from glassnet.tables.layers import LAYERS
from glassnet.training.history import History

MAX_WIDTH = 1 << 40
HISTORY = "history "  # begins the names of its tensors
ESTIMATOR, TABLE = "estimator", "table"  # keys of a document that has more than a network
NETWORK_SCHEMA = fields(
    {
        "layers": each(either(whole(1, MAX_WIDTH), ENTRY), 3 * MAX_TENSORS, 2),
        "activations": each(ENTRY, MAX_TENSORS, 1),
        "cost": ENTRY,
        "initializer": ENTRY,
        "l1": real(0),
        "l2": real(0),
        "dtype": one_of(*PRECISIONS),
        "seed": whole(),
    }
)
SCHEMA = fields({"network": NETWORK_SCHEMA}, {"runs": whole()}, anything)


class SavedModel(NamedTuple):
    """The content of a model file: a description of the model, its tensors, its runs, and the History of the last."""

    path: Any
    description: dict[str, Any]
    tensors: dict[str, Array]
    runs: int
    history: History | None

    def build(self, kind: Any, engine: str = "compiled") -> Any:
        """The network, of the class `kind`. Raises ModelFileError (a ValueError) where it cannot be built."""
        if engine not in ENGINES:
            raise unknown_name("engine", engine, ENGINES)
        try:
            described, initializer = self._described()
        except (GlassnetError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise cannot_be_built(self.path, error) from None
        precision, seed = self.description["dtype"], self.description["seed"]
        dtype = np.dtype("float32" if precision == MIXED else precision)
        described = described._replace(precision=MIXED if precision == MIXED else None)
        self._check_tensors(described, dtype)
        model = Model.zeros(described, initializer, dtype, seed, engine)
        for name, target in model_arrays(model).items():
            target[...] = self.tensors[name]
        network = kind.__new__(kind)
        network.__setstate__({"model": model, "runs": self.runs, "history": self.history})
        return network

    def _described(self) -> tuple[Architecture, Initializer]:
        """What the description describes. Raises ValueError, KeyError or TypeError where that cannot be."""
        plain = self.description
        layers = [entry if isinstance(entry, int) else rebuild(LAYERS, entry) for entry in plain["layers"]]
        activations = [rebuild(ACTIVATIONS, entry, CustomActivation) for entry in plain["activations"]]
        cost = rebuild(COSTS, plain["cost"], CustomCost)
        described = architecture(layers, activations, cost, plain["l1"], plain["l2"])
        return described, rebuild(INITIALIZERS, plain["initializer"])

    def _check_tensors(self, described: Architecture, dtype: Any) -> None:
        """Refuse tensors that the network does not have, before there is memory for it.

        The dense layers come first: the first values of the layers between them take memory.
        """
        for number, dense in enumerate(described.dense, 1):
            self._check_tensor(f"w{number}", (dense.fan_out, dense.fan_in), dtype)
        for group in segments(described):
            for segment in group:
                shape = segment.shape[::-1] if len(segment.shape) == 2 else (*segment.shape, 1)
                self._check_tensor(segment.name, shape, dtype)

    def _check_tensor(self, name: str, shape: tuple[int, ...], dtype: Any) -> None:
        tensor = self.tensors.get(name)
        if tensor is None or tensor.shape != shape or tensor.dtype != dtype:
            problem = "is missing" if tensor is None else f"is {tensor.dtype} {tensor.shape}"
            needs = f"the network it describes needs {dtype} {shape}"
            raise ModelFileError(f"{self.path}: tensor {name} {problem}; {needs}.")


def model_arrays(model: Model) -> dict[str, Array]:
    """Views of all parameters and running statistics, by name."""
    return {**model.parameters, **model.statistics}


def describe_model(model: Model) -> dict[str, Any]:
    """Layers, activations, cost, penalty, initialiser, dtype and seed as plain data.

    A mixed precision stands for the dtype, so that readers that know none refuse it: float32 is part of its meaning.
    """
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
        "dtype": architecture.precision or str(model.dtype),
        "seed": model.seed,
    }


def model_parts(model: Model, runs: int, history: History | None) -> tuple[dict[str, Any], dict[str, Array]]:
    """The document and the tensors of a model; the History of its last training is in short (history_file.py)."""
    tensors = {}
    for name, array in model_arrays(model).items():
        if not is_finite(array):
            raise ModelFileError(f"{name} has a number that is not finite; train the network anew before saving it.")
        tensors[name] = array
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
        SCHEMA(document, "")
    except ValueError as error:
        raise cannot_be_built(path, error) from None
    layers = len(document["network"]["activations"])
    history = _history(document.get("history"), tensors, path, layers)
    return SavedModel(path, document["network"], tensors, document.get("runs", 0), history)


def with_table(extra: dict[str, Any] | None, preparation: Any, target: Any) -> dict[str, Any]:
    """What is stored with a network, with the preparation of the table that it was trained from, if there is one."""
    if preparation is None or target is None:
        return extra or {}
    return {**(extra or {}), TABLE: {"preparation": preparation.to_json(), "target": target.to_json(), "training": {}}}


def write_model(path: Any, model: Model, runs: int, history: History | None, extra: dict[str, Any] | None) -> None:
    """Write a file of one model; the file that was there stays whole until the new one is. `extra` is plain data.

    While another thread trains the model, the file has the parameters after one of its steps.
    """
    with model.lock.between_steps():
        document, tensors = model_parts(model, runs, history)
        write_tensors(path, tensors, document | {"extra": extra or {}})


def read_model(path: Any) -> SavedModel:
    """Read the model of a file that holds a network alone.

    Raises ModelFileError (a ValueError) where it is damaged, not ours, too new, or holds more than a network.
    """
    return bare_model(path, *read_tensors(path))


def bare_model(path: Any, tensors: dict[str, Array], document: dict[str, Any]) -> SavedModel:
    """The same from the content of the file."""
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


def refuse_checkpoint(path: Any, document: dict[str, Any]) -> None:
    """Refuse the state of a run where a model is read. Raises ModelFileError (a ValueError)."""
    if "checkpoint" in document:
        how = "train(..., checkpoint=, resume=True) or glassnet train --checkpoint --resume"
        raise ModelFileError(f"{path} is a checkpoint of a run, not a model; continue it with {how}.")


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
