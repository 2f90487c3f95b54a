"""The samples of a run: a toy data set, or what a person brought, with those that are held out.

They are columns of float64 here, as a person would pass them to `train`; the rows that the page lists are frames'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassnet.array_likes import short_repr
from glassnet.batches.sources import checked_sources
from glassnet.batches.targets import learnt_targets
from glassnet.data.toy_sets import DATA_SEED, TOY_SETS, toy_set
from glassnet.errors import ParameterError
from glassnet.frames.samples import Raw, Samples
from glassnet.play.own_data import OwnData
from glassnet.play.setup import NOTEBOOK_DATA, Setup
from glassnet.program.architecture import Architecture

if TYPE_CHECKING:
    from glassnet.data.preprocessing import TablePreparation
    from glassnet.data.target import TargetColumn

Array = Any


class RunSamples(NamedTuple):
    """x (inputs, n) and y: class numbers (n,) or quantities (outputs, n), with their names; `held_out` (n,)."""

    title: str
    x: Array
    y: Array
    held_out: Array
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    classes: tuple[str, ...]
    raw: tuple[Raw, ...] = ()
    image: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    is_ready: bool = False  # y is what a network learns
    table: tuple[TablePreparation, TargetColumn] | None = None  # how the columns of a table became x and y

    @property
    def widths(self) -> tuple[int, ...]:
        """How many outputs a network for them may have."""
        if self.is_ready:
            return (len(self.y) if self.y.ndim > 1 else len(self.classes),)
        if not self.classes:
            return (len(self.y),)
        return (1, 2) if len(self.classes) == 2 else (len(self.classes),)

    def targets(self, architecture: Architecture) -> Array:
        """y as the network learns it: (outputs, n), or class numbers (n,)."""
        if self.is_ready or not self.classes:
            return self.y
        return learnt_targets(self.y, architecture, classes=True)

    def listed(self, architecture: Architecture) -> Samples:
        """The same as checked rows, for frames."""
        rows = checked_sources(architecture, np.float64, self.x, self.targets(architecture), None)
        names = (self.inputs, self.outputs, self.classes, self.raw, self.image, self.notes)
        return Samples(self.title, rows.x, rows.y, self.held_out, *names)


def run_samples(setup: Setup, own: OwnData) -> RunSamples:
    """The samples that a setup names. Raises ParameterError where a file is missing."""
    if setup.data in TOY_SETS:
        return _toy(setup)
    if setup.data == NOTEBOOK_DATA:
        return own.arrays(setup.file)
    if setup.data == "points":
        return _points(setup, own)
    return _table(setup, own)


def _toy(setup: Setup) -> RunSamples:
    entry, (x, y) = TOY_SETS[setup.data], toy_set(setup.data, setup.n, setup.noise)
    outputs = () if entry.classes else ("y",)
    held_out = np.arange(len(y.T)) >= len(y.T) - held_out_count(len(y.T), setup.test)
    names = (entry.inputs, outputs, entry.classes)
    return RunSamples(entry.title, x, y, held_out, *names, image=entry.image)


def held_out_count(count: int, share: float) -> int:
    """How many of so many samples are held out: at least one stays to train on."""
    return min(round(count * share), count - 1)


def held_out_rows(count: int, share: float) -> Array:
    """Which of so many samples are held out, at random: a table may be sorted."""
    result = np.zeros(count, bool)
    result[np.random.default_rng(DATA_SEED).permutation(count)[: held_out_count(count, share)]] = True
    return result


def _points(setup: Setup, own: OwnData) -> RunSamples:
    points = own.points(setup.file)
    x, labels = np.array([point[:2] for point in points], np.float64).T, np.array([point[2] for point in points])
    classes = tuple(str(number) for number in range(max(2, int(labels.max()) + 1)))
    held_out = held_out_rows(len(labels), setup.test)
    return RunSamples("Your points", np.ascontiguousarray(x), labels, held_out, ("x1", "x2"), (), classes)


def _table(setup: Setup, own: OwnData) -> RunSamples:
    from glassnet.play.table_samples import table_samples

    if not setup.target:
        raise ParameterError("target is missing: which column of the file is to be predicted?")
    return table_samples(own.table(setup.file), setup)


def check_labels(points: Any) -> list[tuple[float, float, int]]:
    """Points as they come from a page. Raises ParameterError for what is none."""
    from glassnet.play.own_data import MAX_POINTS

    if not isinstance(points, list) or not 2 <= len(points) <= MAX_POINTS:
        raise ParameterError(f"points must be a list of 2 to {MAX_POINTS:,} points.")
    result = []
    for point in points:
        try:
            x, y, label = float(point["x"]), float(point["y"]), int(point["label"])
            if not (np.isfinite([x, y]).all() and max(abs(x), abs(y)) <= 1e6 and 0 <= label <= 9):
                raise ValueError
        except (TypeError, KeyError, ValueError, OverflowError):
            fault = f"{short_repr(point)} is no point"
            raise ParameterError(f"{fault}; one has numbers x and y and a label from 0 to 9.") from None
        result.append((x, y, label))
    if len({label for _, _, label in result}) < 2:
        raise ParameterError("all points have one label; place at least one of another.")
    return result
