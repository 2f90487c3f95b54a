"""A data file as a network sees it: inputs, targets, and which rows train and which choose the weights."""

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
    from glassnet.cli.model import Model

Array = np.ndarray[Any, Any]

ROOM = 64 << 10  # bytes of a model file's header that are not for the columns


@dataclass(frozen=True)
class Source:
    """A file that has been read: a table and its target's name, or arrays."""

    file: str
    held: Table | Arrays
    name: str
    values: Array

    @property
    def rows(self) -> int:
        """How many samples there are."""
        return len(self.values)

    def place(self, row: int) -> str:
        """Where a target stands, in words; `row` counts from 0."""
        return self.held.location(row, self.name) if isinstance(self.held, Table) else f"{self.file}: y at row {row}"


@dataclass(frozen=True)
class Dataset:
    """Inputs (n, features) float32, encoded targets (n, ...), the rows that train and those that choose the weights."""

    preparation: Preparation
    target: TargetColumn
    x: Array
    y: Array
    train: Array
    validation: Array
    notes: tuple[str, ...] = ()


def read_source(file: str, target: str | None) -> Source:
    """Read a file to learn from. Raises DataError, or ParameterError for a target where there is none to choose."""
    if file_kind(file) in ("folder", "zip"):
        arrays = read_arrays(file)
        if target is not None:
            raise ParameterError(f"{file} holds arrays, whose target is y; leave --target out.")
        if arrays.y is None:
            raise DataError(f"{file} has no array y to learn from; save x and y with numpy.savez.")
        return Source(file, arrays, "y", _checked(file, arrays.y))
    table = read_table(file)
    if target is None:
        names = ", ".join(table.names[:20]) + (" ..." if len(table.names) > 20 else "")
        raise ParameterError(f"--target is missing: which column of {file} is to be predicted? Columns: {names}.")
    return Source(file, table, target, target_values(table, target))


def _checked(file: str, values: Array) -> Array:
    """The array y, without NaN and infinity."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0][0])
        raise DataError(f"{file}: y is missing or infinite first at row {row}, counted from 0; drop such rows.")
    return values


def task_of(source: Source, task: str) -> tuple[str, str]:
    """The task and why; the labels of IDX files are always classes."""
    if task == "auto" and isinstance(source.held, Arrays) and file_kind(source.file) == "folder":
        return "classification", "IDX labels are classes"
    return infer_task(source.values, task)


def split(values: Array, share: float, seed: int, *, classes: bool) -> tuple[Array, Array]:
    """Row numbers that train and that validate, both in order; each class is shared out alike.

    Raises ParameterError for a share outside 0 to 1.
    """
    if not 0 <= share < 1:
        raise ParameterError(f"--validation is {share:g}; it must be 0 or more and below 1, such as 0.2.")
    count = len(values)
    order = np.random.default_rng(seed).permutation(count)
    if classes:
        order = order[np.argsort(values[order], kind="stable")]
    steps = np.floor(np.arange(count + 1) * share)
    held = order[steps[1:] > steps[:-1]]
    if share and not held.size:
        held = order[:1]
    return np.setdiff1d(np.arange(count), held), np.sort(held)


def learn(source: Source, task: str, share: float, seed: int, *, counts: bool) -> Dataset:
    """Split the rows, learn the preparation and the target from those that train, and apply both to all rows.

    `counts` says that the targets are quantities of 0 or more, which keep their units.
    """
    values = source.values
    if len(values) < 2:
        raise DataError(f"{source.file} has 1 row; at least 2 are needed.")
    if counts and task == "regression" and (negative := np.asarray(values < 0)).any():
        raise DataError(f"{source.place(int(negative.argmax()))} is negative; this cost is for counts of 0 or more.")
    train, validation = split(values, share, seed, classes=task == "classification" and values.ndim == 1)
    target = fit_target(source.name, values, train, task, standardise=not counts)
    preparation: Preparation
    if isinstance(source.held, Table):
        preparation = TablePreparation.fit(source.held, source.name, train)
    else:
        preparation = ArrayPreparation.fit(source.held.x, train)
    _check_room(preparation, target, source.file)
    x, y = prepared(preparation, source.held), target.encode(values)
    return Dataset(preparation, target, x, y, train, validation, _notes(source))


def _notes(source: Source) -> tuple[str, ...]:
    """What a person should know about the columns: numbers that pass for text because of a few cells."""
    if not isinstance(source.held, Table):
        return ()
    doubts = (mixed_type_warning(source.held, name) for name in source.held.names if name != source.name)
    return tuple(filter(None, doubts))


def prepared(preparation: Preparation, held: Table | Arrays) -> Array:
    """The network's inputs (n, features) for a table or arrays. Raises DataError where they are of the other kind."""
    if isinstance(preparation, TablePreparation):
        if isinstance(held, Arrays):
            raise DataError(f"{held.path} holds arrays, but the model was trained on a table; give CSV or Parquet.")
        return preparation.transform(held)
    if isinstance(held, Table):
        raise DataError(f"{held.path} is a table, but the model was trained on arrays; give .npz or an IDX folder.")
    return preparation.transform(held.x, held.path)


def _check_room(preparation: Preparation, target: TargetColumn, file: str) -> None:
    """Refuse, before training, what would not fit into a model file."""
    size = len(json.dumps([preparation.to_json(), target.to_json()], ensure_ascii=False).encode())
    if size > MAX_HEADER - ROOM:
        raise DataError(f"{file} has too many columns for a model file ({size >> 10:,} kB of names); drop some.")


def read_inputs(file: str, model: Model) -> tuple[Array, Table | Arrays]:
    """The inputs (n, features) of a file for a trained model, and what was read. Raises DataError."""
    held: Table | Arrays
    if file_kind(file) in ("folder", "zip"):
        held = read_arrays(file).test_arrays()
    else:
        text = [model.target.name] if model.target.is_text else []
        if isinstance(model.preparation, TablePreparation):
            text += model.preparation.text_columns
        held = read_table(file, text)
    return prepared(model.preparation, held), held


def read_known(file: str, model: Model) -> tuple[Array, Array, str]:
    """Inputs, encoded targets and the name of what was read, for a trained model. Raises DataError."""
    x, held = read_inputs(file, model)
    if isinstance(held, Table):
        values = target_values(held, model.target.name)
    elif held.y is None:
        raise DataError(f"{file} has no array y to compare with; save x and y with numpy.savez.")
    else:
        values = _checked(file, held.y)
    source = Source(file, held, model.target.name, values)
    return x, model.target.encode(values, source.place), held.path
