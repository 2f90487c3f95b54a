"""A TabularModel as a file and back: preparation, target, networks, and what was fitted to rows that they left out.

The estimators and the command line write it; models of older command lines, of one network each, are read as well.
What is read is checked: plain data of the expected types and sizes, or a ModelFileError.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from glassnet.data.stored import from_json
from glassnet.data.target import ClassTarget, TargetColumn
from glassnet.errors import ModelFileError
from glassnet.files.atomic_file import FilePath
from glassnet.files.estimator_file import EstimatorParts, saved_estimator, undamaged, write_estimator
from glassnet.files.model_file import ESTIMATOR, TABLE, SavedModel, refuse_checkpoint, saved_model
from glassnet.files.schema import fields, flag, mapping, optional, real, text
from glassnet.files.schema import plain as plain_value
from glassnet.files.storage import read_tensors
from glassnet.network import NeuralNetwork
from glassnet.tabular.calibration import Calibration
from glassnet.tabular.intervals import Intervals
from glassnet.tabular.linear_path import LinearPath
from glassnet.tabular.member import Member
from glassnet.tabular.model import TabularModel
from glassnet.tabular.plain_data import plain

Array = np.ndarray[Any, Any]
CLASSIFIER, REGRESSOR = "TabularClassifier", "TabularRegressor"
Rebuild = Callable[[Any, Mapping[str, Array], int, int], Any]
# What commands and estimators read of the summary of a training; everything else in it is only shown.
SUMMARY = fields(
    {},
    {
        "file": text(),
        "file options": fields({}, {"delimiter": text(), "encoding": text(), "header": flag}),
        "stopped": optional(text()),
        "optimizer": text(),
        "metric": optional(text()),
        "class weight": optional(text()),
        "lr": real(0),
        "hyperparameters": mapping(plain_value),
        "scores": mapping(optional(real())),
        "test scores": mapping(optional(real())),
    },
)
PARTS: dict[str, Rebuild] = {  # from their JSON, their tensors, and the numbers of inputs and outputs
    "linear": LinearPath.from_json,
    "calibration": Calibration.from_json,
    "intervals": Intervals.from_json,
}


def estimator_name(target: TargetColumn) -> str:
    """The estimator that a model of this target belongs to."""
    return CLASSIFIER if isinstance(target, ClassTarget) else REGRESSOR


def write_tabular(path: FilePath, model: TabularModel, parts: EstimatorParts | None = None) -> None:
    """Write a model, with the parameters and attributes of its estimator where there is one.

    Numbers of the summary that are not finite are left out. Raises ModelFileError (a ValueError) where it fails; an
    existing file is then unchanged.
    """
    fitted = {name: getattr(model, name) for name in PARTS if getattr(model, name) is not None}
    table = {
        "preparation": model.preparation.to_json(),
        "target": model.target.to_json(),
        "training": plain(model.training),
        "range": plain(model.output_range),
        "members": [{"best_epoch": member.best_epoch, "score": plain(member.score)} for member in model.members],
        **{name: part.to_json() for name, part in fitted.items()},
    }
    tensors = {f"{name}.{key}": array for name, part in fitted.items() for key, array in part.tensors().items()}
    parts = parts or EstimatorParts(estimator_name(model.target), {}, {})
    write_estimator(path, parts, [member.network for member in model.members], ({TABLE: table}, tensors))


def read_tabular(path: FilePath) -> TabularModel:
    """Read a model. Raises ModelFileError (a ValueError) where the file is damaged, too new, or holds no such model."""
    return model_and_parts(path, *read_tensors(path))[0]


def holds_table(document: Mapping[str, Any]) -> bool:
    """Whether a model file holds the preparation of a table."""
    extra = document.get("extra")
    return TABLE in document or (isinstance(extra, dict) and TABLE in extra)


def model_and_parts(
    path: FilePath, tensors: dict[str, Array], document: dict[str, Any]
) -> tuple[TabularModel, EstimatorParts]:
    """The model in the content of a file, and its estimator, which has no parameters in a file of the command line."""
    if not holds_table(document):
        refuse_checkpoint(path, document)
        raise ModelFileError(f"{path} holds a network without the preprocessing of its data; use glassnet train.")
    if ESTIMATOR not in document:
        saved = saved_model(path, document, tensors)
        table = undamaged(path, lambda: document["extra"][TABLE])
        model = _model(path, table, [saved], {})
        return model, EstimatorParts(estimator_name(model.target), {}, {})
    estimator = saved_estimator(path, tensors, document)
    model = _model(path, document[TABLE], estimator.members, tensors)
    if estimator.parts.kind in (CLASSIFIER, REGRESSOR) and estimator.parts.kind != estimator_name(model.target):
        raise ModelFileError(f"{path} is damaged: its target is not that of a {estimator.parts.kind}; save it again.")
    return model, estimator.parts


def _model(path: FilePath, table: Any, saved: list[SavedModel], tensors: Mapping[str, Array]) -> TabularModel:
    preparation, target = from_json(table, str(path))
    members = [Member(one.build(NeuralNetwork)) for one in saved]
    training = table.get("training") or {}
    undamaged(path, lambda: SUMMARY(training, "training"))
    training = {"hyperparameters" if name == "recipe" else name: value for name, value in training.items()}  # format 1
    model = TabularModel(preparation, target, members, training)
    undamaged(path, lambda: _inplace_details(model, table, tensors))
    return model


def _inplace_details(model: TabularModel, table: Mapping[str, Any], tensors: Mapping[str, Array]) -> None:
    """Set what is optional in a file. Raises ValueError, KeyError or TypeError for what cannot be."""
    outputs = _checked_width(model)
    described = table.get("members", [{}] * len(model.members))
    for member, summary in zip(model.members, described, strict=True):
        member.best_epoch, score = _count(summary.get("best_epoch", 0)), summary.get("score")
        member.score = math.nan if score is None else float(score)
    if table.get("range") is not None:
        low, high = (np.array(ends, np.float64) for ends in table["range"])
        if low.shape != (outputs,) or high.shape != (outputs,) or not (low <= high).all():
            raise ValueError("the range of its predictions")
        model.output_range = low.tolist(), high.tolist()
    for name, rebuild in PARTS.items():
        if table.get(name) is not None:
            own = {key.removeprefix(f"{name}."): array for key, array in tensors.items() if key.startswith(f"{name}.")}
            setattr(model, name, rebuild(table[name], own, model.preparation.width, outputs))
    if model.linear is not None and model.linear.classes != isinstance(model.target, ClassTarget):
        raise ValueError("linear path")


def _checked_width(model: TabularModel) -> int:
    """How many outputs the networks have. Raises ValueError where they do not fit the columns, or one another."""
    sizes = {(net.inputs, net.outputs) for net in (member.network.architecture for member in model.members)}
    target = model.target
    wanted = [len(target.classes)] if isinstance(target, ClassTarget) else [len(target.mean)]
    wanted += [1] if wanted == [2] and isinstance(target, ClassTarget) else []
    if len(sizes) != 1:
        raise ValueError("its networks have different sizes" if sizes else "it has no network")
    (inputs, outputs), width = sizes.pop(), model.preparation.width
    if inputs != width or outputs not in wanted:
        reason = f"{width} inputs and {wanted[0]} outputs against {inputs} and {outputs}"
        raise ValueError(f"its columns do not fit its network: {reason}")
    return outputs


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("its best epoch")
    return value
