"""glassnet and its peers: each takes a workload and gives a function that trains for some epochs.

Every one shuffles its samples anew each epoch and makes the same steps. A peer is imported only in the process that
runs it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from benchmarks.workloads import DROPPED, RATE, Chance, Workload

Epochs = Callable[[int], Any]


def network(workload: Workload) -> Any:
    """glassnet's network of the workload, untrained."""
    from glassnet import BatchNorm, Dropout, LayerNorm, NeuralNetwork

    first, *hidden, last = workload.layers
    kinds = {"dropout": Dropout(DROPPED), "batch_norm": BatchNorm(), "layer_norm": LayerNorm()}
    after = [kinds[workload.layer]] if workload.layer else []
    layers = [first, *(part for width in hidden for part in (width, *after)), last]
    cost = "categorical_cross_entropy" if workload.is_classifier else "quadratic"
    return NeuralNetwork(layers, workload.activations, cost=cost, seed=0)


def glassnet(workload: Workload, threads: int) -> Epochs:
    """NeuralNetwork.train, its preparation included."""
    net, (x, y) = network(workload), workload.data()
    words: dict[str, Any] = {"batch_size": workload.batch, "optimizer": workload.optimizer, "lr": RATE}
    words |= {"sample_weight": workload.sample_weights(), "threads": 1 if threads == 1 else None}

    def epochs(count: int) -> None:
        net.train(x.T, y.T, epochs=count, verbose=0, **words)

    return epochs


def jax(workload: Workload, threads: int) -> Epochs:
    """A whole epoch in one jit; XLA's threads are those of the processors the process may use."""
    from benchmarks.peer_jax import Network

    return Network(workload, Chance())


def pytorch(workload: Workload, threads: int) -> Epochs:
    """Eager, with the fused optimisers."""
    from benchmarks.peer_torch import Network

    return Network(workload, Chance(), threads)


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
