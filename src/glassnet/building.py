"""From an architecture to the rows of one training step, in the order in which a person would work them out.

Forward, cost, then back: BP1 at the output, BP4 and BP3 for its gradients, BP2 to the layer below, and so on; last the
update. Layers between dense layers add their own rows (tables/layers.py).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from numpy import clip, sign

from glassnet.architecture import Architecture, Dense
from glassnet.formula import Formula, trace
from glassnet.parameters import Segment
from glassnet.program import Buffer, Program, Row, Size, symbol
from glassnet.tables.layers import Layer
from glassnet.tables.optimizers import Optimizer


class Step(NamedTuple):
    """What a training step has beyond the architecture. Without a Step the program is the one for inference."""

    optimizer: Optimizer
    weighted: bool = False
    labels: bool = False
    clip_norm: bool = False
    clip_value: bool = False
    factors: tuple[float, ...] = ()


def segments(architecture: Architecture) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """The segments of the parameter vector, and those of the running statistics."""
    parameters: list[Segment] = []
    statistics: list[Segment] = []
    for number, dense in enumerate(architecture.dense, 1):
        parameters.append(Segment(f"w{number}", (dense.fan_in, dense.fan_out), number, None))
        parameters.append(Segment(f"b{number}", (dense.fan_out,), number, 0.0))
    for place, row, width in _places(architecture):
        for found, wanted in ((parameters, row.parameters), (statistics, row.statistics)):
            for key, value in wanted.items():
                found.append(Segment(f"{place}_{key}", (width,), _number(place), value))
    return tuple(parameters), tuple(statistics)


def build(architecture: Architecture, step: Step | None = None, *, training: bool = False, weighted: bool = False) -> Program:
    """The plain program: every quantity has its own buffer.

    With a `step` it is a whole training step; without, it is forward, cost and gradients on given x and y, with the
    rows of inference, or with those of training where `training` is true.
    """
    builder = _Builder(architecture, step, training or step is not None, weighted or (step is not None and step.weighted))
    builder.batch()
    builder.forward()
    builder.cost()
    builder.back()
    if step is not None:
        builder.update(step)
    return builder.program()


def _places(architecture: Architecture) -> Iterator[tuple[str, Layer, int]]:
    """Name, row and width of every layer between dense layers, in the order of the forward pass."""
    seen: dict[str, int] = {}

    def named(row: Layer, number: int) -> str:
        name = f"{row.name}{number}"
        seen[name] = seen.get(name, 0) + 1
        return name if seen[name] == 1 else f"{name}_{seen[name]}"

    for row in architecture.entry:
        yield named(row, 0), row, architecture.inputs
    for number, dense in enumerate(architecture.dense, 1):
        for row in dense.before + dense.after:
            yield named(row, number), row, dense.fan_out


def _number(place: str) -> int:
    """The dense layer that a place follows: "batch_norm2" → 2."""
    return int(place.rsplit("_", 1)[0][-1] if place[-2] == "_" else "".join(c for c in place if c.isdigit()))


class _Builder:
    """Collects rows and buffers; `x` always names the value that the next equation reads."""

    def __init__(self, architecture: Architecture, step: Step | None, training: bool, weighted: bool) -> None:
        self.architecture, self.step, self.training, self.weighted = architecture, step, training, weighted
        self.segments, self.statistics = segments(architecture)
        self.rows: list[Row] = []
        self.buffers: dict[str, Buffer] = {}
        self.scalars: list[str] = []
        self.groups: list[tuple[float, bool]] = []
        self.label = ""
        self.places = list(_places(architecture))
        self.between: list[list[tuple[_Place, str, str]]] = []
        self.penalties: list[str] = []
        for home, found in (("parameters", self.segments), ("statistics", self.statistics)):
            self.buffers.update({segment.name: Buffer(segment.shape, home) for segment in found})
        self.buffers.update({f"d{segment.name}": Buffer(segment.shape, "gradients") for segment in self.segments})

    # Adding rows ------------------------------------------------------------------------------------------------------

    def add(self, kind: str, reads: tuple[str, ...], writes: Mapping[str, tuple[Size, ...]], text: str = "", **rest: Any) -> None:
        """Add a row; new quantities get a buffer of the given shape."""
        float64 = rest.pop("float64", False)
        for name, shape in writes.items():
            self.buffers.setdefault(name, Buffer(shape, float64=float64))
        self.rows.append(Row(kind, self.label, reads, tuple(writes), text, **rest))

    def formula(
        self, function: Callable[..., Any], reads: tuple[str, ...], writes: Mapping[str, tuple[Size, ...]], text: str = "", **rest: Any
    ) -> None:
        """Add an elementwise row (or, with kind="sums", its sum over the width); what the formula does not read is left out."""
        scalars = rest.pop("scalars", ())
        formula, kept = pruned(trace(function, len(reads) + len(scalars)))
        names = reads + scalars
        rest["scalars"] = tuple(names[i] for i in kept if i >= len(reads))
        rest["formula"] = formula
        self.scalars += [name for name in rest["scalars"] if name not in self.scalars]
        self.add(rest.pop("kind", "formula"), tuple(names[i] for i in kept if i < len(reads)), writes, text, **rest)

    # The parts of a step ----------------------------------------------------------------------------------------------

    def batch(self) -> None:
        """The rows that fetch the mini-batch, and the buffers x, y and s."""
        self.label = "batch"
        inputs, outputs = self.architecture.inputs, self.architecture.outputs
        self.buffers |= {"a0": Buffer(("m", inputs)), "y": Buffer(("m", outputs))}
        if self.weighted:
            self.buffers["s"] = Buffer(("m",))
        if self.step is None:
            return
        self.buffers |= {name: Buffer(("m",), "source") for name in ("x source", "y source", "s source")}
        self.add("gather", ("x source",), {"a0": ("m", inputs)})
        self.add("one_hot" if self.step.labels else "gather", ("y source",), {"y": ("m", outputs)})
        if self.weighted:
            self.scalars.append("weight factor")
            self.add("sample_weights", ("s source",), {"s": ("m",)}, scalars=("weight factor",))

    def forward(self) -> None:
        """z = W·a + b, the activation, and the layers around it, from x to the output."""
        self.label = "forward"
        place = iter(self.places)
        x = self.layers(place, self.architecture.entry, "a0")
        for number, dense in enumerate(self.architecture.dense, 1):
            text = f"z{number} = W{number}·{x} + b{number}"
            self.add("affine", (x, f"w{number}", f"b{number}"), {f"z{number}": ("m", dense.fan_out)}, text, settings=(dense.fan_in,))
            z = self.layers(place, dense.before, f"z{number}")
            self.activate(dense, z, f"a{number}")
            x = self.layers(place, dense.after, f"a{number}")
        self.output = x

    def layers(self, places: Iterator[tuple[str, Layer, int]], rows: tuple[Layer, ...], x: str) -> str:
        """The forward rows of some layers; what each read is kept for the way back."""
        passed: list[tuple[_Place, str, str]] = []
        for _ in rows:
            name, row, width = next(places)
            place = _Place(self, row, name, width)
            passed.append((place, x, x := row.forward(place, x)))
        self.between.append(passed)
        return x

    def activate(self, dense: Dense, z: str, a: str) -> None:
        """a = σ(z)."""
        text, shape = f"{a} = {dense.activation.name}({z})", {a: ("m", dense.fan_out)}
        if dense.activation.elementwise:
            self.formula(dense.activation.value, (z,), shape, text)
        else:
            self.add("softmax", (z,), shape, text)

    def cost(self) -> None:
        """The cost of each sample, the penalty, and their mean C."""
        self.label = "cost"
        cost, output = self.architecture.cost, self.architecture.dense[-1]
        last, per_sample = self.output, {"c": ("m",)}
        self.paired = output.activation.name in cost.pairs and not output.after
        z = self.between[-2][-1][2] if self.between[-2] else f"z{len(self.architecture.dense)}"
        pair = cost.pairs.get(output.activation.name) if self.paired else None
        if self.paired and pair is None:
            self.add("softmax_cost", (z, "y"), per_sample, f"c  = {cost_text(cost, last)}", float64=True)
        elif pair is not None:
            self.formula(pair, (z, "y"), per_sample, f"c  = {cost_text(cost, last)}", kind="sums", float64=True)
        else:
            self.formula(cost.value, (last, "y"), per_sample, f"c  = {cost_text(cost, last)}", kind="sums", float64=True)
        if self.architecture.penalised:
            for segment in filter(lambda segment: segment.is_weight, self.segments):
                self.penalise(segment)
        weights = ("s",) if self.weighted else ()
        text = f"C = mean({'s ⊙ ' if weights else ''}c)" + (" + l1·Σ|w| + l2/2·Σw²" if self.penalties else "")
        units = tuple(int(self.buffers[name].shape[0]) for name in self.penalties)
        settings = (len(weights), len(units), *units)
        self.add("mean_cost", ("c", *weights, *self.penalties), {"C": (1,)}, text, settings=settings, float64=True)

    def penalise(self, segment: Segment) -> None:
        """The penalty of one layer's weights, a sum for each row of W."""
        name = f"penalty{segment.layer}"
        self.penalties.append(name)
        shape = {name: (segment.shape[0],)}
        self.formula(
            lambda w, l1, l2: l1 * abs(w) + l2 * (0.5 * (w * w)),
            *((segment.name,), shape),
            **dict(kind="sums", scalars=("l1", "l2"), float64=True),
        )

    def back(self) -> None:
        """BP1 at the output; then for each layer BP4, BP3 and BP2 to the layer below."""
        number = len(self.architecture.dense)
        self.label = "BP1"
        error = self.output_error(number)
        for number in range(number, 0, -1):
            dense = self.architecture.dense[number - 1]
            x = self.between[2 * number - 2][-1][2] if self.between[2 * number - 2] else f"a{number - 1}"
            self.gradients(number, error, x)
            needed = number > 1 or any(place.row_.parameters for place, _, _ in self.between[0])
            if not needed:
                break
            self.label = "BP2"
            alone = number > 1 and not self.between[2 * number - 2]
            text = f"∂c/∂{x} = W{number}ᵀ·{symbol(error)}"
            self.add("arrive", (error, f"w{number}"), {f"d{x}": ("m", dense.fan_in)}, text, settings=(dense.fan_out,), detail=alone)
            arrived = self.layers_back(self.between[2 * number - 2], f"d{x}")
            if number > 1:
                error = self.gate(number - 1, arrived, f"W{number}ᵀ·{symbol(error)}" if alone else symbol(arrived))

    def output_error(self, number: int) -> str:
        """BP1: ∂c/∂a ⊙ σ'(z), or the named shortcut a − y where cost and activation are a pair."""
        dense, cost, shape = self.architecture.dense[-1], self.architecture.cost, ("m", self.architecture.outputs)
        weights = ("s",) if self.weighted else ()
        front = "s ⊙ " if weights else ""
        if self.paired:
            z = self.between[-2][-1][2] if self.between[-2] else f"z{number}"
            name = f"delta{number}" if z == f"z{number}" else f"d{z}"
            text = f"{symbol(name)} = {front}({self.output} − y)"
            self.formula(lambda a, y, *s: (a - y) * s[0] if s else a - y, (self.output, "y", *weights), {name: shape}, text)
            return self.layers_back(self.between[-2], name)
        self.formula(
            lambda a, y, *s: cost.gradient(a, y) * s[0] if s else cost.gradient(a, y),
            *((self.output, "y", *weights), {f"d{self.output}": shape}, f"∂c/∂{self.output} = {front}{cost.name}'({self.output}, y)"),
            detail=not dense.after,
        )
        arrived = self.layers_back(self.between[-1], f"d{self.output}")
        return self.gate(number, arrived, f"{front}{symbol(arrived)}" if not dense.after else symbol(arrived))

    def gate(self, number: int, error: str, text: str) -> str:
        """The error passes the gate σ'(z): ∂c/∂a becomes ∂c/∂z; then the layers before the activation."""
        dense, before = self.architecture.dense[number - 1], self.between[2 * number - 1]
        z = before[-1][2] if before else f"z{number}"
        name = f"delta{number}" if not before else f"d{z}"
        shape, row = {name: ("m", dense.fan_out)}, dense.activation
        text = f"{symbol(name)} = {text} ⊙ {row.name}'({z})"
        if row.elementwise:
            self.formula(lambda d, z, a: d * row.derivative(z, a), (error, z, f"a{number}"), shape, text)
        else:
            self.add("softmax_error", (error, f"a{number}"), shape, text.replace(" ⊙ softmax'", " through softmax'"))
        return self.layers_back(before, name)

    def layers_back(self, passed: list[tuple[_Place, str, str]], error: str) -> str:
        """The backward rows of layers, last one first."""
        for place, x, _ in reversed(passed):
            error = place.row_.backward(place, error, x)
        return error

    def gradients(self, number: int, error: str, x: str) -> None:
        """BP4 and BP3 of one dense layer."""
        fan_in, fan_out = self.buffers[f"w{number}"].shape
        self.label = "BP4"
        self.add("outer", (error, x), {f"dw{number}": (fan_in, fan_out)}, f"dW{number} = {symbol(error)}·{x}ᵀ / m")
        self.label = "BP3"
        self.add("mean", (error,), {f"db{number}": (fan_out,)}, f"db{number} = mean({symbol(error)})")
        if self.architecture.penalised:
            self.label = "penalty"
            self.formula(
                lambda g, w, l1, l2: g + (l1 * sign(w) + l2 * w),
                *((f"dw{number}", f"w{number}"), {f"dw{number}": (fan_in, fan_out)}, f"dW{number} ← dW{number} + l1·sign(W{number}) + l2·W{number}"),
                scalars=("l1", "l2"),
            )

    def update(self, step: Step) -> None:
        """Clipping, then the optimiser's recurrence for every segment."""
        self.label = "update"
        if step.clip_value:
            for segment in self.segments:
                self.change(segment, lambda g, v: clip(g, -v, v), (), ("clip value",), "clip(gradients)")
        if step.clip_norm:
            self.clip_norm()
        for segment in self.segments:
            self.optimise(segment, step)

    def change(self, segment: Segment, function: Callable[..., Any], reads: tuple[str, ...], scalars: tuple[str, ...], text: str) -> None:
        """A row that changes one gradient in place."""
        name = f"d{segment.name}"
        self.formula(function, (name, *reads), {name: segment.shape}, text if segment is self.segments[0] else "", scalars=scalars)

    def clip_norm(self) -> None:
        """All gradients times min(1, limit/‖gradient‖)."""
        for segment in self.segments:
            self.formula(
                lambda g: g * g, (f"d{segment.name}",), {f"square sums {segment.name}": segment.shape[:1]}, kind="sums", float64=True
            )
        reads = tuple(f"square sums {segment.name}" for segment in self.segments)
        units = tuple(segment.shape[0] for segment in self.segments)
        self.scalars.append("clip norm")
        self.add("clip_scale", reads, {"clip": (1,)}, scalars=("clip norm",), settings=(len(units), *units))
        for segment in self.segments:
            self.change(segment, lambda g, scale: g * scale, ("clip",), (), "gradients ← gradients · min(1, limit/‖gradients‖)")

    def optimise(self, segment: Segment, step: Step) -> None:
        """w, states ← the optimiser's update; its scalars belong to the segment's group."""
        factor = step.factors[segment.layer - 1] if step.factors and segment.layer else 1.0
        group = (factor, segment.is_weight)
        if group not in self.groups:
            self.groups.append(group)
        suffix = f" {self.groups.index(group)}"
        states = [f"{name} {segment.name}" for name in step.optimizer.states]
        for number, name in enumerate(states):
            self.buffers[name] = Buffer(segment.shape, f"state{number}")
        words = tuple(step.optimizer.scalars(_ONE, _ONE, 1.0))
        count = 2 + len(states)

        def update(*values: Any) -> Any:
            return step.optimizer.update(*values[:count], **dict(zip(words, values[count:], strict=True)))

        text = f"W, b ← {step.optimizer.name}(lr)" if segment is self.segments[0] else ""
        self.formula(
            update,
            *((segment.name, f"d{segment.name}", *states), dict.fromkeys((segment.name, *states), segment.shape), text),
            scalars=tuple(word + suffix for word in words),
        )

    def program(self) -> Program:
        """What was collected."""
        optimizer = self.step.optimizer if self.step else None
        rest = (tuple(self.scalars), tuple(self.groups), optimizer)
        return Program(tuple(self.rows), self.buffers, self.segments, self.statistics, *rest)


@dataclass
class _Place:
    """Where a layer stands; see tables/layers.py."""

    builder: _Builder
    row_: Layer
    name: str
    width: int

    @property
    def training(self) -> bool:
        return self.builder.training

    @property
    def learning(self) -> bool:
        return self.builder.step is not None

    def own(self, quantity: str) -> str:
        return f"{self.name}_{quantity}"

    def shape(self, word: str) -> tuple[Size, ...]:
        return {"full": ("m", self.width), "column": (self.width,), "unit": ("m",)}[word]

    def formula(self, write: str, function: Callable[..., Any], *reads: str, shape: str = "full", text: str = "") -> str:
        text = f"{symbol(write)} = {text}" if text else ""
        self.builder.formula(function, reads, {write: self.shape(shape)}, text)
        return write

    def row(self, kind: str, reads: tuple[str, ...], writes: Mapping[str, str], text: str = "", **settings: Any) -> None:
        numbers: tuple[int, ...] = ()
        if "rate" in settings:
            number = [name for name, _, _ in self.builder.places].index(self.name)
            numbers = dropout_settings(settings["rate"], number)
        self.builder.add(kind, reads, {name: self.shape(word) for name, word in writes.items()}, text, settings=numbers)

    def mean(self, parameter: str, *reads: str) -> None:
        name, label = self.own(parameter), self.builder.label
        self.builder.label = "BP3"
        kind = "mean" if len(reads) == 1 else "mean_product"
        text = f"∂C/∂{name} = mean({' ⊙ '.join(map(symbol, reads))})"
        self.builder.add(kind, reads, {f"d{name}": (self.width,)}, text)
        self.builder.label = label


def dropout_settings(rate: float, number: int) -> tuple[int, ...]:
    """A dropout row's settings: the threshold of its hash, the bits of 1/(1 − rate), and the number of its place."""
    return round(rate * 2**32), struct.unpack("<q", struct.pack("<d", 1 / (1 - rate)))[0], number


def pruned(formula: Formula) -> tuple[Formula, tuple[int, ...]]:
    """The formula without the inputs that it does not read, and the numbers of those it keeps."""
    kept = tuple(sorted(formula.reads))

    def only(*values: Any) -> Any:
        given = dict(zip(kept, values, strict=True))
        return formula(*(given.get(i, 0.0) for i in range(formula.inputs)))

    return trace(only, len(kept)), kept


def cost_text(cost: Any, output: str) -> str:
    """The cost of a sample in words: the well-known form where it has one, its formula otherwise."""
    known = {"quadratic": f"½‖{output} − y‖²", "categorical_cross_entropy": f"−Σ y·log({output})"}
    known["binary_cross_entropy"] = f"−Σ y·log({output}) + (1−y)·log(1−{output})"
    return known.get(cost.name, f"Σ {trace(cost.value, 2).text([output, 'y'])}") + " a sample"


_ONE = __import__("numpy").ones(1)
