"""The linear path: the whole prediction where the truth is linear, nothing where it is of no use, and bounded work."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from glassnet.data.robust_number import robust_scaled
from glassnet.tabular.blend import choose_blend
from glassnet.tabular.linear_features import LinearFeatures, unclipped
from glassnet.tabular.linear_inputs import MAX_COMPONENTS, LinearInputs, sampled_rows
from glassnet.tabular.linear_path import LinearPath, Sample, fit_linear_path
from glassnet.tabular.logistic import fit_logits
from glassnet.tabular.ridge import PENALTIES, Decomposition, Moments, fit_ridge
from glassnet.tabular.training_data import InputKinds


def folds_of(rows: int, parts: int = 4) -> np.ndarray:
    return np.arange(rows) % parts


def linear_data(rows: int = 400, features: int = 5, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, features)).astype(np.float32)
    return x, (x @ rng.normal(size=(features, 1)) + noise * rng.normal(size=(rows, 1))).astype(np.float64)


def test_ridge_is_the_one_of_scikit_learn() -> None:
    x, y = linear_data()
    weights = np.random.default_rng(1).uniform(0.5, 2, len(x))
    decomposition = Decomposition.of(Moments.of(x.astype(float), y, weights))
    for penalty in PENALTIES:
        coefficients, intercept = decomposition.coefficients(penalty)
        peer = Ridge(alpha=penalty * weights.sum()).fit(x.astype(float), y, weights)
        np.testing.assert_allclose(coefficients[:, 0], peer.coef_.ravel(), rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(intercept, peer.intercept_, atol=1e-7)


def test_the_predictions_of_a_fold_do_not_know_its_targets() -> None:
    x, y = linear_data()
    folds, ones = folds_of(len(x)), np.ones(len(x))
    before = fit_ridge(x.astype(float), y, folds, ones)
    changed = np.where(folds[:, None] == 2, 10 * y, y)
    total, rows = Moments.of(x.astype(float), changed, ones), folds == 2
    rest = total.minus(Moments.of(x[rows].astype(float), changed[rows], ones[rows]))
    coefficients, intercept = Decomposition.of(rest).coefficients(before.penalty)
    np.testing.assert_allclose(x[rows] @ coefficients + intercept, before.out_of_fold[rows], rtol=1e-6)


def test_a_linear_truth_is_left_to_the_linear_model() -> None:
    x, y = linear_data()
    networks = y + np.random.default_rng(2).normal(size=y.shape) * 3
    fit = fit_linear_path(Sample(x, y, folds_of(len(x)), np.ones(len(x)), networks))
    assert fit.path is not None
    assert fit.path.weight > 0.9
    np.testing.assert_allclose(fit.path.outputs(x), y, atol=2.5)


def test_a_useless_linear_model_has_no_weight() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 3)).astype(np.float32)
    y = (np.abs(x[:, :1]) > 0.7).astype(float)
    networks = y + 0.05 * rng.normal(size=y.shape)
    fit = fit_linear_path(Sample(x, y, folds_of(500), np.ones(500), networks))
    assert fit.path is None
    labels = y[:, 0].astype(int)
    probabilities = np.column_stack([1 - y, y]) * 0.96 + 0.02
    assert fit_linear_path(Sample(x, labels, folds_of(500), np.ones(500), probabilities)).path is None


def test_classes_that_are_linear_are_left_to_the_linear_model() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 4)).astype(np.float32)
    labels = (x @ [2.0, -1, 0, 0] + rng.logistic(size=600) > 0).astype(int)
    networks = np.full((600, 2), 0.5)
    fit = fit_linear_path(Sample(x, labels, folds_of(600), np.ones(600), networks))
    assert fit.path is not None
    assert fit.path.weight > 0.9
    peer = LogisticRegression().fit(x, labels)
    np.testing.assert_allclose(fit.path.outputs(x), peer.predict_proba(x), atol=0.03)


def test_the_weight_balances_two_models_with_independent_errors() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=(4000, 1))
    first, second = y + rng.normal(size=y.shape), y + 2 * rng.normal(size=y.shape)
    assert choose_blend(first, second, y, np.ones(4000)).weight == pytest.approx(0.2, abs=0.03)  # 1 / (1 + 2²)
    alike = rng.normal(size=y.shape)
    noisy = y + alike
    assert choose_blend(noisy, noisy + 0.4 * alike, y, np.ones(4000)).weight == 0


def test_rows_without_a_fold_are_not_scored() -> None:
    x, y = linear_data()
    folds = np.where(np.arange(len(x)) < 80, 0, -1)
    networks = np.where(folds[:, None] == 0, y + 1, np.nan)
    fit = fit_linear_path(Sample(x, y, folds, np.ones(len(x)), networks))
    np.testing.assert_array_equal(fit.rows, np.arange(80))
    assert np.isfinite(fit.predictions).all()


def test_a_class_that_does_not_occur_in_a_fit_is_rare() -> None:
    x, _ = linear_data(90)
    labels = np.arange(90) % 2 * 2  # classes 0 and 2 of 4
    probabilities = fit_logits(x.astype(float), labels, np.ones(90), 4, 1.0).probabilities(x.astype(float))
    assert 0 < probabilities[:, [1, 3]].max() < 0.05
    one = fit_logits(x.astype(float), np.full(90, 1), np.ones(90), 3, 1.0).probabilities(x.astype(float))
    assert one[:, 1].min() > 0.9


def test_constant_columns_count_nothing() -> None:
    x, y = linear_data()
    x[:, 2] = 7
    fit = fit_linear_path(Sample(x, y, folds_of(len(x)), np.ones(len(x)), y + 5))
    assert fit.path is not None
    assert fit.path.coefficients[2] == 0


def test_a_rotation_changes_nothing_where_columns_exceed_rows() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 1200))
    inputs = LinearInputs.fit(x, np.ones(200))
    rotated = inputs(x)
    assert rotated.shape[1] <= min(200, MAX_COMPONENTS)
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    np.testing.assert_allclose(rotated @ rotated.T, scaled @ scaled.T, atol=1e-6)
    coefficients = rng.normal(size=(rotated.shape[1], 2))
    original, intercept = inputs.unrotated(coefficients, np.ones(2))
    np.testing.assert_allclose(x @ original + intercept, rotated @ coefficients + 1, atol=1e-8)


def test_the_work_is_bounded() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 100_000)
    labels[:5] = 3
    rows = sampled_rows(np.zeros(100_000), labels, 500, 4)
    assert len(rows) == 10_000
    assert set(range(5)) <= set(rows.tolist())  # a rare class keeps its rows
    x = rng.normal(size=(2500, 1200)).astype(np.float32)
    y = rng.normal(size=(2500, 1))
    with threadpool_limits(1, "blas"):
        fit = fit_linear_path(Sample(x, y, folds_of(2500), np.ones(2500), y))
    assert len(fit.rows) == 2000


def test_what_is_stored_comes_back() -> None:
    path = LinearPath(0.25, np.arange(6.0).reshape(3, 2), np.array([0.5, -0.5]), classes=True)
    again = LinearPath.from_json(path.to_json(), path.tensors(), 3, 2)
    x = np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_array_equal(again.outputs(x), path.outputs(x))
    with pytest.raises(ValueError, match="array"):
        LinearPath.from_json(path.to_json(), path.tensors(), 4, 2)
    for damaged in ({"weight": 1.5}, {"weight": "1"}, {"classes": 1}, {"features": {}}):
        with pytest.raises((ValueError, KeyError)):
            LinearPath.from_json(path.to_json() | damaged, path.tensors(), 3, 2)


def test_levels_become_inputs_of_a_linear_model() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=600), rng.integers(0, 5, 600)]).astype(np.float32)
    effects = np.array([0.0, 3, -2, 5, 1])
    y = (x[:, 0] + effects[x[:, 1].astype(int)])[:, None].astype(np.float64)
    fit = fit_linear_path(Sample(x, y, folds_of(600), np.ones(600), np.zeros_like(y)), InputKinds(codes={1: 4}))
    assert fit.path is not None
    np.testing.assert_allclose(fit.path.outputs(x), y, atol=0.05)
    again = LinearPath.from_json(fit.path.to_json(), fit.path.tensors(), 2, 1)
    np.testing.assert_array_equal(again.outputs(x), fit.path.outputs(x))


def test_numbers_are_unbent_where_that_is_better() -> None:
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(400, 2))
    bent = robust_scaled(raw, 0.0, 2.0)
    np.testing.assert_allclose(unclipped(bent), raw * 2, rtol=1e-4)
    assert np.abs(unclipped(np.array([[3.0, -3.0]]))).max() == pytest.approx(100)
    y = raw @ np.array([[1.0], [2.0]])
    kinds = InputKinds(numbers=(0, 1))
    fit = fit_linear_path(Sample(bent, y, folds_of(400), np.ones(400), np.zeros_like(y)), kinds)
    assert fit.path is not None and fit.path.features.clipped == [0, 1]
    np.testing.assert_allclose(fit.path.outputs(bent), y, atol=0.01)
    fit = fit_linear_path(Sample(bent, bent[:, :1] * 1.0, folds_of(400), np.ones(400), np.zeros_like(y)), kinds)
    assert fit.path is not None and fit.path.features.clipped == []


@pytest.mark.parametrize(
    "document",
    [
        {"levels": [[3, [1]]], "clipped": []},
        {"levels": [[0, [-1]]], "clipped": []},
        {"levels": [], "clipped": [0, 0]},
        {"levels": [[0, [1]]], "clipped": [0]},
        {"levels": [[0, [1]], [0, [2]]], "clipped": []},
        {"levels": {}, "clipped": []},
    ],
)
def test_damaged_features_are_refused(document: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        LinearFeatures.from_json(document, 3)


def test_of_many_levels_the_most_frequent_become_inputs() -> None:
    codes = np.repeat(np.arange(151), np.r_[500, np.full(50, 1), np.full(100, 2)])  # 0 stands for no known level
    features = LinearFeatures.fit(codes[:, None].astype(np.float32), [0])
    assert features.levels == {0: list(range(51, 151))}
