"""Finds the known mistakes that explain a wrong gradient, in one forward pass or another, with the fewest mistakes.

The numbers must agree in every entry of several independent trials; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from glassnet.check.decoder import UNKNOWN, Decoder, Reading, Theirs
from glassnet.check.error_mistakes import DETAIL, Above, Error, hidden_errors, output_errors
from glassnet.check.fault import Fault, Gradients, Mistake
from glassnet.check.forward_mistakes import Forward, forwards
from glassnet.check.gradient_mistakes import bias_gradients, mean, product, weight_gradients
from glassnet.check.logarithms import errors_with_epsilon
from glassnet.check.passes import Pass
from glassnet.check.scale import Factors
from glassnet.check.trial import Trial
from glassnet.program.parameters import Array

CERTAIN = 0.05  # a difference of weights below this leaves two explanations equally good


class Explanation(NamedTuple):
    """A forward pass and how their gradient follows from it; `unread` is the first layer that nothing explains, or 0."""

    forward: Forward
    reading: Reading
    unread: int = 0

    @property
    def weight(self) -> float:
        """How much is wrong."""
        return self.reading.weight + (0 if self.forward.mistake is None else self.forward.mistake.weight)

    @property
    def factors(self) -> Factors:
        """The factors of all arrays that are compared."""
        parts = self.reading.parts
        return {(name, layer): part.factor for name, layer, part in parts if not np.isnan(part.factor)}


def stacked(trials: Sequence[Trial]) -> Pass:
    """The right pass of several trials of the same shapes."""
    weights, biases = zip(*(trial.parameters for trial in trials), strict=True)
    parameters = tuple([np.stack(arrays) for arrays in zip(*parts, strict=True)] for parts in (weights, biases))
    targets = [trial.prepared.executor.columns("y").copy() for trial in trials]  # smoothed, if the cost says so
    batch = np.stack([trial.x for trial in trials]), np.stack(targets)
    return Pass(parameters, batch, trials[0].dense, trials[0].network.architecture.cost)


def updated_early(trial: Trial, lr: float) -> Gradients:
    """The gradient of a pass back in which each W makes its step before the error passes through it."""
    dw, db = stacked([trial]).gradients(lr)
    return [part[0] for part in dw[1:]], [part[0] for part in db[1:]]


class Search:
    """Their gradient in several trials, and all explanations of it."""

    def __init__(self, trials: Sequence[Trial], theirs: Theirs, tolerance: float) -> None:
        self.trial, self.right, self.theirs, self.tolerance = trials[0], stacked(trials), theirs, tolerance

    def best(self) -> list[Explanation]:
        """The explanations with the fewest mistakes: more than one where they cannot be told apart; or none."""
        for with_decay in (False, True):
            found = self._explanations(with_decay)
            complete = [one for one in found if all(mistake not in UNKNOWN.values() for mistake, _ in one.reading.mistakes)]
            if complete or with_decay:
                least = min((one.weight for one in found), default=0.0)
                likely = [one for one in found if one.weight <= least + CERTAIN]
                return sorted(likely, key=lambda one: one.forward.mistake is None)
        return []

    def _explanations(self, with_decay: bool) -> list[Explanation]:
        right = self._decoder(Forward(self.right))
        found = [Explanation(right.forward, one) for one in right.readings(2, with_decay)]
        if any(one.weight == 0 for one in found):
            return [found[0]]
        right.output_notes = list(errors_with_epsilon(self.right, self.theirs, self.tolerance, with_decay))
        if right.output_notes:
            found += [Explanation(right.forward, one) for one in right.readings(2, with_decay)]
        if self.trial.forward_is_right is False:  # what may look like BP1 is then a consequence
            found = [one for one in found if all(mistake.equation != "BP1" for mistake, _ in one.reading.mistakes)]
        if self.trial.forward_is_right is not True:
            least = min((one.weight for one in found), default=np.inf)
            if least >= 1 - CERTAIN:  # what a wrong forward pass weighs at least
                wrong = self._wrong_forwards(int(least > 1 + CERTAIN), with_decay)
                found += [one for one in wrong if one.weight <= least + CERTAIN]
        return found

    def _wrong_forwards(self, max_mistakes: int, with_decay: bool) -> Iterator[Explanation]:
        for forward in forwards(self.right):
            if all(np.allclose(p, q) for p, q in zip(forward.run.a, self.right.a, strict=True)):
                continue
            for reading in self._decoder(forward).readings(max_mistakes, with_decay)[:1]:
                yield Explanation(forward, reading)

    def _decoder(self, forward: Forward) -> Decoder:
        theirs = self.theirs
        dw, db = theirs.dw[1:], theirs.db[1:]
        given = [one for one in (*dw, *db) if one is not None]
        if len(given) == 2 * len(dw):
            changed = forward.theirs([one for one in dw if one is not None], [one for one in db if one is not None])
            theirs = Theirs([None, *changed[0]], [None, *changed[1]])
        return Decoder(forward, self.right, theirs, self.tolerance)

    def partial(self) -> Explanation | None:
        """What is certain of the layers above the first one that nothing explains."""
        decoder = self._decoder(Forward(self.right))
        if decoder.readings(2, True) or decoder.unread == self.right.last:
            return None
        return Explanation(decoder.forward, decoder.partial[0], decoder.unread)

    # The faults of an explanation -------------------------------------------------------------------------------------

    def faults(self, explanation: Explanation) -> list[Fault]:
        """The mistakes of an explanation as sentences, in the order of the data; without the factors."""
        layers: dict[Mistake, list[int]] = {}
        for mistake, layer in explanation.reading.mistakes:
            layers.setdefault(mistake, []).append(layer)
        faults = []
        if (mistake := explanation.forward.mistake) is not None:
            faults.append(mistake.fault(explanation.forward.layers, explanation.forward.possible, 0))
        for mistake, where in layers.items():
            if mistake in UNKNOWN.values() or mistake.is_note:
                continue
            fault = mistake.fault(where, self._possible(mistake, where), self.right.last)
            if mistake.weight == DETAIL and faults:
                faults[-1] = Fault(faults[-1].equation, f"{faults[-1].sentence[:-1]}; {fault.sentence}")
            else:
                faults.append(fault)
        return faults

    def _possible(self, mistake: Mistake, where: list[int]) -> list[int]:
        """The layers in which a mistake could have been made and would show."""
        run, deltas = self.right, self.right.errors()
        layers = set(where)
        for layer in run.layers:
            right: Array
            if mistake.equation in ("BP1", "BP2"):
                if "updated before" in mistake.sentence and layer < run.last:
                    layers.add(layer)
                right, forms = deltas[layer], self._error_forms(layer, deltas)
            else:
                error = Error((), self._arriving(layer, deltas), deltas[layer])
                above = deltas[layer + 1] if layer < run.last else None
                generate, right = (weight_gradients, product(error.delta, run.a[layer - 1]))
                if mistake.equation == "BP3":
                    generate, right = bias_gradients, mean(error.delta)
                forms = generate(run, layer, error, above)
            size = 1e-9 * float(np.abs(right).max())
            shown = (form for one, form in forms if one == mistake and np.abs(form).max() > size)
            if any(not np.allclose(form, right, rtol=1e-6) for form in shown):
                layers.add(layer)
        return sorted(layers)

    def _error_forms(self, layer: int, deltas: list[Array]) -> Iterator[tuple[Mistake | None, Array]]:
        errors = self._errors(layer, deltas)
        return ((one.mistakes[0] if len(one.mistakes) == 1 else None, one.delta) for one in errors)

    def _errors(self, layer: int, deltas: list[Array]) -> Iterator[Error]:
        run = self.right
        if layer == run.last:
            return output_errors(run, run.output)
        known = dict(zip(run.layers, deltas[1:], strict=True))
        arriving = {n: self._arriving(n, deltas) for n in run.layers}
        return hidden_errors(run, run.dense[layer - 1], layer, Above(known, arriving, None))

    def _arriving(self, layer: int, deltas: list[Array]) -> Array:
        run = self.right
        if layer == run.last:
            return run.cost_gradient()
        return np.swapaxes(run.w[layer + 1], -1, -2) @ deltas[layer + 1]


def first_difference(ours: Gradients, theirs: Theirs, tolerance: float) -> Fault:
    """Where their numbers first differ from ours, from the output back, and by how much."""
    for layer in range(len(ours[0]), 0, -1):
        pairs = [(ours[0][layer - 1], theirs.dw[layer]), (ours[1][layer - 1], theirs.db[layer])]
        gaps = [0.0 if q is None else float(np.abs(p - q[0]).max()) / max(float(np.abs(p).max()), 1e-12) for p, q in pairs]
        gap, wrong = max(gaps), [gap > tolerance for gap in gaps]
        if any(wrong):
            both = "BP1" if layer == len(ours[0]) else "BP2"
            equation = both if all(wrong) else "BP4" if wrong[0] else "BP3"
            what = "dW and db differ" if all(wrong) else "dW differs" if wrong[0] else "db differs"
            where = f"{what} first in layer {layer}, by {gap_text(gap)}."
            return Fault(equation, f"no known mistake gives these numbers; {where}")
    return Fault("BP1", "no known mistake gives these numbers.")


def gap_text(gap: float) -> str:
    """A difference relative to our largest entry."""
    return f"{100 * gap:.2g} % of the largest entry" if gap < 1 else f"{gap:.3g} times the largest entry"
