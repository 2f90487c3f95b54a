"""Calibration: a temperature of 1 where nothing is to be mended, the true one where something is, never a 0."""

from __future__ import annotations

import numpy as np
import pytest

from glassnet.cli.corrections import calibration_text
from glassnet.tabular.calibration import Calibration, calibration_error
from glassnet.tabular.isotonic import Isotonic
from glassnet.tabular.out_of_holdout import OutOfHoldout
from glassnet.tabular.probabilities import log_losses, softmax


def drawn(rows: int, classes: int, sharpness: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (rows, classes), and labels that follow them once they are sharpened by a power."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, classes)) * 2
    truth = softmax(logits * sharpness)
    labels = (truth.cumsum(axis=1) < rng.uniform(size=(rows, 1))).sum(axis=1)
    return softmax(logits), np.minimum(labels, classes - 1)


def fitted(probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> Calibration:
    weights = np.ones(len(labels)) if weights is None else weights
    parts = [slice(0, len(labels) // 2), slice(len(labels) // 2, None)]
    return Calibration.fit([probabilities[p] for p in parts], [labels[p] for p in parts], [weights[p] for p in parts])


@pytest.mark.parametrize("classes", [2, 3, 26])
@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.5])
def test_the_temperature_is_the_true_one(classes: int, sharpness: float) -> None:
    calibration = fitted(*drawn(4000, classes, sharpness))
    assert calibration.temperature == pytest.approx(1 / sharpness, rel=0.08)


def test_the_temperature_lowers_the_log_loss_of_other_rows() -> None:
    calibration = fitted(*drawn(1000, 4, 3.0))
    probabilities, labels = drawn(4000, 4, 3.0, seed=1)
    softened = calibration.finish(calibration.soften(probabilities))
    assert log_losses(softened, labels).mean() < log_losses(probabilities, labels).mean() - 0.05
    np.testing.assert_allclose(softened.sum(axis=1), 1)
    ones = np.ones(4000)
    before, after = (calibration_error(p, labels, ones) for p in (probabilities, softened))
    assert after.error < 0.3 * before.error
    assert after.error < 2 * after.expected


def test_a_temperature_that_raises_the_log_loss_of_the_average_is_not_applied() -> None:
    probabilities, labels = drawn(1000, 3)
    ones = np.ones(1000)
    assert Calibration(8.0).where_it_helps(probabilities, labels, ones).temperature == 1
    assert Calibration(1.0 / 3).where_it_helps(*drawn(1000, 3, 3.0), ones).temperature == 1.0 / 3


def test_the_chance_of_a_calibration_error_is_that_of_true_probabilities() -> None:
    trials = [calibration_error(*drawn(300, 3, seed=seed), np.ones(300)) for seed in range(200)]
    errors, expected = np.array(trials).T
    assert errors.mean() == pytest.approx(expected.mean(), rel=0.05)


def test_rows_that_are_all_right_do_not_make_certainty() -> None:
    labels = np.arange(60) % 3
    probabilities = np.full((60, 3), 0.05)
    probabilities[np.arange(60), labels] = 0.9
    calibration = fitted(probabilities, labels)
    assert 0.3 < calibration.temperature < 1
    assert calibration.soften(probabilities).max() < 1 - 1e-4


def test_a_certain_mistake_has_a_finite_log_loss() -> None:
    probabilities = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    calibration = fitted(probabilities, np.array([0, 1, 1]))
    assert np.isfinite(log_losses(calibration.finish(calibration.soften(probabilities)), np.array([1, 0, 0]))).all()


def test_weights_count_as_repeated_rows() -> None:
    probabilities, labels = drawn(300, 3, 2.0)
    weights = np.random.default_rng(0).integers(1, 4, 300)
    weights[:150] = 1
    repeated = np.repeat(np.arange(300), weights)
    heavy = Calibration.fit([probabilities], [labels], [weights.astype(float)])
    again = Calibration.fit([probabilities[repeated]], [labels[repeated]], [np.ones(len(repeated))])
    assert heavy.temperature == pytest.approx(again.temperature, rel=0.02)
    assert heavy.temperature != pytest.approx(fitted(probabilities, labels).temperature, rel=1e-3)


def test_isotonic_is_used_only_where_it_pays() -> None:
    probabilities, labels = drawn(6000, 2)
    ones = np.ones(6000)
    assert Isotonic.where_it_pays(probabilities, labels, ones) is None
    bent = np.column_stack([probabilities[:, 0] ** 3, 1 - probabilities[:, 0] ** 3])
    isotonic = Isotonic.where_it_pays(bent, labels, ones)
    assert isotonic is not None
    others, truth = drawn(6000, 2, seed=1)
    bent = np.column_stack([others[:, 0] ** 3, 1 - others[:, 0] ** 3])
    mended = isotonic.apply(bent)
    assert log_losses(mended, truth).mean() < log_losses(bent, truth).mean() - 0.02
    assert mended.min() > 0
    assert Isotonic.where_it_pays(bent[:600], truth[:600], ones[:600]) is None  # too few rows of a class


def test_predictions_are_averaged_over_the_members_that_left_a_row_out() -> None:
    holdouts = OutOfHoldout((np.array([0, 1]), np.array([1, 3])), 5)
    np.testing.assert_array_equal(holdouts.rows, [0, 1, 3])
    np.testing.assert_array_equal(holdouts.folds, [0, 0, -1, 1, -1])
    average = holdouts.average([np.array([[1.0], [2.0]]), np.array([[4.0], [8.0]])])
    np.testing.assert_array_equal(average, [[1], [3], [8]])


def test_what_is_stored_comes_back() -> None:
    probabilities, labels = drawn(3000, 2)
    bent = np.column_stack([probabilities[:, 0] ** 3, 1 - probabilities[:, 0] ** 3])
    calibration = Calibration(1.5, Isotonic.fit(bent, labels, np.ones(3000)))
    again = Calibration.from_json(calibration.to_json(), calibration.tensors(), 5, 2)
    np.testing.assert_array_equal(again.finish(again.soften(bent)), calibration.finish(calibration.soften(bent)))


@pytest.mark.parametrize("document", [{}, {"temperature": 0.0, "isotonic": 0}, {"temperature": 1.0, "isotonic": 3}])
def test_damaged_documents_are_refused(document: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Calibration.from_json(document, {}, 5, 2)


def test_a_falling_step_is_refused() -> None:
    with pytest.raises(ValueError, match="isotonic"):
        Isotonic.from_tensors({"isotonic0": np.array([[0.1, 0.9], [0.6, 0.5]])}, 1)


def test_what_a_temperature_does_is_said() -> None:
    texts = [calibration_text(Calibration(temperature)) for temperature in (1.0, 1.0004, 0.9997, 1.25, 0.8)]
    assert [text.partition(";")[0] for text in texts] == [
        "the networks' probabilities are used as they are",
        *["a temperature within 0.5 % of 1, which hardly changes the probabilities"] * 2,
        "temperature 1.25, which makes the probabilities less certain",
        "temperature 0.8, which makes the probabilities more certain",
    ]
