"""What the estimators offer beyond scikit-learn's, and their messages about a fit that goes wrong."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.neural_network
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import permutation_importance
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from glassnet import Huber, LeakyReLU, MLPClassifier, MLPRegressor, OneCycle, custom_cost
from glassnet.errors import DataError, DivergedError, ParameterError
from glassnet.estimators.fit_warnings import FitWarning

Array = np.ndarray[Any, Any]
estimators = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
may_not_converge = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SKLEARN = {MLPClassifier: sklearn.neural_network.MLPClassifier, MLPRegressor: sklearn.neural_network.MLPRegressor}


FOURTH = custom_cost("fourth", lambda a, y: (a - y) ** 4 / 4, lambda a, y: (a - y) ** 3)


def iris() -> tuple[Array, Array]:
    X, y = load_iris(return_X_y=True)
    return scale(X), y


def make(kind: Any, **options: Any) -> Any:
    return kind(**{"hidden_layer_sizes": (8,), "random_state": 0, "max_iter": 20, **options})


def parameters(model: Any) -> Array:
    return np.concatenate([np.ravel(array) for array in (*model.coefs_, *model.intercepts_)])


# ---- right where scikit-learn is wrong


def test_reported_squared_error_of_several_outputs_is_that_of_the_gradient() -> None:
    X, y = iris()
    Y = np.stack([y, X[:, 0], X[:, 1] * X[:, 2]], axis=1)
    ours = make(MLPRegressor, solver="lbfgs", max_iter=1, alpha=0.0)
    with pytest.warns(ConvergenceWarning):
        ours.fit(X, Y)
    residuals = ours.predict(X) - Y
    assert ours.loss_ == pytest.approx(0.5 * (residuals**2).sum(axis=1).mean(), rel=1e-12)


@may_not_converge
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_scikit_learns_mean_of_outputs_is_reproduced_on_request(solver: str) -> None:
    X, y = iris()
    Y = np.stack([y, X[:, 0], X[:, 1] * X[:, 2]], axis=1)
    options = {"solver": solver, "alpha": 0.1, "hidden_layer_sizes": (5,), "random_state": 0, "max_iter": 15}
    theirs = SKLEARN[MLPRegressor](**options).fit(X, Y)
    ours = MLPRegressor(**options, sklearn_compatible=True).fit(X, Y)
    np.testing.assert_allclose(parameters(ours), parameters(theirs), rtol=1e-6, atol=1e-9)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-9)
    plain = MLPRegressor(**options).fit(X, Y)
    assert plain.loss_ > 1.5 * theirs.loss_


def test_negative_counts_are_refused() -> None:
    X, y = iris()
    with pytest.raises(DataError, match=r"y\[3\] is -2, but loss 'poisson' needs y in \[0, ∞\)"):
        MLPRegressor("poisson").fit(X, np.where(np.arange(150) == 3, -2.0, y))


def test_lbfgs_has_no_partial_fit() -> None:
    for kind in (MLPClassifier, MLPRegressor):
        assert hasattr(kind(), "partial_fit") and not hasattr(kind(solver="lbfgs"), "partial_fit")


def test_one_class_has_one_column() -> None:
    X, _ = iris()
    model = make(MLPClassifier, max_iter=400).fit(X, ["only"] * 150)
    assert set(model.predict(X)) == {"only"} and model.score(X, ["only"] * 150) == 1
    np.testing.assert_array_equal(model.predict_proba(X), np.ones((150, 1)))


def test_exclusive_classes_may_not_have_sigmoid_outputs() -> None:
    """Their probabilities would not add up to 1; two classes, and columns of 0 and 1 per class, have them."""
    X, y = iris()
    with pytest.raises(
        ParameterError, match="output_activation is 'sigmoid', but the probabilities of several classes"
    ):
        make(MLPClassifier, output_activation="sigmoid", max_iter=3).fit(X, y)
    model = make(MLPClassifier, output_activation="sigmoid", early_stopping=True, max_iter=3)
    columns = np.column_stack([y == 0, y > 0]).astype(int)
    for targets in (y > 0, columns):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, targets, validation_data=(X, targets))
        assert model.out_activation_ == "logistic" and model.predict(X).shape == targets.shape


# ---- messages


@estimators
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda X, y: (X * [1, 1, 1, 1e5], y),
            r"column 3 of X has mean .*, the median column has standard deviation 1\.",
        ),
        (lambda X, y: (X * 1e5, y), r"column \d of X has mean .* standard deviation 1e\+05, .*Try .*StandardScaler"),
    ],
)
@may_not_converge
def test_columns_out_of_scale_are_named(kind: Any, change: Any, message: str) -> None:
    with pytest.warns(FitWarning, match=message):
        make(kind, max_iter=2).fit(*change(*iris()))


@may_not_converge
def test_the_warning_gives_the_column_name() -> None:
    X, y = iris()
    frame = pd.DataFrame(X * [1, 1, 1e6, 1], columns=["a", "b", "income", "d"])
    with pytest.warns(FitWarning, match="Unscaled columns: column 'income' of X has mean"):
        make(MLPClassifier, max_iter=1).fit(frame, y)


@may_not_converge
def test_large_targets_are_named() -> None:
    X, y = iris()
    with pytest.warns(FitWarning, match=r"Unscaled targets: y has mean 1e\+05 and .* Try TransformedTargetRegressor"):
        make(MLPRegressor).fit(X, y * 1e5)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@may_not_converge
def test_too_large_a_rate_is_named(solver: str) -> None:
    X, y = iris()
    with pytest.warns(FitWarning, match=r"Rate too high: .* Try learning_rate_init=1e\+05, ten times smaller"):
        make(MLPClassifier, solver=solver, learning_rate_init=1e6).fit(X, y)


def test_divergence_is_an_error_of_both_libraries_that_says_where() -> None:
    X, y = iris()
    model = make(MLPRegressor, solver="sgd", learning_rate_init=10.0)
    with pytest.raises(ValueError, match=r"non-finite parameter weights.*training diverged in epoch \d") as caught:
        model.fit(X, 100 * y)
    assert isinstance(caught.value, DivergedError) and np.isfinite(parameters(model)).all()


@may_not_converge
@pytest.mark.parametrize(("rate", "epochs"), [(1e5, 3), (1e20, 1)])
def test_the_best_epoch_of_a_fit_that_diverges(rate: float, epochs: int) -> None:
    X, y = iris()
    rising = iter(range(20))
    options = {"early_stopping": True, "scoring": lambda model, X, y: float(next(rising))}
    model = make(MLPRegressor, solver="sgd", learning_rate_init=rate, **options)
    with pytest.warns(FitWarning, match=f"training diverged in epoch {epochs + 1}"):
        model.fit(X, y)
    assert model.n_iter_ == epochs + 1 and model._network.history.best_epoch == epochs


@may_not_converge
def test_a_saturated_layer_is_named() -> None:
    X, y = iris()
    with pytest.warns(FitWarning, match=r"Saturated units: \d+ % of the outputs of layer 1 \(tanh\)"):
        make(MLPClassifier, activation="tanh").fit(X * 900, y)


def test_a_good_fit_does_not_warn() -> None:
    X, y = iris()
    for kind in (MLPClassifier, MLPRegressor):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            make(kind, max_iter=500, tol=1e-3).fit(X, y)


@estimators
def test_negative_and_zero_weights_are_refused(kind: Any) -> None:
    X, y = iris()
    with pytest.raises(ValueError, match=r"sample_weight\[149\] is -1"):
        make(kind).fit(X, y, sample_weight=np.append(np.ones(149), -1))
    with pytest.raises(ValueError, match=r"zero|is 0"):
        make(kind).fit(X, y, sample_weight=np.zeros(150))


@estimators
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes must be > 0, got \\[3, 0\\]"),
        ({"hidden_layer_sizes": "100"}, "The 'hidden_layer_sizes' parameter"),
        ({"hidden_layer_sizes": (1.5,)}, "whole numbers"),
        ({"activation": "Relux"}, "activation 'Relux' is unknown. Did you mean 'relu'"),
        ({"activation": ["relu", "tanh"]}, "activation has 2 entries, but hidden_layer_sizes has 1"),
        ({"activation": "softmax"}, "is for the output layer"),
        ({"solver": "lbfgs", "dropout": 0.2}, "needs a deterministic cost"),
        ({"solver": "lbfgs", "batch_norm": True}, "needs a deterministic cost"),
        ({"alpha": -1}, "The 'alpha' parameter of MLP"),
        ({"schedule": "qqq"}, "schedule 'qqq' is unknown"),
    ],
)
def test_invalid_parameters_are_named(kind: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(kind, **options).fit(*iris())


@estimators
@pytest.mark.parametrize(
    ("change", "options"),
    [
        ({"alpha": -1}, {}),
        ({"hidden_layer_sizes": (0,)}, {}),
        ({"activation": "qqq"}, {}),
        ({"dtype": "float16"}, {}),
        ({}, {"X": np.full((150, 4), np.nan)}),
        ({}, {"X": np.ones((150, 3)), "sample_weight": -np.ones(150)}),
        ({}, {"X": np.ones((149, 4))}),
        ({}, {"y": np.arange(150) % 2, "sample_weight": np.zeros(150)}),
        ({}, {"y": np.arange(150) % 2, "validation_data": (np.ones((3, 4)),)}),
        ({}, {"y": np.arange(150) % 2, "validation_data": (np.ones((3, 5)), np.ones(3))}),
        ({"early_stopping": True}, {"validation_data": (np.ones((3, 4)), np.ones(2))}),
    ],
    ids=str,
)
@may_not_converge
def test_a_refused_fit_leaves_the_model_as_it_was(kind: Any, change: Any, options: Any) -> None:
    X, y = iris()
    model = make(kind, max_iter=5).fit(X, y)
    before, attributes = model.predict(X), set(vars(model))
    with pytest.raises(ValueError):
        model.set_params(**change).fit(**({"X": X, "y": y} | options))
    np.testing.assert_array_equal(model.predict(X), before)
    assert set(vars(model)) == attributes and model.n_features_in_ == 4
    if kind is MLPClassifier:
        np.testing.assert_array_equal(model.classes_, [0, 1, 2])


@may_not_converge
def test_changing_alpha_keeps_the_normalisation() -> None:
    X, y = iris()
    options = {"batch_norm": True, "warm_start": True, "learning_rate_init": 0.02, "max_iter": 100}
    model = make(MLPClassifier, **options).fit(X, y)
    score = model.score(X, y)
    model.set_params(alpha=1e-3, max_iter=1, learning_rate_init=1e-9).fit(X, y)
    assert score > 0.9 and abs(model.score(X, y) - score) < 0.05


@may_not_converge
@estimators
def test_a_warm_start_may_change_the_solver_and_the_stopping_criterion(kind: Any) -> None:
    X, y = iris()
    model = make(kind, warm_start=True, max_iter=5, solver="lbfgs").fit(X, y)
    before = model.loss_
    model.set_params(solver="adam").fit(X, y)
    assert len(model.loss_curve_) == 5 and model.loss_curve_[0] == pytest.approx(before, rel=1e-9)
    model.set_params(early_stopping=True).fit(X, y)
    assert len(model.validation_scores_) == 5 and model.best_validation_score_ == max(model.validation_scores_)
    model.set_params(early_stopping=False).fit(X, y)
    assert len(model.loss_curve_) == 15 and model.best_loss_ == min(model.loss_curve_[10:] + model.loss_curve_[:5])


@may_not_converge
def test_weights_set_by_hand_are_used() -> None:
    X, y = iris()
    model = make(MLPRegressor).fit(X, y)
    other = MLPRegressor()
    other.coefs_, other.intercepts_ = model.coefs_, model.intercepts_
    np.testing.assert_array_equal(other.predict(X), model.predict(X))


# ---- features that scikit-learn's users asked for


@may_not_converge
def test_class_weights_are_sample_weights() -> None:
    X, y = iris()
    X, y = X[:110], y[:110]  # 50, 50 and 10
    by_class = make(MLPClassifier, class_weight={0: 1.0, 1: 1.0, 2: 5.0}, max_iter=300, tol=1e-2).fit(X, y)
    by_sample = make(MLPClassifier, max_iter=300, tol=1e-2).fit(X, y, sample_weight=np.where(y == 2, 5.0, 1.0))
    np.testing.assert_array_equal(parameters(by_class), parameters(by_sample))
    X, y = make_classification(600, weights=[0.93], flip_y=0.1, random_state=0)
    options = {"max_iter": 60, "learning_rate_init": 0.01}
    balanced = make(MLPClassifier, class_weight="balanced", **options).fit(X, y)
    scores = [balanced_accuracy_score(y, m.predict(X)) for m in (balanced, make(MLPClassifier, **options).fit(X, y))]
    assert scores[0] > scores[1] + 0.05
    with pytest.raises(ParameterError, match="partial_fit"):
        make(MLPClassifier, class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])


@may_not_converge
@estimators
@pytest.mark.parametrize("options", [{"dropout": 0.3}, {"batch_norm": True}, {"layer_norm": True}], ids=str)
def test_dropout_and_normalisation_are_trained_and_repeatable(kind: Any, options: Any) -> None:
    X, y = iris()
    one, two, plain = (
        make(kind, max_iter=100, learning_rate_init=0.02, **more).fit(X, y) for more in (options, options, {})
    )
    np.testing.assert_array_equal(parameters(one), parameters(two))
    assert not np.allclose(parameters(one), parameters(plain)) and one.score(X, y) > 0.6
    np.testing.assert_array_equal(one.predict(X[:7]), one.predict(X)[:7])


@may_not_converge
@estimators
def test_validation_data_give_a_curve_and_stop_the_fit(kind: Any) -> None:
    X, y = iris()
    train, validation = np.arange(150) % 3 > 0, np.arange(150) % 3 == 0
    options = {"max_iter": 300, "early_stopping": True, "n_iter_no_change": 5, "tol": 1e-3, "learning_rate_init": 0.02}
    model = make(kind, **options).fit(X[train], y[train], validation_data=(X[validation], y[validation]))
    assert len(model.validation_loss_curve_) == len(model.validation_scores_) == model.n_iter_ < 300
    assert model.score(X[validation], y[validation]) == pytest.approx(model.best_validation_score_, rel=1e-9)
    assert model.t_ == 100 * model.n_iter_  # none of X was split off
    plain = make(kind, max_iter=30).fit(X[train], y[train], validation_data=(X[validation], y[validation]))
    if kind is MLPClassifier:
        expected = log_loss(y[validation], plain.predict_proba(X[validation]))
    else:
        expected = 0.5 * ((plain.predict(X[validation]) - y[validation]) ** 2).mean()
    assert plain.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-9) and plain.validation_scores_ is None


@may_not_converge
def test_early_stopping_uses_any_scorer() -> None:
    X, y = iris()
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = make(MLPClassifier, early_stopping=True, scoring="neg_log_loss", max_iter=15).fit(frame, names)
    assert len(model.validation_scores_) == 15 and max(model.validation_scores_) < 0
    assert model.validation_scores_ != sorted(model.validation_scores_, reverse=True)
    np.testing.assert_allclose(np.negative(model.validation_scores_), model.validation_loss_curve_, rtol=1e-9)
    calls = []

    def scorer(estimator: Any, X: Array, y: Array) -> float:
        calls.append((len(X), y.dtype.kind))
        return float((estimator.predict(X) == y).mean())

    make(MLPClassifier, early_stopping=True, scoring=scorer, max_iter=4).fit(X, names)
    assert calls == [(15, "U")] * 4


@may_not_converge
@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile", Huber(0.5), FOURTH], ids=str)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_other_losses_are_minimised(loss: Any, solver: str) -> None:
    X, y = iris()
    model = make(MLPRegressor, loss=loss, solver=solver, max_iter=200, learning_rate_init=0.01, alpha=0.0).fit(X, y)
    r = model.predict(X) - y
    expected = {
        "absolute_error": np.abs(r),
        "huber": np.where(np.abs(r) <= 1, r**2 / 2, np.abs(r) - 0.5),
        "quantile": np.abs(r) / 2,
        "Huber(delta=0.5)": np.where(np.abs(r) <= 0.5, r**2 / 2, 0.5 * (np.abs(r) - 0.25)),
        "CustomCost('fourth')": r**4 / 4,
    }[str(loss)].mean()
    assert model.score(X, y) > 0.7
    assert model.loss_ == pytest.approx(expected, rel=1e-9 if solver == "lbfgs" else 0.2)


@may_not_converge
def test_activations_per_layer_and_of_the_output() -> None:
    X, y = iris()
    model = make(
        MLPRegressor, hidden_layer_sizes=(8, 6), activation=["tanh", LeakyReLU(0.1)], output_activation="softplus"
    ).fit(X, y)
    a = np.tanh(X @ model.coefs_[0] + model.intercepts_[0])
    z = a @ model.coefs_[1] + model.intercepts_[1]
    z = np.where(z > 0, z, 0.1 * z) @ model.coefs_[2] + model.intercepts_[2]
    np.testing.assert_allclose(model.predict(X), np.log1p(np.exp(z[:, 0])), rtol=1e-9)
    assert model.out_activation_ == "softplus"
    np.testing.assert_allclose(model.hidden(X, 1), a, rtol=1e-12)
    assert model.hidden(X).shape == (150, 6) and model.hidden(X[:2], -2).shape == (2, 8)
    for layer in (0, 3, -3):
        with pytest.raises(ParameterError, match="2 hidden layers"):
            model.hidden(X, layer)


@may_not_converge
def test_optimizers_and_schedules_of_glassnet() -> None:
    X, y = iris()
    model = make(MLPClassifier, optimizer="adamw", schedule=OneCycle(peak=0.05), max_iter=60).fit(X, y)
    assert model.score(X, y) > 0.95
    same = make(MLPRegressor, optimizer="sgd", schedule="constant", learning_rate_init=0.01, batch_size=30).fit(X, y)
    theirs = make(SKLEARN[MLPRegressor], solver="sgd", momentum=0.0, learning_rate_init=0.01, batch_size=30).fit(X, y)
    np.testing.assert_allclose(parameters(same), parameters(theirs), rtol=1e-9)


@may_not_converge
def test_callbacks_see_every_epoch_and_end_the_fit() -> None:
    X, y = iris()
    epochs: list[int] = []

    def callback(report: Any) -> bool:
        epochs.append(report.epoch)
        return report.epoch == 7

    model = make(MLPClassifier, callbacks=[callback]).fit(X, y)
    assert epochs == [1, 2, 3, 4, 5, 6, 7] and model.n_iter_ == len(model.loss_curve_) == 7


@may_not_converge
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_callbacks_of_scikit_learn(solver: str) -> None:
    callback = pytest.importorskip("sklearn.callback")
    X, y = iris()
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = make(MLPClassifier, solver=solver, max_iter=12, learning_rate_init=0.02).set_callbacks(monitor).fit(X, y)
    scores = [row["accuracy"] for row in monitor.get_logs(select="most_recent").data if row["task_name"] == "epoch"]
    assert len(scores) >= model.n_iter_ and scores[model.n_iter_ - 1] == pytest.approx(model.score(X, y), abs=1e-12)
    assert len(set(scores)) > 3
    make(MLPClassifier, max_iter=3).set_callbacks(callback.ProgressBar()).fit(X, y)


@may_not_converge
def test_time_limit_ends_the_fit() -> None:
    X, y = iris()
    model = make(MLPClassifier, max_iter=10**7, tol=0.0, n_iter_no_change=10**8, time_limit=0.3).fit(X, y)
    assert 0 < model.n_iter_ < 10**7 and len(model.loss_curve_) == model.n_iter_


@may_not_converge
def test_progress_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    make(MLPClassifier, progress=True, max_iter=3).fit(*iris())
    assert [line.split()[:2] for line in capsys.readouterr().err.splitlines()] == [["epoch", str(n)] for n in (1, 2, 3)]


@may_not_converge
@estimators
def test_threads_and_dtype(kind: Any) -> None:
    X, y = iris()
    models = [make(kind, threads=threads, dtype="float32").fit(X, y) for threads in (1, 2)]
    np.testing.assert_array_equal(parameters(models[0]), parameters(models[1]))
    assert models[0].coefs_[0].dtype == np.float32


# ---- data


TABLES = """
import importlib, sys, warnings
import numpy as np
import glassnet
from tests.faces.test_estimators_more import iris, make, parameters
warnings.simplefilter("ignore")
library = importlib.import_module(sys.argv[1])
make_table = getattr(library, "table" if sys.argv[1] == "pyarrow" else "DataFrame")
X, y = iris()


def refused(run):
    try:
        run()
    except ValueError as error:
        return str(error)


def read_by(kind):
    for dtype in ("float64", "float32"):
        narrow = X.astype(dtype)
        columns = {name: narrow[:, number] for number, name in enumerate("abcd")}
        table = make_table(columns)
        model, plain = make(kind).fit(table, y), make(kind).fit(narrow, y)
        assert list(model.feature_names_in_) == ["a", "b", "c", "d"] and model.coefs_[0].dtype == dtype
        assert np.array_equal(parameters(model), parameters(plain))
        assert np.array_equal(model.predict(table), plain.predict(narrow))
        validation = kind(early_stopping=True, max_iter=2).fit(table, y, validation_data=(table, y))
        assert len(validation.validation_scores_) == 2
        reordered = make_table(dict(reversed(columns.items())))
        assert "names should match" in refused(lambda: model.predict(reordered))
    texts = make_table(columns | {"kind": ["setosa"] * len(y)})
    message = refused(lambda: kind().fit(texts, y))
    assert message.startswith("column 'kind' of X holds String, not numbers (it begins with ['setosa'])"), message
    assert "contains NaN" in refused(lambda: kind().fit(make_table(columns | {"a": [None, *X[1:, 0].tolist()]}), y))
    if sys.argv[1] == "pandas":
        ordered = make_table(X, columns=list("abcd")).assign(a=library.Categorical(X[:, 0], ordered=True))
        assert np.array_equal(parameters(make(kind).fit(ordered, y)), parameters(make(kind).fit(X, y)))
    if sys.argv[1] == "polars":
        assert "collect()" in refused(lambda: kind().fit(table.lazy(), y))


for name in sys.argv[2:]:
    read_by(getattr(glassnet, name))
    print(name, "read")
"""


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_tables_are_read_with_their_column_names(library: str) -> None:
    """Run in a separate process: polars handles Ctrl-C itself, and other tests need the signal."""
    command = [sys.executable, "-c", TABLES, library, "MLPClassifier", "MLPRegressor"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=120)
    assert result.stdout == "MLPClassifier read\nMLPRegressor read\n", result.stderr


@may_not_converge
def test_labels_may_be_sparse() -> None:
    X, y = iris()
    labels = np.stack([y > 0, y == 1], axis=1).astype(int)
    from_dense, from_sparse = make(MLPClassifier).fit(X, labels), make(MLPClassifier).fit(X, sparse.csr_array(labels))
    np.testing.assert_array_equal(from_sparse.predict(X).toarray(), from_dense.predict(X))
    weighted = make(MLPClassifier, class_weight="balanced").fit(X, labels)
    assert weighted.predict_proba(X).shape == (150, 2)


@may_not_converge
@estimators
@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_and_dense_X_give_the_same_bits(kind: Any, form: Any, solver: str) -> None:
    X, y = iris()
    X = np.where(X > 0, X, 0)
    options = {"solver": solver, "early_stopping": solver == "adam", "max_iter": 8}
    from_dense, from_sparse = make(kind, **options).fit(X, y), make(kind, **options).fit(form(X), y)
    np.testing.assert_array_equal(parameters(from_dense), parameters(from_sparse))
    np.testing.assert_array_equal(from_dense.predict(X), from_sparse.predict(form(X)))
    np.testing.assert_array_equal(from_dense.hidden(X), from_sparse.hidden(form(X)))


@may_not_converge
@estimators
@pytest.mark.parametrize("options", [{"dropout": 0.2}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=str)
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weights"])
def test_large_sparse_X_is_read_in_slices_with_the_same_bits(
    kind: Any, options: Any, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = iris()
    weights = np.arange(150) % 3 if weighted else None
    options = {"batch_size": 20, "max_iter": 6} | options
    from_dense = make(kind, **options).fit(X, y, sample_weight=weights)
    monkeypatch.setattr("glassnet.estimators.inputs.MAX_DENSE_BYTES", 0)
    monkeypatch.setattr("glassnet.execution.sparse_executor.SLICE_BYTES", 8 * 4 * 50)  # 50 rows: two batches
    form = sparse.csr_array(X)
    from_sparse = make(kind, **options).fit(form, y, sample_weight=weights)
    np.testing.assert_array_equal(parameters(from_dense), parameters(from_sparse))
    np.testing.assert_array_equal(from_dense.predict(X), from_sparse.predict(form))
    if "loss_curve_" in vars(from_dense):
        assert (
            from_dense.loss_curve_ == from_sparse.loss_curve_
            and from_dense.validation_loss_curve_ == from_sparse.validation_loss_curve_
        )


def test_partial_fit_takes_dense_and_large_sparse_X_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = iris()
    monkeypatch.setattr("glassnet.estimators.inputs.MAX_DENSE_BYTES", 0)
    results = []
    for forms in ((X, X, X), (X, sparse.csr_array(X), X), (sparse.csr_array(X), X, X)):
        model = make(MLPClassifier)
        for form in forms:
            model.partial_fit(form, y, classes=[0, 1, 2])
        results.append(parameters(model))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_divergence_on_sparse_X_names_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = iris()
    messages = []
    for form in (np.asarray, sparse.csr_array):
        monkeypatch.setattr("glassnet.estimators.inputs.MAX_DENSE_BYTES", 0)
        with pytest.raises(DivergedError, match="for sample") as caught:
            make(MLPRegressor, solver="sgd", learning_rate_init=10.0, batch_size=20).fit(form(X), 1000 * y)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@may_not_converge
def test_a_fit_on_sparse_X_needs_the_memory_of_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    X = sparse.random_array((20_000, 5_000), density=0.002, format="csr", rng=np.random.default_rng(0))
    y = (X[:, :50].sum(axis=1) > 0).astype(int)
    monkeypatch.setattr("glassnet.estimators.inputs.SLICE_BYTES", 1 << 24)
    monkeypatch.setattr("glassnet.execution.sparse_executor.SLICE_BYTES", 1 << 24)
    tracemalloc.start()
    model = make(MLPClassifier, max_iter=1, dtype="float32").fit(X, y)
    assert model.predict(X).shape == (20_000,)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * X.shape[0] * X.shape[1] / 8


@may_not_converge
@estimators
def test_a_fit_needs_no_second_copy_of_X(kind: Any) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100_000, 80))
    y = (X[:, 0] > 0).astype(float)
    make(kind, max_iter=1, early_stopping=False).fit(X[:500], y[:500])
    tracemalloc.start()
    make(kind, max_iter=2).fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 5


# ---- into scikit-learn and out of it


@may_not_converge
@estimators
@pytest.mark.parametrize(
    "options", [{}, {"solver": "sgd", "activation": "tanh"}, {"hidden_layer_sizes": (5, 4)}], ids=str
)
def test_round_trip_from_scikit_learn(kind: Any, options: Any) -> None:
    X, y = iris()
    theirs = make(SKLEARN[kind], **options).fit(X, y)
    ours = kind.from_sklearn(theirs)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)
    again = ours.to_sklearn()
    assert type(again) is SKLEARN[kind] and again.get_params() == theirs.get_params()
    np.testing.assert_array_equal(again.predict(X), theirs.predict(X))
    if kind is MLPClassifier:
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-9, atol=1e-14)
    for model in (ours, theirs):
        model.partial_fit(X, y).partial_fit(X, y)
    np.testing.assert_allclose(parameters(ours), parameters(theirs), rtol=1e-8, atol=1e-12)
    np.testing.assert_array_equal(parameters(again), parameters(kind.from_sklearn(again)))


def test_what_scikit_learn_lacks_is_not_converted() -> None:
    X, y = iris()
    for options in ({"activation": "gelu"}, {"batch_norm": True}, {"output_activation": "softplus"}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = make(MLPRegressor, max_iter=2, **options).fit(X, y)
        with pytest.raises(ParameterError, match="scikit-learn"):
            model.to_sklearn()
    with pytest.raises(TypeError, match="from_sklearn takes scikit-learn's MLPClassifier, not StandardScaler"):
        MLPClassifier.from_sklearn(StandardScaler())


@may_not_converge
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_grid_search(n_jobs: int) -> None:
    X, y = iris()
    pipe = make_pipeline(StandardScaler(), make(MLPClassifier))
    grid = {"mlpclassifier__alpha": [1e-4, 1.0], "mlpclassifier__hidden_layer_sizes": [(4,), (8,)]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = GridSearchCV(pipe, grid, cv=3, n_jobs=n_jobs).fit(X, y)
        other = make_pipeline(StandardScaler(), make(SKLEARN[MLPClassifier]))
        theirs = GridSearchCV(other, grid, cv=3).fit(X, y)
    np.testing.assert_allclose(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"])


@may_not_converge
def test_it_works_in_scikit_learns_meta_estimators() -> None:
    X, y = iris()
    model = make(MLPClassifier, max_iter=60, learning_rate_init=0.02)
    calibrated = CalibratedClassifierCV(model, cv=3).fit(X, y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    voting = VotingClassifier([("a", model), ("b", clone(model).set_params(random_state=1))], voting="soft").fit(X, y)
    assert calibrated.score(X, y) > 0.8 and voting.score(X, y) > 0.8
    importance = permutation_importance(model.fit(X, y), X, y, random_state=0).importances_mean
    assert importance[2:].min() > importance[:2].max()
    proba = cross_val_predict(model, X, y, method="predict_proba", cv=3)
    assert proba.shape == (150, 3) and (proba.argmax(axis=1) == y).mean() > 0.8


@may_not_converge
def test_pipeline_with_frames() -> None:
    X, y = iris()
    frame = pd.DataFrame(X, columns=list("abcd"))
    pipe = make_pipeline(StandardScaler(), make(MLPRegressor)).set_output(transform="pandas").fit(frame, y)
    assert list(pipe[-1].feature_names_in_) == ["a", "b", "c", "d"] and pipe.predict(frame).shape == (150,)


# ---- pictures


@may_not_converge
def test_the_loss_curve_is_drawn() -> None:
    X, y = iris()
    model = make(MLPClassifier, early_stopping=True).fit(X, y)
    ax = model.plot_training()
    lines = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    np.testing.assert_array_equal(lines["training"], model.loss_curve_)
    np.testing.assert_array_equal(lines["validation"], model.validation_loss_curve_)
    best = int(np.argmax(model.validation_scores_)) + 1
    assert any(f"epoch {best}" in text.get_text() for text in ax.texts)
    html = model._repr_mimebundle_()["text/html"]
    assert html.count("<svg") > MLPClassifier()._repr_mimebundle_()["text/html"].count("<svg") and "validation" in html
    with pytest.raises(DataError, match="lbfgs"):
        make(MLPClassifier, solver="lbfgs").fit(X, y).plot_training()
