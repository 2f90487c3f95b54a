"""What the report of a run needs, in its history: where the run began, its data or some samples, and what it left.

It costs a run two copies of its parameters, and nothing where these are many. The report itself, with all that
it computes, is made when somebody asks for it (reporter.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.batches.sources import Sources
from glassnet.batches.streamed_sources import StreamedSources
from glassnet.training.history import History
from glassnet.training.training import Training

MAX_DATA_BYTES = 64 << 20  # of the data of a run
MAX_PARAMETER_BYTES = 4 << 20  # of which copies are made


class RunSnapshot:
    """A run that is about to begin; `samples` are some of its samples, which serve where its data cannot be kept.

    With `keep_data` false the run cannot be repeated from its recipe. `names` (report_samples.Names) is what its
    numbers are called, where that is known.
    """

    def __init__(self, training: Training, samples: Sources | None, keep_data: bool = True) -> None:
        sources, model = training.sources, training.model
        self.is_small = model.parameters.vector.nbytes <= MAX_PARAMETER_BYTES
        keep_data = keep_data and self.is_small
        has_data = keep_data and isinstance(sources, Sources) and data_bytes(sources) <= MAX_DATA_BYTES
        self.sources = sources if isinstance(sources, Sources) and has_data else None
        self.blocks = training.blocks
        validation = getattr(training.evaluate, "sources", None)
        self.validation = validation if isinstance(validation, Sources) else None
        self.samples, self.model, self.recipe = samples, model, training.recipe
        self.is_streamed = isinstance(sources, StreamedSources)
        self.names: Any = None
        self.start = training.state(copied=False)
        fresh = ("parameters", "statistics")  # the states of an optimiser begin at 0
        names = () if not has_data else self.start["arrays"] if training.counters.step else fresh
        self.start["arrays"] = {name: self.start["arrays"][name].copy() for name in names}
        self.end_step, self.end = 0, dict[str, Any]()

    def ended(self, training: Training, history: History) -> None:
        """Keep what the run left, and become the reporter of its history."""
        self.end_step = training.counters.step
        if self.is_small:
            vectors = {"parameters": self.model.parameters, "statistics": self.model.statistics}
            self.end = {name: each.vector.copy() for name, each in vectors.items()}
        history.reporter = self

    def release_data(self, limit: int) -> None:
        """Let go of data of more than so many bytes; the report then shows only the end of the run."""
        if self.sources is not None and data_bytes(self.sources) > limit:
            self.sources = self.validation = None


def data_bytes(sources: Sources) -> int:
    """How much memory the data of a run take."""
    x = sources.x
    size = x.nbytes if isinstance(x, np.ndarray) else getattr(getattr(x, "data", x), "nbytes", MAX_DATA_BYTES + 1)
    return int(size + sources.y.nbytes)
