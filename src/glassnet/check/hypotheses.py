"""What a wrong backpropagation would compute: our own program with one small change, run on the same numbers.

Each hypothesis names a mistake, its equation, and the change of the program that makes it. search.py looks for the one
or two whose numbers equal theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from glassnet.execution.reference import Reference
from glassnet.program.equations import EQUATIONS
from glassnet.program.parameters import Array
from glassnet.program.program import Row
from glassnet.see.quantities import PreparedPass
from glassnet.tables.activations import Activation, activation
from glassnet.tables.formula import trace

Rows = list[Row]
Change = Callable[[Rows], None]
Mistake = tuple[str, str, Change]  # equation, sentence, and the change that makes it
Gradients = tuple[list[Array], list[Array]]  # dw (fan_out, fan_in) and db (fan_out, 1) of each layer


class Fault(NamedTuple):
    """A mistake: its equation ("forward", "BP1" ... "BP4", "update", "start"; "run" for none), and a sentence."""

    equation: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.equation}: {self.sentence}"


Hypothesis = tuple[Fault, Change]


class FaultyReference(Reference):
    """The NumPy executor with wrong equations beside the right ones."""

    equations: Mapping[str, Callable[..., Any]] = EQUATIONS | {
        "affine transposed": lambda a, w, b: w.T @ a + b,
        "affine without bias": lambda a, w, b: w @ a,
        "affine minus bias": lambda a, w, b: w @ a - b,
        "propagate untransposed": lambda delta, w: w @ delta,
        "propagate negative": lambda delta, w: -(w.T @ delta),
        "propagate without weights": lambda delta, w: np.ones_like(w).T @ delta,
        "bp4 transposed": lambda delta, a: a @ delta.T / delta.shape[1],
        "bp4 first": lambda delta, a: delta[:, :1] @ a[:, :1].T,
        "bp4 last": lambda delta, a: delta[:, -1:] @ a[:, -1:].T,
        "bp4 of means": lambda delta, a: delta.mean(axis=1, keepdims=True) @ a.mean(axis=1, keepdims=True).T,
        "bp3 first": lambda delta: delta[:, :1],
        "bp3 last": lambda delta: delta[:, -1:],
        "bp3 of all": lambda delta: np.full((len(delta), 1), delta.mean()),
        "bp3 across": lambda delta: delta.mean(axis=0)[:, np.newaxis],
        "bp3 zero": lambda delta: np.zeros((len(delta), 1)),
    }


def gradients(prepared: PreparedPass, changes: Sequence[Change] = ()) -> Gradients | None:
    """dw and db of the program with some changes; None where the changed equations do not fit together."""
    program = prepared.program
    rows = list(program.rows)
    for change in changes:
        change(rows)
    runner = FaultyReference(program._replace(rows=tuple(rows)), prepared.executor.vectors, prepared.executor.m)
    runner.scalars = prepared.executor.scalars
    for name in ("a0", "y"):
        runner.set(name, prepared.executor.columns(name))
    before = runner.vectors.parameters.vector.copy()
    try:
        runner.run()
    except (ValueError, KeyError, IndexError):
        return None
    finally:
        runner.vectors.parameters.vector[:] = before
    layers = range(1, len(prepared.model.architecture.dense) + 1)
    dw, db = ([runner.columns(f"{name}{n}").copy() for n in layers] for name in ("dw", "db"))
    if not any(runner.columns(f"b{n}").any() for n in layers):  # their network has no biases: nothing to compare
        db = [np.ones_like(part) for part in db]
    return dw, db


# Changes of the program -----------------------------------------------------------------------------------------------


def _writer(rows: Rows, name: str) -> int:
    """Index of the last equation that writes `name`."""
    return max(number for number, row in enumerate(rows) if name in row.writes)


def _replace(fields: Mapping[str, Mapping[str, Any]]) -> Change:
    """The equations that write these names get other fields."""

    def change(rows: Rows) -> None:
        for name, others in fields.items():
            number = _writer(rows, name)
            rows[number] = rows[number]._replace(**others)

    return change


def replace_kind(names: Sequence[str], kind: str) -> Change:
    """The equations that write `names` become equations of another kind."""
    return _replace({name: {"kind": kind} for name in names})


def replace_reads(reads: Mapping[str, tuple[str, ...]]) -> Change:
    """The equations that write these names read something else."""
    return _replace({name: {"reads": others} for name, others in reads.items()})


def replace_formulas(formulas: Mapping[str, tuple[Callable[..., Any], tuple[str, ...]]]) -> Change:
    """The equations that write these names become formulas of the given quantities."""
    formula = {"kind": "formula", "scalars": ()}
    traced = {name: {"reads": reads, "formula": trace(f, len(reads))} for name, (f, reads) in formulas.items()}
    return _replace({name: formula | fields for name, fields in traced.items()})


def ungroup(rows: Rows) -> None:
    """Every softmax becomes one of all outputs of its layer."""
    for number, row in enumerate(rows):
        if row.kind in ("softmax", "softmax_error", "softmax_cost"):
            rows[number] = row._replace(settings=(1, sum(row.settings[1:])))


def update_early(lr: float, layers: int) -> Change:
    """Each layer's weights are updated before the error passes through them."""

    def change(rows: Rows) -> None:
        formula = trace(lambda w, g: w - lr * g, 2)
        for layer in range(layers, 1, -1):
            row = Row("formula", "BP4", (f"w{layer}", f"dw{layer}"), (f"w{layer}",), formula=formula)
            rows.insert(_writer(rows, f"dw{layer}") + 1, row)

    return change


# The hypotheses -------------------------------------------------------------------------------------------------------


class Hypotheses:
    """All hypotheses about a network of dense layers, the likelier ones first."""

    def __init__(self, prepared: PreparedPass) -> None:
        self.dense, self.program = prepared.model.architecture.dense, prepared.program
        self.last = len(self.dense)
        self.paired = f"da{self.last}" not in self.program.buffers
        self.hidden = range(1, self.last)
        self.layers = range(1, self.last + 1)

    def __iter__(self) -> Iterator[Hypothesis]:
        mistakes = (self.output_errors(), self.hidden_errors(), self.bias_gradients(), self.weight_gradients())
        for equation, sentence, change in chain(*mistakes, self.forward()):
            yield Fault(equation, sentence), change

    def output_errors(self) -> Iterator[Mistake]:
        """BP1."""
        last, activation = self.last, self.dense[-1].activation
        delta, error, a, z = f"delta{last}", f"da{last}", f"a{last}", f"z{last}"
        if self.paired:
            name = activation.name
            sentence = f"σ' is applied once more after a − y; with {name} and this cost it has cancelled already."
            yield "BP1", sentence, replace_formulas({delta: (lambda a, y: (a - y) * a * (1 - a), (a, "y"))})
            return
        if not activation.elementwise:
            sentence = "only the diagonal of softmax's Jacobian is used; a ⊙ (∂c/∂a − Σ a·∂c/∂a) is the whole product."
            yield "BP1", sentence, replace_formulas({delta: (lambda d, a: d * a * (1 - a), (error, a))})
            sentence = "the error is not multiplied by the derivative of softmax, its Jacobian."
            yield "BP1", sentence, replace_formulas({delta: (lambda d: d, (error,))})
            return
        for sentence, function, others in _wrong_gates(activation, z, a):
            yield "BP1", sentence.format(where="at the output"), replace_formulas({delta: (function, (error, *others))})
        sentence = "∂c/∂a is a − y, that of the quadratic cost, but the cost is another."
        yield "BP1", sentence, replace_formulas({error: (lambda a, y: a - y, (a, "y"))})

    def hidden_errors(self) -> Iterator[Mistake]:
        """BP2, wrong in every hidden layer."""
        errors = [f"da{n}" for n in self.hidden]
        if not errors:
            return
        for sentence, kind in (
            ("W is not transposed on the way back: W·δ instead of Wᵀ·δ.", "propagate untransposed"),
            ("the error that arrives has the wrong sign.", "propagate negative"),
            ("the error is not multiplied by the weights: every neuron gets Σδ.", "propagate without weights"),
        ):
            yield "BP2", sentence, replace_kind(errors, kind)
        if all(self.dense[n - 1].activation.elementwise for n in self.hidden):
            yield from self._hidden_gates()
            yield from self._shifted_gates()
        for shift, which in ((0, "below"), (2, "above")):
            shifted = {f"da{n}": (f"delta{n + 1}", f"w{n + shift}") for n in self.hidden if n + shift <= self.last}
            sentence = f"the error arrives through the W of the layer {which} (shifted layer)."
            yield "BP2", sentence, replace_reads(shifted)
        if self.last > 2:
            same = {f"da{n}": (f"delta{self.last}", f"w{n + 1}") for n in self.hidden}
            sentence = "every layer gets the error of the output instead of the δ of the layer above."
            yield "BP2", sentence, replace_reads(same)

    def _hidden_gates(self) -> Iterator[Mistake]:
        """The same wrong gate in all hidden layers."""
        gates = [_wrong_gates(self.dense[n - 1].activation, f"z{n}", f"a{n}") for n in self.hidden]
        for same_mistake in zip(*gates, strict=True):
            pairs = zip(self.hidden, same_mistake, strict=True)
            formulas = {f"delta{n}": (function, (f"da{n}", *others)) for n, (_, function, others) in pairs}
            yield "BP2", same_mistake[-1][0].format(where="in the hidden layers"), replace_formulas(formulas)

    def _shifted_gates(self) -> Iterator[Mistake]:
        """σ' at the z of another layer."""
        for shift, which in ((1, "above"), (-1, "below")):
            inputs = {n: f"z{n + shift}" if n + shift else "a0" for n in self.hidden}
            slopes = {n: _times_slope(self.dense[n - 1].activation) for n in self.hidden}
            formulas = {f"delta{n}": (slopes[n], (f"da{n}", inputs[n])) for n in self.hidden}
            yield "BP2", f"σ' is taken at the z of the layer {which} (shifted layer).", replace_formulas(formulas)

    @property
    def _with_error(self) -> list[int]:
        """The layers whose ∂c/∂a the program computes."""
        return [n for n in self.layers if f"da{n}" in self.program.buffers]

    def bias_gradients(self) -> Iterator[Mistake]:
        """BP3, wrong in every layer."""
        for sentence, kind in (
            ("db comes from the first sample alone.", "bp3 first"),
            ("db comes from the last sample alone.", "bp3 last"),
            ("all biases of a layer get one number, the mean over neurons too.", "bp3 of all"),
            ("δ is summed over the wrong axis: over neurons, not over samples.", "bp3 across"),
            ("db is 0: the biases have no gradient.", "bp3 zero"),
        ):
            yield "BP3", sentence, replace_kind([f"db{n}" for n in self.layers], kind)
        early = {f"db{n}": (f"da{n}",) for n in self._with_error}
        yield "BP3", "db is taken before the gate, from ∂c/∂a instead of δ.", replace_reads(early)

    def weight_gradients(self) -> Iterator[Mistake]:
        """BP4, wrong in every layer."""
        for sentence, kind in (
            ("dW is transposed: a·δᵀ instead of δ·aᵀ.", "bp4 transposed"),
            ("dW comes from the first sample alone.", "bp4 first"),
            ("dW comes from the last sample alone.", "bp4 last"),
            ("the mean of δ times the mean of a stands for the mean of δ·aᵀ.", "bp4 of means"),
        ):
            yield "BP4", sentence, replace_kind([f"dw{n}" for n in self.layers], kind)
        early = {f"dw{n}": (f"da{n}", f"a{n - 1}") for n in self._with_error}
        yield "BP4", "dW is taken before the gate, from ∂c/∂a instead of δ.", replace_reads(early)
        inputs = {f"dw{n}": (f"delta{n}", f"z{n - 1}") for n in self.layers[1:]}
        yield "BP4", "z of the layer below stands for its a.", replace_reads(inputs)
        same = {f"dw{n}": (f"delta{n}", f"a{n}") for n in self.layers}
        yield "BP4", "a of the same layer stands for that of the layer below (shifted layer).", replace_reads(same)
        lower = {f"dw{n}": (f"delta{n}", f"a{max(n - 2, 0)}") for n in self.layers[1:]}
        yield "BP4", "a of two layers below stands for that of the layer below (shifted layer).", replace_reads(lower)

    def forward(self) -> Iterator[Mistake]:
        """z and a."""
        for sentence, kind in (
            ("z lacks its bias.", "affine without bias"),
            ("the bias is subtracted from z.", "affine minus bias"),
            ("W is transposed in z: Wᵀ·a instead of W·a.", "affine transposed"),
        ):
            yield "forward", sentence, replace_kind([f"z{n}" for n in self.layers], kind)
        if any(dense.activation.groups for dense in self.dense):
            sentence = "softmax is taken over all outputs together; each group of outputs is a distribution of its own."
            yield "forward", sentence, ungroup
        for name in ("linear", "sigmoid", "tanh", "relu"):
            what = "is missing" if name == "linear" else f"is {name}"
            for where, layers in (("of the output", [self.last]), ("of the hidden layers", list(self.hidden))):
                if layers:
                    yield from self._other_activation(activation(name), layers, f"the activation {where} {what}")

    def _other_activation(self, other: Activation, layers: list[int], sentence: str) -> Iterator[Mistake]:
        """Another activation, first with its own derivative, then with the derivative of the right one."""
        for keeps_derivative, end in ((False, "."), (True, ", but σ' is that of the right one.")):
            formulas: dict[str, Any] = {f"a{n}": (other.value, (f"z{n}",)) for n in layers}
            for n in layers:
                right = self.dense[n - 1].activation
                if right.elementwise and not (self.paired and n == self.last):
                    slope = _times_slope(right if keeps_derivative else other)
                    formulas[f"delta{n}"] = (slope, (f"da{n}", f"z{n}"))
            yield "forward", sentence + end, replace_formulas(formulas)


def _wrong_gates(right: Activation, z: str, a: str) -> list[tuple[str, Callable[..., Any], tuple[str, ...]]]:
    """Wrong gates: sentence, formula of the error and other quantities, and these quantities."""
    gates: list[tuple[str, Callable[..., Any], tuple[str, ...]]] = [
        ("σ' is missing {where}.", lambda d: d, ()),
        ("σ' is applied twice {where}.", lambda d, z, a: d * right.derivative(z, a) * right.derivative(z, a), (z, a)),
        ("σ'(a) stands for σ'(z) {where}: the derivative is taken at a.", _times_slope(right), (a,)),
        (
            "z is used where the derivative needs a {where}: a form such as a·(1 − a) is given z.",
            lambda d, z: d * right.derivative(z, z),
            (z,),
        ),
        ("σ(z) itself stands for σ'(z) {where}.", lambda d, a: d * a, (a,)),
    ]
    for name in ("sigmoid", "tanh", "relu", "linear"):
        sentence = f"σ' is that of {name} {{where}}, whatever the activation."
        gates.append((sentence, _times_slope(activation(name)), (z,)))
    return gates


def _times_slope(activation: Activation) -> Callable[..., Any]:
    """The error times σ'(z), of z alone."""
    return lambda d, z: d * activation.derivative(z, activation.value(z))
