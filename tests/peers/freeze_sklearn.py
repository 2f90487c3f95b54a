"""Train small networks with scikit-learn in float64 and save all numbers: python tests/peers/freeze_sklearn.py.

Run it again only if scikit-learn's formulas change. Names of networks, layers, optimisers and parameters are
glassnet's; weights are transposed to (fan_out, fan_in). Multi-output regression is left out because scikit-learn's
cost and gradient differ there by a factor.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

FILE = Path(__file__).with_name("sklearn.npz")
BATCH_SIZE, STEPS = 8, 50  # ten epochs of five batches
Array = np.ndarray[Any, Any]
Layers = list[tuple[Array, Array]]

ADAM = {"optimizer": "adam", "lr": 0.01, "settings": {"corrected_epsilon": False}}
ALL_RUNS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd", "lr": 0.1},
    "momentum": {"optimizer": "momentum", "lr": 0.02},
    "nesterov": {"optimizer": "nesterov", "lr": 0.02, "settings": {"momentum": 0.8}},
    "adam": ADAM,
    "adam_epsilon": ADAM | {"settings": {"corrected_epsilon": False, "epsilon": 1e-2, "beta1": 0.8, "beta2": 0.95}},
}
ALPHA = 0.4  # l2 of a step is alpha / m
NETWORKS: dict[str, dict[str, Any]] = {
    "regressor_tanh": {
        "layers": [3, 6, 1],
        "activations": ["tanh", "linear"],
        "cost": "quadratic",
        "samples": 40,
        "runs": ALL_RUNS
        | {"sgd_alpha": ALL_RUNS["sgd"] | {"l2": ALPHA / BATCH_SIZE}, "adam_alpha": ADAM | {"l2": ALPHA / BATCH_SIZE}},
    },
    "regressor_poisson": {
        "layers": [3, 5, 1],
        "activations": ["relu", "exp"],
        "cost": "poisson",
        "samples": 37,
        "runs": {"sgd": {"optimizer": "sgd", "lr": 0.02}, "adam": ADAM},
    },
    "classifier_relu": {
        "layers": [4, 6, 5, 3],
        "activations": ["relu", "relu", "softmax"],
        "cost": "categorical_cross_entropy",
        "samples": 37,
        "runs": ALL_RUNS,
    },
    "classifier_logistic": {
        "layers": [3, 6, 1],
        "activations": ["sigmoid", "sigmoid"],
        "cost": "binary_cross_entropy",
        "samples": 37,
        "weighted": True,
        "runs": ALL_RUNS,
    },
}
SKLEARN_NAMES = {"tanh": "tanh", "relu": "relu", "sigmoid": "logistic"}


class GivenWeights:
    """Initial weights that are given, instead of random ones."""

    start: Iterator[tuple[Array, Array]]

    def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> tuple[Array, Array]:
        weights, biases = next(self.start)
        assert weights.shape == (fan_in, fan_out)
        return weights.astype(dtype), biases.astype(dtype)


class Regressor(GivenWeights, MLPRegressor):
    """MLPRegressor from given weights."""


class Classifier(GivenWeights, MLPClassifier):
    """MLPClassifier from given weights."""


def data(network: dict[str, Any], seed: int) -> dict[str, Array]:
    """x and y (one number or class number per sample), and sample weights if the network has them."""
    rng, samples = np.random.default_rng(seed), network["samples"]
    x = rng.normal(0, 1, (samples, network["layers"][0]))
    targets = {
        "quadratic": lambda: np.sin(x).sum(1),
        "poisson": lambda: rng.poisson(2.0, samples).astype(np.float64),
        "binary_cross_entropy": lambda: rng.integers(0, 2, samples),
        "categorical_cross_entropy": lambda: rng.integers(0, network["layers"][-1], samples),
    }
    arrays = {"x": x, "y": targets[network["cost"]]()}
    return arrays | ({"weights": rng.uniform(0.1, 3, samples)} if network.get("weighted") else {})


def start(network: dict[str, Any], seed: int) -> Layers:
    """Initial weights (fan_in, fan_out) and biases, none of them 0."""
    rng, widths = np.random.default_rng([seed, 1]), network["layers"]
    return [(rng.normal(0, 0.5, pair), rng.normal(0, 0.5, pair[1])) for pair in pairwise(widths)]


def solver(run: dict[str, Any]) -> dict[str, Any]:
    """The run's optimiser as settings of scikit-learn."""
    settings = run.get("settings", {})
    if run["optimizer"] == "adam":
        renamed = {"beta_1": settings.get("beta1", 0.9), "beta_2": settings.get("beta2", 0.999)}
        return {"solver": "adam", "epsilon": settings.get("epsilon", 1e-8), **renamed}
    momentum = 0.0 if run["optimizer"] == "sgd" else settings.get("momentum", 0.9)
    return {"solver": "sgd", "momentum": momentum, "nesterovs_momentum": run["optimizer"] == "nesterov"}


def trained(network: dict[str, Any], run: dict[str, Any], arrays: dict[str, Array], first: Layers) -> Layers:
    """The parameters after STEPS steps of fit."""
    kind = Classifier if "entropy" in network["cost"] else Regressor
    model = kind(
        hidden_layer_sizes=network["layers"][1:-1],
        activation=SKLEARN_NAMES[network["activations"][0]],
        batch_size=BATCH_SIZE,
        max_iter=STEPS // -(-network["samples"] // BATCH_SIZE),
        learning_rate_init=run["lr"],
        alpha=run.get("l2", 0.0) * BATCH_SIZE,
        shuffle=False,
        n_iter_no_change=1000,
        **({"loss": "poisson"} if network["cost"] == "poisson" else {}),
        **solver(run),
    )
    model.start = iter(first)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(arrays["x"], arrays["y"], sample_weight=arrays.get("weights"))
    return list(zip(model.coefs_, model.intercepts_, strict=True))


def flat(layers: Layers) -> Array:
    """One vector: w1 (fan_out, fan_in), b1, w2, b2 ..."""
    return np.concatenate([part for weights, biases in layers for part in (weights.T.ravel(), biases)])


def shapes(network: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes of the parameters in `flat`."""
    widths, result = network["layers"], {}
    for number, (fan_in, fan_out) in enumerate(pairwise(widths), 1):
        result |= {f"w{number}": (fan_out, fan_in), f"b{number}": (fan_out,)}
    return result


def frozen() -> dict[str, Array]:
    """Recompute the contents of the file: `settings` as JSON and, by network, data, start and runs."""
    arrays: dict[str, Array] = {}
    about = {name: network | {"shapes": shapes(network)} for name, network in NETWORKS.items()}
    for seed, (name, network) in enumerate(about.items()):
        samples, first = data(network, seed), start(network, seed)
        parts = {**samples, "start": flat(first)}
        parts |= {run: flat(trained(network, options, samples, first)) for run, options in network["runs"].items()}
        arrays |= {f"{name}/{key}": values for key, values in parts.items()}
    settings = {"peer": f"scikit-learn {sklearn.__version__}", "batch_size": BATCH_SIZE, "steps": STEPS}
    return {"settings": np.array(json.dumps(settings | {"networks": about})), **arrays}


if __name__ == "__main__":
    np.savez_compressed(FILE, **frozen())
    print(f"{FILE}: {FILE.stat().st_size:,} bytes")
