"""Outputs that would overwrite an input, or cannot be written: one sentence that names the path; old files stay."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from glassnet.cli.app import app
from glassnet.cli.output_paths import write_new_file
from glassnet.errors import DataError

TABLE = "a,b,y\n" + "".join(f"{k},{k * k % 7},{k % 2}\n" for k in range(40))
QUICK = "--target", "y", "--hidden", "4", "--epochs", "1", "--quiet"
COMMANDS: dict[str, tuple[Any, ...]] = {
    "train": ("train", "t.csv", *QUICK, "--out"),
    "train tabular": ("train", "t.csv", "--target", "y", "--quiet", "--out"),
    "predict": ("predict", "model", "t.csv", "--out"),
    "step": ("step", "t.csv", "--target", "y", "--html"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs")
    (folder / "t.csv").write_text(TABLE)
    result = CliRunner().invoke(app, ["train", str(folder / "t.csv"), *QUICK, "--out", str(folder / "model")])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def here(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, in which the commands run, with the table, the model and an older output."""
    for name in ("t.csv", "model"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "old.csv").write_bytes(b"old")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def refusal(use: str, out: str) -> str:
    """The sentence on stderr of a command that must be refused."""
    result = CliRunner().invoke(app, [*COMMANDS[use], out])
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr.endswith(".\n") and result.stderr.count("\n") == 1 and out in result.stderr
    return result.stderr


@pytest.mark.parametrize("use", COMMANDS)
def test_an_output_is_refused_before_the_work(here: Path, use: str) -> None:
    (here / "folder.csv").mkdir()
    (here / "link.csv").symlink_to("old.csv")
    os.link("t.csv", "same.csv")
    (here / "locked.csv").write_bytes(b"old")
    (here / "locked.csv").chmod(0o444)
    before = contents(here)
    for out, expected in {
        "t.csv": "would overwrite the input t.csv; choose another name",
        "./same.csv": "would overwrite the input t.csv; choose another name",
        "folder.csv": "is a folder; name a file in it",
        "no/p.csv": "there is no folder no; make it first",
        "link.csv": "is a symbolic link",
        "locked.csv": "is read-only and left unchanged",
        "/proc/p.csv": "cannot be written: No such file or directory (/proc); choose another folder",
    }.items():
        assert expected in refusal(use, out), (out, refusal(use, out))
    assert contents(here) == before


def test_predictions_do_not_overwrite_the_model(here: Path) -> None:
    os.link("model", "m.csv")
    assert "m.csv would overwrite the input model; choose another name" in refusal("predict", "m.csv")


@pytest.mark.parametrize("problem", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_predictions_that_cannot_be_written_after_all(
    here: Path, monkeypatch: pytest.MonkeyPatch, call: str, problem: int
) -> None:
    before = contents(here)

    def fail(*arguments: Any) -> None:
        raise OSError(problem, os.strerror(problem))

    monkeypatch.setattr(f"glassnet.files.atomic_file.os.{call}", fail)
    message = refusal("predict", "old.csv")
    assert f"old.csv cannot be written: {os.strerror(problem)}; the old file is unchanged" in message
    assert contents(here) == before


def test_a_new_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"No such file or directory; nothing was written\.$"):
        write_new_file(str(tmp_path / "no" / "e.py"), "text")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3, limit[1]))  # bytes, as if the disk were full
    try:
        with pytest.raises(DataError, match=r"File too large; nothing was written\.$"):
            write_new_file(str(tmp_path / "e.py"), "text")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert not list(tmp_path.iterdir())


def test_standard_output_without_space(here: Path) -> None:
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "glassnet", "predict", "model", "t.csv", "--out", "-"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.endswith("No space left on device.\n")
    assert "Traceback" not in done.stderr
