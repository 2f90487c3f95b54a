"""Gathering prefetches the next sample while it converts one, and never reads beyond the order of the run."""

from __future__ import annotations

import os
import platform

import pytest

from glassnet.engine import KernelSpec
from tests.twins.machine_code import instructions
from tests.twins.subprocesses import output

AT_THE_END = """
import numpy as np
from glassnet.engine import address
from tests.twins.guard_pages import Guarded
from tests.twins.kernel_calls import call_kernel

def at_the_end(array):
    return Guarded(array.nbytes).copy(array, at_end=True)

rng = np.random.default_rng(0)
for n in (1, 20, 784):
    source, order = at_the_end(rng.random((24, n), np.float32)), at_the_end(rng.permutation(24))
    batch = np.zeros((8, n), np.float32)
    row = [0, 0, 0, n, source.ctypes.data, batch.ctypes.data, source.strides[0], 0]
    for threads in (1, 2):
        call_kernel(address("gather", "float32"), row, 8, threads, first_sample=16, order=order.ctypes.data)
        assert (batch == source[order[16:]]).all()
        batch[...] = 0
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no mprotect")
def test_neither_order_nor_source_is_read_past_its_end() -> None:
    """The last batch of a run has no next one: a read beyond it would end the process."""
    assert output(AT_THE_END).strip() == "done"


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="other processors have other names for it")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_next_sample_is_prefetched(dtype: str) -> None:
    """Once per dtype of a source."""
    assert instructions(KernelSpec("gather", dtype)).count("prefetcht1") >= 4
