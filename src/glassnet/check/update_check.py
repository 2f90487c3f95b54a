"""Whether a class whose gradient is right also steps by it: its update_mini_batch, train or fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassnet.check.candidates.candidate_error import CandidateError
from glassnet.check.candidates.object_candidate import UPDATE, ObjectCandidate
from glassnet.check.comparison import Comparison, compare_gradients
from glassnet.check.hints import NO_KNOWN_MISTAKE
from glassnet.check.mistakes.fault import Fault
from glassnet.check.mistakes.fit import factor
from glassnet.check.mistakes.scale import number
from glassnet.check.trial import FLOAT32_TOLERANCE, Trial
from glassnet.program.parameters import Array

PARTS = ("weights", "biases")


def update_findings(candidate: ObjectCandidate, trial: Trial) -> Comparison:
    """What is wrong with the first method that updates, where another one has returned a right gradient."""
    names = [name for name in candidate.methods if name in UPDATE]
    if candidate.method in UPDATE or not names:
        return Comparison([], [])
    name = names[0]
    conventions = candidate.conventions
    if name == "update_mini_batch":  # a list of samples, where backprop takes one
        conventions = conventions._replace(one_sample=False)
    update = ObjectCandidate(candidate.mine, candidate.activations, conventions, methods=[name])
    if not update.can_call(trial):
        return Comparison([], [])
    try:
        answer = update.answer(trial)
        ratios = [_ratio(*parts) for parts in zip((answer.dw, answer.db), trial.gradients, strict=True)]
        if None not in ratios:
            return _of_ratios(name, ratios, {**_meanings(trial.m), **_of_rate(update.rate(trial))})
        comparison = compare_gradients(update, trial)
    except CandidateError as error:
        comparison = Comparison([Fault("run", f"{error}.")], [])
    vague = [fault for fault in comparison.faults if fault.equation == "run" or NO_KNOWN_MISTAKE in fault.sentence]
    if vague and name != "update_mini_batch":  # which may make several steps, in batches, with momentum
        return Comparison([], [f"its {name} is not checked: one call does not make a single step along the gradient."])
    return Comparison([Fault("update", f"{name}: {fault.sentence}") for fault in comparison.faults], comparison.notes)


def _ratio(step: Sequence[Array], gradient: Sequence[Array]) -> float | None:
    """The step as a multiple of the gradient; None where it is none."""
    if any(p.size != q.size for p, q in zip(step, gradient, strict=True)):
        return None
    return factor([p.reshape(q.shape) for p, q in zip(step, gradient, strict=True)], gradient, FLOAT32_TOLERANCE)


def _meanings(m: int) -> dict[float, str]:
    """What a step of so many times the gradient means."""
    return {
        1.0: "",
        -1.0: "move uphill: subtract the gradient, do not add it",
        0.0: "are never updated",
        float(m): f"move by the sum over the batch of {m} instead of the mean",
        1 / m: "are divided by the number of samples a second time",
    }


def _of_rate(lr: float) -> dict[float, str]:
    """What a step means whose learning rate is used otherwise than once."""
    once = {lr: "are multiplied by the learning rate twice", 1 / lr: "are not multiplied by the learning rate"}
    return {} if lr == 1 else once


def _of_ratios(name: str, ratios: list[float | None], meanings: dict[float, str]) -> Comparison:
    """What steps that are multiples of the gradient mean; the same positive one for all is a matter of the rate."""
    numbers = [float(ratio or 0) for ratio in ratios]
    if numbers[0] > 0 and np.isclose(numbers[0], numbers[1], rtol=1e-3):
        scale = f"the step of its {name} is {number(numbers[0])} × the gradient; that depends on its learning rate."
        return Comparison([], [] if np.isclose(numbers[0], 1, rtol=1e-3) else [scale])
    texts = [next((t for one, t in meanings.items() if np.isclose(r, one, 1e-3, 1e-9)), None) for r in numbers]
    sentences = {
        part: f"move by {number(r)} × the gradient" if t is None else t
        for part, r, t in zip(PARTS, numbers, texts, strict=True)
    }
    if sentences["weights"] == sentences["biases"]:
        return Comparison([Fault("update", f"{name}: the weights and biases {sentences['weights']}.")], [])
    return Comparison([Fault("update", f"{name}: the {part} {text}.") for part, text in sentences.items() if text], [])
