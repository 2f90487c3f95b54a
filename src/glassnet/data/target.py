"""The column to predict: the task it calls for, and the conversion between its values and the network's outputs.

Classes keep the type that they have in the file; regression targets are standardised for training, and predictions
are converted back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa

from glassnet.data.encodings import Serializable, mean_and_scale
from glassnet.data.log_target import LOG_RANGE, log_advice, smearing_factor
from glassnet.data.preprocessing import reading_json
from glassnet.data.reading import Array
from glassnet.data.readings import Reading
from glassnet.errors import DataError, suggestion, unknown_name

TASKS = ("auto", "classification", "regression")
MAX_INTEGER_CLASSES = 20
MIN_ROWS_PER_CLASS = 5
MAX_CLASSES = 10_000


class _Stored(Serializable):
    """A target with the reading of its column, None for arrays."""

    reading: Reading | None

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON data."""
        fields = {name: value for name, value in vars(self).items() if name not in ("reading", "note")}
        reading = {"reading": reading_json(self.reading)} if self.reading is not None else {}
        return {"kind": self.kind, **fields, **reading}


@dataclass(frozen=True)
class ClassTarget(_Stored):
    """The classes in sorted order, with the type that they have in the file (text, bool, int or float)."""

    kind: ClassVar[str] = "classification"
    name: str
    classes: list[Any]
    reading: Reading | None = None

    @classmethod
    def fit(cls, name: str, values: Array) -> Self:
        """Find the classes. Raises DataError for a single class, for fractions, and for too many classes."""
        if values.ndim != 1:
            raise DataError(f"The target {name!r} has shape {values.shape}; classes need one value per row.")
        classes = np.unique(values)
        if values.dtype.kind == "f" and (classes != np.floor(classes)).any():
            raise DataError(f"The target {name!r} has fractions ({len(classes):,} values); use --task regression.")
        if len(classes) < 2:
            only = _plain(classes)[0]
            raise DataError(f"The target {name!r} has a single class ({only!r}); at least two are needed.")
        if len(classes) > MAX_CLASSES:
            advice = "" if _is_label(values) else "; use --task regression"
            raise DataError(f"The target {name!r} has {len(classes):,} classes; the limit is {MAX_CLASSES:,}{advice}.")
        return cls(name, _plain(classes))

    def encode(self, values: Array, location: Callable[[int], str] | None = None) -> Array:
        """Class numbers (n,) int64. Raises DataError for an unknown class; `location` names its row in the message."""
        values = values.reshape(-1) if values.shape[1:] == (1,) else values
        codes = {value: code for code, value in enumerate(self.classes)}
        numbers = np.array([codes.get(value, -1) for value in _plain(values)], np.int64)
        if (numbers < 0).any():
            row = int(numbers.argmin())
            cell = location(row) if location else f"The target {self.name!r}"
            value = _plain(values)[row]
            hint = suggestion(value, map(str, self.classes)).strip()
            raise DataError(f"{cell} holds {value!r}, which is not among the {self.summary()}. {hint}".strip())
        return numbers

    def decode(self, codes: Array) -> pa.Array:
        """The classes with the given numbers, in their original type."""
        large = type(self.classes[0]) is int and max(self.classes) > np.iinfo(np.int64).max
        return pa.array(self.classes, pa.uint64() if large else None).take(pa.array(codes))

    def summary(self) -> str:
        """A phrase that lists the first ten classes."""
        more = f" ... ({len(self.classes):,} in total)" if len(self.classes) > 10 else ""
        return "classes " + ", ".join(map(str, self.classes[:10])) + more


@dataclass(frozen=True)
class NumberTarget(_Stored):
    """One or several numbers per row; the network learns (value − mean) · scale, or the same of their logarithms.

    Predictions of logarithms are multiplied by the factors `smearing`, where there are any. `note` says that, and why,
    the logarithm was chosen; it is not stored.
    """

    kind: ClassVar[str] = "regression"
    name: str
    mean: list[float]
    scale: list[float]
    reading: Reading | None = None
    log: bool = False
    smearing: list[float] = field(default_factory=list)
    note: str = field(default="", compare=False)

    @classmethod
    def fit(cls, name: str, values: Array, *, standardise: bool = True, log_target: bool | None = False) -> Self:
        """Fit to the training rows.

        `log_target=None` takes the logarithm where `log_advice` finds that it pays off. Raises DataError for a target
        that is no number or has a single value, and for log_target=True if it is not positive throughout.
        """
        if _is_label(values):
            raise DataError(f"The target {name!r} holds {_plain(values.reshape(-1))[0]!r}; it must be numbers.")
        columns = np.asarray(values, np.float64).reshape(len(values), -1).T
        if log_target and (columns <= 0).any():
            lowest = f"{columns.min():g}"
            raise DataError(f"The target {name!r} holds {lowest}, which has no logarithm; use log_target=False.")
        advice = log_advice(columns) if log_target is None and standardise else ""
        log, note = bool(log_target or advice), f"{name}: {advice}; log_target=False overrules" if advice else ""
        fits = [mean_and_scale(np.log(column) if log else column) for column in columns]
        if any(scale == 0 for _, scale in fits):
            raise DataError(f"The target {name!r} has a single value ({columns[0, 0]:g}); there is nothing to learn.")
        if not standardise:
            fits = [(0.0, 1.0)] * len(fits)
        return cls(name, [mean for mean, _ in fits], [scale for _, scale in fits], log=log, note=note)

    def encode(self, values: Array, location: Callable[[int], str] | None = None) -> Array:
        """The targets of the network, (n, outputs) float64.

        Raises DataError for values that are no numbers or, where their logarithm is learnt, not positive; `location`
        names the row in the message.
        """
        if _is_label(values):
            raise DataError(f"The target {self.name!r} holds {_plain(values.reshape(-1))[0]!r}; it must be numbers.")
        columns = np.asarray(values, np.float64).reshape(len(values), -1)
        if (count := columns.shape[1]) != len(self.mean):
            raise DataError(f"The target {self.name!r} has {count} columns; the model predicts {len(self.mean)}.")
        encoded: Array = ((self._logarithms(columns, location) if self.log else columns) - self.mean) * self.scale
        return encoded

    def _logarithms(self, columns: Array, location: Callable[[int], str] | None) -> Array:
        if (columns <= 0).any():
            row = int((columns <= 0).any(axis=1).argmax())
            cell = location(row) if location else f"The target {self.name!r}"
            raise DataError(f"{cell} holds {columns[row].min():g}, but the model learnt the logarithm of its values.")
        return np.log(columns)

    def decode(self, outputs: Array) -> Array:
        """Predictions in the units of the target, (n, outputs) float64."""
        values: Array = np.asarray(outputs, np.float64) / self.scale + self.mean
        if not self.log:
            return values
        logarithms = values + np.log(self.smearing) if self.smearing else values
        return np.exp(np.clip(logarithms, *LOG_RANGE))

    def true_values(self, encoded: Array) -> Array:
        """The values (n, outputs) that were encoded; `decode` corrects predictions of logarithms, which these are not.

        Quantiles are converted by it as well, because the correction is one of means.
        """
        return replace(self, smearing=[]).decode(encoded)

    def smeared(self, outputs: Array, values: Array, weights: Array | None = None) -> Self:
        """The target whose predictions have, on average, the size of the values.

        Parameters
        ----------
        outputs : (n, outputs) what networks predict for rows that they were not trained on, as `encode` scales it.
        values : (n,) or (n, outputs) the true values, in the units of the target.
        weights : (n,) of the rows, or None.
        """
        if not self.log:
            return self
        columns = np.asarray(values, np.float64).reshape(len(values), -1).T
        predictions = self.true_values(outputs).reshape(len(values), -1).T
        pairs = zip(columns, predictions, strict=True)
        return replace(self, smearing=[smearing_factor(column, predicted, weights) for column, predicted in pairs])

    def summary(self) -> str:
        """A phrase that says what is predicted."""
        return "a quantity" if len(self.mean) == 1 else f"{len(self.mean)} quantities"


TargetColumn = ClassTarget | NumberTarget


def infer_task(values: Array, task: str) -> tuple[str, str]:
    """The task, and a phrase that says why it was chosen.

    Text and true/false are classes. Whole numbers are classes if there are at most 20 distinct ones and, on average, at
    least 5 rows of each; two distinct ones always are. Everything else is a quantity.
    """
    if task not in TASKS:
        raise unknown_name("task", task, TASKS)
    if task != "auto":
        return task, "as requested"
    if _is_label(values):
        return "classification", "the target is true/false" if values.dtype.kind == "b" else "the target is text"
    if values.ndim > 1 and values.shape[1] > 1:
        return "regression", f"the target has {values.shape[1]} columns"
    distinct = np.unique(values)
    limit = max(2, min(MAX_INTEGER_CLASSES, values.size // MIN_ROWS_PER_CLASS))
    if (distinct == np.floor(distinct)).all() and len(distinct) <= limit:
        return "classification", f"the target has {len(distinct)} distinct whole numbers"
    return "regression", f"the target has {len(distinct):,} distinct numbers"


def fit_target(
    column: str | tuple[str, Reading | None],
    values: Array,
    rows: Array,
    task: str,
    *,
    standardise: bool = True,
    log_target: bool | None = False,
) -> TargetColumn:
    """Fit the target: the classes of all rows, or mean and deviation of the given training rows.

    `column` is its name, or its name with the reading of its cells; `log_target` is explained in `NumberTarget.fit`.
    """
    name, reading = (column, None) if isinstance(column, str) else column
    if task == "classification":
        target = ClassTarget.fit(name, values.reshape(-1) if values.shape[1:] == (1,) else values)
        return replace(target, reading=reading)
    whole = NumberTarget.fit(name, values, standardise=standardise, log_target=log_target)
    log_target = whole.log if log_target is None else log_target
    training = NumberTarget.fit(name, values[rows], standardise=standardise, log_target=log_target)
    return replace(training, reading=reading, note=whole.note)


def _is_label(values: Array) -> bool:
    """Whether the values are text or true/false."""
    return values.dtype.kind in "OUSb"


def _plain(values: Array) -> list[Any]:
    """As Python values, which JSON supports."""
    return list(values.tolist())
