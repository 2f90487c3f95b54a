"""Does backpropagation compute the gradient of the cost that is reported? One call checks every equation of a network.

Each error δ and each gradient is compared with central differences of C in float64, along random directions, so that
the work does not grow with the number of parameters; on request entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassnet.batches.sources import Sources, checked_sources
from glassnet.errors import ParameterError
from glassnet.execution.executor import Executor
from glassnet.execution.inference import loaded_executor
from glassnet.program.parameters import Array
from glassnet.program.program import symbol

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork

TRIES = 5  # directions that are tried before a difference counts
STEPS = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8)  # a kink of relu that lies within one step does not within all; a fault does


class Finding(NamedTuple):
    """One comparison: which layer, which equation, which quantity, and the slope from each side."""

    layer: int
    equation: str
    quantity: str
    analytic: float
    numeric: float
    difference: float  # relative


class GradientReport(NamedTuple):
    """All comparisons of a check: `ok` where no relative difference passes `tolerance`; printed, it is a table."""

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
        lines = [
            f"{'layer':<6}{'equation':<9}{'quantity':<18}{'backpropagation':>17}{'differences':>17}{'relative':>9}"
        ]
        for (layer, equation, _), finding in worst.items():
            mark = "" if finding.difference <= self.tolerance else "  ← wrong"
            lines.append(
                f"{layer:<6}{equation:<9}{finding.quantity:<18}{finding.analytic:>17.9g}{finding.numeric:>17.9g}"
                f"{finding.difference:>9.1e}{mark}"
            )
        verdict = "every gradient agrees" if self.ok else f"{self.worst.quantity} ({self.worst.equation}) disagrees"
        return "\n".join([*lines, f"{verdict}: {len(self.findings)} comparisons, tolerance {self.tolerance:g}"])


def gradient_check(
    network: NeuralNetwork,
    x: Any,
    y: Any,
    *,
    sample_weight: Any = None,
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
    training : check the rows of a training step (dropout, statistics of the batch) in place of those of inference
    directions : random directions a quantity; the work is proportional to it
    entries : check every single parameter as well
    tolerance : the largest relative difference that counts as agreement

    The network is left as it was. `print` the report, or ask its `ok` and `worst`.
    """
    if directions < 1:
        raise ParameterError(f"directions is {directions}; it must be at least 1.")
    twin = network.astype(np.float64)
    sources = checked_sources(twin.architecture, twin.dtype, x, y, sample_weight)
    check = _Check(twin, sources, training, tolerance, seed)
    return GradientReport(tuple(check.findings(directions, entries)), tolerance)


class _Check:
    """An executor that holds x, y and the gradients, and evaluates C after a nudge."""

    def __init__(self, twin: NeuralNetwork, sources: Sources, training: bool, tolerance: float, seed: int) -> None:
        self.twin, self.tolerance, self.rng = twin, tolerance, np.random.default_rng(seed)
        self.runner: Executor = loaded_executor(twin.model, *sources, training=training)
        self.program = self.runner.program
        self.runner.run()
        self.held = {name: self.runner.rows(name).copy() for name in self.program.buffers if self._is_gradient(name)}
        self.base = float(self.runner.rows("C")[0])
        self.end = self.program.writer("C") + 1

    def _is_gradient(self, name: str) -> bool:
        return name.startswith("delta") or self.program.buffers[name].home == "gradients"

    def findings(self, directions: int, entries: bool) -> Iterator[Finding]:
        """Errors first, then parameters, from the last layer back, as backpropagation works them out."""
        last = len(self.twin.architecture.dense)
        for layer in range(last, 0, -1):
            yield from self._error(layer, "BP1" if layer == last else "BP2", directions)
            for segment in self.program.segments:
                if segment.layer == layer or (layer == 1 and segment.layer == 0):
                    equation = "BP4" if segment.is_weight else "BP3"
                    yield from self._parameter(segment.name, equation, layer, directions)
                    if entries:
                        yield from self._entries(segment.name, equation, layer)

    def _error(self, layer: int, equation: str, directions: int) -> Iterator[Finding]:
        """δ: the slope of C along a direction of z is Σ δ⊙direction / m."""
        error = self.held[f"delta{layer}"]

        def once() -> Finding:
            direction = np.asarray(self.rng.standard_normal(error.shape))
            slope = float((error * direction).sum()) / len(error)
            return self._compare(layer, equation, f"δ{layer}", slope, self._poke(f"z{layer}", direction))

        return (self._tried(once) for _ in range(directions))

    def _parameter(self, name: str, equation: str, layer: int, directions: int) -> Iterator[Finding]:
        """A gradient: the slope of C along a direction of the parameter is Σ gradient⊙direction."""
        gradient = self.held[f"d{name}"]

        def once() -> Finding:
            direction = np.asarray(self.rng.standard_normal(gradient.shape))
            slope = float((gradient * direction).sum())
            return self._compare(layer, equation, gradient_symbol(name), slope, self._nudge(name, direction))

        return (self._tried(once) for _ in range(directions))

    def _tried(self, once: Callable[[], Finding]) -> Finding:
        """A comparison along a random direction; another one where a kink lies on it. A fault lies on all of them."""
        finding = once()
        for _ in range(TRIES - 1):
            if finding.difference <= self.tolerance and "kink" not in finding.quantity:
                break
            finding = min(finding, once(), key=_badness)
        return finding

    def _entries(self, name: str, equation: str, layer: int) -> Iterator[Finding]:
        """Every single entry of a gradient; indices as the article has them."""
        gradient = self.held[f"d{name}"]
        for place in np.ndindex(gradient.shape):
            direction = np.zeros(gradient.shape)
            direction[place] = 1.0
            text = f"{gradient_symbol(name)}[{', '.join(map(str, reversed(place)))}]"
            yield self._compare(layer, equation, text, float(gradient[place]), self._nudge(name, direction))

    def _nudge(self, name: str, direction: Array) -> Callable[[float], float]:
        """C as a function of a step along a direction of one parameter; the parameter is put back."""
        values = self.runner.rows(name)
        before = values.copy()

        def nudged(size: float) -> float:
            values[...] = before + size * direction
            self.runner.run(0, self.end)
            values[...] = before
            return float(self.runner.rows("C")[0])

        return nudged

    def _poke(self, name: str, direction: Array) -> Callable[[float], float]:
        """C as a function of a step along a direction of a quantity: the rows up to it, the poke, the rest."""
        start = self.program.writer(name) + 1

        def poked(size: float) -> float:
            self.runner.run(0, start)
            self.runner.rows(name)[...] += size * direction
            self.runner.run(start, self.end)
            return float(self.runner.rows("C")[0])

        return poked

    def _compare(
        self, layer: int, equation: str, quantity: str, analytic: float, nudged: Callable[[float], float]
    ) -> Finding:
        """The step whose differences come closest; all of them miss a gradient that is wrong."""
        found: list[Finding] = []
        jumps: list[float] = []
        for step in STEPS:
            up, down = nudged(step) - self.base, self.base - nudged(-step)
            numeric = (8 * (up + down) - (nudged(2 * step) - nudged(-2 * step))) / (12 * step)
            scale = max(abs(analytic), abs(numeric), 1e-5 * max(abs(self.base), 1e-3))
            found.append(Finding(layer, equation, quantity, analytic, numeric, abs(analytic - numeric) / scale))
            jumps.append(abs(up - down) / step)
            if found[-1].difference <= 1e-9:
                return found[-1]
        best = min(found, key=lambda finding: finding.difference)
        # The slopes of both sides differ at a kink however small the step; on a curve, in proportion to it.
        least = max(1e-3 * abs(numeric), 1e-3 * abs(best.analytic), 1e-8 * max(abs(self.base), 1e-3))
        at_kink = best.difference > self.tolerance and jumps[2] > max(0.2 * jumps[1], least)
        return best._replace(difference=0.0, quantity=f"{quantity} (at a kink)") if at_kink else best


def _badness(finding: Finding) -> tuple[bool, float]:
    """A comparison at a kink counts as agreement, but one that really agrees is better."""
    return "kink" in finding.quantity, finding.difference


def gradient_symbol(name: str) -> str:
    """The gradient of a parameter on the screen: dW1, db1, ∂C/∂batch_norm1_gamma."""
    return symbol(f"d{name}") if name[0] in "wb" and name[1:].isdigit() else f"∂C/∂{name}"
