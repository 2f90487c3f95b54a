"""Files that are pipes are read as a stream, once, or refused in one sentence; none is waited for for ever."""

from __future__ import annotations

import contextlib
import gzip
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from glassnet.cli.app import app
from glassnet.data import opening
from glassnet.data.arrays import read_arrays
from glassnet.data.idx import read_idx
from glassnet.data.table import read_table
from glassnet.errors import DataError

CSV = "a,b,y\n" + "".join(f"{k},{k * k % 7},{'no' if k % 3 else 'yes'}\n" for k in range(60))
QUICK = "--target", "y", "--hidden", "4", "--epochs", "1", "--quiet"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table in several formats, and a model of it."""
    folder = tmp_path_factory.mktemp("pipes")
    (folder / "t.csv").write_text(CSV)
    (folder / "t.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    pq.write_table(pyarrow.csv.read_csv(folder / "t.csv"), folder / "t.parquet")
    np.savez(folder / "t.npz", x=np.arange(40.0).reshape(20, 2), y=np.arange(20) % 2)
    result = CliRunner().invoke(app, ["train", str(folder / "t.csv"), "--out", str(folder / "model"), *QUICK])
    assert result.exit_code == 0, result.output
    return folder


def fifo_of(path: Path, content: bytes) -> threading.Thread:
    """Make a FIFO through which a thread writes, once somebody reads."""
    os.mkfifo(path)

    def write() -> None:
        with contextlib.suppress(BrokenPipeError):
            path.write_bytes(content)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def command(folder: Path, line: str) -> str:
    """Run a line of a shell, in which $G is glassnet; return what it prints."""
    environment = {**os.environ, "G": f"{sys.executable} -m glassnet"}
    done = subprocess.run(["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def test_a_shell_hands_over_data_through_pipes(folder: Path) -> None:
    result = CliRunner().invoke(app, ["predict", *(str(folder / name) for name in ("model", "t.csv")), "--out", "-"])
    lines = [
        "$G predict model <(gzip -dc t.csv.gz) --out process.csv",
        "cat t.parquet | $G predict model /dev/stdin --out stdin.csv",
    ]
    for line in lines:
        assert "60 predictions" in command(folder, line)
    assert (folder / "process.csv").read_bytes() == (folder / "stdin.csv").read_bytes() == result.stdout_bytes


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_a_table_comes_through_a_pipe_as_from_a_file(folder: Path, tmp_path: Path, name: str) -> None:
    thread = fifo_of(tmp_path / "pipe", (folder / name).read_bytes())
    table = read_table(tmp_path / "pipe")
    thread.join(10)
    assert table.path == str(tmp_path / "pipe") and table.data.equals(read_table(folder / name).data)
    assert table.line is None or table.line(2) == 4


def test_arrays_come_through_a_pipe(folder: Path, tmp_path: Path) -> None:
    fifo_of(tmp_path / "pipe", (folder / "t.npz").read_bytes())
    arrays = read_arrays(tmp_path / "pipe")
    assert arrays.x.shape == (20, 2) and arrays.y is not None
    fifo_of(tmp_path / "labels", bytes((0, 0, 8, 1, 0, 0, 0, 2, 5, 6)))
    assert read_idx(tmp_path / "labels").tolist() == [5, 6]


@pytest.mark.parametrize("use", ["train", "evaluate", "columns", "train npz"])
def test_commands_read_a_pipe_once(folder: Path, tmp_path: Path, use: str) -> None:
    pipe, out = tmp_path / "pipe", tmp_path / "m"
    fifo_of(pipe, (folder / ("t.npz" if use == "train npz" else "t.csv")).read_bytes())
    arguments: dict[str, Any] = {
        "train": ["train", pipe, "--out", out, *QUICK],
        "evaluate": ["evaluate", folder / "model", pipe],
        "columns": ["columns", pipe, "--target", "y"],
        "train npz": ["train", pipe, "--out", out, *QUICK[2:]],
    }
    result = CliRunner().invoke(app, list(map(str, arguments[use])))
    assert result.exit_code == 0, result.output
    assert str(pipe) in result.output or use in ("evaluate", "train npz")


def test_an_empty_and_a_ragged_pipe_are_refused_by_name(tmp_path: Path) -> None:
    for name, content, expected in (("a", b"", "a is empty."), ("b", b"a,y\n1,2\n3\n", "b line 3 has 1 cell")):
        fifo_of(tmp_path / name, content)
        with pytest.raises(DataError, match=expected):
            read_table(tmp_path / name)


def test_a_pipe_without_a_writer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_SILENCE", 0.2)
    os.mkfifo(tmp_path / "pipe")
    for read in (read_table, read_arrays, read_idx):
        with pytest.raises(DataError, match=r"pipe: nothing has come through this pipe for 0.2 seconds"):
            read(tmp_path / "pipe")


def test_a_pipe_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_BYTES", 1 << 20)
    fifo_of(tmp_path / "pipe", b"1,2\n" * (1 << 19))
    with pytest.raises(DataError, match="more than 1 MB come through the pipe"):
        read_table(tmp_path / "pipe")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_devices_are_refused(device: str) -> None:
    with pytest.raises(DataError, match=f"{device} is a device; give the path of a file, or a pipe."):
        read_table(device)
