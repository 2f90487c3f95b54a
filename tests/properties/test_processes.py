"""Training and predicting from many processes and threads at once: the numbers of a single run, and never a hang.

Every case is a process of its own with a time limit, so that a deadlock fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TIMEOUT = 120  # seconds
CROWD = """
import multiprocessing, os, sys, threading, traceback
from concurrent.futures import ThreadPoolExecutor
import numpy as np
import glassnet
from glassnet import NeuralNetwork, engine
from glassnet.engine.threads import ThreadTuner

ThreadTuner.threads = lambda tuner: min(tuner.limit, 2)  # although the steps are small

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(20, 500)), rng.normal(size=(3, 500))

def network():
    return NeuralNetwork([20, 64, 33, 3], ["relu", "tanh", "linear"], seed=1)

def trained(threads=2):
    net = network()
    net.train(X, Y, 50, 5, 0.01, optimizer="adam", threads=threads)
    return net.parameters.vector.tobytes() + net.predict(X).tobytes()

def many(count):
    return [2] * count

def processes(method):
    with multiprocessing.get_context(method).Pool(2) as pool:
        return pool.map(trained, many(3))

def joblib(backend):
    from joblib import Parallel, delayed
    return Parallel(n_jobs=2, backend=backend)(delayed(trained)(2) for _ in range(3))

def forked():
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"same" if trained() == single else b"other")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    return [single if os.read(reader, 9) == b"same" else b""]

def forked_while_training():
    net = network()
    started = threading.Event()
    options = {"threads": 2, "callbacks": [lambda report: started.set()]}
    thread = threading.Thread(target=net.train, args=(X, Y, 50, 10**7), kwargs=options)
    thread.start()
    started.wait()
    result = forked()
    net.stop()
    thread.join()
    return result

def forked_while_compiling():
    locked, over = threading.Event(), threading.Event()
    def compile():
        with engine.shared_locks.engine():
            locked.set()
            over.wait(1)
    thread = threading.Thread(target=compile)
    thread.start()
    locked.wait()
    engine._addresses.clear()  # the child must load its kernels again
    result = forked()
    over.set()
    thread.join()
    return result

def threads():
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(trained, many(8)))

def predicting():
    net = network()
    net.train(X, Y, 50, 5, 0.01, optimizer="adam", threads=2)
    start = net.parameters.vector.tobytes()
    def predicted(number):
        m = 1 + number % 7  # one sample is computed in another way than several
        parts = [net.predict(X[:, first:first + m]) for first in range(0, 500, m)]
        return start + np.concatenate(parts, axis=1).astype(np.float32).tobytes(order)
    order = "A"
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(predicted, range(28)))

def threads_in_glassnet():
    # joblib and multiprocessing keep threads of their own for a while
    package = os.path.dirname(glassnet.__file__)
    frames = {number: frame for number, frame in sys._current_frames().items() if number != threading.get_ident()}
    return [number for number, frame in frames.items()
            if any(each.f_code.co_filename.startswith(package) for each, _ in traceback.walk_stack(frame))]

def check(results):
    size = len(network().parameters.vector.tobytes())
    for result in results:
        assert result[:size] == single[:size], "other weights"
        numbers = [np.sort(np.frombuffer(each[size:], np.float32)) for each in (result, single)]
        assert (numbers[0] == numbers[1]).all(), "other predictions"

if __name__ == "__main__":
    if sys.argv[1] not in ("forkserver", "spawn", "loky", "cold threads"):
        trained()
    single = trained(1) if sys.argv[1] != "cold threads" else b""
    method = sys.argv[1]
    if method in ("fork", "forkserver", "spawn"):
        results = processes(method)
    elif method in ("loky", "threading"):
        results = joblib(method)
    else:
        results = {"os.fork": forked, "fork while training": forked_while_training, "threads": threads,
                 "fork while compiling": forked_while_compiling, "cold threads": threads,
                 "predict": predicting}[method]()
    single = single or trained(1)
    check(results)
    assert not threads_in_glassnet(), sys._current_frames()
    print(len(results), "the same")
"""
FORKS = ("os.fork", "fork while training", "fork while compiling", "fork", "forkserver")

EXITING = """
import sys, threading, time
import numpy as np
from glassnet import NeuralNetwork

x, y = np.zeros((20, 5000), np.float32), np.zeros((1, 5000), np.float32)
net, started = NeuralNetwork([20, 64, 64, 1], ["relu", "relu", "linear"], seed=0), threading.Event()
options = {"threads": int(sys.argv[1]), "callbacks": [lambda report: started.set()]}
threading.Thread(target=net.train, args=(x, y, 32, 10**7), kwargs=options, daemon=True).start()
started.wait()
time.sleep(float(sys.argv[2]))
print("end")
"""


def output(path: Path, source: str, *arguments: str) -> str:
    """What a script prints; it must succeed, in time, and print nothing on stderr."""
    path.write_text(source)
    command = [sys.executable, str(path), *arguments]
    ended = subprocess.run(command, env=os.environ.copy(), capture_output=True, text=True, timeout=TIMEOUT)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("method", [*FORKS, "spawn", "loky", "threading", "threads", "cold threads", "predict"])
def test_the_numbers_of_a_single_run(tmp_path: Path, method: str) -> None:
    assert "the same" in output(tmp_path / "crowd.py", CROWD, method)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("wait", [0.0, 0.03, 0.3])
def test_a_process_may_end_while_a_daemon_thread_trains(tmp_path: Path, threads: int, wait: float) -> None:
    assert output(tmp_path / "exiting.py", EXITING, str(threads), str(wait)) == "end\n"
