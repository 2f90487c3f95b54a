"""A training uses no more memory than promised: a copy of x if it needs one, 32 bytes per parameter, and 64 MB."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.memory import CASES, Case, measure
from glassnet.errors import ParameterError
from glassnet.network import NeuralNetwork

CHOSEN = [case for case in CASES if case.samples < 10_000 or (case.layout == "columns" and case.dtype == "float64")]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux, which can reset a peak")
@pytest.mark.parametrize("case", CHOSEN, ids=str)
def test_the_peak_of_a_training_is_within_its_bound(case: Case) -> None:
    peak, bound = measure(case)
    assert peak <= bound
    assert peak > case.copied_bytes  # or the measurement missed the copy


ASSIGN = """
import numpy as np
from glassnet import NeuralNetwork
from glassnet.tables.layers import BatchNorm

net = NeuralNetwork([600, 1200, BatchNorm(), 800, 3], ["relu", "relu", "linear"], seed=1, engine={engine!r})
x = np.random.default_rng(0).normal(size=(600, 5)).astype(np.float32)
before = net.predict(x)
net.parameters.vector = 2 * net.parameters.vector
net.statistics.vector = net.statistics.vector.copy()
after = net.predict(x)
twin = NeuralNetwork([600, 1200, BatchNorm(), 800, 3], ["relu", "relu", "linear"], seed=1, engine={engine!r})
twin.parameters.vector[:] *= 2
assert np.array_equal(after, twin.predict(x)) and not np.array_equal(after, before)
"""


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_vector_that_is_assigned_is_copied_into_the_memory_that_executors_use(engine: str) -> None:
    done = subprocess.run([sys.executable, "-c", ASSIGN.format(engine=engine)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros(3), "vector has shape (128,), but was given (3,)"),
        (np.zeros((2, 64)), "vector has shape (128,), but was given (2, 64)"),
        (["a"] * 128, "vector needs real numbers"),
        (np.full(128, np.nan), "vector was given a number that is not finite in float32"),
        ([[1], [2, 3]], "vector has rows of different lengths"),
    ],
)
def test_a_vector_that_does_not_fit_is_refused(value: Any, message: str) -> None:
    net = NeuralNetwork([2, 1], engine="numpy")
    before = net.parameters.vector.copy()
    with pytest.raises(ParameterError, match=re.escape(message)):
        net.parameters.vector = value
    assert np.array_equal(net.parameters.vector, before)


def test_padding_stays_zero_when_a_vector_is_assigned() -> None:
    net = NeuralNetwork([2, 1], engine="numpy")
    net.parameters.vector = np.ones(128)
    assert net.parameters.vector.sum() == net.parameters.count == 3


FILES = r"""
import os, re, sys
import glassnet

def memory(what):
    return int(re.search(what + r":\s+(\d+)", open("/proc/self/status").read())[1]) * 1024

def peak_of(call):
    open("/proc/self/clear_refs", "w").write("5")
    before = memory("VmRSS")
    call()
    return memory("VmHWM") - before

how, path, width = sys.argv[1], sys.argv[2], int(sys.argv[3])
glassnet.NeuralNetwork([3, 4, 1], seed=0).save(path + "small")
glassnet.load(path + "small")
if how == "load":
    print(peak_of(lambda: glassnet.load(path)))
else:
    net = glassnet.NeuralNetwork([width, width, 10], seed=0)
    print(peak_of(lambda: net.save(path)))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux, which can reset a peak")
@pytest.mark.slow
@pytest.mark.parametrize("width", [9880])  # 374 MB
def test_a_load_takes_twice_the_file_and_a_save_a_few_megabytes(width: int, tmp_path: Path) -> None:
    """The network that is saved is there already, so that both stay within twice the file and 16 MB."""
    path = tmp_path / "m"

    def peak(how: str) -> int:
        command = [sys.executable, "-c", FILES, how, str(path), str(width)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    saved, size = peak("save"), path.stat().st_size
    loaded = peak("load")
    path.unlink()
    assert saved <= 16 << 20 and size > 4 * width * width
    assert size < loaded <= 2 * size + (16 << 20)
