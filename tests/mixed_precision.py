"""Mixed precision in tests: emulated, with its one warning already given, or by the processor's instructions."""

from __future__ import annotations

import warnings

import pytest

from glassnet.execution.executor import emulation_note, has_instructions
from glassnet.program.precision import EMULATE

MIXED = "mixed_bfloat16"
WAYS = ["emulated", "instructions"] if has_instructions() else ["emulated"]


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled engine emulates mixed precision."""
    emulate(monkeypatch)


@pytest.fixture(params=WAYS)
def mixed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled engine computes mixed precision in each way that this processor knows."""
    if request.param == "emulated":
        emulate(monkeypatch)
    else:
        monkeypatch.delenv(EMULATE, raising=False)


def emulate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have mixed precision emulated."""
    monkeypatch.setenv(EMULATE, "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        emulation_note()
