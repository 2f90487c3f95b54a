"""The step that a run takes next, explained: its batch, its rate, its optimiser's memory, on a copy of the network.

explain.py explains a first step on any batch; here everything comes from a Training, which is left as it was.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from glassnet.batches.mini_batches import StepRange
from glassnet.batches.sources import Sources
from glassnet.batches.sparse import dense
from glassnet.batches.streamed_sources import loaded
from glassnet.errors import ParameterError
from glassnet.program.parameters import Array
from glassnet.see.explain import Explanation, conventions, explained, general_quantities
from glassnet.see.quantities import PreparedPass, prepare_pass
from glassnet.see.trace import samples
from glassnet.training.training import Training


class NextStep(NamedTuple):
    """The step that a run takes next: its batch, and which samples of the run they are."""

    data: Sources
    indices: Array
    steps: StepRange
    rate: float

    @classmethod
    def of(cls, training: Training) -> NextStep:
        """The next step of a run. Raises ParameterError where the run has ended."""
        if training.finished:
            raise ParameterError("this run has ended, so it takes no next step; explain the one before.")
        block, batch = training.next_batch()
        steps, rates = training.step_range(block, batch, batch + 1)
        first, m = map(int, steps.batches[0])
        indices = steps.order[first : first + m].copy()
        sources, inner = loaded(training.sources, steps)
        part = _part(sources, inner)
        return cls(part._replace(x=dense(part.x)), indices, steps, float(rates[0]))


def explain_next_step(training: Training, next_step: NextStep, dtype: Any = None) -> Explanation:
    """Explain the step that a run takes next, in `dtype` (None: the network's own, whose bits are then the run's)."""
    prepared = _prepared(training, next_step, dtype)
    counters, recipe = training.counters, training.recipe
    about = (
        f"Step {counters.step + 1:,} of the run (epoch {counters.epoch + 1:,}): {recipe.optimizer.name} at rate "
        f"{next_step.rate:g} on {samples(prepared.executor.m)}, {conventions(prepared, training.model)}"
    )
    general = general_quantities(training.model, next_step.data, dtype, counters.step)
    return explained(prepared, general, about, "step" if counters.step else "first step")


def _prepared(training: Training, next_step: NextStep, dtype: Any) -> PreparedPass:
    """The step on a copy of the network: its batch, scalars and the optimiser's states as they are now."""
    options = training.recipe.step_options(training.sources)
    prepared = prepare_pass(training.model, next_step.data, dtype, step=options)
    executor = prepared.executor
    executor.step = next_step.steps.first_step
    scalars = dict(zip(training.program.scalars, next_step.steps.scalars[0], strict=True))
    executor.scalars = {name: scalars[name] for name in prepared.program.scalars}
    for own, state in zip(executor.vectors.states, training.vectors.states, strict=True):
        own.vector[:] = state.vector
    return prepared


def _part(sources: Sources, steps: StepRange) -> Sources:
    """The samples of the one batch of some steps."""
    first, m = map(int, steps.batches[0])
    return sources.part(steps.order[first : first + m])
