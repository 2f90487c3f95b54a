"""README and docs: the commands they show run, and their relative links lead to files and headings that exist."""

from __future__ import annotations

import doctest
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
COMMANDS = re.findall(r"(?:^|`)(glassnet \w+ [^`\n]*docs/data/[^`\n]*)", (ROOT / "README.md").read_text(), re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.slow
def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    assert len(COMMANDS) >= 5
    for command in sorted(COMMANDS, key=lambda command: " train " not in command):
        call = [sys.executable, "-c", "from glassnet.cli import main; main()", *shlex.split(command)[1:]]
        done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{command}\n{done.stderr}"


@pytest.mark.slow
def test_what_the_page_of_the_command_line_shows_is_what_a_shell_shows(tmp_path: Path) -> None:
    """All blocks that begin with a prompt, one after the other in one folder; `...` stands for any text."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    blocks = re.findall(r"^```\n(\$ .*?)^```", (ROOT / "docs" / "command.md").read_text(), re.MULTILINE | re.DOTALL)
    shown = [part.partition("\n") for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    assert len(shown) >= 5
    for command, _, expected in shown:
        script = f'glassnet() {{ "{sys.executable}" -m glassnet "$@"; }}; {command}'
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        expected, printed = (re.sub(r"[\d.]+e-0[78]", "1e-07", text) for text in (expected, done.stdout))
        assert doctest.OutputChecker().check_output(expected, printed, doctest.ELLIPSIS), f"{command}\n{done.stdout}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_links_resolve(document: Path) -> None:
    prose = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        path, _, fragment = link.partition("#")
        if "://" in link:
            continue
        target = document.parent / path if path else document
        assert target.exists(), link
        headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE) if fragment else []
        assert not fragment or fragment in map(anchor, headings), link


def test_the_pictures_of_the_lesson_show_the_numbers_of_today() -> None:
    pictures = runpy.run_path(str(ROOT / "tools" / "lesson_pictures.py"))["pictures"]()
    for name, content in pictures.items():
        assert (ROOT / "docs" / "learn" / name).read_text(encoding="utf-8") == content, name
    errors = re.findall(r">([^<>]+)</text>", pictures["errors.svg"])
    assert errors[errors.index("δ1[0]") + 1 : errors.index("δ1[0]") + 4 : 2] == ["−0.0267", "−0.1166"]


def test_contributing_lists_the_files_as_they_are() -> None:
    """Red after a file was added or its first sentence changed: run python tools/house.py."""
    done = subprocess.run([sys.executable, ROOT / "tools" / "house.py", "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
