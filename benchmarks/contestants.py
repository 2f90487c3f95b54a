"""glassnet and its peers: each takes a workload and gives a function that trains for some epochs.

Every one shuffles its samples anew each epoch and makes the same steps. A peer is imported only in the process that
runs it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads import RATE, Workload

Epochs = Callable[[int], None]


def glassnet(workload: Workload, threads: int) -> Epochs:
    """NeuralNetwork.train, its preparation included."""
    from glassnet import NeuralNetwork

    cost = "categorical_cross_entropy" if workload.is_classifier else "quadratic"
    net = NeuralNetwork(workload.layers, workload.activations, cost=cost, seed=0)
    x, y = workload.data()
    words: dict[str, Any] = {"batch_size": workload.batch, "optimizer": workload.optimizer, "lr": RATE}

    def epochs(count: int) -> None:
        net.train(x.T, y.T, epochs=count, verbose=0, threads=1 if threads == 1 else None, **words)

    return epochs


def jax(workload: Workload, threads: int) -> Epochs:
    """A whole epoch, its gathers included, in one jit with donated parameters; the order is drawn by NumPy."""
    import jax as j
    import jax.numpy as jnp

    x, y = (j.device_put(values) for values in workload.data())
    rng = np.random.default_rng(0)
    shapes = list(zip(workload.layers, workload.layers[1:], strict=False))
    weights = [
        (jnp.asarray(rng.standard_normal(s, np.float32) / np.sqrt(s[0])), jnp.zeros(s[1], jnp.float32)) for s in shapes
    ]
    curves = {"sigmoid": j.nn.sigmoid, "relu": j.nn.relu, "tanh": jnp.tanh, "linear": lambda z: z}

    def cost(parameters: Any, rows: Any, targets: Any) -> Any:
        a = rows
        for (w, b), name in zip(parameters, workload.activations, strict=True):
            z = a @ w + b
            a = z if name == "softmax" else curves[name](z)
        if workload.is_classifier:
            return -jnp.take_along_axis(j.nn.log_softmax(a), targets[:, None], 1).mean()
        return 0.5 * ((a - targets) ** 2).sum(1).mean()

    def adam(state: Any, gradient: Any) -> Any:
        w, m, v, t = state
        t = t + 1
        m = j.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
        v = j.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
        rate, scale = RATE / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
        return j.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) * scale + 1e-8), w, m, v), m, v, t

    def sgd(state: Any, gradient: Any) -> Any:
        return (j.tree.map(lambda w, g: w - RATE * g, state[0], gradient),)

    def step(state: Any, places: Any) -> Any:
        gradient = j.grad(cost)(state[0], x[places], y[places])
        return (adam if workload.optimizer == "adam" else sgd)(state, gradient), None

    run = j.jit(lambda state, order: j.lax.scan(step, state, order.reshape(-1, workload.batch))[0], donate_argnums=0)
    zeros = j.tree.map(jnp.zeros_like, weights), j.tree.map(jnp.zeros_like, weights), jnp.float32(0)
    kept = [(weights, *zeros) if workload.optimizer == "adam" else (weights,)]

    def epochs(count: int) -> None:
        for _ in range(count):
            kept[0] = run(kept[0], rng.permutation(workload.samples))
        j.block_until_ready(kept[0])

    return epochs


def pytorch(workload: Workload, threads: int) -> Epochs:
    """Eager, with the fused optimisers; a batch is an indexed copy of rows."""
    import torch

    torch.set_num_threads(threads)
    curves = {"sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}
    parts: list[Any] = []
    for fan_in, fan_out, name in zip(workload.layers, workload.layers[1:], workload.activations, strict=False):
        parts += [torch.nn.Linear(fan_in, fan_out), *([curves[name]()] if name in curves else [])]
    model = torch.nn.Sequential(*parts)
    kind = torch.optim.Adam if workload.optimizer == "adam" else torch.optim.SGD
    optimizer = kind(model.parameters(), lr=RATE, fused=True)
    x, y = (torch.from_numpy(values) for values in workload.data())

    def cost(a: Any, targets: Any) -> Any:
        if workload.is_classifier:
            return torch.nn.functional.cross_entropy(a, targets)
        return 0.5 * ((a - targets) ** 2).sum(1).mean()

    def epochs(count: int) -> None:
        for _ in range(count):
            order = torch.randperm(workload.samples)
            for places in order.split(workload.batch):
                optimizer.zero_grad()
                cost(model(x[places]), y[places]).backward()
                optimizer.step()

    return epochs


def sklearn(workload: Workload, threads: int) -> Epochs:
    """MLPClassifier or MLPRegressor; its output activation is what it has (identity instead of a sigmoid)."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from threadpoolctl import threadpool_limits

    names = {"sigmoid": "logistic", "relu": "relu", "tanh": "tanh"}
    x, y = workload.data()
    kind = MLPClassifier if workload.is_classifier else MLPRegressor
    model = kind(
        hidden_layer_sizes=workload.layers[1:-1],
        activation=names[workload.activations[0]],
        solver=workload.optimizer,
        alpha=0.0,
        batch_size=workload.batch,
        learning_rate_init=RATE,
        n_iter_no_change=10**9,
        **({"momentum": 0.0} if workload.optimizer == "sgd" else {}),
    )

    def epochs(count: int) -> None:
        with threadpool_limits(threads), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.set_params(max_iter=count).fit(x, y if workload.is_classifier else y.ravel())

    return epochs


CONTESTANTS: dict[str, Callable[[Workload, int], Epochs]] = {
    "glassnet": glassnet,
    "JAX": jax,
    "PyTorch": pytorch,
    "scikit-learn": sklearn,
}
