"""Whether an array is a multiple of another, in every entry of several trials, and by which factor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassnet.program.parameters import Array

MAX_MISFIT = 0.04  # of the sum of squares: above, a form is refused without a closer look
MAX_ENTRIES = 4096  # that are compared before all are
MIN_SHARE = 1e-7  # of their largest entry: what a form contributes at least, if it explains anything


def multiples(theirs: Array, forms: Sequence[Array], scale: float, tolerance: float) -> Array | None:
    """The factors with which the sum of the forms is theirs; None where it is not, in one entry or more.

    `scale` is the size of what was summed up to make the first form: what is small only because its terms cancel is
    not judged more strictly than the terms were computed.
    """
    flat = [np.asarray(form, np.float64).ravel() for form in forms]
    if not all(np.isfinite(one).all() for one in flat):
        return None
    largest, norms = float(np.abs(theirs).max()), [float(np.sqrt(one @ one)) for one in flat]
    if largest == 0 or min(norms) == 0:
        return None
    columns = np.stack([one / norm for one, norm in zip(flat, norms, strict=True)])
    factors = _solved(columns, theirs.ravel())
    if factors is None:
        return None
    gap = float(np.abs(theirs.ravel() - factors @ columns).max())
    factors = factors / np.array(norms)
    if abs(factors[0]) * float(np.abs(flat[0]).max()) < MIN_SHARE * largest:
        return None
    return factors if gap <= tolerance * max(largest, abs(factors[0]) * scale) else None


def _solved(columns: Array, values: Array) -> Array | None:
    """Least squares; None where the columns are too alike to be told apart."""
    if len(columns) == 1:
        return np.asarray(columns @ values)
    gram = columns @ columns.T
    return np.asarray(np.linalg.solve(gram, columns @ values)) if np.linalg.det(gram) > 1e-9 else None


class Target:
    """Some entries of one of their arrays, with what all comparisons with it need. `terms` may be part of it."""

    def __init__(self, theirs: Array, terms: Sequence[Array] = ()) -> None:
        self.entries = slice(None, None, (theirs.size // MAX_ENTRIES) | 1)
        flat = [np.ravel(one)[self.entries] for one in (theirs, *terms)]
        self.basis = np.linalg.qr(np.stack(flat[1:]).T)[0] if len(terms) else None
        self.rest = self._without_terms(np.asarray(flat[0], np.float64))
        self.rest_square = float(self.rest @ self.rest)

    def _without_terms(self, flat: Array) -> Array:
        return flat if self.basis is None else np.asarray(flat - self.basis @ (self.basis.T @ flat))

    def may_be(self, form: Array) -> bool:
        """Whether it is about a multiple of a form, apart from the terms; most forms are refused here."""
        flat = self._without_terms(form.ravel()[self.entries])
        square = float(flat @ flat)
        if not 0 < square < np.inf:
            return False
        return self.rest_square - float(flat @ self.rest) ** 2 / square <= MAX_MISFIT * self.rest_square


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
