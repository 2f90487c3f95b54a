"""The experiment that defines a derivative: change one number, run the remaining equations, and see how far C moves.

The equations run up to the one that writes the quantity, the number is set, and the others run. Nothing before it is
recomputed, so nudging a z measures exactly the slope that δ is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from glassnet.array_likes import short_repr, to_float
from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.execution.model import Model
from glassnet.program.equations import propagate
from glassnet.program.program import Program, error_name, symbol
from glassnet.result_html import lines_html
from glassnet.see.kinks import first_kink, sides
from glassnet.see.quantities import Data, Entry, PreparedPass, parse_entry, prepare_pass

SWEEP = tuple(10.0**power for power in range(-1, -13, -1))
STEP = 1e-5  # relative to a number above 1
ROUNDING = 8  # by how many units in the last place the sum of a few equations may differ


class Nudge(NamedTuple):
    """One number moved by ±step: the measured slope of C, and the derivative that it should equal.

    `kind` describes that derivative; `difference` is relative. `rounding` is the largest error of the slope that
    rounding of C may cause. `value` is the number itself; `down`, `cost` and `up` are C at value − step, value and
    value + step. `kink` names a neuron that passes a kink of its activation within the step, if there is one; `note`
    says that a network of mixed precision was computed without it. Printed, it is a sentence.
    """

    quantity: str
    step: float
    slope: float
    derivative: float
    kind: str
    rounding: float = 0.0
    value: float = 0.0
    down: float = 0.0
    cost: float = 0.0
    up: float = 0.0
    kink: str = ""
    note: str = ""

    @property
    def slopes(self) -> tuple[float, float]:
        """The slopes of C below and above the number."""
        return (self.cost - self.down) / self.step, (self.up - self.cost) / self.step

    @property
    def difference(self) -> float:
        """The difference of slope and derivative, relative to the larger of them."""
        largest = max(abs(self.slope), abs(self.derivative))
        return abs(self.slope - self.derivative) / largest if largest else 0.0

    @property
    def is_too_small(self) -> bool:
        """Whether slope and derivative are both so small that rounding hides them."""
        return max(abs(self.slope), abs(self.derivative)) <= self.rounding

    def is_wrong(self, tolerance: float) -> bool:
        """Whether the two differ, relative to the larger, by more than the tolerance and by more than rounding."""
        return self.difference > tolerance and abs(self.slope - self.derivative) > self.rounding

    def __str__(self) -> str:
        return (
            f"{self.quantity} ± {self.step:g} moves C with slope {self.slope + 0.0:.9g}; {self.kind} is "
            f"{self.derivative + 0.0:.9g} ({self._agreement()}){self.note}"
        )

    def _agreement(self) -> str:
        """How far the two are apart, and whether rounding may be the reason."""
        if self.is_too_small:
            return f"both are 0 up to rounding: with this step, no slope below {self.rounding:.0e} shows in C"
        if self.kink:
            below, above = self.slopes
            return (
                f"a kink lies between: {self.kink}, so the slopes of both sides, {below:.6g} and {above:.6g}, need not "
                "be equal, and the derivative is that of one side; try a smaller step"
            )
        is_rounding = 0 < abs(self.slope - self.derivative) <= self.rounding
        return f"relative difference {self.difference:.1e}{', of the size of rounding' if is_rounding else ''}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return lines_html(self)


class Experiment:
    """One batch in float64, `data` as (x, y, sample_weight): C with some numbers set, and slopes of C over one number.

    The equations are those of inference, or with `at_step` those of that training step (its dropout).
    """

    def __init__(self, model: Model, data: Data, dtype: Any = np.float64, at_step: int | None = None) -> None:
        self.model, self.data, self.dtype, self.at_step = model, data, dtype, at_step
        self._passes: dict[bool, PreparedPass] = {}

    def cost_with(self, override: Mapping[str, Any]) -> float:
        """C where each entry of `override`, such as "w1[2,0]" or "z1[0,3]", has the value that it maps to."""
        prepared = self._prepared(override)
        names = settable(prepared.program)
        changes = {parse_entry(text, prepared.executor, names): value for text, value in override.items()}
        with np.errstate(all="ignore"):
            return cost_after(prepared, changes)

    def nudge(self, quantity: str, step: float | None = None) -> Nudge:
        """Move one number by ±step and compare the slope of C with backpropagation; None suits the number's size."""
        with np.errstate(all="ignore"):  # near divergence every number may overflow
            prepared = self._prepared((quantity,))
            entry = parse_entry(quantity, prepared.executor, settable(prepared.program))
            prepared.executor.run()
            return _nudged(prepared, entry, step)

    def sweep(self, quantity: str, steps: Iterable[float] = SWEEP) -> list[Nudge]:
        """The same with many steps: long ones are bent by the curve of C, short ones drown in rounding."""
        return [self.nudge(quantity, step) for step in steps]

    def _prepared(self, texts: Iterable[Any]) -> PreparedPass:
        """A pass, without the shortcut of a pair where the output's a is named, as the pair's cost reads z."""
        shortcut = not _names_output(self.model, texts)
        if shortcut not in self._passes:
            training = self.at_step is not None
            prepared = prepare_pass(
                self.model, self.data, self.dtype, training=training, shortcut=shortcut, rounded=False
            )  # a C of rounded products has no slopes
            prepared.executor.step = self.at_step or 0
            self._passes[shortcut] = prepared
        return self._passes[shortcut]


def _nudged(prepared: PreparedPass, entry: Entry, step: float | None) -> Nudge:
    """The nudge of one number of a pass that was run."""
    cost = float(prepared.executor.rows("C")[0])
    value = float(prepared.executor.columns(entry.name)[entry.at])
    derivative, kind = _derivative(prepared, entry)
    step = STEP * max(1.0, abs(value)) if step is None else _checked_step(step)
    width = (value + step) - (value - step)
    if not width > 0:
        raise ParameterError(f"step {step:g} is too small for {entry} = {value:g}: adding it changes nothing.")
    up = cost_after(prepared, {entry: value + step})
    above = sides(prepared)
    down = cost_after(prepared, {entry: value - step})
    kink = first_kink(above, sides(prepared))
    rounding = ROUNDING * float(np.finfo(np.float64).eps) * max(abs(up), abs(down)) / width
    return Nudge(str(entry), step, (up - down) / width, derivative, kind, rounding, value, down, cost, up, kink)


def cost_with(model: Model, data: Data, override: Any) -> float:
    """C with some numbers set: `override` maps entries such as "w1[2,0]", "z1[0,3]" or "x[1,0]" to values."""
    if not isinstance(override, Mapping):
        raise ParameterTypeError(f"override must map entries to numbers, such as {{'w1[2,0]': 0.3}}, not {override!r}.")
    return Experiment(model, data, model.dtype).cost_with(override)


def nudge(model: Model, data: Data, quantity: str, step: float) -> Nudge:
    """Move one number by ±step, in float64, and compare the slope of C with backpropagation; see Inspection.nudge."""
    precision = model.architecture.precision
    note = f"; in float64 and without the rounding of {precision}, which has no slopes" if precision else ""
    return Experiment(model, data).nudge(quantity, step)._replace(note=note)


def _checked_step(step: Any) -> float:
    if not isinstance(step, (int, float)) or isinstance(step, bool) or not 0 < step < np.inf:
        raise ParameterError(f"step is {step!r}; it must be a number above 0, such as 1e-6.")
    return float(step)


def cost_after(prepared: PreparedPass, changes: Mapping[Entry, float]) -> float:
    """C where each entry is set right after the equation that writes it, or before the first one if none does.

    What no equation writes, a parameter or x, has its own value again afterwards.
    """
    executor, done = prepared.executor, 0
    starts = {entry: _equations_before(prepared.program, entry.name) for entry in changes}
    given = {entry: float(executor.columns(entry.name)[entry.at]) for entry, start in starts.items() if not start}
    try:
        for entry, start in sorted(starts.items(), key=lambda item: item[1]):
            if start > done:
                executor.run(done, start)
            executor.columns(entry.name)[entry.at] = _finite(entry, changes[entry])
            done = start
        executor.run(done, prepared.program.writer("C") + 1)
        return float(executor.rows("C")[0])
    finally:
        for entry, value in given.items():
            executor.columns(entry.name)[entry.at] = value


def _derivative(prepared: PreparedPass, entry: Entry) -> tuple[float, str]:
    """What the slope should be, and its description."""
    program, executor, (name, index) = prepared.program, prepared.executor, entry
    error, position = error_name(name), f"[{', '.join(map(str, index))}]"
    if program.buffers[name].home == "parameters":
        return float(executor.columns(error)[index]), f"{symbol(error)}{position}, a mean over the batch,"
    m = executor.m
    if error in program.buffers:
        return float(executor.columns(error)[index]) / m, f"{symbol(error)}{position}/m, with m = {m},"
    row = next((row for row in program.rows if row.kind == "affine" and row.reads[0] == name), None)
    if row is None:
        raise ParameterError(f"no equation computes ∂c/∂{name}; nudge a z, an a, x or a parameter.")
    # Below the first layer nothing needs the error, so the program has no first half of BP2 there.
    weights, delta = row.reads[1], f"delta{row.writes[0][1:]}"
    propagated = propagate(executor.columns(delta), executor.columns(weights))
    return float(propagated[index]) / m, f"({symbol(weights)}ᵀ·{symbol(delta)}){position}/m, with m = {m},"


def _names_output(model: Model, texts: Iterable[Any]) -> bool:
    """Whether the output's a is named: the cost of a pair reads z, so the shortcut must not be taken."""
    last = f"a{len(model.architecture.dense)}"
    return any(str(text).split("[")[0].strip() == last for text in texts)


def settable(program: Program) -> list[str]:
    """What may be set: parameters, x, and everything that the forward equations write."""
    written = [name for row in program.rows if row.label == "forward" for name in row.writes]
    parameters = [name for name, buffer in program.buffers.items() if buffer.home == "parameters"]
    return [*parameters, "a0", *(name for name in written if program.buffers[name].home == "work")]


def _equations_before(program: Program, name: str) -> int:
    """How many equations run until the quantity has its value; 0 for what no equation writes."""
    return max((number for number, row in enumerate(program.rows, 1) if name in row.writes), default=0)


def _finite(entry: Entry, value: Any) -> float:
    try:
        number = to_float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise ParameterError(f"{entry} cannot be set to {short_repr(value)}; it must be a finite number.")
    return number
