"""What would make unexplained gradients right: another way to call the code than the one that was declared.

A hint is given only where the code's numbers agree with it exactly.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from glassnet.check.candidates.arrays_candidate import ArraysCandidate
from glassnet.check.candidates.candidate import Candidate
from glassnet.check.candidates.candidate_error import CandidateError
from glassnet.check.candidates.conventions import FOLDED, Conventions
from glassnet.check.mistakes.fault import Fault
from glassnet.check.trial import FLOAT32_TOLERANCE, Trial
from glassnet.errors import DivergedError

NO_KNOWN_MISTAKE = "no known mistake"  # in the sentence of a fault that is located, not explained
NUMBERS_OF_UPDATES = (2, 3, 5, 10, 20, 50, 100, 1000)  # that a default such as epochs=100 makes
SEVERAL = "one call of the step makes {count} updates, which is not one gradient; let it make one, with epochs=1."


def hint(candidate: Candidate, trial: Trial, *, has_run: bool) -> Fault | None:
    """The fault that explains their numbers by the way they are called; None where there is none.

    `has_run`: their code took the whole batch. What is wrong there alone is then as well a fault of the batch.
    """
    if candidate.is_multiple(trial):
        return None
    for conventions, fault in _others(candidate, trial, has_run):
        if candidate.with_conventions(conventions).is_multiple(trial):
            return fault
    return _several_updates(candidate, trial) if isinstance(candidate, ArraysCandidate) else None


def _others(candidate: Candidate, trial: Trial, has_run: bool) -> Iterator[tuple[Conventions, Fault]]:
    """Other conventions to try, and what it means where they fit."""
    conventions = candidate.conventions
    for end in FOLDED if conventions.biases in FOLDED else ():
        sentence = f'the ones stand at the other end: it is right with biases="{end}".'
        yield conventions._replace(biases=end), Fault("forward", sentence)
    if not conventions.labels and trial.network.architecture.cost.target_sum is not None:
        sentence = "it is right when y is class numbers (batch,), not one-hot: pass labels=True."
        yield conventions._replace(labels=True), Fault("run", sentence)
    if not conventions.one_sample:
        way = "pass one_sample=True if it is meant for one"
        if isinstance(candidate, ArraysCandidate):
            way = "let one call make one update with the whole batch, or pass one_sample=True"
        elif has_run:
            way = f"look at the sums and means over the samples, or {way}"
        sentence = f"it is right for one sample, but not for a batch: {way}."
        yield conventions._replace(one_sample=True), Fault("run", sentence)


def _several_updates(candidate: ArraysCandidate, trial: Trial) -> Fault | None:
    """Whether the step is that of several updates of ours, with their rate."""
    try:
        lr, answer = candidate.rate(trial), candidate.answer(trial)
    except CandidateError:
        return None
    network, before = trial.network, trial.parameters
    activations = [dense.activation for dense in network.architecture.dense]
    twin = type(network)(trial.widths, activations, network.architecture.cost, dtype="float64", engine="numpy")
    for layer, (w, b) in enumerate(zip(*before, strict=True)):
        twin.weights[layer], twin.biases[layer] = w, b
    done = 0
    for count in NUMBERS_OF_UPDATES:
        try:
            twin.train(trial.x, trial.y, batch_size=trial.m, epochs=count - done, lr=lr, verbose=False)
        except DivergedError:
            return None
        done = count
        steps = [(w - new) / lr for w, new in zip(before[0], twin.weights, strict=True)]
        if all(
            p.shape == q.shape and np.allclose(p, q, FLOAT32_TOLERANCE, 1e-6)
            for p, q in zip(answer.dw, steps, strict=True)
        ):
            return Fault("run", SEVERAL.format(count=count))
    return None
