"""Sparse x: its rows are made dense for as many steps at a time as fit in a limit, and forgotten again.

The numbers of a run are those of the dense x, bit for bit; memory is that of one slice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.execution.executor import Executor
from glassnet.execution.reference import Schedule, Sources
from glassnet.program.parameters import Array

SLICE = 1 << 26  # bytes of the dense rows of one slice


def is_sparse(x: Any) -> bool:
    """Whether x is one of SciPy's sparse arrays or matrices."""
    return hasattr(x, "toarray")


def dense(x: Any) -> Array:
    """x as an array, whatever it was."""
    return np.asarray(x.toarray() if is_sparse(x) else x)


def dense_rows(x: Any, places: Any) -> Array:
    """Some rows of a sparse x as an array, row by row in memory."""
    return np.ascontiguousarray(x[places].toarray())


class DenseRows:
    """A sparse x whose rows are dense where some are taken."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def __getitem__(self, places: Any) -> Array:
        return dense_rows(self.x, places)


def on_demand(x: Any) -> Any:
    """x, or where it is sparse what gives the rows that are taken as dense ones."""
    return DenseRows(x) if is_sparse(x) else x


def dense_part(sources: Sources, schedule: Schedule) -> tuple[Sources, Schedule]:
    """What the steps of a schedule read as sources of their own, and the same steps on these."""
    first, (last, m) = int(schedule.batches[0, 0]), map(int, schedule.batches[-1])
    places = schedule.order[first : last + m]
    weights = None if sources.weights is None else sources.weights[places]
    batches = schedule.batches - [first, 0]
    part = Sources(dense_rows(sources.x, places), sources.y[places], weights)
    return part, schedule._replace(order=np.arange(len(places)), batches=batches)


class SliceBySlice:
    """An executor's `steps` on sparse sources; all else is that executor's own."""

    def __init__(self, executor: Executor, sources: Sources) -> None:
        self.executor, self.sources = executor, sources
        self.samples = max(1, SLICE // (8 * sources.x.shape[1]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.executor, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """`threads` and the like are set on the executor itself."""
        target = self if name in ("executor", "sources", "samples") else self.executor
        object.__setattr__(target, name, value)

    def bind(self, sources: Sources) -> None:
        """Name other sparse data; until steps name a slice of them, the executor itself reads the first sample."""
        self.sources = sources
        weights = None if sources.weights is None else sources.weights[:1]
        self.executor.bind(Sources(dense_rows(sources.x, slice(1)), sources.y[:1], weights))

    def steps(self, schedule: Schedule, costs: Array) -> int:
        """Run the steps of a schedule, slice by slice; return how many were run."""
        done = 0
        while done < len(schedule.batches):
            stop = self._stop(schedule.batches, done)
            rows = slice(done, stop)
            batches, scalars = schedule.batches[rows], schedule.scalars[rows]
            part = Schedule(schedule.order, batches, scalars, schedule.first_step + done)
            sources, part = dense_part(self.sources, part)
            self.executor.bind(sources)
            done += self.executor.steps(part, costs[rows])
            if done < stop:
                break
        return done

    def _stop(self, batches: Array, first: int) -> int:
        """The first batch that no longer belongs to the slice that begins with batch `first`."""
        ends = batches[first:, 0] + batches[first:, 1] - batches[first, 0]
        return first + max(1, int(np.searchsorted(ends, self.samples, side="right")))
