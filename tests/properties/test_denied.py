"""What the system denies to a process: executable memory, address space, file descriptors, large stacks, threads.

Each case is a process of its own with a time limit: the compiled engine gives way to NumPy with one warning, or runs.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from glassnet.engine.starved import check_executable_memory

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


ASYNCHRONOUS = """
import _thread, ctypes, os, random, threading, time
import glassnet.training.training as run
from glassnet.engine.threads import ThreadTuner

run.CALL_SECONDS = 5e-4  # many starts of threads
ThreadTuner.threads = lambda tuner: 2

class Outside(Exception):
    pass

def train_for_long():
    try:
        NeuralNetwork([4, 32, 4], ["relu", "linear"], seed=1).train(x, x, 25, 10**7, 1e-4, verbose=0)
    except Outside:
        ended.append(1)

rng, ended = random.Random(0), []
for number in range({count}):
    thread = threading.Thread(target=train_for_long, daemon=True)
    thread.start()
    time.sleep(rng.uniform(0.001, 0.03))
    deadline = time.monotonic() + 30
    while thread.is_alive() and time.monotonic() < deadline:  # again, for Python loses one in a destructor
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Outside))
        thread.join(rng.uniform(0, 0.05))
    assert not thread.is_alive(), number
time.sleep(0.2)
print(len(ended), _thread._count())
"""


@linux
@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.soak)])
def test_an_exception_from_outside_leaves_no_thread_at_a_barrier(count: int) -> None:
    assert output(TRAIN + ASYNCHRONOUS.replace("{count}", str(count))) == f"{count} 0\n"


@linux
def test_an_interruption_of_the_try_of_executable_memory_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> int:
        raise KeyboardInterrupt

    class Library:
        mprotect = staticmethod(interrupted)

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library())
    with pytest.raises(KeyboardInterrupt):
        check_executable_memory()
