"""A person's arrays x and y, of a .npz file or an IDX folder, as the samples of a run, and as the page previews them.

They are prepared as `glassnet train` prepares them: each input standardised, bytes divided by 255.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data.arrays import Arrays
from glassnet.data.preprocessing import ArrayPreparation
from glassnet.data.target import ClassTarget, TargetColumn, fit_target, infer_task
from glassnet.data.toy_sets import DATA_SEED
from glassnet.errors import DataError
from glassnet.frames.samples import Raw
from glassnet.play.own_data import OwnArrays
from glassnet.play.run_samples import RunSamples, held_out_rows
from glassnet.play.setup import AUTO, Setup
from glassnet.play.target_notes import check_classes, scaled_note

MAX_ROWS, MAX_NUMBERS = 20_000, 8_000_000  # of x
TARGET = "y"
EXAMPLES = 3

Message = dict[str, Any]


def array_samples(own: OwnArrays, setup: Setup) -> RunSamples:
    """The samples of arrays. Raises DataError with what is wrong."""
    arrays = own.arrays
    if setup.target != TARGET:
        raise DataError(f"{arrays.path} holds arrays, whose target is y; it has no column {setup.target!r}.")
    x, y, notes = _sampled(arrays)
    if len(y) < 2:
        raise DataError(f"{arrays.path} has 1 row; at least 2 are needed.")
    held_out = held_out_rows(len(y), setup.test)
    rows = np.flatnonzero(~held_out)
    task, reason = infer_task(y, task_of(own, setup.task))
    target = fit_target(TARGET, y, rows, task)
    check_classes(arrays.path, target)
    preparation = ArrayPreparation.fit(x, rows)
    is_idx = own.has_labels and setup.task == AUTO
    notes += [f"y is read as {task}: {'IDX labels are classes' if is_idx else reason}.", *scaled_note(target)]
    prepared = (preparation.transform(x, arrays.path), target.encode(y))
    notes.append(f"x is {'divided by 255' if preparation.is_bytes else 'standardised, input by input'}.")
    return _run_samples(arrays, prepared, held_out, (preparation, target), notes)


def task_of(own: OwnArrays, asked: str) -> str:
    """The task that is asked for; labels by the format of a file are classes, unless something else is."""
    return "classification" if own.has_labels and asked == AUTO else asked


def _run_samples(
    arrays: Arrays,
    prepared: tuple[Any, Any],
    held_out: Any,
    fitted: tuple[ArrayPreparation, TargetColumn],
    notes: list[str],
) -> RunSamples:
    """The samples of encoded x and y (rows)."""
    (x, y), (preparation, target) = prepared, fitted
    is_classes = isinstance(target, ClassTarget)
    return RunSamples(
        arrays.path,
        np.ascontiguousarray(x.T.astype(np.float64)),
        y if is_classes else np.ascontiguousarray(y.T),
        held_out,
        tuple(f"x[{number}]" for number in range(x.shape[1])),
        () if is_classes else (TARGET,) if y.shape[1] == 1 else tuple(f"y[{n}]" for n in range(y.shape[1])),
        tuple(map(str, target.classes)) if isinstance(target, ClassTarget) else (),
        _raw(preparation, x),
        arrays.image,
        tuple(notes),
        table=fitted,
    )


def _sampled(arrays: Arrays) -> tuple[Any, Any, list[str]]:
    """x and y, or as many rows of them as the page takes, drawn at random, with a note."""
    assert arrays.y is not None
    x, y = arrays.x, arrays.y
    most = min(MAX_ROWS, MAX_NUMBERS // x.shape[1])
    if len(x) <= most:
        return x, y, []
    rows = np.sort(np.random.default_rng(DATA_SEED).choice(len(x), most, replace=False))
    return x[rows], y[rows], [f"Of {len(x):,} rows, {most:,} were drawn at random; glassnet train uses all of them."]


def _raw(preparation: ArrayPreparation, x: Any) -> tuple[Raw, ...]:
    """How each input is turned back into the numbers of the file."""
    low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
    means, scales = (np.resize(values, x.shape[1]) for values in (preparation.mean, preparation.scale))
    widths = 1 / np.where(scales == 0, 1.0, scales)
    ends = zip(low * widths + means, high * widths + means, means, widths, strict=True)
    return tuple(Raw(float(a), float(b), float(mean), float(width)) for a, b, mean, width in ends)


def array_message(own: OwnArrays) -> Message:
    """What the page shows of arrays that were just read."""
    arrays = own.arrays
    assert arrays.y is not None
    image = f", an image of {arrays.image[0]} × {arrays.image[1]}" if arrays.image else ""
    task, reason = infer_task(arrays.y, task_of(own, AUTO))
    reason = "IDX labels are classes" if own.has_labels else reason
    kind = "category" if task == "classification" else "number"
    examples = [str(value)[:40] for value in arrays.y[:EXAMPLES].tolist()]
    column = {"name": TARGET, "kind": kind, "note": f"{reason[:1].upper()}{reason[1:]}.", "examples": examples}
    notes = [f"x has {arrays.x.shape[1]:,} numbers per row{image}; they are the inputs."]
    return {"columns": [column], "notes": notes, "rows": len(arrays.x), "suggested": TARGET, "file": own.file}
