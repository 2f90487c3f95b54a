"""A run that can go on, go back exactly, and branch where its settings change.

It has one live Training, which is moved along the timeline: restored from the nearest snapshot, then run again for
the steps in between. All methods are called under `lock`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from glassnet.errors import DivergedError, ParameterError
from glassnet.play.cost_curve import cost_curve
from glassnet.play.cost_log import MAX_CURVE, CostLog
from glassnet.play.near_states import NearStates, is_stop, next_stop
from glassnet.play.network import make_network
from glassnet.play.recorded_training import RecordedTraining, adopted_state, open_training
from glassnet.play.run_samples import RunSamples
from glassnet.play.setup import CHANGEABLE, MAX_CHANGES, Change, Setup
from glassnet.play.template import Start
from glassnet.play.timeline import Branch, State, Timeline
from glassnet.play.turn_lock import TurnLock
from glassnet.training.history import Report

SLICE_SECONDS = 0.05  # after which a replay looks whether it should end
SPACING_SECONDS = 0.3  # of computation between two snapshots: a replay takes no longer
COPY_SHARE = 20  # a snapshot is taken at most for one part in so many of the time
MAX_BRANCHES = 100


Followed = Callable[["Run", int], Callable[[], bool]]
"""Of a run and a step: what is asked on the way there whether it should end."""


class Run:
    """A setup with its samples, its branches, and the place where it stands: `branch` and `t`.

    `followed` is asked on the way to the changes that a link has.
    """

    def __init__(
        self,
        setup: Setup,
        data: RunSamples,
        notes: list[str] | None = None,
        start: Start | None = None,
        followed: Followed | None = None,
    ) -> None:
        base = setup.at(0)
        self.lock, self.notes, self.lesson, self.log = TurnLock(), list(notes or ()), "", CostLog()
        self.start, self.data = start, data
        self.samples = data.listed(make_network(base, data.template).architecture)
        self.training = open_training(base, self.samples, data.template)
        if start is not None:
            start.put_into(self.training.model)
        self.timeline, self._near = Timeline(base, self.training.light_state()), NearStates()
        self.branch = self._owner = self.timeline.branches[0]
        self._log_costs()
        self._next_snapshot = time.perf_counter() + SPACING_SECONDS
        self._make_changes(setup.then, followed)

    # Where it stands --------------------------------------------------------------------------------------------------

    @property
    def t(self) -> int:
        """The current step of the run."""
        return self.training.counters.step

    @property
    def owner(self) -> Branch:
        """The branch whose settings hold at this step."""
        return self._owner

    def owner_at(self, t: int) -> Branch:
        """The branch whose settings hold at step t of the present line."""
        return self.timeline.owner(self.branch, t)

    @property
    def setup(self) -> Setup:
        """The setup of the present branch, changes included."""
        return self.branch.setup

    @property
    def last(self) -> int:
        """The largest step that the present branch has reached."""
        return self.branch.steps

    def open_owner(self, branch: Branch) -> RecordedTraining:
        """A Training under the settings of a branch, on a network of its own."""
        return open_training(branch.setup.at(len(branch.setup.then)), self.samples, self.data.template)

    # Moving -----------------------------------------------------------------------------------------------------------

    def seek(self, t: int, stopped: Callable[[], bool] = bool) -> None:
        """Go to step t of the present branch, back or on; `stopped` ends it earlier, at a step.

        Raises DivergedError where a step on the way has no finite result; the run then stands before that step.
        """
        owner = self.timeline.owner(self.branch, t)
        if owner is not self._owner or not self._passes(owner, t):
            self._move(owner, t)
        while self.t < t and not stopped():
            if is_stop(self.t, t):
                self._near.add(self._owner, self.training.light_state())
            self.advance(next_stop(self.t, t) - self.t, SLICE_SECONDS)

    def nearest(self, owner: Branch, t: int) -> State:
        """The last state of a branch at or before step t that is kept."""
        return self._near.nearest(owner, t, self.timeline.nearest(owner, t))

    def _passes(self, owner: Branch, t: int) -> bool:
        """Whether running on from here is shorter than from the nearest state."""
        return self.t <= t and self.nearest(owner, t)["step"] <= self.t

    def _move(self, owner: Branch, t: int) -> None:
        """Put the live Training to the nearest state at or before t of the branch that contains it."""
        reports = self.training.counters.reports
        if owner is not self._owner:
            self.training.executor.close()
            self.training, self._owner = self.open_owner(owner), owner
            self._log_costs()
        self.restore_into(self.training, self.nearest(owner, t), reports)

    def send_costs_again(self) -> None:
        """Have the page get the costs of the whole branch: its view is a new one."""
        self.log.begin_with(cost_curve(self.timeline, self.branch, self.branch.steps, MAX_CURVE))

    def _log_costs(self) -> None:
        """Have the costs of the live Training noted for the page and for the curve of its branch."""
        self.training.logs = (self.log, self._owner.costs)

    @staticmethod
    def restore_into(training: RecordedTraining, state: State, reports: list[Report]) -> None:
        """Put a Training to a state, with those of the finished epochs' reports that belong to it."""
        training.restore(state)
        training.counters.reports = [report for report in reports if report.epoch <= training.counters.epoch]

    def advance(self, steps: int, seconds: float) -> None:
        """Run on by at most so many steps and about so many seconds, under the settings that hold on the way."""
        change = self.timeline.next_change(self.branch, self.t)
        if change == self.t or self._owner is not self.timeline.owner(self.branch, self.t):
            self._move(self.timeline.owner(self.branch, self.t), self.t)
        limit = steps if change is None else min(steps, change - self.t)
        try:
            self.training.run(steps=limit, seconds=seconds)
        except DivergedError as error:
            self._owner.ended = str(error)
            raise
        finally:
            self._arrived()

    def _arrived(self) -> None:
        for branch in {self._owner.id: self._owner, self.branch.id: self.branch}.values():
            branch.steps = max(branch.steps, self.t)
        if time.perf_counter() >= self._next_snapshot:
            self.snapshot()
        if self.t == self.timeline.next_change(self.branch, self.t - 1):
            self._move(self.timeline.owner(self.branch, self.t), self.t)

    def snapshot(self) -> State:
        """The state at this step; the timeline keeps it."""
        started = time.perf_counter()
        state = self.training.light_state()
        self.timeline.add(self._owner, self.t, state)
        now = time.perf_counter()
        self._next_snapshot = now + max(SPACING_SECONDS, COPY_SHARE * (now - started))
        return state

    # Branches ---------------------------------------------------------------------------------------------------------

    def change(self, values: dict[str, Any]) -> None:
        """Change settings from this step on: a new branch. Raises ParameterError for one that cannot change."""
        if fixed := [key for key in values if key not in CHANGEABLE]:
            raise ParameterError(f"{fixed[0]} cannot change during a run; use setup for a new one.")
        if len(self.owner.setup.then) >= MAX_CHANGES or len(self.timeline.branches) >= MAX_BRANCHES:
            raise ParameterError("this run has too many changes; start a new one from its link.")
        before = self.owner.setup
        effective = before.at(len(before.then))
        changed = {key: value for key, value in values.items() if value != getattr(effective, key)}
        if not changed:
            return
        after = effective._replace(**changed)
        setup = before._replace(then=(*before.then, Change(self.t, changed)))
        training = open_training(after, self.samples, self.data.template)  # raises where the settings do not fit
        state = self._adopted(training, self.training.light_state(), effective, after)
        self.snapshot()
        self.branch = self.timeline.add_branch(self._owner.id, self.t, _label(effective, changed), setup, state)
        self.log.go_on_from(self.t)
        self.training, self._owner = training, self.branch
        self._log_costs()

    def _make_changes(self, changes: tuple[Change, ...], followed: Followed | None) -> None:
        """Go to the step of each change that a link has, and make it, as far as the run goes."""
        try:
            for change in changes:
                self.seek(change.t, bool if followed is None else followed(self, change.t))
                if self.t < change.t:
                    self.notes.append(f"Later changes are left out: the run was stopped at step {self.t:,}.")
                    return
                self.change(change.set)
        except DivergedError as error:
            self.notes.append(f"The changes after step {self.t:,} are left out: {error}")

    @staticmethod
    def _adopted(training: RecordedTraining, state: State, before: Setup, after: Setup) -> State:
        """Restore the state in a Training of other settings; return it as that Training has it."""
        own = training.light_state()
        adopted = adopted_state(state, before, after)
        training.restore(adopted | {"arrays": own["arrays"] | adopted["arrays"]})
        return training.light_state()

    def select(self, number: Any) -> None:
        """Make another branch the present one, at its last step. Raises ParameterError where there is none."""
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(self.timeline.branches):
            raise ParameterError(f"there is no branch {number!r:.20}.")
        self.branch = self.timeline.branches[number]
        self.log.begin(self.branch.steps)
        self.seek(self.branch.steps)


def _label(before: Setup, changed: dict[str, Any]) -> str:
    """What changed, such as "lr 0.1 → 0.5"."""
    parts = []
    for key, value in changed.items():
        old = getattr(before, key)
        texts = ["-".join(each) if isinstance(each, tuple) else str(each) for each in (old, value)]
        parts.append(f"{key} {texts[0]} → {texts[1]}")
    return ", ".join(parts)
