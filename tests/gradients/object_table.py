"""Implementations in classes that hand their gradient over: by return, in a dict, or in attributes."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from glassnet import check_backprop

from .function_table import BCE, CCE, half_square, named, pairs
from .implementation import Implementation
from .step_table import differences, set_all

# ------------------------------------------------------------------------------------ the judge's way into single files


def network(m: ModuleType, sizes: list[int], w: Any, b: Any) -> Any:
    net = m.Network(sizes)
    net.weights, net.biases = w, b
    return net


def batch_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    """By the step of a mini-batch, so that its sum and its update are judged too."""
    net = network(m, [3, 5, 4, 2], list(w), list(b))
    net.update_mini_batch([(x[:, [n]], y[:, [n]]) for n in range(x.shape[1])], 1.0)
    return differences(pairs(w, b), pairs(net.weights, net.biases))


def batch_cost(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> float:
    return half_square(network(m, [3, 5, 4, 2], w, b).feedforward(x) - y) / x.shape[1]


def sizes_network(m: ModuleType, w: Any, b: Any) -> Any:
    """One object for all calls: it may keep something from one to the next."""
    net = vars(m).setdefault("kept", m.NN([3, 5, 4, 2]))
    net.weights, net.biases = w, b
    return net


def sizes_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    net = sizes_network(m, w, b)
    net.forward(x)
    return net.backward(y)


def vision_net(m: ModuleType, w: Any, b: Any) -> Any:
    net = m.TwoLayerNet(3, 5, 4)
    net.params = named(w, b)
    return net


def vision_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    grads = vision_net(m, w, b).loss(x, y)[1]
    return [grads["W1"], grads["W2"]], [grads["b1"], grads["b2"]]


def epsilon_model(m: ModuleType, w: Any, b: Any, x: Any) -> Any:
    net = m.Model(3, 5, 2)
    set_all(net, ["w1", "b1", "w2", "b2"], pairs(w, b))
    net.forward(x)
    return net


def epsilon_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    net = epsilon_model(m, w, b, x)
    net.backward(y)
    return [net.dw1, net.dw2], [net.db1, net.db2]


# ------------------------------------------------------------------------------------------- the calls of their authors


def check_vision(m: ModuleType) -> Any:
    net = m.TwoLayerNet(3, 5, 4)
    return check_backprop(
        lambda params, X, y: (net.params.update(params), net.loss(X, y))[1],
        [3, 5, 4],
        ["relu", "softmax"],
        CCE,
        labels=True,
    )


def check_epsilon(m: ModuleType) -> Any:
    net = m.Model(3, 5, 2)
    return check_backprop(
        parameters=[(net, "w1", "b1"), (net, "w2", "b2")],
        step=lambda x, y: (net.forward(x), net.backward(y)),
        grads=[(net, "dw1", "db1"), (net, "dw2", "db2")],
        layers=[3, 5, 2],
        activations=["sigmoid", "sigmoid"],
        cost=BCE,
    )


OBJECTS = [
    Implementation(
        "digits_network",
        [3, 5, 4, 2],
        ["sigmoid", "sigmoid", "sigmoid"],
        "quadratic",
        lambda m: check_backprop(m.Network, [3, 5, 4, 2], ["sigmoid", "sigmoid", "sigmoid"], one_sample=True),
        batch_gradient,
        batch_cost,
        x="columns",
        w="out_in",
        b="column",
    ),
    Implementation(
        "digits_cross_entropy",
        [3, 5, 4, 2],
        ["sigmoid", "sigmoid", "sigmoid"],
        BCE,
        lambda m: check_backprop(m.Network, [3, 5, 4, 2], ["sigmoid", "sigmoid", "sigmoid"], BCE, one_sample=True),
        lambda m, w, b, x, y: network(m, [3, 5, 4, 2], w, b).backprop(x, y)[::-1],
        lambda m, w, b, x, y: network(m, [3, 5, 4, 2], w, b).total_cost([(x, y)]),
        w="out_in",
        b="column",
        sample="column",
    ),
    Implementation(
        "sizes_object",
        [3, 5, 4, 2],
        ["tanh", "tanh", "tanh"],
        "quadratic",
        lambda m: check_backprop(m.NN, [3, 5, 4, 2], ["tanh", "tanh", "tanh"]),
        sizes_gradient,
        lambda m, w, b, x, y: half_square(sizes_network(m, w, b).forward(x) - y) / x.shape[1],
        x="columns",
        w="out_in",
        b="column",
    ),
    Implementation(
        "two_layer_net",
        [3, 5, 4],
        ["relu", "softmax"],
        CCE,
        check_vision,
        vision_gradient,
        lambda m, w, b, x, y: vision_net(m, w, b).loss(x, y)[0],
        labels=True,
    ),
    Implementation(
        "epsilon_in_log",
        [3, 5, 2],
        ["sigmoid", "sigmoid"],
        BCE,
        check_epsilon,
        epsilon_gradient,
        lambda m, w, b, x, y: epsilon_model(m, w, b, x).loss(y),
        b="row",
    ),
]
