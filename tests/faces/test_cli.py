"""The command line from outside: train, predict, evaluate, show, check, diagnose, demo, and what they refuse."""

from __future__ import annotations

import csv
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from typer.testing import CliRunner

from glassnet.cli import confusion
from glassnet.cli.app import app
from glassnet.cli.dataset import split
from glassnet.cli.demo import program_name
from glassnet.cli.spreadsheet import escape_formulas
from glassnet.cli.stored_model import load_model
from glassnet.data.preprocessing import ArrayPreparation
from glassnet.data.target import NumberTarget
from glassnet.errors import DataError
from glassnet.files.checkpoint import write_checkpoint
from glassnet.files.storage import read_tensors
from glassnet.network import NeuralNetwork
from glassnet.tables.activations import ACTIVATIONS
from glassnet.tables.costs import COSTS
from glassnet.tables.optimizers import OPTIMIZERS
from glassnet.tables.schedules import SCHEDULES
from glassnet.tabular.member import Member
from glassnet.tabular.model import TabularModel

QUICK = ["--hidden", "16", "--epochs", "40", "--lr", "0.02", "--quiet"]
PROGRAM = [sys.executable, "-m", "glassnet"]


def run(*arguments: Any) -> str:
    """Run a command that must succeed, and return what it prints on stdout."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: Any) -> str:
    """Run a command that must be refused, and return the one sentence on stderr."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("glassnet: ") and result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    return result.stderr.removeprefix("glassnet: ").strip()


def people(count: int, seed: int = 0) -> dict[str, list[Any]]:
    """Make a table with numbers, missing cells, text, booleans, and three targets that depend on them."""
    rng = np.random.default_rng(seed)
    age, height = rng.uniform(10, 80, count), rng.normal(170, 10, count)
    town, member = rng.choice(["Aa", "Bb", "Cc"], count), rng.random(count) < 0.5
    risk = (age > 40) ^ (town == "Bb")
    return {
        "age": age.round(1).tolist(),
        "height": [None if k % 11 == 3 else round(float(h), 1) for k, h in enumerate(height)],
        "town": town.tolist(),
        "member": member.tolist(),
        "risk": np.where(risk, "high", "low").tolist(),
        "group": (1 + (age > 30) + (age > 55)).tolist(),
        "price": (1000 + 50 * age + 300 * member).round(2).tolist(),
    }


def write_csv(path: Path, columns: dict[str, list[Any]], without: tuple[str, ...] = ()) -> Path:
    names = [name for name in columns if name not in without]
    cells = {bool: lambda v: str(v).lower(), type(None): lambda v: ""}
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in zip(*(columns[name] for name in names), strict=True):
            writer.writerow([cells.get(type(value), str)(value) for value in row])
    return path


TARGETS = ("risk", "group", "price")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a training table and a model for each target, and a table to predict."""
    path = tmp_path_factory.mktemp("cli")
    for target in TARGETS:
        others = tuple(other for other in TARGETS if other != target)
        write_csv(path / f"{target}.csv", people(400), others)
        with np.errstate(all="warn"):
            run("train", path / f"{target}.csv", "--target", target, "--out", path / f"{target}.st", *QUICK)
    write_csv(path / "new.csv", people(60, seed=1), TARGETS)
    return path


# Commands that succeed


def test_training_prints_what_it_does(folder: Path, tmp_path: Path) -> None:
    arguments = ["--target", "risk", "--out", tmp_path / "m", "--plots", tmp_path / "p"]
    output = run("train", folder / "risk.csv", *arguments, *QUICK)
    assert "400 rows" in output
    assert "classification of 'risk', 2 classes (the target is text; --task overrides)" in output
    assert "2 numbers standardised, 2 categories one-hot encoded, 1 with missing cells" in output
    assert "320 rows; 80 for validation" in output
    accuracy = re.search(r"Validation  accuracy ([\d.]+)%", output)
    assert accuracy and float(accuracy[1]) > 90
    assert (tmp_path / "p" / "cost.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_file(folder: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        run("train", folder / "risk.csv", "--target", "risk", "--out", tmp_path / name, "--seed", seed, *QUICK)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != (tmp_path / "c").read_bytes()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_predictions_are_right_and_in_order(folder: Path, tmp_path: Path, target: str, kind: str) -> None:
    out = tmp_path / f"out.{kind}"
    run("predict", folder / f"{target}.st", folder / "new.csv", "--out", out)
    table = pq.read_table(out) if kind == "parquet" else pa.csv.read_csv(out)
    predicted, true = table.column("prediction").to_pylist(), people(60, seed=1)[target]
    assert table.column_names == ["prediction"] and len(predicted) == 60
    assert {type(value) for value in predicted} == {type(true[0])}
    if target == "price":
        assert r2_score(true, predicted) > 0.95
    else:
        assert accuracy_score(true, predicted) > 0.9


def test_probabilities(folder: Path, tmp_path: Path) -> None:
    run("predict", folder / "group.st", folder / "new.csv", "--out", tmp_path / "p.csv", "--proba")
    run("predict", folder / "group.st", folder / "new.csv", "--out", tmp_path / "c.csv")
    table = pa.csv.read_csv(tmp_path / "p.csv")
    assert table.column_names == ["prediction", "p_1", "p_2", "p_3"]
    shares = np.column_stack([column.to_numpy() for column in table.columns[1:]])
    np.testing.assert_array_equal(shares.argmax(axis=1) + 1, table.column("prediction").to_numpy())
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    predicted = pa.csv.read_csv(tmp_path / "c.csv").column("prediction").to_numpy()
    np.testing.assert_array_equal(shares.argmax(axis=1) + 1, predicted)


def test_predict_ignores_column_order_extra_columns_and_file_format(folder: Path, tmp_path: Path) -> None:
    columns = people(60, seed=1)
    mixed = {"extra": [None] * 60, **dict(reversed(columns.items()))}
    pq.write_table(pa.table(mixed), tmp_path / "new.parquet")
    run("predict", folder / "risk.st", tmp_path / "new.parquet", "--out", tmp_path / "a.csv", "--proba")
    run("predict", folder / "risk.st", folder / "new.csv", "--out", tmp_path / "b.csv", "--proba")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def shown_scores(output: str) -> dict[str, list[float]]:
    """The scores that evaluate and train print, by name: the model's first, the constant's last."""
    shown = output.split("Constant ")[0]
    rows = re.findall(r"^ *(\S.*?) {2,}([-\d.e+]+%?(?: {2,}[-\d.e+]+%?)*)$", shown, re.MULTILINE)
    return {
        name: [float(cell.rstrip("%")) / (100 if "%" in cell else 1) for cell in cells.split()] for name, cells in rows
    }


def class_scores_of_sklearn(true: Any, shares: Any) -> dict[str, float]:
    classes = np.unique(true)
    predicted = classes[shares.argmax(axis=1)]
    shares = shares / shares.sum(axis=1, keepdims=True, dtype=float)
    ranked = shares[:, 1] if len(classes) == 2 else shares
    return {
        "accuracy": accuracy_score(true, predicted),
        "balanced accuracy": balanced_accuracy_score(true, predicted),
        "F1 (macro)": f1_score(true, predicted, average="macro", zero_division=0),
        "AUC": roc_auc_score(true, ranked, multi_class="ovr"),
        "log-loss": log_loss(true, shares),
    }


@pytest.mark.parametrize("target", ["risk", "group"])
def test_evaluate_classes_as_scikit_learn_does(folder: Path, tmp_path: Path, target: str) -> None:
    true, training = np.array(people(60, seed=1)[target]), people(400)[target]
    write_csv(tmp_path / "known.csv", people(60, seed=1))
    output = run("evaluate", folder / f"{target}.st", tmp_path / "known.csv")
    run("predict", folder / f"{target}.st", folder / "new.csv", "--out", tmp_path / "p.parquet", "--proba")
    shares = np.column_stack([column.to_numpy() for column in pq.read_table(tmp_path / "p.parquet").columns[1:]])
    expected = class_scores_of_sklearn(true, shares)
    scores = shown_scores(output)
    assert {name: values[0] for name, values in scores.items()} == pytest.approx(expected, abs=1e-4)
    frequencies = np.bincount(np.unique(training, return_inverse=True)[1]) / 400
    constant = class_scores_of_sklearn(true, np.tile(frequencies, (60, 1)))
    assert {name: values[1] for name, values in scores.items()} == pytest.approx(constant, abs=2e-2)
    table = [[int(k) for k in line.split()[1:]] for line in output.splitlines()[-len(frequencies) :]]
    np.testing.assert_array_equal(table, confusion_matrix(true, np.unique(true)[shares.argmax(axis=1)]))


def test_evaluate_quantities_as_scikit_learn_does(folder: Path, tmp_path: Path) -> None:
    write_csv(tmp_path / "known.csv", people(60, seed=1))
    output = run("evaluate", folder / "price.st", tmp_path / "known.csv")
    run("predict", folder / "price.st", folder / "new.csv", "--out", tmp_path / "p.parquet")
    true, predicted = people(60, seed=1)["price"], pq.read_table(tmp_path / "p.parquet").column("prediction").to_numpy()
    mean = re.search(r"always ([\d.]+), the mean", output)
    assert mean and float(mean[1]) == pytest.approx(np.mean(people(400)["price"]), rel=0.02)
    for name, measure in (("RMSE", root_mean_squared_error), ("MAE", mean_absolute_error), ("R²", r2_score)):
        expected = [measure(true, predicted), measure(true, np.full(60, float(mean[1])))]
        assert shown_scores(output)[name] == pytest.approx(expected, rel=2e-4, abs=1e-4)


def test_a_score_that_is_not_defined_is_left_out_with_its_reason(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "group.csv").read_text().splitlines(keepends=True)
    (tmp_path / "one.csv").write_text("".join(lines[:2]))
    output = run("evaluate", folder / "group.st", tmp_path / "one.csv")
    assert "AUC" not in shown_scores(output)
    assert "no AUC: 2 of the 3 classes have no rows here" in output
    (tmp_path / "price.csv").write_text("".join((folder / "price.csv").read_text().splitlines(keepends=True)[:2]))
    output = run("evaluate", folder / "price.st", tmp_path / "price.csv")
    assert "no R²: these rows have a single target value" in output and "RMSE" in shown_scores(output)


def test_a_model_no_better_than_the_constant_is_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    write_csv(tmp_path / "d.csv", {"a": rng.normal(size=60).tolist(), "y": rng.normal(size=60).tolist()})
    run("train", tmp_path / "d.csv", "--target", "y", "--out", tmp_path / "m", *QUICK)
    write_csv(tmp_path / "new.csv", {"a": rng.normal(size=60).tolist(), "y": rng.normal(size=60).tolist()})
    assert "the model is no better than the constant" in run("evaluate", tmp_path / "m", tmp_path / "new.csv")


def test_columns_of_the_file_go_along_with_the_predictions(folder: Path, tmp_path: Path) -> None:
    columns = {"id": [f"0{k}" for k in range(20)], "note": ["-5", "=1+1", "+", "-"] * 5, "a, b": ["-1.5e3"] * 20}
    write_csv(tmp_path / "new.csv", columns | people(20))
    arguments = "predict", folder / "risk.st", tmp_path / "new.csv", "--keep", "note,id", "--keep", "a, b", "--out"
    run(*arguments, tmp_path / "p.csv")
    rows = list(csv.reader((tmp_path / "p.csv").read_text().splitlines()))
    assert rows[0] == ["note", "id", "a, b", "prediction"]
    assert rows[1:] == [
        [("'" if note == "=1+1" else "") + note, number, "-1.5e3", row[-1]]
        for note, number, row in zip(columns["note"], columns["id"], rows[1:], strict=True)
    ]
    run(*arguments, tmp_path / "p.parquet", "--proba")
    assert pq.read_table(tmp_path / "p.parquet").column("note").to_pylist() == columns["note"]


def test_predictions_on_stdout_are_the_bytes_of_the_file(folder: Path, tmp_path: Path) -> None:
    arguments = "predict", folder / "risk.st", folder / "new.csv", "--proba", "--keep", "town", "--out"
    run(*arguments, tmp_path / "p.csv")
    result = CliRunner().invoke(app, list(map(str, [*arguments, "-"])))
    assert result.stdout_bytes == (tmp_path / "p.csv").read_bytes()
    assert "60 predictions" in result.stderr


def test_show(folder: Path) -> None:
    output = run("show", folder / "risk.st")
    for part in ("z1 = W1·a0 + b1", "W, b ← adam(lr)", "w1       16 × 8", "town = Bb", "classes high, low"):
        assert part in output
    assert "risk.csv" in output and str(folder) not in output


@pytest.mark.parametrize("target", TARGETS)
def test_check_and_diagnose(folder: Path, target: str) -> None:
    assert "every gradient agrees" in run("check", folder / f"{target}.st", folder / f"{target}.csv")
    output = run("diagnose", folder / f"{target}.st", folder / f"{target}.csv")
    assert re.search(r"rows of .*csv\n(no|\d+) findings? in \d layers, \d+ epochs, [\d,]+ samples", output)
    assert re.search(r"^(no|\d+) findings? in \d layers, \d+ epochs\n", run("diagnose", folder / f"{target}.st"))


def test_a_diagnosis_from_the_model_file_alone(folder: Path, tmp_path: Path) -> None:
    arguments = ["--target", "risk", "--out", tmp_path / "m", "--lr", "1e-5", "--schedule", "constant", "--quiet"]
    run("train", folder / "risk.csv", *arguments, "--epochs", "10")
    output = run("diagnose", tmp_path / "m")
    assert output.startswith("1 finding in 3 layers, 10 epochs\n\nrate too low: the cost fell in")
    assert "--lr 0.0001, ten times larger" in output
    NeuralNetwork([2, 3, 1], seed=0).save(tmp_path / "untrained")
    assert refused("diagnose", tmp_path / "untrained").endswith(f"glassnet diagnose {tmp_path / 'untrained'} FILE.")


@pytest.mark.parametrize(
    ("target", "cost"),
    [
        *(("risk", name) for name in ("quadratic", "binary_cross_entropy", "categorical_cross_entropy", "huber")),
        *(("group", name) for name in ("quadratic", "binary_cross_entropy", "categorical_cross_entropy", "quantile")),
        *(("price", name) for name in ("quadratic", "absolute", "huber", "quantile", "poisson")),
    ],
)
def test_every_cost_trains_scores_and_checks(folder: Path, tmp_path: Path, target: str, cost: str) -> None:
    arguments = ["--target", target, "--out", tmp_path / "m", "--cost", cost, "--activation", "tanh", "--quiet"]
    run("train", folder / f"{target}.csv", *arguments, "--hidden", "8", "--epochs", "2")
    assert read_tensors(tmp_path / "m")[1]["members"][0]["network"]["cost"]["name"] == cost
    run("evaluate", tmp_path / "m", folder / f"{target}.csv")
    run("predict", tmp_path / "m", folder / f"{target}.csv", "--out", tmp_path / "p.csv")
    if cost != "quantile":
        assert "every gradient agrees" in run("check", tmp_path / "m", folder / f"{target}.csv")


def test_npz_without_validation(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    np.savez(tmp_path / "d.npz", x=x, y=np.column_stack([x[:, 0] * 100, x[:, 1]]))
    output = run("train", tmp_path / "d.npz", "--out", tmp_path / "m", *QUICK, "--validation", "0", "--dropout", "0.1")
    assert "none for validation" in output and "the target has 2 columns" in output
    run("predict", tmp_path / "m", tmp_path / "d.npz", "--out", tmp_path / "p.parquet")
    assert pq.read_table(tmp_path / "p.parquet").column_names == ["prediction_1", "prediction_2"]
    r2 = re.search(r"R² +(\S+)", run("evaluate", tmp_path / "m", tmp_path / "d.npz"))
    assert r2 and float(r2[1]) > 0.8
    np.savez(tmp_path / "wide.npz", x=np.zeros((3, 5)))
    assert "5 features; the model was trained on 4" in refused(
        "predict", tmp_path / "m", tmp_path / "wide.npz", "--out", tmp_path / "p.parquet"
    )


def write_idx(folder: Path, part: str, images: Any, labels: Any) -> None:
    for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
        head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        (folder / f"{part}-{kind}-ubyte").write_bytes(head + array.astype(np.uint8).tobytes())


def test_idx_trains_on_train_and_reports_on_t10k(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for part, count in (("train", 300), ("t10k", 70)):
        labels = rng.integers(0, 3, count)
        images = rng.integers(0, 50, (count, 4, 4)) + 200 * (np.arange(4) == labels[:, np.newaxis])[:, :, np.newaxis]
        write_idx(tmp_path, part, images, labels)
    output = run("train", tmp_path, "--out", tmp_path.parent / "m", "--plots", tmp_path.parent / "p", *QUICK)
    assert "300 rows" in output and "16 numbers divided by 255" in output
    assert "t10k-*, 70 rows not used in training" in output
    assert (tmp_path.parent / "p" / "samples.png").exists()
    test = re.search(r"Test +accuracy (\S+)%", output)
    again = re.search(r"accuracy +(\S+)%", run("evaluate", tmp_path.parent / "m", tmp_path))
    assert test and again and test[1] == again[1] and float(test[1]) > 95
    run("predict", tmp_path.parent / "m", tmp_path, "--out", tmp_path.parent / "p.csv")
    assert len((tmp_path.parent / "p.csv").read_text().splitlines()) == 71
    assert "would overwrite the input" in refused("train", tmp_path, "--out", tmp_path / "train-labels-idx1-ubyte")


def test_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["glassnet"])  # the demo names the program as it was started
    output = run("demo", "--out", "a folder")
    accuracy = re.search(r"Test +accuracy (\S+)%", output)
    assert accuracy and float(accuracy[1]) >= 97
    assert "z1 = W1·a0 + b1" in output
    for name in ("model.safetensors", "test.npz", "cost.png", "samples.png"):
        assert f"a folder/{name}" in output and (tmp_path / "a folder" / name).stat().st_size > 1000
    assert "classes 0, 1, 2" in run("show", "a folder/model.safetensors")
    assert re.search(r"findings? in 2 layers, \d+ epochs", run("diagnose", "a folder/model.safetensors"))
    commands = re.findall(r"^  glassnet (.*)$", output.split("Try next")[1], re.MULTILINE)
    outputs = {command.split()[0]: run(*shlex.split(command)) for command in commands}
    assert 3 <= len(outputs) <= 4 and re.search(rf"accuracy +{accuracy[1]}%", outputs["evaluate"])
    mistaken = re.search(r"row (\d+) of", outputs["step"])
    with np.load("a folder/test.npz") as digits:
        assert digits["x"].shape[1:] == (8, 8) and mistaken and 1 <= int(mistaken[1]) <= len(digits["y"])


@pytest.mark.parametrize(
    ("started", "on_path", "expected"),
    [
        ("/usr/bin/glassnet", "/usr/bin/glassnet", "glassnet"),
        (".venv/bin/glassnet", "/usr/bin/glassnet", ".venv/bin/glassnet"),
        ("/my tools/glassnet", None, "'/my tools/glassnet'"),
        ("-c", None, "glassnet"),
    ],
)
def test_the_demo_names_the_program_as_it_was_started(
    started: str, on_path: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [started])
    monkeypatch.setattr("shutil.which", lambda name: on_path)
    assert program_name() == expected


@pytest.mark.data
@pytest.mark.parametrize(("name", "target", "min_accuracy"), [("churn", "churn", 90.0), ("credit", "Status", 75.0)])
def test_real_tables(shared: Path, tmp_path: Path, name: str, target: str, min_accuracy: float) -> None:
    file = shared / "tables" / f"{name}.csv.gz"
    output = run("train", file, "--target", target, "--out", tmp_path / "m", "--quiet", "--epochs", "10")
    accuracy = re.search(r"Validation  accuracy ([\d.]+)%", output)
    assert accuracy and float(accuracy[1]) > min_accuracy
    run("predict", tmp_path / "m", file, "--out", tmp_path / "p.csv")
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 1 + len(pa.csv.read_csv(file))


# Commands that are refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--activation", "rleu"], "activation 'rleu' is unknown. Did you mean 'relu'?"),
        (["--activation", "softmax"], "is for the last layer"),
        (["--optimizer", "adm"], "Did you mean 'adam'?"),
        (["--cost", "quadratc"], "Did you mean 'quadratic'?"),
        (["--cost", "poisson"], "is for counts, but the task is classification"),
        (["--schedule", "cosin"], "Did you mean 'cosine'?"),
        (["--initializer", "hee"], "Did you mean 'he'?"),
        (["--task", "guess"], "Known: auto, classification, regression"),
        (["--task", "regression"], "it must be numbers"),
        (["--batch-size", "0"], "batch_size is 0"),
        (["--batch-size", "-1"], "batch_size is -1"),
        (["--batch-size", "2.5"], "'--batch-size'"),
        (["--lr", "0"], "lr is 0.0"),
        (["--lr", "nan"], "lr is nan"),
        (["--epochs", "0"], "epochs is 0"),
        (["--patience", "0"], "patience is 0"),
        (["--dropout", "1"], "Dropout"),
        (["--l2", "-1"], "l2 is -1.0"),
        (["--hidden", "12,x"], "--hidden is '12,x'"),
        (["--hidden", "0,1"], "at least 1 neuron"),
        (["--validation", "1"], "--validation is 1"),
        (["--validation", "nan"], "--validation is nan"),
        (["--seed", "-1"], "seed is -1"),
        (["--threads", "0"], "threads is 0"),
        (["--bach-size", "3"], "--batch-size"),
        (["--target", "Risk"], "has no column 'Risk'. Did you mean 'risk'?"),
    ],
)
def test_wrong_options(folder: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    old = bytes(8) + b'{"__metadata__":{"glassnet"'  # as a model file begins
    (tmp_path / "m").write_bytes(old)
    target = [] if "--target" in arguments else ["--target", "risk"]
    assert message in refused("train", folder / "risk.csv", "--out", tmp_path / "m", *target, *arguments)
    assert (tmp_path / "m").read_bytes() == old and len(list(tmp_path.iterdir())) == 1


def test_a_batch_larger_than_the_data_is_the_whole_of_it(folder: Path, tmp_path: Path) -> None:
    for size in (320, 10**6):
        arguments = ["--target", "risk", "--out", tmp_path / f"{size}", *QUICK, "--batch-size", size]
        run("train", folder / "risk.csv", *arguments)
        history = load_model(str(tmp_path / f"{size}")).members[0].network.history
        assert history is not None and [report.step for report in history] == list(range(1, 41))
    whole, larger = (read_tensors(tmp_path / name)[0] for name in ("320", "1000000"))
    assert set(whole) == set(larger) and all(np.array_equal(whole[name], larger[name]) for name in whole)


def test_missing_arguments(folder: Path, tmp_path: Path) -> None:
    assert "Missing argument" in refused("train")
    assert "'--out'" in refused("train", folder / "risk.csv")
    assert "Did you mean 'train'? See " in refused("trian")
    message = refused("train", folder / "risk.csv", "--out", tmp_path / "m")
    assert "--target is missing" in message and "Columns: age, height, town, member, risk." in message


def test_inputs_are_not_overwritten(folder: Path, tmp_path: Path) -> None:
    data, model = folder / "risk.csv", folder / "risk.st"
    before = data.read_bytes(), model.read_bytes()
    assert "would overwrite the input" in refused("train", data, "--target", "risk", "--out", data)
    assert "would overwrite the input" in refused("predict", model, data, "--out", data)
    os.link(data, tmp_path / "link.csv")
    assert "would overwrite the input" in refused("predict", model, data, "--out", tmp_path / "link.csv")
    (tmp_path / "soft.csv").symlink_to(data)
    assert "symbolic link" in refused("predict", model, data, "--out", tmp_path / "soft.csv")
    assert "is a file" in refused("train", data, "--target", "risk", "--out", tmp_path / "m", "--plots", data)
    assert (data.read_bytes(), model.read_bytes()) == before and not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("new.csv", "age,height,town\n1,2,Aa\n", "lacks column 'member', which the model was trained on."),
        ("new.csv", "age\n1\n", "lacks 3 columns ('height', 'town', 'member')"),
        ("new.csv", "age,height,town,member\n1,2,Aa,true\nx,2,Aa,true\n", "line 3, column 'age': 'x' is not a number"),
        ("new.csv", "age,height,town,member\n1e41,2,Aa,true\n", "too far outside the range of the training data"),
        ("new.csv", "age,height,town,member\n1,2,Aa\n", "line 2 has 3 cells, but the header has 4"),
        ("new.csv", "", "is empty"),
        ("none", "", "does not exist"),
    ],
)
def test_predict_refuses_and_leaves_the_output(
    folder: Path, tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / "new.csv").write_text(content)
    (tmp_path / "out.csv").write_bytes(b"old")
    file = tmp_path / (name if name != "none" else "none.csv")
    assert message in refused("predict", folder / "risk.st", file, "--out", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == b"old"


def test_other_refusals(folder: Path, tmp_path: Path) -> None:
    new, out = folder / "new.csv", tmp_path / "o.csv"
    assert "has no column 'Age'. Did you mean" in refused(
        "predict", folder / "risk.st", new, "--out", out, "--keep", "Age"
    )
    assert "must end in .csv or .parquet" in refused("predict", folder / "risk.st", new, "--out", tmp_path / "o.txt")
    assert "--proba is for classes" in refused("predict", folder / "price.st", new, "--out", out, "--proba")
    assert "is not a glassnet model file" in refused("predict", new, new, "--out", out)
    assert "there is no folder" in refused("predict", folder / "risk.st", new, "--out", tmp_path / "no" / "o.csv")
    assert "has no column 'risk'" in refused("evaluate", folder / "risk.st", new)
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 2)), y=[0, 1])
    assert "was trained on a table" in refused("evaluate", folder / "risk.st", tmp_path / "x.npz")
    assert "leave --target out" in refused("train", tmp_path / "x.npz", "--target", "y", "--out", tmp_path / "m")
    assert not out.exists()


def test_an_unknown_class_is_named_with_its_line(folder: Path, tmp_path: Path) -> None:
    columns = people(5)
    columns["risk"][3] = "odd"
    write_csv(tmp_path / "d.csv", columns)
    message = refused("evaluate", folder / "risk.st", tmp_path / "d.csv")
    assert (
        message == f"{tmp_path / 'd.csv'} line 5, column 'risk' holds 'odd', which is not among the classes high, low."
    )


def test_negative_counts_are_named_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a,y\n1,3\n2,-4\n")
    arguments = ["--target", "y", "--out", tmp_path / "m", "--cost", "poisson", "--task", "regression"]
    assert "line 3, column 'y' is negative" in refused("train", tmp_path / "d.csv", *arguments)


def test_a_model_file_whose_columns_do_not_fit_its_network(folder: Path, tmp_path: Path) -> None:
    from glassnet.files.storage import write_tensors

    tensors, document = read_tensors(folder / "risk.st")
    document["table"]["preparation"]["columns"].pop()
    write_tensors(tmp_path / "m", tensors, document)
    assert "its columns do not fit its network" in refused("show", tmp_path / "m")
    NeuralNetwork([2, 3, 1], seed=0).save(tmp_path / "m")
    assert "use glassnet train" in refused("show", tmp_path / "m")


# Parts


FORMULAS = [
    "=1+1",
    "+1+1",
    "-A1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\nx",
    "＝1",
    "－1",
    "＋1",
    "＠x",
    "=cmd|' /C calc'!A0",
    "-5-cmd",
]
FORMULAS += ["-\n1", "-5\n", "-1-1"]
SAFE = [
    "a=b",
    "",
    "+",
    "-",
    "-5",
    "+1.2e3",
    "-4,5 %",
    "-1.234,50",
    "-.5",
    "+,25",
    "-inf",
    "a\nb",
    "a\n-",
    "a\n'=1",
    None,
]
INNER = {
    "\n=1": "'\n'=1",
    "+\r=1": "'+\r'=1",
    "a\n=1": "a\n'=1",
    "a\r\n-A1\n@x": "a\r\n'-A1\n'@x",
    "=1\n=2": "'=1\n'=2",
}
INNER |= {"1;\n\n+cmd\n5": "1;\n\n'+cmd\n5"}


def test_formulas_are_escaped_and_numbers_are_left() -> None:
    table = pa.table({"text": [*FORMULAS, *SAFE], "number": np.linspace(-5, 5, len(FORMULAS) + len(SAFE))})
    escaped = escape_formulas(table)
    assert escaped.column("text").to_pylist() == [f"'{cell}" for cell in FORMULAS] + SAFE
    assert escaped.column("number").equals(table.column("number"))
    inner = escape_formulas(pa.table({"=a\n@b": list(INNER), "-": ["x"] * len(INNER), "é": [None] * len(INNER)}))
    assert inner.column_names == ["'=a\n'@b", "-", "é"] and inner.column(0).to_pylist() == list(INNER.values())


def test_columns_that_go_along_are_safe_too(folder: Path, tmp_path: Path) -> None:
    more = {"=name": ["a\n=1+1", "x"], "list": [[1], [2]], "bytes": [b"=1+1", b"x"]}
    pq.write_table(pa.table({**people(2), **more}), tmp_path / "new.parquet")
    arguments = "predict", folder / "risk.st", tmp_path / "new.parquet", "--out", tmp_path / "p.csv", "--keep"
    run(*arguments, "=name")
    assert (tmp_path / "p.csv").read_text().startswith('"\'=name","prediction"\n"a\n\'=1+1",')
    run(*arguments, "=name", "--raw-cells")
    assert (tmp_path / "p.csv").read_text().startswith('"=name","prediction"\n"a\n=1+1",')
    for name in ("list", "bytes"):
        assert f"p.csv cannot hold column '{name}' of type" in refused(*arguments, name)


def test_formulas_as_classes_in_a_csv(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a,y\n" + "".join(f"{k},{'=1+1' if k > 9 else 'b'}\n" for k in range(20)))
    run("train", tmp_path / "d.csv", "--target", "y", "--out", tmp_path / "m", *QUICK)
    for arguments, cell in (([], "'=1+1"), (["--raw-cells"], "=1+1")):
        run("predict", tmp_path / "m", tmp_path / "d.csv", "--out", tmp_path / "p.csv", *arguments)
        assert pa.csv.read_csv(tmp_path / "p.csv").column("prediction")[-1].as_py() == cell


@pytest.mark.parametrize("fraction", [0, 0.001, 0.1, 0.5, 0.9])
def test_a_split_is_stratified_and_complete(fraction: float) -> None:
    classes = np.repeat([0, 1, 2], [100, 60, 40])
    train, validation = split(classes, fraction, 1, classes=True)
    assert sorted([*train, *validation]) == list(range(200))
    assert len(validation) == max(round(200 * fraction), int(fraction > 0))
    if fraction >= 0.1:
        np.testing.assert_allclose(np.bincount(classes[validation]), np.array([100, 60, 40]) * fraction, atol=1)
    other = split(classes, fraction, 2, classes=True)[1]
    assert not np.array_equal(validation, other) or not fraction


def test_the_preparation_is_fitted_on_the_training_rows_only(tmp_path: Path) -> None:
    values = np.arange(50.0)
    write_csv(tmp_path / "d.csv", {"a": values.tolist(), "y": (values * 1.5).tolist()})
    run("train", tmp_path / "d.csv", "--target", "y", "--out", tmp_path / "m", *QUICK, "--seed", "5")
    train, validation = split(values, 0.2, 5, classes=False)
    table = read_tensors(tmp_path / "m")[1]["table"]
    assert len(validation) == 10
    assert table["preparation"]["columns"][0]["encoding"]["mean"] == pytest.approx(values[train].mean())
    assert table["target"]["mean"][0] == pytest.approx(1.5 * values[train].mean())


def test_many_classes_are_listed_by_their_mistakes() -> None:
    table = np.diag(np.full(30, 5))
    names = [f"c{k}" for k in range(30)]
    assert confusion.confusion_text(table, names) == "30 classes, no mistakes"
    table[3, 7] = 4
    assert "4  c3 predicted as c7" in confusion.confusion_text(table, names)


def test_help_lists_every_entry_of_the_tables() -> None:
    output = CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "400"}).stdout
    for name in (*COSTS, *OPTIMIZERS, *SCHEDULES, *(name for name, entry in ACTIVATIONS.items() if entry.elementwise)):
        assert name in output


# The program in a process of its own


def program(*arguments: Any, **settings: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **settings.pop("env", {})}
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, **settings)


def test_help_is_quick() -> None:
    """Compared with importing NumPy and typer only, at the same moment, until a quiet one is met."""

    def seconds(*command: str) -> float:
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        return time.perf_counter() - start

    bare = (sys.executable, "-c", "import numpy, typer, rich.table")
    assert any(seconds(*PROGRAM, "--help") < 2.5 * seconds(*bare) for _ in range(10))


def test_help_loads_nothing_heavy() -> None:
    code = "import sys; from glassnet.cli.app import app; print([m for m in HEAVY if m in sys.modules])"
    heavy = ("numba", "sklearn", "scipy", "pyarrow", "matplotlib", "safetensors")
    done = subprocess.run([sys.executable, "-c", code.replace("HEAVY", repr(heavy))], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_an_error_in_a_process() -> None:
    done = program("train", "missing.csv", "--target", "a", "--out", "m")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "glassnet: missing.csv does not exist; check the name and the folder.\n"


def test_progress_goes_to_stderr_and_results_to_stdout(folder: Path, tmp_path: Path) -> None:
    arguments = ["--target", "risk", "--out", tmp_path / "m", "--hidden", "4", "--epochs", "3"]
    done = program("train", folder / "risk.csv", *arguments, env={"NO_COLOR": "1"})
    assert done.returncode == 0 and "epoch 3" in done.stderr and "epoch 3  " not in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_a_closed_pipe_and_a_terminal_without_greek(folder: Path) -> None:
    command = " ".join(f"'{part}'" for part in [*PROGRAM, "show", folder / "risk.st"])
    done = subprocess.run(f"{command} | head -1", shell=True, capture_output=True, text=True)
    assert done.stdout.startswith("NeuralNetwork(") and "Traceback" not in done.stderr
    spelled = program("show", folder / "risk.st", env={"PYTHONIOENCODING": "ascii"})
    assert spelled.returncode == 0 and "W1*a0" in spelled.stdout
    assert "delta2 = a2 - y" in spelled.stdout and "?" not in spelled.stdout


def test_a_full_disk_is_reported(folder: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("/dev/full is missing")
    assert "not an ordinary file" in program("show", "/dev/full").stderr
    command = " ".join(f"'{part}'" for part in [*PROGRAM, "show", folder / "risk.st"])
    done = subprocess.run(f"{command} > /dev/full", shell=True, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and done.stderr.startswith("glassnet: The output: No space left on device.")


def test_predictions_that_are_not_finite_are_refused() -> None:
    network = NeuralNetwork([1, 1], ["linear"], seed=0)
    network.weights[0] = np.array([[1e38]])
    model = TabularModel(ArrayPreparation([0.0], [1.0], 1), NumberTarget("y", [0.0], [1.0]), [Member(network)])
    with pytest.raises(DataError, match="row 3 is not finite"), np.errstate(over="ignore"):
        model.outputs(np.array([[0], [1], [10], [1], [10]], np.float32))


def test_a_run_that_was_interrupted_is_resumed_to_the_same_model(tmp_path: Path, monkeypatch: Any) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,y\n" + "".join(f"{k % 7},{'yes' if k % 7 > 3 else 'no'}\n" for k in range(90)))
    train = ["train", table, "--target", "y", "--epochs", "6", "--hidden", "4", "--quiet", "--out"]
    run(*train, tmp_path / "whole")
    files, writes = ["--checkpoint", tmp_path / "c", "--every", "2", "--resume"], [True, True, True]

    def write(*arguments: Any) -> None:
        if not writes:
            raise KeyboardInterrupt
        writes.pop()
        write_checkpoint(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr("glassnet.files.checkpoint.write_checkpoint", write)
        result = CliRunner().invoke(app, list(map(str, [*train, tmp_path / "part", *files])))
    assert result.exit_code == 130 and "there is none yet, so that the run begins" in result.stdout
    assert "written after every 2 steps; the run goes on from it" in run(*train, tmp_path / "part", *files)
    assert (tmp_path / "part").read_bytes() == (tmp_path / "whole").read_bytes()
    other = [*train[:5], "7", *train[6:]]
    assert "another run: its epochs is 6, here 7" in refused(*other, tmp_path / "part", *files)
    assert "--resume needs --checkpoint" in refused(*train, tmp_path / "m", "--resume")
    assert "--every needs --checkpoint" in refused(*train, tmp_path / "m", "--every", "3")
    assert "are both" in refused(*train, tmp_path / "m", "--checkpoint", tmp_path / "m")
    assert "would overwrite the input" in refused(*train, tmp_path / "m", "--checkpoint", table)


def test_a_command_reads_a_model_file_once(tmp_path: Path, monkeypatch: Any) -> None:
    """A writer between two readings would pair one file's network with another's preparation."""
    table = tmp_path / "t.csv"
    table.write_text("a,y\n" + "".join(f"{k % 7},{'yes' if k % 7 > 3 else 'no'}\n" for k in range(30)))
    run("train", table, "--target", "y", "--epochs", "2", "--hidden", "4", "--quiet", "--out", tmp_path / "m")
    NeuralNetwork([1, 1], seed=0).save(tmp_path / "net")
    opened = list[str]()

    def count(path: Any, mode: str) -> Any:
        opened.append(str(path))
        return open(path, mode)

    monkeypatch.setattr("glassnet.files.storage.open", count, raising=False)
    data = [[], [table], [table], [table], [table], [table, "--out", tmp_path / "p.csv"]]
    for command, more in zip(("show", "evaluate", "check", "step", "diagnose", "predict"), data, strict=True):
        opened.clear()
        run(command, tmp_path / "m", *more)
        assert opened.count(str(tmp_path / "m")) == 1, command
    opened.clear()
    run("diagnose", tmp_path / "m")
    refused("diagnose", tmp_path / "net")
    assert opened.count(str(tmp_path / "m")) == opened.count(str(tmp_path / "net")) == 1
