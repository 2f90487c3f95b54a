"""Finds the known mistakes that explain wrong gradients: a factor such as −1, 2 or m, one hypothesis, two, or none.

The numbers must agree in every entry; nothing is guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, product

import numpy as np

from glassnet.check.hypotheses import Change, Fault, Gradients, Hypotheses, gradients
from glassnet.check.trial import Trial
from glassnet.program.parameters import Array
from glassnet.see.quantities import PreparedPass

Factors = Mapping[float, tuple[tuple[str, str], ...]]  # for each factor, the mistakes that leave it: key, sentence


def search(trial: Trial, theirs: Gradients, tolerance: float) -> tuple[Fault, ...] | None:
    """The faults that explain their numbers: none, factors, one hypothesis or two; None where nothing explains them."""
    prepared, ours, known = trial.prepared, trial.gradients, _factors(trial)
    faults = explained(ours, theirs, known, tolerance)
    if faults is not None:
        return faults
    distinct = [
        (fault, change)
        for fault, change in Hypotheses(prepared)
        if _differs(prepared, change, ours) and not (trial.forward_is_right is True and fault.equation == "forward")
    ]
    for count in (1, 2):
        best: tuple[Fault, ...] | None = None
        for chosen in combinations(distinct, count):
            changed = gradients(prepared, [change for _, change in chosen])
            factors = None if changed is None else explained(changed, theirs, known, tolerance)
            faults = () if factors is None else (*(fault for fault, _ in chosen), *factors)
            if faults and (best is None or len(faults) < len(best)):
                best = faults
        if best is not None:
            return best
    return None


def _differs(prepared: PreparedPass, change: Change, ours: Gradients) -> bool:
    """Whether a mistake changes the numbers of this network; otherwise it cannot be recognised."""
    changed = gradients(prepared, [change])
    if changed is None or not all(np.isfinite(part).all() for part in (*changed[0], *changed[1])):
        return False
    return any(factor(p, q, 1e-9) != 1.0 for p, q in zip(changed, ours, strict=True))


def factor(theirs: Sequence[Array], ours: Sequence[Array], tolerance: float) -> float | None:
    """The factor by which two lists of arrays differ; None where it is not the same for all entries."""
    if any(p.shape != q.shape for p, q in zip(theirs, ours, strict=True)):
        return None
    flat_theirs, flat_ours = (np.concatenate([part.ravel() for part in parts]) for parts in (theirs, ours))
    square = float(flat_ours @ flat_ours)
    if square == 0:
        return 1.0 if not flat_theirs.any() else None
    ratio = float(flat_theirs @ flat_ours) / square
    for p, q in zip(theirs, ours, strict=True):
        scale = max(float(np.abs(p).max()), abs(ratio) * float(np.abs(q).max()), 1e-12)
        if float(np.abs(p - ratio * q).max()) > tolerance * scale:
            return None
    return ratio if abs(ratio - 1) > tolerance else 1.0


def _factors(trial: Trial) -> Factors:
    """The factors that mistakes leave, and their products."""
    m, outputs = trial.m, trial.widths[-1]
    parts: list[dict[float, tuple[tuple[str, str], ...]]] = [
        {1.0: (), -1.0: (("sign", "the gradient has the wrong sign: y − a instead of a − y"),)},
        {1.0: (), float(m): (("batch", f"a sum over the batch of {m} instead of the mean"),)},
        {1.0: (), 2.0: (("half", "twice the gradient: the ½ of the cost is missing, 2·(a − y) instead of a − y"),)},
    ]
    parts[1][1.0 / m] = (("batch", "1/m is applied twice, in δ and again in the mean"),)
    parts[2][0.5] = (("half", "half the gradient: a ½ too many"),)
    if outputs > 1:
        parts[2][1.0 / outputs] = (("half", f"the error is averaged over the {outputs} outputs instead of summed"),)
        parts[2].setdefault(2.0 / outputs, (("half", "the cost is a mean over the outputs, without the ½"),))
    products: dict[float, tuple[tuple[str, str], ...]] = {}
    for (sign, first), (batch, second), (half, third) in product(*(part.items() for part in parts)):
        total, mistakes = sign * batch * half, first + second + third
        if total not in products or len(mistakes) < len(products[total]):
            products[total] = mistakes
    return products


def explained(ours: Gradients, theirs: Gradients, known: Factors, tolerance: float) -> tuple[Fault, ...] | None:
    """The faults, where their numbers are ours times known factors; None where they are not."""
    mistakes = []
    for own, their in zip(ours, theirs, strict=True):
        ratio = factor(their, own, tolerance)
        close = None if ratio is None else next((f for f in known if math.isclose(ratio, f, rel_tol=tolerance)), None)
        if close is None:
            return None
        mistakes.append(known[close])
    weights, biases = mistakes
    both = [part for part in weights if part in biases]
    faults = [Fault("BP3 and BP4" if key == "batch" else "BP1", f"{text}.") for key, text in both]
    faults += [Fault("BP4", f"in dW, {text}.") for key, text in weights if (key, text) not in both]
    faults += [Fault("BP3", f"in db, {text}.") for key, text in biases if (key, text) not in both]
    return tuple(faults)


def first_difference(ours: Gradients, theirs: Gradients, tolerance: float) -> Fault:
    """Where their numbers first differ from ours, from the output back, and by how much."""
    for layer in range(len(ours[0]), 0, -1):
        pairs = [(own[layer - 1], their[layer - 1]) for own, their in zip(ours, theirs, strict=True)]
        gaps = [float(np.abs(p - q).max()) / max(float(np.abs(p).max()), 1e-12) for p, q in pairs]
        gap, wrong = max(gaps), [gap > tolerance for gap in gaps]
        if any(wrong):
            both = "BP1" if layer == len(ours[0]) else "BP2"
            equation = both if all(wrong) else "BP4" if wrong[0] else "BP3"
            what = "dW and db differ" if all(wrong) else "dW differs" if wrong[0] else "db differs"
            size = f"{gap:.1%} of" if gap < 10 else f"{gap:.3g} times"
            where = f"{what} first in layer {layer}, by {size} the largest entry."
            return Fault(equation, f"no known mistake gives these numbers; {where}")
    return Fault("BP1", "no known mistake gives these numbers.")
