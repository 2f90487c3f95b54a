"""What bad and odd input to the tabular estimators gets: one sentence, or the right handling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.sparse import csr_array

from glassnet import DataError, ParameterError
from glassnet.data.choice import ColumnChooser
from glassnet.data.options import ReadingOptions
from glassnet.data.summary import Summary
from glassnet.data.table import Table
from glassnet.tabular.column_warnings import ColumnWarning

from .quick_tabular import QuickClassifier, QuickRegressor, classes_of, frame, numbers_of

TABLE = frame()
Y, NUMBERS = classes_of(TABLE), numbers_of(TABLE)
may_be_poor = pytest.mark.filterwarnings("ignore::glassnet.estimators.fit_warnings.FitWarning")


@pytest.fixture(scope="module")
def classifier() -> QuickClassifier:
    return QuickClassifier(random_state=0).fit(TABLE, Y)


def with_cell(name: str, row: int, value: Any) -> pd.DataFrame:
    """The table with one other cell."""
    table = TABLE.copy()
    table[name] = table[name].astype(object)
    table.loc[row, name] = value
    return table


# ---- at predict


def test_a_missing_column(classifier: QuickClassifier) -> None:
    with pytest.raises(DataError, match=r"X lacks column 'size', .* Did you mean 'siz'"):
        classifier.predict(TABLE.rename(columns={"size": "siz"}))


def test_a_column_of_another_type(classifier: QuickClassifier) -> None:
    with pytest.raises(DataError, match="X row 8, column 'size': 'large' is not a number"):
        classifier.predict(with_cell("size", 7, "large"))
    with pytest.raises(DataError, match="column 'when'"):
        classifier.predict(TABLE.assign(when=True))


def test_infinite_and_far_values(classifier: QuickClassifier) -> None:
    with pytest.raises(DataError, match="X row 5, column 'size' is infinite"):
        classifier.predict(TABLE.assign(size=np.where(np.arange(300) == 4, -np.inf, 0)))
    assert np.isfinite(classifier.predict_proba(TABLE.assign(size=1e300, when=pd.Timestamp("2200-01-01")))).all()


def test_missing_cells_and_unseen_levels(classifier: QuickClassifier) -> None:
    with pytest.warns(ColumnWarning, match=r"colour: all 300 cells are not in the training data \('pink'\)"):
        unseen = classifier.predict_proba(TABLE.assign(colour="pink"))
    assert np.array_equal(unseen, classifier.predict_proba(TABLE.assign(colour=None))), "both are no level"
    with pytest.warns(ColumnWarning, match="size: 300 of 300 cells are missing, none was in training"):
        missing = classifier.predict_proba(TABLE.assign(size=np.nan))
    assert np.isfinite(missing).all() and np.isfinite(classifier.predict_proba(TABLE.assign(weight=np.nan))).all()


def test_a_few_unseen_levels_are_no_warning(classifier: QuickClassifier) -> None:
    few = np.where(np.arange(300) < 140, "pink", "red")
    assert np.isfinite(classifier.predict_proba(TABLE.assign(colour=few))).all()
    with pytest.warns(ColumnWarning, match="colour: 160 of 300 cells") as caught:
        classifier.predict(TABLE.assign(colour=np.where(np.arange(300) < 160, "pink", "red")))
    assert caught[0].filename == __file__


def test_the_number_of_columns_of_an_array(classifier: QuickClassifier) -> None:
    with pytest.raises(DataError, match="X has 3 features, but QuickClassifier is expecting 5 features as input"):
        classifier.predict(np.zeros((4, 3)))


# ---- X at fit


def test_infinite_values() -> None:
    with pytest.raises(DataError, match="X row 3, column 'size' is infinite"):
        QuickClassifier().fit(TABLE.assign(size=np.where(np.arange(300) == 2, np.inf, TABLE["size"])), Y)
    with pytest.raises(DataError, match="X row 2, column 'x1' is infinite"):
        QuickClassifier().fit(np.array([[1.0, 2], [3, np.inf], [0, 1]]), [0, 1, 0])


def test_mixed_types_are_said() -> None:
    fit = QuickClassifier(random_state=0).fit(with_cell("size", 3, "many"), Y)
    assert any("'many'" in note and note.startswith("size:") for note in fit.notes_)
    assert np.isfinite(fit.predict_proba(TABLE)).all()


def test_duplicate_names() -> None:
    with pytest.raises(DataError, match="X: two columns are named 'size'"):
        QuickClassifier().fit(TABLE.rename(columns={"weight": "size"}), Y)


def test_columns_without_values_are_left_out() -> None:
    fit = QuickClassifier(random_state=0).fit(TABLE.assign(nothing=np.nan, none=None), Y)
    assert sum("it has no values" in note for note in fit.notes_) == 2
    with pytest.raises(DataError, match="no usable column"):
        QuickClassifier().fit(pd.DataFrame({"nothing": [None] * 300}), Y)


@may_be_poor
def test_constant_columns_are_better_than_none() -> None:
    fit = QuickClassifier(random_state=0).fit(np.ones((40, 2)), np.arange(40) % 4 == 0)
    assert np.allclose(fit.predict_proba(np.ones((1, 2)))[0, 1], 0.25, atol=0.1)


def test_the_target_among_the_columns_may_have_the_name_y() -> None:
    table = TABLE.rename(columns={"size": "y"})
    assert "y" in [column.name for column in QuickClassifier(random_state=0).fit(table, Y).model_.preparation.columns]


@may_be_poor
def test_five_thousand_columns() -> None:
    X = np.random.default_rng(0).normal(size=(25, 5000)).astype(np.float32)
    fit = QuickClassifier(random_state=0).fit(X, X[:, 0] > 0)
    assert fit.predict_proba(X).shape == (25, 2) and fit.model_.preparation.width == 5000


@may_be_poor
def test_ten_thousand_categories() -> None:
    levels = np.repeat([f"k{number}" for number in range(10_000)], 4).astype(object)
    levels[::2] = "common"
    table = pd.DataFrame({"key": levels, "x": np.arange(40_000) % 7})
    fit = QuickClassifier(random_state=0).fit(table, levels == "common")
    assert any(note.startswith("key: more than 2,000 levels") for note in fit.notes_)
    assert fit.predict(pd.DataFrame({"key": ["common", "k7", "new"], "x": [1, 2, 3]})).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("X", "sentence"),
    [
        (csr_array(np.eye(4)), "X is sparse"),
        (np.ones(4), "Expected 2D array, got 1D array"),
        (np.ones((4, 2, 2)), "dim 3"),
        (np.ones((4, 2), complex), "Complex data not supported"),
        (np.ones((4, 0)), r"0 feature\(s\)"),
        (np.ones((0, 2)), r"0 sample\(s\)"),
        (TABLE[:0], "X has no rows"),
        (TABLE[:4][[]], "X has no"),
        (np.ones((1, 2)), "X has 1 sample; at least 2 are needed"),
    ],
)
def test_what_is_no_table(X: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        QuickClassifier().fit(X, [0, 1, 0, 1])


def test_record_batches_and_rows_as_dicts_are_tables(classifier: QuickClassifier) -> None:
    expected = classifier.predict_proba(TABLE)
    assert np.array_equal(classifier.predict_proba(pa.RecordBatch.from_pandas(TABLE)), expected)
    assert np.array_equal(classifier.predict_proba(TABLE.to_dict("records")), expected)
    with pytest.raises(DataError, match="keys are no text"):
        classifier.predict([{1: 2}, {1: 3}])


def column_notes(table: pd.DataFrame, **options: Any) -> list[str]:
    """What is said of each column."""
    columns = Table.from_frame(table)
    chooser = ColumnChooser(Summary.of(columns), ReadingOptions(**options), columns)
    return [chooser.choose(name).note for name in columns.names]


def test_a_far_number_that_repeats_is_asked_about() -> None:
    ages = np.arange(500) % 70 + 18
    table = pd.DataFrame({"age": np.where(np.arange(500) % 40 == 0, -999, ages)})
    assert column_notes(table) == [
        "age: holds -999 13 times, far from all other numbers; --missing '-999' if it means missing"
    ]
    assert column_notes(table, missing=("-999",)) == [""]
    assert column_notes(pd.DataFrame({"age": ages, "skew": np.exp(ages / 9), "zero": ages * (ages > 50)})) == [""] * 3


def test_identifiers_that_repeat_are_asked_about() -> None:
    rows = np.random.default_rng(0).integers(0, 100, 500)
    table = pd.DataFrame({"customer": [f"K{row:05}" for row in rows], "customer_id": rows + 7000, "price": rows + 7000})
    by_name = "looks like an identifier that repeats"
    notes = column_notes(table)
    assert f"customer: {by_name}" in notes[0] and "--drop customer if it is one" in notes[0]
    assert f"customer_id: {by_name}" in notes[1] and notes[2] == ""
    assert column_notes(table, keep=("customer", "customer_id")) == [""] * 3


# ---- y


def test_intervals_are_classes_by_their_text() -> None:
    bins = pd.cut(TABLE["size"], [-9, 0, 9])
    assert QuickClassifier(random_state=0).fit(TABLE, bins).classes_.tolist() == ["(-9, 0]", "(0, 9]"]


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        ([None, *Y[1:]], r"y is missing \(NaN\) at row 0, counted from 0 \(1 in total\)"),
        (pd.array([*Y[:-1], pd.NA], "string"), "y is missing"),
        (np.where(np.arange(300) < 298, 1.0, np.nan), r"y is missing .* row 298.* \(2 in total\)"),
        (["yes"] * 300, "single class"),
        (["yes", 1] * 150, r"y mixes text and other values \(int, str\)"),
        (NUMBERS, "Unknown label type: continuous"),
        (Y[:-1], "inconsistent numbers of samples"),
        (np.stack([Y, Y], axis=1), "1d array"),
        (None, "y"),
    ],
)
def test_targets_that_are_no_classes(y: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        QuickClassifier().fit(TABLE, y)


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (np.where(np.arange(300) == 7, np.nan, NUMBERS), r"y is missing \(NaN\) at row 7"),
        (np.where(np.arange(300) == 7, np.inf, NUMBERS), "y is infinite at row 7"),
        (Y, "y holds '(yes|no)' at row 0, counted from 0; regression needs numbers"),
        (TABLE["when"], "y holds dates or times; convert them to numbers, such as days"),
        (TABLE["when"].dt.date.tolist(), "y holds dates or times"),
        (np.ones(300), "single value"),
        (NUMBERS + 1j, "Complex data not supported"),
        (NUMBERS[:-1], "inconsistent numbers of samples"),
    ],
)
def test_targets_that_are_no_numbers(y: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        QuickRegressor().fit(TABLE, y)


@may_be_poor
@pytest.mark.parametrize("members", [1, 2])
def test_a_class_seen_once_is_known(members: int) -> None:
    y = np.array([*Y[:-1], "maybe"])
    fit = QuickClassifier(random_state=0)
    fit._hyperparameters = fit._hyperparameters._replace(members=members)
    assert list(fit.fit(TABLE, y).classes_) == ["maybe", "no", "yes"]
    trained_on = [np.setdiff1d(np.arange(300), each.holdout) for each in fit.members_]
    assert any(299 in rows for rows in trained_on)


@may_be_poor
def test_two_rows_are_enough() -> None:
    assert set(QuickClassifier().fit(TABLE[:2], ["a", "b"]).predict(TABLE[:2])) <= {"a", "b"}
    assert np.isfinite(QuickRegressor().fit(TABLE[:2], [1, 2]).predict(TABLE[:2])).all()


# ---- parameters


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"metric": "acuracy"}, "metric 'acuracy' is unknown. Did you mean 'accuracy'"),
        ({"metric": 3}, "The 'metric' parameter"),
        ({"time_limit": 0}, "The 'time_limit' parameter"),
        ({"n_jobs": 0}, "The 'n_jobs' parameter"),
        ({"random_state": "a"}, "The 'random_state' parameter"),
        ({"class_weight": "blanced"}, "The 'class_weight' parameter"),
        ({"class_weight": {"perhaps": 2}}, "class_weight"),
        ({"drop": ["sise"]}, "X has no column 'sise'. Did you mean 'size'"),
        ({"drop": ["size"], "number": ["size"]}, "column 'size' is both"),
        ({"number": ["colour"]}, "column 'colour' has no numbers; it cannot be number"),
    ],
)
def test_parameters_that_cannot_be_used(parameters: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        QuickClassifier(**parameters).fit(TABLE, Y)


def test_presets_are_checked() -> None:
    fit = QuickClassifier(preset="defalt")
    fit._hyperparameters = None
    with pytest.raises(ParameterError, match=r"preset 'defalt' is unknown\. Did you mean 'default'"):
        fit.fit(TABLE, Y)


@pytest.mark.parametrize("weights", [-np.ones(300), np.zeros(300), np.full(300, np.nan), np.ones(4)])
def test_weights_that_cannot_be_used(weights: Any) -> None:
    with pytest.raises(ValueError, match="weight"):
        QuickClassifier().fit(TABLE, Y, weights)


def test_a_refused_fit_leaves_the_estimator_as_it_was(classifier: QuickClassifier) -> None:
    before = classifier.predict_proba(TABLE)
    with pytest.raises(DataError):
        classifier.fit(TABLE[["colour"]], [1, None] * 150)
    assert np.array_equal(classifier.predict_proba(TABLE), before)
