"""Sixteen small networks: trained one after another, by train_many, and by scikit-learn in processes of joblib."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

from benchmarks.workloads import LEARNING_RATE, WORKLOADS

NETWORKS, EPOCHS = 16, 60


def report() -> str:
    """Wall seconds of each method, the best of three interleaved rounds."""
    from glassnet import NeuralNetwork, train_many

    workload = WORKLOADS["20-64-64-1"]
    x, y = workload.data()
    options: dict[str, Any] = {"batch_size": workload.batch, "epochs": EPOCHS, "optimizer": "adam", "lr": LEARNING_RATE}

    def networks() -> list[Any]:
        return [NeuralNetwork(workload.layers, workload.activations, seed=seed) for seed in range(NETWORKS)]

    def one_by_one() -> None:
        for net in networks():
            net.train(x.T, y.T, verbose=0, threads=1, **options)

    def sklearn_in_parallel() -> None:
        from joblib import Parallel, delayed

        Parallel(n_jobs=2)(delayed(fit_sklearn)(x, y.ravel(), seed) for seed in range(NETWORKS))

    methods: dict[str, Callable[[], Any]] = {
        "one after another": one_by_one,
        "train_many": lambda: train_many(networks(), x.T, y.T, verbose=0, **options),
        "scikit-learn, joblib": sklearn_in_parallel,
    }
    best = dict.fromkeys(methods, float("inf"))
    for _ in range(3):
        for name, method in methods.items():
            started = time.perf_counter()
            method()
            best[name] = min(best[name], time.perf_counter() - started)
    ours = best["train_many"]
    return "\n".join(
        f"- {name}: {seconds:.2f} s, {seconds / ours:.2f} times train_many" for name, seconds in best.items()
    )


def fit_sklearn(x: Any, y: Any, seed: int) -> Any:
    """Fit scikit-learn's network for the same number of epochs."""
    from sklearn.neural_network import MLPRegressor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPRegressor(
            hidden_layer_sizes=(64, 64), batch_size=32, alpha=0.0, learning_rate_init=LEARNING_RATE, random_state=seed
        )
        return model.set_params(max_iter=EPOCHS, n_iter_no_change=10**9).fit(x, y)
