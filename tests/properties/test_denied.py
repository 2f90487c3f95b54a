"""What the system denies to a process: executable memory, address space, file descriptors, large stacks, threads.

Each case is a process of its own with a time limit: the compiled engine gives way to NumPy with one warning, or runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TIMEOUT = 200  # seconds
TRAIN = """
import sys, warnings
import numpy as np
from glassnet import NeuralNetwork

x = np.random.default_rng(0).normal(size=(4, 50))

def train():
    net = NeuralNetwork([4, 300, 1], ["tanh", "linear"], seed=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        history = net.train(x, x[:1], 10, 2, 0.01, verbose=0)
        assert np.isfinite(net.predict(x)).all() and np.isfinite(net.predict(x[:, :1])).all()
    assert len(caught) == (1 if history.warnings else 0), [str(each.message) for each in caught]
    return history.warnings
"""
WARM = TRAIN + "assert not train()\n"
linux = pytest.mark.skipif(sys.platform != "linux", reason="these limits are Linux's")


def output(source: str, **environment: str) -> str:
    """What a script prints; it must succeed, in time."""
    command = [sys.executable, "-c", source]
    variables = {**os.environ, **environment}
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=TIMEOUT)
    assert ended.returncode == 0, (ended.returncode, ended.stderr)
    return ended.stdout


@pytest.fixture(scope="module")
def _warm() -> None:
    output(WARM)


DENY = """
import ctypes
assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0  # PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN
"""


@linux
@pytest.mark.parametrize("cache", ["warm", "cold"])
@pytest.mark.usefixtures("_warm")
def test_no_memory_may_become_executable(cache: str, tmp_path: Path) -> None:
    """As under systemd's MemoryDenyWriteExecute, where the first kernel was a segmentation fault."""
    environment = {} if cache == "warm" else {"GLASSNET_CACHE": str(tmp_path)}
    assert "may not run code that it has written" in output(f"{TRAIN}{DENY}print(train())", **environment)


@linux
@pytest.mark.usefixtures("_warm")
def test_kernels_that_are_loaded_before_it_is_denied_go_on() -> None:
    assert output(f"{WARM}{DENY}print(train())") == "[]\n"


LIMIT = """
import resource
resource.setrlimit(resource.RLIMIT_AS, ({size} << 20,) * 2)
"""


@linux
@pytest.mark.slow
@pytest.mark.parametrize("size", [230, 260, 300, 340, 380, 420, 460, 500, 540])
@pytest.mark.parametrize("cache", ["warm", "cold"])
@pytest.mark.usefixtures("_warm")
def test_little_address_space(cache: str, size: int, tmp_path: Path) -> None:
    environment = {} if cache == "warm" else {"GLASSNET_CACHE": str(tmp_path)}
    text = output(f"{TRAIN}{LIMIT.format(size=size)}print(train())", **environment)
    assert text == "[]\n" or "of memory that this process may not have" in text


FILES = """
import os, resource
import glassnet.network
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
try:
    while True:
        os.dup(0)
except OSError:
    print(train())
"""


@linux
@pytest.mark.usefixtures("_warm")
def test_no_free_file_descriptor() -> None:
    assert "Too many open files" in output(TRAIN + FILES)


STACK = """
import threading
threading.stack_size(64 * 1024)
thread = threading.Thread(target=lambda: print(train()))
thread.start()
thread.join()
assert threading.stack_size() == 64 * 1024
"""


@linux
@pytest.mark.parametrize("cache", ["warm", pytest.param("cold", marks=pytest.mark.slow)])
@pytest.mark.usefixtures("_warm")
def test_a_thread_with_a_small_stack(cache: str, tmp_path: Path) -> None:
    """The panel of a matrix product was larger than it, and LLVM needs far more."""
    environment = {} if cache == "warm" else {"GLASSNET_CACHE": str(tmp_path)}
    assert output(TRAIN + STACK, **environment) == "[]\n"
