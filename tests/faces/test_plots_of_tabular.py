"""Pictures of the tabular estimators: from Python as the command line draws them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import glassnet
from glassnet import TabularClassifier, TabularRegressor
from glassnet.errors import DataError, ParameterTypeError
from glassnet.plots.calibration import draw_calibration
from glassnet.plots.figure import distinct_names

RNG = np.random.default_rng(0)
X = pd.DataFrame({"useful": RNG.normal(size=160), "place": RNG.choice(["a", "b"], 160), "noise": RNG.normal(size=160)})
CLASSES = np.where(X["useful"] + 0.3 * RNG.normal(size=160) > 0, "yes", "no")
NUMBERS = 3 * X["useful"] + 1.5 * RNG.normal(size=160)


@pytest.fixture(scope="module")
def classifier() -> Any:
    return TabularClassifier(preset="fast", random_state=0).fit(X[:120], CLASSES[:120])


@pytest.fixture(scope="module")
def regressor() -> Any:
    return TabularRegressor(preset="fast", random_state=0).fit(X[:120], NUMBERS[:120])


def axes() -> Axes:
    return Figure().add_subplot()


def test_the_training_of_each_network_is_drawn(classifier: Any, tmp_path: Path) -> None:
    ax = glassnet.plot_training(classifier, axes())
    curves = [line for line in ax.lines if len(line.get_xdata()) > 1]
    assert len(curves) == len(classifier.members_) and "log-loss" in ax.get_ylabel()
    for line, member in zip(curves, classifier.members_, strict=True):
        assert np.asarray(line.get_ydata())[member.best_epoch - 1] == -member.score  # the score is a log-loss
    classifier.save(tmp_path / "m")
    with pytest.raises(DataError, match="no record of its epochs"):
        glassnet.plot_training(glassnet.load(tmp_path / "m"))


def test_a_confusion_matrix_counts_the_predictions(classifier: Any, regressor: Any) -> None:
    ax = glassnet.plot_confusion(classifier, X[120:], CLASSES[120:], ax=axes())
    assert [label.get_text() for label in ax.get_yticklabels()] == ["no", "yes"]
    predicted = classifier.predict(X[120:])
    for text in ax.texts:
        column, line = (int(number) for number in text.get_position())
        both = (CLASSES[120:] == classifier.classes_[line]) & (predicted == classifier.classes_[column])
        assert int(text.get_text()) == both.sum() > 0
    with pytest.raises(DataError, match="'maybe', which the estimator was not fitted with"):
        glassnet.plot_confusion(classifier, X[:2], ["no", "maybe"])
    with pytest.raises(DataError, match="X has 3 rows, but y has 2"):
        glassnet.plot_confusion(classifier, X[:3], ["no", "yes"])
    with pytest.raises(DataError, match="plot_residuals"):
        glassnet.plot_confusion(regressor, X, NUMBERS)


def test_calibration_and_residuals_are_those_of_the_rows(classifier: Any, regressor: Any) -> None:
    upper, lower = glassnet.plot_calibration(classifier, X[120:], CLASSES[120:]).axes
    assert upper.get_title() == "Calibration: y = yes"
    assert sum(patch.get_height() for patch in lower.patches) == 40
    left, _ = glassnet.plot_residuals(regressor, X[120:], NUMBERS[120:]).axes
    assert set(np.asarray(left.lines[0].get_xdata())) <= set(regressor.predict(X[120:]))
    with pytest.raises(ParameterTypeError, match="predicts classes"):
        glassnet.plot_residuals(classifier, X, CLASSES)


def test_the_column_that_says_something_is_the_most_important(classifier: Any, regressor: Any) -> None:
    for model, y in ((classifier, CLASSES), (regressor, NUMBERS)):
        ax = glassnet.plot_importance(model, X[120:], y[120:], axes())
        assert ax.get_yticklabels()[-1].get_text() == "useful"  # on top
        lengths = [bar.get_width() for bar in ax.patches]
        assert lengths[-1] > 5 * max(map(abs, lengths[:-1]))


def test_pictures_of_one_network_name_those_of_the_whole_model(classifier: Any) -> None:
    with pytest.raises(ParameterTypeError, match=r"model.members_\[0\].network"):
        glassnet.plot_weights(classifier)


def test_low_and_high_probabilities_are_not_one_point_of_a_reliability_curve() -> None:
    probabilities = np.array([0.001] * 287 + [0.999] * 13)
    upper, _ = draw_calibration(probabilities, probabilities > 0.5).axes
    points = np.asarray(upper.lines[1].get_xdata())
    assert points.min() < 0.01 and points.max() > 0.99 and not ((points > 0.01) & (points < 0.99)).any()
    assert [text.get_text() for text in upper.texts] == ["287", "13"]


def test_a_reliability_curve_says_that_classes_are_weighted(classifier: Any) -> None:
    weighted = TabularClassifier(preset="fast", class_weight="balanced", random_state=0).fit(X[:120], CLASSES[:120])
    for model, is_said in ((classifier, False), (weighted, True)):
        _, lower = glassnet.plot_calibration(model, X[120:], CLASSES[120:]).axes
        assert ("classes are weighted" in " ".join(lower.get_xlabel().split())) == is_said


@pytest.mark.parametrize(
    "names",
    [
        [f"Erkrankung Nr {number:02d} des Bewegungsapparates" for number in range(26)],
        [f"{40 * 'a'}{number}{40 * 'b'}" for number in range(26)],
        [f"{40 * 'a'}{first}{40 * 'b'}{second}{40 * 'a'}" for first in "xy" for second in "xy"],
    ],
)
def test_shortened_names_stay_different(names: list[str]) -> None:
    short = distinct_names(names, 28)
    assert len(set(short)) == len(names) and max(map(len, short)) <= 28
