"""Model files of the command line: a TabularModel as a file and back, and what commands ask of one of its networks."""

from __future__ import annotations

from typing import Any

from glassnet.data.preprocessing import TablePreparation
from glassnet.data.target import ClassTarget
from glassnet.errors import ParameterError, counted
from glassnet.files.model_file import bare_model
from glassnet.files.storage import read_tensors
from glassnet.network import NeuralNetwork
from glassnet.program.builder import build
from glassnet.program.program import Program
from glassnet.program.updates import StepOptions
from glassnet.see.wording import COMMAND, NETWORK, Wording
from glassnet.tables.optimizers import OPTIMIZERS, optimizer
from glassnet.tabular.member import Member
from glassnet.tabular.model import Array, TabularModel
from glassnet.tabular.model_file import holds_table, model_and_parts, read_tabular
from glassnet.tabular.scores import Scores, class_scores, number_scores


def load_model(path: str) -> TabularModel:
    """Read a model file. Raises ModelFileError where it is damaged or holds no model of a table or of arrays."""
    return read_tabular(path)


def load_members(path: str) -> tuple[list[Member], Wording]:
    """The networks of a model file, also of one without a table, and the terms of a diagnosis.

    The file is read once: a writer may replace it at any time.
    """
    tensors, document = read_tensors(path)
    if holds_table(document):
        model = model_and_parts(path, tensors, document)[0]
        return model.members, wording(model)
    return [Member(bare_model(path, tensors, document).build(NeuralNetwork))], NETWORK


def check_member(count: int, number: int | None) -> None:
    """Raise ParameterError where a model of so many networks has none of this number."""
    if number is not None and number > count:
        raise ParameterError(f"--member is {number}, but the model has {counted(count, 'network')}.")


def network_of(model: TabularModel, number: int | None) -> NeuralNetwork:
    """The network of a member, counted from 1; the first where none is asked for. Raises ParameterError."""
    check_member(len(model.members), number)
    return model.members[(number or 1) - 1].network


def member_text(model: TabularModel, number: int | None) -> str:
    """A remark on which network of several is meant; empty for a model of one."""
    count = len(model.members)
    if count == 1:
        return ""
    return f"network {number or 1} of {count}{'' if number else '; --member chooses another'}"


def is_plain(model: TabularModel) -> bool:
    """Whether the model is a plain network, without the hyperparameters of a tabular model."""
    return "hyperparameters" not in model.training


def optimizer_name(model: TabularModel) -> Any:
    """The name of the optimiser that trained the networks, as far as it is known."""
    hyperparameters = model.training.get("hyperparameters")
    if isinstance(hyperparameters, dict):
        return "adamw" if hyperparameters.get("decay") else "adam"
    return model.training.get("optimizer")


def wording(model: TabularModel) -> Wording:
    """The terms of a diagnosis for users of the command line: its options, and the names in the table."""
    rate = model.training.get("lr")
    table = model.preparation if isinstance(model.preparation, TablePreparation) else None
    return COMMAND._replace(
        columns=None if table is None else table.features,
        classes=model.target.classes if isinstance(model.target, ClassTarget) else None,
        rate=rate if isinstance(rate, float) else None,
        x="x" if table is None else "the table",
    )


def predicted(model: TabularModel, x: Array) -> Array:
    """The probabilities (n, classes), or the values (n, outputs) in the units of the target."""
    return model.probabilities(x) if isinstance(model.target, ClassTarget) else model.values(x)


def scores_of(model: TabularModel, prediction: Array, encoded: Array, weights: Array | None = None) -> Scores:
    """Score probabilities (n, classes) or values (n, outputs) against the encoded targets (n, ...)."""
    if isinstance(model.target, ClassTarget):
        return class_scores(prediction, encoded, weights)
    return number_scores(prediction, model.target.true_values(encoded), weights)


def training_program(network: NeuralNetwork, optimizer_name: Any) -> Program:
    """Build the program of one step with the optimiser that trained the network, where its name is known."""
    if optimizer_name not in OPTIMIZERS:
        return network.program
    return build(network.architecture, StepOptions(optimizer(optimizer_name)))
