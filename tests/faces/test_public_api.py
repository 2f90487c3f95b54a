"""What other programs may rely on is written down in docs/public_api.txt, so that no change of it goes unseen."""

from __future__ import annotations

import difflib
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADVICE = "If this is meant, run python tools/public_api.py and say it in CHANGELOG.md (CONTRIBUTING.md: Promises)."


def test_the_public_interface_is_the_one_that_is_written_down() -> None:
    now = runpy.run_path(str(ROOT / "tools" / "public_api.py"))["public_api"]()
    before = (ROOT / "docs" / "public_api.txt").read_text(encoding="utf-8")
    changes = list(difflib.unified_diff(before.splitlines(), now.splitlines(), "written down", "now", lineterm="", n=0))
    assert not changes, "\n".join([*changes, ADVICE])


def test_it_has_names_signatures_tables_commands_and_formats() -> None:
    text = (ROOT / "docs" / "public_api.txt").read_text(encoding="utf-8")
    for line in (
        "  glassnet.NeuralNetwork.feedforward(self, x, *, training=False)",
        "class glassnet.Huber(delta=1.0)",
        "class glassnet.DataError(*arguments) is a ValueError, Exception, BaseException",
        "command: glassnet show",
        "file format 3",
    ):
        assert any(known.startswith(line) for known in text.splitlines()), line
    assert "softplus" in next(line for line in text.splitlines() if line.startswith("activation names"))
