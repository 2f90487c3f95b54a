"""Reads a returned gradient from the output back, as it was made: δ, then dW and db, then the δ of the layer below.

In each layer every known mistake is tried on what is known of the layers above, so that several mistakes are found one
after another, and one that is made in all layers is the same one found in each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from glassnet.check.mistakes.error_mistakes import Above, Error, early_update, gates, hidden_errors, output_errors
from glassnet.check.mistakes.fault import Mistake
from glassnet.check.mistakes.fit import Target, multiples
from glassnet.check.mistakes.forward_mistakes import Forward
from glassnet.check.mistakes.gradient_mistakes import bias_gradients, mean, product, weight_gradients
from glassnet.check.mistakes.passes import Dense, Pass, transposed
from glassnet.program.parameters import Array

MIN_RATE = 1e-6  # a learning rate below is none
MAX_READINGS = 6  # of the layers above, that are continued below
UNKNOWN = {"dW": Mistake("BP4", "", weight=2.5), "db": Mistake("BP3", "", weight=2.5)}


class Theirs(NamedTuple):
    """Their gradient in several trials, (trials, fan_out, fan_in) and (trials, fan_out, 1), indexed by layer.

    None stands for what is not compared: it has a wrong shape, is 0, or was not asked for.
    """

    dw: list[Array | None]
    db: list[Array | None]


class Part(NamedTuple):
    """How their dW or db of a layer is explained: a mistake or none, its factor, and those of W and sign(W) in it."""

    mistake: Mistake | None
    factor: float
    decay: float = 0.0
    sign_decay: float = 0.0


class Reading(NamedTuple):
    """How the layers from the output down to one are explained; the last layer read comes last."""

    above: Above
    mistakes: tuple[tuple[Mistake, int], ...] = ()
    parts: tuple[tuple[str, int, Part], ...] = ()

    @property
    def weight(self) -> float:
        """How much is wrong: the weights of the different mistakes, and a half for each factor of its own."""
        factors: list[float] = []
        for _, _, part in self.parts:
            if not np.isnan(part.factor) and not any(np.isclose(part.factor, one, rtol=1e-4) for one in factors):
                factors.append(part.factor)
        return sum(one.weight for one in {mistake for mistake, _ in self.mistakes}) + 0.5 * max(0, len(factors) - 1)


class Decoder:
    """Explains their gradient by one forward pass and the mistakes of the backward pass."""

    def __init__(self, forward: Forward, right: Pass, theirs: Theirs, tolerance: float) -> None:
        self.forward, self.run, self.right, self.tolerance = forward, forward.run, right, tolerance
        self.theirs, self.with_decay, self.unread = theirs, False, right.last
        self.partial: list[Reading] = []  # the readings of the layers above `unread`
        self.output_notes: list[Error] = []  # right errors of the output with something added, such as an ε

    def readings(self, max_mistakes: int = 2, with_decay: bool = False) -> list[Reading]:
        """All explanations of all layers, the one with the fewest mistakes first; empty where there is none.

        `unread` is then the first layer, from the output, that nothing explains.
        """
        self.with_decay, self.targets = with_decay, self._targets(with_decay)
        readings = [Reading(Above({}, {}, None))]
        for layer in range(self.run.last, 0, -1):
            self.unread, self.partial = layer, readings
            following = [one for reading in readings for one in self._layer(reading, layer, max_mistakes, False)]
            if not following and max_mistakes > 1:
                following = [one for reading in readings for one in self._layer(reading, layer, 1, True)]
            readings = sorted(following, key=lambda one: one.weight)[:MAX_READINGS]
            if not readings:
                break
        return readings

    def _targets(self, with_decay: bool) -> dict[tuple[str, int], Target]:
        """Their arrays, prepared for comparisons."""
        targets = {}
        for name, arrays, parameters in (("dW", self.theirs.dw, self.run.w), ("db", self.theirs.db, self.run.b)):
            for layer in self.run.layers:
                if (array := arrays[layer]) is not None:
                    terms = [parameters[layer], np.sign(parameters[layer])] if with_decay else []
                    targets[name, layer] = Target(array, [term for term in terms if term.any()])
        return targets

    def errors(self, reading: Reading, layer: int, max_mistakes: int) -> Iterator[Error]:
        """Every δ of a layer, the right one first."""
        right: Dense = self.right.dense[layer - 1]
        if layer == self.run.last:
            yield from output_errors(self.run, right, max_mistakes)
            yield from self.output_notes
            return
        yield from hidden_errors(self.run, right, layer, reading.above, max_mistakes)
        yield from self._early(reading, layer)

    def _early(self, reading: Reading, layer: int) -> Iterator[Error]:
        """W updated before the error passes: the learning rate is solved for, from their own numbers."""
        w, delta, dw = self.run.w[layer + 1], reading.above.deltas[layer + 1], reading.above.dw
        theirs = self.theirs.dw[layer] if self.theirs.dw[layer] is not None else self.theirs.db[layer]
        if dw is None or theirs is None:
            return
        arriving = [transposed(w) @ delta, transposed(dw) @ delta]
        a = self.run.a[layer - 1] if theirs is self.theirs.dw[layer] else np.ones_like(self.run.a[layer - 1][:, :1])
        both = [list(gates(self.run, self.right.dense[layer - 1], layer, one)) for one in arriving]
        for (mistake, delta), (_, other) in zip(*both, strict=True):
            factors = multiples(theirs, [product(delta, a), product(other, a)], self._scale(delta, a), self.tolerance)
            if factors is None or abs(rate := -factors[1] / factors[0]) < MIN_RATE:
                continue
            short = float(f"{rate:.4g}")
            lr = short if abs(short / rate - 1) < self.tolerance else float(rate)
            mistakes = (early_update(lr), *((mistake,) if mistake else ()))
            yield Error(mistakes, arriving[0] - lr * arriving[1], delta - lr * other)

    def _layer(self, reading: Reading, layer: int, max_mistakes: int, unknown: bool) -> Iterator[Reading]:
        above = reading.above.deltas.get(layer + 1)
        known = Known()
        for error in self.errors(reading, layer, max_mistakes):
            dws, dbs = (self._right_part(name, layer, error) for name in ("dW", "db"))
            is_known = self._is_known(dws) or self._is_known(dbs)
            if (error.mistakes and not is_known) or known.contains(error.delta):
                continue
            if max_mistakes:
                dws = dws or self._wrong_parts("dW", layer, error, above)
                dbs = dbs or self._wrong_parts("db", layer, error, above)
            if unknown and self._is_known(dws) != self._is_known(dbs):
                dws, dbs = dws or [Part(UNKNOWN["dW"], np.nan)], dbs or [Part(UNKNOWN["db"], np.nan)]
            for dw, db in ((dw, db) for dw in dws for db in dbs):
                yield self._extended(reading, layer, error, (dw, db))
            if not error.mistakes and all(part.mistake is None for part in (*dws[:1], *dbs[:1])) and dws and dbs:
                return  # the right δ with the right dW and db: no other δ explains them with fewer mistakes

    def _extended(self, reading: Reading, layer: int, error: Error, parts: tuple[Part, Part]) -> Reading:
        mistakes = [(mistake, layer) for mistake in (*error.mistakes, *(part.mistake for part in parts)) if mistake]
        deltas = {**reading.above.deltas, layer: error.delta}
        arriving = {**reading.above.arriving, layer: error.arriving}
        named = tuple((name, layer, part) for name, part in zip(("dW", "db"), parts, strict=True))
        dw = self.theirs.dw[layer]
        return Reading(Above(deltas, arriving, dw), (*reading.mistakes, *mistakes), (*reading.parts, *named))

    # How one array is explained ---------------------------------------------------------------------------------------

    @staticmethod
    def _is_known(parts: list[Part]) -> bool:
        """Whether an array was compared and is explained."""
        return bool(parts) and not np.isnan(parts[0].factor)

    def _right_part(self, name: str, layer: int, error: Error) -> list[Part]:
        """dW or db of a layer as a multiple of the right one for this δ; nothing where it is not."""
        theirs = self._theirs(name, layer)
        if theirs is None:
            return [Part(None, np.nan)]
        form = product(error.delta, self.run.a[layer - 1]) if name == "dW" else mean(error.delta)
        part = self._part(theirs, None, form, (name, layer, error))
        return [part] if part else []

    def _wrong_parts(self, name: str, layer: int, error: Error, above: Array | None) -> list[Part]:
        """All explanations of dW or db of a layer by a mistake made with this δ."""
        theirs = self._theirs(name, layer)
        assert theirs is not None
        forms = (weight_gradients if name == "dW" else bias_gradients)(self.run, layer, error, above)
        parts = (self._part(theirs, mistake, form, (name, layer, error)) for mistake, form in forms)
        return [part for part in parts if part]

    def _theirs(self, name: str, layer: int) -> Array | None:
        return (self.theirs.dw if name == "dW" else self.theirs.db)[layer]

    def _part(self, theirs: Array, mistake: Mistake | None, form: Array, place: tuple[str, int, Error]) -> Part | None:
        name, layer, error = place
        if not self.targets[name, layer].may_be(form):
            return None
        scale = self._scale(error.delta, self.run.a[layer - 1] if name == "dW" else None)
        factors = multiples(theirs, [form], scale, self.tolerance)
        if factors is not None:
            is_free = mistake is not None and mistake.any_scale and factors[0] > 0
            return Part(mistake, np.nan if is_free else float(factors[0]))
        if not self.with_decay:
            return None
        w = (self.run.w if name == "dW" else self.run.b)[layer]
        for terms in ([w], [np.sign(w)], [w, np.sign(w)]):
            factors = multiples(theirs, [form, *terms], scale, self.tolerance)
            if factors is None:
                continue
            rest = [*factors[1:], 0.0]
            l2, l1 = (rest[0], rest[1]) if terms[0] is w else (0.0, rest[0])
            return Part(mistake, float(factors[0]), float(l2), float(l1))
        return None

    def _scale(self, delta: Array, a: Array | None) -> float:
        """What dW or db would be if nothing cancelled: mean |δ|, times mean |a|."""
        return float(np.abs(delta).mean()) * (1.0 if a is None else float(np.abs(a).mean()))


class Known:
    """The δ of a layer that have been tried."""

    def __init__(self) -> None:
        self.deltas: list[Array] = []

    def contains(self, delta: Array) -> bool:
        """Whether it is a multiple of an earlier one; if not, it is kept."""
        if any(multiples(delta, [one], 0.0, 1e-7) is not None for one in self.deltas):
            return True
        self.deltas.append(np.asarray(delta, np.float64))
        return False
