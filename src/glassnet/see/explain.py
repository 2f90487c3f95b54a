"""One training step explained: every equation with its real numbers, and whether the step helped.

The equations of the step run one by one in the plain lowering, by the network's own engine on a copy of the model;
stage_text.py describes what each read and wrote, layout.py draws it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from typing import Any

import numpy as np

from glassnet.errors import printable, unknown_name
from glassnet.execution.model import Model
from glassnet.program.parameters import Array
from glassnet.program.updates import StepOptions
from glassnet.see.ascii import to_ascii
from glassnet.see.layout import PAGE, STYLE, Line, Picks, stage_html, stage_lines, wrapped
from glassnet.see.notebook import model_text
from glassnet.see.quantities import Data, PreparedPass, prepare_pass
from glassnet.see.stage import SAMPLES, Axis, Evaluation, Stage
from glassnet.see.stage_text import StageText
from glassnet.see.trace import Trace, number, samples
from glassnet.see.verdict import verdict
from glassnet.tables import optimizers
from glassnet.training.settings import positive
from glassnet.training.step_scalars import first_step_scalars

NOTATIONS = {
    "columns": (
        "Samples are columns, as in Nielsen's book: a is (fan_out, m), W (fan_out, fan_in), z = W·a + b. "
        "In rows (scikit-learn, PyTorch) every array is transposed and every product turned round: z = a·W + b."
    ),
    "rows": (
        "Samples are rows, as in scikit-learn and PyTorch: a is (m, fan_out), W (fan_in, fan_out), z = a·W + b. W is "
        "scikit-learn's coefs_ and the transpose of PyTorch's weight and of net.weights; b and db are rows."
    ),
}
MAX_NEURONS, SELECTED_NEURONS = 6, 4  # a layer of more than the first is shown by this many of its neurons
RICH_STYLES = {"heading": "bold cyan", "formula": "bold", "numbers": "", "sentence": "italic"}


@dataclass(eq=False)
class Explanation:
    """One training step, explained: `print` it, display it in a notebook, `rich.print` it, or write `html()` to a file.

    `about` is the introduction, one paragraph per line; `stages` are the equations; `trace` holds every quantity as
    computed from the weights before the step; `before` and `after` are C on this batch, `predicted` is Σ
    gradient·change and `real` is after − before.
    """

    about: str
    stages: Sequence[Stage]
    trace: Trace
    before: float
    after: float
    predicted: float
    notation: str = "columns"
    page: Callable[[Explanation], str] | None = None  # makes the page of this step (frames/step_page.py)

    @cached_property
    def picks(self) -> Picks:
        """The neurons and samples that are shown."""
        return selected(self.trace)

    @property
    def real(self) -> float:
        """The change of C on the same batch."""
        return self.after - self.before

    @property
    def verdict(self) -> str:
        """Whether the step helped: the predicted and the real change of the cost, in sentences."""
        return verdict(self.before, self.after, self.predicted)

    def _introduction(self) -> list[str]:
        """The paragraphs before the first equation."""
        return [*self.about.split("\n"), NOTATIONS[self.notation], *filter(None, [selection_text(self.trace)])]

    def lines(self, width: int = 100, ascii_only: bool = False) -> Iterator[Line]:
        """The lines of the text, each with its style (heading, formula, numbers, sentence), in ASCII on request.

        Control codes, which names of columns and classes may hold, are escaped.
        """
        for style, text in self._lines(width, ascii_only):
            yield style, printable(to_ascii(text) if ascii_only else text)

    def _lines(self, width: int, ascii_only: bool) -> Iterator[Line]:
        encoded = to_ascii if ascii_only else str
        for paragraph in self._introduction():
            yield from wrapped(encoded(paragraph), width)
        yield "sentence", ""
        for stage in self.stages:
            yield from stage_lines(stage.in_ascii if ascii_only else stage, self.picks, width)
        yield "heading", "did it help?"
        yield from wrapped(encoded(self.verdict), width)

    def __str__(self) -> str:
        return "\n".join(text for _, text in self.lines())

    def __repr__(self) -> str:
        return f"Explanation({len(self.stages)} equations; C {number(self.before)} → {number(self.after)}; print it)"

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.text import Text

        for style, text in self.lines(options.max_width, options.ascii_only):
            yield Text(text, style=RICH_STYLES[style], no_wrap=True, overflow="ignore")

    def _repr_html_(self) -> str:
        stages = "".join(stage_html(stage, self.picks) for stage in self.stages)
        head = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in self._introduction())
        end = f"<section><h4>did it help?</h4><p>{escape(self.verdict)}</p></section>"
        return f"{STYLE}<div class='glassnet-step'>{head}{stages}{end}</div>"

    def html(self) -> str:
        """A complete HTML page that needs no internet connection: the step as the page of `glassnet play` shows it.

        With samples as rows, or if the network is not available, the page is plain and has no script.
        """
        if self.page is None or self.notation == "rows":
            return PAGE.format(self._repr_html_())
        return self.page(self)

    def rows(self) -> Explanation:
        """The same explanation with samples as rows."""
        return replace(self, stages=[stage.transposed for stage in self.stages], notation="rows")


def explain_step(
    model: Model, data: tuple[Any, Any, Any], lr: float, optimizer: Any, notation: str, dtype: Any
) -> Explanation:
    """Explain one training step on `data` (x, y, sample_weight); see Inspection.explain_step."""
    if notation not in NOTATIONS:
        raise unknown_name("notation", notation, NOTATIONS)
    entry, lr = optimizers.optimizer(optimizer), positive("lr", lr)
    prepared = prepare_pass(model, data, dtype, step=StepOptions(entry, weighted=data[2] is not None))
    twin, m = prepared.model, prepared.executor.m
    prepared.executor.scalars = first_step_scalars(prepared.program, twin.architecture, lr, m, twin.dtype)
    about = (
        f"One step of {entry.name} at rate {lr:g} on {samples(m)}, {model_text(model)}, {conventions(prepared, model)}"
    )
    explanation = explained(prepared, general_quantities(model, data, dtype), about)
    return explanation.rows() if notation == "rows" else explanation


def explained(
    prepared: PreparedPass, general: Mapping[str, Array], about: str, step_text: str = "first step"
) -> Explanation:
    """Run a prepared step and explain it; `general` are its quantities without the shortcut of a pair."""
    parameters = prepared.model.parameters
    first = {name: parameters[name].copy() for name in parameters}
    evaluations, trace = _run_equations(prepared)
    texts = StageText(prepared.model.architecture, prepared.program, general, selected(trace), step_text)
    return Explanation(about, texts.stages(evaluations), trace, *_costs(prepared, first))


def conventions(prepared: PreparedPass, model: Model) -> str:
    """What the numbers of a pass of `model` were computed in, and how to read them."""
    rounding = model.architecture.precision
    left_out = f", without the rounding of {rounding}," if rounding and not prepared.program.is_rounded else ""
    return (
        f"computed in {prepared.precision}{left_out} by engine {prepared.model.engine!r}. C, dW and db are means over "
        "the samples, δ is each sample's own. Layers count from 1, neurons and samples from 0."
    )


def _run_equations(prepared: PreparedPass) -> tuple[list[Evaluation], Trace]:
    """Run the equations one by one and copy what each read and wrote; the trace is taken before the update."""
    program, executor = prepared.program, prepared.executor
    evaluations: list[Evaluation] = []
    trace: Trace | None = None
    for position in range(program.head("batch"), len(program.rows)):
        row = program.rows[position]
        if row.label == "update" and trace is None:
            trace = Trace.of(executor, f"the quantities of the step, {samples(executor.m)}, {prepared.precision}")
        reads = {name: executor.columns(name).copy() for name in row.reads}
        executor.run(position, position + 1)
        writes = {name: executor.columns(name).copy() for name in row.writes}
        evaluations.append(Evaluation(program, row, reads, writes, executor.scalars))
    assert trace is not None
    return evaluations, trace


def _costs(prepared: PreparedPass, first: dict[str, Array]) -> tuple[float, float, float]:
    """C before and after on the same batch, and Σ gradient·change."""
    program, executor, parameters = prepared.program, prepared.executor, prepared.model.parameters
    before = float(executor.rows("C")[0])
    gradients = {name: executor.columns(f"d{name}") for name in parameters}
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # of numbers near the dtype's ends
        predicted = sum(float((gradients[name] * (parameters[name] - first[name])).sum()) for name in parameters)
    executor.run(program.head("batch"), program.writer("C") + 1)
    return before, float(executor.rows("C")[0]), predicted


def general_quantities(model: Model, data: Data, dtype: Any, at_step: int = 0) -> dict[str, Array]:
    """Every quantity by the general equations, without the shortcut of a pair; the randomness is that of a step."""
    prepared = prepare_pass(model, data, dtype, training=True, shortcut=False)
    prepared.executor.step = at_step
    prepared.executor.run()
    return dict(Trace.of(prepared.executor, ""))


def selected(trace: Trace) -> Picks:
    """The neurons and samples to show where there are too many: the neurons with the largest errors and inputs."""
    picks: dict[Axis, list[int]] = {"m": list(range(min(trace.m, SAMPLES)))}
    names = ["a0", *(f"delta{layer}" for layer in range(1, len(trace)) if f"delta{layer}" in trace)]
    for layer, name in enumerate(names):
        sizes = _sizes(trace[name])
        neurons = np.argsort(-sizes, kind="stable").tolist()
        if len(sizes) > MAX_NEURONS:
            if f"da{layer}" in trace:  # first the neuron that receives the largest error, though its gate may be closed
                neurons.insert(0, int(_sizes(trace[f"da{layer}"]).argmax()))
            neurons = list(dict.fromkeys(neurons))[:SELECTED_NEURONS]
        picks[layer] = sorted(neurons)
    return picks


def selection_text(trace: Trace) -> str:
    """Which neurons and samples are shown, and why; empty where all of them are."""
    selections: list[str] = []
    if max(trace[f"z{layer}"].shape[0] for layer in range(1, len(trace)) if f"z{layer}" in trace) > MAX_NEURONS:
        selections.append(
            f"of a layer of more than {MAX_NEURONS} neurons the {SELECTED_NEURONS} with the largest |δ|, among them "
            "the one that receives the largest |∂c/∂a|"
        )
    if trace["a0"].shape[0] > MAX_NEURONS:
        selections.append(f"of more than {MAX_NEURONS} inputs the {SELECTED_NEURONS} with the largest |a0|")
    if trace.m > SAMPLES:
        selections.append(f"of {trace.m:,} samples the first {SAMPLES}, which also decide what is largest")
    if not selections:
        return ""
    return (
        f"To fit a screen, large arrays are shown in part: {'; '.join(selections)}. The numbers beside and above the "
        "brackets are indices; the equations were computed with all numbers."
    )


def _sizes(values: Array) -> Array:
    """The largest absolute value of each neuron in the samples that are shown, the first ones."""
    return np.asarray(np.abs(values[:, :SAMPLES]).max(axis=1))
