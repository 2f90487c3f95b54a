"""Does backpropagation compute the gradient of the cost that is reported? One call checks every equation of a network.

Each error δ and each gradient is compared with central differences of C in float64. Random directions keep the work
independent of the number of parameters; on request every entry is compared. Where differences cannot follow C at the
network's own parameters, the comparison is repeated on copies whose biases are nudged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.linalg import norm
from numpy.typing import ArrayLike

from glassnet.batches.sources import Sources, checked_sources
from glassnet.check.gradient_report import NUDGE, Finding, GradientReport
from glassnet.errors import ParameterError, ParameterTypeError
from glassnet.execution.executor import Executor, computes_mixed
from glassnet.execution.inference import loaded_executor, set_batch
from glassnet.execution.model import Model
from glassnet.program.builder import build
from glassnet.program.parameters import Array
from glassnet.program.program import Program, error_name, symbol
from glassnet.see.slope import WRONG, Cost, compare, input_scales

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork

MAX_TRIES = 3  # directions, before a difference counts
TINY = float(np.finfo(np.float64).tiny)
MAX_COPIES = 3  # with nudged biases, before a comparison counts as one that cannot be judged


def gradient_check(
    network: NeuralNetwork,
    x: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    training: bool = False,
    directions: int = 3,
    entries: bool = False,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> GradientReport:
    """Compare every δ, ∂C/∂W and ∂C/∂b of `network` on x, y with central differences, in float64.

    Parameters
    ----------
    x, y : (fan_in, batch) and (fan_out, batch), or class numbers (batch,)
    sample_weight : (batch,) or None
    training : check the equations of a training step (dropout, statistics of the batch) instead of those of inference
    directions : number of random directions per quantity; the time is proportional to it
    entries : check every single parameter as well
    tolerance : the largest relative difference that counts as agreement

    A network of mixed precision is checked without rounding, because C has no slopes where numbers are rounded; the
    report says by how much the gradients used in training differ. The network is left unchanged. `print` the report,
    or read its `ok`, `worst` and `unjudged`.

    Notes
    -----
    A direction moves each weight in inverse proportion to the size of its input, so that inputs of 1e-6 count as much
    as others. At a kink of C, for example where the z of a relu is exactly 0 (biases start at 0), differences do not
    give the derivative. Such a comparison is repeated on a copy of the network whose biases, and β of normalisations,
    are nudged by 0.05 times standard normal numbers, and the report says so. A quantity that cannot be judged there
    either is named and counted, and does not count as agreement.

    A random direction adds up all entries: a fault of 3 % in a few entries whose size is 1e-5 of the others stays below
    the tolerance. `entries=True` finds it.
    """
    if not hasattr(network, "architecture"):
        given = f"{type(network).__name__}, a {type(y).__name__} last" if hasattr(y, "architecture") else ""
        raise ParameterTypeError(
            f"the first argument is a network, not {given or type(network).__name__}: gradient_check(net, x, y)."
        )
    if directions < 1:
        raise ParameterError(f"directions is {directions}; it must be at least 1.")
    twin = network.astype(np.float64)
    sources = checked_sources(twin.architecture, twin.dtype, x, y, sample_weight)
    with np.errstate(all="ignore"):
        checks = _Checks(twin, sources, training, tolerance, seed)
        quantities = _quantities(checks.first.program, len(twin.architecture.dense), directions, entries)
        report = GradientReport(tuple(map(checks.finding, quantities)), tolerance)
        if network.model.architecture.precision is None:
            return report
        sources = checked_sources(network.architecture, network.dtype, x, y, sample_weight)
        roundings = _roundings(network.model, sources, training, checks.first.gradients)
        return report._replace(precision=network.precision, roundings=roundings)


def _roundings(model: Model, sources: Sources, training: bool, exact: dict[str, Array]) -> dict[str, float]:
    """By how much the gradients in the precision of training differ from exact ones, as a share of their norm."""
    engine = model.engine if computes_mixed(model.engine) else "numpy"
    program = build(model.architecture, training=training, weighted=sources.weights is not None)
    executor = model.executor(program, len(sources.x), engine=engine)
    set_batch(executor, *sources)
    executor.run()
    names = [f"d{segment.name}" for segment in executor.program.segments]
    differences = {name: float(norm(executor.rows(name) - exact[name])) for name in names}
    return {name: each / max(float(norm(exact[name])), TINY) for name, each in differences.items()}


class _Quantity(NamedTuple):
    """What is compared: an error or a parameter along a random direction, or one entry of a parameter."""

    layer: int
    equation: str
    name: str  # z1, w1, b1 or another parameter
    entry: tuple[int, ...] | None = None  # as the engine stores it: fan_in first


def _quantities(program: Program, last: int, directions: int, entries: bool) -> Iterator[_Quantity]:
    """Errors, then parameters, from the last layer back, in the order of backpropagation."""
    for layer in range(last, 0, -1):
        yield from [_Quantity(layer, "BP1" if layer == last else "BP2", f"z{layer}")] * directions
        for segment in program.segments:
            if segment.layer == layer or (layer == 1 and segment.layer == 0):
                quantity = _Quantity(layer, "BP4" if segment.is_weight else "BP3", segment.name)
                yield from [quantity] * directions
                yield from (quantity._replace(entry=entry) for entry in np.ndindex(segment.shape) if entries)


class _Checks:
    """The check of a network, and of copies with nudged biases, which are made when they are needed."""

    def __init__(self, twin: NeuralNetwork, sources: Sources, training: bool, tolerance: float, seed: int) -> None:
        self.twin, self.sources, self.training, self.tolerance, self.seed = twin, sources, training, tolerance, seed
        self.made: list[_Check] = []

    @property
    def first(self) -> _Check:
        """The check of the network itself."""
        return self.number(0)

    def number(self, number: int) -> _Check:
        """The check of the network itself (0), or of a nudged copy."""
        while len(self.made) <= number:
            rng = np.random.default_rng([self.seed, len(self.made)])
            model = self.twin.model.astype(np.float64)
            for name, segment in model.parameters.segments.items():
                if self.made and segment.initial == 0:
                    model.parameters.rows(name)[...] += NUDGE * rng.standard_normal(segment.shape)
            executor = loaded_executor(model, *self.sources, training=self.training)
            self.made.append(_Check(executor, rng, self.tolerance))
        return self.made[number]

    def finding(self, quantity: _Quantity) -> Finding:
        """The comparison at the network itself; where it cannot be judged there, at the first copy where it can."""
        finding = self.first.finding(quantity)
        for number in range(1, MAX_COPIES + 1) if not finding.judged else ():
            nudged = self.number(number).finding(quantity)
            if nudged.judged:
                return nudged._replace(nudged=finding.verdict)
        return finding


class _Check:
    """An executor with x and y, and the gradients that it computed; it evaluates C after a change."""

    def __init__(self, executor: Executor, rng: np.random.Generator, tolerance: float) -> None:
        self.runner, self.rng, self.tolerance = executor, rng, tolerance
        self.program = executor.program
        self.runner.run()
        self.base = float(self.runner.rows("C")[0])
        self.end = self.program.writer("C") + 1
        products = [row for row in self.program.rows if row.kind == "affine"]
        errors = [error_name(row.writes[0]) for row in products]
        names = [*errors, *(f"d{segment.name}" for segment in self.program.segments)]
        self.gradients = {name: executor.rows(name).copy() for name in names}
        self.output_error = float(np.abs(self.gradients[errors[-1]]).max())
        self.input_scales = {row.reads[1]: input_scales(executor.rows(row.reads[0])) for row in products}

    def finding(self, quantity: _Quantity) -> Finding:
        """A comparison along a random direction, repeated where it disagrees; a fault disturbs all directions."""
        finding = self._once(quantity)
        for _ in range(0 if quantity.entry else MAX_TRIES - 1):
            if finding.verdict != WRONG:
                break
            finding = self._once(quantity)
        return finding

    def _once(self, quantity: _Quantity) -> Finding:
        """One comparison."""
        if quantity.name[0] == "z" and quantity.name[1:].isdigit():
            return self._error(quantity)
        return self._parameter(quantity)

    def _error(self, quantity: _Quantity) -> Finding:
        """δ: the slope of C along a random direction of z is Σ δ⊙direction / m."""
        error = self.gradients[f"delta{quantity.layer}"]
        direction = np.asarray(self.rng.standard_normal(error.shape))
        slope = float((error * direction).sum()) / len(error)
        return self._compare(quantity, slope, self._cost_along_quantity(quantity.name, direction))

    def _parameter(self, quantity: _Quantity) -> Finding:
        """A gradient: the slope of C along a random direction of the parameter is Σ gradient⊙direction."""
        gradient, scale = self.gradients[f"d{quantity.name}"], self.input_scales.get(quantity.name, 1.0)
        scales = np.broadcast_to(scale, gradient.shape)
        if quantity.entry is None:
            direction = np.asarray(self.rng.standard_normal(gradient.shape)) * scales
            return self._compare(quantity, float((gradient * direction).sum()), self._cost_along(quantity, direction))
        direction, size = np.zeros(gradient.shape), float(scales[quantity.entry])
        direction[quantity.entry] = size
        return self._compare(
            quantity, float(gradient[quantity.entry]), self._cost_along(quantity, direction), size=size
        )

    def _compare(self, quantity: _Quantity, analytic: float, cost: Cost, size: float = 1.0) -> Finding:
        """The finding; `size` is by how much the quantity moves in a step of 1."""
        name = error_name(quantity.name)
        where = "" if quantity.entry is None else f"[{', '.join(map(str, reversed(quantity.entry)))}]"
        numeric, difference, limit, verdict = compare(
            analytic * size, cost, self.base, self.tolerance, self.output_error
        )
        return Finding(
            quantity.layer,
            quantity.equation,
            f"{symbol(name)}{where}",
            *(analytic, numeric / size, difference, limit, verdict),
        )

    def _cost_along(self, quantity: _Quantity, direction: Array) -> Cost:
        """C along a direction of one parameter, which is restored afterwards."""
        values = self.runner.rows(quantity.name)
        before, start = values.copy(), self._first_reader(quantity.name)
        self.runner.run(0, start)

        def cost(size: float) -> float:
            values[...] = before + size * direction
            self.runner.run(start, self.end)
            values[...] = before
            return float(self.runner.rows("C")[0])

        return cost

    def _cost_along_quantity(self, name: str, direction: Array) -> Cost:
        """C along a direction of a quantity: run up to it, change it, run the rest."""
        start = self.program.writer(name) + 1
        self.runner.run(0, start)
        before = self.runner.rows(name).copy()

        def cost(size: float) -> float:
            self.runner.rows(name)[...] = before + size * direction
            self.runner.run(start, self.end)
            return float(self.runner.rows("C")[0])

        return cost

    def _first_reader(self, name: str) -> int:
        """The first equation that reads a parameter; those before it need not run again."""
        return next(number for number, row in enumerate(self.program.rows) if name in row.reads)
