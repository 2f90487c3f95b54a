"""What a fit of the estimators says by a diagnosis: the right finding, on the warning as well, and nothing else."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as Theirs
from sklearn.preprocessing import scale

from glassnet import MLPClassifier, MLPRegressor
from glassnet.errors import DataError, DivergedError, ParameterError
from glassnet.estimators.fit_warnings import FitWarning
from glassnet.see.evidence import Finding
from glassnet.training import layer_monitor

Array = np.ndarray[Any, Any]
unfinished = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
WORDS = "Stochastic Optimizer: Maximum iterations ({}) reached and the optimization hasn't converged yet."


def data(name: str) -> tuple[Array, Array]:
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return scale(X), scale(y) if name == "diabetes" else y


def model(name: str, **words: Any) -> Any:
    kind = MLPRegressor if name == "diabetes" else MLPClassifier
    return kind(**{"random_state": 0, **words})


def said(fitted: Any, X: Any, y: Any) -> list[Warning]:
    """The warnings of a fit."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        fitted.fit(X, y)
    return [one.message for one in found if isinstance(one.message, Warning)]


def names(fitted: Any, X: Any, y: Any) -> list[str]:
    """The findings that a fit speaks of; a warning without one counts by its words."""
    return [one.finding.name if isinstance(one, FitWarning) and one.finding else str(one) for one in said(fitted, X, y)]


# ---- the warning of a fit that has not converged


def test_without_a_finding_it_is_scikit_learns_own() -> None:
    X, y = data("digits")
    (only,) = said(model("digits", max_iter=20), X, y)
    assert type(only) is ConvergenceWarning and str(only) == WORDS.format(20)


def test_the_finding_follows_scikit_learns_words_and_stands_on_the_warning() -> None:
    X, y = data("iris")
    (only,) = said(model("iris", max_iter=30, learning_rate_init=1e-5), X, y)
    assert isinstance(only, FitWarning) and isinstance(only.finding, Finding)
    assert only.finding.name == "rate too low"
    assert str(only) == f"{WORDS.format(30)} {only.finding.sentence}"
    assert only.finding.sentence.startswith(
        "Rate too low: the cost fell in 100% of the epochs and still falls, but only"
    )
    assert "Try learning_rate_init ten times larger (0.0001)" in only.finding.sentence
    assert pickle.loads(pickle.dumps(only)).finding == only.finding


@pytest.mark.parametrize(
    ("change", "name"),
    [(lambda X, y: (X * [1, 1e4, 1, 1], y), "unscaled columns"), (lambda X, y: (X, y), "")],
)
def test_lbfgs_keeps_scikit_learns_words_too(change: Any, name: str) -> None:
    X, y = change(*data("iris"))
    (theirs,) = said(Theirs(solver="lbfgs", max_iter=3, random_state=0), X, y)
    ours, *more = said(model("iris", solver="lbfgs", max_iter=3), X, y)
    assert str(ours).startswith(str(theirs)) and type(ours) is (FitWarning if name else ConvergenceWarning)
    if isinstance(ours, FitWarning):
        assert ours.finding is not None and ours.finding.name == name
        assert str(ours) == f"{theirs} {ours.finding.sentence}"
    assert all(isinstance(one, FitWarning) for one in more)


# ---- right where something is wrong, silent where nothing is


@pytest.mark.parametrize("name", ["iris", "digits", "wine", "breast_cancer", "diabetes"])
@pytest.mark.parametrize(
    "words",
    [
        {},
        {"activation": "tanh", "early_stopping": True, "hidden_layer_sizes": (64, 64)},
        {"solver": "sgd", "learning_rate_init": 0.05},
        {"solver": "lbfgs", "alpha": 0.1},
    ],
    ids=str,
)
def test_a_fit_on_scaled_columns_hears_nothing_new(name: str, words: dict[str, Any]) -> None:
    assert {type(one) for one in said(model(name, **words), *data(name))} <= {ConvergenceWarning}


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("wine", {"solver": "sgd"}, ["unscaled columns", "dead units"]),
        ("wine", {"activation": "tanh"}, ["unscaled columns", "saturated units"]),
        ("breast_cancer", {"solver": "sgd"}, ["unscaled columns", "dead units"]),
        ("breast_cancer", {}, ["unscaled columns"]),
        ("diabetes", {"activation": "tanh"}, ["unscaled targets", "rate too low"]),
    ],
)
def test_data_as_they_come_are_named(name: str, words: dict[str, Any], expected: list[str]) -> None:
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    fitted = model(name, **words)
    assert names(fitted, X, y)[: len(expected)] == expected


def test_layers_are_looked_at_where_the_loss_hardly_fell() -> None:
    fitted = model("iris", hidden_layer_sizes=(8,) * 10, activation="logistic", solver="sgd", max_iter=30)
    assert names(fitted, *data("iris")) == ["vanishing gradients"]


@unfinished
def test_columns_that_did_no_harm_are_let_pass() -> None:
    """All forty times too wide, and learnt all the same."""
    X, y = datasets.make_classification(600, n_features=15, n_informative=8, random_state=1)
    fitted = model("wide", max_iter=1000)
    assert names(fitted, X * 40, y) == [] and fitted.score(X * 40, y) > 0.95


def test_an_output_that_cannot_reach_the_targets_is_named() -> None:
    X, y = data("diabetes")
    first, *_ = names(model("diabetes", output_activation="sigmoid"), X, y)
    assert first == "wrong output activation"


def test_a_fit_that_diverges_says_what_was_wrong_with_its_data() -> None:
    X, y = data("diabetes")
    with pytest.raises(DivergedError, match="non-finite parameter weights") as caught:
        model("diabetes", solver="sgd", learning_rate_init=1.0).fit(X, 5000 * y)
    assert caught.value.__notes__[0].startswith("Unscaled targets: y has mean")


# ---- diagnose


@unfinished
def test_a_fitted_estimator_is_diagnosed() -> None:
    X, y = datasets.load_wine(return_X_y=True, as_frame=True)
    fitted = model("wine", max_iter=50).fit(X, y)
    assert str(fitted.diagnose()).startswith("2 findings in 2 layers, 50 epochs, 178 training rows")
    assert "column 'proline' of X has mean" in str(fitted.diagnose())
    whole = fitted.diagnose(pd.concat([X, X]), pd.concat([y, y]))
    assert whole.names == ("unscaled columns", "duplicate rows", "dead units")
    assert "356 rows" in str(whole) and "StandardScaler" in str(whole)
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy._network.seen is None and str(copy.diagnose()).endswith(" in 50 epochs")
    assert copy.diagnose(X, y).names == fitted.diagnose(X, y).names


@unfinished
@pytest.mark.parametrize("words", [{"solver": "lbfgs"}, {"early_stopping": True}, {"batch_norm": True, "dropout": 0.1}])
def test_every_kind_of_fit_can_be_diagnosed(words: dict[str, Any]) -> None:
    for name in ("digits", "diabetes"):
        if "solver" in words or name == "digits":
            X, y = data(name)
            fitted = model(name, max_iter=60, **words).fit(X, y)
            assert fitted.diagnose().names == ()
            assert f"{len(X):,} rows" in str(fitted.diagnose(X, y))


@unfinished
def test_what_a_diagnosis_needs() -> None:
    X, y = data("iris")
    fitted = model("iris", solver="lbfgs").fit(X, y)
    with pytest.raises(ParameterError, match="together"):
        fitted.diagnose(X)
    with pytest.raises(DataError, match=r"X has 150 rows, but y has the shape \(20,\)"):
        fitted.diagnose(X, y[:20])
    with pytest.raises(ValueError, match="pass X and y"):
        pickle.loads(pickle.dumps(fitted)).diagnose()
    fitted.set_params(solver="adam").fit(X, y).set_params(solver="lbfgs").fit(X, y)
    assert "epoch" not in str(fitted.diagnose())  # those of the fit before are not taken for its own
    with pytest.raises(ValueError, match="not fitted"):
        model("iris").diagnose()
    with pytest.raises(ValueError, match="features"):
        fitted.diagnose(X[:, :2], y)


@unfinished
def test_targets_of_every_form_are_taken() -> None:
    X, y = data("iris")
    fitted = model("iris", max_iter=60).fit(X, y)
    assert str(fitted.diagnose(X, y[:, np.newaxis])) == str(fitted.diagnose(X, y.tolist()))
    labels = np.stack([y > 0, y > 1], axis=1).astype(int)
    fitted = model("iris", max_iter=60).fit(X, labels)
    assert str(fitted.diagnose(sparse.csr_array(X), sparse.csr_array(labels))) == str(fitted.diagnose(X, labels))
    quantities = model("diabetes", max_iter=60).fit(X, y)
    assert str(quantities.diagnose(X, y[:, np.newaxis])) == str(quantities.diagnose(X, y))


@unfinished
def test_numbers_too_large_to_be_squared_are_named_too() -> None:
    X, y = data("iris")
    with pytest.raises(ValueError) as caught:
        model("iris").fit(X * 1e200, y)
    assert caught.value.__notes__[0].startswith("Unscaled columns: column")


@unfinished
def test_partial_fits_are_diagnosed_by_their_losses() -> None:
    X, y = data("iris")
    fitted = model("iris", learning_rate_init=1e-5)
    for _ in range(20):
        fitted.partial_fit(X, y, classes=[0, 1, 2])
    assert fitted.diagnose().names == ("rate too low",) and "20 epochs" in str(fitted.diagnose())
    fitted.partial_fit(X, y)
    assert "21 epochs" in str(fitted.diagnose())


@unfinished
def test_early_stopping_that_kept_the_best_weights_is_no_overfit() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((120, 10)), rng.random(120)
    words = {"hidden_layer_sizes": (128, 128), "max_iter": 150, "learning_rate_init": 3e-3, "tol": 0.0}
    held = {"validation_data": (rng.standard_normal((60, 10)), rng.random(60))}
    assert "overfit" in model("diabetes", **words).fit(X, y, **held).diagnose().names
    kept = model("diabetes", **words, early_stopping=True, n_iter_no_change=200).fit(X, y, **held)
    assert "overfit" not in kept.diagnose().names


# ---- the looks at a fit


@unfinished
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(
    "words",
    [
        {},
        {"early_stopping": True},
        {"dropout": 0.2, "batch_norm": True},
        {"solver": "sgd", "learning_rate": "adaptive"},
    ],
)
def test_looks_leave_the_bits_of_a_fit(form: Any, words: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = data("iris")
    monkeypatch.setattr("glassnet.estimators.inputs.DENSE", 0)
    fits = []
    for share in (0.0, 1e9):
        monkeypatch.setattr(layer_monitor, "SHARE", share)
        weights = np.arange(150) % 3
        fits.append(model("iris", max_iter=12, callbacks=[lambda report: False], **words).fit(form(X), y, weights))
    assert [len(fit._network.history.layers) for fit in fits] == [0, fits[1].n_iter_ - 1]
    for one, other in zip(fits[0].coefs_, fits[1].coefs_, strict=True):
        assert one.tobytes() == other.tobytes()
    assert fits[0].loss_curve_ == fits[1].loss_curve_
    assert (fits[1]._network.history.layers["update"] > 0).all()
