"""Copies of a row are never divided: what is fitted to one of them is not judged by another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.data.copies import copies_among, random_parts
from glassnet.data.target import ClassTarget
from glassnet.tabular import member as members
from glassnet.tabular.cross_fitted import CrossFittedOutputs
from glassnet.tabular.hyperparameters import CLASSES, preset_hyperparameters
from glassnet.tabular.intervals import Difficulty, Intervals
from glassnet.tabular.isotonic import Isotonic
from glassnet.tabular.member import Member
from glassnet.tabular.metrics import Metric
from glassnet.tabular.refinement import FittedMembers, Refinement
from glassnet.tabular.training_data import TrainingData

Array = np.ndarray[Any, Any]


def numbered(count: int = 600, distinct: int = 200) -> TrainingData:
    """Rows whose first input is the number of their original: three copies of each, mixed."""
    original = np.random.default_rng(7).permutation(np.arange(count) % distinct)
    x = np.stack([original, np.ones(count)], axis=1).astype(np.float32)
    first = np.unique(original, return_index=True)[1]
    return TrainingData(x, original % 2, None, 2, copies=first[original])


def are_disjoint(parts: Sequence[Array]) -> bool:
    """Whether no original is in two of the parts."""
    originals = [np.unique(part) for part in parts]
    return len(np.unique(np.concatenate(originals))) == sum(map(len, originals))


@given(st.integers(1, 50), st.integers(2, 5), st.integers(0, 99))
def test_random_parts_keep_copies_together_and_are_alike_in_size(units: int, parts: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    copies = np.repeat(np.arange(units) * 2, 2)
    part = random_parts(2 * units, parts, rng, copies)
    assert (part[::2] == part[1::2]).all() or 2 * units < 2 * parts
    sizes = np.bincount(part, minlength=parts)
    assert sizes.max() - sizes.min() <= 2
    assert np.array_equal(
        random_parts(9, 2, np.random.default_rng(1), None), np.random.default_rng(1).permutation(9) % 2
    )


def test_copies_among_some_rows_are_counted_among_them() -> None:
    copies = np.array([0, 1, 0, 3, 1, 0])
    assert copies_among(np.array([2, 3, 4, 5]), copies).tolist() == [0, 1, 2, 0]  # type: ignore[union-attr]
    assert copies_among(np.array([2, 3]), None) is None


def test_a_row_does_not_choose_the_epoch_that_predicts_its_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[CrossFittedOutputs] = []

    class Recording(CrossFittedOutputs):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            fitted.append(self)

    monkeypatch.setattr(members, "CrossFittedOutputs", Recording)
    data, plan = numbered(), preset_hyperparameters("fast", CLASSES, 600, 2)._replace(epochs=1, width=4, layers=1)
    holdout = np.flatnonzero(data.x[:, 0] < 60)
    members.MemberRun(data, holdout, plan, 0, Metric("auto", ClassTarget("y", ["a", "b"]))).train(lambda: None)
    (halves,) = [[data.x[holdout, 0][rows] for rows in each.rows] for each in fitted]
    assert are_disjoint(halves) and [len(half) for half in halves] == [90, 90]


@pytest.mark.parametrize("classes", [True, False])
def test_what_is_fitted_after_the_members_leaves_copies_together(
    classes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: list[Array] = []
    data = numbered(3000, 1000)
    if classes:
        fit = Isotonic.fit.__func__  # type: ignore[attr-defined]

        def record(cls: Any, p: Array, labels: Array, weights: Array) -> Isotonic:
            parts.append(p[:, 1])
            return fit(cls, p, labels, weights)  # type: ignore[no-any-return]

        monkeypatch.setattr(Isotonic, "fit", classmethod(record))
    else:
        learn = Difficulty.fit.__func__  # type: ignore[attr-defined]

        def note(cls: Any, x: Array, predictions: Array, errors: Array) -> Difficulty:
            parts.append(x[:, 0])
            return learn(cls, x, predictions, errors)  # type: ignore[no-any-return]

        monkeypatch.setattr(Difficulty, "fit", classmethod(note))
        data = replace(data, y=np.random.default_rng(1).normal(size=(3000, 1)), outputs=1)
    first, second = data.x[:, 0] < 450, (data.x[:, 0] >= 450) & (data.x[:, 0] < 900)  # others were left out by none
    p = (0.1 + 0.8 * data.x[:, :1].astype(float) / 1000) if classes else np.zeros((3000, 1))
    outputs = np.hstack([1 - p, p]) if classes else p
    left_out: Any = [
        Member(None, np.flatnonzero(part), 1, 0.0, outputs[part])  # type: ignore[arg-type]
        for part in (first, second)
    ]
    Refinement.fit(FittedMembers(left_out, data, linear=False))
    if classes:
        originals = [np.unique(part) for part in parts[:5]]
        assert len(originals) == 5 and all(len(part) < 810 for part in originals), "a fifth is missing from each"
        assert sum(map(len, originals)) == 4 * 900
    else:
        assert len(parts) == 2 and are_disjoint(parts)


def test_intervals_of_rows_without_copies_are_as_ever() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 2)), rng.normal(size=(400, 1))
    plain, looked = (Intervals.fit(x, 0 * y, y, copies) for copies in (None, np.arange(400)))
    assert np.array_equal(plain.outputs[0].scores, looked.outputs[0].scores)
