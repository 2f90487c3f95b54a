"""One training step explained: every equation with its real numbers, and whether the step helped.

The rows of a training step run one after another in the plain lowering, on the network's own engine and on a copy of
the network; stage_text.py says what each read and wrote, layout.py draws it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import unknown
from glassnet.program.builder import StepOptions
from glassnet.program.parameters import Array
from glassnet.see.ascii import to_ascii
from glassnet.see.layout import PAGE, STYLE, Line, Picks, stage_html, stage_lines, wrapped
from glassnet.see.quantities import Ready, ready
from glassnet.see.stage import SAMPLES, Axis, Evaluation, Stage
from glassnet.see.stage_text import StageText
from glassnet.see.trace import Trace, number, samples
from glassnet.tables import optimizers
from glassnet.tables.optimizers import Optimizer
from glassnet.training.settings import positive

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork

NOTATIONS = {
    "columns": (
        "Samples are columns, as in the article and in Nielsen: a is (fan_out, m), W (fan_out, fan_in), z = W·a + b. "
        "In rows (scikit-learn, PyTorch) every array is transposed and every product turned round: z = a·W + b."
    ),
    "rows": (
        "Samples are rows, as in scikit-learn and PyTorch: a is (m, fan_out), W (fan_in, fan_out), z = a·W + b. W is "
        "scikit-learn's coefs_ and the transpose of PyTorch's weight and of the article's W; b and db are rows."
    ),
}
WHOLE, CORNER = 6, 4  # how many neurons are shown whole; how many of a larger layer


class Explanation:
    """One step, explained: `print` it, show it in a notebook, `rich.print` it, or write `html()` to a file.

    `stages` are its equations; `trace` holds every quantity as computed from the weights before the step; `before` and
    `after` are C on this batch, `predicted` is Σ gradient·change and `real` is after − before.
    """

    def __init__(self, about: str, stages: Sequence[Stage], trace: Trace, costs: tuple[float, float, float]) -> None:
        self.about, self.stages, self.trace = about, tuple(stages), trace
        self.before, self.after, self.predicted = costs
        self.notation = "columns"
        self.picks: Picks = picked(trace)

    @property
    def real(self) -> float:
        """The change of C on the same batch."""
        return self.after - self.before

    @property
    def verdict(self) -> str:
        """Did it help? The predicted and the real change of the cost, in sentences."""
        helped = "The step helped" if self.real < 0 else "The step did not help"
        gap = abs(self.real - self.predicted) / abs(self.predicted) if self.predicted else 0.0
        close = "the slope told the truth over this step"
        far = "the step is so long that the cost curves away from its slope; try a smaller lr"
        return (
            f"{helped}: predicted Σ gradient·change = {self.predicted:+.6f}, real {self.before:.6f} → {self.after:.6f} "
            f"= {self.real:+.6f} (C on the same samples, a mean); they differ by {gap:.1%}: "
            f"{close if gap < 0.1 else far}."
        ).replace("-", "−")

    def lines(self, width: int = 100, ascii_only: bool = False) -> Iterator[Line]:
        """Lines of text with their styles: heading, formula, numbers, sentence; in ASCII where that is asked."""
        said = to_ascii if ascii_only else str
        yield from wrapped(said(self.about), width)
        yield from wrapped(said(NOTATIONS[self.notation]), width)
        yield "sentence", ""
        for stage in self.stages:
            for style, text in stage_lines(stage.in_ascii if ascii_only else stage, self.picks, width):
                yield style, said(text)
        yield "heading", "did it help?"
        yield from wrapped(said(self.verdict), width)

    def __str__(self) -> str:
        return "\n".join(text for _, text in self.lines())

    def __repr__(self) -> str:
        return f"Explanation({len(self.stages)} equations; C {number(self.before)} → {number(self.after)}; print it)"

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.text import Text

        styles = {"heading": "bold cyan", "formula": "bold", "numbers": "", "sentence": "italic"}
        for style, text in self.lines(options.max_width, options.ascii_only):
            yield Text(text, style=styles[style], no_wrap=True, overflow="ignore")

    def _repr_html_(self) -> str:
        stages = "".join(stage_html(stage, self.picks) for stage in self.stages)
        head = f"<p>{escape(self.about)}</p><p>{escape(NOTATIONS[self.notation])}</p>"
        end = f"<section><h4>did it help?</h4><p>{escape(self.verdict)}</p></section>"
        return f"{STYLE}<div class='glassnet-step'>{head}{stages}{end}</div>"

    def html(self) -> str:
        """A whole page, which needs no network and no script."""
        return PAGE.format(self._repr_html_())

    def rows(self) -> Explanation:
        """The same in the other notation, samples as rows."""
        transposed = Explanation(self.about, [stage.transposed for stage in self.stages], self.trace, self._costs())
        transposed.notation = "rows"
        return transposed

    def _costs(self) -> tuple[float, float, float]:
        return self.before, self.after, self.predicted


def explain_step(
    network: NeuralNetwork,
    x: Any,
    y: Any,
    lr: float = 0.1,
    optimizer: Any = "sgd",
    *,
    sample_weight: Any = None,
    notation: str = "columns",
    dtype: Any = "float64",
) -> Explanation:
    """Walk through one training step on the batch x, y with the network's own numbers; the network stays as it was.

    Parameters
    ----------
    x, y : (fan_in, batch) and (fan_out, batch), or class numbers (batch,); columns, whatever the notation shown
    lr, optimizer : the rate, and a name or row; its memory is empty, so that this is its first step
    notation : "columns" (the article, Nielsen) or "rows" (scikit-learn, PyTorch)
    dtype : what it is computed in; None is the network's own, in which a small drop of C may drown in rounding
    """
    if notation not in NOTATIONS:
        raise unknown("notation", notation, NOTATIONS)
    row, data = optimizers.optimizer(optimizer), (x, y, sample_weight)
    lr = positive("lr", lr)
    held = ready(network, data, dtype, step=StepOptions(row, weighted=sample_weight is not None))
    held.runner.scalars |= step_scalars(held, row, lr)
    first = {name: held.network.parameters[name].copy() for name in held.network.parameters}
    done, trace = worked(held)
    general = _general(network, data, dtype)
    stages = StageText(held.network.architecture, held.program, general).stages(done)
    about = (
        f"One step of {row.name} at rate {lr:g} on {samples(held.runner.m)}, {held.network!r}, computed in "
        f"{held.network.dtype} by engine {network.engine!r}. C, dW and db are means over the samples, δ is each "
        "sample's own. Layers count from 1, neurons and samples from 0."
    )
    found = Explanation(about, stages, trace, _helped(held, first, done))
    return found.rows() if notation == "rows" else found


def step_scalars(held: Ready, row: Optimizer, lr: float) -> dict[str, Any]:
    """The optimiser's scalars of a first step, for every group of segments, in the dtype of the program."""
    kind = held.network.dtype.type
    found: dict[str, Any] = {}
    for place, (factor, decays) in enumerate(held.program.groups):
        scalars = row.scalars(np.ones(1), np.array([lr * factor]), float(decays))
        found |= {f"{word} {place}": kind(values[0]) for word, values in scalars.items()}
    return found


def worked(held: Ready) -> tuple[list[Evaluation], Trace]:
    """Run the rows one by one and keep what each read and wrote; the trace is of the time before the update."""
    program, runner = held.program, held.runner
    done: list[Evaluation] = []
    trace: Trace | None = None
    for place in range(program.head("batch"), len(program.rows)):
        row = program.rows[place]
        if row.label == "update" and trace is None:
            trace = Trace.of(runner, f"the quantities of the step, {samples(runner.m)}, {held.network.dtype}")
        reads = {name: runner.columns(name).copy() for name in row.reads}
        runner.run(place, place + 1)
        done.append(Evaluation(program, row, reads, {name: runner.columns(name).copy() for name in row.writes}))
    assert trace is not None
    return done, trace


def _helped(held: Ready, first: dict[str, Array], done: list[Evaluation]) -> tuple[float, float, float]:
    """C before and after on the same batch, and Σ gradient·change."""
    program, parameters = held.program, held.network.parameters
    before = float(held.runner.rows("C")[0])
    gradients = {name: held.runner.columns(f"d{name}") for name in parameters}
    predicted = sum(float((gradients[name] * (parameters[name] - first[name])).sum()) for name in parameters)
    held.runner.run(program.head("batch"), program.writer("C") + 1)
    return before, float(held.runner.rows("C")[0]), predicted


def _general(network: NeuralNetwork, data: tuple[Any, Any, Any], dtype: Any) -> dict[str, Array]:
    """Every quantity by the long way, without the shortcut of a pair."""
    held = ready(network, data, dtype, training=True, shortcut=False)
    held.runner.run()
    return dict(Trace.of(held.runner, ""))


def picked(trace: Trace) -> Picks:
    """Which neurons and samples are shown where there are too many: those with the largest errors and inputs."""
    picks: dict[Axis, list[int]] = {"m": list(range(min(trace.m, SAMPLES)))}
    names = ["a0", *(f"delta{layer}" for layer in range(1, len(trace)) if f"delta{layer}" in trace)]
    for layer, name in enumerate(names):
        sizes = _sizes(trace, name, picks["m"])
        largest = np.argsort(-sizes, kind="stable")[: WHOLE if len(sizes) <= WHOLE else CORNER].tolist()
        if (
            len(sizes) > WHOLE and f"da{layer}" in trace
        ):  # also the neuron that is told most, whatever its gate lets pass
            told = int(_sizes(trace, f"da{layer}", picks["m"]).argmax())
            largest = [told, *(neuron for neuron in largest if neuron != told)][:CORNER]
        picks[layer] = sorted(largest)
    return picks


def _sizes(trace: Trace, name: str, shown: Sequence[int]) -> Array:
    """The largest number of each neuron among the samples that are shown."""
    sizes: Array = np.abs(trace[name][:, shown]).max(axis=1)
    return sizes
