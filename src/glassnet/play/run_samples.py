"""The samples of a run as columns of float64, as a person would pass them to `train`, and which are held out.

The rows that the page lists are made of them for frames/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassnet.batches.sources import checked_sources
from glassnet.batches.targets import learnt_targets
from glassnet.data.toy_sets import DATA_SEED
from glassnet.frames.samples import Raw, Samples, Slice
from glassnet.program.architecture import Architecture

if TYPE_CHECKING:
    from glassnet.data.preprocessing import Preparation
    from glassnet.data.target import TargetColumn
    from glassnet.play.template import Template

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
    template: Template | None = None  # the network of a person that they came with
    table: tuple[Preparation, TargetColumn] | None = None  # how the columns of a file became x and y
    slice: Slice | None = None

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
        return Samples(self.title, rows.x, rows.y, self.held_out, *names, slice=self.slice)


def held_out_count(count: int, share: float) -> int:
    """How many of so many samples are held out: at least one stays to train on."""
    return min(round(count * share), count - 1)


def held_out_rows(count: int, share: float) -> Array:
    """Which of so many samples are held out, at random: a table may be sorted."""
    result = np.zeros(count, bool)
    result[np.random.default_rng(DATA_SEED).permutation(count)[: held_out_count(count, share)]] = True
    return result
