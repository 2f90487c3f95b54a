"""Every planted fault is caught by the check that the suite uses for it, and without a fault every check is green."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from glassnet.execution.prediction import forward_programs
from glassnet.training.training import programs

from ..properties import test_updates as updates
from .by_hand import check_pass, check_steps
from .faults import CASES, FAULTS, Fault
from .problems import Problem

BY_HAND = ("plain", "square", "penalty")
LIMITS = (0.05, 3.0)  # of the gradients' norm: one that clips and one that does not


@pytest.fixture(autouse=True)
def made_anew() -> Iterator[None]:
    """No program that was made without the fault is used with it, and none with it outlives the test."""
    for kept in (programs, forward_programs):
        kept.cache_clear()
    yield
    for kept in (programs, forward_programs):
        kept.cache_clear()


def first_wrong(found: Problem) -> str:
    """The equation that gradient_check first finds wrong, from the output back; "" where all is right."""
    report = found.check()
    assert not any("kink" in finding.quantity for finding in report.findings)
    wrong = [finding.equation for finding in report.findings if finding.difference > report.tolerance]
    assert report.ok == (not wrong) and str(report).count("← wrong") <= len(wrong)
    return wrong[0] if wrong else ""


def steps(case: str) -> None:
    for limit in LIMITS:
        found = CASES[case]()
        check_steps(found.net, found.x, found.y, found.weights, limit)


def passes(case: str) -> None:
    found = CASES[case]()
    check_pass(found.net, found.x, found.y, found.weights)


def recurrences(name: str) -> None:
    found = [(rule, recurrence) for rule, recurrence in updates.RECURRENCES if rule.name == name]
    assert found, name
    for rule, recurrence in found:
        updates.test_optimizer_is_its_recurrence(rule, recurrence, 1.0)


CHECKS = {"pass": passes, "steps": steps, "rule": recurrences}


def test_the_table_holds_forty_different_faults() -> None:
    assert len({fault.what for fault in FAULTS}) == len(FAULTS) >= 40
    assert {fault.found for fault in FAULTS} == {"BP1", "BP2", "BP3", "BP4", *CHECKS}


@pytest.mark.parametrize("case", CASES)
def test_without_a_fault_every_check_is_green(case: str) -> None:
    assert first_wrong(CASES[case]()) == ""
    if case in BY_HAND:
        passes(case)
        steps(case)


@pytest.mark.parametrize("name", sorted({fault.case for fault in FAULTS if fault.found == "rule"}))
def test_without_a_fault_every_recurrence_is_green(name: str) -> None:
    recurrences(name)


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.what for fault in FAULTS])
def test_fault_is_caught(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    fault.plant(monkeypatch)
    if fault.found in CHECKS:
        with pytest.raises(AssertionError, match="Not equal to tolerance"), np.errstate(all="ignore"):
            CHECKS[fault.found](fault.case)
    else:
        assert first_wrong(CASES[fault.case]()) == fault.found


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.found == "pass"], ids=lambda fault: fault.what)
def test_gradient_check_alone_cannot_see_what_is_wrong_alike(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    fault.plant(monkeypatch)
    assert first_wrong(CASES[fault.case]()) == ""
