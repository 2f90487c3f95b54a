"""Backpropagation as strangers write it, and the judge that says by central differences whether it is right.

The files in `implementations/` are theirs: whole files, each in the style of its kind. The tables name for each how its
author would call check_backprop and, apart from that, how the judge reads its gradient and its cost. A mutation is a
text replaced in such a file; it counts only where the judge sees it.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

FOLDER = Path(__file__).parent / "implementations"
BATCH = 7
NUMBER = itertools.count()
EXACT: dict[Any, list[Any]] = {}  # gradients by central differences, each made once

Replacements = Sequence[tuple[str, str] | tuple[str, str, int]]  # old, new, and how often old stands there if not once


class Implementation(NamedTuple):
    """A file, the network it is tried on, the author's call, and the judge's way to its gradient and its cost."""

    name: str
    layers: list[int]
    activations: Any
    cost: str
    check: Callable[[ModuleType], Any]
    gradient: Callable[..., Any]  # (module, w, b, x, y) -> (dw, db), arrays in the author's own shapes
    cost_of: Callable[..., float]  # (module, w, b, x, y) -> C, the mean or sum whose gradient it claims to be
    x: str = "rows"  # samples are rows or columns
    w: str = "in_out"  # the shape of a weight matrix: in_out or out_in
    b: str = "flat"  # flat (n,), row (1, n), column (n, 1), none, or first or last in w
    sample: str = ""  # one sample at a time: as a flat array or a column
    labels: bool = False  # y holds class numbers
    tolerance: float = 1e-6


class _Text(importlib.abc.SourceLoader):
    """Import a text that stands in no file."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text

    def get_filename(self, fullname: str) -> str:
        return str(self.path)

    def get_data(self, path: str) -> bytes:
        return self.text.encode()


def load(name: str, replacements: Replacements = ()) -> ModuleType:
    """Import a file of `implementations/` afresh, with texts replaced; each text must stand in it."""
    path = FOLDER / f"{name}.py"
    text = path.read_text(encoding="utf-8")
    for old, new, *times in replacements:
        assert text.count(old) == (times or [1])[0], f"{name}: {old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    title = f"{name}_{next(NUMBER)}"  # a dataclass looks its module up by name
    spec = importlib.util.spec_from_loader(title, _Text(path, text))
    assert spec is not None and spec.loader is not None
    module = sys.modules[title] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -------------------------------------------------------------------------------------------- numbers for the judge


def parameters(case: Implementation, rng: np.random.Generator) -> tuple[list[Any], list[Any]]:
    """Random weights and biases in the author's shapes."""
    weights, biases = [], []
    for fan_in, fan_out in itertools.pairwise(case.layers):
        w, b = rng.normal(size=(fan_out, fan_in)), rng.normal(size=(fan_out, 1)) / 2
        if case.b in ("first", "last"):
            w = np.hstack([b, w] if case.b == "first" else [w, b])
        weights.append(w.T.copy() if case.w == "in_out" else w)
        biases.append({"row": b.T, "column": b}.get(case.b, b[:, 0]).copy())
    return weights, [] if case.b in ("none", "first", "last") else biases


def targets(case: Implementation, rng: np.random.Generator) -> Any:
    """y as (samples, outputs), or class numbers; every class is there."""
    outputs = case.layers[-1]
    if case.cost == "categorical_cross_entropy" or case.labels:
        numbers = rng.permutation(np.arange(BATCH) % outputs)
        return numbers if case.labels else np.eye(outputs)[numbers]
    if case.cost == "binary_cross_entropy":
        return rng.permuted(np.tile(np.arange(BATCH) % 2, (outputs, 1)), axis=1).T.astype(float)
    return rng.uniform(0.1, 0.9, (BATCH, outputs))


def trial(case: Implementation, seed: int = 3) -> tuple[Any, ...]:
    """(w, b, x, y) in the author's shapes."""
    rng = np.random.default_rng([seed, len(case.layers)])
    w, b = parameters(case, rng)
    x, y = rng.normal(size=(BATCH, case.layers[0])), targets(case, rng)
    if case.x == "columns":
        x, y = x.T.copy(), y if case.labels else y.T.copy()
    return w, b, x, y


def samples(case: Implementation, x: Any, y: Any) -> list[tuple[Any, Any]]:
    """The batch as its author's code takes it: whole, or one sample at a time."""
    if not case.sample:
        return [(x, y)]
    by_row = (x, y) if case.x == "rows" else (x.T, y.T)
    pairs = list(zip(*by_row, strict=True))
    return [(a[:, None], c[:, None]) for a, c in pairs] if case.sample == "column" else pairs


# ------------------------------------------------------------------------------------------------------------ judging


def mean_cost(case: Implementation, module: ModuleType, trial: tuple[Any, ...]) -> float:
    """The cost: of the batch, or the mean over its samples where they come one at a time."""
    w, b, x, y = trial
    return float(np.mean([case.cost_of(module, w, b, *pair) for pair in samples(case, x, y)]))


def central_differences(case: Implementation, trial: tuple[Any, ...], replacements: Replacements = ()) -> list[Any]:
    """The gradient of the file's own cost, one entry at a time."""
    module, step = load(case.name, replacements), 1e-5
    found = []
    for array in [*trial[0], *trial[1]]:
        slope = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            value = array[index]
            array[index] = value + step
            above = mean_cost(case, module, trial)
            array[index] = value - step
            slope[index] = (above - mean_cost(case, module, trial)) / (2 * step)
            array[index] = value
        found.append(slope)
    return found


def answers(case: Implementation, module: ModuleType, trial: tuple[Any, ...]) -> list[Any]:
    """What the code says the gradient is, dw of all layers and then db, as arrays."""
    w, b, x, y = trial
    total: list[Any] = []
    pairs = samples(case, x, y)
    for pair in pairs:
        dw, db = case.gradient(module, [p.copy() for p in w], [p.copy() for p in b], *pair)
        part = [np.array(g, float) for g in [*dw, *db]]
        total = [t + p for t, p in zip(total, part, strict=True)] if total else part
    return [t / len(pairs) for t in total]


def fits(gradient: Any, parameter: Any) -> bool:
    """Whether `parameter -= gradient` changes every entry by its own number."""
    shapes = np.shape(gradient), parameter.shape
    return np.size(gradient) == parameter.size and np.broadcast_shapes(*shapes) == parameter.shape


def without_biases(case: Implementation, w: Any) -> Any:
    """A weight matrix whose folded biases are 0: no penalty falls on them."""
    w = w.copy()
    if case.b in ("first", "last"):
        row = 0 if case.b == "first" else -1
        w[(row, slice(None)) if case.w == "in_out" else (slice(None), row)] = 0
    return w


def discrepancy(theirs: list[Any], exact: list[Any]) -> float:
    """The largest relative difference of an array, after the one factor that suits all of them best.

    A common factor is a choice (sum or mean), so it is no fault. A sign is one, and a shape that the parameter has not.
    """
    if len(theirs) != len(exact) or not all(map(fits, theirs, exact)):
        return np.inf
    theirs = [np.reshape(a, e.shape) for a, e in zip(theirs, exact, strict=True)]
    ours, flat = (np.concatenate([np.ravel(a) for a in arrays]) for arrays in (exact, theirs))
    if not np.all(np.isfinite(flat)):
        return np.inf
    factors = {1.0, max(0.0, float(flat @ ours / (ours @ ours)))}
    factors |= {float(np.vdot(t, e) / np.vdot(e, e)) for t, e in zip(theirs, exact, strict=True)}
    differences = [
        max(np.abs(t - f * e).max() / np.abs(e).max() for t, e in zip(theirs, exact, strict=True)) / f
        for f in factors
        if f > 1e-9
    ]
    return min(differences, default=np.inf)


def judge(case: Implementation, replacements: Replacements = (), own_cost: bool = False, l2: float = 0.0) -> float:
    """How far the code's gradient is from central differences; inf where it cannot even be run.

    The cost is that of the right file, or with `own_cost` of the changed one. l2·w is taken off dW first. The code is
    asked twice with the same numbers, because it may carry something from one call to the next.
    """
    numbers = trial(case)
    key = case.name, tuple(replacements) if own_cost else ()
    exact = EXACT[key] = EXACT.get(key) or central_differences(case, numbers, key[1])
    module = load(case.name, replacements)
    try:
        first, second = (answers(case, module, numbers) for _ in range(2))
        change = max(
            (np.abs(p - q).max() / np.abs(q).max() for p, q in zip(second, first, strict=True) if np.any(q)),
            default=0.0,
        )
        for dw, w in zip(first, numbers[0] if l2 else [], strict=False):
            dw -= l2 * without_biases(case, w)
        return max(float(change), discrepancy(first, exact))
    except (ValueError, IndexError, TypeError, KeyError, ArithmeticError):
        return np.inf
