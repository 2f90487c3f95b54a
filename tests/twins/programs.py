"""Programs for the twins: one for every row of the tables, random ones, and both executors on the same numbers."""

from __future__ import annotations

import ctypes
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from glassnet.batches.mini_batches import StepRange
from glassnet.batches.sources import Sources
from glassnet.engine.executor import Compiled
from glassnet.program.architecture import architecture
from glassnet.program.buffers import Memory, new_vectors
from glassnet.program.builder import StepOptions, build
from glassnet.program.parameters import Parameters
from glassnet.program.program import Program
from glassnet.tables.activations import ACTIVATIONS, Softmax
from glassnet.tables.costs import COSTS, Cost, cost
from glassnet.tables.layers import LAYERS, BatchNorm, Dropout, Layer, LayerNorm
from glassnet.tables.optimizers import OPTIMIZERS, optimizer

DTYPES = ("float32", "float64")
EXTRA = 9  # samples that a source has beyond a batch
FIRST_STEP = 2**32 - 2  # so that the step wraps round in the hash of dropout
Array = np.ndarray[Any, Any]


class Case(NamedTuple):
    """The words that make a program, and the numbers it runs on. `gain` is how large the weights are."""

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
    source: str = "float64"
    gain: float = 1.0

    def program(self) -> Program:
        """The plain lowering of a training step."""
        found = architecture(self.layers, self.activations, self.cost, self.l1, self.l2)
        clipping = {"clip_norm": self.clip_norm is not None, "clip_value": self.clip_value is not None}
        row = optimizer(self.optimizer)
        return build(
            found, StepOptions(row, weighted=self.weighted, labels=self.labels, factors=self.factors, **clipping)
        )

    @property
    def groups(self) -> tuple[int, ...]:
        """How many outputs each distribution has."""
        outputs = [width for width in self.layers if isinstance(width, int)][-1]
        return getattr(self.activations[-1], "groups", ()) or (outputs,)


# One case for every row of the tables ---------------------------------------------------------------------------------


def has_place(row: type[Layer]) -> bool:
    """Whether a layer row may also stand before an activation."""
    return "before_activation" in {field.name for field in fields(row)}


def fitting(name: str) -> list[str]:
    """The activations that a cost may follow; those that it is a pair with come first."""
    row = COSTS[name]()
    found = [word for word, kind in ACTIVATIONS.items() if row.outputs.contains(kind().range)]
    return sorted(found, key=lambda word: word not in row.pairs)


STRICT: dict[str, Any] = {"l1": 0.01, "l2": 0.1, "weighted": True, "clip_value": 0.02, "clip_norm": 0.1}
TABLE: dict[str, Case] = {
    **{name: Case((6, 5, 4, 3), ("tanh", name, "linear")) for name in ACTIVATIONS},
    **{f"{name} at the output": Case((6, 17, 4), ("tanh", name), weighted=True) for name in ACTIVATIONS},
    **{f"{name} of {end}": Case((6, 4), (end,), name) for name in COSTS for end in fitting(name)[:1]},
    **{f"{name} of {end}": Case((6, 4), (end,), name, weighted=True) for name in COSTS for end in fitting(name)[1:2]},
    **{name: Case((6, 5, 1), ("tanh", "tanh"), optimizer=name) for name in OPTIMIZERS},
    **{f"{name}, strict": Case((6, 5, 2), ("tanh", "tanh"), optimizer=name, **STRICT) for name in OPTIMIZERS},
    **{name: Case((6, row(), 5, row(), 4), ("tanh", "tanh")) for name, row in LAYERS.items()},
    **{
        f"{name} before": Case((6, 5, row(before_activation=True), 1, row(before_activation=True)), ("gelu", "softmax"))
        for name, row in LAYERS.items()
        if has_place(row)
    },
    "groups": Case((6, 24, 10), (Softmax((3, 20, 1)), Softmax((3, 5, 2))), "categorical_cross_entropy", weighted=True),
    "wide groups": Case((6, 58), (Softmax((17, 1, 40)),), "categorical_cross_entropy", m=37),
    "groups, general": Case((6, 9, 20), ("tanh", Softmax((1, 17, 2)))),
    "labels": Case((6, 5, 4), ("relu", "softmax"), "categorical_cross_entropy", labels=True, source="uint8"),
}
NAMED = [(name, dtype) for name in TABLE for dtype in DTYPES]


# Random cases ---------------------------------------------------------------------------------------------------------


def layer_rows(before: bool, calm: bool) -> st.SearchStrategy[list[Layer]]:
    """Up to two layers, all before or all after an activation; `calm`: none that makes numbers much larger."""
    rows = [row for row in LAYERS.values() if row is not Dropout and (not before or has_place(row))]
    rows = [row for row in rows if not (calm and row in (BatchNorm, LayerNorm))]
    made = st.sampled_from(rows).map(lambda row: row(before_activation=True) if before else row())
    rates = st.sampled_from((0.0, 0.1, 0.5) if calm else (0.0, 0.1, 0.5, 0.95))
    return st.lists(made if before else made | rates.map(Dropout), max_size=2)


@st.composite
def grouped(draw: Any, words: Any, widths: list[int], least: int) -> tuple[Any, ...]:
    """The activations, each softmax whole or by groups of at least `least`."""
    found: list[Any] = list(words)
    for place, word in enumerate(words):
        if word == "softmax" and draw(st.booleans()):
            left, groups = widths[place], []
            while left:
                groups.append(draw(st.integers(least, left)))
                groups[-1] += left - groups[-1] if left - groups[-1] < least else 0
                left -= groups[-1]
            found[place] = Softmax(tuple(groups))
    return tuple(found)


@st.composite
def cases(draw: Any, calm: bool = False) -> Case:
    """A random case. `calm`: one that does not make a rounding error grow by itself (jumps, exp of exp)."""
    known = [name for name, row in ACTIVATIONS.items() if row().smooth or not calm]
    name = draw(st.sampled_from(sorted(COSTS)))
    end = draw(st.sampled_from([word for word in fitting(name) if word in known]))
    hidden = draw(st.lists(st.sampled_from([word for word in known if not (calm and word == "exp")]), max_size=3))
    layers = [draw(st.integers(1, 17)), *draw(layer_rows(False, calm))]
    for index in range(len(hidden) + 1):
        changed = index < len(hidden) or COSTS[name].outputs.low == -np.inf
        rows = draw(layer_rows(True, calm)) + (draw(layer_rows(False, calm)) if changed else [])
        least = 2 if calm and (*hidden, end)[index] == "softmax" else 1  # the softmax of one output is 1, 1 − a is 0
        layers += [draw(st.integers(least, 17)), *rows]
    widths = [width for width in layers if isinstance(width, int)]
    activations = draw(grouped((*hidden, end), widths[1:], 2 if calm else 1))
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
        factors=draw(st.sampled_from(((), (0.5, 0.0, 1.0, 2.0)[: len(hidden) + 1]))),
        source=draw(st.sampled_from(("float64", "float32", "uint8"))),
        gain=0.5 if calm else draw(st.sampled_from((0.3, 1.0, 5.0))),
    )


# Numbers --------------------------------------------------------------------------------------------------------------


def sources(case: Case) -> Sources:
    """x (rows apart in memory), y in the cost's domain, its ends included, and weights, some of them 0."""
    rng, row, samples = np.random.default_rng(case.seed), cost(case.cost), case.m + EXTRA
    widths = [width for width in case.layers if isinstance(width, int)]
    values = rng.normal(size=(samples, widths[0] + 3)) * (1 if case.source != "uint8" else 0)
    x = (values + rng.integers(0, 3, values.shape) * (case.source == "uint8")).astype(case.source)
    weights = np.where(rng.random(samples) < 0.2, 0, rng.random(samples) + 0.1) if case.weighted else None
    return Sources(x[:, 1:-2], _targets(case, row, rng, (samples, widths[-1])), weights)


def _targets(case: Case, row: Cost, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    if case.labels:
        return rng.integers(0, shape[1], shape[0])
    if row.target_sum is not None:
        return np.hstack([rng.dirichlet(np.full(size, 0.5), shape[0]) for size in case.groups])
    return np.clip(rng.normal(0.5, 1, shape), row.targets.low, row.targets.high)


def schedule(case: Case, program: Program, batches: Any, lr: float = 0.03) -> StepRange:
    """The given (first, m) of batches, in a random order of the samples, with their step scalars."""
    order, batches = np.random.default_rng(case.seed + 1).permutation(case.m + EXTRA), np.array(batches, np.int64)
    found: dict[str, Any] = {"l1": case.l1, "l2": case.l2, "clip norm": case.clip_norm, "clip value": case.clip_value}
    weights = sources(case).weights
    if weights is not None:
        sums = np.array([weights[order[first : first + m]].sum() for first, m in batches])
        found["weight factor"] = batches[:, 1] / np.where(sums > 0, sums, np.inf)
    steps = np.arange(len(batches)) + 1.0
    for number, (factor, decays) in enumerate(program.groups):
        scalars = program.optimizer.scalars(steps, np.full(len(steps), lr * factor), float(decays))
        found |= {f"{word} {number}": values for word, values in scalars.items()}
    table = np.empty((len(steps), len(program.scalars)), case.dtype)
    for column, name in enumerate(program.scalars):
        table[:, column] = found[name]
    return StepRange(order, batches, table, FIRST_STEP)


def batches(case: Case, steps: int) -> list[tuple[int, int]]:
    """Whole batches from several places, and every third one smaller."""
    return [(number % EXTRA, max(1, case.m // 3) if number % 3 == 2 else case.m) for number in range(steps)]


def prepared(executor: type[Memory], program: Program, case: Case, started: bool = False) -> Any:
    """An executor on parameters drawn from the seed. `started`: statistics and states as after some steps."""
    parameters, statistics = (Parameters(found, case.dtype) for found in (program.segments, program.statistics))
    rng, held = np.random.default_rng(case.seed + 2), new_vectors(program, parameters, statistics)
    for segment in program.segments:
        spread = case.gain / np.sqrt(segment.shape[0]) if segment.is_weight else 0.3
        parameters.rows(segment.name)[...] = (segment.initial or 0) + spread * rng.normal(size=segment.shape)
    for segment in program.statistics:
        statistics.rows(segment.name)[...] = segment.initial + 0.2 * rng.random(segment.shape) * started
    for state in held.states:
        for name in state:
            state.rows(name)[...] = 0.1 * rng.random(state.rows(name).shape) * started
    runner = executor(program, held, case.m, case.seed)
    runner.bind(sources(case))
    return runner


# The compiled executor, row by row and as several threads -------------------------------------------------------------


def begin(compiled: Compiled, plan: StepRange, number: int) -> None:
    """Make ready for one step, as Reference.begin does."""
    first, compiled.m = map(int, plan.batches[number])
    scalars = plan.scalars[number : number + 1]
    compiled.context[2:7] = (
        *(compiled.m, first, plan.first_step + number),
        *(scalars.ctypes.data, plan.order.ctypes.data),
    )


def run_row(compiled: Compiled, number: int, threads: Any = (0,)) -> None:
    """Run one row on what the buffers hold, as the given threads one after another."""
    row = compiled.table[number]
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(int(row[0]))
    for thread in threads:
        compiled.context[:2] = thread, len(threads)
        kernel(row.ctypes.data, compiled.context.ctypes.data)
    compiled.context[:2] = 0, 1


def held_vectors(runner: Memory) -> dict[str, Array]:
    """Every vector that an executor writes to, padding included."""
    held = runner.vectors
    kept = {"parameters": held.parameters, "gradients": held.gradients, "statistics": held.statistics}
    kept |= {f"state{number}": state for number, state in enumerate(held.states)}
    work = {"work": runner.work[False], "wide work": runner.work[True]}
    return {name: vectors.vector for name, vectors in kept.items()} | work


def after_steps(executor: type[Memory], program: Program, case: Case, steps: int) -> tuple[Array, dict[str, Array]]:
    """The costs of some steps, and what outlives them: parameters, statistics, states."""
    runner, plan = prepared(executor, program, case), schedule(case, program, batches(case, steps))
    costs = np.full(steps, np.nan)
    assert runner.steps(plan, costs) == steps
    lasting = {name: vector for name, vector in held_vectors(runner).items() if name[:5] in ("param", "stati", "state")}
    return costs, lasting


def bits(values: Any) -> bytes:
    """The bits of an array, with one pattern for every NaN."""
    values = np.array(values)
    values[np.isnan(values)] = np.nan
    return values.tobytes()
