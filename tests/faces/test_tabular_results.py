"""What people need round a tabular model: intervals, quantiles, calibration, a linear path and a report."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss

from glassnet import TabularRegressor
from glassnet.errors import DataError, ParameterError
from glassnet.estimators.fit_warnings import FitWarning
from glassnet.tabular.report import Report

from .quick_tabular import QuickClassifier, QuickRegressor


def prices(rows: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """A linear price with noise that grows with the size, and a column of no use."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"size": rng.uniform(0, 1, rows), "noise": rng.normal(size=rows)})
    frame["town"] = rng.choice(["Bonn", "Celle"], rows)
    level = 3 * frame["size"] + (frame["town"] == "Bonn")
    return frame, (level + (0.05 + frame["size"]) * rng.normal(size=rows)).to_numpy()


@pytest.fixture(scope="module")
def regressor() -> TabularRegressor:
    return QuickRegressor(random_state=0).fit(*prices(800))


@pytest.fixture(scope="module")
def classifier() -> QuickClassifier:
    frame, y = prices(800)
    return QuickClassifier(random_state=0).fit(frame, np.where(y > 2, "dear", "cheap"))


# ---- intervals


def test_intervals_cover_what_was_asked_and_know_where_it_is_difficult(regressor: TabularRegressor) -> None:
    frame, y = prices(3000, 1)
    for coverage in (0.5, 0.9):
        low, high = regressor.predict_interval(frame, coverage).T
        assert np.mean((low <= y) & (y <= high)) == pytest.approx(coverage, abs=0.05)
    width = high - low
    assert width[frame["size"] > 0.8].mean() > 2 * width[frame["size"] < 0.2].mean()


def test_quantiles_rise(regressor: TabularRegressor) -> None:
    frame, y = prices(2000, 1)
    quantiles = regressor.predict_quantiles(frame, [0.1, 0.5, 0.9])
    assert quantiles.shape == (2000, 3) and (np.diff(quantiles, axis=1) > 0).all()
    np.testing.assert_allclose((y[:, None] <= quantiles).mean(axis=0), [0.1, 0.5, 0.9], atol=0.07)


def test_several_outputs_have_intervals_in_their_own_units() -> None:
    frame, y = prices(300)
    fit = QuickRegressor(random_state=0).fit(frame, np.column_stack([y, 1000 * y + 5e4]))
    bounds = fit.predict_interval(frame[:5])
    assert bounds.shape == (5, 2, 2)
    width = np.diff(bounds, axis=2)[..., 0]
    assert (width[:, 1] > 300 * width[:, 0]).all() and (bounds[:, 1] > 4e4).all()
    assert fit.predict_quantiles(frame[:5], [0.5]).shape == (5, 2, 1)


def test_coverage_beyond_the_rows_is_refused(regressor: TabularRegressor) -> None:
    frame, _ = prices(5)
    with pytest.raises(ParameterError, match=r"needs 1,999 rows .* there are 800"):
        regressor.predict_interval(frame, 0.999)
    with pytest.raises(ParameterError, match="above 0 and below 1"):
        regressor.predict_interval(frame, 90)


# ---- linear path and calibration


def test_a_linear_table_is_not_lost_to_a_linear_model() -> None:
    rng = np.random.default_rng(0)
    x, new = rng.normal(size=(120, 6)), rng.normal(size=(2000, 6))
    truth = np.array([1.0, -2, 0.5, 0, 0, 3])
    y = x @ truth + rng.normal(size=120)
    linear = Ridge().fit(x, y)
    errors = [
        np.mean((model.predict(new) - new @ truth) ** 2) for model in (QuickRegressor(random_state=0).fit(x, y), linear)
    ]
    assert errors[0] < errors[1] + 0.02
    labels = (y > 0).astype(int)
    fit, peer = QuickClassifier(random_state=0).fit(x, labels), LogisticRegression().fit(x, labels)
    noisy = (new @ truth + rng.normal(size=2000) > 0).astype(int)
    losses = [log_loss(noisy, model.predict_proba(new)) for model in (fit, peer)]
    assert losses[0] < losses[1] + 0.03


def test_probabilities_are_those_of_the_calibrated_average(classifier: QuickClassifier) -> None:
    frame, _ = prices(50, 1)
    model = classifier.model_
    x = model.inputs(_table(frame))
    mean = np.mean([member.network.predict(x.T).T for member in model.members], axis=0, dtype=np.float64)
    assert model.calibration is not None and model.calibration.temperature != 1
    expected = model.calibration.soften(mean)
    if model.linear is not None:
        expected = (1 - model.linear.weight) * expected + model.linear.weight * model.linear.outputs(x)
    np.testing.assert_allclose(classifier.predict_proba(frame), expected, rtol=1e-6)


def test_holdout_predictions_are_not_those_of_the_epoch_they_chose(regressor: TabularRegressor) -> None:
    """On 400 rows a half is predicted with the best epoch of the other half: worse than with its own, if anything."""
    worse = 0
    frame, y = prices(800)
    x, target = regressor.model_.inputs(_table(frame)), regressor.model_.target.encode(y)
    for member in regressor.members_:
        rows = member.holdout
        chosen = member.network.predict(x[rows].T).T
        losses = [np.mean((outputs - target[rows]) ** 2) for outputs in (member.holdout_outputs, chosen)]
        assert losses[0] == pytest.approx(losses[1], rel=0.5)
        worse += losses[0] >= losses[1]
    assert worse == len(regressor.members_)


def _table(frame: pd.DataFrame):  # type: ignore[no-untyped-def]
    from glassnet.data.table import Table

    return Table.from_frame(frame)


# ---- report


def test_the_report_measures_on_rows_that_were_left_out(regressor: TabularRegressor) -> None:
    report, (frame, y) = regressor.report_, prices(800)
    rmse = report.scores["the model"]["RMSE"]
    new, truth = prices(4000, 1)
    fresh = np.sqrt(np.mean((regressor.predict(new) - truth) ** 2))
    assert rmse == pytest.approx(fresh, rel=0.15)
    assert report.scores["a constant"]["RMSE"] == pytest.approx(y.std())
    low, high = report.spread["RMSE"]
    assert low <= high and low < 1.5 * rmse
    assert report.scores["a linear model"]["RMSE"] == pytest.approx(rmse, rel=0.2)
    assert "all 800 fitted rows" in str(report) and str(frame.shape[1]) in report.title


def test_the_report_says_that_nothing_was_learnt() -> None:
    rng = np.random.default_rng(0)
    with pytest.warns(FitWarning, match="not clearly better than a constant"):
        fit = QuickClassifier(random_state=0).fit(rng.normal(size=(200, 3)), rng.integers(0, 2, 200))
    assert "not clearly better than a constant" in str(fit.report_)
    assert str(fit.report_).index("Warning") < str(fit.report_).index("Measured on")


def test_the_report_counts_classes_copies_and_their_other_targets(classifier: QuickClassifier) -> None:
    frame, y = prices(200)
    labels = np.where(y > 2, "dear", "cheap")
    other = np.where(labels == "dear", "cheap", "dear")
    again = pd.concat([frame, frame[:7], frame[:3]], ignore_index=True)
    report = QuickClassifier(random_state=0).fit(again, np.concatenate([labels, labels[:7], other[:3]])).report_
    assert "10 rows have the same cells as an earlier row, 3 of them with another target" in str(report)
    assert "copies were left out of training together" in " ".join(str(report).split())
    assert "Copies" not in str(classifier.report_)
    share = np.mean(prices(800)[1] > 2)
    assert f"dear {share:.1%}" in str(classifier.report_)


def test_copies_of_rows_do_not_make_scores_and_leaks() -> None:
    rng = np.random.default_rng(0)
    X = pd.concat([pd.DataFrame(rng.normal(size=(120, 3)), columns=list("abc"))] * 6, ignore_index=True)
    with pytest.warns(FitWarning) as caught:
        fit = QuickRegressor(random_state=0).fit(X, np.tile(rng.normal(size=120), 6))
    assert fit.report_.scores["the model"]["R²"] < 0.1
    assert [text for text in map(str, (one.message for one in caught)) if "alone it predicts" in text] == []
    for member in fit.members_:
        assert (np.bincount(member.holdout % 120) % 6 == 0).all()


def test_numbers_that_are_equal_as_float32_are_no_copies() -> None:
    x = pd.DataFrame({"x": 1 + np.arange(100) * 1e-9})
    y = np.random.default_rng(0).normal(size=100) + np.arange(100) / 20
    report = QuickRegressor(random_state=0).fit(x, y).report_
    assert "Copies" not in str(report)


@pytest.mark.filterwarnings("ignore:The number of unique classes")
@pytest.mark.filterwarnings("ignore:The model is not clearly better")
def test_classes_of_single_rows_are_hardly_classes(classifier: QuickClassifier) -> None:
    frame, y = prices(120)
    texts = [f"{value:.2f} €" for value in y]
    count = len(set(texts))
    with pytest.warns(FitWarning, match=f"has {count} classes in 120 rows.*TabularRegressor"):
        fit = QuickClassifier(random_state=0).fit(frame, texts)
    text = " ".join(str(fit.report_).split())
    assert "not those of the model" in text and text.index("Warning") < text.index("Measured on")
    assert "classes in" not in str(classifier.report_)


def test_the_report_names_the_column_that_drifts(regressor: TabularRegressor) -> None:
    frame, y = prices(400)
    assert "Drift" not in str(regressor.report_)
    frame["size"] = np.sort(frame["size"])
    drifting = dict(QuickRegressor(random_state=0).fit(frame, y).report_.findings)["Drift"]
    assert "size (1.00)" in drifting and "noise" not in drifting and "target" not in drifting
    with pytest.warns(FitWarning, match="not clearly better"):
        fit = QuickRegressor(random_state=0).fit(frame[["noise", "town"]], np.sort(y))
    ordered = dict(fit.report_.findings)["Drift"]
    assert "the target (1.00)," in ordered and "noise" not in ordered


def test_the_report_asks_about_leaks_and_says_what_was_left_out() -> None:
    frame, y = prices(300)
    frame["id"], frame["copy of y"] = np.arange(300), 2 * y
    with pytest.warns(FitWarning, match="copy of y"):
        report = QuickRegressor(random_state=0).fit(frame, y).report_
    assert "1 left out" in report.title
    notes = [sentence for label, sentence in report.findings if label == "Column"]
    assert any("id" in note and "counts the rows" in note for note in notes)
    assert any("copy of y" in note and "alone it predicts the target" in note for note in notes)


def test_the_report_is_plain_data_and_safe_html(classifier: QuickClassifier) -> None:
    report = classifier.report_
    document = json.loads(json.dumps(report.to_json()))
    assert Report.from_json(document) == report
    for damage in ({"title": 3}, {"scores": {"a": {"x": "1"}}}, {"findings": [["a"]]}, {"spread": {"RMSE": [1, 2]}}):
        with pytest.raises((ValueError, TypeError, AttributeError)):
            Report.from_json(document | damage)
    frame, y = prices(100)
    html = QuickRegressor(random_state=0).fit(frame.assign(**{"<b>id</b>": np.arange(100)}), y).report_._repr_html_()
    assert "&lt;b&gt;id" in html and "<b>id</b>" not in html


def test_a_model_without_a_report_says_so(regressor: TabularRegressor) -> None:
    fit = QuickRegressor(random_state=0).fit(*prices(60))
    fit.model_.training.pop("report")
    with pytest.raises(DataError, match="has no report"):
        _ = fit.report_


def test_a_damaged_report_is_a_sentence() -> None:
    frame, y = prices(60)
    fit = QuickRegressor(random_state=0).fit(frame, y)
    fit.model_.training["report"] = {"title": 3}
    with pytest.raises(DataError, match="report in the model's file is damaged"):
        _ = fit.report_


def test_the_report_on_a_learnt_logarithm_is_of_the_values_themselves() -> None:
    """What corrects predictions of logarithms may not change the values that they are compared with."""
    frame, y = prices(300)
    values = np.exp(y)
    fit = QuickRegressor(random_state=0, log_target=True).fit(frame, values)
    assert abs(fit.model_.target.smearing[0] - 1) > 1e-3
    assert fit.report_.scores["a constant"]["RMSE"] == pytest.approx(values.std(), rel=1e-5)


# ---- weights, importance, effects


def test_weights_count_in_the_report() -> None:
    frame, y = prices(300)
    weights = np.where(frame["size"] < 0.3, 5.0, 0.1)
    fits = [QuickRegressor(random_state=0).fit(frame, y, each) for each in (weights, None)]
    heavy, plain = (fit.report_.scores["the model"]["RMSE"] for fit in fits)
    assert heavy < 0.8 * plain
    assert "rows count by their weights" in dict(fits[0].report_.findings)["Measured on"]


@pytest.mark.filterwarnings("ignore::glassnet.estimators.fit_warnings.FitWarning")
def test_the_report_says_that_probabilities_are_those_of_weighted_classes(classifier: QuickClassifier) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=300)})
    with pytest.warns(FitWarning, match="which count by their weights, against 0.6931"):
        fit = QuickClassifier(random_state=0, class_weight="balanced").fit(frame, rng.random(300) < 0.1)
    found = dict(fit.report_.findings)
    assert "those of the weighted rows" in found["Calibration"]
    assert fit.report_.scores["a constant"]["log-loss"] == pytest.approx(np.log(2))
    assert f"log-loss {fit.report_.scores['the model']['log-loss']:.4g} " in found["Warning"]
    assert "weighted" not in dict(classifier.report_.findings)["Calibration"]


def test_importance_and_partial_dependence_by_scikit_learn(regressor: TabularRegressor) -> None:
    frame, y = prices(300, 1)
    importance = permutation_importance(regressor, frame, y, n_repeats=3, random_state=0).importances_mean
    by_column = dict(zip(frame.columns, importance, strict=True))
    assert by_column["size"] > by_column["town"] > 5 * abs(by_column["noise"])
    curve = partial_dependence(regressor, frame, ["size"], grid_resolution=5)
    slope = np.diff(curve["average"][0]) / np.diff(curve["grid_values"][0])
    np.testing.assert_allclose(slope, 3, atol=0.8)
    towns = partial_dependence(regressor, frame, ["town"], categorical_features=["town"])
    assert np.ptp(towns["average"][0]) == pytest.approx(1, abs=0.3)


def test_the_same_bits_with_any_number_of_threads() -> None:
    frame, y = prices(300)
    one, two = (QuickRegressor(random_state=0, n_jobs=jobs).fit(frame, y) for jobs in (1, 2))
    np.testing.assert_array_equal(one.predict_interval(frame), two.predict_interval(frame))
    assert one.report_ == two.report_
