"""Intervals cover what was asked within the limits of chance and are narrow where errors are small; quantiles rise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from glassnet.errors import ParameterError
from glassnet.tabular.intervals import Intervals


def noisy(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs (rows, 3), right predictions (rows, 1), and targets whose noise grows tenfold along the first input."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(rows, 3)).astype(np.float32)
    predictions = x.sum(axis=1, keepdims=True).astype(np.float64)
    return x, predictions, predictions + np.exp(1.15 * x[:, :1]) * rng.standard_t(5, size=(rows, 1))


def covered(intervals: Intervals, coverage: float, seed: int, rows: int = 4000) -> int:
    x, predictions, y = noisy(rows, seed)
    bounds = intervals.interval(x, predictions, coverage)
    return int(((bounds[..., 0] <= y) & (y <= bounds[..., 1])).sum())


@pytest.mark.parametrize("rows", [60, 1000])
@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_coverage_is_what_was_asked(rows: int, coverage: float) -> None:
    """Averaged over fits: 40 fits of 100 new rows each."""
    hits = sum(covered(Intervals.fit(*noisy(rows, seed)), coverage, 1000 + seed, 100) for seed in range(40))
    wider = 1.5 / np.sqrt(rows * 40) * 4000  # the fits differ by chance, too
    low, high = binom.interval(0.999, 4000, coverage)
    assert low - wider <= hits <= high + wider + 4000 * 2 / rows


def test_a_wrong_coverage_would_be_noticed() -> None:
    intervals = Intervals.fit(*noisy(3000))
    low, high = binom.interval(0.999, 4000, 0.9)
    assert low - 80 <= covered(intervals, 0.9, 1) <= high + 80
    assert covered(intervals, 0.85, 1) < low - 80


def test_intervals_are_wide_where_errors_are_large() -> None:
    intervals = Intervals.fit(*noisy(3000))
    x, predictions, _ = noisy(2000, 1)
    width = np.diff(intervals.interval(x, predictions, 0.9)[:, 0], axis=1)[:, 0]
    assert width[x[:, 0] > 0.8].mean() > 4 * width[x[:, 0] < -0.8].mean()


def test_each_side_misses_half() -> None:
    rng = np.random.default_rng(0)
    x, predictions = np.zeros((2000, 1), np.float32), np.zeros((2000, 1))
    intervals = Intervals.fit(x, predictions, rng.exponential(size=(2000, 1)))
    low, high = intervals.interval(x[:1], predictions[:1], 0.9)[0, 0]
    assert low == pytest.approx(-np.log(0.95), abs=0.02)
    assert high == pytest.approx(-np.log(0.05), abs=0.25)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=8), st.integers(100, 400))
def test_quantiles_rise_with_the_level(levels: list[float], rows: int) -> None:
    intervals = Intervals.fit(*noisy(rows))
    x, predictions, _ = noisy(50, 1)
    quantiles = intervals.quantiles(x, predictions, sorted(levels))
    assert quantiles.shape == (50, 1, len(levels))
    assert (np.diff(quantiles, axis=2) >= 0).all()


def test_the_interval_contains_its_quantiles() -> None:
    intervals = Intervals.fit(*noisy(500))
    x, predictions, _ = noisy(50, 1)
    bounds, quantiles = intervals.interval(x, predictions, 0.8), intervals.quantiles(x, predictions, [0.1, 0.9])
    assert (bounds[..., 0] <= quantiles[..., 0]).all()
    assert (quantiles[..., 1] <= bounds[..., 1]).all()
    np.testing.assert_allclose(bounds, quantiles, atol=0.5)


def test_finite_samples_take_the_next_order_statistic() -> None:
    """19 scores: the interval with 90 % goes from the first to the last of them."""
    errors = np.arange(19.0)[:, None]
    intervals = Intervals.fit(np.zeros((19, 1)), np.zeros((19, 1)), errors)
    np.testing.assert_array_equal(intervals.interval(np.zeros((1, 1)), np.zeros((1, 1)), 0.9), [[[0, 18]]])
    with pytest.raises(ParameterError, match=r"needs 39 rows .* there are 19"):
        intervals.interval(np.zeros((1, 1)), np.zeros((1, 1)), 0.95)


def test_far_rows_do_not_explode() -> None:
    intervals = Intervals.fit(*noisy(1000))
    x, predictions, _ = noisy(1000)
    widest = np.diff(intervals.interval(x, predictions, 0.9), axis=2).max()
    assert np.diff(intervals.interval(x * 1000, predictions, 0.9), axis=2).max() <= widest * 1.2


def test_several_outputs_have_intervals_of_their_own() -> None:
    x, predictions, y = noisy(1000)
    both = Intervals.fit(x, np.hstack([predictions, predictions]), np.hstack([y, predictions + (y - predictions) * 5]))
    widths = np.diff(both.interval(x, np.hstack([predictions, predictions]), 0.8), axis=2)[..., 0]
    np.testing.assert_allclose(widths[:, 1], 5 * widths[:, 0], rtol=1e-6)


@pytest.mark.parametrize("coverage", [0.0, 1.0, 90])
def test_a_coverage_that_is_no_share_is_refused(coverage: float) -> None:
    with pytest.raises(ParameterError, match="coverage"):
        Intervals.fit(*noisy(100)).interval(*noisy(1)[:2], coverage)


@pytest.mark.parametrize("levels", [[0.0], [0.5, 1.0], [], [[0.1]], [float("nan")]])
def test_quantiles_that_are_no_levels_are_refused(levels: list[float]) -> None:
    with pytest.raises(ParameterError, match="quantiles"):
        Intervals.fit(*noisy(100)).quantiles(*noisy(1)[:2], levels)


def test_what_is_stored_comes_back() -> None:
    for rows in (100, 500):
        intervals = Intervals.fit(*noisy(rows))
        again = Intervals.from_json(intervals.to_json(), intervals.tensors(), 3, 1)
        x, predictions, _ = noisy(20, 1)
        np.testing.assert_array_equal(again.interval(x, predictions, 0.9), intervals.interval(x, predictions, 0.9))
        with pytest.raises((ValueError, KeyError)):
            Intervals.from_json({"difficulties": [3]}, intervals.tensors(), 3, 1)
        with pytest.raises(ValueError, match="scores"):
            tensors = intervals.tensors() | {"scores0": intervals.tensors()["scores0"][::-1]}
            Intervals.from_json(intervals.to_json(), tensors, 3, 1)
