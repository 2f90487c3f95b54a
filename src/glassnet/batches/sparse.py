"""Sparse x: its rows are made dense only for the steps that read them next.

The numbers of a run are those of the dense x, bit for bit; the memory is that of one slice of rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.batches.mini_batches import StepRange
from glassnet.batches.sources import Sources
from glassnet.program.parameters import Array

SLICE_BYTES = 1 << 26  # of the dense rows of one slice


def is_sparse(x: Any) -> bool:
    """Whether x is one of SciPy's sparse arrays or matrices."""
    return hasattr(x, "toarray")


def dense(x: Any) -> Array:
    """x as a NumPy array, sparse or not."""
    return np.asarray(x.toarray() if is_sparse(x) else x)


def dense_rows(x: Any, indices: Any) -> Array:
    """Some rows of a sparse x as a C-contiguous array."""
    return np.ascontiguousarray(x[indices].toarray())


class DenseRows:
    """A sparse x whose rows become dense when they are indexed."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def __getitem__(self, indices: Any) -> Array:
        return dense_rows(self.x, indices)


def on_demand(x: Any) -> Any:
    """x itself, or the DenseRows of a sparse x."""
    return DenseRows(x) if is_sparse(x) else x


def dense_part(sources: Sources, steps: StepRange) -> tuple[Sources, StepRange]:
    """The samples that some steps read, as dense sources of their own, and the same steps on these."""
    first, (last, m) = int(steps.batches[0, 0]), map(int, steps.batches[-1])
    indices = steps.order[first : last + m]
    part = sources._replace(x=on_demand(sources.x)).part(indices)
    return part, steps._replace(order=np.arange(len(indices)), batches=steps.batches - [first, 0])
