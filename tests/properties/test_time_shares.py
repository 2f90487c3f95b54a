"""Properties of a time limit of the tabular estimators: how it is measured, planned and shared."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.tabular import time_shares
from glassnet.tabular.hyperparameters import Hyperparameters
from glassnet.tabular.time_shares import TimeShares, epoch_seconds, planned, within_time
from glassnet.tabular.training_data import TrainingData

DATA = TrainingData(np.zeros((100, 2), np.float32), np.arange(100) % 2, None, 2)
PLAN = Hyperparameters(members=4, epochs=40, holdout=0.2)


class Clock:
    """A time that passes only where a training lets it."""

    now = 1000.0

    def perf_counter(self) -> float:
        return self.now


class FakeTraining:
    """Stands for `train_network`: epochs that take given seconds, and what it was called with."""

    def __init__(self, clock: Clock, seconds: list[float], stopped: str | None = None) -> None:
        self.clock, self.seconds, self.stopped, self.calls = clock, seconds, stopped, list[Any]()

    def __call__(
        self, network: Any, data: TrainingData, hyperparameters: Hyperparameters, limit: float, report: Any
    ) -> Any:
        self.calls.append((len(data.x), hyperparameters, limit))
        begun = self.clock.now
        for number, seconds in enumerate(self.seconds[: hyperparameters.epochs], 1):
            if self.clock.now + seconds > begun + limit:
                self.clock.now = begun + limit
                break
            self.clock.now += seconds
            report(number)
        return SimpleNamespace(stopped=self.stopped)


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that puts a FakeTraining in place, with a clock of its own."""

    def put(seconds: list[float], stopped: str | None = None) -> FakeTraining:
        clock = Clock()
        fake = FakeTraining(clock, seconds, stopped)
        monkeypatch.setattr(time_shares, "time", clock)
        monkeypatch.setattr(time_shares, "train_network", fake)
        return fake

    return put


def test_the_probe_measures_an_epoch_after_the_first_which_waits_for_the_compiler(training: Any) -> None:
    fake = training([7.0, 2.0, 2.0, 2.0])
    assert epoch_seconds(DATA, PLAN, 0, 100.0) == 2.0
    ((rows, hyperparameters, limit),) = fake.calls
    assert rows == 80 and limit == 100.0, "as many rows as a member trains on"
    assert fake.clock.now == 1009.0 and hyperparameters.epochs == 2


def test_a_probe_that_reaches_its_limit_says_that_an_epoch_takes_at_least_that(training: Any) -> None:
    training([50.0])
    assert epoch_seconds(DATA, PLAN, 0, 20.0) == 20.0


def test_the_probe_measures_the_network_of_the_first_member(training: Any) -> None:
    fake = training([1.0, 1.0])
    epoch_seconds(DATA, PLAN._replace(views=({"width": 7}, {})), 0, 20.0)
    assert fake.calls[0][1].width == 7


def test_the_probe_takes_a_fifth_of_the_time_and_the_plan_what_is_left(training: Any) -> None:
    fake = training([4.0, 1.0])
    shares = TimeShares(100.0)
    plan = within_time(DATA, PLAN, shares, 1, 0)
    assert fake.calls[0][2] == pytest.approx(20.0)
    # 95 seconds are left, of which 85 % are planned: 80 epochs of a second, for 4 members
    assert (plan.members, plan.epochs) == (4, 20)
    assert within_time(DATA, PLAN, TimeShares(1000.0), 1, 0) == PLAN


def test_ctrl_c_in_the_probe_ends_the_fit(training: Any) -> None:
    training([1.0, 1.0], stopped="interrupted")
    with pytest.raises(KeyboardInterrupt):
        epoch_seconds(DATA, PLAN, 0, 20.0)


@given(st.integers(1, 10), st.integers(1, 100), st.floats(0.1, 2000), st.integers(1, 8))
def test_a_plan_fits_the_time(members: int, epochs: int, available: float, threads: int) -> None:
    whole = Hyperparameters(members=members, epochs=epochs)
    plan = planned(whole, available, threads)
    needed = math.ceil(plan.members / threads) * plan.epochs
    assert 1 <= plan.members <= members and 1 <= plan.epochs <= epochs
    assert needed <= max(available, 1) or plan.epochs == 1
    if math.ceil(members / threads) * epochs <= available:
        assert plan == whole
    elif plan.members < members:
        assert plan.epochs >= min(epochs, 12) or plan.members <= threads, "fewer members before short schedules"


def test_members_share_the_time() -> None:
    shares = TimeShares(100.0)
    shares.divide(4, 2)
    limits = [shares.next_limit() for _ in range(4)]
    assert np.allclose(np.array(limits, float), [50, 50, 100, 100], rtol=0.05)
    assert TimeShares(None).next_limit() is None
