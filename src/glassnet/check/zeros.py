"""Gradients that are 0 where ours are not, which are said before anything is searched for: 0 explains nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glassnet.check.mistakes.decoder import Theirs
from glassnet.check.mistakes.fault import Fault, layers_text, listed
from glassnet.check.trial import Trial
from glassnet.program.parameters import Array

NOISE = 1e-11  # of our largest entry: what is left of a sum whose terms cancel


class Zeros(NamedTuple):
    """The layers whose dW, and whose db, is 0; `are_exact` where none is only the noise of a sum that cancels."""

    dw: list[int]
    db: list[int]
    are_exact: bool


def find_zeros(trial: Trial, theirs: Theirs) -> Zeros:
    """The layers in which theirs is 0 in every trial."""
    ours = trial.gradients
    dw, db = (
        [n for n, part in enumerate(parts) if part is not None and _is_zero(part, ours[kind][n - 1])]
        for kind, parts in enumerate(theirs)
    )
    exact = not any(np.any(parts[n]) for parts, layers in zip(theirs, (dw, db), strict=True) for n in layers)
    return Zeros(dw, db, exact)


def _is_zero(theirs: Array, ours: Array) -> bool:
    return float(np.abs(theirs).max()) <= NOISE * float(np.abs(ours).max())


def without(theirs: Theirs, zeros: Zeros) -> Theirs:
    """Theirs, with None in the place of what is 0."""
    pairs = zip(theirs, (zeros.dw, zeros.db), strict=True)
    return Theirs(*([None if n in layers else part for n, part in enumerate(parts)] for parts, layers in pairs))


def zero_faults(trial: Trial, theirs: Theirs, zeros: Zeros, *, makes_steps: bool) -> list[Fault]:
    """What is said of them; `makes_steps`: a layer may as well have made none."""
    every = [[n for n, part in enumerate(parts) if part is not None] for parts in theirs]
    if [zeros.dw, zeros.db] == every:
        sizes = ", ".join(f"{np.abs(dw).max():.2g}" for dw in trial.gradients[0])
        text = f"the gradient is 0: every dW and db is 0; the largest entries of our dW are {sizes}, layer by layer."
        return [Fault("run", text)]
    both = [n for n in zeros.dw if n in zeros.db or n not in every[1]]
    if both and both == list(range(1, len(both) + 1)):
        return [_not_arriving(trial, both, zeros.are_exact, makes_steps)]
    faults = []
    names = (("dW", "BP4", "the weights have"), ("db", "BP3", "the biases have"))
    for (name, equation, what), layers, compared in zip(names, (zeros.dw, zeros.db), every, strict=True):
        if layers and layers == compared:
            faults.append(Fault(equation, f"{name} is 0: {what} no gradient."))
        elif layers:
            text = listed([f"{name}{n}" for n in layers])
            faults.append(Fault(equation, f"the gradient is 0 in {text}, and not in the other layers."))
    return faults


def _not_arriving(trial: Trial, layers: list[int], is_exact: bool, makes_steps: bool) -> Fault:
    """The lower layers get no error at all."""
    if not is_exact and trial.dense[-1].activation.name == "softmax":
        return Fault(
            "BP2", "the error is not multiplied by the weights: every neuron gets Σδ, which is 0 with softmax."
        )
    text = f"the gradient is 0 in {layers_text(layers)}: no error arrives below layer {len(layers) + 1}"
    if makes_steps:
        names = listed([f"{kind}{n}" for n in layers for kind in "Wb"])
        return Fault("BP2 or update", f"{text}, or {names} are never updated.")
    return Fault("BP2", f"{text}.")
