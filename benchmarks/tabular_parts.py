"""What each part of the default preset of the tabular estimators is worth.

Each variant leaves out one part of the preset or exchanges it, and fits six public tables on 3 splits with 3 seeds:

    python -m benchmarks.tabular_parts ../shared/data/tables --out parts.csv
    python -m benchmarks.tabular_parts ../shared/data/tables --out parts.csv --summary

The folder has a .csv.gz and a .json with its target, task and categories per table. Fits that are in the file are
not repeated. All fits use one thread; the time is processor time.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from glassnet import TabularClassifier, TabularRegressor
from glassnet.tabular.calibration import Calibration
from glassnet.tabular.hyperparameters import BINS, BOTH, CLASSES, NUMBERS, WAVES, preset_hyperparameters

Array = np.ndarray[Any, Any]
SPLITS, SEEDS = range(3), range(3)
MAX_FITTED, MAX_TESTED = 12_500, 10_000  # rows
SHIFT = 0.01  # added to both losses of a ratio, so that no table with a tiny loss decides
DEFAULT = "the default preset"
HARDEST = "letter"  # 26 classes: it differs most between variants
PARTS: dict[str, dict[str, Any]] = {
    DEFAULT: {},
    "all four networks get waves and 8 bins": {"views": (BOTH,)},
    "all four get 16 bins": {"views": (BINS,)},
    "all four get waves": {"views": (WAVES,)},
    "all four get the numbers alone": {"views": ({},)},
    "one network": {"members": 1},
    "two networks": {"members": 2},
    "eight networks": {"members": 8},
    "no linear model beside the networks": {"linear": False},
    "no embeddings of categories": {"max_one_hot": None},
    "no scaling layer": {"scaling": False},
    "no label smoothing": {"label_smoothing": 0.0},
    "hidden biases start at 0": {"random_biases": False},
    "the last layer starts like the others": {"zero_output": False},
    "predicted numbers are not clipped": {"clip_output": False},
    "weights are drawn by their effect on the rows": {"from_data": True},
    "activations with learnt slopes": {"parametric": True},
    "β2 = .999": {"beta2": 0.999},
    "one falling rate (flat_cos) instead of coslog4": {"schedule": "flat_cos"},
    "weight decay .02": {"decay": 0.02},
    "dropout .1": {"dropout": 0.1},
    "ReLU instead of SELU and Mish": {"activation": "relu"},
    "a quarter of the rows left out instead of a fifth": {"holdout": 0.25},
}
CALIBRATIONS: dict[str, dict[str, Any]] = {  # of the default's own models
    "no temperature and no isotonic steps": {"temperature": 1.0, "isotonic": None},
    "no isotonic steps": {"isotonic": None},
}


class Fit(NamedTuple):
    """The loss of one fit on the test rows: 1 − accuracy or RMSE / σ; its log-loss; its seconds of processor time."""

    variant: str
    table: str
    split: int
    seed: int
    loss: float
    log_loss: float
    seconds: float

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What makes it the only one of its kind."""
        return self[:4]


class Split(NamedTuple):
    """One division of a table's rows."""

    task: str
    fitted: pd.DataFrame
    y: Array
    tested: pd.DataFrame
    test_y: Array


def read_split(description: Path, number: int) -> Split:
    """Divide a table: a fifth of its rows is tested, and at most 12,500 of the others are fitted."""
    document = json.loads(description.read_text())
    task = NUMBERS if document["task"] == "regression" else CLASSES
    texts = document["categorical"] + ([document["target"]] if task == CLASSES else [])
    table = pd.read_csv(
        description.with_suffix(".csv.gz"), dtype=dict.fromkeys(texts, str), keep_default_na=False, na_values=[""]
    )
    y = table.pop(document["target"]).to_numpy()
    classes = y if task == CLASSES else None
    fitted, tested = train_test_split(np.arange(len(y)), test_size=0.2, random_state=1000 + number, stratify=classes)
    fitted = at_most(MAX_FITTED, fitted, classes, 2000 + number)
    tested = at_most(MAX_TESTED, tested, classes, 3000 + number)
    return Split(task, table.iloc[fitted], y[fitted], table.iloc[tested], y[tested])


def at_most(count: int, rows: Array, classes: Array | None, seed: int) -> Array:
    """Draw at most so many of the rows, by class where there are classes."""
    if len(rows) <= count:
        return rows
    stratify = None if classes is None else classes[rows]
    return np.asarray(train_test_split(rows, train_size=count, random_state=seed, stratify=stratify)[0])


def fits(variant: str, table: str, split: int, seed: int, rows: Split) -> Iterator[Fit]:
    """Fit one variant; the default's model is also scored without its calibration."""
    kind = TabularRegressor if rows.task == NUMBERS else TabularClassifier
    preset = preset_hyperparameters("default", rows.task, len(rows.y), rows.fitted.shape[1])
    model = kind(random_state=seed, n_jobs=1)
    model._hyperparameters = preset._replace(**PARTS[variant])
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(rows.fitted, rows.y)
    seconds = time.process_time() - started
    yield Fit(variant, table, split, seed, *losses(model, rows), seconds)
    if variant == DEFAULT and rows.task == CLASSES:
        fitted = model.model_
        for name, changes in CALIBRATIONS.items():
            model.model_ = replace(fitted, calibration=replace(fitted.calibration or Calibration(), **changes))
            yield Fit(name, table, split, seed, *losses(model, rows), seconds)


def losses(model: Any, rows: Split) -> tuple[float, float]:
    """The loss and the log-loss (NaN for numbers) of a model on the test rows."""
    if rows.task == NUMBERS:
        error = model.predict(rows.tested) - rows.test_y
        return float(np.sqrt(np.mean(error**2)) / np.std(rows.test_y)), float("nan")
    probabilities = model.predict_proba(rows.tested)
    wrong = model.classes_[probabilities.argmax(axis=1)] != rows.test_y
    return float(wrong.mean()), float(log_loss(rows.test_y, probabilities, labels=model.classes_))


def read(path: Path) -> list[Fit]:
    """Read the fits that are done."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        types = (str, str, int, int, float, float, float)
        return [Fit(*(kind(cell) for kind, cell in zip(types, row, strict=True))) for row in csv.reader(file)]


def run(folder: Path, out: Path, variants: list[str]) -> None:
    """Fit what is missing, and append each result to the file."""
    done = {fit.key for fit in read(out)}
    for variant, split, table in product(variants, SPLITS, sorted(folder.glob("*.json"))):
        missing = [seed for seed in SEEDS if (variant, table.stem, split, seed) not in done]
        if not missing:
            continue
        rows = read_split(table, split)
        for seed in missing:
            with out.open("a", newline="") as file:
                csv.writer(file).writerows(fits(variant, table.stem, split, seed, rows))


def ratios(variant: list[Fit], default: dict[tuple[str, int, int], Fit], measure: str) -> tuple[float, float]:
    """The ratio of a variant's loss to the default's on the same rows and seed, and its standard error.

    It is a geometric mean over the tables for each split and seed, and then over these.
    """
    logarithms: dict[tuple[int, int], list[float]] = {}
    for fit in variant:
        ours, other = (getattr(each, measure) for each in (fit, default[fit.key[1:]]))
        if np.isfinite(ours):
            logarithms.setdefault((fit.split, fit.seed), []).append(np.log((ours + SHIFT) / (other + SHIFT)))
    means = [np.mean(each) for each in logarithms.values()]
    if not means:
        return float("nan"), float("nan")
    return float(np.exp(np.mean(means))), float(np.std(means, ddof=1) / np.sqrt(len(means)))


def summary(results: list[Fit]) -> Iterator[str]:
    """Lines of a Markdown table: one row per variant whose fits are all done."""
    default = {fit.key[1:]: fit for fit in results if fit.variant == DEFAULT}
    yield f"| the default preset, but | loss / default's | without {HARDEST} | log-loss / default's | CPU s |"
    yield "|---|---|---|---|---|"
    yield f"| {DEFAULT} | 1 | 1 | 1 | {sum(fit.seconds for fit in default.values()) / len(SPLITS) / len(SEEDS):.0f} |"
    for name in [*PARTS, *CALIBRATIONS][1:]:
        fitted = [fit for fit in results if fit.variant == name and fit.key[1:] in default]
        tables = {fit.table for fit in fitted if name not in CALIBRATIONS} or {""}
        if len(fitted) < len(tables) * len(SPLITS) * len(SEEDS):
            continue
        others = [fit for fit in fitted if fit.table != HARDEST]
        cells = (ratios(fitted, default, "loss"), ratios(others, default, "loss"), ratios(fitted, default, "log_loss"))
        seconds = f"{sum(fit.seconds for fit in fitted) / len(SPLITS) / len(SEEDS):.0f} " if name in PARTS else ""
        yield f"| {name} | {' | '.join(_shown(*cell) for cell in cells)} | {seconds}|"


def _shown(ratio: float, error: float) -> str:
    return " ± ".join(f"{number:.3f}".removeprefix("0") for number in (ratio, error)) if np.isfinite(ratio) else ""


def main() -> None:
    """Fit what is missing in the file, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("parts.csv"))
    parser.add_argument("--summary", action="store_true", help="fit nothing")
    parser.add_argument("--variants", default=",".join(map(str, range(len(PARTS)))), help="their numbers, from 0")
    options = parser.parse_args()
    if not options.summary:
        run(options.folder, options.out, [list(PARTS)[int(number)] for number in options.variants.split(",")])
    print("\n".join(summary(read(options.out))))


if __name__ == "__main__":
    main()
