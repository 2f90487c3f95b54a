"""From an architecture to the equations of one step, in the order in which a person would derive them.

Forward, cost, then back: BP1 at the output, BP4 and BP3 for its gradients, BP2 to the layer below, and so on; last the
update (updates.py). Layers between dense layers add their own equations (tables/layers.py).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from numpy import sign

from glassnet.program.architecture import Architecture
from glassnet.program.equation_list import EquationList
from glassnet.program.equations import bp1
from glassnet.program.layer_positions import LayerEquations, LayerPosition, layer_positions, segments
from glassnet.program.precision import MIXED
from glassnet.program.program import Program, error_name, symbol
from glassnet.program.updates import StepOptions, add_update
from glassnet.tables.entry import Value

Formulas = dict[str, Callable[[Value, Value], Value]]
PENALTIES: Formulas = {"l1": lambda w, l1: l1 * abs(w), "l2": lambda w, l2: l2 * (0.5 * (w * w))}
PENALTY_GRADIENTS: Formulas = {"l1": lambda w, l1: l1 * sign(w), "l2": lambda w, l2: l2 * w}


def build(
    architecture: Architecture,
    step: StepOptions | None = None,
    *,
    training: bool = False,
    weighted: bool = False,
    shortcut: bool = True,
) -> Program:
    """The plain program: every quantity has its own buffer.

    With `step` it is a whole training step. Without, it is forward, cost and gradients on given x and y: the equations
    of inference, or those of training where `training` is true. Without the `shortcut`, a pair of output activation and
    cost (softmax with cross-entropy) is computed in full, by ∂c/∂a and the activation's derivative.
    """
    training, weighted = (training, weighted) if step is None else (True, step.weighted)
    return _Builder(architecture, step, training, weighted, shortcut).build()


def softmax_settings(groups: tuple[int, ...]) -> tuple[int, ...]:
    """The settings of a softmax's equations: the number of groups, and their sizes."""
    return (len(groups), *groups)


class _LayerPass(NamedTuple):
    """A layer in the forward pass: what it read and what it gave."""

    equations: LayerEquations
    x: str
    out: str

    @property
    def learns(self) -> bool:
        """Whether the layer has parameters."""
        position = self.equations.position
        return bool(position.entry.parameters_of(position.width))


class _Builder(EquationList):
    """The equations of a step; `before[l]`, `after[l]` are the layers around the activation of dense layer l (0: x)."""

    def __init__(
        self, architecture: Architecture, step: StepOptions | None, training: bool, weighted: bool, shortcut: bool
    ) -> None:
        super().__init__(*segments(architecture))
        self.architecture, self.step, self.training, self.shortcut = architecture, step, training, shortcut
        self.weights = ("s",) if weighted else ()
        self.positions: Iterator[LayerPosition] = iter(layer_positions(architecture))
        self.last = len(architecture.dense)
        self.before: list[list[_LayerPass]] = [[] for _ in range(self.last + 1)]
        self.after: list[list[_LayerPass]] = [[] for _ in range(self.last + 1)]

    def build(self) -> Program:
        """All equations, in order."""
        self.batch()
        self.forward()
        self.cost()
        self.backward()
        if self.step is None:
            return self.program()
        add_update(self, self.step)
        return self.program(groups=self.step.groups(self.segments), optimizer=self.step.optimizer)

    # Forward ----------------------------------------------------------------------------------------------------------

    def batch(self) -> None:
        """x, y and s: gathered from the data in a training step, given otherwise."""
        self.label = "batch"
        x, y = {"a0": ("m", self.architecture.inputs)}, {"y": ("m", self.architecture.outputs)}
        if self.step is None:
            self.declare(x, layer=0)
            self.declare(y, layer=self.last)
            self.declare({"s": ("m",)} if self.weights else {})
            return
        self.declare({"x source": ("m",), "y source": ("m",), "s source": ("m",)}, "source")
        self.add("gather", ("x source",), x, layer=0)
        self.add("one_hot" if self.step.labels else "gather", ("y source",), y, layer=self.last)
        if self.weights:
            self.add("sample_weights", ("s source",), {"s": ("m",)}, scalars=("weight factor",))

    def forward(self) -> None:
        """z = W·a + b, the activation, and the layers around it, from x to the output."""
        self.label = "forward"
        self.after[0] = self.layers_forward(len(self.architecture.input_layers), "a0")
        for layer, dense in enumerate(self.architecture.dense, 1):
            x, z = self.output_of(layer - 1), f"z{layer}"
            operand, w = self.operand(x), self.operand(f"w{layer}")
            text = f"{z} = {symbol(w)}·{symbol(operand)} + b{layer}"
            reads, shape = (operand, w, f"b{layer}"), ("m", dense.fan_out)
            self.add("affine", reads, {z: shape}, text, settings=(dense.fan_in,), layer=layer)
            self.before[layer] = self.layers_forward(len(dense.before), z)
            self.activate(layer)
            self.after[layer] = self.layers_forward(len(dense.after), f"a{layer}")

    def layers_forward(self, count: int, x: str) -> list[_LayerPass]:
        """Add the forward equations of the next `count` layers, the first of which reads x."""
        passes: list[_LayerPass] = []
        for _ in range(count):
            equations = LayerEquations(self, next(self.positions), self.training, self.step)
            passes.append(_LayerPass(equations, x, equations.position.entry.forward(equations, x)))
            x = passes[-1].out
        return passes

    def activate(self, layer: int) -> None:
        """a = σ(z)."""
        dense, z = self.architecture.dense[layer - 1], self.activation_input(layer)
        activation, writes = dense.activation, {f"a{layer}": ("m", dense.fan_out)}
        text = f"a{layer} = {activation.name}({z}){activation.grouping}"
        if activation.elementwise:
            self.formula(activation.value, (z,), writes, text, role="activation", layer=layer)
        else:
            settings = softmax_settings(dense.groups)
            self.add("softmax", (z,), writes, text, settings=settings, role="activation", layer=layer)

    def operand(self, name: str) -> str:
        """What a product reads for a quantity: itself, or in mixed precision its copy that is rounded to bfloat16."""
        return self.rounded(name) if self.architecture.precision == MIXED else name

    def activation_input(self, layer: int) -> str:
        """What the activation of a dense layer reads: z, or what the layers before it made of z."""
        return self.before[layer][-1].out if self.before[layer] else f"z{layer}"

    def output_of(self, layer: int) -> str:
        """What the next dense layer reads: a, or what the layers after the activation made of a."""
        return self.after[layer][-1].out if self.after[layer] else f"a{layer}"

    # Cost -------------------------------------------------------------------------------------------------------------

    @property
    def paired(self) -> bool:
        """Whether the output activation and the cost have a shortcut, value(z, y) and a − y."""
        output = self.architecture.dense[-1]
        return self.shortcut and output.activation.name in self.architecture.cost.pairs and not output.after

    def cost(self) -> None:
        """The cost of each sample, the penalty, and their mean C."""
        self.label = "cost"
        cost, out = self.architecture.cost, self.output_of(self.last)
        text = f"c  = {cost.text(out)} per sample"
        value = cost.pairs[self.architecture.dense[-1].activation.name] if self.paired else cost.value
        read = self.activation_input(self.last) if self.paired else out
        if value is None:
            settings = softmax_settings(self.architecture.groups)
            self.add("softmax_cost", (read, "y"), {"c": ("m",)}, text, settings=settings, float64=True)
        else:
            self.sums(value, (read, "y"), "c", "m", text=text)
        penalties = self.penalties() if self.architecture.penalised else {}
        settings = (len(self.weights), len(penalties), *penalties.values())
        text = f"C = mean({'s ⊙ ' if self.weights else ''}c)"
        text += f" + {self.penalty_text('l1·Σ|w|', 'l2/2·Σw²')}" if penalties else ""
        reads = ("c", *self.weights, *penalties)
        self.add("mean_cost", reads, {"C": (1,)}, text, settings=settings, float64=True)

    def penalties(self) -> dict[str, int]:
        """Add the penalty of each layer's weights, one sum per row of W; their names and numbers of rows."""
        weights = {f"penalty{segment.layer}": segment for segment in self.segments if segment.is_weight}
        penalty, names = partial(self.penalty_sum, PENALTIES), self.penalty_names
        for name, (w, shape, layer, _) in weights.items():
            self.sums(penalty, (w,), name, shape[0], scalars=names, role="penalty", layer=layer)
        return {name: segment.shape[0] for name, segment in weights.items()}

    @property
    def penalty_names(self) -> tuple[str, ...]:
        """The penalties whose strength is not 0."""
        return tuple(name for name in PENALTIES if getattr(self.architecture, name))

    def penalty_sum(self, formulas: Formulas, w: Value, *strengths: Value) -> Value:
        """The sum of these penalties, or of their derivatives."""
        first, *rest = (formulas[name](w, each) for name, each in zip(self.penalty_names, strengths, strict=True))
        return sum(rest, first)

    def penalised_gradient(self, g: Value, w: Value, *strengths: Value) -> Value:
        """dW plus the derivative of the penalty."""
        return g + self.penalty_sum(PENALTY_GRADIENTS, w, *strengths)

    def penalty_text(self, l1: str, l2: str) -> str:
        """Those of the two terms whose strength is not 0."""
        return " + ".join({"l1": l1, "l2": l2}[name] for name in self.penalty_names)

    # Backward ---------------------------------------------------------------------------------------------------------

    def backward(self) -> None:
        """BP1 at the output; then for each layer BP4, BP3 and BP2 to the layer below."""
        error = self.output_error()
        for layer in range(self.last, 0, -1):
            self.gradients(layer, error)
            if layer == 1 and not any(each.learns for each in self.after[0]):
                break
            error = self.propagate(layer, error)

    def output_error(self) -> str:
        """BP1: ∂c/∂a ⊙ σ'(z), or the shortcut a − y where cost and activation are a pair."""
        self.label = "BP1"
        if self.paired:
            return self.layers_backward(self.before[self.last], self.shortcut_error())
        cost, out, after = self.architecture.cost, self.output_of(self.last), self.after[self.last]
        weight = "s ⊙ " if self.weights else ""
        text = f"∂c/∂{out} = {weight}{cost.name}'({out}, y)"
        self.add_output_error(cost.gradient, f"d{out}", text, role="cost gradient", detail=not after)
        error = self.layers_backward(after, f"d{out}")
        return self.gate(self.last, error, symbol(error) if after else f"{weight}{symbol(error)}")

    def shortcut_error(self) -> str:
        """δ = a − y, in which the derivatives of a pair of cost and activation cancel."""
        out, name = self.output_of(self.last), error_name(self.activation_input(self.last))
        text = f"{symbol(name)} = " + (f"s ⊙ ({out} − y)" if self.weights else f"{out} − y")
        self.add_output_error(operator.sub, name, text, role="shortcut")
        return name

    def add_output_error(self, function: Callable[[Value, Value], Value], name: str, text: str, **fields: Any) -> None:
        """Add function(a, y) of the network's output, times the sample weights."""
        reads, writes = (self.output_of(self.last), "y", *self.weights), {name: ("m", self.architecture.outputs)}
        weighted = (lambda a, y, s: function(a, y) * s) if self.weights else function
        self.formula(weighted, reads, writes, text, layer=self.last, **fields)

    def propagate(self, layer: int, error: str) -> str:
        """BP2: the error arrives through the weights, then passes the gate of the layer below."""
        self.label = "BP2"
        x, after, below = self.output_of(layer - 1), self.after[layer - 1], layer - 1
        dense, operand, w = self.architecture.dense[layer - 1], self.operand(error), self.operand(f"w{layer}")
        text = f"{symbol(w)}ᵀ·{symbol(operand)}"
        one_line = layer > 1 and not after  # the gate's line says both halves
        reads, writes, settings = (operand, w), {f"d{x}": ("m", dense.fan_in)}, (dense.fan_out,)
        self.add("propagate", reads, writes, f"∂c/∂{x} = {text}", settings=settings, detail=one_line, layer=below)
        error = self.layers_backward(after, f"d{x}")
        return self.gate(below, error, text if one_line else symbol(error)) if layer > 1 else error

    def gate(self, layer: int, error: str, text: str) -> str:
        """The error passes the gate σ'(z): ∂c/∂a becomes ∂c/∂z; then the layers before the activation."""
        dense, a, z = self.architecture.dense[layer - 1], f"a{layer}", self.activation_input(layer)
        activation, slope, name = dense.activation, dense.activation.derivative, error_name(z)
        writes = {name: ("m", dense.fan_out)}
        if activation.elementwise:
            reads, text = (error, z, a), f"{symbol(name)} = {text} ⊙ {activation.name}'({z})"
            self.formula(lambda d, z, a: bp1(d, slope(z, a)), reads, writes, text, role="gate", layer=layer)
        else:
            text = f"{symbol(name)} = {a} ⊙ ({text} − Σ {a}·{symbol(error)}){activation.grouping}"
            settings = softmax_settings(dense.groups)
            self.add("softmax_error", (error, a), writes, text, settings=settings, role="gate", layer=layer)
        return self.layers_backward(self.before[layer], name)

    def layers_backward(self, passes: list[_LayerPass], error: str) -> str:
        """Add the backward equations of layers, last one first."""
        for equations, x, _ in reversed(passes):
            error = equations.position.entry.backward(equations, error, x)
        return error

    def gradients(self, layer: int, error: str) -> None:
        """BP4 and BP3 of one dense layer, and its penalty."""
        x, dense, name = self.output_of(layer - 1), self.architecture.dense[layer - 1], f"W{layer}"
        dw, db = {f"dw{layer}": (dense.fan_in, dense.fan_out)}, {f"db{layer}": (dense.fan_out,)}
        self.label = "BP4"
        delta, a = self.operand(error), self.operand(x)
        self.add("bp4", (delta, a), dw, f"d{name} = {symbol(delta)}·{symbol(a)}ᵀ / m", layer=layer)
        self.label = "BP3"
        text = f"db{layer} = mean({symbol(error)})"
        self.add("bp3", (error,), db, text, role="bias gradient", layer=layer)
        if self.architecture.penalised:
            self.label = "penalty"
            text = f"d{name} ← d{name} + {self.penalty_text(f'l1·sign({name})', f'l2·{name}')}"
            reads, names = (f"dw{layer}", f"w{layer}"), self.penalty_names
            self.formula(self.penalised_gradient, reads, dw, text, scalars=names, role="penalty gradient", layer=layer)
