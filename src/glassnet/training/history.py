"""What a training run leaves behind: one Report per epoch, and the History of them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.errors import ParameterError
from glassnet.result_html import table_html
from glassnet.training.layer_measures import LayerHistory, Measures

MAX_LINES = 8  # of the table that a notebook shows, evenly spread epochs


class Report(NamedTuple):
    """One epoch of a run.

    `epoch` counts from 1, and `step` counts the steps since the run began. `cost` is the mean over the batches of the
    epoch, penalty included; `lr` is the rate of its last step. `validation_cost` and `accuracy` are None without
    validation data, and `accuracy` also if y are not classes. `seconds` is the time since the run began.
    `validation_metric` is None unless one was given.
    """

    epoch: int
    step: int
    cost: float
    lr: float
    validation_cost: float | None = None
    accuracy: float | None = None
    seconds: float = 0.0
    validation_metric: float | None = None

    def __str__(self) -> str:
        return "  ".join([f"epoch {self.epoch}", *self._costs(), f"lr {self.lr:.3g}", f"{self.seconds:.1f} s"])

    def progress_texts(self, total: int) -> list[str]:
        """The text of a progress bar after this epoch, of `total` epochs."""
        return [f"epoch {self.epoch}/{total}", *self._costs()]

    def cells(self, names: Sequence[str]) -> list[str]:
        """Some of the fields as text."""
        texts = {"accuracy": f"{self.accuracy or 0:.2%}", "seconds": f"{self.seconds:.3g}"}
        numbers = {name: getattr(self, name) for name in names}
        return ["" if number is None else texts.get(name, f"{number:.6g}") for name, number in numbers.items()]

    def _costs(self) -> list[str]:
        """Cost, validation cost and accuracy, as far as they are known."""
        parts = [f"cost {self.cost:.4g}"]
        if self.validation_cost is not None:
            parts.append(f"validation {self.validation_cost:.4g}")
        if self.accuracy is not None:
            parts.append(f"accuracy {self.accuracy:.2%}")
        if self.validation_metric is not None:
            parts.append(f"metric {self.validation_metric:.4g}")
        return parts


class CostLevels(NamedTuple):
    """Mean costs on samples of a run: as reached, of the best constant prediction, and the least possible."""

    reached: float
    constant: float
    least: float


class Predictability(NamedTuple):
    """The share of y's variance that two regressions explain from x, leaving one sample out at a time; at most 1.

    `linear` is 0 or below where no linear function of x predicts y better than its mean; `kernel` is the same for
    smooth functions of any shape. `samples` is the number of samples that they were measured on.
    """

    linear: float
    kernel: float
    samples: float

    @property
    def best(self) -> float:
        """The better of the two."""
        return max(self.linear, self.kernel)


class FinalState(NamedTuple):
    """What a diagnosis measured after a run: the layers, the levels of the cost, and whether x predicts y at all.

    The last is None where the network has learnt well, or there are too few samples to tell.
    """

    measures: Measures
    levels: CostLevels
    predictability: Predictability | None = None


class History(Sequence[Report]):
    """The reports of a run, one per epoch; `history["cost"]` is one quantity as an array, with NaN for None.

    `stopped` says why the run ended. With early stopping or a `validation_metric`, `best_epoch` is the epoch whose
    weights were restored, and `best_by` the quantity that was best there. `warnings` are sentences about the run.
    `blocks` are the numbers of samples of the shuffled blocks, if the run used blocks or read a file: `train(x, y,
    blocks=history.blocks)` takes the same samples in memory in the same order. `lanes` has the settings of a run in
    lanes (glassnet.scale) by name; it is empty for other runs. `communication` is the share of the time of their rounds
    that a cluster did not spend on steps; None for other runs, and after a single round. `layers` are the measurements
    of the layers; a run that was too short has none (`measured_layers` then has one, made at its end). `final` is what
    `diagnose()` measured after the run; model files store it.
    """

    def __init__(self, reports: Sequence[Report] = (), stopped: str = "") -> None:
        self.reports, self.stopped = list(reports), stopped
        self.best_epoch: int | None = None
        self.best_by = "validation cost"
        self.warnings: list[str] = []
        self.blocks: list[int | list[int]] = []
        self.lanes: dict[str, float] = {}
        self.communication: float | None = None
        self.layers = LayerHistory()
        self.final: FinalState | None = None
        self.end: Callable[[], LayerHistory] | None = None  # measures the layers that a short run has left
        self.reporter: Any = None  # the run as it was kept for its report (frames/reporter.py)

    @property
    def measured_layers(self) -> LayerHistory:
        """`layers`; for a run too short to have any, one measurement of its end, made when this is first read."""
        if len(self.layers) or self.end is None:
            return self.layers
        return self.end()

    def report(self, path: Any, title: str = "") -> None:
        """Write the run as one HTML file: the network at some of its steps, three of them in full, with all numbers.

        The file needs no internet connection and has at most 1.5 MB. A run that took less than a minute is repeated for
        it, from its start and with the same bits; of longer runs only the end is shown. Raises ParameterError if this
        history has no run, because it was read from a file or copied.
        """
        if self.reporter is None:
            raise ParameterError(
                "this history has no run to report on: it was read from a file, copied or pickled; train the network, "
                "and ask its history for the report in the same process."
            )
        self.reporter(self, path, title)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"end": None, "reporter": None}  # they hold samples of the data

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return self.reports[key]
        if key not in Report._fields:
            raise KeyError(f"{key!r}; a report has {', '.join(Report._fields)}")
        values = [getattr(report, key) for report in self.reports]
        return np.array([np.nan if value is None else value for value in values], np.float64)

    def __len__(self) -> int:
        return len(self.reports)

    def __repr__(self) -> str:
        if not self.reports:
            return "History(no epoch finished)"
        epochs = f"{len(self)} epoch{'' if len(self) == 1 else 's'}"
        return f"History({epochs}; {self.reports[-1]}{'; ' + self.stopped if self.stopped else ''})"

    def _repr_html_(self) -> str:
        """The first, some, the best and the last epoch as a table."""
        chosen = set(np.linspace(0, max(len(self) - 1, 0), min(len(self), MAX_LINES), dtype=int).tolist())
        chosen |= {index for index, report in enumerate(self.reports) if report.epoch == self.best_epoch}
        names = [name for name in Report._fields if not np.isnan(self[name]).all()]
        rows = [self.reports[index].cells(names) for index in sorted(chosen)]
        best = f". The best epoch is {self.best_epoch}; its weights were restored." if self.best_epoch else ""
        return table_html(repr(self) + best, [name.replace("_", " ") for name in names], rows)
