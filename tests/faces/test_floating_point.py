"""Where a person has set np.seterr(all="raise"), nothing of ours raises FloatingPointError, whatever the numbers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from glassnet import MLPClassifier, MLPRegressor, NeuralNetwork
from glassnet.cli.diagnose import diagnose
from glassnet.cli.train_options import TrainOptions
from glassnet.cli.train_request import TrainRequest
from glassnet.cli.training import train_model
from glassnet.data.options import ReadingOptions
from glassnet.errors import GlassnetError

Array = np.ndarray[Any, Any]
SIZES = (1e307, 1e200, 1e38, 100.0, 1e-38, 1e-200, 1e-308)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def iris(size: float) -> tuple[Array, Array]:
    X, y = datasets.load_iris(return_X_y=True)
    with np.errstate(all="ignore"):
        return X * size, y


def attempt(*calls: Callable[[], Any]) -> None:
    """Make calls that may be refused in words, or diverge, but raise no FloatingPointError."""
    for call in calls:
        with np.errstate(all="raise"), contextlib.suppress(GlassnetError, ValueError):
            call()


@pytest.mark.parametrize("engine", ["compiled", "numpy"])
@pytest.mark.parametrize("size", SIZES)
def test_a_network_meets_numbers_of_any_size(size: float, engine: str) -> None:
    X, y = iris(size)
    x, one_hot = X.T, np.eye(3)[y].T
    for dtype in ("float32", "float64"):
        for output, cost in (("linear", "quadratic"), ("softmax", "categorical_cross_entropy")):
            net = NeuralNetwork([4, 5, 3], ["relu", output], cost=cost, dtype=dtype, engine=engine, seed=0)
            attempt(
                lambda net=net: net.backpropagation(one_hot, *net.feedforward(x)),
                lambda net=net: net.predict(x),
                lambda net=net: net.evaluate(x, one_hot),
                lambda net=net: net.train(x, one_hot, epochs=2, lr=0.1, validation=0.2, optimizer="adam", verbose=0),
                lambda net=net: str(net.diagnose(x, one_hot)),
                lambda net=net: str(net.diagnose()),
                lambda net=net: str(net.explain_step(x[:, :3], one_hot[:, :3])),
                lambda net=net: str(net.trace(x[:, :3], one_hot[:, :3])),
                lambda net=net: net.nudge(x[:, :3], one_hot[:, :3], "w1[0,0]"),
                lambda net=net: str(net.credit(x, one_hot)),
            )


@pytest.mark.parametrize("size", SIZES)
def test_an_estimator_meets_numbers_of_any_size(size: float) -> None:
    X, y = iris(size)
    for solver in ("adam", "lbfgs"):
        fitted = MLPClassifier(max_iter=4, random_state=0, solver=solver)
        attempt(
            lambda fitted=fitted: fitted.fit(X, y),
            lambda fitted=fitted: fitted.predict_log_proba(X),
            lambda fitted=fitted: str(fitted.diagnose(X, y)),
        )
    regressor = MLPRegressor(max_iter=4, random_state=0)
    attempt(lambda: regressor.fit(X, X[:, 0]), lambda: regressor.predict(X), lambda: regressor.diagnose(X, X[:, 0]))


@pytest.mark.parametrize("size", [1e307, 100.0, 1e-308])
def test_a_command_meets_numbers_of_any_size(size: float, tmp_path: Path) -> None:
    X, y = iris(size)
    lines = [",".join(map(repr, [*map(float, row), int(label)])) for row, label in zip(X, y, strict=True)]
    (tmp_path / "t.csv").write_text("a,b,c,d,kind\n" + "\n".join(lines))
    table, model, options = str(tmp_path / "t.csv"), str(tmp_path / "m"), TrainOptions([8], epochs=2, quiet=True)
    request = TrainRequest(
        *(table, model, "kind", "classification", ReadingOptions(), None, None, "auto"),
        network=options,
        tabular=None,
        reason="",
        source=table,
    )
    attempt(lambda: train_model(request), lambda: diagnose(model, table))
    assert Path(model).exists() or size != 100
