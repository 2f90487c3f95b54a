"""The life of an estimator in any order: fit, partial_fit, set_params, clone, pickle, save, load, interrupt, refusals.

After each step the weights are finite and the attributes agree with one another; what was refused changed nothing; what
was stored and read predicts, and continues, with the same bits.
"""

from __future__ import annotations

import pickle
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import glassnet
from glassnet import MLPClassifier

Array = np.ndarray[Any, Any]
ROWS = 24
SEEDS = st.integers(0, 3)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "alpha": st.sampled_from([0.0, 0.1]),
        "learning_rate_init": st.sampled_from([0.001, 0.05]),
        "batch_size": st.sampled_from(["auto", 5, 100]),
        "momentum": st.sampled_from([0.0, 0.9]),
        "shuffle": st.booleans(),
        "warm_start": st.booleans(),
    },
)
INVALID: tuple[dict[str, Any], ...] = (
    {"alpha": -1.0},
    {"learning_rate_init": 0.0},
    {"learning_rate_init": float("nan")},
    {"batch_size": 0},
    {"max_iter": -1},
    {"solver": "x"},
    {"hidden_layer_sizes": (0,)},
    {"activation": "relv"},
    {"momentum": 2.0},
)


def data(seed: int, features: int, classes: int) -> tuple[Array, Array]:
    """Rows that can be learnt, with every class among them."""
    rng = np.random.default_rng(seed)
    y = np.arange(ROWS) % classes
    return rng.normal(size=(ROWS, features)) + y[:, np.newaxis], np.array(["a", "b", "c"])[y]


def stop_after(epochs: int) -> Callable[..., None]:
    """A callback that is a Ctrl-C after some epochs."""
    left = [epochs]

    def callback(*arguments: Any) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise KeyboardInterrupt

    return callback


class EstimatorLife(RuleBasedStateMachine):
    """One estimator, with what its attributes must be."""

    @initialize(solver=st.sampled_from(["adam", "sgd"]), dtype=st.sampled_from(["float32", "float64"]), seed=SEEDS)
    def begin(self, solver: str, dtype: str, seed: int) -> None:
        self.estimator = MLPClassifier(
            hidden_layer_sizes=(3,), solver=solver, dtype=dtype, max_iter=3, random_state=seed
        )
        self.features, self.classes = 0, 0  # 0 where it is not fitted

    def call(self, method: str, *arguments: Any, **options: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.filterwarnings("ignore", "Training interrupted|Got `batch_size`")
            getattr(self.estimator, method)(*arguments, **options)

    def state(self) -> tuple[Any, ...]:
        """Everything that a refused call must leave as it is."""
        fitted = {name: value for name, value in vars(self.estimator).items() if name.endswith("_")}
        arrays = [array.tobytes() for name in ("coefs_", "intercepts_") for array in fitted.pop(name, [])]
        return arrays, {name: repr(value) for name, value in fitted.items()}, repr(self.estimator.get_params())

    def probabilities(self, estimator: MLPClassifier) -> bytes:
        x, _ = data(99, self.features, self.classes)
        return estimator.predict_proba(x).tobytes()

    # What changes it

    @rule(seed=SEEDS, features=st.integers(1, 3), classes=st.integers(2, 3))
    def fit(self, seed: int, features: int, classes: int) -> None:
        if self.estimator.warm_start and self.features:
            features, classes = self.features, self.classes
        self.call("fit", *data(seed, features, classes))
        self.features, self.classes = features, classes

    @rule(seed=SEEDS, classes=st.integers(2, 3))
    def partial_fit(self, seed: int, classes: int) -> None:
        self.features, self.classes = self.features or 2, self.classes or classes
        x, y = data(seed, self.features, self.classes)
        self.call("partial_fit", x[: 3 + seed], y[: 3 + seed], classes=np.unique(y))

    @rule(seed=SEEDS, epochs=st.integers(1, 3))
    def interrupted_fit(self, seed: int, epochs: int) -> None:
        if not (self.estimator.warm_start and self.features):
            self.features, self.classes = 2, 2
        self.estimator.set_params(callbacks=(stop_after(epochs),))
        self.call("fit", *data(seed, self.features, self.classes))
        self.estimator.set_params(callbacks=())
        assert self.estimator.n_iter_ == len(self.estimator.loss_curve_[-epochs:]) == epochs

    @rule(settings=SETTINGS)
    def set_params(self, settings: dict[str, Any]) -> None:
        self.estimator.set_params(**settings)

    # What is refused

    @rule(settings=st.sampled_from(INVALID), seed=SEEDS)
    def fit_with_an_invalid_parameter(self, settings: dict[str, Any], seed: int) -> None:
        before = self.estimator.get_params()
        self.estimator.set_params(**settings)
        self.refused("fit", *data(seed, self.features or 2, self.classes or 2))
        self.estimator.set_params(**{name: before[name] for name in settings})

    @rule(seed=SEEDS, method=st.sampled_from(["fit", "partial_fit"]), cell=st.sampled_from([np.nan, np.inf, -np.inf]))
    def fit_with_a_bad_cell(self, seed: int, method: str, cell: float) -> None:
        x, y = data(seed, self.features or 2, self.classes or 2)
        x[seed] = cell
        self.refused(method, x, y, **({"classes": np.unique(y)} if method == "partial_fit" else {}))

    @precondition(lambda self: self.features)
    @rule(seed=SEEDS)
    def partial_fit_of_another_shape_or_class(self, seed: int) -> None:
        x, y = data(seed, self.features + 1, self.classes)
        self.refused("partial_fit", x, y)
        self.refused("partial_fit", x[:, 1:], np.where(np.arange(ROWS) == 5, "z", y))
        self.refused("partial_fit", x[:, 1:], y[1:])

    def refused(self, method: str, *arguments: Any, **options: Any) -> None:
        before = self.state()
        with pytest.raises((ValueError, TypeError)):
            self.call(method, *arguments, **options)
        assert self.state() == before

    # What makes another of it

    @rule()
    def clone(self) -> None:
        copy = clone(self.estimator)
        assert copy.get_params() == self.estimator.get_params() and not hasattr(copy, "coefs_")

    @precondition(lambda self: self.features)
    @rule(seed=SEEDS)
    def pickle(self, seed: int) -> None:
        """The copy predicts, and continues, with the same bits; it takes the place of the original."""
        original, copy = self.estimator, pickle.loads(pickle.dumps(self.estimator))
        assert self.probabilities(copy) == self.probabilities(original)
        results = []
        for self.estimator in (original, copy):
            self.partial_fit(seed, self.classes)
            results.append(self.probabilities(self.estimator))
        assert results[0] == results[1]

    @precondition(lambda self: self.features)
    @rule()
    def save_and_load(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.estimator.save(Path(folder) / "m")
            loaded = glassnet.load(Path(folder) / "m")
            loaded.save(Path(folder) / "again")
            assert (Path(folder) / "again").read_bytes() == (Path(folder) / "m").read_bytes()
        assert self.probabilities(loaded) == self.probabilities(self.estimator)
        assert loaded.get_params() == self.estimator.get_params()
        self.estimator = loaded

    # What always holds

    @invariant()
    def attributes_agree(self) -> None:
        if not hasattr(self, "estimator"):
            return
        if not self.features:
            with pytest.raises(NotFittedError):
                self.estimator.predict(np.zeros((1, 2)))
            return
        estimator, (x, _) = self.estimator, data(98, self.features, self.classes)
        assert estimator.n_features_in_ == self.features and list(estimator.classes_) == ["a", "b", "c"][: self.classes]
        outputs = 1 if self.classes == 2 else self.classes
        assert [w.shape for w in estimator.coefs_] == [(self.features, 3), (3, outputs)]
        assert all(np.isfinite(array).all() for array in (*estimator.coefs_, *estimator.intercepts_))
        assert np.isfinite(estimator.loss_curve_).all() and estimator.loss_curve_[-1] == estimator.loss_
        shares = estimator.predict_proba(x)
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
        assert (estimator.predict(x) == estimator.classes_[shares.argmax(axis=1)]).all()


TestEstimatorLife = EstimatorLife.TestCase
TestEstimatorLife.settings = hypothesis.settings(
    max_examples=max(6, hypothesis.settings.default.max_examples // 10), stateful_step_count=12
)
