"""What the rounds of a run on a cluster have taken: the share of communication, and whether one process is faster.

The model is that of round_length.py, with measured times in place of its constants.
"""

from __future__ import annotations

from glassnet.scale.round_length import RoundTime

FIRST = 1  # rounds that are not measured: they compile the engine
MIN_SECONDS = 5.0  # that one process has to save


class RoundTimes:
    """The times of the rounds so far; the first one, in which the workers compile the engine, does not count."""

    def __init__(self) -> None:
        self.rounds, self.sum = 0, RoundTime(0.0, 0.0)
        self.steps_seconds = 0.0  # that all steps together took

    def add(self, seconds: float, steps_seconds: float, lanes: int, threads: int) -> None:
        """A round that took so long; `steps_seconds` is the sum over its lanes, which had so many threads."""
        self.rounds += 1
        if self.rounds > FIRST:
            computing = min(steps_seconds / lanes * -(-lanes // max(threads, 1)), seconds)
            self.sum = RoundTime(self.sum.computing + computing, self.sum.communication + seconds - computing)
            self.steps_seconds += steps_seconds

    @property
    def share(self) -> float | None:
        """The share of the time that was not spent on steps; None before there is a measured round."""
        return self.sum.share if self.sum.seconds else None

    def warning(self, rounds: float) -> str:
        """After the first measured round: a sentence if one process would compute so many rounds sooner."""
        if self.rounds != FIRST + 1:
            return ""
        one_process, cluster = self.steps_seconds * rounds, self.sum.seconds * rounds
        if cluster - one_process <= MIN_SECONDS:
            return ""
        return (
            f"one process would be faster than this cluster: about {one_process:,.0f} s for all epochs, instead of "
            f"{cluster:,.0f} s, of which {self.sum.share:.0%} are communication; fit without a cluster, or pass "
            "client=False."
        )
