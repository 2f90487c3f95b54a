"""A run that is run again from where it began, step by step, to look at it afterwards.

The same data, seed and recipe give the same bits, so a run need not be recorded while it trains: what a report shows of
its way is computed when the report is asked for, and the hash of its end says whether it is the same run.
"""

from __future__ import annotations

import numpy as np

from glassnet.batches.mini_batches import EpochBlock
from glassnet.frames.run_snapshot import RunSnapshot
from glassnet.program.parameters import Array
from glassnet.training.training import Training


class Replay(Training):
    """A run of a RunSnapshot once more, on a copy of its model; `costs` are those of its steps."""

    def __init__(self, snapshot: RunSnapshot) -> None:
        assert snapshot.sources is not None
        recipe = snapshot.recipe._replace(patience=None, validation_metric=None)  # the end is known
        self.costs: list[Array] = []
        super().__init__(snapshot.model.astype(snapshot.model.dtype), snapshot.sources, recipe, blocks=snapshot.blocks)
        state = self.state()
        self.restore(snapshot.start | {"arrays": state["arrays"] | snapshot.start["arrays"]})

    def _account(self, block: EpochBlock, first: int, costs: Array, rates: Array) -> None:
        self.costs.append(costs.copy())
        super()._account(block, first, costs, rates)

    def take_costs(self) -> Array:
        """C of the batches of the steps since the last call."""
        costs = np.concatenate([np.zeros(0), *self.costs])
        self.costs.clear()
        return costs

    def go(self, step: int) -> None:
        """Run on to a step of the run."""
        if step > self.counters.step:
            self.run(steps=step - self.counters.step)


def frame_steps(first: int, last: int, count: int) -> list[int]:
    """At most so many steps from the first to the last: dense at the beginning, as learning is.

    The first and the last two are among them.
    """
    span = last - first
    if span + 1 <= count:
        return list(range(first, last + 1))
    spaced = np.unique(np.round(np.geomspace(1, span + 1, count - 1)).astype(np.int64)) - 1
    return [first + int(step) for step in sorted({*spaced.tolist(), 0, span - 1, span})]
