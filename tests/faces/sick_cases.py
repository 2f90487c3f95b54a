"""Trainings that go wrong as they do in practice: each returns the findings that come first, in every way of asking.

SICK are mistakes that were once explained wrongly or not at all; REPORTED are rebuilt from what people reported in
public threads, whose addresses stand beside them. All of them are small enough to run in a second.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.preprocessing import scale

from glassnet import BatchNorm, Dropout, MLPClassifier, MLPRegressor, NeuralNetwork
from glassnet.errors import DivergedError, ParameterError
from glassnet.estimators.fit_warnings import FitWarning

Array = np.ndarray[Any, Any]
Firsts = list[str]  # the first finding by x and y, by the run alone, and of a fit's warnings; or why it was refused
CLASSES = "categorical_cross_entropy"
XOR = np.array([[0.0, 0, 1, 1], [0, 1, 0, 1]]), np.array([[0.0, 1, 1, 0]])


def of_network(net: NeuralNetwork, x: Any, y: Any, **options: Any) -> Firsts:
    """Train, also to a divergence, and diagnose in both ways."""
    with contextlib.suppress(DivergedError):
        net.train(x, y, **{"batch_size": 16, "epochs": 40, "lr": 0.01, **options})
    return [next(iter(diagnosis.names), "nothing") for diagnosis in (net.diagnose(x, y), net.diagnose())]


def of_fit(estimator: Any, X: Any, y: Any) -> Firsts:
    """Fit, and diagnose in both ways; then what the fit itself warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X, y)
    found = [one.message.finding for one in caught if isinstance(one.message, FitWarning) and one.message.finding]
    diagnoses = estimator.diagnose(X, y), estimator.diagnose()
    return [next(iter(each.names), "nothing") for each in diagnoses] + [found[0].name if found else "no warning"]


def refusal(make: Callable[[], Any]) -> Firsts:
    """The error of a network or a fit that is refused."""
    try:
        make()
    except ParameterError as error:
        return [str(error)]
    return ["it was accepted"]


def iris() -> tuple[Array, Array]:
    X, y = datasets.load_iris(return_X_y=True)
    return scale(X), y


def diabetes() -> tuple[Array, Array]:
    X, y = datasets.load_diabetes(return_X_y=True)
    return scale(X), scale(y)


def circle(seed: int, rows: int = 300) -> tuple[Array, Array]:
    X = np.random.default_rng(seed).standard_normal((rows, 2))
    return X, (np.square(X).sum(axis=1) < 1.2).astype(float)


def classifier(layers: list[Any], seed: int, *activations: str, **options: Any) -> NeuralNetwork:
    return NeuralNetwork(layers, [*activations, "softmax"], cost=CLASSES, seed=seed, **options)


def dead_output(seed: int) -> Firsts:
    X, y = diabetes()
    net = NeuralNetwork([10, 16, 1], ["relu", "relu"], seed=seed)
    net.biases[1][:] = -8
    return of_network(net, X.T, np.abs(y)[np.newaxis])


def shuffled_rows(seed: int) -> Firsts:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((8, 500)), rng.integers(0, 3, 500)
    return of_network(classifier([8, 16, 3], seed, "relu"), x, y, lr=0.02)


def validation_of_another_kind(seed: int) -> Firsts:
    rng = np.random.default_rng(seed)
    x, other = rng.standard_normal((4, 300)), rng.standard_normal((4, 100))
    net = NeuralNetwork([4, 16, 1], ["tanh", "linear"], seed=seed)
    return of_network(net, x, x[:1] + x[1:2], validation=(other, -other[:1] - other[1:2]), optimizer="adam", lr=0.003)


def short_run(seed: int) -> Firsts:
    x = np.random.default_rng(seed).standard_normal((2, 200))
    y = (x[:1] * x[1:] > 0).astype(float)
    return of_network(NeuralNetwork([2, 10, 1], seed=seed), x, y, batch_size=10, epochs=20, lr=0.001)


def one_narrow_column(seed: int) -> Firsts:
    """The column that matters is in other units than the rest."""
    X, y = circle(seed)
    rest = np.random.default_rng(seed + 99).standard_normal((len(X), 3))
    return of_fit(MLPClassifier(random_state=seed, max_iter=60), np.hstack([1e-6 * X, rest]), y)


SICK: dict[str, tuple[str, Callable[[int], Firsts]]] = {
    "sigmoid with categorical cross-entropy": (
        "add up to 1",
        lambda seed: refusal(lambda: NeuralNetwork([4, 8, 3], ["relu", "sigmoid"], cost=CLASSES, seed=seed)),
    ),
    "logistic outputs for three classes": (
        "add up to 1",
        lambda seed: refusal(lambda: MLPClassifier(output_activation="logistic").fit(*iris())),
    ),
    "softmax of one output": (
        "always 1",
        lambda seed: refusal(lambda: NeuralNetwork([4, 8, 1], ["relu", "softmax"], seed=seed)),
    ),
    "softmax for two classes in one output": (
        "always 1",
        lambda seed: refusal(lambda: MLPClassifier(output_activation="softmax").fit(iris()[0], iris()[1] > 0)),
    ),
    "targets of 0.0001, a regressor": (
        "targets too small",
        lambda seed: of_fit(MLPRegressor(random_state=seed), diabetes()[0], 1e-4 * diabetes()[1]),
    ),
    "targets of 0.0001, a network": (
        "targets too small",
        lambda seed: of_network(
            NeuralNetwork([10, 16, 1], ["relu", "linear"], seed=seed),
            diabetes()[0].T,
            1e-4 * diabetes()[1][np.newaxis],
            optimizer="adam",
        ),
    ),
    "xor without a hidden layer": (
        "no better than a linear model",
        lambda seed: of_network(
            NeuralNetwork([2, 1], ["sigmoid"], cost="binary_cross_entropy", seed=seed),
            *XOR,
            batch_size=4,
            epochs=1000,
            lr=0.5,
        ),
    ),
    "xor with a linear hidden layer": (
        "no better than a linear model",
        lambda seed: of_network(
            NeuralNetwork([2, 8, 1], ["linear", "sigmoid"], seed=seed), *XOR, batch_size=4, epochs=1000, lr=0.5
        ),
    ),
    "a circle without a hidden layer": (
        "no better than a linear model",
        lambda seed: of_network(
            NeuralNetwork([2, 1], ["sigmoid"], cost="binary_cross_entropy", seed=seed),
            circle(seed)[0].T,
            circle(seed)[1][np.newaxis],
            lr=0.1,
        ),
    ),
    "a circle with identity in the hidden layer": (
        "no better than a linear model",
        lambda seed: of_fit(MLPClassifier(activation="identity", random_state=seed, max_iter=100), *circle(seed)),
    ),
    "dropout of 0.99, a network": (
        "dropout too strong",
        lambda seed: of_network(classifier([4, 32, Dropout(0.99), 3], seed, "relu"), iris()[0].T, iris()[1]),
    ),
    "dropout of 0.99, a classifier": (
        "dropout too strong",
        lambda seed: of_fit(MLPClassifier(dropout=0.99, random_state=seed, max_iter=60), *iris()),
    ),
    "batch norm of one sample, a network": (
        "batches of one sample",
        lambda seed: of_network(
            classifier([4, 16, BatchNorm(before_activation=True), 3], seed, "relu"),
            iris()[0].T,
            iris()[1],
            batch_size=1,
            epochs=20,
        ),
    ),
    "batch norm of one sample, a classifier": (
        "batches of one sample",
        lambda seed: of_fit(MLPClassifier(batch_norm=True, batch_size=1, random_state=seed, max_iter=20), *iris()),
    ),
    "columns of 0.000001, a classifier": (
        "unscaled columns",
        lambda seed: of_fit(MLPClassifier(random_state=seed), 1e-6 * iris()[0], iris()[1]),
    ),
    "columns of 0.000001, a regressor": (
        "unscaled columns",
        lambda seed: of_fit(MLPRegressor(random_state=seed), 1e-6 * diabetes()[0], diabetes()[1]),
    ),
    "the columns that matter are of 0.000001": ("unscaled columns", one_narrow_column),
    "a relu output below 0": ("dead output", dead_output),
    "rate 20, a network": (
        "rate too high",
        lambda seed: of_network(classifier([4, 16, 3], seed, "relu"), iris()[0].T, iris()[1], lr=20.0),
    ),
    "rate 20, a classifier": (
        "rate too high",
        lambda seed: of_fit(MLPClassifier(solver="sgd", learning_rate_init=20, random_state=seed), *iris()),
    ),
    "shuffled labels, a classifier": (
        "unpredictable targets",
        lambda seed: of_fit(
            MLPClassifier(random_state=seed, max_iter=40),
            scale(datasets.load_wine().data),
            np.random.default_rng(seed).permutation(datasets.load_wine().target),
        ),
    ),
    "targets that do not belong to x": ("unpredictable targets", shuffled_rows),
    "validation data of another kind": ("validation worse than a constant", validation_of_another_kind),
    "twenty short epochs": ("rate too low", short_run),
}


def line_with_relu_output(seed: int) -> Firsts:
    x = np.arange(-1.0, 6.0)[np.newaxis]
    net = NeuralNetwork([1, 4, 2, 1], ["relu", "relu", "relu"], seed=seed)
    return of_network(net, x, 2 * x - 1, optimizer="adam", lr=0.001, epochs=500)


def salaries(seed: int) -> Firsts:
    certificates = np.array([2.0, 3, 5, 6, 7, 9, 10, 14])
    salary = 18000 + 2500 * certificates + 800 * np.random.default_rng(seed).standard_normal(8)
    return of_fit(MLPRegressor(random_state=seed), certificates[:, np.newaxis], salary)


def pixels_of_bytes(seed: int) -> Firsts:
    X, y = datasets.load_digits(return_X_y=True)
    net = NeuralNetwork([64, 16, 10], ["sigmoid", "sigmoid"], seed=seed)
    return of_network(net, 15.9 * X[:600].T, np.eye(10)[y[:600]].T, lr=0.1, epochs=20)


def wide_normal_weights(seed: int) -> Firsts:
    X, y = datasets.load_digits(return_X_y=True)
    net, rng = NeuralNetwork([64, 40, 40, 10], ["tanh"] * 3, seed=seed), np.random.default_rng(seed)
    for w in net.weights:
        w[:] = 3 * rng.standard_normal(w.shape)
    return of_network(net, X[:600].T / 16, 2 * np.eye(10)[y[:600]].T - 1, lr=0.001, epochs=20)


def one_rate_for_all(seed: int) -> Firsts:
    fitted = MLPRegressor(random_state=seed, alpha=3e4, max_iter=100)
    return of_fit(fitted, *diabetes())


def always_the_same(seed: int) -> Firsts:
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((280, 20)), (rng.random(280) < 0.29).astype(int)
    return of_fit(MLPClassifier(random_state=seed, max_iter=15), X, y)


def fraud(seed: int) -> Firsts:
    rng = np.random.default_rng(seed)
    y = (np.arange(4000) % 400 == 0).astype(float)
    x = rng.standard_normal((5, 4000)) + 0.5 * y
    net = NeuralNetwork([5, 10, 10, 1], ["relu", "relu", "sigmoid"], cost="binary_cross_entropy", seed=seed)
    return of_network(net, x, y[np.newaxis], optimizer="adam", lr=0.001, epochs=5, batch_size=64)[:1]


def many_sigmoid_layers(seed: int) -> Firsts:
    X, y = iris()
    return of_network(classifier([4, *[20] * 8, 3], seed, *["sigmoid"] * 8), X.T, y, lr=0.1)


def exclusive_or_of_softmax(seed: int) -> Firsts:
    x, y = XOR
    net = NeuralNetwork([2, 2], ["softmax"], cost=CLASSES, seed=seed)
    return of_network(net, x, np.vstack([y, 1 - y]), batch_size=4, epochs=500, lr=0.5)


def zero_weights(seed: int) -> Firsts:
    return of_network(classifier([4, 10, 3], seed, "tanh", initializer="zeros"), iris()[0].T, iris()[1])


def adam_of_a_tenth(seed: int) -> Firsts:
    X, y = datasets.load_breast_cancer(return_X_y=True)
    fitted = MLPClassifier((64, 64, 64), learning_rate_init=1.0, random_state=seed, max_iter=30)
    return of_fit(fitted, scale(X), y)


def marks(seed: int) -> Firsts:
    rng = np.random.default_rng(seed)
    hours = rng.uniform(0, 10, (4, 100))
    mark = np.clip(3 * hours[:1] + 2 * hours[1:2], 0, 50)
    return of_network(NeuralNetwork([4, 2, 1], seed=seed), hours, mark, lr=0.05)


REPORTED: dict[str, tuple[str, Callable[[int], Firsts]]] = {
    # community.deeplearning.ai/t/loss-values-do-not-change/324182
    "y = 2x − 1 with relu at the output": ("wrong output activation", line_with_relu_output),
    # stackoverflow.com/questions/58660630: R² is negative though salary grows with certifications
    "salaries in dollars": ("unscaled targets", salaries),
    # github.com/michaelgptt/basic-neural-network: pixels from 0 to 255
    "pixels of 0 to 255 and sigmoid": ("unscaled columns", pixels_of_bytes),
    # offlinew.com/q/q/4098171066 and stats.stackexchange.com/questions/265453: accuracy stays where it was
    "tanh and wide normal weights": ("saturated units", wide_normal_weights),
    # github.com/sapientml/core/issues/63: alpha is tuned to a huge value
    "a huge alpha": ("penalty too strong", one_rate_for_all),
    # github.com/talhanai/redbud-tree-depression/issues/4: accuracy 0.714 in every epoch, one answer for all
    "the same answer for all": ("unpredictable targets", always_the_same),
    # stackoom.com/en/question/4QOjQ: all transactions are predicted as honest
    "fraud in one of 400 rows": ("imbalance", fraud),
    # ai.stackexchange.com/questions/16557 and stackoverflow.com/questions/20009078: many layers of sigmoid
    "eight layers of sigmoid": ("vanishing gradients", many_sigmoid_layers),
    # "Why does my neural network to solve the XOR problem always output 0.5?" (Cross Validated)
    "xor with a softmax of two outputs alone": ("no better than a linear model", exclusive_or_of_softmax),
    # vynguyen.net/2016/08/29/learning-from-data-a-short-course-exercise-7-9
    "weights of zero": ("symmetric start", zero_weights),
    # sanaat.mintlify.app/docs/experiments/learning-rate and datascience.stackexchange.com/questions/51280
    "Adam with far too high a rate": ("rate too high", adam_of_a_tenth),
    # "Tensorflow Regression Model Giving Same Prediction Every Time"; stackoverflow.com/questions/14982358 and 9048031
    "marks of up to 50 from a sigmoid": ("wrong output activation", marks),
}
