"""The steps of a run that can be returned to: snapshots of each branch, in bounded memory, and replay between them.

A branch begins where settings changed; before that it is its parent. Snapshots are whole states of a Training; where
memory ends, one goes for each that comes, from where they are densest, so that the rest stay evenly spaced; the steps
between are run again, which gives the same bits.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.frames.findings import HeldOut
from glassnet.play.cost_log import MAX_CURVE, CostLog
from glassnet.play.setup import Setup

MAX_BYTES = 256 << 20  # of all snapshots of a run
MAX_SNAPSHOTS = 4000  # more would grow for hours, where a network is small
State = dict[str, Any]


@dataclass
class Branch:
    """A line of steps from step `first` on, under one setup (`setup.then` has the changes up to here).

    `costs` are those of all its steps, `held_out` those that were measured, at the steps that were shown.
    """

    id: int
    parent: int | None
    first: int
    label: str
    setup: Setup
    steps: int
    costs: CostLog
    held_out: dict[int, HeldOut] = field(default_factory=dict)
    ended: str = ""  # why it cannot go on, where it diverged
    times: list[int] = field(default_factory=list)
    states: dict[int, State] = field(default_factory=dict)

    def message(self) -> dict[str, Any]:
        """The branch as a page knows it."""
        return {"id": self.id, "parent": self.parent, "from": self.first, "label": self.label, "steps": self.steps}


class Timeline:
    """The branches of a run and their snapshots."""

    def __init__(self, setup: Setup, state: State) -> None:
        self.branches: list[Branch] = []
        self.bytes = self.count = 0
        self.add_branch(None, 0, "first run", setup, state)

    def add_branch(self, parent: int | None, first: int, label: str, setup: Setup, state: State) -> Branch:
        """A new branch, which begins with this state."""
        branch = Branch(len(self.branches), parent, first, label, setup, first, CostLog(first, MAX_CURVE))
        self.branches.append(branch)
        self.add(branch, first, state)
        return branch

    def owner(self, branch: Branch, t: int) -> Branch:
        """The branch that contains step t of this one: itself, or the ancestor that it left later."""
        while t < branch.first and branch.parent is not None:
            branch = self.branches[branch.parent]
        return branch

    def next_change(self, branch: Branch, t: int) -> int | None:
        """The first step after t at which this branch's line passes to another owner; None if it does not."""
        change = None
        while branch.first > t:
            change = branch.first
            if branch.parent is None:
                break
            branch = self.branches[branch.parent]
        return change

    def add(self, branch: Branch, t: int, state: State) -> None:
        """Keep a snapshot, and drop others where memory ends."""
        if t in branch.states:
            return
        bisect.insort(branch.times, t)
        branch.states[t] = state
        self.bytes += size_of(state)
        self.count += 1
        while (self.bytes > MAX_BYTES or self.count > MAX_SNAPSHOTS) and self._thin():
            pass

    def nearest(self, branch: Branch, t: int) -> State:
        """The last snapshot of a branch at or before step t, which it must contain."""
        return branch.states[branch.times[bisect.bisect_right(branch.times, t) - 1]]

    def _thin(self) -> bool:
        """Drop the snapshot without which the steps to run again grow least, never the first of a branch; False where
        none can go.
        """
        each = [(_least_gap(branch.times), branch.id) for branch in self.branches if len(branch.times) > 1]
        if not each:
            return False
        (_, index), number = min(each)
        branch = self.branches[number]
        self.bytes -= size_of(branch.states.pop(branch.times.pop(index)))
        self.count -= 1
        return True


def _least_gap(times: list[int]) -> tuple[float, int]:
    """The smallest distance between the neighbours of a snapshot, and the place of that one; the last of all goes only
    where there is none between.
    """
    if len(times) == 2:
        return math.inf, 1
    gaps = np.subtract(times[2:], times[:-2])
    index = int(gaps.argmin())
    return float(gaps[index]), index + 1


def size_of(state: State) -> int:
    """Bytes of a snapshot's arrays."""
    return sum(array.nbytes for array in state["arrays"].values()) + 400
