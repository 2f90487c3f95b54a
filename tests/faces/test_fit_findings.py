"""The warnings of a fit: the right finding of a diagnosis, which the warning carries too, and nothing else."""

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
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.preprocessing import scale

from glassnet import MLPClassifier, MLPRegressor
from glassnet.errors import DataError, DivergedError, ParameterError
from glassnet.estimators.fit_warnings import FitWarning
from glassnet.see.evidence import Finding
from glassnet.training import layer_monitor

Array = np.ndarray[Any, Any]
may_not_converge = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
MESSAGE = "Stochastic Optimizer: Maximum iterations ({}) reached and the optimization hasn't converged yet."


def data(name: str) -> tuple[Array, Array]:
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return scale(X), scale(y) if name == "diabetes" else y


def make(name: str, **options: Any) -> Any:
    kind = MLPRegressor if name == "diabetes" else MLPClassifier
    return kind(**{"random_state": 0, **options})


def fit_warnings(fitted: Any, X: Any, y: Any) -> list[Warning]:
    """The warnings of a fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted.fit(X, y)
    return [one.message for one in caught if isinstance(one.message, Warning)]


def finding_names(fitted: Any, X: Any, y: Any) -> list[str]:
    """The names of the findings that a fit warns of, or the message of a warning without one."""
    return [
        one.finding.name if isinstance(one, FitWarning) and one.finding else str(one)
        for one in fit_warnings(fitted, X, y)
    ]


# ---- the warning of a fit that has not converged


def test_without_a_finding_the_warning_is_scikit_learns_own() -> None:
    X, y = data("digits")
    (only,) = fit_warnings(make("digits", max_iter=20), X, y)
    assert type(only) is ConvergenceWarning and str(only) == MESSAGE.format(20)


def test_the_finding_follows_scikit_learns_message_and_is_an_attribute() -> None:
    X, y = data("iris")
    (only,) = fit_warnings(make("iris", max_iter=30, learning_rate_init=1e-5), X, y)
    assert isinstance(only, FitWarning) and isinstance(only.finding, Finding)
    assert only.finding.name == "rate too low"
    assert str(only) == f"{MESSAGE.format(30)} {only.finding.sentence}"
    assert only.finding.sentence.startswith(
        "Rate too low: the cost fell in 100 % of the epochs and still falls, but only"
    )
    assert "Try learning_rate_init=0.0001, ten times larger" in only.finding.sentence
    assert pickle.loads(pickle.dumps(only)).finding == only.finding


@pytest.mark.parametrize(
    ("change", "name"),
    [(lambda X, y: (X * [1, 1e4, 1, 1], y), "unscaled columns"), (lambda X, y: (X, y), "")],
)
def test_lbfgs_keeps_scikit_learns_message_too(change: Any, name: str) -> None:
    X, y = change(*data("iris"))
    (theirs,) = fit_warnings(SklearnMLPClassifier(solver="lbfgs", max_iter=3, random_state=0), X, y)
    ours, *more = fit_warnings(make("iris", solver="lbfgs", max_iter=3), X, y)
    assert str(ours).startswith(str(theirs)) and type(ours) is (FitWarning if name else ConvergenceWarning)
    if isinstance(ours, FitWarning):
        assert ours.finding is not None and ours.finding.name == name
        assert str(ours) == f"{theirs} {ours.finding.sentence}"
    assert all(isinstance(one, FitWarning) for one in more)


# ---- a warning where something is wrong, none where nothing is


@pytest.mark.parametrize("name", ["iris", "digits", "wine", "breast_cancer", "diabetes"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"activation": "tanh", "early_stopping": True, "hidden_layer_sizes": (64, 64)},
        {"solver": "sgd", "learning_rate_init": 0.05},
        {"solver": "lbfgs", "alpha": 0.1},
    ],
    ids=str,
)
def test_a_fit_on_scaled_columns_adds_no_warning(name: str, options: dict[str, Any]) -> None:
    assert {type(one) for one in fit_warnings(make(name, **options), *data(name))} <= {ConvergenceWarning}


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("wine", {"solver": "sgd"}, ["unscaled columns", "dead units"]),
        ("wine", {"activation": "tanh"}, ["unscaled columns", "saturated units"]),
        ("breast_cancer", {"solver": "sgd"}, ["unscaled columns", "dead units"]),
        ("breast_cancer", {}, ["unscaled columns"]),
        ("diabetes", {"activation": "tanh"}, ["unscaled targets"]),
    ],
)
def test_problems_of_unscaled_data_are_named(name: str, options: dict[str, Any], expected: list[str]) -> None:
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    fitted = make(name, **options)
    assert finding_names(fitted, X, y)[: len(expected)] == expected


def test_layers_are_examined_if_the_loss_hardly_fell() -> None:
    fitted = make("iris", hidden_layer_sizes=(8,) * 10, activation="logistic", solver="sgd", max_iter=30)
    assert finding_names(fitted, *data("iris")) == ["vanishing gradients"]


@may_not_converge
def test_unscaled_columns_that_did_no_harm_are_not_reported() -> None:
    """All columns are scaled by forty, and the fit succeeds all the same."""
    X, y = datasets.make_classification(600, n_features=15, n_informative=8, random_state=1)
    fitted = make("wide", max_iter=1000)
    assert finding_names(fitted, X * 40, y) == [] and fitted.score(X * 40, y) > 0.95


def test_an_output_that_cannot_reach_the_targets_is_named() -> None:
    X, y = data("diabetes")
    first, *_ = finding_names(make("diabetes", output_activation="sigmoid"), X, y)
    assert first == "wrong output activation"


def test_divergence_says_what_was_wrong_with_the_data() -> None:
    X, y = data("diabetes")
    with pytest.raises(DivergedError, match="non-finite parameter weights") as caught:
        make("diabetes", solver="sgd", learning_rate_init=1.0).fit(X, 5000 * y)
    assert caught.value.__notes__[0].startswith("Unscaled targets: y has mean")


# ---- diagnose


@may_not_converge
def test_a_fitted_estimator_is_diagnosed() -> None:
    X, y = datasets.load_wine(return_X_y=True, as_frame=True)
    fitted = make("wine", max_iter=50).fit(X, y)
    assert str(fitted.diagnose()).startswith("2 findings in 2 layers, 50 epochs, 178 training samples")
    assert "column 'proline' of X has mean" in str(fitted.diagnose())
    whole = fitted.diagnose(pd.concat([X, X]), pd.concat([y, y]))
    assert whole.names == ("unscaled columns", "dead units", "duplicate rows")
    assert "356 rows" in str(whole) and "StandardScaler" in str(whole)
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy._network.recent_samples is None and str(copy.diagnose()).endswith(" in 50 epochs")
    assert copy.diagnose(X, y).names == fitted.diagnose(X, y).names


@may_not_converge
@pytest.mark.parametrize(
    "options", [{"solver": "lbfgs"}, {"early_stopping": True}, {"batch_norm": True, "dropout": 0.1}]
)
def test_every_kind_of_fit_can_be_diagnosed(options: dict[str, Any]) -> None:
    for name in ("digits", "diabetes"):
        if "solver" in options or name == "digits":
            X, y = data(name)
            fitted = make(name, max_iter=60, **options).fit(X, y)
            assert fitted.diagnose().names == ()
            assert f"{len(X):,} samples" in str(fitted.diagnose(X, y))


@may_not_converge
def test_a_diagnosis_without_evidence_is_refused() -> None:
    X, y = data("iris")
    fitted = make("iris", solver="lbfgs").fit(X, y)
    with pytest.raises(ParameterError, match="together"):
        fitted.diagnose(X)
    with pytest.raises(DataError, match=r"X has 150 rows, but y has the shape \(20,\)"):
        fitted.diagnose(X, y[:20])
    with pytest.raises(ValueError, match="pass X and y"):
        pickle.loads(pickle.dumps(fitted)).diagnose()
    fitted.set_params(solver="adam").fit(X, y).set_params(solver="lbfgs").fit(X, y)
    assert "epoch" not in str(fitted.diagnose())  # the epochs of the previous fit are not reported
    with pytest.raises(ValueError, match="not fitted"):
        make("iris").diagnose()
    with pytest.raises(ValueError, match="features"):
        fitted.diagnose(X[:, :2], y)


@may_not_converge
def test_targets_of_every_form_are_accepted() -> None:
    X, y = data("iris")
    fitted = make("iris", max_iter=60).fit(X, y)
    assert str(fitted.diagnose(X, y[:, np.newaxis])) == str(fitted.diagnose(X, y.tolist()))
    labels = np.stack([y > 0, y > 1], axis=1).astype(int)
    fitted = make("iris", max_iter=60).fit(X, labels)
    assert str(fitted.diagnose(sparse.csr_array(X), sparse.csr_array(labels))) == str(fitted.diagnose(X, labels))
    quantities = make("diabetes", max_iter=60).fit(X, y)
    assert str(quantities.diagnose(X, y[:, np.newaxis])) == str(quantities.diagnose(X, y))


@may_not_converge
def test_columns_that_overflow_when_squared_are_named() -> None:
    X, y = data("iris")
    with pytest.raises(ValueError) as caught:
        make("iris").fit(X * 1e200, y)
    assert caught.value.__notes__[0].startswith("Unscaled columns: column")


@may_not_converge
def test_partial_fits_are_diagnosed_by_their_losses() -> None:
    X, y = data("iris")
    fitted = make("iris", learning_rate_init=1e-5)
    for _ in range(20):
        fitted.partial_fit(X, y, classes=[0, 1, 2])
    assert fitted.diagnose().names == ("rate too low",) and "20 epochs" in str(fitted.diagnose())
    fitted.partial_fit(X, y)
    assert "21 epochs" in str(fitted.diagnose())


@may_not_converge
def test_restored_best_weights_are_no_overfit() -> None:
    rng = np.random.default_rng(0)
    X, validation_X = rng.standard_normal((120, 10)), rng.standard_normal((60, 10))
    y, validation_y = (x[:, 0] + 0.6 * rng.standard_normal(len(x)) for x in (X, validation_X))
    options = {"hidden_layer_sizes": (128, 128), "max_iter": 150, "learning_rate_init": 3e-3, "tol": 0.0}
    validation = {"validation_data": (validation_X, validation_y)}
    assert "overfit" in make("diabetes", **options).fit(X, y, **validation).diagnose().names
    stopped = make("diabetes", **options, early_stopping=True, n_iter_no_change=200).fit(X, y, **validation)
    assert "overfit" not in stopped.diagnose().names


# ---- monitoring the layers during a fit


@may_not_converge
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"early_stopping": True},
        {"dropout": 0.2, "batch_norm": True},
        {"solver": "sgd", "learning_rate": "adaptive"},
    ],
)
def test_monitoring_layers_does_not_change_the_bits_of_a_fit(
    form: Any, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = data("iris")
    monkeypatch.setattr("glassnet.estimators.inputs.MAX_DENSE_BYTES", 0)
    fits = []
    for share in (0.0, 1e9):
        monkeypatch.setattr(layer_monitor, "TIME_SHARE", share)
        weights = np.arange(150) % 3
        fits.append(make("iris", max_iter=12, callbacks=[lambda report: False], **options).fit(form(X), y, weights))
    assert [len(fit._network.history.layers) for fit in fits] == [0, fits[1].n_iter_ - 1]
    for one, other in zip(fits[0].coefs_, fits[1].coefs_, strict=True):
        assert one.tobytes() == other.tobytes()
    assert fits[0].loss_curve_ == fits[1].loss_curve_
    assert (fits[1]._network.history.layers["update"] > 0).all()
