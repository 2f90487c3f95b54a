"""A limit of CPU time that a slow machine under load keeps to, and a call that hangs or is quadratic does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

MARGIN = 10  # times the seconds that are promised: figures of speed are measured in benchmarks/


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Fail where the body takes more than MARGIN times so many seconds of CPU."""
    start = time.process_time()
    try:
        yield
    finally:
        assert time.process_time() - start < MARGIN * seconds
