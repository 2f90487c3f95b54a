"""From an architecture to the rows of one step, in the order in which a person would work them out.

Forward, cost, then back: BP1 at the output, BP4 and BP3 for its gradients, BP2 to the layer below, and so on; last the
update (updates.py). Layers between dense layers add their own rows (tables/layers.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from numpy import sign

from glassnet.program.architecture import Architecture
from glassnet.program.layer_positions import Place, PlacedRows, places, segments
from glassnet.program.program import Program, error_name, symbol
from glassnet.program.row_list import RowList
from glassnet.program.updates import Step, add_update
from glassnet.tables.rows import Value

__all__ = ["Step", "build", "segments"]

Formulas = dict[str, Callable[[Value, Value], Value]]
PENALTIES: Formulas = {"l1": lambda w, l1: l1 * abs(w), "l2": lambda w, l2: l2 * (0.5 * (w * w))}
SLOPES: Formulas = {"l1": lambda w, l1: l1 * sign(w), "l2": lambda w, l2: l2 * w}


def build(
    architecture: Architecture,
    step: Step | None = None,
    *,
    training: bool = False,
    weighted: bool = False,
    shortcut: bool = True,
) -> Program:
    """The plain program: every quantity has its own buffer.

    With a `step` it is a whole training step. Without, it is forward, cost and gradients on given x and y: the rows of
    inference, or those of training where `training` is true. Without the `shortcut`, a pair of output activation and
    cost (softmax with cross-entropy) goes the long way, by ∂c/∂a and the activation's derivative.
    """
    training, weighted = (training, weighted) if step is None else (True, step.weighted)
    return _Builder(architecture, step, training, weighted, shortcut).program()


def sized(groups: tuple[int, ...]) -> tuple[int, ...]:
    """The settings of a softmax's rows: how many groups there are, and their sizes."""
    return (len(groups), *groups)


class _Passed(NamedTuple):
    """A layer that the forward pass went through: what it read and what it gave."""

    rows: PlacedRows
    place: Place
    x: str
    out: str


class _Builder:
    """Adds the rows; `before[l]` and `after[l]` are the layers around the activation of dense layer l (0: x itself)."""

    def __init__(
        self, architecture: Architecture, step: Step | None, training: bool, weighted: bool, shortcut: bool
    ) -> None:
        self.architecture, self.step, self.training, self.shortcut = architecture, step, training, shortcut
        self.weights = ("s",) if weighted else ()
        self.rows = RowList(*segments(architecture))
        self.places: Iterator[Place] = iter(places(architecture))
        count = len(architecture.dense) + 1
        self.before: list[list[_Passed]] = [[] for _ in range(count)]
        self.after: list[list[_Passed]] = [[] for _ in range(count)]

    def program(self) -> Program:
        """All rows, in order."""
        self.batch()
        self.forward()
        self.cost()
        self.back()
        if self.step is None:
            return self.rows.program()
        add_update(self.rows, self.step)
        return self.rows.program(groups=self.step.groups(self.rows.segments), optimizer=self.step.optimizer)

    # Forward ----------------------------------------------------------------------------------------------------------

    def batch(self) -> None:
        """x, y and s: fetched from the data in a training step, given otherwise."""
        self.rows.label = "batch"
        found = {"a0": ("m", self.architecture.inputs), "y": ("m", self.architecture.outputs)}
        if self.step is None:
            self.rows.given(found | ({"s": ("m",)} if self.weights else {}))
            return
        self.rows.given({"x source": ("m",), "y source": ("m",), "s source": ("m",)}, "source")
        self.rows.add("gather", ("x source",), {"a0": found["a0"]})
        self.rows.add("one_hot" if self.step.labels else "gather", ("y source",), {"y": found["y"]})
        if self.weights:
            self.rows.add("sample_weights", ("s source",), {"s": ("m",)}, scalars=("weight factor",))

    def forward(self) -> None:
        """z = W·a + b, the activation, and the layers around it, from x to the output."""
        self.rows.label = "forward"
        self.after[0] = self.through(len(self.architecture.entry), "a0")
        for layer, dense in enumerate(self.architecture.dense, 1):
            x, z = self.value(layer - 1), f"z{layer}"
            text = f"{z} = W{layer}·{x} + b{layer}"
            reads, shape = (x, f"w{layer}", f"b{layer}"), ("m", dense.fan_out)
            self.rows.add("affine", reads, {z: shape}, text, settings=(dense.fan_in,))
            self.before[layer] = self.through(len(dense.before), z)
            self.activate(layer)
            self.after[layer] = self.through(len(dense.after), f"a{layer}")

    def through(self, count: int, x: str) -> list[_Passed]:
        """The forward rows of the next layers."""
        passed: list[_Passed] = []
        for _ in range(count):
            place = next(self.places)
            rows = PlacedRows(self.rows, place, self.training, self.step is not None)
            out = place.row.forward(rows, x)
            passed.append(_Passed(rows, place, x, out))
            x = out
        return passed

    def activate(self, layer: int) -> None:
        """a = σ(z)."""
        dense, z = self.architecture.dense[layer - 1], self.inner(layer)
        row, shape = dense.activation, {f"a{layer}": ("m", dense.fan_out)}
        text = f"a{layer} = {row.name}({z}){row.grouping}"
        if row.elementwise:
            self.rows.formula(row.value, (z,), shape, text)
        else:
            self.rows.add("softmax", (z,), shape, text, settings=sized(dense.groups))

    def inner(self, layer: int) -> str:
        """What the activation of a dense layer reads: z, or what layers made of it."""
        return self.before[layer][-1].out if self.before[layer] else f"z{layer}"

    def value(self, layer: int) -> str:
        """What a dense layer hands on: a, or what layers made of it."""
        return self.after[layer][-1].out if self.after[layer] else f"a{layer}"

    # Cost -------------------------------------------------------------------------------------------------------------

    @property
    def paired(self) -> bool:
        """Whether the output activation and the cost have a shortcut, value(z, y) and a − y."""
        output = self.architecture.dense[-1]
        return self.shortcut and output.activation.name in self.architecture.cost.pairs and not output.after

    def cost(self) -> None:
        """The cost of each sample, the penalty, and their mean C."""
        self.rows.label = "cost"
        cost, last = self.architecture.cost, len(self.architecture.dense)
        text = f"c  = {cost.text(self.value(last))} a sample"
        value = cost.pairs[self.architecture.dense[-1].activation.name] if self.paired else cost.value
        if value is None:
            groups = sized(self.architecture.groups)
            self.rows.add("softmax_cost", (self.inner(last), "y"), {"c": ("m",)}, text, settings=groups, float64=True)
        else:
            read = self.inner(last) if self.paired else self.value(last)
            self.rows.sums(value, (read, "y"), "c", "m", text=text)
        penalties = self.penalties() if self.architecture.penalised else {}
        settings = (len(self.weights), len(penalties), *penalties.values())
        text = f"C = mean({'s ⊙ ' if self.weights else ''}c)" + (f" + {self.penalty_text()}" if penalties else "")
        reads = ("c", *self.weights, *penalties)
        self.rows.add("mean_cost", reads, {"C": (1,)}, text, settings=settings, float64=True)

    def penalties(self) -> dict[str, int]:
        """The penalty of each layer's weights, a sum for each row of W."""
        found = {f"penalty{s.layer}": s for s in self.rows.segments if s.is_weight}
        for name, segment in found.items():
            self.rows.sums(
                lambda w, *s: self.added(PENALTIES, w, s), (segment.name,), name, segment.shape[0], scalars=self.strong
            )
        return {name: segment.shape[0] for name, segment in found.items()}

    @property
    def strong(self) -> tuple[str, ...]:
        """The penalties that are there."""
        return tuple(name for name in PENALTIES if getattr(self.architecture, name))

    def added(self, formulas: Formulas, w: Value, strengths: Sequence[Value]) -> Value:
        """The sum of the penalties that are there, or of their derivatives."""
        first, *rest = (formulas[name](w, strength) for name, strength in zip(self.strong, strengths, strict=True))
        return sum(rest, first)

    def penalty_text(self) -> str:
        """The penalty in words."""
        parts = (("l1·Σ|w|", self.architecture.l1), ("l2/2·Σw²", self.architecture.l2))
        return " + ".join(text for text, strength in parts if strength)

    # Back -------------------------------------------------------------------------------------------------------------

    def back(self) -> None:
        """BP1 at the output; then for each layer BP4, BP3 and BP2 to the layer below."""
        last = len(self.architecture.dense)
        error = self.output_error(last)
        for layer in range(last, 0, -1):
            self.gradients(layer, error)
            if layer == 1 and not any(passed.place.row.parameters for passed in self.after[0]):
                break
            error = self.arrive(layer, error)

    def output_error(self, layer: int) -> str:
        """BP1: ∂c/∂a ⊙ σ'(z), or the named shortcut a − y where cost and activation are a pair."""
        self.rows.label = "BP1"
        cost, out, shape = self.architecture.cost, self.value(layer), ("m", self.architecture.outputs)
        reads = (out, "y", *self.weights)
        if self.paired:
            name = error_name(self.inner(layer))
            text = f"s ⊙ ({out} − y)" if self.weights else f"{out} − y"
            self.rows.formula(
                lambda a, y, *s: (a - y) * s[0] if s else a - y, reads, {name: shape}, f"{symbol(name)} = {text}"
            )
            return self.layers_back(self.before[layer], name)
        after, front = self.after[layer], "s ⊙ " if self.weights else ""
        self.rows.formula(
            lambda a, y, *s: cost.gradient(a, y) * s[0] if s else cost.gradient(a, y),
            reads,
            {f"d{out}": shape},
            f"∂c/∂{out} = {front}{cost.name}'({out}, y)",
            detail=not after,
        )
        arrived = self.layers_back(after, f"d{out}")
        return self.gate(layer, arrived, symbol(arrived) if after else f"{front}{symbol(arrived)}")

    def arrive(self, layer: int, error: str) -> str:
        """BP2: the error arrives through the weights, then passes the gate of the layer below."""
        self.rows.label = "BP2"
        x, after = self.value(layer - 1), self.after[layer - 1]
        dense, text = self.architecture.dense[layer - 1], f"W{layer}ᵀ·{symbol(error)}"
        reads, shape = (error, f"w{layer}"), ("m", dense.fan_in)
        alone = layer > 1 and not after
        fan_out = (dense.fan_out,)
        self.rows.add("propagate", reads, {f"d{x}": shape}, f"∂c/∂{x} = {text}", settings=fan_out, detail=alone)
        arrived = self.layers_back(after, f"d{x}")
        return self.gate(layer - 1, arrived, text if alone else symbol(arrived)) if layer > 1 else arrived

    def gate(self, layer: int, error: str, text: str) -> str:
        """The error passes the gate σ'(z): ∂c/∂a becomes ∂c/∂z; then the layers before the activation."""
        dense, z, name = self.architecture.dense[layer - 1], self.inner(layer), error_name(self.inner(layer))
        row, shape = dense.activation, {name: ("m", dense.fan_out)}
        if row.elementwise:
            text = f"{symbol(name)} = {text} ⊙ {row.name}'({z})"
            self.rows.formula(lambda d, z, a: d * row.derivative(z, a), (error, z, f"a{layer}"), shape, text)
        else:
            text = f"{symbol(name)} = a{layer} ⊙ ({text} − Σ a{layer}·{symbol(error)}){row.grouping}"
            self.rows.add("softmax_error", (error, f"a{layer}"), shape, text, settings=sized(dense.groups))
        return self.layers_back(self.before[layer], name)

    def layers_back(self, passed: list[_Passed], error: str) -> str:
        """The backward rows of layers, last one first."""
        for rows, place, x, _ in reversed(passed):
            error = place.row.backward(rows, error, x)
        return error

    def gradients(self, layer: int, error: str) -> None:
        """BP4 and BP3 of one dense layer, and its penalty."""
        x, dense = self.value(layer - 1), self.architecture.dense[layer - 1]
        weights, big = {f"dw{layer}": (dense.fan_in, dense.fan_out)}, f"W{layer}"
        self.rows.label = "BP4"
        self.rows.add("bp4", (error, x), weights, f"d{big} = {symbol(error)}·{x}ᵀ / m")
        self.rows.label = "BP3"
        self.rows.add("bp3", (error,), {f"db{layer}": (dense.fan_out,)}, f"db{layer} = mean({symbol(error)})")
        if self.architecture.penalised:
            self.rows.label = "penalty"
            parts = ((f"l1·sign({big})", self.architecture.l1), (f"l2·{big}", self.architecture.l2))
            self.rows.formula(
                lambda g, w, *s: g + self.added(SLOPES, w, s),
                (f"dw{layer}", f"w{layer}"),
                weights,
                f"d{big} ← d{big} + {' + '.join(text for text, strength in parts if strength)}",
                scalars=self.strong,
            )
