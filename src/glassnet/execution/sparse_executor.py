"""Steps on a sparse x: the executor underneath reads one dense slice of it after another."""

from __future__ import annotations

import numpy as np

from glassnet.batches.mini_batches import StepRange
from glassnet.batches.sources import Sources
from glassnet.batches.sparse import SLICE_BYTES, dense_part, on_demand
from glassnet.execution.executor import Executor
from glassnet.program.parameters import Array


class SparseExecutor:
    """Runs the steps of `executor` on sparse sources, slice by slice."""

    def __init__(self, executor: Executor, sources: Sources) -> None:
        self.executor, self.sources, self.threads = executor, sources, executor.threads
        self.engine, self.vectors, self.capacity = executor.engine, executor.vectors, executor.capacity
        self.warnings, self.shuffle = executor.warnings, executor.shuffle
        self.may_compile_program = False
        self.slice_samples = max(1, SLICE_BYTES // (8 * sources.x.shape[1]))

    def bind(self, sources: Sources) -> None:
        """Name other sparse data; the executor reads the first sample until `steps` gives it a slice."""
        self.sources = sources
        self.executor.bind(sources._replace(x=on_demand(sources.x)).part(slice(1)))

    def close(self) -> None:
        """No-op: nothing goes on beside the steps."""

    def steps(self, steps: StepRange, costs: Array) -> int:
        """Run steps slice by slice and write the cost of each; return how many were run."""
        self.executor.threads, done = self.threads, 0
        self.executor.may_compile_program = self.may_compile_program
        while done < len(steps.batches):
            stop = self._slice_end(steps.batches, done)
            part = StepRange(steps.order, steps.batches[done:stop], steps.scalars[done:stop], steps.first_step + done)
            sources, part = dense_part(self.sources, part)
            self.executor.bind(sources)
            done += self.executor.steps(part, costs[done:stop])
            if done < stop:
                break
        return done

    def _slice_end(self, batches: Array, first: int) -> int:
        """The first batch after the slice that begins with batch `first`."""
        ends = batches[first:, 0] + batches[first:, 1] - batches[first, 0]
        return first + max(1, int(np.searchsorted(ends, self.slice_samples, side="right")))
