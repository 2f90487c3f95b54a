"""What a history asks for its report: the snapshot of its run, which imports what makes a report only then."""

from __future__ import annotations

from typing import Any

from glassnet.frames.run_snapshot import RunSnapshot
from glassnet.training.history import History


class Reporter(RunSnapshot):
    """The snapshot of a run that can be written as a report."""

    def __call__(self, history: History, path: Any, title: str = "") -> None:
        """Write the report."""
        from glassnet.frames.run_report import write_report

        write_report(self, history, path, title)
