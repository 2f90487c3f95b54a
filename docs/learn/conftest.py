"""What the code of a lesson writes goes to an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the examples of a page in a folder of its own."""
    monkeypatch.chdir(tmp_path)
