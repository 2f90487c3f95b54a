"""What the command says of a poor training: the cause, in the command's own options, with the table's own names."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from .test_cli import run


def written(path: Path, columns: dict[str, Any]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def trained(path: Path, target: str, *options: Any) -> tuple[str, str, str]:
    """What train (of a plain network, as one of its options is given), diagnose MODEL and diagnose MODEL FILE print."""
    model = path.with_suffix(".model")
    text = run("train", path, "--target", target, "--out", model, "--validation", 0.2, "--quiet", *options)
    return text, run("diagnose", model), run("diagnose", model, path)


def disc(tmp_path: Path) -> Path:
    x = np.random.default_rng(0).standard_normal((300, 2))
    where = np.where(np.square(x).sum(axis=1) < 1.2, "inside", "outside")
    return written(tmp_path / "disc.csv", {"a": 1000 * x[:, 0], "b": x[:, 1], "where": where})


def test_a_missing_hidden_layer_is_an_option(tmp_path: Path) -> None:
    for text in trained(disc(tmp_path), "where", "--hidden", "0", "--epochs", "60"):
        assert "o better than a linear model: the network has no hidden layer" in text and "--hidden 32" in text
        assert "StandardScaler" not in text and "unscaled" not in text


def test_a_low_rate_is_an_option(tmp_path: Path) -> None:
    """Also under a schedule, whose last rate is not the one that was asked for."""
    for text in trained(disc(tmp_path), "where", "--lr", "1e-6"):
        assert "ate too low: " in text and "--lr 1e-05, ten times larger, or many more epochs (--epochs 200)" in text


def test_rows_of_dates_are_no_duplicates(tmp_path: Path) -> None:
    """A date is read as one; of texts that are mostly new, most rows look the same and none repeats another."""
    days = [(date(2020, 1, 1) + timedelta(number)).strftime("%d.%m.%Y") for number in range(400)]
    sales = 100 + 10 * np.sin(np.arange(400) / 20)
    for text in trained(written(tmp_path / "dates.csv", {"day": days, "sales": sales}), "sales"):
        assert "exts without an input" not in text and "duplicate" not in text
    names = [f"name {number}" for number in range(400)]
    train, _, whole = trained(written(tmp_path / "names.csv", {"name": names, "sales": sales}), "sales")
    for text in (train, whole):
        assert "exts without an input: " in text and "duplicate" not in text
    assert "300 of the 400 rows look the same" in whole


def test_rows_that_occur_twice_in_the_table_are_duplicates(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal(100).repeat(2)
    _, _, whole = trained(written(tmp_path / "twice.csv", {"x": x, "y": 2 * x}), "y")
    assert "duplicate rows: 50 % of the 200 rows" in whole and "sample_weight" not in whole


def test_classes_have_their_names(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    bought = np.where(np.arange(500) % 100 == 0, "yes", "no")
    columns = {"income": rng.normal(30000, 8000, 500) + 40000 * (bought == "yes"), "bought": bought}
    _, _, whole = trained(written(tmp_path / "rare.csv", columns), "bought")
    assert "imbalance: class 'yes' has 5 rows of 500, class 'no' 495; always answering class 'no' is right" in whole


def test_rare_categories_are_no_unscaled_columns(tmp_path: Path) -> None:
    """A table that the command has standardised is not told to standardise it."""
    rng = np.random.default_rng(0)
    city = ["here" if number % 200 else f"place {number}" for number in range(4000)]
    x = rng.standard_normal(4000)
    path = written(tmp_path / "cities.csv", {"x": x, "city": city, "y": x + (np.arange(4000) % 200 == 0)})
    for text in trained(path, "y", "--epochs", "5"):
        assert "unscaled" not in text.lower()


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_a_healthy_table_has_no_finding(name: str, tmp_path: Path) -> None:
    bunch = getattr(datasets, f"load_{name}")()
    names = dict(enumerate(getattr(bunch, "target_names", ())))
    columns = {f"x{number}": column for number, column in enumerate(bunch.data.T)}
    path = written(tmp_path / f"{name}.csv", columns | {"y": [names.get(value, value) for value in bunch.target]})
    train, run_alone, whole = trained(path, "y")
    assert "Finding" not in train and run_alone.startswith("no findings") and "\nno findings" in whole, train + whole
