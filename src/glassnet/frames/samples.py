"""The data of a run as the page lists them: the samples that it trains on and those that are held out, with names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.batches.targets import numeric_targets
from glassnet.errors import counted
from glassnet.frames.encoding import Message, encoded
from glassnet.program.parameters import Array

MAX_LISTED, MAX_COLUMNS = 2000, 100  # rows and columns that a page receives
MAX_NAMES = 8  # of inputs and classes that a sentence lists


class Raw(NamedTuple):
    """An input as it stands in the data: value = mean + scale·x, between `low` and `high`.

    `unit` is "date" where the value counts days since 1970-01-01.
    """

    low: float
    high: float
    mean: float = 0.0
    scale: float = 1.0
    unit: str = ""


class Slice(NamedTuple):
    """The picture of a network of many inputs that a page begins with: the inputs that vary (none: any two), what all
    are held at, and that in words.
    """

    axes: tuple[int, ...]
    fixed: Array
    text: str


@dataclass(frozen=True)
class Samples:
    """All samples of a run, as rows.

    `x` (n, inputs) is what the network sees; `y` (n, outputs) or class numbers (n,); `held_out` (n,) is True where a
    sample is not trained on. `inputs`, `outputs` and `classes` are names, the last ones empty where y are numbers; a
    single output with two classes has both names. `image` is (rows, columns) where the inputs are the pixels of one.
    At most `max_listed` samples are sent to a page. Where `is_complete` is false, they are some samples of a run, whose
    numbers are not those of the run.
    """

    title: str
    x: Array
    y: Array
    held_out: Array
    inputs: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    raw: tuple[Raw, ...] = ()
    image: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    max_listed: int = MAX_LISTED
    is_complete: bool = True
    slice: Slice | None = None

    @cached_property
    def trained(self) -> Array:
        """The numbers of the samples that are trained on; the n-th is sample n of the run."""
        return np.flatnonzero(~self.held_out)

    @cached_property
    def listed(self) -> Array:
        """The numbers of the samples that a page receives: all of them, or evenly spread ones."""
        return spread(np.arange(len(self.x)), self.max_listed)

    def listed_indices(self, numbers: Any) -> list[int]:
        """Where samples of the run stand in what a page receives; empty unless all of them are there."""
        if not self.is_complete:
            return []
        wanted = self.trained[np.asarray(numbers, np.int64)]
        indices = np.searchsorted(self.listed, wanted).clip(max=len(self.listed) - 1)
        return indices.tolist() if (self.listed[indices] == wanted).all() else []

    def part(self, numbers: Any) -> Sources:
        """Some samples by their numbers."""
        return Sources(self.x[numbers], self.y[numbers])

    @property
    def scored(self) -> Array:
        """The numbers of the samples that predictions are judged on: those held out, or all where there are none."""
        held_out = np.flatnonzero(self.held_out)
        return held_out if len(held_out) else np.arange(len(self.x))

    def labels(self, numbers: Any) -> Array:
        """y of some samples as one number each: the class, or the (first) value."""
        y = self.y[numbers]
        if y.ndim == 1:
            return y
        return y.argmax(axis=1) if self.classes and y.shape[1] > 1 else y[:, 0]

    def message(self) -> Message:
        """RunInfo.data."""
        x = self.x[self.listed][:, :MAX_COLUMNS]
        raw = self.raw or tuple(map(_raw_of, self.x.T[:MAX_COLUMNS]))
        return {
            "title": self.title,
            "inputs": list(self.inputs[:MAX_COLUMNS]),
            "train": len(self.trained),
            "test": int(self.held_out.sum()),
            "x": encoded(x),
            "y": encoded(self.labels(self.listed)[:, np.newaxis]),
            "test_rows": encoded(self.held_out[self.listed], "u1"),
            "raw": [each._asdict() for each in raw[:MAX_COLUMNS]],
        }

    def summary(self) -> str:
        """How many samples there are, what they are made of, and how often each class occurs."""
        held_out = int(self.held_out.sum())
        trained = f"{counted(len(self.trained), 'sample')} to train on"
        parts = [f"{trained}, {held_out:,} held out" if held_out else f"{trained}, none held out"]
        names = ", ".join(self.inputs[:MAX_NAMES]) + (", …" if len(self.inputs) > MAX_NAMES else "")
        parts.append(f"{counted(self.x.shape[1], 'input')} ({names})")
        if self.classes:
            counts = np.bincount(self.labels(slice(None)).astype(np.int64), minlength=len(self.classes)).tolist()
            pairs = list(zip(self.classes, counts, strict=True))
            shown = ", ".join(f"{name}: {count:,}" for name, count in pairs[:MAX_NAMES])
            parts.append(f"{len(self.classes)} classes ({shown}{', …' if len(pairs) > MAX_NAMES else ''})")
        else:
            y = self.labels(slice(None))
            parts.append(f"y from {float(y.min()):.4g} to {float(y.max()):.4g}")
        return f"{'; '.join(parts)}."

    def limits(self) -> list[str]:
        """What a page does not receive, in sentences."""
        notes = []
        if len(self.listed) < len(self.x):
            notes.append(
                f"Of {len(self.x):,} samples, {len(self.listed):,} evenly spread ones are drawn; all are used."
            )
        if self.x.shape[1] > MAX_COLUMNS:
            notes.append(f"Of {self.x.shape[1]:,} inputs, the first {MAX_COLUMNS} are listed; all are used.")
        return notes


def spread(numbers: Array, count: int) -> Array:
    """At most so many of these numbers, evenly spread."""
    if len(numbers) <= count:
        return numbers
    return numbers[np.linspace(0, len(numbers) - 1, count).astype(np.int64)]


def targets(samples: Samples, numbers: Any, outputs: int) -> Array:
    """y of some samples in the form of the outputs, (n, outputs)."""
    return numeric_targets(samples.y[numbers], outputs)


def _raw_of(column: Array) -> Raw:
    return Raw(float(column.min()), float(column.max()))
