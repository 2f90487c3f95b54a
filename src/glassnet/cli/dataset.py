"""A data file as a network receives it: inputs, targets, and the rows for training and for validation."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.cli.printing import print_text
from glassnet.data.arrays import Arrays, is_npz, read_array_pair, read_arrays
from glassnet.data.arrow_types import kind_of
from glassnet.data.choice import ColumnChooser
from glassnet.data.copies import first_equal_rows
from glassnet.data.leakage import leakage_notes
from glassnet.data.options import ReadingOptions
from glassnet.data.parquet_file import parquet_parts
from glassnet.data.preprocessing import ArrayPreparation, Preparation, TablePreparation
from glassnet.data.reading import FilePath, file_kind, is_folder_of, seekable
from glassnet.data.readings import Reading
from glassnet.data.streamed_arrays import targets_file
from glassnet.data.summary import Summary
from glassnet.data.table import Table, read_table
from glassnet.data.target import TargetColumn, fit_target, infer_task
from glassnet.data.target_cells import TargetCells, read_target, read_target_as
from glassnet.errors import DataError, ParameterError, listed_columns
from glassnet.files.header import MAX_HEADER

if TYPE_CHECKING:
    from glassnet.tabular.model import TabularModel

Array = np.ndarray[Any, Any]

HEADER_RESERVE = 64 << 10  # bytes of a model file's header for everything but the columns
MAX_COLUMNS = 10_000  # more do not fit into the header of a model file


@dataclass(frozen=True)
class DataFile:
    """A file that has been read: a table or arrays, and the name and values (n, ...) of its target."""

    path: str
    data: Table | Arrays
    target: str
    values: Array
    chooser: ColumnChooser | None = None
    reading: Reading | None = None
    notes: tuple[str, ...] = ()

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
    leaks: tuple[str, ...] = ()  # those of the notes that ask about columns that give the target away


def read_data_file(path: FilePath, target: str | None, options: ReadingOptions | None = None) -> DataFile:
    """Read a file to train on. Raises DataError, or ParameterError where `target` is missing or must be left out."""
    file, path = seekable(path), os.fspath(path)
    if file_kind(file) == "npy":
        pair = read_array_pair(file, targets_file(path, target))
        assert pair.y is not None
        return DataFile(path, pair, "y", _finite(path, pair.y))
    if holds_arrays(file):
        arrays = read_arrays(file)
        if target is not None:
            raise ParameterError(f"{path} holds arrays, whose target is y; leave --target out.")
        if arrays.y is None:
            raise DataError(f"{path} has no array y to learn from; save x and y with numpy.savez.")
        return DataFile(path, arrays, "y", _finite(path, arrays.y))
    options = options or ReadingOptions()
    table = read_table(file, options)
    check_width(table)
    if target is None:
        columns = listed_columns(table.names)
        raise ParameterError(f"--target is missing: which column of {path} is to be predicted? {columns}")
    table.column(target)
    return table_with_target(table, target, ColumnChooser(Summary.of(table), options, table))


def check_width(table: Table) -> None:
    """Refuse, before any column is looked at, a table of more columns than a model file holds. Raises DataError."""
    if (count := len(table.names)) > MAX_COLUMNS:
        problem = f"has {count:,} columns; a model is trained on at most {MAX_COLUMNS:,}"
        raise DataError(f"{table.path} {problem}; write a file without those that matter least.")


def table_with_target(table: Table, target: str, chooser: ColumnChooser) -> DataFile:
    """The rows of a table that have a target, with it. Raises DataError for a cell that does not fit."""
    cells = read_target(table, target, chooser)
    notes = (*table.notes, *cells.notes)
    return DataFile(table.path, _rows_with_target(table, cells), target, cells.values, chooser, cells.reading, notes)


def holds_arrays(path: FilePath) -> bool:
    """Whether a path is a .npz or .npy file or a folder of IDX files, not a table."""
    kind = file_kind(path)
    if kind == "folder":
        return not is_folder_of(path, parquet_parts)
    return kind == "npy" or (kind == "zip" and is_npz(path))


def _rows_with_target(table: Table, cells: TargetCells) -> Table:
    return table if len(cells.rows) == table.rows else table.take(cells.rows)


def _finite(path: str, values: Array) -> Array:
    """Return the array y. Raises DataError where it has NaN or infinity."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0][0])
        raise DataError(f"{path}: y is missing or infinite at row {row}, counted from 0; drop such rows.")
    return values


def find_task(data_file: DataFile, task: str, *, counts: bool = False) -> tuple[str, str]:
    """Return the task and the reason for it; the labels of IDX files are always classes.

    With `counts` the cost is for quantities of 0 or more, which says what whole numbers are.
    """
    if task == "auto" and counts and data_file.values.dtype.kind in "iuf":
        return "regression", "the cost is for counts"
    if task == "auto" and isinstance(data_file.data, Arrays) and os.path.isdir(data_file.path):
        return "classification", "IDX labels are classes"
    return infer_task(data_file.values, task)


def check_fraction(fraction: float) -> None:
    """Raise ParameterError for a fraction of validation rows outside [0, 1)."""
    if not 0 <= fraction < 1:
        raise ParameterError(f"--validation is {fraction:g}; it must be 0 or more and below 1, such as 0.2.")


def split(values: Array, fraction: float, seed: int, *, classes: bool) -> tuple[Array, Array]:
    """Choose the row numbers for training and for validation, both in order; with `classes`, stratified.

    Raises ParameterError for a fraction outside [0, 1).
    """
    check_fraction(fraction)
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
    target = fit_target((data_file.target, data_file.reading), values, train, task, standardise=not counts)
    preparation: Preparation
    notes, leaks = data_file.notes, tuple[str, ...]()
    if isinstance(data, Table):
        preparation = TablePreparation.fit(data, data_file.target, train, data_file.chooser)
        leaks = tuple(leakage_notes(preparation, data, target.encode(values), train, task))
        notes += (*preparation.notes, *leaks)
    else:
        preparation = ArrayPreparation.fit(data.x, train)
    _check_header_size(preparation, target, data_file.path)
    x, y = network_inputs(preparation, data), target.encode(values)
    return Dataset(preparation, target, x, y, train, validation, notes, leaks)


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


def read_inputs(path: FilePath, model: TabularModel) -> tuple[Array, Table | Arrays]:
    """Read the inputs (n, features) for a trained model; also return the table or arrays. Raises DataError."""
    file = seekable(path)
    if holds_arrays(file):
        data: Table | Arrays = read_arrays(file).test_arrays()
        return network_inputs(model.preparation, data), data
    table = placed_as_in_training(read_table(file, file_options(model)), model)
    print_notes(table.notes)
    return _table_inputs(model.preparation, table), table


def _table_inputs(preparation: Preparation, table: Table) -> Array:
    """The inputs for a table; cells that the training data did not have are said on stderr."""
    if not isinstance(preparation, TablePreparation):
        return network_inputs(preparation, table)
    x, notes = preparation.prepare(table)
    print_notes(notes)
    return x


def print_notes(notes: Iterable[str]) -> None:
    """Print notes on stderr, so that what a command writes to stdout stays as it is.

    What concerns most cells of a column is a warning.
    """
    from glassnet.tabular.column_warnings import concerns_most_cells

    for note in notes:
        print_text(f"{'Warning' if concerns_most_cells(note) else 'Note'}: {note}", file=sys.stderr)


def file_options(model: TabularModel) -> ReadingOptions:
    """The encoding, delimiter and kind of first row that were given in training."""
    given = model.training.get("file options", {})
    return ReadingOptions(**{name: given.get(name) for name in ("delimiter", "encoding", "header")})


def placed_as_in_training(table: Table, model: TabularModel) -> Table:
    """A table without a header, whose columns have their places in the training file as names.

    The target may be missing, and the others have the places that they had beside it. Raises DataError where other
    columns are.
    """
    preparation, names = model.preparation, table.names
    if file_options(model).header is not False or not isinstance(preparation, TablePreparation):
        return table
    count = len(preparation.columns) + len(preparation.left_out) + 1
    if len(names) == count - 1:
        others = [f"column_{number}" for number in range(1, count + 1) if f"column_{number}" != model.target.name]
        note = f"the first row is data, as in training: {model.target.name} is taken to be missing"
        return replace(table, data=table.data.rename_columns(others), notes=(note,))
    if len(names) != count:
        problem = f"has {len(names):,} columns; the model was trained on {count:,} without a header"
        raise DataError(f"{table.path} {problem}, of which only the target, {model.target.name}, may be missing.")
    return table


def read_with_target(path: str, model: TabularModel, target: str | None = None) -> tuple[Array, Array, Table | Arrays]:
    """Read the inputs and encoded targets for a trained model, and what they came from.

    `target` is the .npy file of the targets of one of x. Raises DataError, or ParameterError for a target that is none.
    """
    file = seekable(path)
    if file_kind(file) == "npy":
        pair = read_array_pair(file, targets_file(path, target))
        return network_inputs(model.preparation, pair), _encoded_targets(path, pair, model), pair
    if target not in (None, model.target.name):
        raise ParameterError(f"--target is {target!r}, but the model predicts {model.target.name!r}; leave it out.")
    if holds_arrays(file):
        x, data = read_inputs(file, model)
        if not isinstance(data, Arrays) or data.y is None:
            raise DataError(f"{path} has no array y to compare with; save x and y with numpy.savez.")
        return x, _encoded_targets(path, data, model), data
    options = file_options(model)
    table, name = placed_as_in_training(read_table(file, options), model), model.target.name
    table.column(name)
    if model.target.reading is None:
        cells = read_target(table, name, ColumnChooser(Summary.of(table), options, table))
    else:
        cells = read_target_as(table, name, model.target.reading)
    table = _rows_with_target(table, cells)
    print_notes((*table.notes, *cells.notes))
    encoded = model.target.encode(cells.values, lambda row: table.location(row, name))
    return _table_inputs(model.preparation, table), encoded, table


def _encoded_targets(path: str, data: Arrays, model: TabularModel) -> Array:
    """The targets of arrays that have some, as a model learnt them. Raises DataError."""
    assert data.y is not None
    arrays = DataFile(path, data, model.target.name, _finite(path, data.y))
    return model.target.encode(arrays.values, arrays.location)


def repeated_share(data: Table | Arrays) -> float | None:
    """The share of a table's rows that repeat an earlier one, cell by cell; None for arrays."""
    if isinstance(data, Arrays) or not data.rows:
        return None
    names = [name for name in data.names if kind_of(data.column(name).type) != "other"]
    first = first_equal_rows(data, names)
    return 0.0 if first is None else 1 - len(np.unique(first)) / data.rows
