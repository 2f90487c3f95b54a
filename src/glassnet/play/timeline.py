"""The steps of a run that can be returned to: snapshots of each branch, in bounded memory, and replay between them.

A branch begins where settings changed; before that it is its parent. Snapshots are whole states of a Training; where
memory ends, about every second one goes, so that the rest are evenly spaced; the steps between are run again, which
gives the same bits.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import Any

from glassnet.play.setup import Setup

MAX_BYTES = 64 << 20  # of all snapshots of a run
MAX_SNAPSHOTS = 2000  # more would grow for hours, where a network is small
State = dict[str, Any]


@dataclass
class Branch:
    """A line of steps from step `first` on, under one setup (`setup.then` has the changes up to here)."""

    id: int
    parent: int | None
    first: int
    label: str
    setup: Setup
    steps: int
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
        self.add_branch(None, 0, "start", setup, state)

    def add_branch(self, parent: int | None, first: int, label: str, setup: Setup, state: State) -> Branch:
        """A new branch, which begins with this state."""
        branch = Branch(len(self.branches), parent, first, label, setup, first)
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
        """Drop at least half the snapshots of the branch with the most, never its first; False where none can go.

        Those stay that are farther from the one before than twice the mean distance: what is old is not thinned more.
        """
        branch = max(self.branches, key=lambda each: len(each.times))
        times, stay = branch.times, branch.times[:1]
        distance = 2 * (times[-1] - times[0]) / max(1, len(times) - 1)
        for t in times[1:]:
            if t - stay[-1] > distance:
                stay.append(t)
            else:
                self.bytes -= size_of(branch.states.pop(t))
        self.count -= len(times) - len(stay)
        branch.times = stay
        return len(stay) < len(times)


def size_of(state: State) -> int:
    """Bytes of a snapshot's arrays."""
    return sum(array.nbytes for array in state["arrays"].values()) + 400
