"""Preprocessing between a data file and a network: fitted on the training rows, stored in the model file as JSON.

Columns of a table are found by name, in any order, and additional ones are ignored; for arrays only the number of
features counts. `transform` returns float32 with one sample per row; a network takes its transpose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from glassnet.data.choice import ColumnChooser
from glassnet.data.columns import Column, check_present
from glassnet.data.encodings import FLOAT32_MAX, PLAIN_ENCODINGS, Serializable, mean_and_scale
from glassnet.data.number_block import NumberBlock
from glassnet.data.options import ReadingOptions
from glassnet.data.plans import ColumnPlan
from glassnet.data.reading import Array
from glassnet.data.standard_block import StandardBlock
from glassnet.data.summary import Summary
from glassnet.data.table import Table
from glassnet.errors import DataError, counted

MAX_INPUT_VALUES = 1 << 30
ONLY_COLUMN = "kept, because no other column is left"
PLURALS = {"number": "numbers", "category": "categories", "date": "dates"}


class Prepared(NamedTuple):
    """The inputs of a network (n, features) float32, and notes on cells that the training data did not have."""

    x: Array
    notes: list[str]


@dataclass(frozen=True)
class TablePreparation:
    """The fitted columns of a table; `left_out` gives the reason for each column that is not used."""

    kind: ClassVar[str] = "table"
    columns: list[Column]
    left_out: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def fit(
        cls,
        table: Table,
        target: str,
        rows: Array,
        chooser: ColumnChooser | None = None,
        encodings: Mapping[str, Any] = PLAIN_ENCODINGS,
    ) -> Self:
        """Fit every column but the target: the readings on all rows, the encodings on the given rows (from 0).

        `chooser` holds the summary of the table and a person's options. Raises DataError (a ValueError) for a table
        without usable columns, and for infinite cells.
        """
        chooser = chooser or ColumnChooser(Summary.of(table), None, table)
        plans = plans_besides(chooser, target)
        columns = [Column.fit(table, plan.name, plan.reading, rows, encodings) for plan in plans if plan.reading]
        return cls._of_plans(columns, plans)

    @classmethod
    def from_summary(
        cls,
        summary: Summary,
        target: str,
        options: ReadingOptions | None = None,
        encodings: Mapping[str, Any] = PLAIN_ENCODINGS,
    ) -> Self:
        """Fit every column but the target to a summary, without the table itself; raises as `fit` does."""
        plans = plans_besides(ColumnChooser(summary, options), target)
        used = [(summary.columns[plan.name], plan.reading) for plan in plans if plan.reading]
        columns = [Column.of_summary(column, reading, encodings) for column, reading in used]
        return cls._of_plans(columns, plans)

    @classmethod
    def _of_plans(cls, columns: list[Column], plans: list[ColumnPlan]) -> Self:
        left_out = {plan.name: plan.left_out for plan in plans if plan.reading is None}
        notes = [plan.note for plan in plans if plan.note]
        return cls(columns, left_out, (*notes, *filter(None, (column.note for column in columns))))

    @property
    def features(self) -> list[str]:
        """The name of each of the network's inputs."""
        return [feature for column in self.columns for feature in column.features]

    @property
    def width(self) -> int:
        """The number of inputs of the network."""
        return self._starts[-1]

    @property
    def input_kinds(self) -> list[str]:
        """What each of the network's inputs is: number, cycle, indicator, binary, level or code.

        Encoding (data/encodings.py) explains the kinds.
        """
        return [kind for column in self.columns for kind in column.encoding.input_kinds]

    @property
    def code_counts(self) -> dict[int, int]:
        """For each input that is a code, by its number from 0: how many codes there are, 0 (no known level) included.

        An embedding of input i therefore needs a table of `code_counts[i]` vectors.
        """
        positions = zip(self.columns, self._starts[:-1], strict=True)
        return {
            start: len(getattr(column.encoding, "levels", ())) + 1
            for column, start in positions
            if column.encoding.input_kinds == ["code"]
        }

    @cached_property
    def _starts(self) -> list[int]:
        """The number of each column's first input, and the number of inputs."""
        return [0, *accumulate(len(column.features) for column in self.columns)]

    @cached_property
    def number_block(self) -> NumberBlock:
        """The numbers that are encoded together."""
        return NumberBlock([column.encoding for column in self.columns], self._starts)

    @cached_property
    def standard_block(self) -> StandardBlock:
        """The standardised numbers, which are encoded together where that is possible."""
        return StandardBlock(self.columns, self._starts)

    def transform(self, table: Table) -> Array:
        """The inputs of the network for every row, (n, features) float32.

        Raises DataError (a ValueError) that names the missing columns or the first invalid cell.
        """
        return self.prepare(table).x

    def prepare(self, table: Table) -> Prepared:
        """The inputs with notes on unseen levels; raises as `transform` does."""
        check_present(table, self.columns)
        if table.rows * self.width > MAX_INPUT_VALUES:
            size = f"{table.rows:,} rows × {self.width:,} inputs"
            raise DataError(f"{table.path}: {size} are too large; split the file.")
        out = np.empty((table.rows, self.width), np.float32)
        block = self.number_block
        numbers = np.empty((len(block.columns), table.rows))
        positions = {column: row for row, column in enumerate(block.columns)}
        notes, encoded = [], self.standard_block.encode_into(table, out)
        for index, column in enumerate(self.columns):
            if index in encoded:
                continue
            values = column.reading.values(table, column.name)
            if index in positions:
                numbers[positions[index]] = values
            else:
                column.encode_into(values, out[:, self._starts[index] : self._starts[index + 1]], table)
            notes.append(column.value_note(table, values))
        block.encode_into(numbers.T, out)
        return Prepared(out, [note for note in notes if note])

    def values(self, table: Table) -> dict[str, Array]:
        """What the readings make of each column: numbers or days (NaN where missing), or codes of levels (−1, −2).

        Raises DataError (a ValueError) as `transform` does; another encoding of the same readings begins here.
        """
        check_present(table, self.columns)
        return {column.name: column.reading.values(table, column.name) for column in self.columns}

    def summary(self) -> str:
        """A phrase with the number of columns of each kind and of the resulting inputs."""
        encodings = [column.encoding for column in self.columns]
        counts = Counter((encoding.summary_name, encoding.treatment) for encoding in encodings)
        parts = [
            f"{count} {name if count == 1 else PLURALS[name]} {treatment}"
            for kind in PLURALS
            for (name, treatment), count in counts.items()
            if name == kind
        ]
        numbers = [encoding for encoding in encodings if encoding.summary_name == "number"]
        if imputed := sum("indicator" in encoding.input_kinds for encoding in numbers):
            parts.append(f"{imputed} with missing cells (median and an indicator column)")
        return f"{', '.join(parts)}: {counted(self.width, 'input')}"

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON data."""
        columns = [
            {"name": column.name, "reading": reading_json(column.reading), "encoding": column.encoding.to_json()}
            for column in self.columns
        ]
        return {"kind": self.kind, "columns": columns, "left_out": self.left_out}


def plans_besides(chooser: ColumnChooser, target: str) -> list[ColumnPlan]:
    """The plans of all columns but the target. Raises DataError if none is left."""
    path = chooser.summary.path
    names = [name for name in chooser.summary.columns if name != target]
    if not names:
        raise DataError(f"{path} has no column besides {target!r}; add columns to predict it from.")
    plans = [chooser.choose(name) for name in names]
    if all(plan.reading is None for plan in plans):  # a counter is better than nothing
        all_plans = [chooser.choose(name, keep=chooser.options.requested(name) != "drop") for name in names]
        plans = [
            replace(plan, how=f"{plan.how}; {ONLY_COLUMN}".lstrip("; ")) if plan.reading else plan for plan in all_plans
        ]
    if all(plan.reading is None for plan in plans):
        reasons = "; ".join(plan.note for plan in plans[:3])
        raise DataError(f"{path} has no usable column besides {target!r} ({reasons}).")
    return plans


def reading_json(reading: Any) -> dict[str, Any]:
    """A reading as plain JSON data; fields that have their defaults are left out."""
    from dataclasses import MISSING, fields

    document: dict[str, Any] = {"kind": reading.kind}
    for item in fields(reading):
        value = getattr(reading, item.name)
        default = item.default_factory() if item.default_factory is not MISSING else item.default
        if value != default:
            document[item.name] = value.to_json() if hasattr(value, "to_json") else value
    return document


@dataclass(frozen=True)
class ArrayPreparation(Serializable):
    """(x − mean) · scale for each feature; bytes are divided by 255 instead."""

    kind: ClassVar[str] = "arrays"
    mean: list[float]
    scale: list[float]
    width: int

    @classmethod
    def fit(cls, x: Array, rows: Array) -> Self:
        """Fit on the given rows of x (n, features)."""
        if x.dtype == np.uint8:
            return cls([0.0], [1 / 255], x.shape[1])
        fits = [mean_and_scale(np.asarray(x[rows, feature], np.float64)) for feature in range(x.shape[1])]
        return cls([mean for mean, _ in fits], [scale for _, scale in fits], x.shape[1])

    @property
    def is_bytes(self) -> bool:
        """Whether x holds bytes, which are only divided by 255."""
        return self.scale == [1 / 255]

    def transform(self, x: Array, path: str) -> Array:
        """The inputs of the network, (n, features) float32. Raises DataError if the number of features differs."""
        if x.shape[1] != self.width:
            raise DataError(f"{path}: x has {x.shape[1]:,} features; the model was trained on {self.width:,}.")
        if self.is_bytes:
            return x.astype(np.float32) * np.float32(self.scale[0])
        with np.errstate(over="ignore"):
            values = (x.astype(np.float64) - self.mean) * self.scale
        if (overflows := np.abs(values) > FLOAT32_MAX).any():
            row, column = (int(index) for index in np.argwhere(overflows)[0])
            cell = f"{path}: x at row {row}, column {column} ({x[row, column]:g})"
            raise DataError(f"{cell} is too far outside the range of the training data; correct it or drop the row.")
        return values.astype(np.float32)

    def summary(self) -> str:
        """A phrase with the number of inputs and their scaling."""
        shared = len(self.scale) == 1 and self.width > 1
        return f"{self.width:,} numbers {f'divided by {1 / self.scale[0]:g}' if shared else 'standardised'}"


Preparation = TablePreparation | ArrayPreparation
