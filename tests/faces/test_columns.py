"""Several columns of classes in one MLPClassifier: scikit-learn's conventions, and one softmax per column."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags
from sklearn.utils.multiclass import type_of_target

from glassnet import MLPClassifier, Softmax
from glassnet.errors import DataError, ParameterError

Array = np.ndarray[Any, Any]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
NAMES = (("big", "small"), ("black", "blue", "green", "red", "white"), ("x", "y", "z"))


def numbers(n: int = 240, seed: int = 0) -> tuple[Array, Array]:
    """X (n, 6) and three columns of class numbers, of 2, 5 and 3 classes, that are functions of X."""
    X = np.random.default_rng(seed).normal(size=(n, 6))
    five = np.searchsorted([-0.9, -0.3, 0.3, 0.9], X[:, 1] + 0.1 * X[:, 2])
    return X, np.stack([X[:, 0] > 0, five, (X[:, 3] > 0) * (1 + (X[:, 4] > 0))], axis=1).astype(np.int64)


def problem(n: int = 240, seed: int = 0) -> tuple[Array, Array]:
    """The same with strings as classes."""
    X, Y = numbers(n, seed)
    return X, np.stack([np.array(names)[column] for names, column in zip(NAMES, Y.T, strict=True)], axis=1)


def classifier(**settings: Any) -> Any:
    return MLPClassifier(**{"hidden_layer_sizes": (12,), "random_state": 0, "max_iter": 20, **settings})


def parameters(model: Any) -> Array:
    return np.concatenate([np.ravel(array) for array in (*model.coefs_, *model.intercepts_)])


# ---- scikit-learn's conventions

KINDS: dict[str, Any] = {
    "strings": lambda Y: Y,
    "numbers": lambda Y: np.stack([np.unique(column, return_inverse=True)[1] * 7 - 3 for column in Y.T], axis=1),
    "floats": lambda Y: KINDS["numbers"](Y).astype(np.float32),
    "objects": lambda Y: Y.astype(object),
    "pandas": lambda Y: pd.DataFrame(Y, columns=["size", "colour", "axis"]),
    "polars": lambda Y: pl.DataFrame(Y, schema=["size", "colour", "axis"]),
    "lists": lambda Y: Y.tolist(),
    "twice the same": lambda Y: Y[:, 1:2].repeat(2, axis=1),
    "one class": lambda Y: np.column_stack([np.full(len(Y), "only"), Y]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_results_have_the_form_of_a_decision_tree(kind: str) -> None:
    X, Y = problem()
    target = KINDS[kind](Y)
    tree = DecisionTreeClassifier(random_state=0, max_depth=4).fit(X, target)
    model = classifier(solver="lbfgs", max_iter=60).fit(X, target)
    assert isinstance(model.classes_, list) and len(model.classes_) == len(tree.classes_)
    for ours, theirs in zip(model.classes_, tree.classes_, strict=True):
        assert ours.dtype.kind == theirs.dtype.kind and ours.tolist() == theirs.tolist()
    predicted, theirs = model.predict(X), tree.predict(X)
    assert predicted.shape == theirs.shape and predicted.dtype.kind == np.asarray(target).dtype.kind
    assert (predicted == np.asarray(target)).mean() > 0.9
    for method in ("predict_proba", "predict_log_proba"):
        ours = getattr(model, method)(X)
        assert isinstance(ours, list) and [part.shape for part in ours] == [
            part.shape for part in tree.predict_proba(X)
        ]
    for column, (shares, logs) in enumerate(zip(model.predict_proba(X), model.predict_log_proba(X), strict=True)):
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-12)
        np.testing.assert_array_equal(model.classes_[column][shares.argmax(axis=1)], predicted[:, column])
        np.testing.assert_allclose(np.exp(logs), shares, rtol=1e-12)


@pytest.mark.parametrize("weights", [None, [{"big": 2.0}, {0: 3.0}]])
def test_a_column_of_strings_beside_one_of_numbers(weights: Any) -> None:
    """scikit-learn's trees cannot sort such labels; here each column keeps its type."""
    X, names = problem()
    Y = np.column_stack([names[:, :1].astype(object), numbers()[1][:, 1:2]])
    frame = pd.DataFrame({"size": names[:, 0], "class": numbers()[1][:, 1]})
    whole = classifier(solver="lbfgs", max_iter=60, class_weight=weights).fit(X, frame)
    parts = classifier(learning_rate_init=0.01, class_weight=weights)
    for _ in range(150):
        parts.partial_fit(X, Y, classes=[np.array(["big", "small"]), np.arange(5)])
    for model in (whole, parts):
        predicted = model.predict(X)
        assert [type(value) for value in predicted[0]] == [str, int]
        assert (predicted == Y).mean() > 0.9 and model.score(X, frame) == (predicted == Y).all(axis=1).mean() > 0.8
        assert [classes.tolist() for classes in model.classes_] == [["big", "small"], [0, 1, 2, 3, 4]]
    with pytest.raises(ValueError, match="continuous"):
        classifier().fit(X, frame.assign(**{"class": X[:, 1]}))


def test_the_output_activation_can_be_given() -> None:
    X, Y = problem()
    models = [
        classifier(output_activation=activation).fit(X, Y)
        for activation in (None, "softmax", Softmax(), Softmax((2, 5, 3)))
    ]
    assert all(parameters(model).tobytes() == parameters(models[0]).tobytes() for model in models)
    with pytest.raises(ParameterError, match="the probabilities of several classes must add up to 1"):
        classifier(output_activation="sigmoid").fit(X, Y)


def test_y_can_be_sparse() -> None:
    X, Y = numbers()
    dense, from_sparse = classifier().fit(X, Y), classifier().fit(X, sparse.csr_array(Y))
    np.testing.assert_array_equal(parameters(dense), parameters(from_sparse))
    assert from_sparse.predict(X).tolist() == dense.predict(X).tolist() and from_sparse.score(
        X, sparse.csr_array(Y)
    ) == dense.score(X, Y)


def test_attributes_and_tags() -> None:
    X, Y = problem()
    model = classifier().fit(X, Y)
    assert model.out_activation_ == "softmax" and model.n_outputs_ == 10 and model.n_features_in_ == 6
    assert [w.shape for w in model.coefs_] == [(6, 12), (12, 10)]
    tags = get_tags(model)
    assert tags.classifier_tags.multi_class and tags.classifier_tags.multi_label
    assert tags.target_tags.multi_output and tags.target_tags.single_output


def test_the_score_equals_that_of_a_multi_output_classifier() -> None:
    X, Y = problem()
    model = classifier(max_iter=60, learning_rate_init=0.01).fit(X, Y)
    correct = (model.predict(X) == Y).all(axis=1)
    assert model.score(X, Y) == correct.mean() and 0.5 < correct.mean() < 1
    weights = np.random.default_rng(0).random(240)
    assert model.score(X, Y, weights) == pytest.approx((correct * weights).sum() / weights.sum(), rel=1e-12)
    assert model.score(pd.DataFrame(X), pd.DataFrame(Y)) == correct.mean()
    forest = MultiOutputClassifier(RandomForestClassifier(5, random_state=0)).fit(X, Y)
    assert forest.score(X, Y) == (forest.predict(X) == Y).all(axis=1).mean()


def test_labels_of_0_and_1_keep_their_sigmoid() -> None:
    X, Y = numbers()
    labels = (Y > 0).astype(int)
    assert type_of_target(labels) == "multilabel-indicator"
    model = classifier().fit(X, labels)
    assert model.out_activation_ == "logistic" and model.n_outputs_ == 3
    assert model.predict_proba(X).shape == (240, 3) and model.classes_.tolist() == [0, 1, 2]


# ---- the numbers


def gradient_by_hand(model: Any, X: Array, Y: Array, alpha: float) -> tuple[list[Array], list[Array]]:
    """The gradient of the mean of the summed cross-entropies and alpha/2·Σw²/n, by hand; rows are samples."""
    (w1, w2), (b1, b2), n = model.coefs_, model.intercepts_, len(X)
    a1 = np.maximum(X @ w1 + b1, 0)
    delta, first = np.empty((n, w2.shape[1])), 0
    for column, classes in zip(Y.T, model.classes_, strict=True):
        for row in range(n):
            e = np.exp(a1[row] @ w2[:, first : first + len(classes)] + b2[first : first + len(classes)])
            delta[row, first : first + len(classes)] = e / e.sum() - (classes == column[row])
        first += len(classes)
    back = delta @ w2.T * (a1 > 0)
    dw = [X.T @ back / n + alpha * w1 / n, a1.T @ delta / n + alpha * w2 / n]
    return dw, [back.mean(axis=0), delta.mean(axis=0)]


def test_steps_equal_those_by_hand() -> None:
    X, Y = problem(80)
    settings = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.3, "alpha": 0.02, "batch_size": 80}
    model = classifier(**settings, shuffle=False).partial_fit(X, Y, classes=list(map(np.array, NAMES)))
    for _ in range(5):
        dw, db = gradient_by_hand(model, X, Y, 0.02)
        weights = [w - 0.3 * g for w, g in zip(model.coefs_, dw, strict=True)]
        biases = [b - 0.3 * g for b, g in zip(model.intercepts_, db, strict=True)]
        model.partial_fit(X, Y)
        for one, other in zip([*model.coefs_, *model.intercepts_], [*weights, *biases], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-13)


def test_the_loss_is_the_sum_over_the_columns() -> None:
    X, Y = problem()
    model = classifier(solver="lbfgs", alpha=0.0, max_iter=10).fit(X, Y)
    parts = zip(model.predict_proba(X), model.classes_, Y.T, strict=True)
    costs = [-np.log(probabilities[range(240), np.searchsorted(classes, y)]) for probabilities, classes, y in parts]
    assert model.loss_ == pytest.approx(np.sum(costs) / 240, rel=1e-9)


def test_without_hidden_layers_it_is_one_logistic_regression_per_column() -> None:
    X, Y = problem()
    Y = Y[:, 1:]
    settings = {"solver": "lbfgs", "alpha": 2.0, "hidden_layer_sizes": (), "max_iter": 5000, "tol": 1e-9}
    model = classifier(**settings).fit(X, Y)
    for column, shares in enumerate(model.predict_proba(X)):
        single = LogisticRegression(C=0.5, tol=1e-9, max_iter=5000).fit(X, Y[:, column])
        np.testing.assert_allclose(shares, single.predict_proba(X), atol=1e-4)  # SciPy ends where C falls by 2e-9


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"solver": "sgd", "learning_rate_init": 0.1},
        {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1},
        {"solver": "lbfgs"},
        {"optimizer": "adamw", "schedule": "cosine"},
        {"dropout": 0.1, "batch_norm": True},
        {"activation": "tanh", "layer_norm": True},
    ],
    ids=str,
)
def test_every_solver_learns_all_columns(settings: dict[str, Any], dtype: str) -> None:
    X, Y = problem(600)
    X = X.astype(dtype)
    model = classifier(**{"hidden_layer_sizes": (32,), "learning_rate_init": 0.01, "max_iter": 60, **settings}).fit(
        X, Y
    )
    assert model.coefs_[0].dtype == dtype and all(part.dtype == dtype for part in model.predict_proba(X))
    assert (model.predict(X) == Y).mean(axis=0).min() > 0.85


# ---- weights


def test_class_weights_of_columns_are_multiplied() -> None:
    X, Y = problem()
    class_weight: Any = [{"big": 2.0}, {"red": 3.0, "blue": 0.5}, {"x": 1.0}]
    each = [
        np.array([weights.get(name, 1.0) for name in column]) for weights, column in zip(class_weight, Y.T, strict=True)
    ]
    by_class = classifier(class_weight=class_weight).fit(X, Y)
    by_sample = classifier().fit(X, Y, sample_weight=np.prod(each, axis=0))
    np.testing.assert_array_equal(parameters(by_class), parameters(by_sample))
    balanced = classifier(class_weight="balanced").fit(X, Y, sample_weight=each[0])
    counts = [np.unique(column, return_counts=True) for column in Y.T]
    factors = [240 / len(names) / n[np.searchsorted(names, y)] for (names, n), y in zip(counts, Y.T, strict=True)]
    expected = classifier().fit(X, Y, sample_weight=each[0] * np.prod(factors, axis=0))
    np.testing.assert_allclose(parameters(balanced), parameters(expected), rtol=1e-9, atol=1e-12)


def test_class_weights_of_labels_are_a_list() -> None:
    X, Y = numbers()
    labels = (Y > 0).astype(int)
    by_class = classifier(class_weight=[{0: 1, 1: 2}, {1: 3}, {}]).fit(X, labels)
    by_sample = classifier().fit(X, labels, sample_weight=(1.0 + labels[:, 0]) * (1.0 + 2 * labels[:, 1]))
    np.testing.assert_array_equal(parameters(by_class), parameters(by_sample))


def test_a_sample_of_weight_2_counts_twice() -> None:
    X, Y = problem(60)
    twice = np.arange(60) % 3 == 0
    settings = {"solver": "lbfgs", "max_iter": 3000, "hidden_layer_sizes": (), "tol": 1e-9, "alpha": 0.1}
    weighted = classifier(**settings).fit(X, Y, sample_weight=1.0 + twice)
    doubled = classifier(**settings).fit(np.vstack([X, X[twice]]), np.vstack([Y, Y[twice]]))
    np.testing.assert_allclose(parameters(weighted), parameters(doubled), atol=1e-5)


# ---- continued training


def test_partial_fit_accepts_a_batch_without_some_classes() -> None:
    X, Y = numbers()
    model = classifier(learning_rate_init=0.01)
    zeros_and_ones = (Y <= 1).all(axis=1)
    assert type_of_target(Y[zeros_and_ones]) == "multilabel-indicator" and zeros_and_ones.sum() > 20
    classes = [[0, 1], range(5), np.arange(3)]
    model.partial_fit(X[zeros_and_ones], Y[zeros_and_ones], classes=list(map(list, classes)))
    assert model.out_activation_ == "softmax" and [len(column) for column in model.classes_] == [2, 5, 3]
    for _ in range(150):
        model.partial_fit(X, Y)
    assert model.score(X, Y) > 0.8
    assert model.partial_fit(X, Y, classes=[np.arange(2), np.arange(5), np.arange(3)]) is model


def test_partial_fit_and_warm_start_continue_a_fit() -> None:
    X, Y = problem()
    whole = classifier(max_iter=1, warm_start=True, shuffle=False, solver="sgd", momentum=0.0)
    parts = classifier(max_iter=1, shuffle=False, solver="sgd", momentum=0.0).fit(X, Y)
    for _ in range(3):
        whole.fit(X, Y)
    for _ in range(2):
        parts.partial_fit(X, Y)
    np.testing.assert_allclose(parameters(whole), parameters(parts), rtol=1e-12, atol=1e-15)


def test_early_stopping_scores_all_columns() -> None:
    X, Y = problem(500)
    settings = {"early_stopping": True, "max_iter": 40, "learning_rate_init": 0.01}
    model = classifier(**settings).fit(X[:400], Y[:400], validation_data=(X[400:], Y[400:]))
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.score(X[400:], Y[400:]) == pytest.approx(model.best_validation_score_)
    assert len(model.validation_loss_curve_) == model.n_iter_
    split = classifier(**settings).fit(X, Y)
    assert 0.3 < split.best_validation_score_ <= 1
    weights = 1.0 + (np.arange(100) % 2)
    weighted = classifier(**settings).fit(X[:400], Y[:400], validation_data=(X[400:], Y[400:], weights))
    assert weighted.score(X[400:], Y[400:], weights) == pytest.approx(weighted.best_validation_score_)

    def second(model: Any, X: Any, Y: Any) -> float:
        return float((model.predict(X)[:, 1] == Y[:, 1]).mean())

    scored = classifier(**settings, scoring=second).fit(X[:400], Y[:400], validation_data=(X[400:], Y[400:]))
    assert second(scored, X[400:], Y[400:]) == pytest.approx(scored.best_validation_score_)


# ---- with the rest of scikit-learn


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_x_gives_the_results_of_dense_x(form: Any, solver: str) -> None:
    X, Y = problem()
    X = np.where(X > 0, X, 0)
    dense, from_sparse = classifier(solver=solver).fit(X, Y), classifier(solver=solver).fit(form(X), Y)
    np.testing.assert_array_equal(parameters(dense), parameters(from_sparse))
    np.testing.assert_array_equal(dense.predict(X), from_sparse.predict(form(X)))


def test_copies_predict_the_same() -> None:
    X, Y = problem()
    model = classifier(class_weight=[{}, {"red": 2}, {}]).fit(X, Y)
    copied = pickle.loads(pickle.dumps(model))
    for one, other in zip(model.predict_proba(X), copied.predict_proba(X), strict=True):
        assert one.tobytes() == other.tobytes()
    np.testing.assert_array_equal(copied.partial_fit(X, Y).predict(X), model.partial_fit(X, Y).predict(X))
    np.testing.assert_array_equal(parameters(clone(model).fit(X, Y)), parameters(clone(model).fit(X, Y)))
    assert "<svg" in model._repr_html_()


def test_column_names_pipelines_and_searches() -> None:
    X, Y = problem()
    frame = pd.DataFrame(X, columns=list("abcdef"))
    pipe = make_pipeline(StandardScaler(), classifier(solver="lbfgs")).fit(frame, Y)
    assert classifier().fit(frame, Y).feature_names_in_.tolist() == list("abcdef")
    search = GridSearchCV(classifier(), {"alpha": [1e-4, 1e-1]}, cv=2).fit(X, Y)
    assert 0 < search.best_score_ <= 1
    probabilities = cross_val_predict(pipe, frame, Y, cv=3, method="predict_proba")
    assert [part.shape for part in probabilities] == [(240, 2), (240, 5), (240, 3)]
    assert (cross_val_predict(pipe, frame, Y, cv=3) == Y).mean() > 0.8
    importance = permutation_importance(pipe, frame, Y, n_repeats=2, random_state=0).importances_mean
    assert importance[[0, 1, 3]].min() > importance[5]


# ---- errors


def test_to_sklearn_has_no_equivalent() -> None:
    X, Y = problem()
    with pytest.raises(ParameterError, match="learns one column of classes, this network 3; there is no such"):
        classifier().fit(X, Y).to_sklearn()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X, Y: classifier().fit(X, Y + 0.5), "Unknown label type: continuous-multioutput"),
        (lambda X, Y: classifier().fit(X, np.where(Y == 4, np.nan, Y)), "NaN"),
        (lambda X, Y: classifier(class_weight={0: 1}).fit(X, Y), "class_weight should be a list of dicts"),
        (lambda X, Y: classifier(class_weight=[{0: 1}]).fit(X, Y), "Got 1 element"),
        (
            lambda X, Y: classifier(class_weight="balanced").partial_fit(
                X, Y, classes=[[0, 1], [*range(5)], [0, 1, 2]]
            ),
            "list of dicts",
        ),
        (lambda X, Y: classifier(class_weight=[{0: 1}]).fit(X, Y[:, 1]), "class_weight"),
        (
            lambda X, Y: classifier(output_activation=Softmax((5, 5))).fit(X, Y),
            r"groups of \(5, 5\) outputs; they follow from",
        ),
        (
            lambda X, Y: classifier(output_activation=Softmax((3, 2))).fit(X, Y[:, 1]),
            "they follow from the classes of y",
        ),
        (lambda X, Y: classifier().partial_fit(X, Y), "classes must be passed on the first call"),
        (
            lambda X, Y: classifier().partial_fit(X, Y, classes=range(5)),
            "begin partial_fit with a list of the classes of each",
        ),
        (
            lambda X, Y: classifier().partial_fit(X, Y, classes=[[0, 1], [*range(5)]]),
            r"shape \(240, 3\), but this network has 2",
        ),
        (
            lambda X, Y: classifier().partial_fit(X, Y, classes=[[0, 1], [*range(4)], [0, 1, 2]]),
            "`y` has classes not in",
        ),
        (
            lambda X, Y: classifier().fit(X, Y, validation_data=(X, Y + 1)),
            r"column 0 of y has classes not among \[0 1\]",
        ),
        (
            lambda X, Y: classifier().fit(X, Y, validation_data=(X, Y[:, 0])),
            r"shape \(240,\), but this network has 3 columns",
        ),
    ],
)
def test_invalid_calls_are_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(*numbers())


def test_a_fitted_model_keeps_its_columns() -> None:
    X, Y = numbers()
    model = classifier(warm_start=True).fit(X, Y)
    before = parameters(model).copy()
    for y, message in (
        (Y[:, :2], "has 3 columns of classes"),
        (Y[:, 0], "has 3 columns of classes"),
        (np.minimum(Y, 3), "warm_start can only be used where `y` has the same classes"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(X, y)
        np.testing.assert_array_equal(parameters(model), before)
    with pytest.raises(DataError, match="has 3 columns of classes"):
        model.score(X, Y[:, 1])
    with pytest.raises(ParameterError, match="in the first call of partial_fit it was"):
        model.partial_fit(X, Y, classes=[[0, 1], [0, 1, 2], [0, 1, 2]])
    with pytest.raises(ValueError, match="not the same as on last call"):
        model.partial_fit(X, Y, classes=np.arange(5))
    single = classifier(warm_start=True).fit(X, Y[:, 1])
    with pytest.raises(DataError, match="y has 3 columns of classes, but this network was made for one"):
        single.fit(X, Y)
    model.set_params(warm_start=False).fit(X, Y[:, 1])
    assert model.n_outputs_ == 5 and model.predict(X).shape == (240,)


def test_a_refused_first_call_stores_no_classes() -> None:
    X, Y = numbers()
    for y, wrong, correct in (
        (Y, [[0, 1], [0, 1], [0, 1]], [[0, 1], [*range(5)], [0, 1, 2]]),
        (Y[:, 1], [0, 1], range(5)),
    ):
        model = classifier()
        with pytest.raises(ValueError, match="classes not in"):
            model.partial_fit(X, y, classes=wrong)
        assert not hasattr(model, "classes_")
        assert model.partial_fit(X, y, classes=correct).predict(X).shape == y.shape
