"""A History as named arrays and plain words, and back: what a recording keeps of a run, and a model file in short.

A file is a stranger's: `history_of` checks every shape and number that it is given before it makes a History of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from glassnet.program.parameters import Array
from glassnet.training.history import History, Report
from glassnet.training.layer_measures import QUANTITIES, LayerHistory, Measures

LARGEST = np.finfo(np.float64).max  # stands for infinity and NaN in a file, which holds finite numbers only
OPTIONAL = ("validation_cost", "accuracy")
EPOCHS = 256  # that a model file keeps, evenly spread
NOTES, LETTERS = 16, 1000  # warnings that are kept, and characters of each


def arrays_of(history: History, layers: int) -> dict[str, Array]:
    """The reports and the looks at the `layers` layers as arrays; a quantity that some epoch has not is left out."""
    columns = {f"epoch {name}": history.column(name) for name in Report._fields}
    found = {name: finite(values) for name, values in columns.items() if not np.isnan(values).any()}
    looks = history.layers
    values = np.array([measures.values for _, _, measures in looks.looks]).reshape(-1, layers, len(QUANTITIES))
    numbers = {"noise": finite(looks.noise), "cost": finite(looks.cost), "values": finite(values)}
    numbers |= {"epoch": looks.epoch, "step": looks.step}
    return found | {f"look {name}": array for name, array in numbers.items()}


def words_of(history: History) -> dict[str, Any]:
    """What is no number of an epoch or a look, as plain data."""
    notes = [note[:LETTERS] for note in history.warnings[:NOTES]]
    words = {"stopped": history.stopped[:LETTERS], "best_epoch": history.best_epoch, "warnings": notes}
    levels = None if history.levels is None else finite(np.array(history.levels)).tolist()
    return words | {"batch_size": history.layers.batch_size, "levels": levels}


def history_of(tensors: Mapping[str, Array], words: Mapping[str, Any], layers: int) -> History:
    """The History out of a file. Raises ValueError or KeyError where anything in it cannot be."""
    history = History(_reports(tensors))
    history.stopped, history.warnings = _text(words["stopped"]), [_text(note) for note in words["warnings"]]
    best, batch = words["best_epoch"], words["batch_size"]
    if not (best is None or type(best) is int) or type(batch) is not int or batch < 0:
        raise ValueError(f"its best epoch is {best!r:.40} and its batch size {batch!r:.40}")
    history.best_epoch, history.layers = best, LayerHistory(_looks(tensors, layers), batch)
    history.levels = _levels(words["levels"])
    return history


def shortened(history: History, look: Measures | None, levels: tuple[float, float, float] | None) -> History:
    """What a model file keeps: some epochs, and the layers and costs as they are saved, where they are known.

    Nothing of it depends on the clock (no seconds, no look from a time of the run), so that a seed gives one file.
    """
    places = np.unique(np.linspace(0, max(0, len(history) - 1), min(EPOCHS, len(history))).astype(np.int64))
    short = History([history[place]._replace(seconds=0.0) for place in places])
    short.stopped, short.best_epoch, short.warnings = history.stopped, history.best_epoch, history.warnings
    epoch, step = (history[-1].epoch, history[-1].step) if history else (0, 0)
    short.layers = LayerHistory(
        [] if look is None or levels is None else [(epoch, step, look)], history.layers.batch_size
    )
    short.levels = levels
    return short


def finite(values: Array) -> Array:
    """The values in float64, the largest finite number for what is not finite."""
    return np.nan_to_num(np.asarray(values, np.float64), nan=LARGEST, posinf=LARGEST, neginf=-LARGEST)


def _reports(tensors: Mapping[str, Array]) -> list[Report]:
    """The reports out of their columns."""
    count = len(tensors["epoch epoch"])
    columns = []
    for name in Report._fields:
        found = tensors.get(f"epoch {name}") if name in OPTIONAL else tensors[f"epoch {name}"]
        if found is not None and (found.shape != (count,) or found.dtype.kind != "f"):
            raise ValueError(f"its {name} of {count} epochs is {found.dtype} {found.shape}")
        columns.append([None] * count if found is None else found.tolist())
    return [Report(int(epoch), int(step), *rest) for epoch, step, *rest in zip(*columns, strict=True)]


def _looks(tensors: Mapping[str, Array], layers: int) -> list[tuple[int, int, Measures]]:
    """The looks out of their columns."""
    values = tensors["look values"]
    if values.ndim != 3 or values.shape[1:] != (layers, len(QUANTITIES)):
        raise ValueError(f"its looks at {layers} layers have shape {values.shape}")
    columns = [tensors[f"look {name}"] for name in ("epoch", "step", "cost", "noise")]
    if any(column.shape != (len(values),) for column in columns):
        raise ValueError(f"its {len(values)} looks have columns of {[column.shape for column in columns]}")
    parts = zip(*(column.tolist() for column in columns), values, strict=True)
    return [(int(epoch), int(step), Measures(table, cost, noise)) for epoch, step, cost, noise, table in parts]


def _levels(values: Any) -> tuple[float, float, float] | None:
    """The three costs."""
    if values is None:
        return None
    if not isinstance(values, list) or len(values) != 3 or any(type(value) is not float for value in values):
        raise ValueError(f"its levels of the cost are {values!r:.40}")
    return (values[0], values[1], values[2])


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LETTERS:
        raise ValueError(f"a sentence of it is {value!r:.40}")
    return value
