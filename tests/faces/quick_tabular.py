"""Tabular estimators that train for a moment: the ordinary ones, but small; and a table of raw columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from glassnet import TabularClassifier, TabularRegressor
from glassnet.tabular.hyperparameters import CLASSES, NUMBERS, Hyperparameters, preset_hyperparameters

SMALL = {"members": 2, "holdout": 0.5, "epochs": 12, "width": 24, "layers": 2}  # each row is left out once


def small_hyperparameters(task: str, **changes: Any) -> Hyperparameters:
    """Hyperparameters with which a network trains in a tenth of a second on some hundred rows."""
    return preset_hyperparameters("fast", task, rows=300, features=5)._replace(**SMALL | changes)


class QuickClassifier(TabularClassifier):
    """TabularClassifier with small hyperparameters."""

    _hyperparameters = small_hyperparameters(CLASSES)


class QuickRegressor(TabularRegressor):
    """TabularRegressor with small hyperparameters."""

    _hyperparameters = small_hyperparameters(NUMBERS)


def frame(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """Numbers with gaps, a category, dates and a row counter."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=rows)
    return pd.DataFrame(
        {
            "size": size,
            "colour": rng.choice(["red", "green", "blue"], rows),
            "when": pd.date_range("2020-01-01", periods=rows),
            "weight": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)),
            "row": np.arange(rows),
        }
    )


def classes_of(table: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Classes that the columns tell, "yes" and "no"."""
    return np.where(table["size"] + (table["colour"] == "red") > 0.3, "yes", "no")


def numbers_of(table: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Numbers that the columns tell."""
    return (3 * table["size"] + 2 * (table["colour"] == "red") + table["weight"].fillna(0) + 100).to_numpy()
