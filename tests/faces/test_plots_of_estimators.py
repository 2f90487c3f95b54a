"""Pictures take a fitted estimator as they take a network, and refuse in a sentence what they cannot use."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.neural_network
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import glassnet
from glassnet import MLPClassifier, MLPRegressor
from glassnet.errors import DataError, ParameterTypeError
from glassnet.estimators.loss_curve import curve_html

X, NUMBERS = load_iris(return_X_y=True)
SPECIES = np.array(["setosa", "versicolor", "virginica"])[NUMBERS]


def fitted(estimator: Any, x: Any, y: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few epochs
        return estimator.fit(x, y)


@pytest.fixture(scope="module")
def model() -> Any:
    options = {"early_stopping": True, "n_iter_no_change": 60, "random_state": 0}
    return fitted(MLPClassifier((6,), learning_rate_init=0.01, max_iter=60, **options), X, SPECIES)


def axes() -> Axes:
    return Figure().add_subplot()


def test_a_confusion_matrix_of_an_estimator_has_its_classes_and_rows(model: Any) -> None:
    ax = glassnet.plot_confusion(model, X, SPECIES, ax=axes())
    assert [label.get_text() for label in ax.get_yticklabels()] == model.classes_.tolist()
    predicted = model.predict(X)
    for text in ax.texts:
        column, line = (int(number) for number in text.get_position())
        both = (model.classes_[line] == SPECIES) & (predicted == model.classes_[column])
        assert int(text.get_text()) == both.sum() > 0
    two = fitted(MLPClassifier((3,), max_iter=20, random_state=0), X, NUMBERS > 0)
    ax = glassnet.plot_confusion(two, X, NUMBERS > 0, ["no", "yes"], axes())
    assert ax.get_title() == f"{two.score(X, NUMBERS > 0):.2%} of 150 correct"


def test_weights_network_and_layers_of_an_estimator(model: Any) -> None:
    drawn = np.asarray(glassnet.plot_weights(model, ax=axes()).images[0].get_array())
    assert (drawn == model.coefs_[0].T).all()
    assert len(glassnet.plot_network(model, X, SPECIES, axes()).texts) == 3
    assert len(glassnet.plot_layers(model, ax=axes()).get_yticks()) == 2
    assert glassnet.plot_saturation(model, axes()).get_ylabel() == "fraction"


def test_the_curve_of_a_regressor_is_its_prediction() -> None:
    x = np.linspace(0, 1, 50)[:, np.newaxis]
    model = fitted(MLPRegressor(hidden_layer_sizes=(5,), max_iter=20, random_state=0), x, x[:, 0] ** 2)
    line = glassnet.plot_predictions(model, x, x[:, 0] ** 2, axes()).lines[1]
    np.testing.assert_allclose(line.get_ydata(), model.predict(np.asarray(line.get_xdata())[:, np.newaxis]), rtol=1e-6)


def test_the_training_curve_says_what_was_best(model: Any) -> None:
    ax = glassnet.plot_training(model, axes())
    assert (ax.lines[0].get_ydata() == model.loss_curve_).all()
    best = 1 + int(np.argmax(model.validation_scores_))
    assert ax.texts[0].get_text().startswith(f"best validation score\nepoch {best}, cost ")
    history = glassnet.History([glassnet.Report(1, 1, 1.0, 0.1, 1.0)])
    history.best_epoch = 1
    assert glassnet.plot_training(history, axes()).texts[0].get_text().startswith("best validation cost\n")


def test_the_loss_curve_of_a_page_has_the_colours_of_the_page(model: Any) -> None:
    html = curve_html(model)
    assert "currentColor" in html and not any(colour in html for colour in ("#ffffff", "#666666", "white"))
    assert "#000000" not in html


def test_what_cannot_be_drawn_is_refused_in_a_sentence(model: Any) -> None:
    history, ax = glassnet.History([glassnet.Report(1, 1, 1.0, 0.1)]), axes()
    network = glassnet.NeuralNetwork([4, 3], ["softmax"], "categorical_cross_entropy")
    theirs = fitted(sklearn.neural_network.MLPClassifier((3,), max_iter=2), X, SPECIES)
    cases: list[tuple[Callable[[], Any], str]] = [
        (lambda: glassnet.plot_layers(history, ax), r"^quantity is an Axes; pass it by its name, ax=\.\.\.$"),  # type: ignore[arg-type]
        (lambda: glassnet.plot_weights(network, ax), "^layer is an Axes"),  # type: ignore[arg-type]
        (lambda: glassnet.plot_confusion(network, X.T, NUMBERS, ax), "^names is an Axes"),  # type: ignore[arg-type]
        (lambda: glassnet.plot_network(network, ax), "^x is an Axes"),
        (lambda: glassnet.plot_samples(np.zeros((1, 2, 2)), [0], [0], ax), "^names is an Axes"),  # type: ignore[arg-type]
        (lambda: glassnet.plot_training(history, Figure()), r"^ax is a Figure; pass one of"),  # type: ignore[arg-type]
        (
            lambda: glassnet.plot_weights(make_pipeline(StandardScaler(), model)),
            r"pass its last step, model\[-1\]",
        ),
        (lambda: glassnet.plot_confusion(theirs, X, SPECIES), r"MLPClassifier\.from_sklearn\(model\)\.$"),
        (lambda: glassnet.plot_confusion(X, X, NUMBERS), "^network is a ndarray; pass a NeuralNetwork or"),
    ]
    for plot, message in cases:
        with pytest.raises(ParameterTypeError, match=message):
            plot()
    with pytest.raises(DataError, match="is not fitted yet; call fit first"):
        glassnet.plot_weights(MLPClassifier())
    with pytest.raises(DataError, match=r"X has 150 rows, but y has the shape \(3,\)"):
        glassnet.plot_confusion(model, X, SPECIES[:3])


def test_an_empty_figure_of_pyplot_is_used_and_may_be_tightened(model: Any, tmp_path: Path) -> None:
    plt.close("all")
    figure = plt.figure(figsize=(4, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = glassnet.plot_confusion(model, X, SPECIES)
        plt.tight_layout()
        figure.savefig(tmp_path / "matrix.png")
    assert ax.figure is figure and plt.get_fignums() == [figure.number] and figure.get_size_inches().tolist() == [4, 3]
    assert glassnet.plot_weights(model).figure is not figure  # which has a picture now
    plt.close("all")
