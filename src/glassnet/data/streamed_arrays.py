"""Two .npy files that are larger than memory, ready to train on: how x is scaled, and the target.

Both are chosen from one pass through the files, by the same rules as for arrays in memory. Samples are rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.array_pass import array_pass
from glassnet.data.array_rows import ArrayFile, ArrayReader
from glassnet.data.number_columns import NumberColumns
from glassnet.data.preprocessing import ArrayPreparation
from glassnet.data.reading import Array, FilePath, file_kind
from glassnet.data.target import MIN_ROWS_PER_CLASS, ClassTarget, NumberTarget, TargetColumn, infer_task
from glassnet.errors import DataError, ParameterError

PIECE_NUMBERS = 1 << 19  # that are read at once
MAX_VALUES = 10_001  # different ones of the target that are told apart


@dataclass(frozen=True)
class StreamedArrays:
    """x (n, features) and y (n,) or (n, outputs) in files, with their preparation."""

    x_file: ArrayFile
    y_file: ArrayFile
    preparation: ArrayPreparation
    target: TargetColumn
    class_counts: Array | None  # the rows of each class; None for quantities
    task_reason: str = ""

    notes = ()

    @property
    def count(self) -> int:
        """The number of samples."""
        return self.x_file.rows

    def inputs(self, x: Array) -> Array:
        """The inputs of the network (n, features) float32. Raises DataError."""
        return self.preparation.transform(x, self.x_file.identity.path)

    def encoded(self, y: Array, first: int) -> Array:
        """The encoded targets (n, ...) of the rows from `first` on. Raises DataError."""
        return self.target.encode(y, lambda row: f"{self.y_file.identity.path} at row {first + row:,}")


def streamed_arrays(x: FilePath, y: str | None, task: str = "auto", *, standardise: bool = True) -> StreamedArrays:
    """Open the .npy files of x and y and learn how they are scaled. Raises DataError or ParameterError."""
    files = ArrayFile.of(x), ArrayFile.of(targets_file(x, y))
    x_file, y_file = files
    if x_file.rows != y_file.rows:
        raise DataError(f"{os.fspath(x)} has {x_file.rows:,} rows, but {y} has {y_file.rows:,}.")
    if len(y_file.shape) > 1:
        raise DataError(f"{y} has shape {(y_file.rows, *y_file.shape)}; it needs a class or numbers per row.")
    array_pass(x_file)  # which refuses NaN and infinity
    array_pass(y_file)
    preparation = _preparation(x_file)
    values, counts = _values(y_file)
    few = counts is not None and bool((counts >= MIN_ROWS_PER_CLASS).all())
    task, reason = infer_task(np.repeat(values, MIN_ROWS_PER_CLASS) if few else values, task)
    if task == "classification":
        if counts is None:
            raise DataError(f"The target 'y' has more than {MAX_VALUES - 1:,} classes; use --task regression.")
        return StreamedArrays(*files, preparation, ClassTarget.fit("y", values), counts, reason)
    return StreamedArrays(*files, preparation, _number_target(y_file, standardise), None, reason)


def targets_file(x: FilePath, y: str | None) -> str:
    """The .npy file of the targets of one of x. Raises ParameterError for what is none."""
    name = os.fspath(x)
    if y is None:
        raise ParameterError(f"--target is missing: the .npy file of the targets of {name}, one row per sample.")
    if not os.path.exists(y):
        fault = f"--target is {y}, which is no file"
        raise ParameterError(f"{fault}; the targets of {name} are in a second .npy file, not in a column.")
    if file_kind(y) != "npy":
        raise ParameterError(f"--target is {y}, which is no .npy file; save the targets of {name} with numpy.save.")
    return y


def _preparation(file: ArrayFile) -> ArrayPreparation:
    if file.dtype == np.uint8:
        return ArrayPreparation([0.0], [1 / 255], file.width)
    mean, scale = _moments(file)
    return ArrayPreparation(mean, scale, file.width)


def _number_target(file: ArrayFile, standardise: bool) -> NumberTarget:
    mean, scale = _moments(file)
    if 0.0 in scale:
        raise DataError(f"The target 'y' has a single value ({mean[scale.index(0.0)]:g}); there is nothing to learn.")
    count = len(mean)
    return NumberTarget("y", mean, scale) if standardise else NumberTarget("y", [0.0] * count, [1.0] * count)


def _moments(file: ArrayFile) -> tuple[list[float], list[float]]:
    """The mean and 1/deviation of each column of a file, 0 for the scale of constant ones."""
    total: NumberColumns | None = None
    for first, piece in _pieces(file):
        part = NumberColumns.of(np.ascontiguousarray(piece.T, np.float64), first, 1)
        total = part if total is None else total.merge(part, 1)
    assert total is not None
    return total.mean_and_scale()


def _values(file: ArrayFile) -> tuple[Array, Array | None]:
    """The different values of a target and the rows of each; the first values alone where there are too many."""
    if file.width > 1:
        return next(_pieces(file))[1], None
    values, counts = np.empty(0, file.dtype), np.empty(0, np.int64)
    for _, piece in _pieces(file):
        new, times = np.unique(piece, return_counts=True)
        values, inverse = np.unique(np.append(values, new), return_inverse=True)
        counts = np.bincount(inverse, np.append(counts, times), minlength=len(values)).astype(np.int64)
        if len(values) > MAX_VALUES:
            return values, None
    return values, counts


def _pieces(file: ArrayFile) -> Iterator[tuple[int, Any]]:
    """All rows (n, width) piece by piece, with the number of the first of each."""
    reader, rows = ArrayReader(file), max(1, PIECE_NUMBERS // file.width)
    try:
        for first in range(0, file.rows, rows):
            piece = np.empty((min(rows, file.rows - first), file.width), file.dtype)
            reader.read_into(first, piece)
            yield first, piece
    finally:
        reader.close()
