"""What a wrong backpropagation would compute: our own rows with one small change, run on the same numbers.

Each hypothesis names a mistake, the equation it sits in, and the change of the rows that makes it. search.py looks for
the one, or two, whose numbers are theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.execution.reference import Reference
from glassnet.program.equations import EQUATIONS
from glassnet.program.parameters import Array
from glassnet.program.program import Row
from glassnet.see.quantities import Ready
from glassnet.tables.activations import Activation, activation
from glassnet.tables.formula import trace

Rows = list[Row]
Gradients = tuple[list[Array], list[Array]]  # dw (fan_out, fan_in) and db (fan_out, 1) of each layer


class Fault(NamedTuple):
    """A mistake: the equation it sits in ("forward", "BP1" ... "BP4", "update", "start"), and a sentence."""

    equation: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.equation}: {self.sentence}"


class Hypothesis(NamedTuple):
    """A mistake and the change of the rows that makes it."""

    fault: Fault
    change: Callable[[Rows], None]


class Faulty(Reference):
    """The NumPy executor with some wrong equations beside the right ones."""

    equations: Mapping[str, Callable[..., Any]] = EQUATIONS | {
        "affine turned": lambda a, w, b: w.T @ a + b,
        "affine bare": lambda a, w, b: w @ a,
        "affine less": lambda a, w, b: w @ a - b,
        "arrive straight": lambda delta, w: w @ delta,
        "arrive negative": lambda delta, w: -(w.T @ delta),
        "arrive alone": lambda delta, w: np.ones_like(w).T @ delta,
        "outer turned": lambda delta, a: a @ delta.T / delta.shape[1],
        "outer first": lambda delta, a: delta[:, :1] @ a[:, :1].T,
        "outer last": lambda delta, a: delta[:, -1:] @ a[:, -1:].T,
        "outer of means": lambda delta, a: delta.mean(axis=1, keepdims=True) @ a.mean(axis=1, keepdims=True).T,
        "mean first": lambda delta: delta[:, :1],
        "mean last": lambda delta: delta[:, -1:],
        "mean of all": lambda delta: np.full((len(delta), 1), delta.mean()),
        "mean across": lambda delta: delta.mean(axis=0)[:, np.newaxis],
        "mean nothing": lambda delta: np.zeros((len(delta), 1)),
    }


def gradients(held: Ready, changes: Sequence[Callable[[Rows], None]] = ()) -> Gradients | None:
    """dw and db of the rows with some changes; None where the changed rows do not fit together."""
    program = held.program
    rows = list(program.rows)
    for change in changes:
        change(rows)
    runner = Faulty(program._replace(rows=tuple(rows)), held.runner.vectors, held.runner.m)  # type: ignore[attr-defined]
    runner.scalars = held.runner.scalars
    for name in ("a0", "y"):
        runner.set(name, held.runner.columns(name))
    before = runner.vectors.parameters.vector.copy()
    try:
        runner.run()
    except (ValueError, KeyError, IndexError):
        return None
    finally:
        runner.vectors.parameters.vector[:] = before
    layers = range(1, len(held.network.architecture.dense) + 1)
    return [runner.columns(f"dw{n}").copy() for n in layers], [runner.columns(f"db{n}").copy() for n in layers]


# Changes of rows ------------------------------------------------------------------------------------------------------


def _place(rows: Rows, name: str) -> int:
    return max(number for number, row in enumerate(rows) if name in row.writes)


def kind(names: Sequence[str], word: str) -> Callable[[Rows], None]:
    """The rows that write `names` become rows of another kind."""

    def change(rows: Rows) -> None:
        for name in names:
            rows[_place(rows, name)] = rows[_place(rows, name)]._replace(kind=word)

    return change


def reads(found: Mapping[str, tuple[str, ...]]) -> Callable[[Rows], None]:
    """The rows that write these names read something else."""

    def change(rows: Rows) -> None:
        for name, others in found.items():
            rows[_place(rows, name)] = rows[_place(rows, name)]._replace(reads=others)

    return change


def formula(found: Mapping[str, tuple[Callable[..., Any], tuple[str, ...]]]) -> Callable[[Rows], None]:
    """The rows that write these names become formulas of what is given."""

    def change(rows: Rows) -> None:
        for name, (function, others) in found.items():
            new = trace(function, len(others))
            rows[_place(rows, name)] = rows[_place(rows, name)]._replace(
                kind="formula", reads=others, formula=new, scalars=()
            )

    return change


def ungrouped(rows: Rows) -> None:
    """Every softmax is one of all outputs of its layer."""
    for number, row in enumerate(rows):
        if row.kind.startswith("softmax"):
            rows[number] = row._replace(settings=(1, sum(row.settings[1:])))


def updated_early(lr: float, layers: int) -> Callable[[Rows], None]:
    """Each layer's weights are updated before the error passes through them."""

    def change(rows: Rows) -> None:
        new = trace(lambda w, g: w - lr * g, 2)
        for layer in range(layers, 1, -1):
            row = Row("formula", "BP4", (f"w{layer}", f"dw{layer}"), (f"w{layer}",), formula=new)
            rows.insert(_place(rows, f"dw{layer}") + 1, row)

    return change


# The hypotheses -------------------------------------------------------------------------------------------------------


class Book:
    """All hypotheses about a network of dense layers, likelier ones first."""

    def __init__(self, held: Ready) -> None:
        self.dense, self.program = held.network.architecture.dense, held.program
        self.last = len(self.dense)
        self.paired = f"da{self.last}" not in self.program.buffers
        self.hidden = range(1, self.last)
        self.layers = range(1, self.last + 1)

    def hypotheses(self) -> Iterator[Hypothesis]:
        """Every one of them."""
        for equation, sentence, change in (*self.output(), *self.hidden_errors(), *self.means(), *self.forward()):
            yield Hypothesis(Fault(equation, sentence), change)

    def output(self) -> Iterator[tuple[str, str, Callable[[Rows], None]]]:
        """BP1."""
        last, row = self.last, self.dense[-1].activation
        delta, out, z = f"delta{last}", f"a{last}", f"z{last}"
        if self.paired:
            yield (
                "BP1",
                f"σ' is applied once more after a − y; with {row.name} and this cost it has cancelled already.",
                formula({delta: (lambda a, y: (a - y) * a * (1 - a), (out, "y"))}),
            )
            return
        if not row.elementwise:
            diagonal = formula({delta: (lambda d, a: d * a * (1 - a), (f"da{last}", out))})
            yield "BP1", "only the diagonal of softmax's Jacobian is used; a ⊙ (∂c/∂a − Σ a·∂c/∂a) is whole.", diagonal
            bare = formula({delta: (lambda d: d, (f"da{last}",))})
            yield "BP1", "the error does not pass the derivative of softmax, its Jacobian.", bare
            return
        for sentence, function, others in self._gates(row, z, out):
            found = formula({delta: (function, (f"da{last}", *others))})
            yield "BP1", sentence.format(where="at the output"), found
        yield (
            "BP1",
            "∂c/∂a is a − y, the quadratic cost's, for a cost that is another.",
            formula({f"da{last}": (lambda a, y: a - y, (out, "y"))}),
        )

    def hidden_errors(self) -> Iterator[tuple[str, str, Callable[[Rows], None]]]:
        """BP2, wrong in every hidden layer."""
        arrived = [f"da{n}" for n in self.hidden]
        if not arrived:
            return
        yield "BP2", "W is not transposed on the way back: W·δ for Wᵀ·δ.", kind(arrived, "arrive straight")
        yield "BP2", "the error that arrives has the wrong sign.", kind(arrived, "arrive negative")
        yield "BP2", "the error does not pass the weights: every neuron gets Σδ.", kind(arrived, "arrive alone")
        if all(self.dense[n - 1].activation.elementwise for n in self.hidden):
            for place in range(len(self._gates(self.dense[0].activation, "z1", "a1"))):
                found, said = {}, ""
                for n in self.hidden:
                    said, function, others = self._gates(self.dense[n - 1].activation, f"z{n}", f"a{n}")[place]
                    found[f"delta{n}"] = (function, (f"da{n}", *others))
                yield "BP2", said.format(where="in the hidden layers"), formula(found)
            yield from self._shifted_gates()
        for shift, which in ((0, "below"), (2, "above")):
            shifted = {f"da{n}": (f"delta{n + 1}", f"w{n + shift}") for n in self.hidden if n + shift <= self.last}
            yield "BP2", f"the error arrives through the W of the layer {which} (shifted layer).", reads(shifted)
        if self.last > 2:
            same = {f"da{n}": (f"delta{self.last}", f"w{n + 1}") for n in self.hidden}
            yield "BP2", "every layer gets the error of the output; the δ of the layer above is meant.", reads(same)

    def _shifted_gates(self) -> Iterator[tuple[str, str, Callable[[Rows], None]]]:
        for shift, which in ((1, "above"), (-1, "below")):
            found = {}
            for n in self.hidden:
                row, name = self.dense[n - 1].activation, f"z{n + shift}" if n + shift else "a0"
                found[f"delta{n}"] = (_times(row), (f"da{n}", name))
            yield "BP2", f"σ' is taken at the z of the layer {which} (shifted layer).", formula(found)

    @staticmethod
    def _gates(row: Activation, z: str, a: str) -> list[tuple[str, Callable[..., Any], tuple[str, ...]]]:
        """Wrong gates: sentence, formula of the error and what follows, and what follows."""
        found: list[tuple[str, Callable[..., Any], tuple[str, ...]]] = [
            ("σ' is missing {where}.", lambda d: d, ()),
            ("σ' is applied twice {where}.", lambda d, z, a: d * row.derivative(z, a) * row.derivative(z, a), (z, a)),
            ("σ'(a) stands for σ'(z) {where}: the derivative is taken at a.", _times(row), (a,)),
            (
                "z is put where the derivative needs a {where}: a form such as a·(1 − a) is given z.",
                lambda d, z: d * row.derivative(z, z),
                (z,),
            ),
            ("σ(z) itself stands for σ'(z) {where}.", lambda d, a: d * a, (a,)),
        ]
        for name in ("sigmoid", "tanh", "relu", "linear"):
            found.append((f"σ' is that of {name} {{where}}, whatever the activation.", _times(activation(name)), (z,)))
        return found

    def means(self) -> Iterator[tuple[str, str, Callable[[Rows], None]]]:
        """BP3 and BP4, wrong in every layer."""
        db, dw = [f"db{n}" for n in self.layers], [f"dw{n}" for n in self.layers]
        yield "BP3", "db comes from the first sample alone.", kind(db, "mean first")
        yield "BP3", "db comes from the last sample alone.", kind(db, "mean last")
        yield "BP3", "all biases of a layer get one number, the mean over neurons too.", kind(db, "mean of all")
        yield "BP3", "δ is summed over the wrong axis: over neurons, not over samples.", kind(db, "mean across")
        yield "BP3", "db is 0: the biases have no gradient.", kind(db, "mean nothing")
        early = [n for n in self.layers if f"da{n}" in self.program.buffers]
        yield "BP3", "db is taken before the gate, from ∂c/∂a for δ.", reads({f"db{n}": (f"da{n}",) for n in early})
        yield "BP4", "dW is transposed: a·δᵀ for δ·aᵀ.", kind(dw, "outer turned")
        yield "BP4", "dW comes from the first sample alone.", kind(dw, "outer first")
        yield "BP4", "dW comes from the last sample alone.", kind(dw, "outer last")
        yield (
            "BP4",
            "the mean of δ times the mean of a stands for the mean of δ·aᵀ.",
            kind(dw, "outer of means"),
        )
        before = {f"dw{n}": (f"da{n}", f"a{n - 1}") for n in early}
        yield "BP4", "dW is taken before the gate, from ∂c/∂a for δ.", reads(before)
        raw = {f"dw{n}": (f"delta{n}", f"z{n - 1}") for n in self.layers if n > 1}
        yield "BP4", "z of the layer below stands for its a.", reads(raw)
        own = {f"dw{n}": (f"delta{n}", f"a{n}") for n in self.layers}
        yield "BP4", "a of the same layer stands for that of the layer below (shifted layer).", reads(own)
        low = {f"dw{n}": (f"delta{n}", f"a{max(n - 2, 0)}") for n in self.layers if n > 1}
        yield "BP4", "a of two layers below stands for that of the layer below (shifted layer).", reads(low)

    def forward(self) -> Iterator[tuple[str, str, Callable[[Rows], None]]]:
        """z and a."""
        zs = [f"z{n}" for n in self.layers]
        yield "forward", "z lacks its bias.", kind(zs, "affine bare")
        yield "forward", "the bias is subtracted from z.", kind(zs, "affine less")
        yield "forward", "W is transposed in z: Wᵀ·a for W·a.", kind(zs, "affine turned")
        if any(dense.activation.groups for dense in self.dense):
            whole = "softmax is taken over all outputs together; each group of outputs is a distribution of its own."
            yield "forward", whole, ungrouped
        for name in ("linear", "sigmoid", "tanh", "relu"):
            row = activation(name)
            said = "is missing" if name == "linear" else f"is {name}"
            for where, layers in (("of the output", [self.last]), ("of the hidden layers", list(self.hidden))):
                for kept in (False, True):  # whether the derivative is still that of the activation that was meant
                    found: dict[str, Any] = {f"a{n}": (row.value, (f"z{n}",)) for n in layers}
                    for n in layers:
                        meant = self.dense[n - 1].activation
                        if meant.elementwise and not (self.paired and n == self.last):
                            others = (f"da{n}", f"z{n}")
                            found[f"delta{n}"] = (_times(meant if kept else row), others)
                    end = ", but σ' is that of the right one." if kept else "."
                    if layers:
                        yield "forward", f"the activation {where} {said}{end}", formula(found)


def _times(row: Activation) -> Callable[..., Any]:
    """The error times σ'(z), of z alone."""
    return lambda d, z: d * row.derivative(z, row.value(z))
