"""States of the steps right before one that a person went to: from there, a few steps back are quick, and the change of
the last step is known.

Snapshots (timeline.py) lie up to half a second of computation apart; on the way from one to step t, the states of
t − 64, t − 32 ... t − 1 are kept here, and older ones go.
"""

from __future__ import annotations

from glassnet.play.timeline import Branch, State, size_of

FARTHEST = 64  # steps before the one that is gone to; a power of 2
MAX_BYTES, MIN_STATES = 64 << 20, 2
MAX_STATES = 32


class NearStates:
    """Some states by branch and step, the latest ones last."""

    def __init__(self) -> None:
        self._states: dict[tuple[int, int], State] = {}

    def add(self, branch: Branch, state: State) -> None:
        """Keep a state of a branch."""
        self._states.pop(key := (branch.id, state["step"]), None)
        self._states[key] = state
        while len(self._states) > MIN_STATES and (len(self._states) > MAX_STATES or self.bytes > MAX_BYTES):
            del self._states[next(iter(self._states))]

    @property
    def bytes(self) -> int:
        """Memory of all of them."""
        return sum(map(size_of, self._states.values()))

    def nearest(self, branch: Branch, t: int, other: State) -> State:
        """The last of these states of a branch at or before step t, or the `other` one if that is later."""
        steps = [step for number, step in self._states if number == branch.id and other["step"] < step <= t]
        return self._states[branch.id, max(steps)] if steps else other


def next_stop(t: int, end: int) -> int:
    """The next step on the way from t to the end whose state is to be kept, or the end."""
    left = end - t
    return end - (1 << min((left - 1).bit_length() - 1, FARTHEST.bit_length() - 1)) if left > 1 else end


def is_stop(t: int, end: int) -> bool:
    """Whether the state of step t, on the way to the end, is to be kept."""
    left = end - t
    return 0 < left <= FARTHEST and left & (left - 1) == 0
