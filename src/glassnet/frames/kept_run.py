"""What the report of a run needs, kept with its history: where it began, its data or some samples, what it left.

Keeping it costs a run two copies of its parameters. The report itself, with all that it computes, is made when somebody
asks for it (run_report.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.batches.streamed_sources import StreamedSources
from glassnet.training.history import History
from glassnet.training.training import Training

MAX_KEPT_BYTES = 64 << 20  # of the data of a run


class KeptRun:
    """A run that is about to begin; `samples` are some of its samples, which serve where its data cannot be kept.

    With `keep_data` false the run cannot be repeated from its recipe. `names` (report_samples.Names) is what its
    numbers are called, where that is known.
    """

    def __init__(self, training: Training, samples: Sources | None, keep_data: bool = True) -> None:
        sources = training.sources
        is_kept = keep_data and isinstance(sources, Sources) and kept_bytes(sources) <= MAX_KEPT_BYTES
        self.sources = sources if isinstance(sources, Sources) and is_kept else None
        self.blocks = training.blocks
        validation = getattr(training.evaluate, "sources", None)
        self.validation = validation if isinstance(validation, Sources) else None
        self.samples, self.model, self.recipe = samples, training.model, training.recipe
        self.is_streamed = isinstance(sources, StreamedSources)
        self.names: Any = None
        self.start = training.state()
        if not training.counters.step:  # the states of an optimiser begin at 0
            self.start["arrays"] = {name: self.start["arrays"][name] for name in ("parameters", "statistics")}
        self.end_step, self.end = 0, dict[str, Any]()

    def ended(self, training: Training, history: History) -> None:
        """Keep what the run left, and become the reporter of its history."""
        model = training.model
        self.end_step = training.counters.step
        self.end = {"parameters": model.parameters.vector.copy(), "statistics": model.statistics.vector.copy()}
        history.reporter = self

    def release_data(self, limit: int) -> None:
        """Do not keep data of more than so many bytes; the report then shows the end of the run alone."""
        if self.sources is not None and kept_bytes(self.sources) > limit:
            self.sources = self.validation = None

    def __call__(self, history: History, path: Any, title: str = "") -> None:
        """Write the report."""
        from glassnet.frames.run_report import write_report

        write_report(self, history, path, title)


def kept_bytes(sources: Sources) -> int:
    """How much memory the data of a run take."""
    x = sources.x
    size = x.nbytes if isinstance(x, np.ndarray) else getattr(getattr(x, "data", x), "nbytes", MAX_KEPT_BYTES + 1)
    return int(size + sources.y.nbytes)
