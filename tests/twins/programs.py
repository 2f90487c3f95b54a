"""Programs for the twins: one per entry of the registries, random ones, and both executors on the same numbers."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from glassnet.batches.mini_batches import StepRange
from glassnet.batches.sources import Sources
from glassnet.engine.executor import Compiled
from glassnet.engine.layout import CONTEXT, ROW
from glassnet.program.architecture import architecture, fits
from glassnet.program.buffers import Memory, new_vectors
from glassnet.program.builder import build
from glassnet.program.layer_positions import segments
from glassnet.program.parameters import Parameters, Segment
from glassnet.program.precision import MIXED
from glassnet.program.program import Program
from glassnet.program.updates import StepOptions
from glassnet.tables.activations import ACTIVATIONS, Softmax
from glassnet.tables.costs import COSTS, Cost, cost
from glassnet.tables.embeddings import Embedding, PeriodicEmbedding, PiecewiseLinear
from glassnet.tables.layer import Layer
from glassnet.tables.layers import LAYERS, BatchNorm, Dropout, LayerNorm
from glassnet.tables.optimizers import OPTIMIZERS, optimizer
from tests.twins.kernel_calls import KERNEL_TYPE

DTYPES = ("float32", "float64")
EXTRA_SAMPLES = 9  # of a source, beyond a batch
FIRST_STEP = 2**32 - 2  # so that the step overflows in the hash of dropout
Array = np.ndarray[Any, Any]


class Case(NamedTuple):
    """The settings of a program and of the numbers that it runs on; `gain` is the scale of the weights."""

    layers: tuple[Any, ...]
    activations: tuple[Any, ...]
    cost: Any = "quadratic"
    optimizer: Any = "sgd"
    dtype: str = "float64"
    m: int = 19
    seed: int = 0
    l1: float = 0.0
    l2: float = 0.0
    weighted: bool = False
    labels: bool = False
    clip_norm: float | None = None
    clip_value: float | None = None
    factors: tuple[float, ...] = ()
    max_norm: float | None = None
    dropout_schedule: bool = False
    source: str = "float64"
    gain: float = 1.0
    mixed: bool = False

    def program(self) -> Program:
        """The plain lowering of a training step."""
        network = architecture(self.layers, self.activations, self.cost, self.l1, self.l2)
        network = network._replace(precision=MIXED if self.mixed and self.dtype == "float32" else None)
        clipping = {"clip_norm": self.clip_norm is not None, "clip_value": self.clip_value is not None}
        update = optimizer(self.optimizer)
        parameters = segments(network)[0] if self.factors else ()
        factors = tuple(self.factors[max(segment.layer, 1) - 1] for segment in parameters)
        more = {"max_norm": self.max_norm is not None, "dropout_schedule": self.dropout_schedule}
        step = StepOptions(update, weighted=self.weighted, labels=self.labels, factors=factors, **clipping, **more)
        return build(network, step)

    @property
    def groups(self) -> tuple[int, ...]:
        """The number of outputs of each distribution."""
        outputs = [width for width in self.layers if isinstance(width, int)][-1]
        return getattr(self.activations[-1], "groups", ()) or (outputs,)


# One case for every entry of the registries ---------------------------------------------------------------------------


def may_precede_activation(layer: type[Layer]) -> bool:
    """Whether a layer may also act before an activation."""
    return "before_activation" in {field.name for field in fields(layer)}


def placed(layer: Layer) -> tuple[Any, ...]:
    """The layer on x and behind a dense layer, or on x alone where it acts on nothing else."""
    return (layer, 5) if layer.on_inputs else (layer, 5, layer)


def fitting(cost_name: str) -> list[str]:
    """The activations that fit a cost; those that it has pair rows with come first."""
    entry = COSTS[cost_name]()
    names = [name for name, kind in ACTIVATIONS.items() if fits(entry, kind())]
    return sorted(names, key=lambda name: name not in entry.pairs)


STRICT: dict[str, Any] = {
    "l1": 0.01,
    "l2": 0.1,
    "weighted": True,
    "clip_value": 0.02,
    "clip_norm": 0.1,
    "max_norm": 1.0,
}
WAVES = PeriodicEmbedding((4, 0), frequencies=5, outputs=2)
TABLE: dict[str, Case] = {
    **{name: Case((6, 5, 4, 3), ("tanh", name, "linear")) for name in ACTIVATIONS},
    **{f"{name} at the output": Case((6, 17, 4), ("tanh", name), weighted=True) for name in ACTIVATIONS},
    **{f"{name} of {end}": Case((6, 4), (end,), name) for name in COSTS for end in fitting(name)[:1]},
    **{f"{name} of {end}": Case((6, 4), (end,), name, weighted=True) for name in COSTS for end in fitting(name)[1:2]},
    **{name: Case((6, 5, 1), ("tanh", "tanh"), optimizer=name) for name in OPTIMIZERS},
    **{f"{name}, strict": Case((6, 5, 2), ("tanh", "tanh"), optimizer=name, **STRICT) for name in OPTIMIZERS},
    **{name: Case((6, *placed(layer()), 4), ("tanh", "tanh")) for name, layer in LAYERS.items()},
    "some columns": Case((6, WAVES, Embedding((7, 1, 3), (2, 1, 5), 3), 5, 4), ("tanh", "tanh")),
    "many columns": Case((40, Embedding((7, 4), (3, 30), 3), 5, 4), ("tanh", "tanh")),  # runs of them are copied
    "one wave": Case((6, PeriodicEmbedding((3,), frequencies=1, outputs=2), 5, 4), ("tanh", "tanh"), m=37),
    **{
        f"{name} before": Case(
            (6, 5, kind(before_activation=True), 3, kind(before_activation=True)), ("gelu", "softmax")
        )
        for name, kind in LAYERS.items()
        if may_precede_activation(kind)
    },
    "max norm": Case((6, 17, 4), ("tanh", "tanh"), optimizer="momentum", max_norm=0.9, gain=2.0),
    "scheduled dropout": Case((6, Dropout(0.4), 5, Dropout(0.9), 4), ("tanh", "tanh"), dropout_schedule=True, m=37),
    "groups": Case((6, 24, 10), (Softmax((3, 20, 1)), Softmax((3, 5, 2))), "categorical_cross_entropy", weighted=True),
    "wide groups": Case((6, 58), (Softmax((17, 1, 40)),), "categorical_cross_entropy", m=37),
    "groups, general": Case((6, 9, 20), ("tanh", Softmax((1, 17, 2)))),
    "mixed precision": Case(
        (6, Dropout(0.4), 50, 9, 1, 4), ("relu", "tanh", "gelu", "softmax"), optimizer="adam", mixed=True
    ),
    "labels": Case((6, 5, 4), ("relu", "softmax"), "categorical_cross_entropy", labels=True, source="uint8"),
}
NAMED = [(name, dtype) for name in TABLE for dtype in DTYPES]


# Random cases ---------------------------------------------------------------------------------------------------------


def layer_lists(before: bool, stable: bool) -> st.SearchStrategy[list[Layer]]:
    """Up to two layers, all before or all after an activation; `stable`: none that makes numbers much larger."""
    kinds = [kind for kind in LAYERS.values() if kind is not Dropout and not kind.on_inputs]
    kinds = [kind for kind in kinds if not before or may_precede_activation(kind)]
    kinds = [kind for kind in kinds if not (stable and kind in (BatchNorm, LayerNorm))]
    made = st.sampled_from(kinds).map(lambda kind: kind(before_activation=True) if before else kind())
    rates = st.sampled_from((0.0, 0.1, 0.5) if stable else (0.0, 0.1, 0.5, 0.95))
    return st.lists(made if before else made | rates.map(Dropout), max_size=2)


@st.composite
def input_layers(draw: Any, width: int, stable: bool) -> list[Layer]:
    """Layers on x of that width: maybe embeddings of some columns, in either order, then others."""
    entries: list[Layer] = []
    for kind in draw(st.permutations([PeriodicEmbedding, PiecewiseLinear, Embedding])) if draw(st.booleans()) else ():
        columns = tuple(draw(st.permutations(range(width)))[: draw(st.integers(1, width))])
        levels = tuple(draw(st.lists(st.integers(1, 4), min_size=len(columns), max_size=len(columns))))
        entry: Layer = Embedding(levels, columns, draw(st.integers(1, 3)))
        if kind is PeriodicEmbedding:
            entry = PeriodicEmbedding(columns, draw(st.integers(1, 5)), draw(st.integers(2, 4)))
        elif kind is PiecewiseLinear:
            entry = PiecewiseLinear(columns, draw(st.integers(1, 5)))
        entries.append(entry)
        width = entry.output_width(width)
    return entries + draw(layer_lists(False, stable))


@st.composite
def grouped(draw: Any, names: Any, widths: list[int], min_size: int) -> tuple[Any, ...]:
    """The activations, each softmax whole or in groups of at least `min_size`."""
    activations: list[Any] = list(names)
    for index, name in enumerate(names):
        if name == "softmax" and draw(st.booleans()):
            rest, groups = widths[index], []
            while rest:
                groups.append(draw(st.integers(min_size, rest)))
                groups[-1] += rest - groups[-1] if rest - groups[-1] < min_size else 0
                rest -= groups[-1]
            activations[index] = Softmax(tuple(groups))
    return tuple(activations)


@st.composite
def cases(draw: Any, stable: bool = False) -> Case:
    """A random case; a `stable` one does not amplify rounding errors by itself (jumps, exp of exp)."""
    known = [name for name, kind in ACTIVATIONS.items() if kind().smooth or not stable]
    name = draw(st.sampled_from(sorted(COSTS)))
    end = draw(st.sampled_from([end for end in fitting(name) if end in known]))
    hidden = draw(st.lists(st.sampled_from([name for name in known if not (stable and name == "exp")]), max_size=3))
    inputs = draw(st.integers(1, 17))
    layers = [inputs, *draw(input_layers(inputs, stable))]
    for index in range(len(hidden) + 1):
        changed = index < len(hidden) or COSTS[name].outputs.low == -np.inf
        entries = draw(layer_lists(True, stable)) + (draw(layer_lists(False, stable)) if changed else [])
        min_size = 2 if (*hidden, end)[index] == "softmax" else 1  # a softmax of one output is refused
        layers += [draw(st.integers(min_size, 17)), *entries]
    widths = [width for width in layers if isinstance(width, int)]
    activations = draw(grouped((*hidden, end), widths[1:], 2 if stable else 1))
    whole = widths[-1] > 1 and not getattr(activations[-1], "groups", ())
    return Case(
        layers=tuple(layers),
        activations=activations,
        cost=name,
        optimizer=draw(st.sampled_from(sorted(OPTIMIZERS))),
        dtype=draw(st.sampled_from(DTYPES)),
        m=draw(st.integers(1, 41)),
        seed=draw(st.integers(0, 999)),
        l1=draw(st.sampled_from((0, 0.01))),
        l2=draw(st.sampled_from((0, 0.1))),
        weighted=draw(st.booleans()),
        labels=COSTS[name].target_sum is not None and whole and draw(st.booleans()),
        clip_norm=draw(st.sampled_from((None, 0.1, 100.0))),
        clip_value=draw(st.sampled_from((None, 0.01))),
        max_norm=draw(st.sampled_from((None, 0.5))),
        dropout_schedule=draw(st.booleans()),
        factors=draw(st.sampled_from(((), (0.5, 0.0, 1.0, 2.0)[: len(hidden) + 1]))),
        source=draw(st.sampled_from(("float64", "float32", "uint8"))),
        gain=0.5 if stable else draw(st.sampled_from((0.3, 1.0, 5.0))),
    )


# Numbers --------------------------------------------------------------------------------------------------------------


def sources(case: Case) -> Sources:
    """x (rows not contiguous), y in the cost's domain, bounds included, and weights, some of them 0."""
    rng, entry, samples = np.random.default_rng(case.seed), cost(case.cost), case.m + EXTRA_SAMPLES
    widths = [width for width in case.layers if isinstance(width, int)]
    values = rng.normal(size=(samples, widths[0] + 3)) * (1 if case.source != "uint8" else 0)
    x = (values + rng.integers(0, 3, values.shape) * (case.source == "uint8")).astype(case.source)
    weights = np.where(rng.random(samples) < 0.2, 0, rng.random(samples) + 0.1) if case.weighted else None
    return Sources(x[:, 1:-2], _targets(case, entry, rng, (samples, widths[-1])), weights)


def _targets(case: Case, entry: Cost, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    if case.labels:
        return rng.integers(0, shape[1], shape[0])
    if entry.target_sum is not None:
        return np.hstack([rng.dirichlet(np.full(size, 0.5), shape[0]) for size in case.groups])
    return np.clip(rng.normal(0.5, 1, shape), entry.targets.low, entry.targets.high)


def schedule(case: Case, program: Program, batches: Any, lr: float = 0.03) -> StepRange:
    """The given (first, m) of batches, in a random order of the samples, with their step scalars."""
    order, batches = (
        np.random.default_rng(case.seed + 1).permutation(case.m + EXTRA_SAMPLES),
        np.array(batches, np.int64),
    )
    columns: dict[str, Any] = {"l1": case.l1, "l2": case.l2, "clip norm": case.clip_norm, "clip value": case.clip_value}
    columns |= {"max norm": case.max_norm, "dropout factor": np.linspace(1, 0.1, len(batches))}
    weights = sources(case).weights
    if weights is not None:
        sums = np.array([weights[order[first : first + m]].sum() for first, m in batches])
        columns["weight factor"] = batches[:, 1] / np.where(sums > 0, sums, np.inf)
    steps = np.arange(len(batches)) + 1.0
    for number, (factor, decays) in enumerate(program.groups):
        scalars = program.optimizer.scalars(steps, np.full(len(steps), lr * factor), decays)
        columns |= {f"{name} {number}": values for name, values in scalars.items()}
    table = np.empty((len(steps), len(program.scalars)), case.dtype)
    for column, name in enumerate(program.scalars):
        table[:, column] = columns[name]
    return StepRange(order, batches, table, FIRST_STEP)


def batches(case: Case, steps: int) -> list[tuple[int, int]]:
    """Whole batches at several positions, every third one smaller."""
    return [(number % EXTRA_SAMPLES, max(1, case.m // 3) if number % 3 == 2 else case.m) for number in range(steps)]


def middle(segment: Segment) -> float:
    """What random parameters scatter around: the first value of those that are not drawn."""
    return segment.initial if isinstance(segment.initial, float) else 0.0


def prepared(executor: type[Memory], program: Program, case: Case, started: bool = False) -> Any:
    """An executor on parameters drawn from the seed. `started`: statistics and states as after some steps."""
    parameters, statistics = (Parameters(each, case.dtype) for each in (program.segments, program.statistics))
    rng, memory = np.random.default_rng(case.seed + 2), new_vectors(program, parameters, statistics)
    for segment in program.segments:
        spread = case.gain / np.sqrt(segment.shape[0]) if segment.is_weight else 0.3
        parameters.rows(segment.name)[...] = middle(segment) + spread * rng.normal(size=segment.shape)
    for segment in program.statistics:
        statistics.rows(segment.name)[...] = middle(segment) + 0.2 * rng.random(segment.shape) * started
    for state in memory.states:
        for name in state:
            state.rows(name)[...] = 0.1 * rng.random(state.rows(name).shape) * started
    runner = executor(program, memory, case.m, case.seed)
    runner.bind(sources(case))
    return runner


# The compiled executor, row by row and as several threads -------------------------------------------------------------


def begin(compiled: Compiled, plan: StepRange, number: int) -> None:
    """Prepare one step, as Reference.begin does."""
    first, compiled.m = map(int, plan.batches[number])
    context, scalars = compiled.context, plan.scalars[number : number + 1]
    context[CONTEXT.samples], context[CONTEXT.first_sample] = compiled.m, first
    context[CONTEXT.step], context[CONTEXT.scalars] = plan.first_step + number, scalars.ctypes.data
    context[CONTEXT.order] = plan.order.ctypes.data


def assign(runner: Memory, name: str, rows: Any) -> None:
    """Write a quantity, samples as rows; one that is rounded to bfloat16 has no view to write to."""
    if runner.pairings[name]:
        runner.set(name, np.transpose(rows))
    else:
        runner.rows(name)[...] = rows


def run_row(compiled: Compiled, number: int, threads: Any = (0,)) -> None:
    """Run one row on what the buffers hold, as the given threads one after another."""
    row, context = compiled.table[number], compiled.context
    kernel = KERNEL_TYPE(int(row[ROW.kernel]))
    for thread in threads:
        context[CONTEXT.thread], context[CONTEXT.threads] = thread, len(threads)
        kernel(row.ctypes.data, context.ctypes.data)
    context[CONTEXT.thread], context[CONTEXT.threads] = 0, 1


def all_memory(runner: Memory) -> dict[str, Array]:
    """Every vector that an executor writes to, padding included."""
    vectors = runner.vectors
    parts = {"parameters": vectors.parameters, "gradients": vectors.gradients, "statistics": vectors.statistics}
    parts |= {f"state{number}": state for number, state in enumerate(vectors.states)}
    work = {"work": runner.work[False], "float64 work": runner.work[True]}
    return {name: part.vector for name, part in parts.items()} | work


def after_steps(executor: type[Memory], program: Program, case: Case, steps: int) -> tuple[Array, dict[str, Array]]:
    """The costs of some steps, and the vectors that outlive them: parameters, statistics, states."""
    runner, plan = prepared(executor, program, case), schedule(case, program, batches(case, steps))
    costs = np.full(steps, np.nan)
    assert runner.steps(plan, costs) == steps
    lasting = {name: vector for name, vector in all_memory(runner).items() if name[:5] in ("param", "stati", "state")}
    return costs, lasting


def bits(values: Any) -> bytes:
    """The bits of an array, with one pattern for every NaN."""
    values = np.array(values)
    if values.dtype.kind == "f":
        values[np.isnan(values)] = np.nan
    return values.tobytes()
