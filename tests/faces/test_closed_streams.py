"""A process without stdout or stderr (pythonw, a service, `2>&-`): all works, and nothing is printed."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet import MLPClassifier, NeuralNetwork, train_many

PROGRAM = [sys.executable, "-c", "from glassnet.cli import main; main()"]
TRAIN = "train data.csv --target level --hidden 4 --epochs 2"
X, Y = np.random.default_rng(0).random((2, 20)), np.arange(20)[np.newaxis] % 2


def closed_file() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


class StreamWithoutIsatty:
    """What an application may use instead of stderr: it can be written to and flushed, and that is all."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


def train(verbose: int | None) -> None:
    history = NeuralNetwork([2, 3, 1], engine="numpy", seed=0).train(X, Y, epochs=2, verbose=verbose)
    assert len(history) == 2


def fit_estimator(verbose: int | None) -> None:
    MLPClassifier(max_iter=100, random_state=0, progress=verbose == 1).fit(X.T, Y[0])


def sweep(verbose: int | None) -> None:
    networks = [NeuralNetwork([2, 3, 1], engine="numpy", seed=seed) for seed in range(2)]
    train_many(networks, X, Y, epochs=2, verbose=verbose)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("make_stderr", [lambda: None, closed_file], ids=["none", "closed"])
@pytest.mark.parametrize("verbose", [None, 0, 1])
@pytest.mark.parametrize("run", [train, fit_estimator, sweep])
def test_training_without_stderr_prints_nothing(
    run: Any, verbose: int | None, make_stderr: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("sys.stderr", make_stderr())
    run(verbose)
    monkeypatch.undo()
    assert capsys.readouterr() == ("", "")


def test_progress_goes_to_a_stderr_that_is_not_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = StreamWithoutIsatty()
    monkeypatch.setattr("sys.stderr", stderr)
    train(None)
    assert stderr.text == ""
    train(1)
    assert [line.split("  ")[0] for line in stderr.text.splitlines()] == ["epoch 1", "epoch 2"]


class BrokenStream(io.TextIOBase):
    """A terminal or a file that has gone away, or a full disk."""

    def __init__(self, is_terminal: bool) -> None:
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("is_terminal", [False, True])
@pytest.mark.parametrize("run", [train, sweep])
def test_a_stderr_that_cannot_be_written_ends_no_run(
    run: Any, is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", BrokenStream(is_terminal))
    run(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table and a model that was trained on it."""
    path = tmp_path_factory.mktemp("streams")
    rows = (f"{k},{k % 7},{'high' if k % 7 > 3 else 'low'}\n" for k in range(60))
    (path / "data.csv").write_text("a,b,level\n" + "".join(rows))
    assert shell(f"{TRAIN} --out model", "", path).returncode == 0
    return path


def shell(arguments: str, streams: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder with redirections such as `>&-`."""
    program = " ".join(f"'{part}'" for part in PROGRAM)
    return subprocess.run(f"{program} {arguments} {streams}", shell=True, capture_output=True, text=True, cwd=folder)


def test_a_command_without_any_stream_trains_the_same_model(folder: Path) -> None:
    done = shell(f"{TRAIN} --out again", "<&- >&- 2>&-", folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (folder / "again").read_bytes() == (folder / "model").read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [
        "show model",
        "evaluate model data.csv",
        "check model data.csv",
        "diagnose model data.csv",
        "diagnose model",
        "step data.csv --model model",
        "predict model data.csv --out predictions.csv",
        "--version",
        "--help",
        "train --help",
    ],
)
def test_a_command_without_stdout_succeeds(folder: Path, arguments: str) -> None:
    done = shell(arguments, ">&-", folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_predicted_file_is_whole_without_stdout(folder: Path) -> None:
    for name, streams in (("open.csv", ""), ("closed.csv", ">&- 2>&-")):
        assert shell(f"predict model data.csv --out {name}", streams, folder).returncode == 0
    assert (folder / "open.csv").read_bytes() == (folder / "closed.csv").read_bytes()


def test_an_error_without_stderr_is_an_exit_code_and_nothing_on_stdout(folder: Path) -> None:
    done = shell("show missing", "2>&-", folder)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_closed_stream_object(folder: Path, name: str) -> None:
    code = f"import sys; sys.{name}.close(); sys.argv[1:] = ['show', 'model']; from glassnet.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0 and done.stderr == "" and bool(done.stdout) == (name == "stderr")
