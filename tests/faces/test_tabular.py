"""TabularClassifier and TabularRegressor as a person with a table uses them."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import replace
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from glassnet import DivergedError, TabularClassifier, TabularRegressor
from glassnet.data.table import Table
from glassnet.errors import DataError
from glassnet.estimators.fit_warnings import FitWarning
from glassnet.tabular import ensemble, member
from glassnet.tabular.column_warnings import ColumnWarning
from glassnet.tabular.hyperparameters import CLASSES, NUMBERS

from .quick_tabular import (
    QuickClassifier,
    QuickRegressor,
    classes_of,
    frame,
    numbers_of,
    small_hyperparameters,
)

Array = np.ndarray[Any, Any]
TABLE, NEW = frame(), frame(60, seed=1)
CLASSES_OF_TABLE, NUMBERS_OF_TABLE = classes_of(TABLE), numbers_of(TABLE)
may_be_poor = pytest.mark.filterwarnings("ignore::glassnet.estimators.fit_warnings.FitWarning")


@pytest.fixture(scope="module")
def classifier() -> TabularClassifier:
    return QuickClassifier(random_state=0).fit(TABLE, CLASSES_OF_TABLE)


@pytest.fixture(scope="module")
def regressor() -> TabularRegressor:
    return QuickRegressor(random_state=0).fit(TABLE, NUMBERS_OF_TABLE)


# ---- fitting and predicting


def test_a_frame_of_raw_columns_gives_a_good_classifier(classifier: TabularClassifier) -> None:
    assert classifier.score(NEW, classes_of(NEW)) > 0.85
    probabilities = classifier.predict_proba(NEW)
    assert probabilities.shape == (60, 2) and np.allclose(probabilities.sum(axis=1), 1)
    assert (classifier.classes_ == ["no", "yes"]).all()
    assert (classifier.predict(NEW) == classifier.classes_[probabilities.argmax(axis=1)]).all()
    assert np.array_equal(classifier.predict_log_proba(NEW), np.log(probabilities))


def test_a_frame_of_raw_columns_gives_a_good_regressor(regressor: TabularRegressor) -> None:
    assert regressor.score(NEW, numbers_of(NEW)) > 0.8
    assert regressor.predict(NEW).shape == (60,)


def test_what_was_done_with_columns_is_said(classifier: TabularClassifier, capsys: pytest.CaptureFixture[str]) -> None:
    assert classifier.notes_ == ["row: left out: it counts the rows from 0; keep=['row'] overrules"]
    assert classifier.n_features_in_ == 5 and list(classifier.feature_names_in_) == list(TABLE)
    assert "2 networks" in repr(classifier.model_) and "classes no, yes" in repr(classifier.model_)
    assert (
        classifier.model_._repr_html_().startswith("<p") and "<b>TabularModel:</b>" in classifier.model_._repr_html_()
    )
    capsys.readouterr()
    QuickClassifier(random_state=0, verbose=1).fit(TABLE, CLASSES_OF_TABLE)
    shown = capsys.readouterr().err
    assert shown.count("Note: row: left out") == 1 and "network 2 of 2  log-loss" in shown


def test_options_overrule_the_reading() -> None:
    fit = QuickClassifier(random_state=0, keep=["row"], drop=["when"], category=["weight"], missing="red").fit(
        TABLE, CLASSES_OF_TABLE
    )
    columns = {column.name: column.reading.kind for column in fit.model_.preparation.columns}
    assert columns == {"size": "number", "colour": "category", "weight": "category", "row": "number"}
    assert fit.model_.preparation.columns[1].reading.levels == ["blue", "green"]


@pytest.mark.parametrize("library", ["polars", "pyarrow", "lazy", "categories"])
def test_other_libraries_give_the_same_bits(classifier: TabularClassifier, library: str) -> None:
    def convert(table: pd.DataFrame) -> Any:
        if library == "categories":
            return table.assign(colour=table["colour"].astype("category"))
        if library == "pyarrow":
            return pa.Table.from_pandas(table, preserve_index=False)
        return pl.from_pandas(table).lazy() if library == "lazy" else pl.from_pandas(table)

    fit = QuickClassifier(random_state=0).fit(convert(TABLE), pl.Series(CLASSES_OF_TABLE))
    assert np.array_equal(fit.predict_proba(convert(NEW)), classifier.predict_proba(NEW))


def test_columns_are_found_by_name(classifier: TabularClassifier) -> None:
    shuffled = NEW[["weight", "row", "colour", "size", "when"]].assign(other=1)
    assert np.array_equal(classifier.predict_proba(shuffled), classifier.predict_proba(NEW))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
def test_arrays_take_a_short_way_with_the_same_bits(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    X = (100 * rng.normal(size=(200, 4))).astype(dtype)
    X[:, 3] = 7  # a constant is left out
    if dtype is not np.int32:
        X[::9, 1] = np.nan
    fit = QuickRegressor(random_state=0).fit(X, X[:, 0] - X[:, 2])
    assert len(fit.model_.preparation.columns) == 3
    short, fit._number_inputs = fit._inputs(X[:50]), None
    assert np.array_equal(short, fit._inputs(X[:50]))
    assert np.array_equal(short, fit._inputs(pd.DataFrame(X[:50]))), "columns of a frame count by their position then"


def test_missing_cells_that_training_lacked_are_a_warning_for_arrays_too() -> None:
    X = np.random.default_rng(0).normal(size=(100, 2))
    fit = QuickRegressor(random_state=0).fit(X, X[:, 0] - X[:, 1] ** 2)
    with pytest.warns(ColumnWarning, match="x1: 60 of 100 cells are missing, none was in training"):
        fit.predict(np.column_stack([X[:, 0], np.where(np.arange(100) < 60, np.nan, X[:, 1])]))


@may_be_poor
def test_columns_of_arrays_are_no_identifiers() -> None:
    X = np.stack([np.arange(100), np.arange(100) % 7], axis=1)
    assert len(QuickRegressor(random_state=0).fit(X, X[:, 0]).model_.preparation.columns) == 2
    assert [c.name for c in QuickRegressor(drop=[0]).fit(X, X[:, 0]).model_.preparation.columns] == ["x1"]


def test_arrays_of_objects_and_text(classifier: TabularClassifier) -> None:
    objects = TABLE[["size", "colour"]].to_numpy()
    fits = [QuickClassifier(random_state=0).fit(X, CLASSES_OF_TABLE) for X in (objects, objects.astype(str))]
    kinds = [[column.reading.kind for column in fit.model_.preparation.columns] for fit in fits]
    assert kinds == [["number", "category"]] * 2
    assert fits[0].score(NEW[["size", "colour"]].to_numpy(), classes_of(NEW)) > 0.85


def test_frames_may_have_any_names() -> None:
    table = TABLE.rename(columns={"size": 3, "colour": ("a", 1), "weight": 2.5})
    fit = QuickClassifier(random_state=0, drop=[2.5]).fit(table, CLASSES_OF_TABLE)
    assert [column.name for column in fit.model_.preparation.columns] == ["3", "a, 1", "when"]
    assert fit.score(table, CLASSES_OF_TABLE) > 0.85


# ---- targets


TARGETS = [
    pytest.param(lambda y: y, id="array"),
    pytest.param(list, id="list"),
    pytest.param(pd.Series, id="series"),
    pytest.param(lambda y: pd.Series(y, dtype="category"), id="categories"),
    pytest.param(lambda y: pd.Series(y, dtype="string"), id="string"),
    pytest.param(pa.array, id="arrow"),
    pytest.param(lambda y: np.array(y, object), id="objects"),
]


@pytest.mark.parametrize("convert", TARGETS)
def test_targets_of_any_container(classifier: TabularClassifier, convert: Any) -> None:
    fit = QuickClassifier(random_state=0).fit(TABLE, convert(CLASSES_OF_TABLE))
    assert np.array_equal(fit.predict_proba(NEW), classifier.predict_proba(NEW))
    assert (fit.predict(NEW) == classifier.predict(NEW)).all()


@pytest.mark.parametrize(
    "labels",
    [
        np.array([False, True]),
        np.array([-1, 1]),
        np.array([1.0, 2.0]),
        np.array([2**63 + 1, 2**63 + 5], np.uint64),
        np.array([b"a", b"b"]),
    ],
)
def test_classes_keep_their_type(labels: Array, classifier: TabularClassifier) -> None:
    y = labels[(CLASSES_OF_TABLE == "yes").astype(int)]
    fit = QuickClassifier(random_state=0).fit(TABLE, y)
    assert np.array_equal(fit.classes_, labels if labels.dtype.kind != "S" else ["a", "b"])
    assert np.array_equal(fit.predict_proba(NEW), classifier.predict_proba(NEW))


def test_a_column_of_targets() -> None:
    expected = QuickRegressor(random_state=0).fit(TABLE, NUMBERS_OF_TABLE).predict(NEW)
    fit = QuickRegressor(random_state=0).fit(TABLE, NUMBERS_OF_TABLE[:, np.newaxis])
    assert np.array_equal(fit.predict(NEW), expected)


def test_several_numbers_per_row() -> None:
    y = np.stack([NUMBERS_OF_TABLE, -1e6 * NUMBERS_OF_TABLE], axis=1)
    fit = QuickRegressor(random_state=0).fit(TABLE, y)
    assert fit.predict(NEW).shape == (60, 2) and fit.score(TABLE, y) > 0.8


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_tiny_and_huge_numbers(size: float, regressor: TabularRegressor) -> None:
    power = 2.0 ** round(np.log2(size))  # scaling by a power of two changes no bit of the standardised values
    fit = QuickRegressor(random_state=0).fit(TABLE, NUMBERS_OF_TABLE * power)
    assert np.allclose(fit.predict(NEW) / power, regressor.predict(NEW), rtol=1e-6)


def test_blanks_around_classes_do_not_make_another_class() -> None:
    y = [f"{label} " if row % 3 else label for row, label in enumerate(CLASSES_OF_TABLE)]
    fit = QuickClassifier(random_state=0).fit(TABLE, y)
    assert (fit.classes_ == ["no", "yes"]).all() and "blanks around 200 of the classes are ignored" in fit.notes_[0]


def test_predicted_numbers_stay_in_the_range_of_the_targets(regressor: TabularRegressor) -> None:
    model = regressor.model_
    standardised = model.target.encode(NUMBERS_OF_TABLE)
    assert model.output_range == ([standardised.min()], [standardised.max()])
    x = model.inputs(Table.from_frame(NEW))
    model = replace(model, linear=None)
    narrow = replace(model, output_range=([-0.5], [0.5])).values(x)
    assert np.array_equal(narrow, model.target.decode(np.clip(model.target.encode(model.values(x)), -0.5, 0.5)))
    assert np.unique(narrow).size < len(NEW)


# ---- weights


def test_rows_without_weight_do_not_count() -> None:
    weights = np.where(np.arange(len(TABLE)) % 3 == 0, 0.0, 1.0)
    expected = QuickClassifier(random_state=0).fit(TABLE[weights > 0], CLASSES_OF_TABLE[weights > 0], np.ones(200))
    fit = QuickClassifier(random_state=0).fit(TABLE, CLASSES_OF_TABLE, weights)
    assert np.array_equal(fit.predict_proba(NEW), expected.predict_proba(NEW))
    numbers = numbers_of(TABLE)
    small = QuickRegressor(random_state=0).fit(TABLE[weights > 0], numbers[weights > 0], np.ones(200))
    large = QuickRegressor(random_state=0).fit(TABLE, np.where(weights > 0, numbers, 1e9), weights)
    assert np.array_equal(large.predict(NEW), small.predict(NEW))


def test_class_weights_are_sample_weights() -> None:
    rare = np.where(TABLE["size"] > 1.3, "yes", "no")
    by_hand = np.where(rare == "yes", 0.5 / np.mean(rare == "yes"), 0.5 / np.mean(rare == "no"))
    expected = QuickClassifier(random_state=0).fit(TABLE, rare, by_hand).predict_proba(TABLE)
    balanced = QuickClassifier(random_state=0, class_weight="balanced").fit(TABLE, rare).predict_proba(TABLE)
    plain = QuickClassifier(random_state=0).fit(TABLE, rare).predict_proba(TABLE)
    assert np.allclose(balanced, expected)
    assert balanced[rare == "yes", 1].mean() > plain[rare == "yes", 1].mean() + 0.05
    doubled = QuickClassifier(random_state=0, class_weight={"yes": 2}).fit(TABLE, rare, np.ones(300))
    by_hand = np.where(rare == "yes", 2.0, 1.0)
    assert np.array_equal(
        doubled.predict_proba(NEW), QuickClassifier(random_state=0).fit(TABLE, rare, by_hand).predict_proba(NEW)
    )


# ---- what ends a fit early


@may_be_poor
def test_a_time_limit_leaves_a_usable_model() -> None:
    class Long(TabularClassifier):
        _hyperparameters = small_hyperparameters(CLASSES, epochs=100_000, schedule="constant")

    with pytest.warns(FitWarning, match=r"ended early: the time limit .* of 200,000 epochs"):
        fit = Long(random_state=0, time_limit=0.5).fit(TABLE, CLASSES_OF_TABLE)
    assert fit.score(NEW, classes_of(NEW)) > 0.85
    with pytest.warns(FitWarning, match="ended early"):
        fit = Long(random_state=0, time_limit=1e-9).fit(TABLE, CLASSES_OF_TABLE)
    assert np.isfinite(fit.predict_proba(NEW)).all()


def test_a_generous_time_limit_changes_no_bit(classifier: TabularClassifier) -> None:
    fit = QuickClassifier(random_state=0, time_limit=1000).fit(TABLE, CLASSES_OF_TABLE)
    assert np.array_equal(fit.predict_proba(NEW), classifier.predict_proba(NEW))


@pytest.mark.parametrize("members", [2, 3])
def test_ctrl_c_leaves_a_usable_model(members: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Long(TabularClassifier):
        _hyperparameters = small_hyperparameters(CLASSES, epochs=100_000, members=members, schedule="constant")

    consider, calls = member.BestEpoch.consider, []

    def interrupted(self: Any, *arguments: Any) -> None:
        consider(self, *arguments)
        calls.append(threading.current_thread())
        if len(calls) == 30:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(member.BestEpoch, "consider", interrupted)
    with pytest.warns(FitWarning, match=f"was interrupted after 2 of {members} networks"):
        fit = Long(random_state=0, n_jobs=2).fit(TABLE, CLASSES_OF_TABLE)
    assert fit.score(NEW, classes_of(NEW)) > 0.85 and len(fit.members_) == 2
    assert threading.main_thread() not in calls


def test_ctrl_c_before_the_training_is_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ensemble, "_show", interrupt)
    monkeypatch.setattr(ensemble.ThreadPoolExecutor, "submit", interrupt)
    fit = QuickClassifier()
    with pytest.raises(KeyboardInterrupt):
        fit.fit(TABLE, CLASSES_OF_TABLE)
    assert not hasattr(fit, "model_")


def test_a_diverging_network_begins_again_with_a_lower_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    rates, train = [], member.train_network

    def failing(network: Any, data: Any, hyperparameters: Any, *rest: Any) -> Any:
        rates.append(hyperparameters.lr)
        if len(rates) == 1:
            raise DivergedError("z2 is not finite. Try a smaller lr.")
        return train(network, data, hyperparameters, *rest)

    monkeypatch.setattr(member, "train_network", failing)
    fit = QuickClassifier(random_state=0, n_jobs=1).fit(TABLE, CLASSES_OF_TABLE)
    assert np.allclose(rates, [0.04, 0.004, 0.04]) and fit.score(TABLE, CLASSES_OF_TABLE) > 0.7


def test_a_network_that_always_diverges_is_an_error() -> None:
    class Diverging(TabularRegressor):
        _hyperparameters = small_hyperparameters(NUMBERS, lr=1e30)

    with pytest.raises(DivergedError, match="Check the columns for extreme values"):
        Diverging(random_state=0).fit(TABLE, NUMBERS_OF_TABLE)


# ---- warnings


def test_a_model_no_better_than_a_constant_is_said() -> None:
    rng = np.random.default_rng(0)
    with pytest.warns(FitWarning, match="not clearly better than a constant .*log-loss"):
        QuickClassifier(random_state=0).fit(rng.normal(size=(200, 3)), rng.integers(0, 2, 200))
    with pytest.warns(FitWarning, match="not clearly better than a constant .*RMSE"):
        QuickRegressor(random_state=0).fit(rng.normal(size=(200, 3)), rng.normal(size=200))


def test_a_column_that_gives_the_target_away_is_said() -> None:
    table = TABLE.assign(copy=np.where(CLASSES_OF_TABLE == "yes", "paid", "open"))
    with pytest.warns(FitWarning, match=r"copy: alone it predicts .* If not: drop=\['copy'\]"):
        fit = QuickClassifier(random_state=0).fit(table, CLASSES_OF_TABLE)
    assert any(note.startswith("copy: alone it predicts") for note in fit.notes_)


# ---- scikit-learn's tools


def test_search_validation_and_pipelines() -> None:
    search = GridSearchCV(QuickClassifier(random_state=0), {"metric": ["auto", "accuracy"]}, cv=2)
    assert search.fit(TABLE, CLASSES_OF_TABLE).best_score_ > 0.8
    assert cross_val_score(QuickRegressor(random_state=0), TABLE, NUMBERS_OF_TABLE, cv=2).mean() > 0.7
    pipeline = make_pipeline(FunctionTransformer(lambda table: table.drop(columns="row")), QuickClassifier())
    assert pipeline.fit(TABLE, CLASSES_OF_TABLE).score(NEW, classes_of(NEW)) > 0.8


def test_importance_and_partial_dependence(classifier: TabularClassifier) -> None:
    importance = permutation_importance(classifier, TABLE, CLASSES_OF_TABLE, n_repeats=2, random_state=0)
    assert importance.importances_mean.argmax() == 0 and importance.importances_mean[4] == 0
    for feature in (["size"], ["colour"]):
        result = partial_dependence(
            classifier, TABLE, feature, categorical_features=["colour"], grid_resolution=5, kind="average"
        )
        assert np.ptp(result["average"]) > 0.1


def test_copies_and_files_of_joblib(classifier: TabularClassifier, tmp_path: Any) -> None:
    assert clone(classifier).get_params() == classifier.get_params()
    joblib.dump(classifier, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    assert np.array_equal(loaded.predict_proba(NEW), classifier.predict_proba(NEW))
    assert loaded.notes_ == classifier.notes_


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "balanced_accuracy", "roc_auc", get_scorer("roc_auc")])
def test_metrics_of_classes(metric: Any) -> None:
    fit = QuickClassifier(random_state=0, metric=metric).fit(TABLE, CLASSES_OF_TABLE)
    assert fit.score(NEW, classes_of(NEW)) > 0.8
    x = fit._inputs(TABLE)
    y = (CLASSES_OF_TABLE == "yes").astype(int)
    for each in fit.members_:
        p = each.network.predict(x[each.holdout].T).T
        expected = get_scorer(metric)._score_func if isinstance(metric, str) and metric != "log_loss" else None
        if metric == "accuracy":
            assert expected is not None and np.isclose(each.score, expected(y[each.holdout], p.argmax(axis=1)))


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2", get_scorer("neg_mean_absolute_error")])
def test_metrics_of_numbers(metric: Any) -> None:
    fit = QuickRegressor(random_state=0, metric=metric).fit(TABLE, NUMBERS_OF_TABLE)
    errors = []
    for each in fit.members_:
        predicted = fit.model_.target.decode(each.network.predict(fit._inputs(TABLE)[each.holdout].T).T)[:, 0]
        errors.append(np.abs(predicted - NUMBERS_OF_TABLE[each.holdout]).mean())
    if metric not in ("rmse", "r2"):
        assert np.allclose([-each.score for each in fit.members_], errors)


def test_the_summary_of_the_training_is_plain_data(classifier: TabularClassifier) -> None:
    assert json.loads(json.dumps(classifier.model_.training)) == classifier.model_.training


@may_be_poor
def test_y_may_be_written_as_numbers_are_in_tables() -> None:
    y = np.linspace(-1e4, 3e5, 60)
    texts = [f"{value:,.2f} €".translate(str.maketrans(",.", ".,")) for value in y]
    X = pd.DataFrame({"a": y * 3 + 1})
    written, plain = (QuickRegressor(random_state=0).fit(X, each) for each in (texts, np.round(y, 2)))
    assert (written.predict(X) == plain.predict(X)).all()
    assert written.notes_[0].startswith("y: decimal comma, thousands separators, currency €")
    with pytest.raises(DataError, match="y holds 'about 5' at row 1, counted from 0; regression needs numbers"):
        QuickRegressor().fit(X, [texts[0], "about 5", *texts[2:]])


@may_be_poor
def test_intervals_and_periods_of_pandas_are_read() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=80)})
    X["part"], X["month"] = pd.cut(X["a"], 4), pd.period_range("2020-01", periods=80, freq="M")
    model = QuickRegressor(random_state=0).fit(X, X["a"])
    kinds = {column.name: column.reading.kind for column in model.model_.preparation.columns}
    assert kinds == {"a": "number", "part": "category", "month": "date"}
