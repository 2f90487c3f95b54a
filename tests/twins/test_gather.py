"""Gathering asks memory for the next sample while it turns one, and never reads past the run's order."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from glassnet.engine import Identity
from tests.twins.machine_code import instructions

LIMIT = 60  # seconds
AT_THE_END = """
import ctypes, mmap
import numpy as np
from glassnet.engine import address

def at_the_end(array):
    "The array as the last bytes before a page that may not be read."
    pages = -(-array.nbytes // mmap.PAGESIZE) + 1
    memory = mmap.mmap(-1, pages * mmap.PAGESIZE)
    whole = np.frombuffer(memory, np.uint8)
    last = whole[-mmap.PAGESIZE :].ctypes.data
    place = whole[: -mmap.PAGESIZE][-array.nbytes :].view(array.dtype).reshape(array.shape)
    place[...] = array
    assert ctypes.CDLL(None, use_errno=True).mprotect(ctypes.c_void_p(last), mmap.PAGESIZE, 0) == 0
    return place

rng = np.random.default_rng(0)
for n in (1, 20, 784):
    source, order = at_the_end(rng.random((24, n), np.float32)), at_the_end(rng.permutation(24))
    t = np.zeros((8, n), np.float32)
    row = np.array([0, 0, 0, n, source.ctypes.data, t.ctypes.data, source.strides[0], 0])
    for threads in (1, 2):
        for thread in range(threads):
            context = np.zeros(16, np.int64)
            context[:4], context[6] = (thread, threads, 8, 16), order.ctypes.data
            gather = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(address("gather", "float32"))
            gather(row.ctypes.data, context.ctypes.data)
        assert (t == source[order[16:]]).all()
        t[...] = 0
print("whole")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no mprotect")
def test_neither_order_nor_source_is_read_past_its_end() -> None:
    """The last batch of a run has no next one: a read beyond would end the process."""
    ended = subprocess.run([sys.executable, "-c", AT_THE_END], capture_output=True, text=True, timeout=LIMIT)
    assert ended.stdout.strip() == "whole", ended.stderr


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="other processors name it otherwise")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_next_sample_is_asked_for(dtype: str) -> None:
    """Once for each dtype of a source."""
    assert instructions(Identity("gather", dtype)).count("prefetcht1") >= 4
