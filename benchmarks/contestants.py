"""The contestants, each a library and a precision: from a workload they make a function that trains for some epochs.

All of them reshuffle the samples before each epoch and make the same steps, but for what each of bfloat16 rounds. A
peer is imported only in the process that runs it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from benchmarks.workloads import DROPOUT_RATE, LEARNING_RATE, MIXED, RandomSource, Workload

Train = Callable[[int], Any]  # takes the number of epochs
Prepare = Callable[[Workload, int], Train]  # takes the number of threads
COMPILE_SECONDS = 120  # at most


def network(workload: Workload, precision: str = "float32") -> Any:
    """An untrained network of glassnet for the workload."""
    from glassnet import BatchNorm, Dropout, LayerNorm, NeuralNetwork

    first, *hidden, last = workload.layers
    kinds = {"dropout": Dropout(DROPOUT_RATE), "batch_norm": BatchNorm(), "layer_norm": LayerNorm()}
    after = [kinds[workload.layer]] if workload.layer else []
    layers = [first, *(layer for width in hidden for layer in (width, *after)), last]
    cost = "categorical_cross_entropy" if workload.is_classifier else "quadratic"
    return NeuralNetwork(layers, workload.activations, cost=cost, precision=precision, seed=0)


def glassnet(workload: Workload, threads: int, precision: str = "float32") -> Train:
    """NeuralNetwork.train, including its preparation of the data; compiling is not measured, as it is not of JAX."""
    net, (x, y) = network(workload, precision), workload.data()
    options: dict[str, Any] = {"batch_size": workload.batch, "optimizer": workload.optimizer, "lr": LEARNING_RATE}
    options |= {"sample_weight": workload.sample_weights(), "threads": 1 if threads == 1 else None}

    def train(epochs: int) -> None:
        net.train(x.T, y.T, epochs=epochs, verbose=0, **options)

    compile_program(train)
    return train


def compile_program(train: Train) -> None:
    """Train until the whole program is one kernel, as it is after a minute of training, where it pays off."""
    from glassnet.engine import program_kernel

    program_kernel.LOOKUP_SECONDS = program_kernel.COMPILE_SECONDS = 0.0
    started = time.monotonic()
    train(1)
    train(1)
    while time.monotonic() - started < COMPILE_SECONDS and program_kernel.is_compiling():
        time.sleep(0.1)
    train(1)


def jax(workload: Workload, threads: int, precision: str = "float32") -> Train:
    """A whole epoch in one jit; XLA uses one thread per processor that the process is pinned to."""
    from benchmarks.peer_jax import Network

    return Network(workload, RandomSource(), precision)


def pytorch(workload: Workload, threads: int, precision: str = "float32") -> Train:
    """Eager mode, with the fused optimisers."""
    from benchmarks.peer_torch import Network

    return Network(workload, RandomSource(), threads, precision)


def sklearn(workload: Workload, threads: int) -> Train:
    """MLPClassifier or MLPRegressor; the regressor has an identity output where the workload has a sigmoid."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from threadpoolctl import threadpool_limits

    names = {"sigmoid": "logistic", "relu": "relu", "tanh": "tanh"}
    x, y = workload.data()
    estimator = MLPClassifier if workload.is_classifier else MLPRegressor
    model = estimator(
        hidden_layer_sizes=workload.layers[1:-1],
        activation=names[workload.activations[0]],
        solver=workload.optimizer,
        alpha=0.0,
        batch_size=workload.batch,
        learning_rate_init=LEARNING_RATE,
        n_iter_no_change=10**9,
        **({"momentum": 0.0} if workload.optimizer == "sgd" else {}),
    )

    def train(epochs: int) -> None:
        with threadpool_limits(threads), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.set_params(max_iter=epochs).fit(x, y if workload.is_classifier else y.ravel())

    return train


OURS, OURS_MIXED = "glassnet", "glassnet mixed"
FLOAT32: dict[str, Prepare] = {OURS: glassnet, "JAX": jax, "PyTorch": pytorch, "scikit-learn": sklearn}
BFLOAT16: dict[str, Prepare] = {
    OURS_MIXED: partial(glassnet, precision=MIXED),
    "JAX bfloat16": partial(jax, precision=MIXED),
    "PyTorch bfloat16": partial(pytorch, precision=MIXED),
}
CONTESTANTS = FLOAT32 | BFLOAT16


OURS_IN_BOTH = (OURS, OURS_MIXED)


def of_this_machine(names: Iterable[str]) -> list[str]:
    """The contestants without those of bfloat16 if the processor has no instructions for it (AVX512_BF16)."""
    from glassnet.engine.cache import has_bfloat16_products

    return [name for name in names if name in FLOAT32 or has_bfloat16_products()]
