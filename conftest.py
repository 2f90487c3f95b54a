"""What holds for the tests of the documents too: one thread of BLAS, and no figure stays open from one to the next."""

from __future__ import annotations

import os
import sys

# The workers of a run share the processors: a matrix of 256 rows takes 30 times as long where the threads of BLAS wait
# for processors that another worker has. Set before NumPy is imported; subprocesses inherit it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_runtest_teardown() -> None:
    """Close what a test drew, because pyplot warns of many open figures."""
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
