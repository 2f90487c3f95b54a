"""Does backpropagation compute the gradient of the cost that is reported? One call checks every equation of a network.

Each error δ and each gradient is compared with central differences of C in float64. Random directions keep the work
independent of the number of parameters; on request every entry is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from glassnet.batches.sources import Sources, checked_sources
from glassnet.errors import ParameterError
from glassnet.execution.executor import Executor
from glassnet.execution.inference import loaded_executor
from glassnet.program.parameters import Array
from glassnet.program.program import symbol
from glassnet.training.result_html import preformatted_html

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork

MAX_TRIES = 5  # directions, before a difference counts
STEPS = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8)  # a kink of relu disturbs only the longer ones, a fault all of them
Cost = Callable[[float], float]  # C as a function of a step along a direction


class Finding(NamedTuple):
    """One comparison: layer, equation, quantity, and the slope by backpropagation and by differences."""

    layer: int
    equation: str
    quantity: str
    analytic: float
    numeric: float
    difference: float  # relative


class GradientReport(NamedTuple):
    """All comparisons of a check: `ok` where no relative difference exceeds `tolerance`; printed, it is a table."""

    findings: tuple[Finding, ...]
    tolerance: float

    @property
    def worst(self) -> Finding:
        """The comparison with the largest difference."""
        return max(self.findings, key=lambda finding: finding.difference)

    @property
    def ok(self) -> bool:
        """Whether every gradient is right."""
        return self.worst.difference <= self.tolerance

    def __str__(self) -> str:
        worst: dict[tuple[int, str, str], Finding] = {}
        for finding in self.findings:
            key = (finding.layer, finding.equation, finding.quantity.split("[")[0])
            if key not in worst or finding.difference > worst[key].difference:
                worst[key] = finding
        lines = ["layer equation quantity            backpropagation      differences relative"]
        for (layer, equation, _), finding in worst.items():
            mark = "" if finding.difference <= self.tolerance else "  ← wrong"
            lines.append(
                f"{layer:<6}{equation:<9}{finding.quantity:<18}{finding.analytic:>17.9g}{finding.numeric:>17.9g}"
                f"{finding.difference:>9.1e}{mark}"
            )
        verdict = "every gradient agrees" if self.ok else f"{self.worst.quantity} ({self.worst.equation}) disagrees"
        return "\n".join([*lines, f"{verdict}: {len(self.findings)} comparisons, tolerance {self.tolerance:g}"])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return preformatted_html(self)


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
    directions : random directions per quantity; the work is proportional to it
    entries : check every single parameter as well
    tolerance : the largest relative difference that counts as agreement

    The network is left unchanged. `print` the report, or read its `ok` and `worst`.
    """
    if directions < 1:
        raise ParameterError(f"directions is {directions}; it must be at least 1.")
    twin = network.astype(np.float64)
    sources = checked_sources(twin.architecture, twin.dtype, x, y, sample_weight)
    check = _Check(twin, sources, training, tolerance, seed)
    return GradientReport(tuple(check.findings(directions, entries)), tolerance)


class _Check:
    """An executor with x and y, and the gradients that it computed; it evaluates C after a change."""

    def __init__(self, twin: NeuralNetwork, sources: Sources, training: bool, tolerance: float, seed: int) -> None:
        self.twin, self.tolerance, self.rng = twin, tolerance, np.random.default_rng(seed)
        self.runner: Executor = loaded_executor(twin.model, *sources, training=training)
        self.program = self.runner.program
        self.runner.run()
        names = [f"delta{layer}" for layer in range(1, len(twin.architecture.dense) + 1)]
        names += [f"d{name}" for name in twin.parameters]
        self.gradients = {name: self.runner.rows(name).copy() for name in names}
        self.base = float(self.runner.rows("C")[0])
        self.end = self.program.writer("C") + 1

    def findings(self, directions: int, entries: bool) -> Iterator[Finding]:
        """Errors, then parameters, from the last layer back, in the order of backpropagation."""
        last = len(self.twin.architecture.dense)
        for layer in range(last, 0, -1):
            equation = "BP1" if layer == last else "BP2"
            for _ in range(directions):
                yield self._retried(partial(self._error, layer, equation))
            for segment in self.program.segments:
                if segment.layer == layer or (layer == 1 and segment.layer == 0):
                    equation = "BP4" if segment.is_weight else "BP3"
                    for _ in range(directions):
                        yield self._retried(partial(self._parameter, segment.name, equation, layer))
                    if entries:
                        yield from self._entries(segment.name, equation, layer)

    def _error(self, layer: int, equation: str) -> Finding:
        """δ: the slope of C along a random direction of z is Σ δ⊙direction / m."""
        error = self.gradients[f"delta{layer}"]
        direction = np.asarray(self.rng.standard_normal(error.shape))
        slope = float((error * direction).sum()) / len(error)
        return self._compare(layer, equation, f"δ{layer}", slope, self._cost_along_quantity(f"z{layer}", direction))

    def _parameter(self, name: str, equation: str, layer: int) -> Finding:
        """A gradient: the slope of C along a random direction of the parameter is Σ gradient⊙direction."""
        gradient = self.gradients[f"d{name}"]
        direction = np.asarray(self.rng.standard_normal(gradient.shape))
        slope, cost = float((gradient * direction).sum()), self._cost_along_parameter(name, direction)
        return self._compare(layer, equation, symbol(f"d{name}"), slope, cost)

    def _retried(self, compare: Callable[[], Finding]) -> Finding:
        """A comparison along a random direction, repeated where a kink disturbs it; a fault disturbs all of them."""
        finding = compare()
        for _ in range(MAX_TRIES - 1):
            if finding.difference <= self.tolerance and "kink" not in finding.quantity:
                break
            finding = min(finding, compare(), key=_disagreement)
        return finding

    def _entries(self, name: str, equation: str, layer: int) -> Iterator[Finding]:
        """Every entry of a gradient; indices as in the article, fan_out first."""
        gradient = self.gradients[f"d{name}"]
        for index in np.ndindex(gradient.shape):
            direction = np.zeros(gradient.shape)
            direction[index] = 1.0
            text, cost = ", ".join(map(str, reversed(index))), self._cost_along_parameter(name, direction)
            yield self._compare(layer, equation, f"{symbol(f'd{name}')}[{text}]", float(gradient[index]), cost)

    def _cost_along_parameter(self, name: str, direction: Array) -> Cost:
        """C along a direction of one parameter, which is restored afterwards."""
        values = self.runner.rows(name)
        before = values.copy()

        def cost(size: float) -> float:
            values[...] = before + size * direction
            self.runner.run(0, self.end)
            values[...] = before
            return float(self.runner.rows("C")[0])

        return cost

    def _cost_along_quantity(self, name: str, direction: Array) -> Cost:
        """C along a direction of a quantity: run up to it, change it, run the rest."""
        start = self.program.writer(name) + 1

        def cost(size: float) -> float:
            self.runner.run(0, start)
            self.runner.rows(name)[...] += size * direction
            self.runner.run(start, self.end)
            return float(self.runner.rows("C")[0])

        return cost

    def _compare(self, layer: int, equation: str, quantity: str, analytic: float, cost: Cost) -> Finding:
        """The comparison of the step whose differences come closest; none does where the gradient is wrong."""
        findings: list[Finding] = []
        jumps: list[float] = []
        for step in STEPS:
            up, down = cost(step) - self.base, self.base - cost(-step)
            numeric = (8 * (up + down) - (cost(2 * step) - cost(-2 * step))) / (12 * step)
            scale = max(abs(analytic), abs(numeric), 1e-5 * max(abs(self.base), 1e-3))
            findings.append(Finding(layer, equation, quantity, analytic, numeric, abs(analytic - numeric) / scale))
            jumps.append(abs(up - down) / step)
            if findings[-1].difference <= 1e-9:
                return findings[-1]
        best = min(findings, key=lambda finding: finding.difference)
        # At a kink the slopes of both sides differ however small the step; on a curve, in proportion to the step.
        threshold = max(1e-3 * abs(numeric), 1e-3 * abs(best.analytic), 1e-8 * max(abs(self.base), 1e-3))
        at_kink = best.difference > self.tolerance and jumps[2] > max(0.2 * jumps[1], threshold)
        return best._replace(difference=0.0, quantity=f"{quantity} (at a kink)") if at_kink else best


def _disagreement(finding: Finding) -> tuple[bool, float]:
    """The key to choose by: a comparison at a kink counts as agreement, but one that agrees without is better."""
    return "kink" in finding.quantity, finding.difference
