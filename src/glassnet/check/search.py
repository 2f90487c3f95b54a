"""Which known mistakes explain wrong gradients: a factor such as −1, 2 or m, one hypothesis, two, or none of them.

Numbers must agree in every entry; nothing is guessed from how they look.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from glassnet.check.hypotheses import Book, Fault, Gradients, gradients
from glassnet.program.parameters import Array
from glassnet.see.quantities import LoadedPass


def search(held: LoadedPass, theirs: Gradients, tolerance: float) -> tuple[Fault, ...] | None:
    """The faults that explain their numbers: none at all, factors, one hypothesis, or two; None where nothing does."""
    ours = gradients(held)
    assert ours is not None
    known = _factors(held)
    found = explained(ours, theirs, known, tolerance)
    if found is not None:
        return found
    book = [one for one in Book(held).hypotheses() if _differs(gradients(held, [one.change]), ours)]
    for count in (1, 2):
        best: tuple[Fault, ...] | None = None
        for chosen in combinations(book, count):
            changed = gradients(held, [one.change for one in chosen])
            factors = None if changed is None else explained(changed, theirs, known, tolerance)
            faults = () if factors is None else (*(one.fault for one in chosen), *factors)
            if faults and (best is None or len(faults) < len(best)):
                best = faults
        if best is not None:
            return best
    return None


def _differs(found: Gradients | None, ours: Gradients) -> bool:
    """Whether a hypothesis gives numbers of its own on this network; one that does not cannot be told from right."""
    if found is None or not all(np.isfinite(part).all() for part in (*found[0], *found[1])):
        return False
    return any(factor(p, q, 1e-9) != 1.0 for p, q in zip(found, ours, strict=True))


def factor(theirs: Sequence[Array], ours: Sequence[Array], tolerance: float) -> float | None:
    """The one factor between two lists of arrays; None where there is none."""
    if any(p.shape != q.shape for p, q in zip(theirs, ours, strict=True)):
        return None
    flat, own = (np.concatenate([part.ravel() for part in found]) for found in (theirs, ours))
    square = float(own @ own)
    if square == 0:
        return 1.0 if not flat.any() else None
    ratio = float(flat @ own) / square
    for p, q in zip(theirs, ours, strict=True):
        scale = max(float(np.abs(p).max()), abs(ratio) * float(np.abs(q).max()), 1e-12)
        if float(np.abs(p - ratio * q).max()) > tolerance * scale:
            return None
    return ratio if abs(ratio - 1) > tolerance else 1.0


def _factors(held: LoadedPass) -> dict[float, tuple[tuple[str, str], ...]]:
    """Products of the factors that mistakes leave: what each is called, as (word, sentence)."""
    m, outputs = held.executor.m, held.model.architecture.outputs
    parts: list[dict[float, tuple[tuple[str, str], ...]]] = [
        {1.0: (), -1.0: (("sign", "the gradient has the wrong sign: y − a where a − y is meant"),)},
        {1.0: (), float(m): (("batch", f"a sum over the batch of {m} stands where the mean is meant"),)},
        {1.0: (), 2.0: (("half", "twice the gradient: the ½ of the cost is missing, 2·(a − y) for a − y"),)},
    ]
    parts[1][1.0 / m] = (("batch", "1/m is applied twice, in δ and again in the mean"),)
    half = "half the gradient: a ½ too many"
    parts[2][0.5] = (("half", half),)
    if outputs > 1:
        parts[2][1.0 / outputs] = (("half", f"the error is averaged over the {outputs} outputs, which add up"),)
        parts[2].setdefault(2.0 / outputs, (("half", "the cost is a mean over outputs, without ½"),))
    found: dict[float, tuple[tuple[str, str], ...]] = {}
    for signs, first in parts[0].items():
        for sums, second in parts[1].items():
            for halves, third in parts[2].items():
                product, said = signs * sums * halves, first + second + third
                if product not in found or len(said) < len(found[product]):
                    found[product] = said
    return found


def explained(
    ours: Gradients, theirs: Gradients, known: Mapping[float, tuple[tuple[str, str], ...]], tolerance: float
) -> tuple[Fault, ...] | None:
    """The faults of which their numbers are ours times known factors; None where they are not."""
    said = []
    for own, their in zip(ours, theirs, strict=True):
        ratio = factor(their, own, tolerance)
        near = None if ratio is None else next((f for f in known if math.isclose(ratio, f, rel_tol=tolerance)), None)
        if near is None:
            return None
        said.append(known[near])
    weights, biases = said
    both = [part for part in weights if part in biases]
    faults = [Fault("BP3 and BP4" if word == "batch" else "BP1", f"{text}.") for word, text in both]
    faults += [Fault("BP4", f"in dW, {text}.") for word, text in weights if (word, text) not in both]
    faults += [Fault("BP3", f"in db, {text}.") for word, text in biases if (word, text) not in both]
    return tuple(faults)


def first_difference(ours: Gradients, theirs: Gradients, tolerance: float) -> Fault:
    """Where their numbers part from ours first, from the output back, and by how much."""
    for layer in range(len(ours[0]), 0, -1):
        gaps = []
        for own, their in ((ours[0][layer - 1], theirs[0][layer - 1]), (ours[1][layer - 1], theirs[1][layer - 1])):
            scale = max(float(np.abs(own).max()), 1e-12)
            gaps.append(float(np.abs(own - their).max()) / scale)
        if max(gaps) > tolerance:
            wrong = [gap > tolerance for gap in gaps]
            both = "BP1" if layer == len(ours[0]) else "BP2"
            equation = both if all(wrong) else "BP4" if wrong[0] else "BP3"
            what = "dW and db differ" if all(wrong) else "dW differs" if wrong[0] else "db differs"
            return Fault(
                equation,
                f"no known mistake gives these numbers; {what} first in layer {layer}, by {_share(max(gaps))} the "
                "largest entry.",
            )
    return Fault("BP1", "no known mistake gives these numbers.")


def _share(gap: float) -> str:
    """A share in per cent, or how many times the whole it is."""
    return f"{gap:.1%} of" if gap < 10 else f"{gap:.3g} times"
