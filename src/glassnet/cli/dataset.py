"""A data file as a network receives it: inputs, targets, and the rows for training and for validation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.arrays import Arrays, read_arrays
from glassnet.data.columns import mixed_type_warning
from glassnet.data.preprocessing import ArrayPreparation, Preparation, TablePreparation
from glassnet.data.reading import file_kind
from glassnet.data.table import Table, read_table
from glassnet.data.target import TargetColumn, fit_target, infer_task, target_values
from glassnet.errors import DataError, ParameterError
from glassnet.files.storage import MAX_HEADER

if TYPE_CHECKING:
    from glassnet.cli.trained_model import TrainedModel

Array = np.ndarray[Any, Any]

HEADER_RESERVE = 64 << 10  # bytes of a model file's header for everything but the columns
MAX_LISTED_COLUMNS = 20


@dataclass(frozen=True)
class DataFile:
    """A file that has been read: a table or arrays, and the name and values (n, ...) of its target."""

    path: str
    data: Table | Arrays
    target: str
    values: Array

    def location(self, row: int) -> str:
        """Describe the location of a row's target, for messages; `row` counts from 0."""
        return self.data.location(row, self.target) if isinstance(self.data, Table) else f"{self.path}: y at row {row}"


@dataclass(frozen=True)
class Dataset:
    """Inputs (n, features) float32, encoded targets (n, ...), and the row numbers for training and for validation."""

    preparation: Preparation
    target: TargetColumn
    x: Array
    y: Array
    train: Array
    validation: Array
    notes: tuple[str, ...] = ()


def read_data_file(path: str, target: str | None) -> DataFile:
    """Read a file to train on. Raises DataError, or ParameterError where `target` is missing or must be left out."""
    if file_kind(path) in ("folder", "zip"):
        arrays = read_arrays(path)
        if target is not None:
            raise ParameterError(f"{path} holds arrays, whose target is y; leave --target out.")
        if arrays.y is None:
            raise DataError(f"{path} has no array y to learn from; save x and y with numpy.savez.")
        return DataFile(path, arrays, "y", _finite(path, arrays.y))
    table = read_table(path)
    if target is None:
        names = ", ".join(table.names[:MAX_LISTED_COLUMNS]) + (" ..." if table.names[MAX_LISTED_COLUMNS:] else "")
        raise ParameterError(f"--target is missing: which column of {path} is to be predicted? Columns: {names}.")
    return DataFile(path, table, target, target_values(table, target))


def _finite(path: str, values: Array) -> Array:
    """Return the array y. Raises DataError where it has NaN or infinity."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0][0])
        raise DataError(f"{path}: y is missing or infinite at row {row}, counted from 0; drop such rows.")
    return values


def find_task(data_file: DataFile, task: str) -> tuple[str, str]:
    """Return the task and the reason for it; the labels of IDX files are always classes."""
    if task == "auto" and isinstance(data_file.data, Arrays) and file_kind(data_file.path) == "folder":
        return "classification", "IDX labels are classes"
    return infer_task(data_file.values, task)


def split(values: Array, fraction: float, seed: int, *, classes: bool) -> tuple[Array, Array]:
    """Choose the row numbers for training and for validation, both in order; with `classes`, stratified.

    Raises ParameterError for a fraction outside [0, 1).
    """
    if not 0 <= fraction < 1:
        raise ParameterError(f"--validation is {fraction:g}; it must be 0 or more and below 1, such as 0.2.")
    count = len(values)
    order = np.random.default_rng(seed).permutation(count)
    if classes:
        order = order[np.argsort(values[order], kind="stable")]
    totals = np.floor(np.arange(count + 1) * fraction)
    validation = order[totals[1:] > totals[:-1]]
    if fraction and not validation.size:
        validation = order[:1]
    return np.setdiff1d(np.arange(count), validation), np.sort(validation)


def prepare_dataset(data_file: DataFile, task: str, fraction: float, seed: int, *, counts: bool) -> Dataset:
    """Split the rows, fit the preparation and the target on the training rows, and apply both to all rows.

    With `counts` the targets are quantities of 0 or more, which keep their units.
    """
    values, data = data_file.values, data_file.data
    if len(values) < 2:
        raise DataError(f"{data_file.path} has 1 row; at least 2 are needed.")
    if counts and task == "regression" and (negative := np.asarray(values < 0)).any():
        where = data_file.location(int(negative.argmax()))
        raise DataError(f"{where} is negative; this cost is for counts of 0 or more.")
    train, validation = split(values, fraction, seed, classes=task == "classification" and values.ndim == 1)
    target = fit_target(data_file.target, values, train, task, standardise=not counts)
    preparation: Preparation
    notes: tuple[str, ...] = ()
    if isinstance(data, Table):
        preparation = TablePreparation.fit(data, data_file.target, train)
        mixed = (mixed_type_warning(data, name) for name in data.names if name != data_file.target)
        notes = tuple(filter(None, mixed))
    else:
        preparation = ArrayPreparation.fit(data.x, train)
    _check_header_size(preparation, target, data_file.path)
    x, y = network_inputs(preparation, data), target.encode(values)
    return Dataset(preparation, target, x, y, train, validation, notes)


def network_inputs(preparation: Preparation, data: Table | Arrays) -> Array:
    """Compute the network's inputs (n, features). Raises DataError for a table instead of arrays or the reverse."""
    if isinstance(preparation, TablePreparation):
        if isinstance(data, Arrays):
            raise DataError(f"{data.path} holds arrays, but the model was trained on a table; give CSV or Parquet.")
        return preparation.transform(data)
    if isinstance(data, Table):
        raise DataError(f"{data.path} is a table, but the model was trained on arrays; give .npz or an IDX folder.")
    return preparation.transform(data.x, data.path)


def _check_header_size(preparation: Preparation, target: TargetColumn, path: str) -> None:
    """Refuse, before training, columns that do not fit into a model file."""
    size = len(json.dumps([preparation.to_json(), target.to_json()], ensure_ascii=False).encode())
    if size > MAX_HEADER - HEADER_RESERVE:
        raise DataError(f"{path} has too many columns for a model file ({size >> 10:,} kB of names); drop some.")


def read_inputs(path: str, model: TrainedModel) -> tuple[Array, Table | Arrays]:
    """Read the inputs (n, features) for a trained model; also return the table or arrays. Raises DataError."""
    data: Table | Arrays
    if file_kind(path) in ("folder", "zip"):
        data = read_arrays(path).test_arrays()
    else:
        text_columns = [model.target.name] if model.target.is_text else []
        if isinstance(model.preparation, TablePreparation):
            text_columns += model.preparation.text_columns
        data = read_table(path, text_columns)
    return network_inputs(model.preparation, data), data


def read_with_target(path: str, model: TrainedModel) -> tuple[Array, Array, str]:
    """Read the inputs and encoded targets for a trained model, and the name of what was read. Raises DataError."""
    x, data = read_inputs(path, model)
    return x, encoded_target(path, data, model), data.path


def encoded_target(path: str, data: Table | Arrays, model: TrainedModel) -> Array:
    """The targets in what was read, encoded for a trained model. Raises DataError."""
    if isinstance(data, Table):
        values = target_values(data, model.target.name)
    elif data.y is None:
        raise DataError(f"{path} has no array y to compare with; save x and y with numpy.savez.")
    else:
        values = _finite(path, data.y)
    return model.target.encode(values, DataFile(path, data, model.target.name, values).location)


def repeated_share(data: Table | Arrays) -> float | None:
    """The share of a table's rows that repeat an earlier one, cell by cell; None for arrays."""
    if isinstance(data, Arrays) or not data.rows:
        return None
    distinct = data.data.group_by(data.names).aggregate([]).num_rows
    return 1 - float(distinct) / data.rows
