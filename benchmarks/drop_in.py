"""Whole fits by scikit-learn's words: the same settings, first weights, mini-batches and epochs on both sides.

Data sets that scikit-learn ships, MNIST where it lies beside the clone, and random rows for the large regression.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.comparison import Measured
from benchmarks.workloads import Array, operations

HOMES = {"glassnet": "glassnet", "scikit-learn": "sklearn.neural_network"}
MNIST = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist"
LASTING = {"random_state": 0, "tol": 0.0, "n_iter_no_change": 10**9}  # every epoch is run


def of_scikit_learn(name: str) -> tuple[Array, Array]:
    """One of its small data sets, columns (and quantities) of one scale, but for digits."""
    from sklearn import datasets
    from sklearn.preprocessing import scale

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return X if name == "digits" else scale(X), scale(y) if name == "diabetes" else y


def mnist() -> tuple[Array, Array]:
    """60,000 images, 0 to 1, float64 as scikit-learn's users have them."""
    from glassnet.data.arrays import read_arrays

    found = read_arrays(MNIST)
    assert found.y is not None
    return found.x / 255.0, found.y


def many_rows() -> tuple[Array, Array]:
    """200,000 rows of 20 columns and a smooth function of them."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200_000, 20))
    return X, np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.standard_normal(len(X))


FITS: dict[str, tuple[str, Callable[[], tuple[Array, Array]], tuple[int, ...], int]] = {
    "digits (100,)": ("MLPClassifier", lambda: of_scikit_learn("digits"), (100,), 100),
    "digits (100,), batches of 32": ("MLPClassifier", lambda: of_scikit_learn("digits"), (100,), 50),
    "breast cancer (64, 64)": ("MLPClassifier", lambda: of_scikit_learn("breast_cancer"), (64, 64), 200),
    "diabetes (100,)": ("MLPRegressor", lambda: of_scikit_learn("diabetes"), (100,), 200),
    "iris (100,)": ("MLPClassifier", lambda: of_scikit_learn("iris"), (100,), 200),
    "200,000 × 20 (64, 64)": ("MLPRegressor", many_rows, (64, 64), 2),
    **({"MNIST (128,)": ("MLPClassifier", mnist, (128,), 2)} if MNIST.is_dir() else {}),
}
SEARCH, SEARCHED, PARTS = "24 fits on digits", 30, 3  # its name, epochs of each fit, parts of the data
GRID: dict[str, list[Any]] = {
    "alpha": [1e-4, 1e-2],
    "learning_rate_init": [1e-3, 3e-3],
    "hidden_layer_sizes": [(50,), (100,)],
}
WORKLOADS = [f"{name}, {dtype}" for dtype in ("float64", "float32") for name in (*FITS, SEARCH)]


def prepared(contestant: str, workload: str) -> Callable[[], Any]:
    """A function that fits once, warmed up."""
    warnings.simplefilter("ignore")
    name, dtype = workload.rsplit(", ", 1)
    function = search(contestant, dtype) if name == SEARCH else fit(contestant, name, dtype)
    function()
    return function


def estimator(contestant: str, kind: str, **words: Any) -> Any:
    """An estimator of one of the two libraries."""
    return getattr(__import__(HOMES[contestant], fromlist=[kind]), kind)(**words)


def fit(contestant: str, name: str, dtype: str) -> Callable[[], Any]:
    """One fit from the beginning."""
    kind, data, hidden, epochs = FITS[name]
    X, y = data()
    X = X.astype(dtype)
    words = LASTING | ({"batch_size": 32} if name.endswith("32") else {})
    model = estimator(contestant, kind, hidden_layer_sizes=hidden, max_iter=epochs, **words)
    return lambda: model.fit(X, y)


def search(contestant: str, dtype: str) -> Callable[[], Any]:
    """GridSearchCV over 8 settings in 3 parts, one process."""
    from sklearn.model_selection import GridSearchCV

    X, y = of_scikit_learn("digits")
    model = estimator(contestant, "MLPClassifier", max_iter=SEARCHED, **LASTING)
    found = GridSearchCV(model, GRID, cv=PARTS, refit=False)
    return lambda: found.fit(X.astype(dtype), y)


def operations_of(workload: str) -> float:
    """Operations of all products of a workload, whole ones: zeros of X count too."""
    name = workload.rsplit(", ", 1)[0]
    if name != SEARCH:
        kind, data, hidden, epochs = FITS[name]
        return epochs * of_an_epoch(kind, *data(), hidden)
    found = [of_an_epoch("MLPClassifier", *of_scikit_learn("digits"), hidden) for hidden in GRID["hidden_layer_sizes"]]
    return SEARCHED * sum(found) * 4 * (PARTS - 1)  # each with four other settings, on all parts but one


def of_an_epoch(kind: str, X: Array, y: Array, hidden: tuple[int, ...]) -> float:
    """Operations of the products of one epoch."""
    classes = len(np.unique(y)) if kind == "MLPClassifier" else 1
    return len(X) * operations((X.shape[1], *hidden, classes if classes > 2 else 1))


def text(measured: list[Measured]) -> str:
    """A Markdown table: seconds of processor time of a fit, the factor, and that of the products by themselves."""
    heads = ["a fit, one thread", "scikit-learn s", "glassnet s", "factor", "factor if whole products were all"]
    lines = [f"| {' | '.join(heads)} |", "| --- | --- | --- | --- | --- |"]
    for workload in dict.fromkeys(one.workload for one in measured):
        theirs, ours = (
            next(one for one in measured if (one.workload, one.contestant) == (workload, name))
            for name in ("scikit-learn", "glassnet")
        )
        factors = f"{theirs.cpu / ours.cpu:.1f} | {theirs.cpu / ours.limit:.1f}"
        lines.append(f"| {workload} | {theirs.cpu:.3g} | {ours.cpu:.3g} | {factors} |")
    return "\n".join(["The last column: if nothing were left but the products, zeros of X included.", "", *lines])
