"""Every planted fault is caught by the check that the suite uses for it, and without a fault every check passes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from glassnet.program.lowering import forward_lowerings, step_lowerings
from glassnet.see.slope import WRONG

from ..properties import test_updates as updates
from .by_hand import check_pass, check_steps
from .faults import CASES, FAULTS, Fault
from .problems import Problem

BY_HAND = ("plain", "square", "penalty")
LIMITS = (0.05, 3.0)  # of the gradients' norm: one that clips and one that does not


@pytest.fixture(autouse=True)
def fresh_programs() -> Iterator[None]:
    """Build the programs again with the fault, and again without it after the test."""
    for cached in (step_lowerings, forward_lowerings):
        cached.cache_clear()
    yield
    for cached in (step_lowerings, forward_lowerings):
        cached.cache_clear()


def first_wrong(problem: Problem) -> str:
    """The equation that gradient_check first finds wrong, from the output back; "" where all is right."""
    report = problem.check()
    wrong = [finding.equation for finding in report.findings if finding.verdict == WRONG]
    assert report.ok == (not wrong) and str(report).count("← wrong") <= len(wrong)
    return wrong[0] if wrong else ""


def steps(case: str) -> None:
    for limit in LIMITS:
        problem = CASES[case]()
        check_steps(problem.net, problem.x, problem.y, problem.weights, limit)


def passes(case: str) -> None:
    problem = CASES[case]()
    check_pass(problem.net, problem.x, problem.y, problem.weights)


def recurrences(name: str) -> None:
    rules = [(rule, recurrence) for rule, recurrence in updates.RECURRENCES if rule.name == name]
    assert rules, name
    for rule, recurrence in rules:
        updates.test_optimizer_matches_its_recurrence(rule, recurrence, 1.0)


CHECKS = {"pass": passes, "steps": steps, "rule": recurrences}


def test_the_table_has_forty_different_faults() -> None:
    assert len({fault.description for fault in FAULTS}) == len(FAULTS) >= 40
    assert {fault.caught_by for fault in FAULTS} == {"BP1", "BP2", "BP3", "BP4", *CHECKS}


@pytest.mark.parametrize("case", CASES)
def test_without_a_fault_every_check_passes(case: str) -> None:
    assert first_wrong(CASES[case]()) == ""
    if case in BY_HAND:
        passes(case)
        steps(case)


@pytest.mark.parametrize("name", sorted({fault.case for fault in FAULTS if fault.caught_by == "rule"}))
def test_without_a_fault_every_recurrence_passes(name: str) -> None:
    recurrences(name)


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.description for fault in FAULTS])
def test_fault_is_caught(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    fault.plant(monkeypatch)
    if fault.caught_by in CHECKS:
        with pytest.raises(AssertionError, match="Not equal to tolerance"), np.errstate(all="ignore"):
            CHECKS[fault.caught_by](fault.case)
    else:
        assert first_wrong(CASES[fault.case]()) == fault.caught_by


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.caught_by == "pass"], ids=lambda fault: fault.description
)
def test_gradient_check_cannot_detect_a_mistake_that_cost_and_gradient_share(
    fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault.plant(monkeypatch)
    assert first_wrong(CASES[fault.case]()) == ""
