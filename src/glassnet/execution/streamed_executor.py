"""Steps on sources that lie in a file: the executor underneath reads the window of blocks that are in memory."""

from __future__ import annotations

from typing import Any

from glassnet.batches.mini_batches import StepRange
from glassnet.batches.sources import Sources
from glassnet.batches.streamed_sources import StreamedSources
from glassnet.batches.window import OrderOfEpoch
from glassnet.errors import DataError
from glassnet.execution.executor import Executor
from glassnet.program.parameters import Array


class StreamedExecutor:
    """Runs the steps of `executor` on streamed sources, as far as the blocks are there, then waits for more."""

    def __init__(self, executor: Executor, sources: StreamedSources) -> None:
        self.executor, self.threads = executor, executor.threads
        self.engine, self.vectors, self.capacity = executor.engine, executor.vectors, executor.capacity
        self.warnings, self.shuffle = executor.warnings, executor.shuffle
        self.may_compile_program = False  # it is not passed on: the memory of such a run is bounded
        self.sources = sources

    def bind(self, sources: Any) -> None:
        """Allocate a window for the sources; nothing is read before the first steps."""
        self.sources, self.is_loaded = sources, False
        self.window = sources.window()
        self.executor.bind(Sources(self.window.x, self.window.y))

    def follow(self, order: OrderOfEpoch) -> None:
        """Name what gives the order of an epoch, so that its blocks are read ahead."""
        self.window.order = order

    def steps(self, steps: StepRange, costs: Array) -> int:
        """Run steps as far as the file can be read and write the cost of each; return how many were run.

        Raises DataError where not even the first could be run.
        """
        self.executor.threads, done = self.threads, 0
        while done < len(steps.batches):
            try:
                available = self._load(steps, done)
            except DataError:
                if done:
                    break  # these steps count; the next call raises
                raise
            part = self._part(steps, done, available)
            count = len(part.batches)
            ran = self.executor.steps(part, costs[done : done + count])
            done += ran
            if ran < count:
                break
        return done

    def close(self) -> None:
        """End the reading."""
        self.window.close()

    def _load(self, steps: StepRange, number: int) -> int:
        """Wait for the samples of a step; return the position up to which more are there."""
        first, m = map(int, steps.batches[number])
        available = self.window.load(steps.order, first, first + m)
        if not self.is_loaded:
            position = steps.order.position(first)
            slot, size = (
                self.window.slot(steps.order, position),
                int(steps.order.blocks.sizes[steps.order.sequence[position]]),
            )
            self.executor.inspect(self.window.x[slot : slot + size])
            self.is_loaded = True
        return available

    def _part(self, steps: StepRange, number: int, available: int) -> StepRange:
        """The steps from this one on whose samples are there, on the rows of the window."""
        batches = steps.batches[number:]
        batches = batches[batches[:, 0] + batches[:, 1] <= available]
        first, last = int(batches[0, 0]), int(batches[-1].sum())
        rows = self.sources.window_rows(self.window, steps.order, first, last)
        scalars = steps.scalars[number : number + len(batches)]
        return StepRange(rows, batches - [first, 0], scalars, steps.first_step + number)
