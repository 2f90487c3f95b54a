"""A process that forks or ends while a thread compiles its first kernels: never a hang, never a crash.

Each case is a process of its own with an empty cache, and a moment of its own in the few seconds of compilation.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TIMEOUT = 500  # seconds
SPAN = 0.8  # of the time that compilation takes here: the moments are drawn from it
FORKS_EACH = 4
COMPILING = """
import os, random, signal, sys, threading, time, warnings
import numpy as np
from glassnet import NeuralNetwork

rng, span = random.Random(int(sys.argv[1])), float(sys.argv[2])
x = np.random.default_rng(0).normal(size=(4, 50))

def train():
    network = NeuralNetwork([4, 8, 1], ["tanh", "linear"], seed=0)
    network.train(x, x[:1], 10, 1, 0.01, optimizer="adam", verbose=0)
    assert np.isfinite(network.parameters.vector).all()

thread = threading.Thread(target=train, daemon=True)
thread.start()
time.sleep(rng.uniform(0, span))
"""
FORKS = (
    COMPILING
    + """
children, compiling = [], 0
for _ in range(int(sys.argv[3])):
    alive, child = thread.is_alive(), os.fork()
    if child == 0:
        signal.alarm(400)  # ends it where it hangs
        with warnings.catch_warnings(record=True) as caught:  # where it cannot compile, one says so
            predicted = NeuralNetwork([4, 8, 1], ["relu", "linear"], seed=0).predict(x)
        os._exit(3 if not np.isfinite(predicted).all() else 4 if len(caught) > 1 else 0)
    children.append(child)
    compiling += alive and thread.is_alive()
    time.sleep(rng.uniform(0, span / 4))
for child in children:
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == 0, code
thread.join(400)
assert not thread.is_alive()
print(compiling)
"""
)
TIME = (
    COMPILING
    + """
started = time.perf_counter()
thread.join()
print(round(1000 * (time.perf_counter() - started)))
"""
)
EXIT = (
    COMPILING
    + """
print(int(thread.is_alive()))
sys.exit(7)
"""
)


def while_compiling(folder: Path, source: str, seed: int, *arguments: object) -> tuple[int, int, str]:
    """The exit code of a script with an empty cache, the number that it prints, and its standard error."""
    command = [sys.executable, "-c", source, str(seed), *map(str, arguments)]
    environment = {**os.environ, "GLASSNET_CACHE": str(folder / str(seed))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
    return done.returncode, int(done.stdout or -1), done.stderr


@pytest.fixture(scope="module")
def span(tmp_path_factory: pytest.TempPathFactory) -> float:
    """The seconds of compilation from which a moment is drawn: measured, as processors differ much."""
    code, milliseconds, error = while_compiling(tmp_path_factory.mktemp("time"), TIME, 0, 0)
    assert (code, error) == (0, "")
    return SPAN * milliseconds / 1000


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("count", [4, pytest.param(200, marks=pytest.mark.soak)])
def test_forks_while_a_thread_compiles(tmp_path: Path, span: float, count: int) -> None:
    compiling = 0
    for seed in range(count // FORKS_EACH):
        code, forks, error = while_compiling(tmp_path, FORKS, seed, span, FORKS_EACH)
        assert (code, error) == (0, ""), seed
        compiling += forks
    assert compiling >= count / 2


@pytest.mark.slow
@pytest.mark.parametrize("count", [4, pytest.param(200, marks=pytest.mark.soak)])
def test_exits_while_a_thread_compiles(tmp_path: Path, span: float, count: int) -> None:
    compiling = 0
    for seed in range(count):
        code, alive, error = while_compiling(tmp_path, EXIT, seed, span)
        assert (code, error) == (7, ""), seed
        compiling += alive
    assert compiling >= count / 2
