"""A model file of the command line: a network together with the preparation of its data and its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.cli.output_layer import output_width, probabilities
from glassnet.cli.scores import class_scores, number_scores
from glassnet.data.preprocessing import Preparation, TablePreparation
from glassnet.data.stored import from_json
from glassnet.data.target import ClassTarget, TargetColumn
from glassnet.errors import DataError, ModelFileError
from glassnet.files.model_file import read_model
from glassnet.files.storage import read_metadata
from glassnet.network import NeuralNetwork
from glassnet.program.builder import build
from glassnet.program.program import Program
from glassnet.program.updates import StepOptions
from glassnet.see.wording import COMMAND, Wording
from glassnet.tables.optimizers import OPTIMIZERS, optimizer

Array = np.ndarray[Any, Any]

KEY = "table"


@dataclass(frozen=True)
class TrainedModel:
    """A network, the preparation of its inputs, its target, and a summary of its training as plain data."""

    network: NeuralNetwork
    preparation: Preparation
    target: TargetColumn
    training: dict[str, Any]

    def save(self, path: str) -> None:
        """Write the model file."""
        table = {"preparation": self.preparation.to_json(), "target": self.target.to_json(), "training": self.training}
        self.network.save(path, extra={KEY: table})

    def wording(self) -> Wording:
        """The terms of a diagnosis for users of the command line: its options, and the names in the table."""
        rate = self.training.get("lr")
        table = self.preparation if isinstance(self.preparation, TablePreparation) else None
        return COMMAND._replace(
            columns=None if table is None else table.features,
            classes=self.target.classes if isinstance(self.target, ClassTarget) else None,
            rate=rate if isinstance(rate, float) else None,
            x="x" if table is None else "the table",
        )

    def outputs(self, x: Array) -> Array:
        """Compute the outputs (fan_out, n) for inputs (n, features). Raises DataError where one is not finite."""
        outputs = self.network.predict(x.T)
        if not (finite := np.isfinite(outputs).all(axis=0)).all():
            row = int(finite.argmin()) + 1
            cause = "its values are far outside the training data"
            raise DataError(f"The prediction for row {row} is not finite; {cause}.")
        return outputs

    def probabilities(self, x: Array) -> Array:
        """Compute the probability of each class, (n, classes), for inputs (n, features)."""
        return probabilities(self.outputs(x))

    def scores(self, x: Array, encoded: Array) -> dict[str, float]:
        """Score the predictions for inputs (n, features) against the encoded targets (n, ...)."""
        if isinstance(self.target, ClassTarget):
            return class_scores(self.probabilities(x), encoded)
        return number_scores(self.target.decode(self.outputs(x).T), self.target.decode(encoded))


def load_model(path: str) -> TrainedModel:
    """Read a model file. Raises ModelFileError where it is damaged or was not made by `glassnet train`."""
    network = read_model(path).build(NeuralNetwork)
    extra = read_metadata(path).get("extra")
    table: Any = extra.get(KEY) if isinstance(extra, dict) else None
    preparation, target = from_json(table, path)
    training = table.get("training")
    widths = network.architecture.inputs, network.architecture.outputs
    if (preparation.width, output_width(target, network.architecture.cost)) != widths:
        raise ModelFileError(f"{path} is damaged: its columns do not fit its network.")
    return TrainedModel(network, preparation, target, training if isinstance(training, dict) else {})


def training_program(network: NeuralNetwork, optimizer_name: Any) -> Program:
    """Build the program of one step with the optimiser that trained the network, where its name is known."""
    if optimizer_name not in OPTIMIZERS:
        return network.program
    return build(network.architecture, StepOptions(optimizer(optimizer_name)))
