"""How good the predictions are: counts by class, or predicted beside true values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glassnet.batches.targets import predicted_classes
from glassnet.frames.encoding import Message, encoded, finite
from glassnet.frames.samples import MAX_COLUMNS, Samples, spread, targets
from glassnet.program.parameters import Array

MAX_PAIRS = 500  # that are drawn
MAX_CLASSES = 30  # of a table of counts
MAX_ROWS = 100  # behind one of its cells


class Scores(NamedTuple):
    """The scores of some outputs (n, outputs) for samples by their numbers; `value` is accuracy or R², None if none."""

    value: float | None
    message: Message


def scores(samples: Samples, numbers: Array, outputs: Array) -> Scores:
    """The scores of these outputs."""
    with np.errstate(all="ignore"):
        return _of_classes(samples, numbers, outputs) if samples.classes else _of_numbers(samples, numbers, outputs)


def cell_samples(samples: Samples, numbers: Array, outputs: Array, cell: tuple[int, int]) -> Message:
    """The samples behind a cell (true, predicted) of the counts by class, the most certain predictions first."""
    true, predicted = _true_and_predicted(samples, numbers, outputs)
    in_cell = np.flatnonzero((true == cell[0]) & (predicted == cell[1]))
    single = outputs.shape[1] == 1
    certainty = np.abs(outputs[in_cell, 0] - 0.5) if single else outputs[in_cell, cell[1]]
    certain_first = in_cell[np.argsort(-certainty, kind="stable")][:MAX_ROWS]
    indices = np.searchsorted(samples.listed, numbers[certain_first]).clip(max=len(samples.listed) - 1)
    is_listed = samples.listed[indices] == numbers[certain_first]
    return {
        **{"true": cell[0], "predicted": cell[1], "count": len(in_cell), "numbers": numbers[certain_first].tolist()},
        "samples": np.where(is_listed, indices, -1).tolist(),
        "x": encoded(samples.x[numbers[certain_first]][:, :MAX_COLUMNS]),
        "outputs": encoded(outputs[certain_first]),
    }


def _true_and_predicted(samples: Samples, numbers: Array, outputs: Array) -> tuple[Array, Array]:
    """The true and the predicted class of each of these samples."""
    predicted = predicted_classes(outputs, (outputs.shape[1],)).astype(np.int64)
    return samples.labels(numbers).astype(np.int64), predicted


def _of_classes(samples: Samples, numbers: Array, outputs: Array) -> Scores:
    true, predicted = _true_and_predicted(samples, numbers, outputs)
    count = len(samples.classes)
    accuracy = float((predicted == true).mean())
    counts = np.bincount(true * count + predicted, minlength=count * count).reshape(count, count)
    table = encoded(counts) if count <= MAX_CLASSES else None
    return Scores(accuracy, {"confusion": table, "pairs": None, "names": ["accuracy"], "values": [accuracy]})


def _of_numbers(samples: Samples, numbers: Array, outputs: Array) -> Scores:
    y = targets(samples, numbers, outputs.shape[1]).astype(np.float64)
    squares, variation = ((outputs - y) ** 2).sum(axis=0), ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    r2 = finite(float((1 - squares / variation).mean())) if variation.all() else None
    rmse = finite(float(np.sqrt(squares.sum() / y.size)))
    chosen = spread(np.arange(len(y)), MAX_PAIRS)
    pairs = encoded(np.stack([y[chosen, 0], outputs[chosen, 0]], axis=1))
    known = {name: value for name, value in {"R²": r2, "RMSE": rmse}.items() if value is not None}
    return Scores(r2, {"confusion": None, "pairs": pairs, "names": list(known), "values": list(known.values())})
