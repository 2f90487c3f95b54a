"""Properties of the ensemble behind the tabular estimators: same bits, holdouts, best epochs, metrics, time."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from glassnet import ParameterError
from glassnet.data.target import ClassTarget, NumberTarget
from glassnet.tabular import ensemble, member
from glassnet.tabular.ensemble import Execution, mean_outputs, train_members
from glassnet.tabular.holdouts import holdouts
from glassnet.tabular.hyperparameters import CLASSES, NUMBERS, PRESETS, preset_hyperparameters
from glassnet.tabular.member import BestEpoch
from glassnet.tabular.member_network import build_network, training_options
from glassnet.tabular.metrics import CLASS_METRICS, NUMBER_METRICS, Metric
from glassnet.tabular.training_data import InputKinds, TrainingData

Array = np.ndarray[Any, Any]
SMALL = preset_hyperparameters("fast", CLASSES, 200, 4)._replace(members=3, epochs=6, width=16, layers=2, batch=32)
TARGET = ClassTarget("y", ["a", "b", "c"])
METRIC = Metric("auto", TARGET)


def rows(count: int = 200) -> TrainingData:
    """Inputs and classes that they tell."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 4)).astype(np.float32)
    return TrainingData(x, np.digitize(x[:, 0], [-0.5, 0.5]), None, 3)


# ---- same bits


@pytest.mark.parametrize("n_jobs", [2, 3, None])
def test_the_number_of_jobs_changes_no_bit(n_jobs: int | None) -> None:
    alone, together = (train_members(rows(), SMALL, 7, METRIC, Execution(jobs))[0] for jobs in (1, n_jobs))
    for first, second in zip(alone, together, strict=True):
        assert np.array_equal(first.network.parameters.vector, second.network.parameters.vector)
        assert first.best_epoch == second.best_epoch and np.array_equal(first.holdout, second.holdout)
    vectors = [member.network.parameters.vector for member in alone]
    assert not np.array_equal(vectors[0], vectors[1]), "members differ"
    assert len({each.network.seed for each in alone}) == 3, "in their first weights too"
    other = train_members(rows(), SMALL, 8, METRIC, Execution(1))[0]
    assert not np.array_equal(vectors[0], other[0].network.parameters.vector), "seeds differ"


def test_threads_and_parts_of_predictions_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    members, x = train_members(rows(), SMALL, 7, METRIC, Execution())[0], rows(5000).x
    monkeypatch.setattr(ensemble, "available_threads", lambda: 1)
    alone = mean_outputs(members, x)
    monkeypatch.setattr(ensemble, "available_threads", lambda: 3)
    assert np.array_equal(mean_outputs(members, x), alone)
    parts = [mean_outputs(members, x[a:b]) for a, b in pairwise([0, 1, 3, 700, 2900, 5000])]
    assert np.array_equal(np.concatenate(parts), alone)
    assert np.allclose(alone, np.mean([each.network.predict(x.T).T for each in members], axis=0))


@pytest.mark.parametrize(("n_jobs", "threads"), [(None, 6), (1, 1), (4, 4), (-1, 6), (-2, 5), (-9, 1)])
def test_jobs_count_as_those_of_joblib(n_jobs: int | None, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensemble, "available_threads", lambda: 6)
    assert Execution(n_jobs).threads == threads


# ---- holdouts


@given(st.integers(2, 60), st.integers(2, 12), st.integers(2, 8), st.integers(1, 4), st.integers(0, 99))
def test_holdouts_cover_all_rows(count: int, members: int, parts: int, classes: int, seed: int) -> None:
    y = np.random.default_rng(seed).integers(0, classes, count)
    result = holdouts(y, parts, members, seed, classes=True)
    assert len(result) == members and all(len(part) < count and (np.diff(part) > 0).all() for part in result)
    used = min(parts, count)
    if members >= used:
        counted = np.bincount(np.concatenate(result[:used]), minlength=count)
        assert (counted == 1).all(), "each row is left out once"
    for part in result[: used if members >= used else 0]:
        shares = np.bincount(y[part], minlength=classes) - np.bincount(y, minlength=classes) / used
        assert (np.abs(shares) < 1).all(), "stratified"


def test_rows_without_copies_are_divided_as_if_nobody_had_looked() -> None:
    y = np.random.default_rng(0).integers(0, 3, 90)
    plain, looked = (holdouts(y, 5, 10, 1, classes=True, copies=copies) for copies in (None, np.arange(90)))
    assert all(map(np.array_equal, plain, looked))


def test_copies_share_a_part_but_levels_do_not() -> None:
    rng = np.random.default_rng(0)
    copies, levels = np.arange(300) % 100, rng.integers(0, 2, 300)
    for part in holdouts(copies % 3, 5, 10, 1, classes=True, copies=copies):
        assert (np.bincount(part % 100) % 3 == 0).all()
        assert 45 <= len(part) <= 75
    first = np.array([np.flatnonzero(levels == level)[0] for level in range(2)])[levels]
    assert all(len(part) == 60 for part in holdouts(levels, 5, 5, 1, classes=True, copies=first))


def test_further_members_get_another_division() -> None:
    result = holdouts(np.zeros(40), 4, 8, 0, classes=False)
    assert not any(np.array_equal(first, second) for first in result[:4] for second in result[4:])


def test_a_single_member_never_leaves_out_all_rows_of_a_class() -> None:
    y = np.array([0] + [1] * 50 + [2] * 48 + [3])
    for seed in range(20):
        (part,) = holdouts(y, 5, 1, seed, classes=True)
        assert not {0, 99} & set(part.tolist()) and 18 <= len(part) <= 21


@pytest.mark.parametrize("y", [[0, 1], [0, 1, 2], [0, 1, 2, 3, 3], [0, 0, 1, 2, 3, 4, 5]])
def test_a_single_member_leaves_out_some_rows_although_most_classes_have_one(y: list[int]) -> None:
    for seed in range(20):
        (part,) = holdouts(np.array(y), 5, 1, seed, classes=True)
        assert 0 < len(part) < len(y)


# ---- the network of a member


def test_the_network_starts_as_the_recipe_says() -> None:
    network = build_network(rows(), SMALL, seed=3)
    assert repr(network).startswith(
        "NeuralNetwork(4 → Scaling(before_activation=False) → 16 selu → 16 selu → 3 softmax"
    )
    assert np.abs(network.weights[2]).max() == 0 and np.abs(network.biases[2]).max() == 0
    wide = build_network(rows(), SMALL._replace(width=400), seed=3)
    assert np.isclose(wide.weights[1].std() * 20, 1, atol=0.02) and np.isclose(wide.biases[1].std(), 1, atol=0.1)
    plain = build_network(rows(), SMALL._replace(random_biases=False, zero_output=False, scaling=False), seed=3)
    assert np.abs(plain.biases[0]).max() == 0 < np.abs(plain.weights[2]).max()
    assert "Scaling" not in repr(plain)


def test_rates_and_decays_of_the_recipe() -> None:
    plan = SMALL._replace(parametric=True, first_lr=0.5, decay=0.02, decay_schedule="flat_cos", waves=4)
    data = TrainingData(rows().x, rows().y, None, 3, InputKinds((0, 2), {3: 5}))
    options = training_options(build_network(data, plan, seed=0), plan)
    rates, decays = options["lr_factors"], options["decay_factors"]
    fan_in = 4 - 1 + 2 * 3 + 8
    assert math.isclose(rates["w1"], 0.5 / math.sqrt(fan_in)) and math.isclose(decays["w1"], math.sqrt(fan_in))
    assert math.isclose(rates["w2"], 1 / 4) and rates["b2"] == 0.1 and decays["b2"] == 0
    others = {name: rate for name, rate in rates.items() if name[0] not in "wb"}
    by_kind = {name.rpartition("_")[2]: rate for name, rate in others.items()}
    assert by_kind == {
        **{"gamma": 6.0, "alpha": 0.1, "vectors": 1.0},
        **{"frequencies": 0.1, "phases": 0.1, "weights": 0.1, "biases": 0.1},
    }
    assert options["optimizer"].beta2 == 0.95 and options["schedule"] == "coslog4"


@pytest.mark.parametrize("task", [CLASSES, NUMBERS])
@pytest.mark.parametrize("preset", ["fast", "default", "best"])
def test_presets(preset: str, task: str) -> None:
    plan = preset_hyperparameters(preset, task, 5000, 10)
    assert plan.activation == {"classes": "selu", "numbers": "mish"}[task] and plan.batch == 256
    assert preset_hyperparameters(preset, task, 1000, 10).batch < 256
    pixels, many = preset_hyperparameters(preset, task, 60_000, 784), preset_hyperparameters(preset, task, 500_000, 10)
    assert (pixels.layers, pixels.activation, pixels.lr) == (2, "relu", plan.lr / 2)
    assert pixels.of_member(1).bins == 0 and plan.of_member(1).bins > 0
    assert 8 <= many.epochs < plan.epochs == preset_hyperparameters(preset, task, 50_000, 10).epochs
    with pytest.raises(ParameterError, match=r"preset 'fats' is unknown\. Did you mean 'fast'"):
        preset_hyperparameters("fats", task, 1, 1)


@pytest.mark.parametrize("task", [CLASSES, NUMBERS])
def test_images_of_any_size_and_number_get_the_same_network(task: str) -> None:
    assert [*PRESETS] == ["fast", "default", "best", "pixels"]
    few, more, many = (preset_hyperparameters("pixels", task, rows, 64) for rows in (200, 2000, 60_000))
    assert few.width == more.width == many.width == 512 and not many.scaling
    assert (few.batch, more.batch, many.batch) == (32, 128, 128)
    assert (few.epochs, more.epochs, many.epochs) == (96, 60, 12)


# ---- the best epoch


class Stub:
    """A network whose predictions and parameters are a number."""

    class parameters:
        """The parameters."""

        vector = np.zeros(1)

    def predict(self, x: Array) -> Array:
        """The number for every row."""
        return np.full((1, x.shape[1]), self.parameters.vector[0])


@pytest.mark.parametrize(
    ("scores", "best"),
    [([1, 3, 2], 2), ([1, 3, 3, 2], 3), ([2, 2, 2], 3), ([np.nan, 1, np.nan], 2), ([np.nan, np.nan], 2)],
)
def test_of_equal_epochs_the_last_is_the_best(scores: list[float], best: int) -> None:
    network: Any = Stub()
    epochs = BestEpoch(rows(3), lambda outputs, *_: scores[int(outputs[0, 0])])  # type: ignore[arg-type]
    for epoch in range(len(scores)):
        network.parameters.vector[:] = epoch
        epochs.consider(network, epoch + 1)
    assert epochs.epoch == best
    epochs.restore_into(network)
    assert network.parameters.vector[0] == best - 1


def test_members_do_not_train_on_the_rows_that_they_leave_out(monkeypatch: pytest.MonkeyPatch) -> None:
    trained_on, train = [], member.train_network

    def recording(network: Any, data: TrainingData, *rest: Any) -> Any:
        trained_on.append(data)
        return train(network, data, *rest)

    monkeypatch.setattr(member, "train_network", recording)
    data = replace(rows(), weights=np.arange(1.0, 201))
    members = train_members(data, SMALL, 7, METRIC, Execution(1))[0]
    for each, part in zip(members, trained_on, strict=True):
        others = np.setdiff1d(np.arange(200), each.holdout)
        assert np.array_equal(part.x, data.x[others]) and np.array_equal(part.y, data.y[others])
        assert part.weights is not None and np.array_equal(part.weights, others + 1)


def test_networks_learn_from_the_weights() -> None:
    data = rows()
    plain, weighted = (
        mean_outputs(train_members(replace(data, weights=weights), SMALL, 7, METRIC, Execution())[0], data.x)
        for weights in (None, np.where(data.y == 0, 20.0, 1.0))
    )
    assert weighted[:, 0].mean() > plain[:, 0].mean() + 0.1


def test_members_have_the_weights_of_their_best_epoch() -> None:
    for each in train_members(rows(), SMALL, 7, METRIC, Execution())[0]:
        data = rows().part(each.holdout)
        assert each.score == METRIC(each.network.predict(data.x.T).T, data.x, data.y, None)
        assert 1 <= each.best_epoch <= SMALL.epochs


# ---- metrics


def class_cases(classes: int) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(classes)
    p = rng.dirichlet(np.ones(classes), 80)
    return p, rng.integers(0, classes, 80), rng.uniform(0.1, 2, 80)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("classes", [2, 4])
def test_metrics_of_classes_are_those_of_scikit_learn(classes: int, weighted: bool) -> None:
    p, y, weights = class_cases(classes)
    w = weights if weighted else None
    hits = {"sample_weight": w}
    scores = p[:, 1] if classes == 2 else p
    areas = [reference.roc_auc_score(y == k, p[:, k], **hits) for k in range(classes)]
    expected = {
        "log_loss": -reference.log_loss(y, p, **hits),
        "accuracy": reference.accuracy_score(y, p.argmax(axis=1), **hits),
        "balanced_accuracy": reference.balanced_accuracy_score(y, p.argmax(axis=1), **hits),
        "roc_auc": reference.roc_auc_score(y, scores, **hits) if classes == 2 else np.mean(areas),
    }
    for name, metric in CLASS_METRICS.items():
        assert np.isclose(metric(p, y, w), expected[name]), name


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("outputs", [1, 3])
def test_metrics_of_numbers_are_those_of_scikit_learn(outputs: int, weighted: bool) -> None:
    rng = np.random.default_rng(outputs)
    y, values, weights = rng.normal(size=(50, outputs)), rng.normal(size=(50, outputs)), rng.uniform(0.1, 2, 50)
    w = weights if weighted else None
    expected = {
        "rmse": -math.sqrt(reference.mean_squared_error(y, values, sample_weight=w)),
        "mae": -reference.mean_absolute_error(y, values, sample_weight=w),
        "r2": reference.r2_score(y, values, sample_weight=w),
    }
    for name, metric in NUMBER_METRICS.items():
        assert np.isclose(metric(values, y, w), expected[name]), name


def test_a_class_that_a_holdout_lacks() -> None:
    p, y, _ = class_cases(3)
    y = y % 2  # class 2 is predicted, but no row has it
    assert np.isclose(
        CLASS_METRICS["balanced_accuracy"](p, y, None), np.mean([(p.argmax(1) == y)[y == k].mean() for k in (0, 1)])
    )
    assert 0 < CLASS_METRICS["roc_auc"](p, y, None) < 1
    assert CLASS_METRICS["roc_auc"](p, y * 0, None) == CLASS_METRICS["log_loss"](p, y * 0, None)


def test_scorers_see_classes_and_units() -> None:
    p, y, _ = class_cases(2)
    target = ClassTarget("y", ["no", "yes"])
    labels = np.array(["no", "yes"])
    for scorer in (reference.get_scorer("f1_macro"), reference.make_scorer(reference.f1_score, pos_label="yes")):
        f1 = scorer._score_func(labels[y], labels[p.argmax(axis=1)], **scorer._kwargs)
        assert np.isclose(Metric(scorer, target)(p, p, y, None), f1)
    brier = Metric(reference.get_scorer("roc_auc"), target)(p, p, y, None)
    assert np.isclose(brier, reference.roc_auc_score(y, p[:, 1]))
    numbers = NumberTarget("y", [100.0], [0.1])
    outputs, encoded = np.array([[1.0], [2]]), np.array([[1.5], [2]])
    assert np.isclose(Metric("mae", numbers)(outputs, p, encoded, None), -2.5)
    scorer = reference.get_scorer("neg_mean_absolute_error")
    assert np.isclose(Metric(scorer, numbers)(outputs, p, encoded, None), -2.5)
    assert np.isclose(Metric("auto", numbers)(outputs, p, encoded, None), -math.sqrt(0.125))
