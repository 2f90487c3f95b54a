"""Backpropagation as people get it wrong: one right one in plain NumPy for any activations and cost, and a table of
small changes, each with the equation it is in and a part of the sentence that must name it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


def softmax(z: Array, axis: Any = 0) -> Array:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


VALUES: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: z * (z > 0),
    "linear": lambda z: z,
    "softmax": softmax,
}
SLOPES: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2,
    "tanh": lambda z: 1 / np.cosh(z) ** 2,
    "relu": lambda z: (z > 0) * 1.0,
    "linear": np.ones_like,
}


class Run(NamedTuple):
    """The quantities of a pass, by layer from 1: w, b, z, a (a[0] is x), δ, ∂c/∂a, dw."""

    w: dict[int, Array]
    b: dict[int, Array]
    z: dict[int, Array]
    a: dict[int, Array]
    d: dict[int, Array]
    e: dict[int, Array]
    dw: dict[int, Array]
    y: Array

    @property
    def m(self) -> int:
        return self.y.shape[1]

    @property
    def last(self) -> int:
        return len(self.w)


class Mine:
    """The right one; every method is one thing to get wrong."""

    def __init__(self, activations: list[str], cost: str) -> None:
        self.names, self.cost = dict(enumerate(activations, 1)), cost

    # forward

    def affine(self, r: Run, n: int) -> Array:
        return r.w[n] @ r.a[n - 1] + r.b[n]

    def value(self, r: Run, n: int) -> Array:
        return VALUES[self.names[n]](r.z[n])

    # back

    def raw(self, r: Run) -> Array:
        """∂c/∂a."""
        a, y = r.a[r.last], r.y
        if self.cost == "binary_cross_entropy":
            return (a - y) / (a * (1 - a))
        return -y / a if self.cost == "categorical_cross_entropy" else a - y

    def slope(self, r: Run, n: int) -> Array:
        return SLOPES[self.names[n]](r.z[n])

    def output_gate(self, r: Run, e: Array) -> Array:
        if self.names[r.last] == "softmax":
            a = r.a[r.last]
            return a * (e - (a * e).sum(axis=0))
        return e * self.slope(r, r.last)

    def gate(self, r: Run, n: int, e: Array) -> Array:
        return e * self.slope(r, n)

    def arriving(self, r: Run, n: int) -> Array:
        return r.w[n + 1].T @ r.d[n + 1]

    def weight(self, r: Run, n: int) -> Array:
        return r.d[n] @ r.a[n - 1].T / r.m

    def bias(self, r: Run, n: int) -> Array:
        return r.d[n].sum(axis=1, keepdims=True) / r.m

    def after(self, r: Run, n: int) -> None:
        """After the gradients of a layer."""

    def batch(self, x: Array, y: Array) -> tuple[Array, Array]:
        return x, y

    def __call__(self, weights: list[Array], biases: list[Array], x: Array, y: Array) -> Any:
        x, y = self.batch(x, y)
        r = Run(dict(enumerate(weights, 1)), dict(enumerate(biases, 1)), {}, {0: x}, {}, {}, {}, y)
        for n in r.w:
            r.z[n] = self.affine(r, n)
            r.a[n] = self.value(r, n)
        db = {}
        for n in range(r.last, 0, -1):
            r.e[n] = self.raw(r) if n == r.last else self.arriving(r, n)
            r.d[n] = self.output_gate(r, r.e[n]) if n == r.last else self.gate(r, n, r.e[n])
            r.dw[n], db[n] = self.weight(r, n), self.bias(r, n)
            self.after(r, n)
        return [r.dw[n] for n in r.w], [db[n] for n in r.w]


class Wrong(NamedTuple):
    """A mistake: its equation, a part of the sentence that names it, where it can be made, and what it changes."""

    equation: str
    sentence: str
    where: Callable[[list[int], list[str], str], bool]
    methods: dict[str, Callable[..., Any]]


def always(widths: list[int], names: list[str], cost: str) -> bool:
    return True


def squared(widths: list[int], names: list[str], cost: str) -> bool:
    return cost == "quadratic"


def deep(widths: list[int], names: list[str], cost: str) -> bool:
    return len(widths) > 2


def square(widths: list[int], names: list[str], cost: str) -> bool:
    return len(widths) > 3 and len(set(widths[1:-1])) == 1


def curved(widths: list[int], names: list[str], cost: str) -> bool:
    return cost == "quadratic" and names[-1] not in ("linear", "softmax")


def hidden(*kinds: str) -> Callable[[list[int], list[str], str], bool]:
    return lambda widths, names, cost: len(names) > 1 and all(name in kinds for name in names[:-1])


def softened(widths: list[int], names: list[str], cost: str) -> bool:
    return names[-1] == "softmax"


def probable(widths: list[int], names: list[str], cost: str) -> bool:
    return cost == "binary_cross_entropy"


def several(widths: list[int], names: list[str], cost: str) -> bool:
    return widths[-1] > 1


def before_update(self: Mine, r: Run, n: int) -> None:
    r.w[n] = r.w[n] - 0.37 * r.dw[n]


def sum_of(kind: str) -> Callable[..., Any]:
    method = getattr(Mine, kind)
    return lambda s, r, n: method(s, r, n) * r.m


def in_layer_one(kind: str, change: Callable[[Array], Array]) -> Callable[..., Any]:
    method = getattr(Mine, kind)
    return lambda s, r, n, *e: change(method(s, r, n, *e)) if n == 1 else method(s, r, n, *e)


def in_place(s: Mine, r: Run, n: int, e: Array) -> Array:
    """relu' written into a itself, after which dW of the layer above reads 0 and 1."""
    gated = e * (r.a[n] > 0)
    r.dw[n + 1][...] = r.d[n + 1] @ (r.a[n] > 0).T / r.m
    return gated


def folded(first: bool) -> Callable[..., Any]:
    """Biases in W's first column but ones below a, or the other way round, forward and back."""

    def columns(r: Run, n: int) -> Array:
        return np.hstack([r.b[n], r.w[n]] if first else [r.w[n], r.b[n]])

    def ones(r: Run, n: int) -> Array:
        one = np.ones((1, r.m))
        return np.vstack([r.a[n - 1], one] if first else [one, r.a[n - 1]])

    def call(self: Mine, weights: Any, biases: Any, x: Array, y: Array) -> Any:
        self.affine = lambda r, n: columns(r, n) @ ones(r, n)  # type: ignore[method-assign]
        self.arriving = (
            lambda r, n: (  # type: ignore[method-assign]
                (columns(r, n + 1)[:, :-1] if first else columns(r, n + 1)[:, 1:]).T @ r.d[n + 1]
            )
        )
        gradients: dict[int, Array] = {}

        def weight(r: Run, n: int) -> Array:
            gradients[n] = r.d[n] @ ones(r, n).T / r.m
            return gradients[n][:, 1:] if first else gradients[n][:, :-1]

        self.weight = weight  # type: ignore[method-assign]
        self.bias = lambda r, n: gradients[n][:, :1] if first else gradients[n][:, -1:]  # type: ignore[method-assign]
        return Mine.__call__(self, weights, biases, x, y)

    return call


def rolled(s: Mine, x: Array, y: Array) -> tuple[Array, Array]:
    return x[:, np.random.default_rng(3).permutation(x.shape[1])], y


M = Mine
WRONG: dict[str, Wrong] = {
    # BP1
    "sign": Wrong("BP1", "wrong sign", always, {"output_gate": lambda s, r, e: -M.output_gate(s, r, e)}),
    "no output gate": Wrong("BP1", "σ' is missing at the output", curved, {"output_gate": lambda s, r, e: e}),
    "output gate twice": Wrong(
        "BP1",
        "σ' is applied twice at the output",
        lambda w, n, c: curved(w, n, c) and n[-1] != "relu",
        {"output_gate": lambda s, r, e: e * s.slope(r, r.last) ** 2},
    ),
    "pair and gate": Wrong(
        "BP1",
        "σ' is applied once more after a − y",
        probable,
        {"output_gate": lambda s, r, e: (r.a[r.last] - r.y) * s.slope(r, r.last)},
    ),
    "bce without gate": Wrong("BP1", "σ' is missing at the output", probable, {"output_gate": lambda s, r, e: e}),
    "bce of one term": Wrong("BP1", "−y/a alone", probable, {"raw": lambda s, r: -r.y / r.a[r.last]}),
    "softmax diagonal": Wrong(
        "BP1",
        "only the diagonal of softmax's Jacobian",
        softened,
        {"output_gate": lambda s, r, e: e * r.a[r.last] * (1 - r.a[r.last])},
    ),
    "softmax ungated": Wrong(
        "BP1", "derivative of softmax, its Jacobian", softened, {"output_gate": lambda s, r, e: e}
    ),
    "no target": Wrong(
        "BP1", "the targets are not used", lambda w, n, c: c == "quadratic", {"raw": lambda s, r: r.a[r.last]}
    ),
    "square": Wrong(
        "BP1",
        "the squared error stands for its derivative",
        lambda w, n, c: c == "quadratic",
        {"raw": lambda s, r: (r.a[r.last] - r.y) ** 2},
    ),
    "tanh' at a sigmoid output": Wrong(
        "BP1",
        "σ' is that of tanh at the output",
        lambda w, n, c: n[-1] == "sigmoid" and c == "quadratic",
        {"output_gate": lambda s, r, e: e * (1 - r.a[r.last] ** 2)},
    ),
    # BP2
    "raw error passed back": Wrong(
        "BP2",
        "before it went through σ'",
        lambda w, n, c: deep(w, n, c) and n[-1] != "linear",
        {"arriving": lambda s, r, n: r.w[n + 1].T @ r.e[n + 1]},
    ),
    "early update": Wrong("BP2", "W is updated before the error passes", deep, {"after": before_update}),
    "no gate": Wrong("BP2", "σ' is missing in the hidden layers", deep, {"gate": lambda s, r, n, e: e}),
    "gate at a": Wrong(
        "BP2",
        "the derivative is taken at a",
        hidden("sigmoid", "tanh"),
        {"gate": lambda s, r, n, e: e * SLOPES[s.names[n]](r.a[n])},
    ),
    "z in a form of a": Wrong(
        "BP2",
        "is given z",
        hidden("sigmoid"),
        {"gate": lambda s, r, n, e: e * r.z[n] * (1 - r.z[n])},
    ),
    "a for the slope": Wrong(
        "BP2", "σ(z) itself stands for σ'(z)", hidden("sigmoid", "tanh"), {"gate": lambda s, r, n, e: e * r.a[n]}
    ),
    "sigmoid' of a tanh": Wrong(
        "BP2", "σ' is that of sigmoid", hidden("tanh"), {"gate": lambda s, r, n, e: e * r.a[n] * (1 - r.a[n])}
    ),
    "tanh' of a sigmoid": Wrong(
        "BP2", "σ' is that of tanh", hidden("sigmoid"), {"gate": lambda s, r, n, e: e * (1 - r.a[n] ** 2)}
    ),
    "gate from δ": Wrong(
        "BP2", "the gate of relu is taken from δ", hidden("relu"), {"gate": lambda s, r, n, e: e * (e > 0)}
    ),
    "gate missing in layer 1": Wrong(
        "BP2",
        "σ' is missing in layer 1 only",
        lambda w, n, c: len(w) > 3,
        {"gate": lambda s, r, n, e: e if n == 1 else M.gate(s, r, n, e)},
    ),
    "error negative": Wrong(
        "BP2", "the error that arrives has the wrong sign", deep, {"arriving": lambda s, r, n: -M.arriving(s, r, n)}
    ),
    "no weights": Wrong(
        "BP2",
        "is not multiplied by the weights",
        lambda w, n, c: deep(w, n, c),
        {"arriving": lambda s, r, n: np.ones_like(r.w[n + 1]).T @ r.d[n + 1]},
    ),
    "not transposed": Wrong(
        "BP2",
        "W is not transposed on the way back",
        lambda w, n, c: deep(w, n, c) and any(p != q for p, q in zip(w[2:], w[1:-1], strict=True)),
        {"arriving": lambda s, r, n: r.w[n + 1] @ r.d[n + 1]},
    ),
    "error of the output": Wrong(
        "BP2",
        "every layer gets the error of the output",
        lambda w, n, c: len(w) > 3 and len(set(w[2:])) == 1,
        {"arriving": lambda s, r, n: r.w[n + 1].T @ r.d[r.last]},
    ),
    # BP4
    "first sample": Wrong(
        "BP4", "from the first sample alone", always, {"weight": lambda s, r, n: r.d[n][:, :1] @ r.a[n - 1][:, :1].T}
    ),
    "z for a": Wrong(
        "BP4",
        "z of the layer below stands for its a",
        deep,
        {"weight": lambda s, r, n: r.d[n] @ (r.z[n - 1] if n > 1 else r.a[0]).T / r.m},
    ),
    "dW before the gate": Wrong(
        "BP4",
        "dW is taken before the gate",
        lambda w, n, c: n[0] != "linear",
        {"weight": lambda s, r, n: r.e[n] @ r.a[n - 1].T / r.m},
    ),
    "sum in dW": Wrong("BP4", "in dW, a sum over the batch", always, {"weight": sum_of("weight")}),
    "sum in dW1": Wrong("BP4", "dW1 is", deep, {"weight": in_layer_one("weight", lambda g: g * 7 / 3)}),
    "by fan_in": Wrong(
        "BP4",
        "divided by fan_in",
        lambda w, n, c: deep(w, n, c) and len(set(w[:-1])) > 1,
        {"weight": lambda s, r, n: r.d[n] @ r.a[n - 1].T / len(r.a[n - 1])},
    ),
    "relu in place": Wrong("BP4", "written in place", hidden("relu"), {"gate": in_place}),
    "a of another sample": Wrong(
        "BP4",
        "paired with the a of another sample",
        always,
        {"weight": lambda s, r, n: r.d[n] @ r.a[n - 1][:, ::-1].T / r.m},
    ),
    "transposed": Wrong(
        "BP4",
        "dW is transposed",
        lambda w, n, c: any(p != q for p, q in zip(w[1:], w[:-1], strict=True)),
        {"weight": lambda s, r, n: M.weight(s, r, n).T},
    ),
    "dW of layer 1 without mean": Wrong("BP4", "dW1 is 7 ×", deep, {"weight": in_layer_one("weight", lambda g: g * 7)}),
    # BP3
    "sum in db": Wrong("BP3", "in db, a sum over the batch", always, {"bias": sum_of("bias")}),
    "one db": Wrong("BP3", "one number", several, {"bias": lambda s, r, n: np.full((len(r.d[n]), 1), r.d[n].mean())}),
    "db is a scalar": Wrong("BP3", "is one number for all", several, {"bias": lambda s, r, n: r.d[n].mean()}),
    "db axis": Wrong("BP3", "over neurons, not over samples", always, {"bias": lambda s, r, n: r.d[n].mean(axis=0)}),
    "db is δ": Wrong("BP3", "is δ itself", always, {"bias": lambda s, r, n: r.d[n]}),
    "db of the last sample": Wrong(
        "BP3", "db comes from the last sample alone", always, {"bias": lambda s, r, n: r.d[n][:, -1:]}
    ),
    "db is 0": Wrong("BP3", "db is 0", always, {"bias": lambda s, r, n: np.zeros((len(r.d[n]), 1))}),
    "db1 is 0": Wrong("BP3", "the gradient is 0 in db1", deep, {"bias": in_layer_one("bias", lambda g: 0 * g)}),
    "db before the gate": Wrong(
        "BP3",
        "db is taken before the gate",
        lambda w, n, c: n[0] != "linear",
        {"bias": lambda s, r, n: r.e[n].mean(axis=1, keepdims=True)},
    ),
    # BP3 and BP4
    "by features": Wrong(
        "BP3 and BP4",
        "the number of features",
        lambda w, n, c: w[0] not in (1, w[-1]),
        {
            "weight": lambda s, r, n: r.d[n] @ r.a[n - 1].T / len(r.a[0]),
            "bias": lambda s, r, n: r.d[n].sum(axis=1, keepdims=True) / len(r.a[0]),
        },
    ),
    "by m·n": Wrong(
        "BP3 and BP4",
        "divided by m and by",
        lambda w, n, c: w[0] not in (1, 2, w[-1]),
        {
            "weight": lambda s, r, n: r.d[n] @ r.a[n - 1].T / r.a[0].size,
            "bias": lambda s, r, n: r.d[n].sum(axis=1, keepdims=True) / r.a[0].size,
        },
    ),
    # forward
    "no bias": Wrong("forward", "z lacks its bias", always, {"affine": lambda s, r, n: r.w[n] @ r.a[n - 1]}),
    "minus bias": Wrong(
        "forward", "the bias is subtracted", always, {"affine": lambda s, r, n: r.w[n] @ r.a[n - 1] - r.b[n]}
    ),
    "no output activation": Wrong(
        "forward",
        "the activation of the output is missing",
        lambda w, n, c: n[-1] in ("sigmoid", "tanh", "relu") and c == "quadratic",
        {
            "value": lambda s, r, n: r.z[n] if n == r.last else M.value(s, r, n),
            "output_gate": lambda s, r, e: e,
        },
    ),
    "softmax over the samples": Wrong(
        "forward",
        "over the wrong axis",
        softened,
        {
            "value": lambda s, r, n: softmax(r.z[n], 1) if n == r.last else M.value(s, r, n),
            "output_gate": lambda s, r, e: r.a[r.last] - r.y,
        },
    ),
    "softmax over the batch": Wrong(
        "forward",
        "over the batch as a whole",
        softened,
        {
            "value": lambda s, r, n: softmax(r.z[n], None) if n == r.last else M.value(s, r, n),
            "output_gate": lambda s, r, e: r.a[r.last] - r.y,
        },
    ),
    "sigmoid for tanh": Wrong(
        "forward",
        "the activation of the hidden layers is sigmoid",
        hidden("tanh"),
        {
            "value": lambda s, r, n: VALUES["sigmoid"](r.z[n]) if n < r.last else M.value(s, r, n),
            "gate": lambda s, r, n, e: e * r.a[n] * (1 - r.a[n]),
        },
    ),
    "ones last": Wrong("forward", "the ones are appended at the other end", always, {"__call__": folded(True)}),
    "ones first": Wrong("forward", "the ones are appended at the other end", always, {"__call__": folded(False)}),
    # run
    "x shuffled": Wrong("run", "paired with the y of other samples", always, {"batch": rolled}),
}


def mistaken(name: str, activations: list[str], cost: str) -> Mine:
    """The implementation with one of the mistakes."""
    kind = type("Mistaken", (Mine,), dict(WRONG[name].methods))
    return kind(activations, cost)


ARCHITECTURES: dict[str, tuple[list[int], list[str], str]] = {
    "sigmoid": ([3, 5, 2], ["sigmoid", "sigmoid"], "quadratic"),
    "tanh, linear": ([3, 4, 4, 2], ["tanh", "tanh", "linear"], "quadratic"),
    "relu, sigmoid": ([2, 6, 1], ["relu", "sigmoid"], "binary_cross_entropy"),
    "relu, softmax": ([4, 5, 3], ["relu", "softmax"], "categorical_cross_entropy"),
    "three hidden": ([3, 5, 5, 5, 5], ["sigmoid"] * 4, "quadratic"),
    "one layer": ([3, 2], ["sigmoid"], "quadratic"),
    "one output": ([2, 3, 1], ["tanh", "tanh"], "quadratic"),
    "tanh, several sigmoids": ([4, 3, 3], ["tanh", "sigmoid"], "binary_cross_entropy"),
}
CASES = [
    (name, architecture)
    for name, wrong in WRONG.items()
    for architecture, arguments in ARCHITECTURES.items()
    if wrong.where(*arguments)
]


# ---- right ones, whose cost is another


def with_penalty(l2: float, l1: float = 0.0, by_m: bool = False) -> Callable[..., Any]:
    def weight(s: Mine, r: Run, n: int) -> Array:
        return M.weight(s, r, n) + (l2 * r.w[n] + l1 * np.sign(r.w[n])) / (r.m if by_m else 1)

    return weight


def scaled(factor: Callable[[Run], float]) -> dict[str, Callable[..., Any]]:
    return {
        "weight": lambda s, r, n: M.weight(s, r, n) * factor(r),
        "bias": lambda s, r, n: M.bias(s, r, n) * factor(r),
    }


def binary_with(epsilon: float) -> Callable[..., Any]:
    return lambda s, r: -r.y / (r.a[r.last] + epsilon) + (1 - r.y) / (1 - r.a[r.last] + epsilon)


class Right(NamedTuple):
    """A right implementation: parts of the notes on it, where it can be made, and the methods it changes."""

    notes: tuple[str, ...]
    where: Callable[[list[int], list[str], str], bool]
    methods: dict[str, Callable[..., Any]]


RIGHT: dict[str, Right] = {
    "plain": Right((), always, {}),
    "sum": Right(("× ours: the sum over the batch; right if your cost is a sum",), always, scaled(lambda r: r.m)),
    "no ½": Right(("2 × ours: the ½ of the cost is missing",), squared, scaled(lambda r: 2)),
    "sum without ½": Right(("× ours: the sum over the batch, and the ½",), squared, scaled(lambda r: 2 * r.m)),
    "mean over outputs": Right(("the mean over the",), lambda w, n, c: w[-1] > 2, scaled(lambda r: 1 / len(r.y))),
    "1/m twice": Right(("× ours: 1/m is applied twice",), always, scaled(lambda r: 1 / r.m)),
    "learning rate": Right(("0.03 × ours: a factor such as the learning rate",), always, scaled(lambda r: 0.03)),
    "L2": Right(("an L2 term, 0.1·W",), always, {"weight": with_penalty(0.1)}),
    "L2 by m": Right(("an L2 term, 0.7/m·W",), always, {"weight": with_penalty(0.7, by_m=True)}),
    "L1": Right(("an L1 term, 0.02·sign(W)",), always, {"weight": with_penalty(0, 0.02)}),
    "L1 and L2": Right(("an L1 term", "an L2 term"), always, {"weight": with_penalty(0.3, 0.02)}),
    "L2 on biases too": Right(
        ("your dW contains an L2 term", "your db contains an L2 term"),
        always,
        {"weight": with_penalty(0.1), "bias": lambda s, r, n: M.bias(s, r, n) + 0.1 * r.b[n]},
    ),
    "sum and L2": Right(
        ("× ours: the sum over the batch", "an L2 term, 0.1·W"),
        always,
        {"weight": lambda s, r, n: M.weight(s, r, n) * r.m + 0.1 * r.w[n], "bias": sum_of("bias")},
    ),
    "ε": Right(("an ε of 0.001 stands inside the logarithm",), probable, {"raw": binary_with(1e-3)}),
    "small ε": Right(("an ε of 1e-5 stands inside the logarithm",), probable, {"raw": binary_with(1e-5)}),
    "tiny ε": Right((), probable, {"raw": binary_with(1e-12)}),
    "ε of a product": Right(
        ("an ε of 0.0001",),
        probable,
        {"raw": lambda s, r: (r.a[r.last] - r.y) / (r.a[r.last] * (1 - r.a[r.last]) + 1e-4)},
    ),
    "ε, classes": Right(
        ("an ε of 0.0001",),
        lambda w, n, c: c == "categorical_cross_entropy",
        {"raw": lambda s, r: -r.y / (r.a[r.last] + 1e-4)},
    ),
    "ε, sum and L2": Right(
        ("× ours: the sum over the batch", "an L2 term, 0.1·W", "an ε of 0.001"),
        probable,
        {
            "raw": binary_with(1e-3),
            "weight": lambda s, r, n: M.weight(s, r, n) * r.m + 0.1 * r.w[n],
            "bias": sum_of("bias"),
        },
    ),
    "float32": Right(
        (),
        always,
        {
            "weight": lambda s, r, n: M.weight(s, r, n).astype(np.float32),
            "bias": lambda s, r, n: M.bias(s, r, n).astype(np.float32),
        },
    ),
}
RIGHT_CASES = [
    (name, architecture)
    for name, right in RIGHT.items()
    for architecture, arguments in ARCHITECTURES.items()
    if right.where(*arguments)
]


def right_one(name: str, activations: list[str], cost: str) -> Mine:
    """The implementation of a cost that differs from ours."""
    return type("Right", (Mine,), dict(RIGHT[name].methods))(activations, cost)
