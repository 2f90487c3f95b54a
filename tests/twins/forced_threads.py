"""A number of threads that tests choose, although the machine has fewer processors and the steps are small."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from glassnet.engine.threads import ThreadTuner


@contextmanager
def forced_threads(count: int) -> Iterator[None]:
    """In the block, every call of the engine that is alone runs on `count` threads."""
    with patch.object(ThreadTuner, "threads", lambda tuner: count):
        yield
