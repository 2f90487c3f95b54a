"""scikit-learn's contract: its constructor, its estimator checks, its numbers, and the fitted attributes."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any
from unittest import SkipTest

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale
from sklearn.utils import check_random_state
from sklearn.utils.estimator_checks import estimator_checks_generator

from glassnet import MLPClassifier, MLPRegressor

Array = np.ndarray[Any, Any]
PAIRS = [(MLPClassifier, sklearn.neural_network.MLPClassifier), (MLPRegressor, sklearn.neural_network.MLPRegressor)]
estimators = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
may_not_converge = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
DATA_SETS = {"iris": load_iris, "digits": load_digits, "breast cancer": load_breast_cancer, "diabetes": load_diabetes}


def data(name: str) -> tuple[Array, Array]:
    """A data set of scikit-learn with columns scaled, and targets too if they are quantities."""
    X, y = DATA_SETS[name](return_X_y=True)
    return scale(X), scale(y) if name == "diabetes" else y


def both_classes(name: str) -> tuple[Any, Any]:
    """Our class and scikit-learn's that suit a data set."""
    return PAIRS[name == "diabetes"]


def parameters(model: Any) -> Array:
    """All weights and biases as one vector."""
    return np.concatenate([np.ravel(array) for array in (*model.coefs_, *model.intercepts_)])


# ---- the constructor


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_constructor_begins_with_the_parameters_of_scikit_learn(ours: Any, theirs: Any) -> None:
    actual = list(inspect.signature(ours).parameters.values())
    expected = list(inspect.signature(theirs).parameters.values())
    assert [(p.name, p.kind, p.default) for p in actual[: len(expected)]] == [
        (p.name, p.kind, p.default) for p in expected
    ]
    assert all(p.kind is p.KEYWORD_ONLY for p in actual[len(expected) :])


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_methods_begin_with_the_parameters_of_scikit_learn(ours: Any, theirs: Any) -> None:
    for name in ("fit", "partial_fit", "predict", "score", "set_params", "get_params", "get_metadata_routing"):
        expected = list(inspect.signature(getattr(theirs, name)).parameters)
        assert list(inspect.signature(getattr(ours, name)).parameters)[: len(expected)] == expected
    missing = {name for name in dir(theirs) if not name.startswith("_")} - set(dir(ours))
    assert not missing


# ---- scikit-learn's own checks


def checks(kind: Any, **options: Any) -> list[Any]:
    """(estimator, check) of every check."""
    return list(estimator_checks_generator(kind(max_iter=100, **options)))


CHECKS = [(kind, number) for kind in (MLPClassifier, MLPRegressor) for number in range(len(checks(kind)))]
EXPECTED_SKIPS = ("SCIPY_ARRAY_API is not set", "does not have a decision_function method")


def settings(name: str, dtype: str) -> dict[str, Any]:
    """Repeated rows are summed in another order than weighted ones, so only L-BFGS, in float64, agrees to 7 digits."""
    return {"solver": "lbfgs"} if dtype == "float32" and "sample_weight_equivalence" in name else {}


def test_all_checks_are_run() -> None:
    assert len(CHECKS) >= 127


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("kind", "number"), CHECKS)
def test_scikit_learns_check_passes(kind: Any, number: int, dtype: str) -> None:
    model, check = checks(kind, dtype=dtype)[number]
    with np.errstate(all="warn"):
        try:
            check(model.set_params(**settings(str(check), dtype)))
        except SkipTest as reason:  # as scikit-learn's own networks are skipped
            assert any(text in str(reason) for text in EXPECTED_SKIPS)


# ---- its numbers


@may_not_converge
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weights"])
@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("name", list(DATA_SETS))
def test_weights_and_losses_equal_those_of_scikit_learn(
    name: str, solver: str, activation: str, shuffle: bool, weighted: bool
) -> None:
    X, y = data(name)
    weights = np.random.default_rng(0).random(len(X)) if weighted else None
    options = {"solver": solver, "activation": activation, "shuffle": shuffle, "alpha": 0.01, "random_state": 3}
    ours, theirs = (
        kind(hidden_layer_sizes=(20, 10), max_iter=10, batch_size=32, **options).fit(X, y, sample_weight=weights)
        for kind in both_classes(name)
    )
    distance = np.abs(parameters(ours) - parameters(theirs)).max() / np.abs(parameters(theirs)).max()
    assert distance < 1e-9
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)
    assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_) == (10, 10 * len(X))


MODES: dict[str, dict[str, Any]] = {
    "early stopping": {"early_stopping": True, "max_iter": 30},
    "early stopping, weighted": {"early_stopping": True, "max_iter": 15, "weighted": True},
    "stopped by tol": {"tol": 1e-2, "n_iter_no_change": 3, "max_iter": 100},
    "inverse scaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1, "power_t": 0.3},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 1e-2, "n_iter_no_change": 2, "max_iter": 60},
    "no momentum": {"solver": "sgd", "momentum": 0.0},
    "plain momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "one sample a batch": {"batch_size": 1, "max_iter": 2},
    "a batch of all": {"batch_size": 150, "max_iter": 20},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "lbfgs": {"solver": "lbfgs", "max_iter": 30, "hidden_layer_sizes": 5},
    "lbfgs, weighted": {"solver": "lbfgs", "max_iter": 20, "hidden_layer_sizes": 5, "weighted": True},
    "identity": {"activation": "identity"},
    "two classes": {"classes": 2},
    "two classes, early stopping": {"classes": 2, "early_stopping": True, "max_iter": 12},
    "several labels": {"classes": "labels"},
    "float32": {"dtype_of_X": np.float32, "rtol": 2e-4},
}


def iris(classes: Any = 3) -> tuple[Array, Array]:
    X, y = data("iris")
    if classes == "labels":
        return X, np.stack([y > 0, y == 1], axis=1).astype(int)
    return X[y < classes], y[y < classes]


@may_not_converge
@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize("regression", [False, True], ids=["classes", "quantities"])
def test_every_mode_gives_the_results_of_scikit_learn(mode: str, regression: bool) -> None:
    options = {"max_iter": 8, "hidden_layer_sizes": (12,), "random_state": 5} | MODES[mode]
    weighted, classes, dtype, rtol = (
        options.pop(name, default)
        for name, default in (("weighted", False), ("classes", 3), ("dtype_of_X", np.float64), ("rtol", 1e-6))
    )
    X, y = iris(classes)
    weights = np.random.default_rng(1).random(len(X)) if weighted else None
    ours, theirs = (
        kind(**options).fit(X.astype(dtype), y[:, 0] if regression and y.ndim == 2 else y, sample_weight=weights)
        for kind in PAIRS[regression]
    )
    distance = np.abs(parameters(ours) - parameters(theirs)).max() / np.abs(parameters(theirs)).max()
    assert distance < rtol
    assert (ours.n_iter_, ours.t_, ours.n_layers_, ours.n_outputs_, ours.out_activation_) == (
        (theirs.n_iter_, theirs.t_, theirs.n_layers_, theirs.n_outputs_, theirs.out_activation_)
    )
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=rtol)
    for name in ("loss_curve_", "validation_scores_", "best_loss_", "best_validation_score_"):
        assert hasattr(ours, name) == hasattr(theirs, name)
        actual, expected = getattr(ours, name, None), getattr(theirs, name, None)
        assert ((actual is None) == (expected is None) and type(actual) is type(expected)) or name.startswith("best")
        if expected is not None:
            np.testing.assert_allclose(actual, expected, rtol=rtol)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=10 * rtol, atol=10 * rtol)


@may_not_converge
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
@pytest.mark.parametrize("batch_size", [40, "auto"])
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_partial_fit_and_warm_start_continue_as_in_scikit_learn(
    ours: Any, theirs: Any, solver: str, learning_rate: str, batch_size: Any
) -> None:
    X, y = iris()
    models = [
        kind(
            hidden_layer_sizes=7, solver=solver, learning_rate=learning_rate, learning_rate_init=0.01, random_state=1,
            warm_start=True, max_iter=4, batch_size=batch_size,
        )
        for kind in (ours, theirs)
    ]  # fmt: skip
    for model in models:
        model.fit(X, y).fit(X, y)
        for number, size in enumerate((150, 60, 60, 45, 150, 150)):
            indices = np.random.default_rng(number).permutation(150)[:size]
            model.partial_fit(X[indices], y[indices])
        model.set_params(max_iter=6).fit(X, y)
    np.testing.assert_allclose(parameters(models[0]), parameters(models[1]), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(models[0].loss_curve_, models[1].loss_curve_, rtol=1e-9)
    assert models[0].t_ == models[1].t_ and models[0].n_iter_ == models[1].n_iter_


@may_not_converge
@pytest.mark.parametrize(
    "options",
    [{}, {"early_stopping": True}, {"shuffle": False}, {"tol": 0.1, "n_iter_no_change": 2, "max_iter": 90}],
    ids=str,
)
@pytest.mark.parametrize("global_state", [False, True], ids=["its own", "NumPy's"])
def test_as_many_random_numbers_are_drawn_as_by_scikit_learn(options: Any, global_state: bool) -> None:
    """If two fits share a RandomState, the second one equals scikit-learn's too."""
    X, y = iris()
    ends = []
    for kind in PAIRS[0]:
        rng = check_random_state(None) if global_state else np.random.RandomState(4)
        rng.seed(4)
        for _ in range(2):
            model = kind(
                hidden_layer_sizes=5, random_state=None if global_state else rng, **({"max_iter": 12} | options)
            ).fit(X, y)
        ends.append((rng.random_sample(3), parameters(model)))
    np.testing.assert_array_equal(ends[0][0], ends[1][0])
    np.testing.assert_allclose(ends[0][1], ends[1][1], rtol=1e-8)


@may_not_converge
@pytest.mark.parametrize(
    "options", [{}, {"early_stopping": True}, {"solver": "sgd", "learning_rate": "adaptive"}], ids=str
)
def test_it_prints_what_scikit_learn_prints(options: Any, capsys: pytest.CaptureFixture[str]) -> None:
    X, y = iris()
    printed = []
    for kind in PAIRS[0]:
        kind(hidden_layer_sizes=5, random_state=0, verbose=True, max_iter=40, tol=0.02, **options).fit(X, y)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] and "Iteration 2, loss = " in printed[0]


# ---- fitted attributes


def fitted(kind: Any, **options: Any) -> tuple[Any, Array, Array]:
    X, y = iris()
    model = kind(**{"hidden_layer_sizes": 6, "random_state": 0, "max_iter": 3, **options})
    with pytest.warns(ConvergenceWarning):
        return model.fit(X, y), X, y


def classes_of(kind: Any) -> dict[str, Any]:
    return {"classes": [0, 1, 2]} if kind is MLPClassifier else {}


@estimators
def test_predictions_use_weights_changed_by_the_user(kind: Any) -> None:
    model, X, _ = fitted(kind)
    before = model.predict(X)
    for array in (*model.coefs_, *model.intercepts_):
        array[...] = 0
    assert len(np.unique(model.predict(X))) == 1
    other = fitted(kind)[0]
    model.coefs_, model.intercepts_ = other.coefs_, list(other.intercepts_)
    np.testing.assert_array_equal(model.predict(X), before)
    model.coefs_[0] = np.zeros_like(model.coefs_[0])
    assert len(np.unique(model.predict(X))) == 1


@estimators
def test_pickled_copy_predicts_and_continues(kind: Any) -> None:
    model, X, y = fitted(kind)
    model.partial_fit(X, y)
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    for one in (model, other):
        one.partial_fit(X, y).partial_fit(X, y)
    np.testing.assert_array_equal(parameters(other), parameters(model))
    assert not np.shares_memory(other.coefs_[0], model.coefs_[0])
    assert len(pickle.dumps(other)) < 40000


@estimators
def test_partial_fit_does_not_change_the_data_of_earlier_calls(kind: Any) -> None:
    X, y = iris()
    before, other = X.copy(), np.ascontiguousarray(X[::-1])
    weights = np.ones(150)
    model = kind(random_state=0).partial_fit(X, y, sample_weight=weights, **classes_of(kind))
    model.partial_fit(other, y[::-1], sample_weight=2 * weights)
    again = kind(random_state=0).partial_fit(X, y, sample_weight=weights, **classes_of(kind))
    again.partial_fit(other.copy(), y[::-1].copy(), sample_weight=2 * weights)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(weights, 1)
    np.testing.assert_array_equal(parameters(model), parameters(again))


@estimators
def test_a_shallow_copy_has_its_own_weights(kind: Any) -> None:
    model, X, _ = fitted(kind)
    before, other = model.predict(X), copy.copy(model)
    other.coefs_ = [np.zeros_like(w) for w in other.coefs_]
    assert len(np.unique(other.predict(X))) == 1
    np.testing.assert_array_equal(model.predict(X), before)


@estimators
def test_clone_is_unfitted_and_equal(kind: Any) -> None:
    model = fitted(kind)[0]
    other = clone(model)
    assert other.get_params() == model.get_params() and not hasattr(other, "coefs_")


@estimators
@pytest.mark.parametrize("given_dtype", [np.float32, np.float64, np.int64, bool])
def test_weights_follow_the_dtype_of_X(kind: Any, given_dtype: Any) -> None:
    X, y = iris()
    expected = given_dtype if np.dtype(given_dtype).kind == "f" else np.float64
    with pytest.warns(ConvergenceWarning):
        model = kind(5, max_iter=2) if kind is MLPClassifier else kind("squared_error", 5, max_iter=2)
        model.fit(X.astype(given_dtype), y)
    assert {array.dtype for array in (*model.coefs_, *model.intercepts_)} == {np.dtype(expected)}
