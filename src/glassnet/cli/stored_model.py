"""Model files of the command line: a TabularModel as a file and back, and what commands ask of one of its networks."""

from __future__ import annotations

from typing import Any

from glassnet.cli.output_layer import output_width
from glassnet.cli.scores import Scores, class_scores, number_scores
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.stored import from_json
from glassnet.data.target import ClassTarget
from glassnet.errors import ModelFileError, ParameterError, counted
from glassnet.files.model_file import TABLE, model_parts, read_model, saved_model
from glassnet.files.storage import read_metadata, read_tensors, write_tensors
from glassnet.network import NeuralNetwork
from glassnet.program.builder import build
from glassnet.program.program import Program
from glassnet.program.updates import StepOptions
from glassnet.see.wording import COMMAND, NETWORK, Wording
from glassnet.tables.optimizers import OPTIMIZERS, optimizer
from glassnet.tabular.member import Member
from glassnet.tabular.model import Array, TabularModel


def load_model(path: str) -> TabularModel:
    """Read a model file. Raises ModelFileError where it is damaged or was not made by `glassnet train`."""
    tensors, document = read_tensors(path)
    if "members" in document:
        members = [
            Member(
                NeuralNetwork.from_saved(
                    saved_model(
                        path,
                        d,
                        {n.removeprefix(f"member{k}."): t for n, t in tensors.items() if n.startswith(f"member{k}.")},
                    )
                ),
                best_epoch=b,
            )
            for k, (d, b) in enumerate(zip(document["members"], document["extra"][TABLE]["best"], strict=True), 1)
        ]
    else:
        members = [Member(NeuralNetwork.from_saved(read_model(path)))]
    network = members[0].network
    extra = read_metadata(path).get("extra")
    table: Any = extra.get(TABLE) if isinstance(extra, dict) else None
    preparation, target = from_json(table, path)
    training = table.get("training")
    widths = network.architecture.inputs, network.architecture.outputs
    if (preparation.width, output_width(target, network.architecture.cost)) != widths:
        raise ModelFileError(f"{path} is damaged: its columns do not fit its network.")
    return TabularModel(preparation, target, members, training if isinstance(training, dict) else {})


def write_model(model: TabularModel, path: str) -> None:
    """Write the model file. Raises ModelFileError where that fails."""
    table = {"preparation": model.preparation.to_json(), "target": model.target.to_json(), "training": model.training}
    if len(model.members) == 1:
        model.members[0].network.save(path, extra={TABLE: table})
        return
    members, tensors = [], {}
    for number, member in enumerate(model.members, 1):
        document, arrays = model_parts(member.network.model, member.network.runs, member.network.history)
        members.append(document)
        tensors |= {f"member{number}.{name}": array for name, array in arrays.items()}
    table["best"] = [member.best_epoch for member in model.members]
    write_tensors(path, tensors, {"members": members, "extra": {TABLE: table}})


def load_members(path: str) -> tuple[list[Member], Wording]:
    """The networks of a model file, also of one without a table, and the terms of a diagnosis."""
    if TABLE in (read_metadata(path).get("extra") or {}):
        model = load_model(path)
        return model.members, wording(model)
    return [Member(NeuralNetwork.load(path))], NETWORK


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


def scores_of(model: TabularModel, prediction: Array, encoded: Array) -> Scores:
    """Score probabilities (n, classes) or values (n, outputs) against the encoded targets (n, ...)."""
    if isinstance(model.target, ClassTarget):
        return class_scores(prediction, encoded)
    return number_scores(prediction, model.target.decode(encoded))


def training_program(network: NeuralNetwork, optimizer_name: Any) -> Program:
    """Build the program of one step with the optimiser that trained the network, where its name is known."""
    if optimizer_name not in OPTIMIZERS:
        return network.program
    return build(network.architecture, StepOptions(optimizer(optimizer_name)))
