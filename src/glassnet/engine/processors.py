"""How many threads this process may use: what the system and the environment allow."""

from __future__ import annotations

import math
import os
import warnings
from functools import cache
from pathlib import Path

from glassnet.array_likes import short_repr
from glassnet.engine.compiler_thread import threads_are_real

QUOTA_FILES = ("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
MAX_DIGITS = 9  # of GLASSNET_THREADS


def available_threads() -> int:
    """How many threads this process may use: its affinity, its share of the machine, and GLASSNET_THREADS.

    One where a library has replaced threads by coroutines, of which only one runs at a time.
    """
    if not threads_are_real():
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = min(cores, requested_threads(os.environ.get("GLASSNET_THREADS", "")) or cores)
    return limit if limit == 1 else max(1, math.floor(min(limit, cpu_quota())))  # which reads files


@cache
def requested_threads(setting: str) -> int | None:
    """The number that GLASSNET_THREADS names, or None; what is none is left out with one warning."""
    text = setting.strip()
    if text.isascii() and text.isdigit() and text.strip("0"):
        return int(text) if len(text) <= MAX_DIGITS else None  # more than any machine has
    if text:
        fault = f"GLASSNET_THREADS is {short_repr(setting)}, not a whole number of at least 1"
        warnings.warn(f"{fault}; it is ignored.", RuntimeWarning, stacklevel=2)
    return None


def cpu_quota() -> float:
    """How many processors the control group of this process may use; infinite where there is no limit."""
    for path in map(Path, QUOTA_FILES):
        try:
            fields = path.read_text().split()
            period = fields[1] if len(fields) > 1 else (path.parent / "cpu.cfs_period_us").read_text()
            if fields[0] != "max" and int(fields[0]) > 0:
                return max(1.0, int(fields[0]) / int(period))
        except (OSError, ValueError, IndexError):
            continue
    return math.inf
