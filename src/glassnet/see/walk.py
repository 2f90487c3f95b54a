"""An explained step as a walk: stage after stage, each with its formula as MathML and its way through the network.

explain.py computes the stages; a page shows one at a time, and asks for the sums behind a number (spelled_sum.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from glassnet.program.program import Program, symbol
from glassnet.see.explain import Explanation
from glassnet.see.formula_markup import mathml
from glassnet.see.stage import LabelledArray, Stage
from glassnet.see.trace import samples

DIRECTIONS = {"batch": "forward", "forward": "forward", "cost": "forward"} | {
    f"BP{number}": "backward" for number in range(1, 5)
}
MAX_NUMBERS = 12  # of samples that a sentence lists


class WalkStage(NamedTuple):
    """A stage of a walk.

    `product` says that the first two arrays are the factors of a matrix product, `mean` that the result is a mean over
    the batch of which there is one table per sample. `direction` is "forward", "backward" or "none".
    """

    stage: Stage
    mathml: str
    product: bool
    mean: bool
    direction: str


def walk_stages(explanation: Explanation, numbers: Sequence[int] = ()) -> list[WalkStage]:
    """The batch, then the stages of an explanation; `numbers` are the samples of the batch, where they are known."""
    stages = [batch_stage(explanation, numbers), *explanation.stages]
    return [_walk_stage(stage, explanation.trace.program) for stage in _unique_keys(stages)]


def batch_stage(explanation: Explanation, numbers: Sequence[int]) -> Stage:
    """The samples that the step reads."""
    trace, last = explanation.trace, max(stage.layer for stage in explanation.stages)
    terms = (LabelledArray("a0", trace["a0"], (0, "m"), "a0"), "and", LabelledArray("y", trace["y"], (last, "m"), "y"))
    which = ""
    if len(numbers):
        listed = ", ".join(str(number) for number in numbers[:MAX_NUMBERS])
        which = (
            f": {'sample' if len(numbers) == 1 else 'samples'} {listed}{', …' if len(numbers) > MAX_NUMBERS else ''}"
        )
    sentence = (
        f"The step reads {samples(trace.m)}{which}. Each column of a0 is one of them as the network sees it, and "
        "the same column of y is the right answer."
    )
    return Stage("batch", "the samples of this step", "a0 = x", terms, sentence, "batch", 0)


def quantity_symbols(program: Program) -> dict[str, str]:
    """The symbols of a program's quantities, each with its name."""
    return {symbol(name): name for name, buffer in program.buffers.items() if buffer.home != "source"}


def _walk_stage(stage: Stage, program: Program) -> WalkStage:
    terms = [term for term in stage.terms if not isinstance(term, str)]
    known = quantity_symbols(program) | {term.symbol: term.quantity for term in terms if not term.is_transposed}
    mean = stage.key.startswith(("bp3.", "bp4.")) and np.ndim(terms[-1].values) == 2
    markup = mathml(stage.formula, known)
    return WalkStage(stage, markup, "{}" in stage.text, mean, DIRECTIONS.get(stage.label, "none"))


def _unique_keys(stages: Sequence[Stage]) -> Iterator[Stage]:
    """The stages, a repeated key with a number behind it."""
    counts: dict[str, int] = {}
    for stage in stages:
        count = counts[stage.key] = counts.get(stage.key, 0) + 1
        yield stage if count == 1 else stage._replace(key=f"{stage.key}.{count}")
