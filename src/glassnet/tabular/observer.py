"""What follows a fit of a tabular model from outside: a report on a screen, or lines for another program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from glassnet.training.history import Report

if TYPE_CHECKING:
    from glassnet.data.preprocessing import TablePreparation
    from glassnet.tabular.hyperparameters import Hyperparameters


class FitObserver:
    """Is told how a fit proceeds, and does nothing: the base of those that do."""

    def prepared(
        self, preparation: TablePreparation, leaks: Sequence[str], rows: int, hyperparameters: Hyperparameters
    ) -> None:
        """The columns are read and the training begins; `leaks` ask about columns that give the target away."""

    def epoch(self, member: int, report: Report, score: float) -> None:
        """A member, counted from 1, has finished an epoch with this score on its holdout; called in its own thread."""


NO_OBSERVER = FitObserver()
