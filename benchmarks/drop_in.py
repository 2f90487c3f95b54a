"""Fits of the estimators: the same settings, initial weights, mini-batches and epochs in both libraries.

The data are sets that scikit-learn ships, MNIST if its folder is there, and random samples for the large regression.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.comparison import Measurement
from benchmarks.workloads import Array, operations

MODULES = {"glassnet": "glassnet", "scikit-learn": "sklearn.neural_network"}
MNIST = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist"
ALL_EPOCHS = {"random_state": 0, "tol": 0.0, "n_iter_no_change": 10**9}  # run all epochs


def bundled(name: str) -> tuple[Array, Array]:
    """Load a small data set of scikit-learn, standardised except for digits; the target of diabetes too."""
    from sklearn import datasets
    from sklearn.preprocessing import scale

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return X if name == "digits" else scale(X), scale(y) if name == "diabetes" else y


def mnist() -> tuple[Array, Array]:
    """Load the 60,000 training images as float64 from 0 to 1, as users of scikit-learn have them."""
    from glassnet.data.arrays import read_arrays

    arrays = read_arrays(MNIST)
    assert arrays.y is not None
    return arrays.x / 255.0, arrays.y


def large_regression() -> tuple[Array, Array]:
    """Draw 200,000 samples of 20 features and a smooth function of them."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200_000, 20))
    return X, np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.standard_normal(len(X))


FITS: dict[str, tuple[str, Callable[[], tuple[Array, Array]], tuple[int, ...], int]] = {
    "digits (100,)": ("MLPClassifier", lambda: bundled("digits"), (100,), 100),
    "digits (100,), batches of 32": ("MLPClassifier", lambda: bundled("digits"), (100,), 50),
    "breast cancer (64, 64)": ("MLPClassifier", lambda: bundled("breast_cancer"), (64, 64), 200),
    "diabetes (100,)": ("MLPRegressor", lambda: bundled("diabetes"), (100,), 200),
    "iris (100,)": ("MLPClassifier", lambda: bundled("iris"), (100,), 200),
    "200,000 × 20 (64, 64)": ("MLPRegressor", large_regression, (64, 64), 2),
    **({"MNIST (128,)": ("MLPClassifier", mnist, (128,), 2)} if MNIST.is_dir() else {}),
}
SEARCH, SEARCH_EPOCHS, FOLDS = "24 fits on digits", 30, 3
GRID: dict[str, list[Any]] = {
    "alpha": [1e-4, 1e-2],
    "learning_rate_init": [1e-3, 3e-3],
    "hidden_layer_sizes": [(50,), (100,)],
}
WORKLOADS = [f"{name}, {dtype}" for dtype in ("float64", "float32") for name in (*FITS, SEARCH)]


def prepare(contestant: str, workload: str) -> Callable[[], Any]:
    """Return a function that fits once, after a first call as warm-up."""
    warnings.simplefilter("ignore")
    name, dtype = workload.rsplit(", ", 1)
    function = search(contestant, dtype) if name == SEARCH else fit(contestant, name, dtype)
    function()
    return function


def estimator(contestant: str, kind: str, **parameters: Any) -> Any:
    """Create an estimator of one of the two libraries."""
    return getattr(__import__(MODULES[contestant], fromlist=[kind]), kind)(**parameters)


def fit(contestant: str, name: str, dtype: str) -> Callable[[], Any]:
    """Return a function that fits from scratch."""
    kind, data, hidden, epochs = FITS[name]
    X, y = data()
    X = X.astype(dtype)
    parameters = ALL_EPOCHS | ({"batch_size": 32} if name.endswith("32") else {})
    model = estimator(contestant, kind, hidden_layer_sizes=hidden, max_iter=epochs, **parameters)
    return lambda: model.fit(X, y)


def search(contestant: str, dtype: str) -> Callable[[], Any]:
    """Return a function that runs GridSearchCV: 8 settings, 3 folds, one process."""
    from sklearn.model_selection import GridSearchCV

    X, y = bundled("digits")
    model = estimator(contestant, "MLPClassifier", max_iter=SEARCH_EPOCHS, **ALL_EPOCHS)
    grid_search = GridSearchCV(model, GRID, cv=FOLDS, refit=False)
    return lambda: grid_search.fit(X.astype(dtype), y)


def fit_operations(workload: str) -> float:
    """Operations of all matrix products of a workload; zeros of X count too."""
    name = workload.rsplit(", ", 1)[0]
    if name != SEARCH:
        kind, data, hidden, epochs = FITS[name]
        return epochs * epoch_operations(kind, *data(), hidden)
    per_epoch = [epoch_operations("MLPClassifier", *bundled("digits"), hidden) for hidden in GRID["hidden_layer_sizes"]]
    return SEARCH_EPOCHS * sum(per_epoch) * 4 * (FOLDS - 1)  # each with 4 other settings, on all folds but one


def epoch_operations(kind: str, X: Array, y: Array, hidden: tuple[int, ...]) -> float:
    """Operations of the matrix products of one epoch."""
    classes = len(np.unique(y)) if kind == "MLPClassifier" else 1
    return len(X) * operations((X.shape[1], *hidden, classes if classes > 2 else 1))


def table(measurements: list[Measurement]) -> str:
    """A Markdown table: seconds per fit, glassnet's speed-up, and that of the matrix products alone."""
    heads = ["fit", "scikit-learn s", "glassnet s", "speed-up", "speed-up with products alone"]
    lines = [f"| {' | '.join(heads)} |", "| --- | --- | --- | --- | --- |"]
    for workload in dict.fromkeys(m.workload for m in measurements):
        theirs, ours = (
            next(m for m in measurements if (m.workload, m.contestant) == (workload, name))
            for name in ("scikit-learn", "glassnet")
        )
        factors = f"{theirs.cpu / ours.cpu:.1f} | {theirs.cpu / ours.limit:.1f}"
        lines.append(f"| {workload} | {theirs.cpu:.3g} | {ours.cpu:.3g} | {factors} |")
    note = "Last column: the speed-up if glassnet computed only the matrix products, zeros of X included, at peak."
    return "\n".join([note, "", *lines])
