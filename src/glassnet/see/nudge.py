"""The experiment that defines a derivative: set one number, run the rest of the rows, and see how far C moves.

The rows run up to the one that writes the quantity, the number is set, and the remaining rows run; nothing is
recomputed before it, so nudging a z is exactly what δ is the slope of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.program.equations import propagate
from glassnet.program.program import Program, error_name, symbol
from glassnet.see.quantities import Place, Ready, place, ready

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork


class Nudge(NamedTuple):
    """One number moved by ±step: the slope of C that was measured, and the derivative it should equal.

    `kind` says in words what that derivative is; `difference` is relative. Printed, it is a sentence.
    """

    quantity: str
    step: float
    slope: float
    derivative: float
    kind: str

    @property
    def difference(self) -> float:
        """How far slope and derivative are apart, as a share of the larger."""
        largest = max(abs(self.slope), abs(self.derivative))
        return abs(self.slope - self.derivative) / largest if largest else 0.0

    def __str__(self) -> str:
        return (
            f"{self.quantity} ± {self.step:g} moves C with slope {self.slope:.9g}; {self.kind} is "
            f"{self.derivative:.9g} (relative difference {self.difference:.1e})"
        )


def cost_with(network: NeuralNetwork, data: tuple[Any, Any, Any], override: Any) -> float:
    """C with some numbers set: `override` maps places such as "w1[2,0]", "z1[0,3]" or "x[1,0]" to values."""
    if not isinstance(override, Mapping):
        raise ParameterTypeError(f"override must map places to numbers, such as {{'w1[2,0]': 0.3}}, not {override!r}.")
    held = ready(network, data, shortcut=not _names_output(network, override))
    names = settable(held.program)
    return cost_after(held, {place(word, held.runner, names): value for word, value in override.items()})


def cost_after(held: Ready, changes: Mapping[Place, float]) -> float:
    """C where each place is set right after the row that writes it, or before the first row if none does."""
    runner, done = held.runner, 0
    end = held.program.writer("C") + 1
    for found in sorted(changes, key=lambda found: _written(held.program, found.name)):
        start = _written(held.program, found.name)
        if start > done:
            runner.run(done, start)
        runner.columns(found.name)[found.at] = _real(found, changes[found])
        done = start
    runner.run(done, end)
    return float(runner.rows("C")[0])


def nudge(
    network: NeuralNetwork, x: Any, y: Any, quantity: str, step: float = 1e-6, *, sample_weight: Any = None
) -> Nudge:
    """Move one number by ±step, in float64, and compare the slope of C with what backpropagation says.

    For a weight or bias that is ∂C/∂w itself. C is a mean, so for one sample's z it is δ/m, for its a or x it is ∂c/∂a
    or ∂c/∂x over m (in hidden layers Wᵀ·δ/m of the next layer). x, y are columns; `quantity` is a place such as
    "w1[2,0]", "b1[2]", "z1[2,0]", "a1[2,0]" or "x[0,3]", layers from 1 and indices from 0.
    """
    if not isinstance(step, (int, float)) or isinstance(step, bool) or not 0 < step < np.inf:
        raise ParameterError(f"step is {step!r}; it must be a number above 0, such as 1e-6.")
    long_way = _names_output(network, (quantity,))
    held = ready(network, (x, y, sample_weight), np.float64, shortcut=not long_way)
    found = place(quantity, held.runner, settable(held.program))
    held.runner.run()
    value = float(held.runner.columns(found.name)[found.at])
    derivative, kind = _derivative(held, found)
    up, down = (cost_after(held, {found: value + sign * step}) for sign in (1, -1))
    return Nudge(str(found), step, (up - down) / ((value + step) - (value - step)), derivative, kind)


def _derivative(held: Ready, found: Place) -> tuple[float, str]:
    """What the slope should be, and what it is in words."""
    program, (name, at) = held.program, found
    error, where = error_name(name), f"[{', '.join(map(str, at))}]"
    if program.buffers[name].home == "parameters":
        return float(held.runner.columns(f"d{name}")[at]), f"{_gradient(name)}{where}, a mean over the batch,"
    m, row = held.runner.m, next((row for row in program.rows if row.kind == "affine" and row.reads[0] == name), None)
    if error in program.buffers:
        return float(held.runner.columns(error)[at]) / m, f"{symbol(error)}{where}/m, with m = {m},"
    if row is None:
        raise ParameterError(f"no row works out ∂c/∂{name}; nudge a z, an a, x or a parameter.")
    # Below the first layer nothing needs the error, so that BP2's first half is no row of the program there.
    weights, delta = row.reads[1], f"delta{row.writes[0][1:]}"
    arrived = propagate(held.runner.columns(delta), held.runner.columns(weights))
    return float(arrived[at]) / m, f"({symbol(weights)}ᵀ·{symbol(delta)}){where}/m, with m = {m},"


def _gradient(name: str) -> str:
    return symbol(f"d{name}") if name[0] in "wb" and name[1:].isdigit() else f"∂C/∂{name}"


def _names_output(network: NeuralNetwork, words: Iterable[Any]) -> bool:
    """Whether the output's a is named: the cost of a pair reads z, so that the rows must go the long way."""
    last = f"a{len(network.architecture.dense)}"
    return any(str(word).split("[")[0].strip() == last for word in words)


def settable(program: Program) -> list[str]:
    """What may be set: parameters, x, and all that the forward rows write."""
    written = [name for row in program.rows if row.label == "forward" for name in row.writes]
    parameters = [name for name, buffer in program.buffers.items() if buffer.home == "parameters"]
    return [*parameters, "a0", *(name for name in written if program.buffers[name].home == "work")]


def _written(program: Program, name: str) -> int:
    """The number of rows that must run before the quantity is there; 0 for what no row writes."""
    return max((number + 1 for number, row in enumerate(program.rows) if name in row.writes), default=0)


def _real(found: Place, value: Any) -> float:
    try:
        given = float(value)
    except (TypeError, ValueError):
        given = np.nan
    if not np.isfinite(given):
        raise ParameterError(f"{found} is to be set to {value!r}; it must be a finite number.")
    return given
