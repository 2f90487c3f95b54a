"""Numbers and levels as scikit-learn's RobustScaler and OneHotEncoder make them, with the smooth clip behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.preprocessing import OneHotEncoder, RobustScaler

from glassnet.data.preprocessing import TablePreparation
from glassnet.data.robust_number import FULL
from glassnet.data.table import Table
from glassnet.data.tabular_encodings import tabular_encodings

RNG = np.random.default_rng(11)
ROWS = 301
NUMBERS = {
    "normal": RNG.normal(5, 2, ROWS),
    "skewed": np.exp(RNG.normal(0, 3, ROWS)),
    "far": RNG.standard_cauchy(ROWS) * 1e6,
    "tied": RNG.integers(0, 4, ROWS) * 1.0,
    "small": RNG.normal(size=ROWS) * 1e-9 + 1,
}


def smooth_clip(x: Any) -> Any:
    return x / np.sqrt(1 + (x / 3) ** 2)


def prepared(columns: dict[str, Any], training: Any) -> tuple[TablePreparation, Any]:
    table = Table("t", pa.table(columns))
    preparation = TablePreparation.fit(table, "", training, encodings=tabular_encodings())
    return preparation, preparation.transform(table)


@pytest.mark.parametrize(
    "training", [np.arange(ROWS), np.arange(0, ROWS, 2), np.arange(40)], ids=["all", "half", "few"]
)
def test_numbers_are_those_of_robust_scaler(training: Any) -> None:
    columns = np.array(list(NUMBERS.values())).T
    scaler = RobustScaler(quantile_range=(25, 75)).fit(columns[training])
    assert (np.subtract(*np.quantile(columns[training], [0.75, 0.25], axis=0)) > 0).all()  # else RobustScaler differs
    _, x = prepared(NUMBERS, training)
    np.testing.assert_allclose(x, smooth_clip(scaler.transform(columns)), rtol=2e-6, atol=2e-6)


def test_missing_numbers_are_ignored_by_both() -> None:
    column = NUMBERS["normal"].copy()
    column[::5] = np.nan
    preparation, x = prepared({"n": column}, np.arange(ROWS))
    scaled = RobustScaler().fit_transform(column[:, np.newaxis])[:, 0]
    np.testing.assert_allclose(x[:, 0], np.where(np.isnan(scaled), 0, smooth_clip(scaled)), rtol=2e-6, atol=2e-6)
    assert preparation.features == ["n", "n is missing"]


def test_levels_are_those_of_one_hot_encoder() -> None:
    towns = np.array([f"town {k}" for k in RNG.integers(0, 12, ROWS)], object)
    peer = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(towns[:200, np.newaxis])
    preparation, x = prepared({"town": towns}, np.arange(200))
    order = [preparation.features.index(f"town = {level}") for level in peer.categories_[0]]
    np.testing.assert_array_equal(x[:, order], peer.transform(towns[:, np.newaxis]) * np.float32(FULL))
