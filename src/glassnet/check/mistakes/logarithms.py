"""An ε inside the logarithm of a cross-entropy: it changes the gradient a little and is no fault; it is solved for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from glassnet.check.mistakes.decoder import Theirs
from glassnet.check.mistakes.error_mistakes import Error, gates
from glassnet.check.mistakes.fault import Mistake, digits
from glassnet.check.mistakes.fit import multiples
from glassnet.check.mistakes.gradient_mistakes import mean, product
from glassnet.check.mistakes.passes import Pass
from glassnet.program.parameters import Array

STEPS = 12  # of Newton's method
FIRST, SMALLEST, LARGEST = 1e-5, 1e-12, 0.3  # ε
STEP = 1e-4  # relative, of the difference quotient

Form = Callable[[Array, Array, float], Array]

BINARY: tuple[Form, ...] = (
    lambda a, y, e: -y / (a + e) + (1 - y) / (1 - a + e),
    lambda a, y, e: (a - y) / (a * (1 - a) + e),
    lambda a, y, e: (a - y) / ((a + e) * (1 - a + e)),
    lambda a, y, e: -y / (a + e) + (1 - y) / (1 - a - e),
)
CATEGORICAL: tuple[Form, ...] = (lambda a, y, e: -y / (a + e),)


def errors_with_epsilon(run: Pass, theirs: Theirs, tolerance: float, with_decay: bool) -> Iterator[Error]:
    """δ of the output with an ε in ∂c/∂a, for each form and gate with which it explains their dW or db."""
    forms = {"binary_cross_entropy": BINARY, "categorical_cross_entropy": CATEGORICAL}.get(run.cost.name, ())
    for form in forms:
        for count in (1, 2):  # the right gate, and none
            if (epsilon := _solve(_delta(run, form, count), run, theirs, tolerance, with_decay)) is not None:
                arriving = form(run.a[-1], run.y, epsilon)
                gate, delta = list(gates(run, run.output, run.last, arriving))[count - 1]
                text = f"an ε of {digits(epsilon, 2)} stands inside the logarithm of your cost"
                note = Mistake("BP1", text, weight=0.1, is_note=True)
                yield Error((note, *((gate,) if gate else ())), arriving, delta)


def _delta(run: Pass, form: Form, count: int) -> Callable[[float], Array]:
    """δ of the output as a function of ε, through one of the gates."""

    def delta(epsilon: float) -> Array:
        arriving = form(run.a[-1], run.y, epsilon)
        return list(gates(run, run.output, run.last, arriving))[count - 1][1]

    return delta


def _solve(
    delta: Callable[[float], Array], run: Pass, theirs: Theirs, tolerance: float, with_decay: bool
) -> float | None:
    """The ε that explains their db of the output, or their dW; None where no ε does."""
    last = run.last
    is_db = theirs.db[last] is not None and not with_decay
    array = theirs.db[last] if is_db else theirs.dw[last]
    if array is None:
        return None

    def gradient(epsilon: float) -> Array:
        return mean(delta(epsilon)) if is_db else product(delta(epsilon), run.a[last - 1])

    extra, epsilon = [run.w[last]] if with_decay else [], FIRST
    for _ in range(STEPS):
        here, step = gradient(epsilon), STEP * epsilon
        slope = (gradient(epsilon + step) - here) / step
        factors = multiples(array, [here, slope, *extra], 0.0, 1.0)
        if factors is None:
            return None
        epsilon = float(np.clip(epsilon + factors[1] / factors[0], SMALLEST, LARGEST))
    fits = multiples(array, [gradient(epsilon), *extra], 0.0, tolerance)
    return epsilon if fits is not None else None
