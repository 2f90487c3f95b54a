"""Finds the known mistakes that explain a wrong gradient, in one forward pass or another, with the fewest mistakes.

The numbers must agree in every entry of several independent trials; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from glassnet.check.mistakes.decoder import UNKNOWN, Decoder, Theirs
from glassnet.check.mistakes.explanation import Explanation, Wording
from glassnet.check.mistakes.fault import Gradients
from glassnet.check.mistakes.forward_mistakes import Forward, forward_pairs, forwards
from glassnet.check.mistakes.logarithms import errors_with_epsilon
from glassnet.check.mistakes.passes import Pass
from glassnet.check.trial import Trial

CERTAIN = 0.05  # a difference of weights below this leaves two explanations equally good


def stacked(trials: Sequence[Trial]) -> Pass:
    """The right pass of several trials of the same shapes."""
    drawn = [trial.parameters for trial in trials]
    weights, biases = ([np.stack(arrays) for arrays in zip(*(one[k] for one in drawn), strict=True)] for k in (0, 1))
    targets = [trial.prepared.executor.columns("y").copy() for trial in trials]  # smoothed, if the cost says so
    batch = np.stack([trial.x for trial in trials]), np.stack(targets)
    return Pass((weights, biases), batch, trials[0].dense, trials[0].network.architecture.cost)


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
            explanations = self._explanations(with_decay)
            complete = [
                one
                for one in explanations
                if all(mistake not in UNKNOWN.values() for mistake, _ in one.reading.mistakes)
            ]
            if complete or with_decay:
                least = min((one.weight for one in explanations), default=0.0)
                return self._likeliest([one for one in explanations if one.weight <= least + CERTAIN])
        return []

    def _likeliest(self, explanations: list[Explanation]) -> list[Explanation]:
        """Those of equally few mistakes that need no layer to be an exception; a wrong forward pass first."""
        exceptions = [
            sum(" only" in fault.sentence for fault in Wording(self.right).faults(one)) for one in explanations
        ]
        likeliest = [one for one, count in zip(explanations, exceptions, strict=True) if count == min(exceptions)]
        return sorted(likeliest, key=lambda one: one.forward.mistake is None)

    def _explanations(self, with_decay: bool) -> list[Explanation]:
        right = self._decoder(Forward(self.right))
        explanations = [Explanation(right.forward, one) for one in right.readings(2, with_decay)]
        if any(one.weight == 0 for one in explanations):
            return [explanations[0]]
        right.output_notes = list(errors_with_epsilon(self.right, self.theirs, self.tolerance, with_decay))
        if right.output_notes:
            explanations += [Explanation(right.forward, one) for one in right.readings(2, with_decay)]
        if self.trial.forward_is_right is False:  # what may look like BP1 is then a consequence
            explanations = [
                one for one in explanations if all(mistake.equation != "BP1" for mistake, _ in one.reading.mistakes)
            ]
        if self.trial.forward_is_right is not True:
            least = min((one.weight for one in explanations), default=np.inf)
            if least >= 1 - CERTAIN:  # what a wrong forward pass weighs at least
                wrong = self._wrong_forwards(forwards(self.right), int(least > 1 + CERTAIN), with_decay)
                explanations += [one for one in wrong if one.weight <= least + CERTAIN]
            if not explanations:
                explanations += self._wrong_forwards(forward_pairs(self.right), 0, with_decay)
        return explanations

    def _wrong_forwards(self, tried: Iterable[Forward], max_mistakes: int, with_decay: bool) -> Iterator[Explanation]:
        """The best reading of each of these wrong forward passes, if it has one."""
        for forward in tried:
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
        if decoder.readings(2, True):
            return None
        if decoder.unread < self.right.last:
            return Explanation(decoder.forward, decoder.partial[0], decoder.unread)
        return None if self.trial.forward_is_right else self._partial_forward()

    def _partial_forward(self) -> Explanation | None:
        """A wrong forward pass that explains the output, where more is wrong below it."""
        for forward in forwards(self.right):
            decoder = self._decoder(forward)
            if not decoder.readings(0) and decoder.unread < self.right.last:
                return Explanation(forward, decoder.partial[0], decoder.unread)
        return None
