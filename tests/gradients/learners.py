"""Backpropagation as people write it: a correct one in small methods, wrong ones that change one of them, and the code
of the article that started it, rewritten.
"""

from __future__ import annotations

from typing import Any

import numpy as np

SLOPES = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)) * (1 - 1 / (1 + np.exp(-z))),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: (z > 0).astype(float),
    "linear": np.ones_like,
}
VALUES = {
    "sigmoid": lambda z: np.where(z >= 0, 1, np.exp(np.minimum(z, 0))) / (1 + np.exp(-np.abs(z))),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "linear": lambda z: z,
}


class Correct:
    """Correct in every equation; samples are columns. Each method is one thing that can be got wrong."""

    def __init__(self, layers: list[int], activations: list[str], seed: int = 0) -> None:
        for name in activations:
            if name not in VALUES:
                raise ValueError(f"unknown activation {name!r}")
        self.layers, self.activations, self.rng = layers, activations, np.random.default_rng(seed)
        sizes = list(zip(layers[1:], layers[:-1], strict=True))
        self.weights = [self.rng.normal(size=(n, k)) / np.sqrt(k) for n, k in sizes]
        self.biases = [np.zeros((n, 1)) for n, _ in sizes]

    def value(self, layer: int, z: Any) -> Any:
        return VALUES[self.activations[layer]](z)

    def slope(self, layer: int, z: Any, a: Any) -> Any:
        return SLOPES[self.activations[layer]](z)

    def affine(self, layer: int, a: Any) -> Any:
        return self.weights[layer] @ a + self.biases[layer]

    def feedforward(self, x: Any) -> Any:
        z_s, a_s = [], [x]
        for layer in range(len(self.weights)):
            z_s.append(self.affine(layer, a_s[-1]))
            a_s.append(self.value(layer, z_s[-1]))
        return z_s, a_s

    def output_error(self, z_s: Any, a_s: Any, y: Any) -> Any:
        return (a_s[-1] - y) * self.slope(len(z_s) - 1, z_s[-1], a_s[-1])

    def propagate(self, layer: int, deltas: dict[int, Any]) -> Any:
        """∂c/∂a of a layer: the first half of BP2."""
        return self.weights[layer + 1].T @ deltas[layer + 1]

    def gate(self, layer: int, error: Any, z_s: Any, a_s: Any) -> Any:
        return error * self.slope(layer, z_s[layer], a_s[layer + 1])

    def weight(self, layer: int, delta: Any, z_s: Any, a_s: Any) -> Any:
        return delta @ a_s[layer].T / delta.shape[1]

    def bias(self, delta: Any) -> Any:
        return delta.mean(axis=1, keepdims=True)

    def backpropagation(self, y: Any, z_s: Any, a_s: Any) -> Any:
        last = len(z_s) - 1
        deltas = {last: self.output_error(z_s, a_s, y)}
        for layer in range(last - 1, -1, -1):
            deltas[layer] = self.gate(layer, self.propagate(layer, deltas), z_s, a_s)
        layers = range(last + 1)
        return [self.weight(n, deltas[n], z_s, a_s) for n in layers], [self.bias(deltas[n]) for n in layers]

    def order(self, samples: int) -> Any:
        return self.rng.permutation(samples)

    def starts(self, samples: int, batch_size: int) -> Any:
        return range(0, samples, batch_size)

    def step(self, lr: float, dw: Any, db: Any) -> None:
        for layer in range(len(self.weights)):
            self.weights[layer] = self.weights[layer] - lr * dw[layer]
            self.biases[layer] = self.biases[layer] - lr * db[layer]

    def train(self, x: Any, y: Any, batch_size: int = 10, epochs: int = 100, lr: float = 0.001) -> None:
        for _ in range(epochs):
            order = self.order(x.shape[1])
            for start in self.starts(x.shape[1], batch_size):
                part = order[start : start + batch_size]
                z_s, a_s = self.feedforward(x[:, part])
                self.step(lr, *self.backpropagation(y[:, part], z_s, a_s))


def function(
    weights: Any, biases: Any, x: Any, y: Any, kind: type[Correct] = Correct, activation: str = "sigmoid"
) -> Any:
    """The same as a function, for networks of one activation."""
    net = kind([weights[0].shape[1], *(len(w) for w in weights)], [activation] * len(weights))
    net.weights, net.biases = list(weights), list(biases)
    return net.backpropagation(y, *net.feedforward(x))


class Rows:
    """The correct one for samples as rows: weights (fan_in, fan_out), biases (fan_out,)."""

    def __init__(self, layers: list[int], activations: list[str], seed: int = 0) -> None:
        self.inner = Correct(layers, activations, seed)
        self.weights = [w.T for w in self.inner.weights]
        self.biases = [b.ravel() for b in self.inner.biases]

    def columns(self) -> Correct:
        self.inner.weights, self.inner.biases = [w.T for w in self.weights], [b[:, np.newaxis] for b in self.biases]
        return self.inner

    def feedforward(self, x: Any) -> Any:
        return tuple([part.T for part in parts] for parts in self.columns().feedforward(x.T))

    def backpropagation(self, y: Any, z_s: Any, a_s: Any) -> Any:
        dw, db = self.columns().backpropagation(y.T, [z.T for z in z_s], [a.T for a in a_s])
        return [g.T for g in dw], [g.ravel() for g in db]

    def train(self, x: Any, y: Any, batch_size: int = 10, epochs: int = 100, lr: float = 0.001) -> None:
        for _ in range(epochs):
            order = self.inner.order(len(x))
            for start in range(0, len(x), batch_size):
                part = order[start : start + batch_size]
                dw, db = self.backpropagation(y[part], *self.feedforward(x[part]))
                self.weights = [w - lr * g for w, g in zip(self.weights, dw, strict=True)]
                self.biases = [b - lr * g for b, g in zip(self.biases, db, strict=True)]


# ---- wrong ones, one method each


def wrong(**methods: Any) -> type[Correct]:
    """A class that is correct except for some methods."""
    return type("Wrong", (Correct,), methods)


def _sgd_uphill(self: Any, lr: float, dw: Any, db: Any) -> None:
    Correct.step(self, -lr, dw, db)


def _twice(self: Any, lr: float, dw: Any, db: Any) -> None:
    Correct.step(self, lr, [lr * g for g in dw], [lr * g for g in db])


def _weights_only(self: Any, lr: float, dw: Any, db: Any) -> None:
    Correct.step(self, lr, dw, [0 * g for g in db])


def _remembering(self: Any, x: Any) -> Any:
    self.last_pass = Correct.feedforward(self, x)
    return self.last_pass


def _early(self: Any, y: Any, z_s: Any, a_s: Any) -> Any:
    """Updates during the backward pass, and returns the gradients as well."""
    dw, db = [], []
    delta = self.output_error(z_s, a_s, y)
    for layer in range(len(z_s) - 1, -1, -1):
        dw.insert(0, self.weight(layer, delta, z_s, a_s))
        db.insert(0, self.bias(delta))
        if getattr(self, "lr", 0):
            self.weights[layer] = self.weights[layer] - self.lr * dw[0]
            self.biases[layer] = self.biases[layer] - self.lr * db[0]
        if layer:
            delta = self.gate(layer - 1, self.weights[layer].T @ delta, z_s, a_s)
    return dw, db


def _early_train(self: Any, x: Any, y: Any, batch_size: int = 10, epochs: int = 1, lr: float = 0.1) -> None:
    self.lr, self.step = lr, lambda *_: None
    Correct.train(self, x, y, batch_size, epochs, lr)
    self.lr = 0


def _unsliced(self: Any, x: Any, y: Any, batch_size: int = 10, epochs: int = 1, lr: float = 0.1) -> None:
    Correct.train(self, x, y, x.shape[1], epochs, lr)


def _means(self: Any, layer: int, delta: Any, z_s: Any, a_s: Any) -> Any:
    return delta.mean(axis=1, keepdims=True) @ a_s[layer].mean(axis=1, keepdims=True).T


S, ERROR = Correct.slope, Correct.output_error
WRONG: dict[str, tuple[str, str, type[Correct]]] = {
    "sign": ("BP1", "wrong sign", wrong(output_error=lambda s, z, a, y: -ERROR(s, z, a, y))),
    "no gate at the output": ("BP1", "σ' is missing at the output", wrong(output_error=lambda s, z, a, y: a[-1] - y)),
    "gate twice": (
        "BP1",
        "σ' is applied twice at the output",
        wrong(output_error=lambda s, z, a, y: ERROR(s, z, a, y) * S(s, 1, z[-1], a[-1])),
    ),
    "no gate": ("BP2", "σ' is missing in the hidden layers", wrong(gate=lambda s, n, e, z, a: e)),
    "value for slope": ("BP2", "σ(z) itself stands for σ'(z)", wrong(gate=lambda s, n, e, z, a: e * a[n + 1])),
    "slope at a": ("BP1", "the derivative is taken at a", wrong(slope=lambda s, n, z, a: S(s, n, a, a))),
    "z in a form of a": (
        "BP2",
        "a form such as a·(1 − a) is given z",
        wrong(gate=lambda s, n, e, z, a: e * z[n] * (1 - z[n])),
    ),
    "error negative": (
        "BP2",
        "the error that arrives has the wrong sign",
        wrong(propagate=lambda s, n, d: -Correct.propagate(s, n, d)),
    ),
    "no weights": (
        "BP2",
        "is not multiplied by the weights",
        wrong(propagate=lambda s, n, d: np.ones_like(s.weights[n + 1]).T @ d[n + 1]),
    ),
    "not transposed": (
        "BP2",
        "W is not transposed on the way back",
        wrong(propagate=lambda s, n, d: s.weights[n + 1] @ d[n + 1]),
    ),
    "W of the layer below": (
        "BP2",
        "through the W of the layer below (shifted layer)",
        wrong(propagate=lambda s, n, d: s.weights[n].T @ d[n + 1]),
    ),
    "error of the output": (
        "BP2",
        "every layer gets the error of the output",
        wrong(propagate=lambda s, n, d: s.weights[n + 1].T @ d[max(d)]),
    ),
    "gate of the layer below": (
        "BP2",
        "at the z of the layer below (shifted layer)",
        wrong(gate=lambda s, n, e, z, a: e * S(s, n, z[n - 1] if n else a[0], a[n])),
    ),
    "sum in the bias": ("BP3", "in db, a sum over the batch", wrong(bias=lambda s, d: d.sum(axis=1, keepdims=True))),
    "sum in the weights": ("BP4", "in dW, a sum over the batch", wrong(weight=lambda s, n, d, z, a: d @ a[n].T)),
    "bias axis": ("BP3", "over neurons, not over samples", wrong(bias=lambda s, d: d.mean(axis=0, keepdims=True))),
    "bias scalar": ("BP3", "is one number for all", wrong(bias=lambda s, d: np.mean(d))),
    "bias unaveraged": ("BP3", "is δ itself", wrong(bias=lambda s, d: d)),
    "bias of one sample": ("BP3", "db comes from the first sample alone", wrong(bias=lambda s, d: d[:, :1])),
    "weights of one sample": (
        "BP4",
        "dW comes from the last sample alone",
        wrong(weight=lambda s, n, d, z, a: d[:, -1:] @ a[n][:, -1:].T),
    ),
    "transposed": ("BP4", "dW is transposed", wrong(weight=lambda s, n, d, z, a: a[n] @ d.T / d.shape[1])),
    "z for a": (
        "BP4",
        "z of the layer below stands for its a",
        wrong(weight=lambda s, n, d, z, a: d @ (z[n - 1] if n else a[0]).T / d.shape[1]),
    ),
    "a of the same layer": (
        "BP4",
        "a of the same layer",
        wrong(weight=lambda s, n, d, z, a: d @ a[n + 1].T / d.shape[1]),
    ),
    "means multiplied": ("BP4", "the mean of δ times the mean of a", wrong(weight=_means)),
    "backwards": (
        "BP4",
        "backward order",
        wrong(backpropagation=lambda s, y, z, a: tuple(g[::-1] for g in Correct.backpropagation(s, y, z, a))),
    ),
    "no bias": ("forward", "z1 is not W·a + b", wrong(affine=lambda s, n, a: s.weights[n] @ a)),
    "linear output": (
        "forward",
        "a2 is not sigmoid(z)",
        wrong(value=lambda s, n, z: z if n == len(s.weights) - 1 else Correct.value(s, n, z)),
    ),
    "stale": (
        "BP4",
        "stale activations",
        wrong(feedforward=_remembering, backpropagation=lambda s, y, z, a: Correct.backpropagation(s, y, *s.last_pass)),
    ),
    "uphill": ("update", "it goes uphill", wrong(step=_sgd_uphill)),
    "rate twice": ("update", "the learning rate is applied twice to the weights and biases", wrong(step=_twice)),
    "biases stay": ("update", "the biases are never updated", wrong(step=_weights_only)),
    "early update": (
        "BP2",
        "updates W before the error passes through it",
        wrong(backpropagation=_early, train=_early_train),
    ),
    "last batch": (
        "update",
        "the last, smaller batch is dropped",
        wrong(starts=lambda s, n, b: range(0, n - b + 1, b)),
    ),
    "unsliced": ("update", "the batch is never sliced", wrong(train=_unsliced)),
    "not shuffled": ("update", "nothing is shuffled", wrong(order=lambda s, n: np.arange(n))),
}


# ---- right ones of another cost: the note on their scale
SCALED: dict[str, tuple[str, type[Correct]]] = {
    "two": ("2 × ours: the ½ of the cost is missing", wrong(output_error=lambda s, z, a, y: 2 * ERROR(s, z, a, y))),
    "outputs": (
        "1/3 × ours: the mean over the 3 outputs",
        wrong(output_error=lambda s, z, a, y: ERROR(s, z, a, y) / len(y)),
    ),
    "sum": (
        "7 × ours: the sum over the batch; right if your cost is a sum",
        wrong(weight=lambda s, n, d, z, a: d @ a[n].T, bias=lambda s, d: d.sum(axis=1, keepdims=True)),
    ),
    "mean twice": (
        "1/7 × ours: 1/m is applied twice",
        wrong(output_error=lambda s, z, a, y: ERROR(s, z, a, y) / y.shape[1]),
    ),
}


class Article:
    """The article's class with all the mistakes of its code, rewritten: the same names, shapes and faults."""

    def __init__(self, layers: list[int], activations: list[str]) -> None:
        self.layers, self.activations = layers, activations
        shapes = list(zip(layers[1:], layers[:-1], strict=True))
        self.weights = [np.random.randn(n, k) for n, k in shapes]  # noqa: NPY002
        self.biases = [np.random.randn(n, 1) for n, _ in shapes]  # noqa: NPY002

    @staticmethod
    def getActivationFunction(name: str) -> Any:
        if name == "sigmoid":
            return lambda z: np.exp(z) / (1 + np.exp(z))
        if name == "relu":
            return lambda z: np.maximum(z, 0)
        print("no such activation, the identity is used")
        return lambda z: z

    @classmethod
    def getDerivitiveActivationFunction(cls, name: str) -> Any:
        if name == "sigmoid":
            sigmoid = cls.getActivationFunction(name)
            return lambda z: sigmoid(z) * (1 - sigmoid(z))
        return (lambda z: (z >= 0) * 1.0) if name == "relu" else lambda z: 1

    def feedforward(self, x: Any) -> Any:
        z_s, a_s = [], [np.copy(x)]
        for w, b, name in zip(self.weights, self.biases, self.activations, strict=True):
            z_s.append(w @ a_s[-1] + b)
            a_s.append(self.getActivationFunction(name)(z_s[-1]))
        return z_s, a_s

    def backpropagation(self, y: Any, z_s: Any, a_s: Any) -> Any:
        slopes = [self.getDerivitiveActivationFunction(name)(z) for name, z in zip(self.activations, z_s, strict=True)]
        deltas = [(y - a_s[-1]) * slopes[-1]]
        for w, slope in zip(self.weights[:0:-1], slopes[-2::-1], strict=True):
            deltas.insert(0, (w.T @ deltas[0]) * slope)
        m = y.shape[1]
        return [d @ a.T / m for d, a in zip(deltas, a_s, strict=False)], [d @ np.ones((m, 1)) / m for d in deltas]

    def train(self, x: Any, y: Any, batch_size: int = 10, epochs: int = 100, lr: float = 0.01) -> None:
        for _ in range(epochs):
            i = 0
            while i < len(y):  # y is (fan_out, samples): this counts outputs
                x_part, y_part = x[i : i + batch_size], y[i : i + batch_size]
                i += batch_size
                dw, db = self.backpropagation(y_part, *self.feedforward(x_part))
                self.weights = [w + lr * g for w, g in zip(self.weights, dw, strict=True)]
                self.biases = [b + lr * g for b, g in zip(self.biases, db, strict=True)]
                print("loss", np.linalg.norm(self.feedforward(x_part)[1][-1] - y_part))
