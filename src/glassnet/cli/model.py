"""A trained model as the command line keeps it: a network with its data's preparation and target, in one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.cli.outputs import probabilities
from glassnet.data.preprocessing import Preparation, from_json
from glassnet.data.target import ClassTarget, TargetColumn
from glassnet.errors import DataError, ModelFileError
from glassnet.files.storage import read_metadata
from glassnet.network import NeuralNetwork

Array = np.ndarray[Any, Any]

KEY = "table"


@dataclass(frozen=True)
class Model:
    """A network, what stands before and after it, and a summary of its training in words."""

    network: NeuralNetwork
    preparation: Preparation
    target: TargetColumn
    training: dict[str, Any]

    def save(self, path: str) -> None:
        """Write the model file."""
        table = {"preparation": self.preparation.to_json(), "target": self.target.to_json(), "training": self.training}
        self.network.save(path, extra={KEY: table})

    def outputs(self, x: Array) -> Array:
        """The network's outputs (fan_out, n) for inputs (n, features). Raises DataError where one is not finite."""
        found = self.network.predict(x.T)
        if not (finite := np.isfinite(found).all(axis=0)).all():
            row = int(finite.argmin()) + 1
            raise DataError(f"The prediction for row {row} is not finite; its cells are much too far from training.")
        return found

    def probabilities(self, x: Array) -> Array:
        """The probability of each class, (n, classes)."""
        return probabilities(self.outputs(x))


def load_model(path: str) -> Model:
    """Read a model file. Raises ModelFileError where it is damaged or was not made by `glassnet train`."""
    network = NeuralNetwork.load(path)
    extra = read_metadata(path).get("extra")
    table = extra.get(KEY) if isinstance(extra, dict) else None
    preparation, target = from_json(table, path)
    model = Model(network, preparation, target, _summary(table))
    if preparation.width != network.architecture.inputs or _width(target, network) != network.architecture.outputs:
        raise ModelFileError(f"{path} is damaged: its columns do not fit its network.")
    return model


def _width(target: TargetColumn, network: NeuralNetwork) -> int:
    """How many outputs a network for this target has."""
    if not isinstance(target, ClassTarget):
        return len(target.mean)
    binary = len(target.classes) == 2 and network.architecture.cost.target_sum is None
    return 1 if binary else len(target.classes)


def _summary(table: Any) -> dict[str, Any]:
    training = table.get("training")
    return training if isinstance(training, dict) else {}
