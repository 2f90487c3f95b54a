"""The command line with a table: the tabular model, its report, files and networks, JSON lines, and Ctrl-C."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pytest
from typer.testing import CliRunner

import glassnet
from glassnet.cli.app import app
from glassnet.cli.stored_model import load_model
from glassnet.files.storage import read_tensors

from .test_cli import PROGRAM, people, refused, run, shown_scores, write_csv

FAST = ["--preset", "fast", "--quiet"]
CASES = Path(__file__).parent / "cases"
PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table and a tabular model for two targets, and a new table."""
    path = tmp_path_factory.mktemp("tabular")
    write_csv(path / "risk.csv", people(300), ("group", "price"))
    write_csv(path / "price.csv", people(300), ("group", "risk"))
    write_csv(path / "known.csv", people(80, seed=1))
    run("train", path / "risk.csv", "--target", "risk", "--out", path / "risk.st", "--quiet")
    run("train", path / "price.csv", "--target", "price", "--out", path / "price.st", *FAST)
    return path


def test_a_table_is_learnt_by_the_tabular_model_and_the_report_says_how_well(folder: Path, tmp_path: Path) -> None:
    output = run("train", folder / "risk.csv", "--target", "risk", "--out", tmp_path / "m", *FAST)
    labels = re.findall(r"^([A-Z]\w+(?: \w+)?)  ", output, re.MULTILINE)
    assert labels[:4] == ["Data", "Task", "Method", "Columns"] and labels[-1] == "Model"
    assert "tabular model, preset fast (--hidden or another network option trains a plain network)" in output
    scores = shown_scores(output)
    assert scores["accuracy"][0] > 0.8 > scores["accuracy"][-1]
    assert scores["log-loss"][0] < scores["log-loss"][-1]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [(["--epochs", "2"], "--epochs given"), (["--hidden", "128,64", "--l2", "0"], "--hidden and --l2 given")],
)
def test_a_network_option_trains_a_plain_network_and_says_so(
    folder: Path, tmp_path: Path, arguments: list[str], reason: str
) -> None:
    """Also where the value is the option's default."""
    output = run("train", folder / "risk.csv", "--target", "risk", "--out", tmp_path / "m", *arguments, "--quiet")
    assert f"Method      plain network ({reason})" in output and "Network     NeuralNetwork(" in output
    assert len(load_model(str(tmp_path / "m")).members) == 1


def test_arrays_train_a_plain_network(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(0).random((50, 2)), y=np.arange(50) % 2)
    output = run("train", tmp_path / "d.npz", "--out", tmp_path / "m", "--quiet")
    assert "Method      plain network (arrays without column names)" in output
    message = refused("train", tmp_path / "d.npz", "--out", tmp_path / "m", "--preset", "best")
    assert message == f"--preset is for tables, but {tmp_path / 'd.npz'} holds arrays; leave it out."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "fats"], "preset 'fats' is unknown. Did you mean 'fast'?"),
        (["--metric", "acuracy"], "Did you mean 'accuracy'?"),
        (["--metric", "rmse"], "'rmse'"),
        (["--class-weight", "balance"], "Did you mean 'balanced'?"),
        (["--time-limit", "0"], "time_limit is 0"),
        (["--progress", "jason"], "Did you mean 'json'?"),
        (["--preset", "fast", "--lr", "0.1"], "--lr trains a plain network, --preset the tabular model"),
        (["--seed", "-1"], "seed is -1"),
        (["--threads", "0"], "threads is 0"),
        (["--keep", "nothing"], "has no column 'nothing'"),
    ],
)
def test_wrong_options_of_a_table(folder: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    assert message in refused("train", folder / "risk.csv", "--target", "risk", "--out", tmp_path / "m", *arguments)
    assert not (tmp_path / "m").exists()


def test_class_weights_are_for_classes(folder: Path, tmp_path: Path) -> None:
    arguments = ["--target", "price", "--out", tmp_path / "m", "--class-weight", "balanced", *FAST]
    assert "--class-weight is for classes" in refused("train", folder / "price.csv", *arguments)


def test_balanced_classes_find_more_of_the_rare_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rare = rng.random(500) < 0.1
    columns = {"a": (rng.normal(size=500) + 1.2 * rare).tolist(), "y": np.where(rare, "yes", "no").tolist()}
    write_csv(tmp_path / "d.csv", columns)
    found = {}
    for name, options in {"plain": [], "balanced": ["--class-weight", "balanced"]}.items():
        output = run("train", tmp_path / "d.csv", "--target", "y", "--out", tmp_path / name, *FAST, *options)
        scores, report = shown_scores(output), load_model(str(tmp_path / name)).training["report"]["scores"]
        for column, model in enumerate(("the model", "a linear model", "a constant")):  # the table is that of report_
            assert scores["log-loss"][column] == pytest.approx(report[model]["log-loss"], abs=6e-5)
            assert scores["accuracy"][column] == pytest.approx(report[model]["accuracy"], abs=6e-5)
        assert ("each class counts the same" in output) == bool(options)
        run("predict", tmp_path / name, tmp_path / "d.csv", "--out", tmp_path / "p.csv")
        found[name] = pyarrow.csv.read_csv(tmp_path / "p.csv").column("prediction").to_pylist().count("yes")
    assert found["balanced"] > 2 * found["plain"]
    evaluated = [run("evaluate", tmp_path / name, tmp_path / "d.csv") for name in found]
    assert ["each row counts the same" in output for output in evaluated] == [False, True]
    assert all("no better than the constant" not in output for output in evaluated)


def test_the_same_seed_gives_the_same_file_for_any_number_of_threads(folder: Path, tmp_path: Path) -> None:
    for name, options in (("a", ["--threads", 1]), ("b", ["--threads", 2]), ("c", ["--seed", 1])):
        run("train", folder / "risk.csv", "--target", "risk", "--out", tmp_path / name, *FAST, *options)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != (tmp_path / "c").read_bytes()


def test_the_model_is_the_same_in_python(folder: Path, tmp_path: Path) -> None:
    import pandas as pd

    run("predict", folder / "risk.st", folder / "known.csv", "--out", tmp_path / "p.csv", "--proba")
    shares = pyarrow.csv.read_csv(tmp_path / "p.csv").to_pandas()
    estimator = glassnet.load(folder / "risk.st")
    frame = pd.read_csv(folder / "known.csv")
    np.testing.assert_allclose(estimator.predict_proba(frame), shares[["p_high", "p_low"]], rtol=1e-6)
    assert estimator.predict(frame).tolist() == shares["prediction"].tolist()


def test_a_score_is_of_rows_that_were_left_out(tmp_path: Path) -> None:
    """A target that no column predicts: a model that had seen the rows would score well."""
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=200).tolist() for name in "abcdefy"}
    write_csv(tmp_path / "d.csv", columns)
    output = run("train", tmp_path / "d.csv", "--target", "y", "--out", tmp_path / "m", "--quiet")
    assert shown_scores(output)["R²"][0] < 0.1
    assert "of 160 of 200 rows" in output


# Files as real life produces them: tests/faces/test_table_cases.py has more


@pytest.mark.parametrize(
    ("name", "target", "classes"),
    [("zip_target.csv", "code", {"007", "012"}), ("k_pm.csv", "k", {"+", "-"}), ("ws_target.csv", "k", {"yes", "no"})],
)
def test_classes_come_back_as_they_were_written(tmp_path: Path, name: str, target: str, classes: set[str]) -> None:
    run("train", CASES / name, "--target", target, "--out", tmp_path / "m", *FAST)
    run("predict", tmp_path / "m", CASES / name, "--out", tmp_path / "p.csv", "--keep", target)
    rows = list(csv.reader((tmp_path / "p.csv").read_text().splitlines()))[1:]
    assert {predicted for _, predicted in rows} == classes
    assert sum(true.strip() == predicted for true, predicted in rows) > 0.8 * len(rows)


def test_booleans_and_unseen_categories(tmp_path: Path) -> None:
    run("train", CASES / "tr_bool.csv", "--target", "y", "--out", tmp_path / "m", *FAST)
    outputs = []
    for name in ("te_10.csv", "te_TF.csv"):
        run("predict", tmp_path / "m", CASES / name, "--out", tmp_path / "p.csv")
        outputs.append((tmp_path / "p.csv").read_bytes())
    assert outputs[0] == outputs[1]
    arguments = ["predict", tmp_path / "m", CASES / "te_unseen.csv", "--out", tmp_path / "p.csv"]
    note = CliRunner().invoke(app, list(map(str, arguments))).stderr
    assert "Warning: c: all 6 cells are not in the training data ('purple') and count as unknown\n" in note


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_targets_of_any_size(tmp_path: Path, size: float) -> None:
    x = np.random.default_rng(0).normal(size=100)
    write_csv(tmp_path / "d.csv", {"a": x.tolist(), "y": ((2 * x + 1) * size).tolist()})
    run("train", tmp_path / "d.csv", "--target", "y", "--out", tmp_path / "m", *FAST)
    assert shown_scores(run("evaluate", tmp_path / "m", tmp_path / "d.csv"))["R²"][0] > 0.95


def test_intervals_contain_what_they_promise(folder: Path, tmp_path: Path) -> None:
    arguments = ["predict", folder / "price.st", folder / "known.csv", "--out", tmp_path / "p.csv", "--keep", "price"]
    run(*arguments, "--interval", 0.8)
    table = pyarrow.csv.read_csv(tmp_path / "p.csv").to_pandas()
    assert table.columns.tolist() == ["price", "prediction", "lower", "upper"]
    assert ((table.lower < table.prediction) & (table.prediction < table.upper)).all()
    assert 0.6 < ((table.lower <= table.price) & (table.price <= table.upper)).mean() < 0.97
    run(*arguments, "--interval", 0.95)
    wider = pyarrow.csv.read_csv(tmp_path / "p.csv").to_pandas()
    assert (wider.upper - wider.lower > table.upper - table.lower).all()
    assert "--interval is 1.5" in refused(*arguments, "--interval", 1.5)
    of_classes = ["predict", folder / "risk.st", folder / "known.csv", "--out", tmp_path / "q.csv", "--interval", 0.9]
    assert "--interval is for quantities" in refused(*of_classes)


@pytest.mark.parametrize("log", ["yes", "no"])
def test_the_logarithm_of_a_target(tmp_path: Path, log: str) -> None:
    x = np.random.default_rng(0).normal(size=300)
    write_csv(tmp_path / "d.csv", {"a": x.tolist(), "y": np.exp(2 * x).tolist()})
    arguments = ["train", tmp_path / "d.csv", "--target", "y", "--out", tmp_path / "m", *FAST, "--log-target", log]
    output = run(*arguments)
    assert load_model(str(tmp_path / "m")).target.log == (log == "yes")
    scores = shown_scores(run("evaluate", tmp_path / "m", tmp_path / "d.csv"))
    assert scores["R²"][0] > 0.8 and shown_scores(output)["R²"][0] > 0.5
    write_csv(tmp_path / "d.csv", {"a": x.tolist(), "y": x.tolist()})
    if log == "yes":
        assert "no logarithm" in refused(*arguments)


# Looking into a model of several networks


def test_show_prints_the_whole_model_or_one_network(folder: Path) -> None:
    output = run("show", folder / "risk.st")
    assert re.search(r"^Networks    \d, averaged; --member N shows", output) and "z1 = " not in output
    assert "Target      'risk': classes high, low" in output and "accuracy" in output
    assert (
        "Member      network 2 of" in (second := run("show", folder / "risk.st", "--member", 2)) and "z1 = " in second
    )
    assert second != run("show", folder / "risk.st", "--member", 1)
    assert "but the model has 4 networks" in refused("show", folder / "risk.st", "--member", 5)
    assert "greater than or equal to 1" in refused("show", folder / "risk.st", "--member", 0)


def test_step_and_check_take_one_network(folder: Path) -> None:
    arguments = [folder / "risk.st", folder / "risk.csv"]
    assert "network 1 of 4; --member chooses another" in run("check", *arguments)
    output = run("check", *arguments, "--member", 3)
    assert "rows of" in output and "network 3 of 4\n" in output
    assert "every gradient agrees" in output or "at a kink" in output  # a number on the edge of a bin
    steps = [run("step", arguments[1], "--model", arguments[0], "--member", number) for number in (1, 2)]
    assert "This is network 2 of 4" in steps[1] and steps[0] != steps[1]
    assert "give MODEL before FILE" in refused("step", arguments[1], "--target", "risk", "--member", 1)


def test_a_diagnosis_looks_at_all_networks(folder: Path, tmp_path: Path) -> None:
    for arguments in ([], [folder / "risk.csv"]):
        output = run("diagnose", folder / "risk.st", *arguments)
        assert re.search(r"^(no|\d+) findings? in 4 networks \(", output, re.MULTILINE)
    model = load_model(str(folder / "risk.st"))
    sick = model.members[2].network
    sick.biases[0] = np.full(sick.biases[0].shape, -1000.0)  # every unit of the first layer answers the same
    from glassnet.tabular.model_file import write_tabular

    write_tabular(tmp_path / "sick", model)
    output = run("diagnose", tmp_path / "sick", folder / "risk.csv")
    assert "In network 3:\n" in output
    assert re.search(
        r"^\d findings? in network 3 of 4", run("diagnose", tmp_path / "sick", folder / "risk.csv", "--member", 3), re.M
    )
    assert "no findings in network 1 of 4" in run("diagnose", tmp_path / "sick", folder / "risk.csv", "--member", 1)


# Pictures


@pytest.mark.parametrize(
    ("target", "pictures"),
    [
        ("risk", {"training.png", "confusion.png", "calibration.png", "importance.png"}),
        ("price", {"training.png", "residuals.png", "importance.png"}),
    ],
)
def test_pictures(folder: Path, tmp_path: Path, target: str, pictures: set[str]) -> None:
    arguments = ["--target", target, "--out", tmp_path / "m", "--plots", tmp_path / "p", *FAST]
    output = run("train", folder / f"{target}.csv", *arguments)
    assert {path.name for path in (tmp_path / "p").iterdir()} == pictures
    assert all((tmp_path / "p" / name).read_bytes().startswith(PNG) and name in output for name in pictures)


def test_importance_finds_the_columns_that_matter() -> None:
    from glassnet.data.choice import ColumnChooser
    from glassnet.data.summary import Summary
    from glassnet.data.table import Table
    from glassnet.data.target import NumberTarget
    from glassnet.tabular.fitting import Rows, Settings, fit_model
    from glassnet.tabular.hyperparameters import NUMBERS, preset_hyperparameters
    from glassnet.tabular.importance import importance_on_holdouts

    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=400) for name in ("noise", "strong", "weak")}
    y = (3 * columns["strong"] + columns["weak"])[:, np.newaxis]
    table = Table("d", pyarrow.table(columns))
    target = NumberTarget.fit("y", y)
    rows = Rows(table, target, target.encode(y))
    model = fit_model(
        rows, ColumnChooser(Summary.of(table), None, table), Settings(preset_hyperparameters("fast", NUMBERS, 400, 3))
    ).model
    noise, strong, weak = importance_on_holdouts(model, rows).mean
    assert strong > 2 * weak > 4 * abs(noise)


# JSON lines


@pytest.mark.parametrize("options", [["--preset", "fast"], ["--hidden", "4", "--epochs", "3"]])
def test_progress_as_json_lines(folder: Path, tmp_path: Path, options: list[str]) -> None:
    arguments = ["train", folder / "risk.csv", "--target", "risk", "--out", tmp_path / "m", "--progress", "json"]
    result = CliRunner().invoke(app, list(map(str, [*arguments, *options])))
    assert result.exit_code == 0 and "Data        " in result.stderr
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [events[0]["event"], events[-2]["event"], events[-1]] == [
        "start",
        "scores",
        {"event": "saved", "path": str(tmp_path / "m")},
    ]
    epochs = [event for event in events if event["event"] == "epoch"]
    assert [event["epoch"] for event in epochs] == list(range(1, events[0]["epochs"] + 1))
    assert all(event["member"] == 1 and event["cost"] > 0 for event in epochs)


def test_an_error_is_a_json_line_too(folder: Path, tmp_path: Path) -> None:
    arguments = ["train", folder / "risk.csv", "--target", "risks", "--out", tmp_path / "m", "--progress", "json"]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    event = json.loads(result.stdout)
    assert result.exit_code == 2 and event["event"] == "failed" and "Did you mean 'risk'?" in event["message"]


# A trained model is not lost


def interrupted(arguments: list[Any], marker: str, times: int = 1) -> subprocess.CompletedProcess[str]:
    """Run a command with JSON lines and send it Ctrl-C after the first line that has the marker, or several times."""
    command = list(map(str, [*PROGRAM, *arguments, "--progress", "json"]))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout and running.stderr
        while marker not in running.stdout.readline():
            assert running.poll() is None
        for _ in range(times):
            running.send_signal(signal.SIGINT)
            time.sleep(0.15 if times > 1 else 0)
        output, error = running.stdout.read(), running.stderr.read()
    return subprocess.CompletedProcess(command, running.returncode, output, error)


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("options", [["--preset", "best"], ["--epochs", "1000000", "--patience", "1000000"]])
def test_ctrl_c_saves_what_is_there_and_exits_with_130(tmp_path: Path, options: list[str], times: int) -> None:
    write_csv(tmp_path / "d.csv", people(3000), ("group", "price"))
    done = interrupted(
        ["train", tmp_path / "d.csv", "--target", "risk", "--out", tmp_path / "m", *options], '"event": "epoch"', times
    )
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr and "interrupted" in done.stderr and '"saved"' in done.stdout
    assert "interrupted" in run("show", tmp_path / "m")
    assert shown_scores(run("evaluate", tmp_path / "m", tmp_path / "d.csv"))["accuracy"][0] > 0.5


def test_ctrl_c_while_modules_are_imported_needs_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time\ntime.sleep(9)"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    assert (done.returncode, done.stderr) == (130, "glassnet: interrupted.\n")


def test_a_model_that_cannot_be_written_goes_to_another_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, or a folder that is removed while the model is trained."""
    import shutil

    from glassnet.cli import training

    away, elsewhere = tmp_path / "away", tmp_path / "elsewhere"
    away.mkdir()
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    save = training.save_model

    def save_late(*arguments: Any) -> None:
        shutil.rmtree(away)
        save(*arguments)

    monkeypatch.setattr(training, "save_model", save_late)
    message = refused("train", folder / "risk.csv", "--target", "risk", "--out", away / "m.st", *FAST)
    (saved,) = elsewhere.iterdir()
    assert "there is no folder" in message and message.endswith(f"The trained model is saved as {saved} instead.")
    assert len(load_model(str(saved)).members) == 1


def test_a_model_is_saved_although_the_report_on_it_fails(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the scores are computed."""
    from glassnet.cli import tabular_run

    def interrupt(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tabular_run, "print_scores", interrupt)
    path = tmp_path / "m.st"
    CliRunner().invoke(
        app, ["train", str(folder / "risk.csv"), "--target", "risk", "--out", str(path), *FAST, "--delimiter", "comma"]
    )
    assert load_model(str(path)).training["file options"] == {"delimiter": ","}


def test_the_output_is_checked_before_the_training(folder: Path, tmp_path: Path) -> None:
    started = time.perf_counter()
    message = refused("train", folder / "risk.csv", "--target", "risk", "--out", "/proc/m", "--preset", "best")
    assert message.startswith("/proc/m cannot be written") and time.perf_counter() - started < 5
    assert "would overwrite the input" in refused(
        "train", folder / "risk.csv", "--target", "risk", "--out", folder / "risk.csv"
    )


def test_a_broken_pipe_is_no_traceback(folder: Path) -> None:
    command = " ".join(f"'{part}'" for part in [*PROGRAM, "predict", folder / "risk.st", folder / "known.csv"])
    done = subprocess.run(f"{command} --out - | head -1", shell=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ['"prediction"'] and "Traceback" not in done.stderr


def test_a_score_that_is_not_defined_does_not_lose_the_file(tmp_path: Path) -> None:
    """The rows left out have one value of the target, which makes R² undefined."""
    write_csv(tmp_path / "d.csv", {"a": list(range(30)), "y": [0.5] * 29 + [1.5]})
    output = run("train", tmp_path / "d.csv", "--target", "y", "--task", "regression", "--out", tmp_path / "m", *FAST)
    scores = read_tensors(tmp_path / "m")[1]["table"]["training"]["scores"]
    if "no R²" in output:
        assert "r2" not in scores
    assert np.isfinite(list(scores.values())).all() and os.path.exists(tmp_path / "m")


def test_the_bars_of_a_reliability_curve_are_wilson_intervals() -> None:
    from glassnet.plots.calibration import wilson_interval

    low, high = wilson_interval(np.array([0.2, 0.0]), np.array([10, 10]))  # Wilson 1927: 2 and 0 of 10
    np.testing.assert_allclose(low, [0.0567, 0.0], atol=1e-3)
    np.testing.assert_allclose(high, [0.5098, 0.2775], atol=1e-3)


def test_columns_that_would_squeeze_the_others_are_outside_the_picture_of_residuals() -> None:
    from glassnet.plots.residuals import draw_residuals

    rng = np.random.default_rng(0)
    true = rng.normal(size=900)
    predicted = true + 0.1 * rng.normal(size=900)
    predicted[0] = 1e6
    left, right = draw_residuals(predicted, true).axes
    assert left.get_xlim()[1] < 10 and "90 % of the errors are between −0.1" in right.get_title()


# What is said about the data, and where


def leaky(count: int, repeated: int = 0) -> dict[str, list[Any]]:
    """A table with a copy of the target and a constant; the first rows may be there twice."""
    columns = people(count)
    columns |= {"copy": [f"x{cell}" for cell in columns["risk"]], "same": [1] * count}
    return {name: cells + cells[:repeated] for name, cells in columns.items()}


@pytest.mark.parametrize("options", [FAST, ["--epochs", "2", "--quiet"]])
def test_columns_that_give_the_target_away_are_warned_of_below_the_scores(tmp_path: Path, options: list[str]) -> None:
    write_csv(tmp_path / "d.csv", leaky(120, 60), ("group", "price"))
    output = run("train", tmp_path / "d.csv", "--target", "risk", "--out", tmp_path / "m", *options)
    leak, copies = (output.index(text) for text in ("Warning     copy: alone it predicts", "33% of the rows repeat"))
    assert output.index("accuracy") < leak < copies and output.count("copy: alone") == 1
    assert "Warning     copy: alone" in run("columns", tmp_path / "d.csv", "--target", "risk")


@pytest.mark.parametrize("options", [["--preset", "fast"], ["--epochs", "2"]])
def test_notes_and_warnings_are_events(tmp_path: Path, options: list[str]) -> None:
    write_csv(tmp_path / "d.csv", leaky(120), ("group", "price"))
    arguments = ["train", tmp_path / "d.csv", "--target", "risk", "--out", tmp_path / "m", "--progress", "json"]
    result = CliRunner().invoke(app, list(map(str, [*arguments, *options])))
    events = [json.loads(line) for line in result.stdout.splitlines()]
    said = {(event["event"], event["message"].split(":")[0]) for event in events if "message" in event}
    assert {("note", "same"), ("warning", "copy")} <= said and ("note", "copy") not in said


@pytest.mark.parametrize(("unknown", "word"), [(40, "Warning"), (1, "Note")])
def test_a_column_of_mostly_unknown_cells_is_a_warning(folder: Path, tmp_path: Path, unknown: int, word: str) -> None:
    columns = people(40)
    write_csv(tmp_path / "n.csv", {**columns, "town": ["?!"] * unknown + columns["town"][unknown:]})
    result = CliRunner().invoke(app, ["predict", str(folder / "risk.st"), str(tmp_path / "n.csv"), "--out", "-"])
    assert f"{word}: town: " in result.stderr


@pytest.mark.parametrize("command", [("columns", "new.csv", "--target", "risk"), ("predict", "risk.st", "new.csv")])
def test_commands_that_need_no_scikit_learn_do_not_wait_for_its_import(
    folder: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    write_csv(folder / "new.csv", people(40))
    out = ["--out", str(tmp_path / "p.csv")] if command[0] == "predict" else []
    arguments = [*PROGRAM[:1], "-X", "importtime", *PROGRAM[1:], *command, *out]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0 and "| glassnet" in done.stderr.replace("  ", "")
    assert not re.search(r"\| +sklearn", done.stderr)


def test_step_takes_the_model_first_as_the_other_commands_do(folder: Path) -> None:
    model, file = folder / "risk.st", folder / "known.csv"
    assert run("step", model, file) == run("step", file, "--model", model)
    assert "given twice" in refused("step", model, file, "--model", model)


def test_the_table_of_columns_is_one_line_per_column_as_training_reads_it(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {
        "time": [f"{hour % 24:02d}:00:00" for hour in range(40)],
        "stamp": [1_700_000_000 + 9_999_999 * (row % 7) for row in range(40)],
        "text": [f"a\nb{row % 3}" for row in range(40)],
    }
    columns["several"] = [("a, b", "c", "d")[row % 3] for row in range(40)]
    output = run("columns", write_csv(tmp_path / "d.csv", columns))
    assert "  3: 'a, b', c, d  " in output
    assert "  00:00:00 to 23:00:00  " in output and "  1700000000 to 1759999994  " in output
    assert "  3: a b0, a b1, a b2 " in output and "1 inputs" not in output
    write_csv(tmp_path / "e.csv", {"k": list(range(1, 41)), "t": [row * 7 % 11 + 0.5 for row in range(40)]})
    output = run("columns", tmp_path / "e.csv", "--target", "t")
    assert re.search(r"^k .* 1 input$", output, re.MULTILINE) and "left out" not in output
    assert output.count("1 input\n") == 2


def test_predictions_in_csv_have_the_digits_that_they_carry(folder: Path) -> None:
    for model, options in (("price.st", ["--keep", "age"]), ("risk.st", ["--proba"])):
        rows = list(
            csv.reader(run("predict", folder / model, folder / "known.csv", "--out", "-", *options).splitlines())
        )
        numbers = [row[-1] for row in rows[1:]]
        digits = [number.split("e")[0].replace(".", "").lstrip("-0") for number in numbers]
        assert max(map(len, digits)) <= 9
        assert len(set(numbers)) > 40 and max(map(len, numbers)) >= 7


@pytest.mark.parametrize("place", [1, 4])
def test_a_file_without_a_header(tmp_path: Path, place: int) -> None:
    """The other columns keep their places where a later file lacks the target, also before them."""
    rng = np.random.default_rng(0)
    rows = [[f"{a:.3f}", f"{b:.3f}", rng.choice(["x", "y"])] for a, b in rng.normal(size=(120, 2))]
    known = [[*row[: place - 1], "yes" if float(row[1]) > 0 else "no", *row[place - 1 :]] for row in rows]
    for name, table in (("known.csv", known), ("new.csv", rows)):
        (tmp_path / name).write_text("".join(",".join(row) + "\n" for row in table))
    model, target = tmp_path / "m", f"column_{place}"
    arguments = ["train", tmp_path / "known.csv", "--target", target, "--out", model, "--no-header", *FAST]
    output = run(*arguments)
    assert "120 rows" in output and "columns are called column_1 to column_4" in output
    answers = [run("predict", model, tmp_path / name, "--out", "-") for name in ("known.csv", "new.csv")]
    assert answers[0] == answers[1] and answers[0].count("\n") == 121
    assert shown_scores(run("evaluate", model, tmp_path / "known.csv"))["accuracy"][0] > 0.9
    assert f"has no column '{target}'" in refused("evaluate", model, tmp_path / "new.csv")
    (tmp_path / "narrow.csv").write_text("1,2\n")
    message = refused("predict", model, tmp_path / "narrow.csv", "--out", "-")
    assert (
        f"has 2 columns; the model was trained on 4 without a header, of which only the target, {target}, may"
        in message
    )


def test_the_lines_on_what_is_done_to_predictions_have_a_blank_after_their_label(capsys: Any) -> None:
    from types import SimpleNamespace

    from glassnet.cli.corrections import correction_lines
    from glassnet.cli.printing import print_line
    from glassnet.tabular.calibration import Calibration

    parts: Any = SimpleNamespace(linear=SimpleNamespace(weight=1.0), calibration=Calibration(), intervals=object())
    for label, text in correction_lines(parts):
        print_line(label, text)
        assert re.fullmatch(rf"{label} +{re.escape(text)}", capsys.readouterr().out.rstrip())
