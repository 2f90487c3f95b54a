"""What a history asks for its report: the run as it was kept, which imports what makes a report only then."""

from __future__ import annotations

from typing import Any

from glassnet.frames.kept_run import KeptRun
from glassnet.training.history import History


class Reporter(KeptRun):
    """A run that was kept, and can be written as a report."""

    def __call__(self, history: History, path: Any, title: str = "") -> None:
        """Write the report."""
        from glassnet.frames.run_report import write_report

        write_report(self, history, path, title)
