"""An explanation of a gradient: a forward pass, mistakes on the way back and factors; and the sentences about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from glassnet.check.mistakes.decoder import UNKNOWN, Reading, Theirs
from glassnet.check.mistakes.error_mistakes import DETAIL, Above, Error, hidden_errors, output_errors
from glassnet.check.mistakes.fault import Fault, Mistake, digits
from glassnet.check.mistakes.forward_mistakes import Forward
from glassnet.check.mistakes.gradient_mistakes import bias_gradients, mean, product, weight_gradients
from glassnet.check.mistakes.passes import Pass
from glassnet.check.mistakes.scale import Factors
from glassnet.check.trial import Trial
from glassnet.program.parameters import Array

NOTHING_KNOWN = "no known mistake gives these numbers"


class Explanation(NamedTuple):
    """A forward pass and how their gradient follows from it; `unread` is the first layer left unexplained, or 0."""

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


class Wording:
    """The faults of explanations as sentences; `right` is our own pass, which shows where a mistake could be made."""

    def __init__(self, right: Pass) -> None:
        self.right = right

    def faults(self, explanation: Explanation) -> list[Fault]:
        """The mistakes of an explanation as sentences, in the order of the data; without the factors."""
        layers: dict[Mistake, list[int]] = {}
        for mistake, layer in explanation.reading.mistakes:
            layers.setdefault(mistake, []).append(layer)
        faults = []
        if (forward := explanation.forward).mistake is not None:
            faults.append(forward.mistake.fault(forward.layers, forward.possible, 0))
        details: dict[str, list[int]] = {}
        for mistake, where in layers.items():
            if mistake in UNKNOWN.values() or mistake.is_note:
                continue
            if mistake.weight == DETAIL and faults:
                details.setdefault(mistake.sentence, []).extend(where)
            else:
                faults.append(mistake.fault(where, self._possible(mistake, where), self.right.last))
        for sentence, where in details.items():
            fault = faults[0]
            faults[0] = Fault(fault.equation, f"{fault.sentence[:-1]}; {self._detail(sentence, where)}")
        return faults

    def _detail(self, sentence: str, where: list[int]) -> str:
        """What is said of another mistake; no place where it is that of all layers."""
        if len(where) == self.right.last:
            return sentence.replace(" {where}", "")
        mistake = Mistake("", sentence)
        return mistake.fault(where, self._possible(mistake, where), self.right.last).sentence

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


def first_difference(trial: Trial, theirs: Theirs, tolerance: float, start: tuple[int, float] | None = None) -> Fault:
    """Where their numbers first differ from ours, from the output back, and by how much.

    `start` is the first layer that may differ, and the factor of theirs in the layers above, which are explained.
    """
    ours, last = trial.gradients, len(trial.dense)
    first, factor = start or (last, 1.0)
    for layer in range(first, 0, -1):
        gaps = [_gap(factor * ours[kind][layer - 1], theirs[kind][layer]) for kind in (0, 1)]
        wrong = [gap > tolerance for gap in gaps]
        if any(wrong):
            both = "BP2" if layer < last else {None: "forward or BP1", True: "BP1", False: "forward"}
            known = both if isinstance(both, str) else both[trial.forward_is_right]
            equation = known if all(wrong) or len(compared(theirs, layer)) == 1 else "BP4" if wrong[0] else "BP3"
            what = "dW and db differ" if all(wrong) else "dW differs" if wrong[0] else "db differs"
            return Fault(equation, f"{NOTHING_KNOWN}; {what} first in layer {layer}, by {gap_text(max(gaps))}.")
    return Fault("run", f"{NOTHING_KNOWN}.")


def compared(theirs: Theirs, layer: int) -> list[Array]:
    """The arrays of a layer that are compared."""
    return [part for part in (theirs.dw[layer], theirs.db[layer]) if part is not None]


def _gap(ours: Array, theirs: Array | None) -> float:
    """The largest difference in the first trial, relative to the largest entry."""
    return 0.0 if theirs is None else float(np.abs(ours - theirs[0]).max() / max(float(np.abs(ours).max()), 1e-12))


def gap_text(gap: float) -> str:
    """A difference relative to our largest entry."""
    return f"{_percent(gap)} % of the largest entry" if gap < 1.95 else f"{digits(gap, 3)} times the largest entry"


def _percent(gap: float) -> str:
    return f"{100 * gap:.0f}" if gap > 0.1 else digits(100 * gap, 2)
