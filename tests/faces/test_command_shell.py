"""What a shell sees of the program: its version with what a report needs, completion, and the manual page."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

import glassnet
from glassnet.cli import version
from glassnet.cli.app import app

ROOT = Path(__file__).parents[2]


def output(*arguments: str) -> str:
    """What a command prints that ends well."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_the_version_is_one_line() -> None:
    assert output("--version") == f"glassnet {glassnet.__version__}\n"


def test_verbose_says_what_a_report_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "kernels"
    cache.mkdir(mode=0o700)
    (cache / f"{'0' * 64}.kernel").write_bytes(bytes(1_500_000))
    monkeypatch.setenv("GLASSNET_CACHE", str(cache))
    monkeypatch.setenv("GLASSNET_THREADS", "1")
    lines = dict(line.split(maxsplit=1) for line in output("--version", "--verbose").splitlines())
    assert lines["Python"].startswith(sys.version.split()[0])
    assert lines["Threads"].startswith("1 of ")
    assert lines["Kernels"] == f"1 stored, 1.5 MB, in {cache}"
    assert f"numpy {metadata.version('numpy')}" in lines["Packages"]
    assert "GLASSNET_THREADS=1" in lines["Settings"]
    assert lines["Processor"].split(":")[1].strip()


def test_verbose_says_why_kernels_are_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o777)
    monkeypatch.setenv("GLASSNET_CACHE", str(tmp_path))
    assert "kernels are not stored: others can write to" in output("--version", "--verbose")


def test_packages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        metadata, "requires", lambda name: ["numpy>=2", "no-such>=1; extra == 'onnx'", "x; extra == 'dev'"]
    )
    text = output("--version", "--verbose")
    assert "no-such (optional)" in text
    assert " x" not in text.split("Missing")[1]


def test_a_home_folder_is_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert version.without_home(tmp_path / "a") == f"~{os.sep}a"
    assert version.without_home(Path(f"{tmp_path}b")) == f"{tmp_path}b"


def test_verbose_without_version_is_refused() -> None:
    result = CliRunner().invoke(app, ["--verbose"])
    assert result.exit_code == 2
    assert "--verbose belongs to --version" in result.output


def test_the_help_names_the_extra_and_wraps_paragraphs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 'pip install "glassnet[play]"' in output("play", "--help")
    monkeypatch.setenv("COLUMNS", "60")
    lines = [line.strip() for line in output("train", "--help").split("Arguments")[0].splitlines()]
    first = next(number for number, line in enumerate(lines) if line.startswith("For a table"))
    paragraph = lines[first : lines.index("", first)]
    assert len(paragraph) > 3
    assert all(len(line) > 40 for line in paragraph[:-1])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_and_options(shell: str) -> None:
    assert "train" in completions(shell, "glassnet tr")
    assert "--target" in completions(shell, "glassnet train --tar")


def completions(shell: str, line: str) -> str:
    """What a shell offers at the end of a line, asked as its script asks."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_TYPER_COMPLETE_ARGS": line}
    request = {"_GLASSNET_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args", **words}
    command = [sys.executable, "-m", "glassnet"]
    return subprocess.run(command, env=os.environ | request, capture_output=True, text=True, check=False).stdout


def test_the_manual_page_is_what_the_command_line_says() -> None:
    code = "import runpy; print(runpy.run_path('tools/man_page.py')['manual_page'](), end='')"
    written = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    page = (ROOT / "docs" / "glassnet.1").read_text(encoding="utf-8")
    assert written == page, "run python tools/man_page.py"
    for name in ("train", "check-mine", "GLASSNET_THREADS", "130"):
        assert name.replace("-", r"\-") in page
