"""A History as named arrays and plain data, and back: what a recording stores of a run, and a model file in short.

A file is untrusted: `history_of` checks every shape and number before it builds a History.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from glassnet.files.schema import MAX_CHARACTERS, each, fields, mapping, optional, real, text, whole
from glassnet.program.parameters import Array
from glassnet.training.history import CostLevels, FinalState, History, Predictability, Report
from glassnet.training.layer_measures import QUANTITIES, LayerHistory, Measures

LARGEST = np.finfo(np.float64).max  # stands for infinity and NaN in a file, which holds finite numbers only
OPTIONAL = ("validation_cost", "accuracy", "validation_metric")
MAX_EPOCHS = 256  # that a model file stores, evenly spread
MAX_WARNINGS = 16  # that are stored
THREE = optional(each(real(), 3, 3))
SCHEMA = fields(
    {
        "stopped": text(),
        "warnings": each(text(), MAX_WARNINGS),
        "best_epoch": optional(whole()),
        "batch_size": whole(),
        "levels": THREE,
    },
    {"best_by": text(), "predictability": THREE, "lanes": mapping(real())},
)


def arrays_of(history: History, layers: int) -> dict[str, Array]:
    """The reports and the measurements of `layers` layers as arrays; a quantity that some epoch lacks is left out."""
    columns = {f"epoch {name}": history[name] for name in Report._fields}
    reports = {name: finite(values) for name, values in columns.items() if not np.isnan(values).any()}
    measured = history.layers
    values = np.array([measures.values for _, _, measures in measured.measurements])
    values = values.reshape(-1, layers, len(QUANTITIES))
    arrays = {"noise": finite(measured.noise), "cost": finite(measured.cost), "values": finite(values)}
    arrays |= {"epoch": measured.epoch, "step": measured.step}
    return reports | {f"look {name}": array for name, array in arrays.items()}


def document_of(history: History) -> dict[str, Any]:
    """Everything that is not a number of an epoch or of a measurement, as plain data."""
    final = history.final
    levels = None if final is None else finite(np.array(final.levels)).tolist()
    scores = None if final is None or final.predictability is None else final.predictability
    return {
        "stopped": history.stopped[:MAX_CHARACTERS],
        "best_epoch": history.best_epoch,
        "best_by": history.best_by[:MAX_CHARACTERS],
        "warnings": [warning[:MAX_CHARACTERS] for warning in history.warnings[:MAX_WARNINGS]],
        "batch_size": history.layers.batch_size,
        "levels": levels,
        "predictability": None if scores is None else finite(np.array(scores)).tolist(),
        **({"lanes": history.lanes} if history.lanes else {}),
    }


def history_of(tensors: Mapping[str, Array], document: Mapping[str, Any], layers: int) -> History:
    """The History in a file. Raises ValueError or KeyError where anything in it is impossible."""
    SCHEMA(document, "history")
    history = History(_reports(tensors), document["stopped"])
    history.warnings, history.best_epoch = list(document["warnings"]), document["best_epoch"]
    history.layers = LayerHistory(_measurements(tensors, layers), document["batch_size"])
    history.best_by = document.get("best_by", history.best_by)
    history.lanes = dict(document.get("lanes", {}))
    levels, scores = document["levels"], document.get("predictability")
    if levels is not None and history.layers.measurements:
        measures = history.layers.measurements[-1][2]
        history.final = FinalState(measures, CostLevels(*levels), None if scores is None else Predictability(*scores))
    return history


def shortened(history: History) -> History:
    """What a model file stores: some epochs, and the final state of layers and costs, where a diagnosis measured it.

    Nothing of it depends on the clock (no seconds, no measurement at a time of the clock's choosing), so that a seed
    always gives the same file.
    """
    count = len(history)
    indices = np.unique(np.linspace(0, max(0, count - 1), min(MAX_EPOCHS, count)).astype(np.int64))
    short = History([history[index]._replace(seconds=0.0) for index in indices], history.stopped)
    short.best_epoch, short.best_by, short.warnings = history.best_epoch, history.best_by, history.warnings
    short.lanes = history.lanes
    epoch, step = (history[-1].epoch, history[-1].step) if history else (0, 0)
    final = [] if history.final is None else [(epoch, step, history.final.measures)]
    short.layers, short.final = LayerHistory(final, history.layers.batch_size), history.final
    return short


def finite(values: Array) -> Array:
    """The values in float64, with the largest finite number in place of what is not finite."""
    return np.nan_to_num(np.asarray(values, np.float64), nan=LARGEST, posinf=LARGEST, neginf=-LARGEST)


def _reports(tensors: Mapping[str, Array]) -> list[Report]:
    count = len(tensors["epoch epoch"])
    columns = []
    for name in Report._fields:
        column = tensors.get(f"epoch {name}") if name in OPTIONAL else tensors[f"epoch {name}"]
        if column is not None and (column.shape != (count,) or column.dtype.kind != "f"):
            raise ValueError(f"its {name} of {count} epochs is {column.dtype} {column.shape}")
        columns.append([None] * count if column is None else column.tolist())
    return [Report(int(epoch), int(step), *rest) for epoch, step, *rest in zip(*columns, strict=True)]


def _measurements(tensors: Mapping[str, Array], layers: int) -> list[tuple[int, int, Measures]]:
    values = tensors["look values"]
    if values.ndim != 3 or values.shape[1:] != (layers, len(QUANTITIES)):
        raise ValueError(f"its measurements of {layers} layers have shape {values.shape}")
    columns = [tensors[f"look {name}"] for name in ("epoch", "step", "cost", "noise")]
    if any(column.shape != (len(values),) for column in columns):
        raise ValueError(f"its {len(values)} measurements have columns of {[column.shape for column in columns]}")
    parts = zip(*(column.tolist() for column in columns), values, strict=True)
    return [(int(epoch), int(step), Measures(table, cost, noise)) for epoch, step, cost, noise, table in parts]
