"""Implementations whose gradient is returned by a function: in dicts, tuples, pairs, one vector, loss first."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from glassnet import check_backprop

from .implementation import Implementation

BCE, CCE = "binary_cross_entropy", "categorical_cross_entropy"


def pairs(w: list[Any], b: list[Any]) -> list[Any]:
    return [p for pair in zip(w, b, strict=True) for p in pair]


def named(w: list[Any], b: list[Any], names: str = "Wb") -> dict[str, Any]:
    keys = [f"{name}{n + 1}" for n in range(len(w)) for name in names]
    return dict(zip(keys, pairs(w, b), strict=True))


def from_dict(grads: Any, w: str, b: str, depth: int) -> tuple[list[Any], list[Any]]:
    return [grads[f"{w}{n + 1}"] for n in range(depth)], [grads[f"{b}{n + 1}"] for n in range(depth)]


def cut(flat: Any, shapes: list[tuple[int, ...]]) -> list[Any]:
    ends = np.cumsum([int(np.prod(s)) for s in shapes])
    return [part.reshape(s) for part, s in zip(np.split(flat, ends[:-1]), shapes, strict=True)]


# ----------------------------------------------------------------------------------- the judge's way into single files


def course_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    parameters = named(w, b)
    _, cache = m.forward_propagation(x, parameters)
    return from_dict(m.backward_propagation(parameters, cache, x, y), "dW", "db", 2)


def deep_course_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    last, caches = m.L_model_forward(x, named(w, b))
    return from_dict(m.L_model_backward(last, y, caches), "dW", "db", len(w))


def unrolled_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    theta = np.concatenate([v.ravel() for v in w])
    return cut(m.nnCostFunction(theta, 3, 5, 4, x, y)[1], [v.shape for v in w]), []


def flat_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    parts = cut(m.objective(m.pack(pairs(w, b)), [3, 4, 4, 2], x, y)[1], [p.shape for p in pairs(w, b)])
    return parts[::2], parts[1::2]


def dataclass_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    return from_dict(vars(m.loss_and_grad(m.Params(**named(w, b)), x, y)[1]), "W", "b", 2)


def out_in_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    return from_dict(m.backward(named(w, b, "wb"), x, y), "w", "b", 3)


def four_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    four = m.backward(x, y, *pairs(w, b))
    return four[::2], four[1::2]


def digits_gradient(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> Any:
    four = m.back_prop(*m.forward_prop(*pairs(w, b), x), w[1], x, y)
    return four[::2], four[1::2]


def pair_gradient(found: Any) -> Any:
    dw, db = zip(*found, strict=True)
    return list(dw), list(db)


def neurons(w: Any) -> Any:
    return [[{"weights": list(row)} for row in matrix] for matrix in w]


def tape_cost(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> float:
    return float(m.total_loss(m.wrap(w), m.wrap(b), x, y).data)


def digits_cost(m: ModuleType, w: Any, b: Any, x: Any, y: Any) -> float:
    p = m.forward_prop(*pairs(w, b), x)[-1]
    return float(-np.mean(np.log(p[y, np.arange(y.size)])))


def half_square(difference: Any) -> float:
    return float(0.5 * np.sum(np.asarray(difference) ** 2))


FUNCTIONS = [
    Implementation(
        "course_two_layer",
        [3, 5, 1],
        ["tanh", "sigmoid"],
        BCE,
        lambda m: check_backprop(
            lambda parameters, X, Y: m.backward_propagation(parameters, m.forward_propagation(X, parameters)[1], X, Y),
            [3, 5, 1],
            ["tanh", "sigmoid"],
            BCE,
        ),
        course_gradient,
        lambda m, w, b, x, y: m.compute_cost(m.forward_propagation(x, named(w, b))[0], y),
        x="columns",
        w="out_in",
        b="column",
    ),
    Implementation(
        "course_deep",
        [3, 5, 4, 2],
        ["relu", "relu", "sigmoid"],
        BCE,
        lambda m: check_backprop(
            lambda parameters, X, Y: m.L_model_backward((f := m.L_model_forward(X, parameters))[0], Y, f[1]),
            [3, 5, 4, 2],
            ["relu", "relu", "sigmoid"],
            BCE,
        ),
        deep_course_gradient,
        lambda m, w, b, x, y: m.compute_cost(m.L_model_forward(x, named(w, b))[0], y),
        x="columns",
        w="out_in",
        b="column",
    ),
    Implementation(
        "ones_last",
        [3, 5, 4, 2],
        ["sigmoid", "sigmoid", "sigmoid"],
        "quadratic",
        lambda m: check_backprop(m.backprop, [3, 5, 4, 2], ["sigmoid", "sigmoid", "sigmoid"], biases="last"),
        lambda m, w, b, x, y: (m.backprop(w, x, y), []),
        lambda m, w, b, x, y: m.cost(w, x, y),
        b="last",
    ),
    Implementation(
        "thetas_unrolled",
        [3, 5, 4],
        ["sigmoid", "sigmoid"],
        BCE,
        lambda m: check_backprop(
            lambda weights, X, y: m.nnCostFunction(np.concatenate([w.ravel() for w in weights]), 3, 5, 4, X, y),
            [3, 5, 4],
            ["sigmoid", "sigmoid"],
            BCE,
            biases="first",
            labels=True,
        ),
        unrolled_gradient,
        lambda m, w, b, x, y: m.nnCostFunction(np.concatenate([v.ravel() for v in w]), 3, 5, 4, x, y)[0],
        w="out_in",
        b="first",
        labels=True,
    ),
    Implementation(
        "one_sample",
        [3, 5, 4],
        ["relu", "softmax"],
        CCE,
        lambda m: check_backprop(m.sample_grads, [3, 5, 4], ["relu", "softmax"], CCE, one_sample=True),
        lambda m, w, b, x, y: m.sample_grads(w, b, x, y),
        lambda m, w, b, x, y: m.sample_loss(w, b, x, y),
        w="out_in",
        sample="flat",
    ),
    Implementation(
        "four_returned",
        [3, 5, 2],
        ["tanh", "sigmoid"],
        "quadratic",
        lambda m: check_backprop(m.backward, [3, 5, 2], ["tanh", "sigmoid"], "quadratic"),
        four_gradient,
        lambda m, w, b, x, y: m.loss(m.forward(x, *pairs(w, b))[-1], y),
    ),
    Implementation(
        "dataclass_parameters",
        [3, 5, 2],
        ["relu", "sigmoid"],
        BCE,
        lambda m: check_backprop(
            lambda params, x, y: m.loss_and_grad(m.Params(**params), x, y), [3, 5, 2], ["relu", "sigmoid"], BCE
        ),
        dataclass_gradient,
        lambda m, w, b, x, y: m.loss_and_grad(m.Params(**named(w, b)), x, y)[0],
    ),
    Implementation(
        "flat_vector",
        [3, 4, 4, 2],
        ["tanh", "tanh", "linear"],
        "quadratic",
        lambda m: check_backprop(
            lambda weights, biases, x, y: m.objective(
                m.pack([p for pair in zip(weights, biases, strict=True) for p in pair]), [3, 4, 4, 2], x, y
            ),
            [3, 4, 4, 2],
            ["tanh", "tanh", "linear"],
            "quadratic",
        ),
        flat_gradient,
        lambda m, w, b, x, y: m.objective(m.pack(pairs(w, b)), [3, 4, 4, 2], x, y)[0],
    ),
    Implementation(
        "single_precision",
        [3, 5, 4, 2],
        ["sigmoid", "sigmoid", "sigmoid"],
        "quadratic",
        lambda m: check_backprop(m.grads, [3, 5, 4, 2], ["sigmoid", "sigmoid", "sigmoid"]),
        lambda m, w, b, x, y: pair_gradient(m.grads(w, b, x, y)),
        lambda m, w, b, x, y: m.cost(w, b, x, y),
        tolerance=1e-4,
    ),
    Implementation(
        "pure_python",
        [2, 4, 3, 2],
        ["sigmoid", "sigmoid", "sigmoid"],
        "quadratic",
        lambda m: check_backprop(m.backprop, [2, 4, 3, 2], ["sigmoid", "sigmoid", "sigmoid"], one_sample=True),
        lambda m, w, b, x, y: m.backprop(w, b, x, y),
        lambda m, w, b, x, y: m.error(w, b, x, y),
        w="out_in",
        sample="flat",
    ),
    Implementation(
        "rows_with_out_in",
        [3, 5, 4, 3],
        ["relu", "relu", "softmax"],
        CCE,
        lambda m: check_backprop(m.backward, [3, 5, 4, 3], ["relu", "relu", "softmax"], CCE, labels=True),
        out_in_gradient,
        lambda m, w, b, x, y: m.nll(named(w, b, "wb"), x, y),
        w="out_in",
        labels=True,
    ),
    Implementation(
        "pairs_generator",
        [3, 4, 4, 2],
        ["tanh", "tanh", "tanh"],
        "quadratic",
        lambda m: check_backprop(
            lambda weights, biases, x, y: m.gradients(list(zip(weights, biases, strict=True)), x, y),
            [3, 4, 4, 2],
            ["tanh", "tanh", "tanh"],
        ),
        lambda m, w, b, x, y: pair_gradient(m.gradients(list(zip(w, b, strict=True)), x, y)),
        lambda m, w, b, x, y: half_square(m.run(list(zip(w, b, strict=True)), x) - y),
        x="columns",
        w="out_in",
        b="column",
    ),
    Implementation(
        "einsum_style",
        [3, 5, 2],
        ["tanh", "linear"],
        "quadratic",
        lambda m: check_backprop(
            lambda weights, biases, x, y: m.value_and_grad(list(zip(weights, biases, strict=True)), {"x": x, "y": y}),
            [3, 5, 2],
            ["tanh", "linear"],
        ),
        lambda m, w, b, x, y: pair_gradient(m.value_and_grad(list(zip(w, b, strict=True)), {"x": x, "y": y})[1]),
        lambda m, w, b, x, y: m.value_and_grad(list(zip(w, b, strict=True)), {"x": x, "y": y})[0],
    ),
    Implementation(
        "scalar_tape",
        [2, 3, 2],
        ["tanh", "tanh"],
        "quadratic",
        lambda m: check_backprop(m.gradients, [2, 3, 2], ["tanh", "tanh"]),
        lambda m, w, b, x, y: m.gradients(w, b, x, y)[1:],
        tape_cost,
        w="out_in",
    ),
    Implementation(
        "logistic_regression",
        [3, 1],
        ["sigmoid"],
        BCE,
        lambda m: check_backprop(lambda w, b, X, Y: m.propagate(w[0], b[0], X, Y), [3, 1], ["sigmoid"], BCE),
        lambda m, w, b, x, y: ([m.propagate(w[0], b[0], x, y)[0]["dw"]], [m.propagate(w[0], b[0], x, y)[0]["db"]]),
        lambda m, w, b, x, y: m.propagate(w[0], b[0], x, y)[1],
        x="columns",
    ),
    Implementation(
        "digit_columns",
        [3, 5, 4],
        ["relu", "softmax"],
        CCE,
        lambda m: check_backprop(
            lambda W1, b1, W2, b2, X, Y: m.back_prop(*m.forward_prop(W1, b1, W2, b2, X), W2, X, Y),
            [3, 5, 4],
            ["relu", "softmax"],
            CCE,
            labels=True,
        ),
        digits_gradient,
        digits_cost,
        x="columns",
        w="out_in",
        b="column",
        labels=True,
    ),
    Implementation(
        "neuron_dicts",
        [2, 3, 2],
        ["sigmoid", "sigmoid"],
        "quadratic",
        lambda m: check_backprop(
            lambda weights, x, y: m.gradients([[{"weights": list(r)} for r in w] for w in weights], x, y),
            [2, 3, 2],
            ["sigmoid", "sigmoid"],
            one_sample=True,
            biases="last",
        ),
        lambda m, w, b, x, y: (m.gradients(neurons(w), x, y), []),
        lambda m, w, b, x, y: half_square(m.forward_propagate(neurons(w), x) - y),
        w="out_in",
        b="last",
        sample="flat",
    ),
    Implementation(
        "softmax_jacobian",
        [3, 5, 4],
        ["tanh", "softmax"],
        CCE,
        lambda m: check_backprop(m.backprop, [3, 5, 4], ["tanh", "softmax"], CCE),
        lambda m, w, b, x, y: m.backprop(w, b, x, y),
        lambda m, w, b, x, y: m.loss(w, b, x, y),
    ),
    Implementation(
        "closure_by_name",
        [3, 5, 4, 2],
        ["sigmoid", "tanh", "linear"],
        "quadratic",
        lambda m: check_backprop(
            m.make_backprop(["sigmoid", "tanh", "linear"])[0], [3, 5, 4, 2], ["sigmoid", "tanh", "linear"]
        ),
        lambda m, w, b, x, y: m.make_backprop(["sigmoid", "tanh", "linear"])[0](w, b, x, y),
        lambda m, w, b, x, y: m.make_backprop(["sigmoid", "tanh", "linear"])[1](w, b, x, y),
    ),
]
