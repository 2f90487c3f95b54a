"""Implementations whose gradient shows in what their step changes: globals, layers that update themselves, fit."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from glassnet import check_backprop

from .function_table import CCE, half_square, pairs
from .implementation import Implementation

FOUR = ["W1", "b1", "W2", "b2"]

# ------------------------------------------------------------------------------------ the judge's way into single files


def differences(before: list[Any], after: list[Any], lr: float = 1.0) -> tuple[list[Any], list[Any]]:
    """The gradient that a step took, for parameters in pairs w, b."""
    found = [(p - q) / lr for p, q in zip(before, after, strict=True)]
    return found[::2], found[1::2]


def set_all(owner: Any, names: list[str], values: list[Any]) -> None:
    for name, value in zip(names, values, strict=True):
        setattr(owner, name, value.copy())


def get_all(owner: Any, names: list[str]) -> list[Any]:
    return [getattr(owner, name) for name in names]


def dense_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    dense = [m.dense1, m.dense2]
    for layer, weights, biases in zip(dense, w, b, strict=True):
        layer.weights, layer.biases = weights.copy(), biases.copy()
    m.train_step(x, y, m.Optimizer_SGD(1.0))
    after = [p for layer in dense for p in (layer.weights, layer.biases)]
    return differences(pairs(w, b), after)


def dense_cost(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> float:
    for layer, weights, biases in zip([m.dense1, m.dense2], w, b, strict=True):
        layer.weights, layer.biases = weights.copy(), biases.copy()
    return float(m.train_step(x, y, m.Optimizer_SGD(0.0)))


def own_network(m: ModuleType, w: Any, b: Any) -> Any:
    net = m.build(3, 4, 2)
    for layer, weights, biases in zip(net[::2], w, b, strict=True):
        layer.weights, layer.bias = weights.copy(), biases.copy()
    return net


def own_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    net = own_network(m, w, b)
    m.train_one(net, x, y, 1.0)
    return differences(pairs(w, b), [p for layer in net[::2] for p in (layer.weights, layer.bias)])


def eleven_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    m.syn0, m.syn1 = w[0].copy(), w[1].copy()
    m.train(x, y, 1)
    return [w[0] - m.syn0, w[1] - m.syn1], []


def eleven_cost(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> float:
    return half_square(m.nonlin(m.nonlin(x @ w[0]) @ w[1]) - y)


def data_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    net = m.NeuralNetwork(x, y, 4)
    net.weights1, net.weights2 = w[0].copy(), w[1].copy()
    net.train(x, y)
    return [w[0] - net.weights1, w[1] - net.weights2], []


def data_cost(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> float:
    net = m.NeuralNetwork(x, y, 4)
    net.weights1, net.weights2 = w
    net.feedforward()
    return float(np.sum((net.y - net.output) ** 2))


def fit_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    net = m.MLP([3, 5, 4, 2], lr=1.0)
    net.W, net.b = [p.copy() for p in w], [p.copy() for p in b]
    net.fit(x, y, epochs=1)
    return differences(pairs(w, b), pairs(net.W, net.b))


def fit_cost(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> float:
    net = m.MLP([3, 5, 4, 2])
    net.W, net.b = w, b
    return 2 * half_square(net.predict(x) - y) / len(x)


def globals_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    set_all(m, FOUR, pairs(w, b))
    m.train_step(x, y)
    return differences(pairs(w, b), get_all(m, FOUR), m.alpha)


def globals_cost(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> float:
    set_all(m, FOUR, pairs(w, b))
    return float(m.train_step(x, y))


def sequential(m: ModuleType, w: Any, b: Any) -> Any:
    """One model for all calls: it may keep something from one to the next."""
    if "model" not in vars(m):
        m.model = m.Sequential(m.Linear(3, 4), m.Sigmoid(), m.Linear(4, 4), m.Sigmoid(), m.Linear(4, 2), m.Sigmoid())
    for layer, weights, biases in zip(m.model.modules[::2], w, b, strict=True):
        layer.weight.data, layer.bias.data = weights.copy(), biases.copy()
    return m.model


def objects_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    model = sequential(m, w, b)
    m.train_step(model, m.MSELoss(), m.SGD(model.parameters(), 1.0), x, y)
    after = [p.data for layer in model.modules[::2] for p in (layer.weight, layer.bias)]
    return differences(pairs(w, b), after)


def deep_net(m: ModuleType, w: Any, b: Any) -> Any:
    net = m.DeepRegressor([3, 4, 4, 3, 2])
    net.w, net.b = dict(enumerate(w, 1)), dict(enumerate(b, 1))
    return net


def deep_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    net = deep_net(m, w, b)
    net.train_on_batch(x, y, lr=0.01)
    return differences(pairs(w, b), pairs(list(net.w.values()), list(net.b.values())), 0.01)


def deep_cost(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> float:
    return half_square(deep_net(m, w, b).forward(x)[1][4] - y) / x.shape[1]


def regressor(m: ModuleType, w: Any, b: Any) -> Any:
    net = m.Regressor(3, 5)
    set_all(net, FOUR, pairs(w, b))
    return net


def regressor_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    net = regressor(m, w, b)
    net.partial_fit(x, y, lr=1.0)
    return differences(pairs(w, b), get_all(net, FOUR))


# ------------------------------------------------------------------------------------------- the calls of their authors


def check_dense(m: ModuleType) -> Any:
    return check_backprop(
        parameters=[(m.dense1, "weights", "biases"), (m.dense2, "weights", "biases")],
        step=lambda X, y: m.train_step(X, y, m.Optimizer_SGD(1.0)),
        lr=1.0,
        layers=[3, 5, 4],
        activations=["relu", "softmax"],
        cost=CCE,
        labels=True,
    )


def check_own_step(m: ModuleType) -> Any:
    net = m.build(3, 4, 2)
    return check_backprop(
        parameters=[(net[0], "weights", "bias"), (net[2], "weights", "bias")],
        step=lambda x, y: m.train_one(net, x, y, 1.0),
        one_sample=True,
        layers=[3, 4, 2],
        activations=["tanh", "tanh"],
    )


def check_eleven(m: ModuleType) -> Any:
    return check_backprop(
        parameters=[(m, "syn0"), (m, "syn1")],
        step=lambda X, y: m.train(X, y, 1),
        biases=False,
        layers=[3, 4, 2],
        activations=["sigmoid", "sigmoid"],
    )


def check_data(m: ModuleType) -> Any:
    net = m.NeuralNetwork(np.zeros((1, 3)), np.zeros((1, 2)), 4)
    return check_backprop(
        parameters=[(net, "weights1"), (net, "weights2")],
        step=net.train,
        biases=False,
        layers=[3, 4, 2],
        activations=["sigmoid", "sigmoid"],
    )


def check_fit(m: ModuleType) -> Any:
    return check_backprop(m.MLP([3, 5, 4, 2], lr=1.0), [3, 5, 4, 2], ["relu", "relu", "linear"])


def check_globals(m: ModuleType) -> Any:
    return check_backprop(
        parameters=[(m, "W1", "b1"), (m, "W2", "b2")],
        step=m.train_step,
        lr=m.alpha,
        layers=[3, 4, 2],
        activations=["sigmoid", "sigmoid"],
    )


def check_objects(m: ModuleType) -> Any:
    first, second, third = m.Linear(3, 4), m.Linear(4, 4), m.Linear(4, 2)
    model = m.Sequential(first, m.Sigmoid(), second, m.Sigmoid(), third, m.Sigmoid())
    return check_backprop(
        parameters=[(layer, "weight.data", "bias.data") for layer in (first, second, third)],
        step=lambda x, y: m.train_step(model, m.MSELoss(), m.SGD(model.parameters(), 1.0), x, y),
        layers=[3, 4, 4, 2],
        activations=["sigmoid", "sigmoid", "sigmoid"],
    )


def check_deep(m: ModuleType) -> Any:
    return check_backprop(m.DeepRegressor, [3, 4, 4, 3, 2], ["tanh", "tanh", "tanh", "linear"])


def check_regressor(m: ModuleType) -> Any:
    net = m.Regressor(3, 5)
    return check_backprop(
        parameters=[(net, "W1", "b1"), (net, "W2", "b2")],
        step=lambda X, y: net.partial_fit(X, y, lr=1.0),
        layers=[3, 5, 1],
        activations=["relu", "linear"],
    )


STEPS = [
    Implementation(
        "layer_updates_itself",
        [3, 4, 2],
        ["tanh", "tanh"],
        "quadratic",
        check_own_step,
        own_gradient,
        lambda m, w, b, x, y: m.mse(y, m.predict(own_network(m, w, b), x)),
        w="out_in",
        b="column",
        sample="column",
    ),
    Implementation(
        "eleven_lines",
        [3, 4, 2],
        ["sigmoid", "sigmoid"],
        "quadratic",
        check_eleven,
        eleven_gradient,
        eleven_cost,
        b="none",
    ),
    Implementation(
        "keeps_its_data", [3, 4, 2], ["sigmoid", "sigmoid"], "quadratic", check_data, data_gradient, data_cost, b="none"
    ),
    Implementation(
        "only_fit", [3, 5, 4, 2], ["relu", "relu", "linear"], "quadratic", check_fit, fit_gradient, fit_cost, b="row"
    ),
    Implementation(
        "module_globals",
        [3, 4, 2],
        ["sigmoid", "sigmoid"],
        "quadratic",
        check_globals,
        globals_gradient,
        globals_cost,
        x="columns",
        w="out_in",
        b="column",
    ),
    Implementation(
        "parameter_objects",
        [3, 4, 4, 2],
        ["sigmoid", "sigmoid", "sigmoid"],
        "quadratic",
        check_objects,
        objects_gradient,
        lambda m, w, b, x, y: m.MSELoss()(sequential(m, w, b)(x), y),
        w="out_in",
    ),
    Implementation(
        "deep_tanh",
        [3, 4, 4, 3, 2],
        ["tanh", "tanh", "tanh", "linear"],
        "quadratic",
        check_deep,
        deep_gradient,
        deep_cost,
        x="columns",
        w="out_in",
        b="column",
    ),
    Implementation(
        "linear_head",
        [3, 5, 1],
        ["relu", "linear"],
        "quadratic",
        check_regressor,
        regressor_gradient,
        lambda m, w, b, x, y: regressor(m, w, b).mse(x, y),
        b="row",
    ),
    Implementation(
        "dense_objects",
        [3, 5, 4],
        ["relu", "softmax"],
        CCE,
        check_dense,
        dense_gradient,
        dense_cost,
        b="row",
        labels=True,
    ),
]
