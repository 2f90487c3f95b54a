"""What a training run leaves behind: one Report an epoch, and the History of them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.program.parameters import Array
from glassnet.training.layer_measures import LayerHistory


class Report(NamedTuple):
    """One epoch: its number (from 1), steps since the run began, mean cost of its batches (penalty included), rate of
    its last step, cost on the validation data (None without), share of right answers there where y are classes, and
    seconds since the run began.
    """

    epoch: int
    step: int
    cost: float
    lr: float
    validation_cost: float | None = None
    accuracy: float | None = None
    seconds: float = 0.0

    def __str__(self) -> str:
        parts = [f"epoch {self.epoch}", f"cost {self.cost:.4g}"]
        if self.validation_cost is not None:
            parts.append(f"validation {self.validation_cost:.4g}")
        if self.accuracy is not None:
            parts.append(f"accuracy {self.accuracy:.2%}")
        return "  ".join([*parts, f"lr {self.lr:.3g}", f"{self.seconds:.1f} s"])


class History(Sequence[Report]):
    """The reports of a run in order; `history["cost"]` is one of their quantities as an array.

    `stopped` says in words why the run ended; `best_epoch` is the epoch whose weights were kept, where that was asked;
    `warnings` are sentences about the run, `layers` the looks at its layers (none where it was too short for one).
    `levels` is what a model file tells of the cost on samples of the run: as it was saved, of the best constant answer,
    and the least possible.
    """

    def __init__(self, reports: Sequence[Report] = ()) -> None:
        self.reports = list(reports)
        self.stopped = ""
        self.best_epoch: int | None = None
        self.warnings: list[str] = []
        self.layers = LayerHistory()
        self.levels: tuple[float, float, float] | None = None

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in Report._fields:
                raise KeyError(f"{key!r}; a report has {', '.join(Report._fields)}")
            return self.column(key)
        return self.reports[key]

    def column(self, quantity: str) -> Array:
        """One quantity of all epochs, NaN where an epoch has none."""
        values = [getattr(report, quantity) for report in self.reports]
        return np.array([np.nan if value is None else value for value in values], np.float64)

    def __len__(self) -> int:
        return len(self.reports)

    def __iter__(self) -> Iterator[Report]:
        return iter(self.reports)

    def __repr__(self) -> str:
        if not self.reports:
            return "History(no epoch finished)"
        return f"History({len(self)} epochs; {self.reports[-1]}{'; ' + self.stopped if self.stopped else ''})"
