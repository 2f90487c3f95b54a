"""Mixed precision in tests: emulation switched on, with its one warning already given."""

from __future__ import annotations

import warnings

import pytest

from glassnet.execution.executor import emulation_note
from glassnet.program.precision import EMULATE

MIXED = "mixed_bfloat16"


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled engine emulates mixed precision."""
    monkeypatch.setenv(EMULATE, "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        emulation_note()
