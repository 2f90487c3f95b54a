"""A target learnt as its logarithm: when that is chosen, that decoding inverts encoding, and what bad values get."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.data.log_target import log_advice, skewness, smearing_factor
from glassnet.data.stored import from_json
from glassnet.data.target import NumberTarget, fit_target
from glassnet.errors import DataError, ModelFileError

RNG = np.random.default_rng(3)
NORMAL = RNG.normal(size=400)
SKEWED = np.exp(NORMAL)
POSITIVE = st.floats(1e-300, 1e300)


@given(st.lists(POSITIVE, min_size=3, max_size=30, unique=True), st.booleans())
def test_decoding_inverts_encoding(values: list[float], log: bool) -> None:
    y = np.array(values)
    try:
        target = NumberTarget.fit("y", y, log_target=log)
    except DataError:  # too near to each other to be scaled
        return
    decoded = target.decode(target.encode(y)).ravel()
    if log:
        np.testing.assert_allclose(decoded, y, rtol=1e-11)
    else:
        np.testing.assert_allclose(decoded, y, rtol=1e-9, atol=1e-12 * y.max())


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_a_skewed_target_is_offered_the_logarithm_at_any_size(size: float) -> None:
    target = fit_target("price", SKEWED * size, np.arange(300), "regression", log_target=None)
    assert isinstance(target, NumberTarget) and target.log
    encoded = target.encode(SKEWED * size)[:300]
    assert abs(encoded.mean()) < 1e-9 and encoded.std() == pytest.approx(1)
    skew = skewness(SKEWED)
    assert (
        target.note.startswith(f"price: positive and skewed (skewness {skew:.1f}") and "log_target=False" in target.note
    )
    same = NumberTarget.fit("price", SKEWED[:300] * size, log_target=True)
    assert (same.mean, same.scale, same.note) == (target.mean, target.scale, "")


KEPT = {
    "symmetric": NORMAL + 10,
    "negative values": SKEWED - 0.5,
    "a zero": np.append(SKEWED, 0.0),
    "skewed, but far from zero": SKEWED + 1000,
    "more skewed to the left in the logarithm": np.append(np.full(300, 1.0) + RNG.random(300), [1e-9] * 4 + [9.0]),
    "constant but for one": np.append(np.full(99, 5.0), 6.0),
}


@pytest.mark.parametrize("what", KEPT)
def test_other_targets_are_left_as_they_are(what: str) -> None:
    assert not NumberTarget.fit("y", KEPT[what], log_target=None).log


def test_the_logarithm_is_never_taken_unasked() -> None:
    assert not NumberTarget.fit("y", SKEWED).log
    assert not NumberTarget.fit("y", SKEWED, standardise=False, log_target=None).log
    assert not NumberTarget.fit("y", np.stack([SKEWED, NORMAL], 1), log_target=None).log
    assert NumberTarget.fit("y", np.stack([SKEWED, SKEWED**2], 1), log_target=None).log


def test_skewness_is_the_standardised_third_moment() -> None:
    assert skewness(np.array([1.0, 1, 1, 5])) == pytest.approx(2 / math.sqrt(3))
    assert skewness(np.array([1e300, 2e300, 3e300])) == pytest.approx(0, abs=1e-12) and skewness(np.full(3, 7.0)) == 0
    assert "skewness 1.3, that of its logarithm 0.0)" in log_advice(np.exp([np.linspace(-3, 3, 5)]))


def test_smearing_gives_predictions_the_size_of_the_values() -> None:
    target = NumberTarget.fit("y", SKEWED, log_target=True)
    outputs = np.zeros((400, 1))  # all that a network can say without knowing x
    smeared = target.smeared(outputs, SKEWED)
    assert target.decode(outputs).mean() < 0.75 * SKEWED.mean()
    assert smeared.decode(outputs).mean() == pytest.approx(SKEWED.mean())
    weights = (SKEWED > 1) * 1.0
    assert target.smeared(outputs, SKEWED, weights).smearing == [2.0]  # bounded
    again = smeared.smeared(outputs, SKEWED)
    assert again == smeared
    plain = NumberTarget.fit("y", SKEWED)
    assert plain.smeared(outputs, SKEWED) is plain
    assert smearing_factor(np.array([1e300, 3e300]), np.array([2e300, 2e300])) == 1


def test_outputs_far_beyond_training_stay_finite() -> None:
    target = NumberTarget.fit("y", SKEWED, log_target=True).smeared(np.zeros((400, 1)), SKEWED)
    decoded = target.decode(np.array([[1e9], [-1e9], [0.0]]))
    assert np.isfinite(decoded).all() and (decoded > 0).all()


def test_values_without_a_logarithm_are_refused() -> None:
    with pytest.raises(DataError, match=r"target 'y' holds -1, which has no logarithm; use log_target=False"):
        NumberTarget.fit("y", np.array([2.0, -1.0]), log_target=True)
    target = NumberTarget.fit("y", SKEWED, log_target=True)
    with pytest.raises(DataError, match=r"f.csv line 3 holds 0, but the model learnt the logarithm of its values"):
        target.encode(np.array([1.0, 0.0]), lambda row: f"f.csv line {row + 2}")


def stored(target: Any) -> dict[str, Any]:
    preparation = {"kind": "arrays", "mean": [0.0], "scale": [1.0], "width": 1}
    document: dict[str, Any] = json.loads(json.dumps({"preparation": preparation, "target": target}))
    return document


def test_a_target_survives_json_and_old_files_open() -> None:
    target = NumberTarget.fit("y", SKEWED, log_target=None).smeared(np.zeros((400, 1)), SKEWED)
    assert target.note and target.smearing
    assert from_json(stored(target.to_json()), "m")[1] == target
    assert "note" not in target.to_json()
    old = {"kind": "regression", "name": "y", "mean": [1.0], "scale": [2.0]}
    assert from_json(stored(old), "m")[1] == NumberTarget("y", [1.0], [2.0])
    for change in ({"log": 1}, {"smearing": [1.0, 2.0]}, {"smearing": [0.0]}, {"smearing": "1"}):
        with pytest.raises(ModelFileError, match="m is damaged"):
            from_json(stored(old | change), "m")
