"""What a page is told on a long way to a step: how far it is, and whether the steps are new or run again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from glassnet.play.run import Run

Message = dict[str, Any]
QUIET_SECONDS, PAUSE_SECONDS = 0.2, 0.15  # before the first message, and between two


class Progress:
    """The way of a run to step `to`; `stopped` is what the run asks between two slices of steps.

    On the way through new steps `show` draws the page where it is; steps that are run again are counted for it alone.
    """

    def __init__(
        self,
        run: Run,
        to: int,
        send: Callable[[Message], None],
        show: Callable[[Run], None],
        ended: Callable[[], bool],
    ) -> None:
        self.run, self.to, self._send, self._show, self._ended = run, to, send, show, ended
        self._reached, self._first = run.last, -1
        self._due = time.perf_counter() + QUIET_SECONDS

    def stopped(self) -> bool:
        """Whether the way should end here."""
        if self._first < 0:  # the run is at the state from which the way begins
            self._first = self.run.t
        if time.perf_counter() >= self._due:
            self._send(self.message())
            self._due = time.perf_counter() + PAUSE_SECONDS
        if self.run.t > self._reached:
            self._show(self.run)
        return self._ended()

    def message(self) -> Message:
        """The Progress of web/src/lib/messages.ts."""
        t, repeated = self.run.t, self.run.t < self._reached
        first, end = (
            (self._first, min(self.to, self._reached)) if repeated else (max(self._first, self._reached), self.to)
        )
        text = f"{'Replaying' if repeated else 'Running'} {end - first:,} steps to step {end:,}: at step {t:,}."
        return {"type": "progress", "from": first, "t": t, "to": end, "repeated": repeated, "text": text}
