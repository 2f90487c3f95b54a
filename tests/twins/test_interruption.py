"""A run that is interrupted at any point leaves no thread running, no partial step, and a network that can train."""

from __future__ import annotations

import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from glassnet import NeuralNetwork
from glassnet.engine import EngineUnavailable, KernelSpec, cache, compiler_thread, kernels, thread_call
from glassnet.engine.compiler_thread import run_uninterrupted
from glassnet.engine.signals import defer_signals
from glassnet.engine.threads import ACTIVE_CALLS

from .forced_threads import forced_threads

X, Y = np.random.default_rng(0).normal(size=(2, 20, 500)).astype(np.float32)
TIMEOUT = 120  # seconds


def network() -> NeuralNetwork:
    return NeuralNetwork([20, 64, 64, 20], ["relu", "tanh", "linear"], seed=1)


def weights_after(net: NeuralNetwork, threads: int) -> bytes:
    with forced_threads(threads):
        net.train(X, Y, 50, 3, 0.01, optimizer="adam")
    return net.parameters.vector.tobytes()


def failing(count: int, error: BaseException) -> SimpleNamespace:
    """In place of `_thread`: it fails to start a thread for the `count`th time, which has already run for a while."""
    calls = []

    def start_new_thread(*arguments: Any) -> None:
        _thread.start_new_thread(*arguments)
        calls.append(arguments)
        if len(calls) == count:
            time.sleep(0.05)
            raise error

    return SimpleNamespace(start_new_thread=start_new_thread)


def still_running(before: int) -> int:
    """The number of additional threads that still run after up to five seconds."""
    deadline = time.monotonic() + 5
    while _thread._count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    return _thread._count() - before


@pytest.mark.parametrize("count", [1, 2])
def test_ctrl_c_while_the_threads_start(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """The threads that already run wait at the first barrier: beyond it they would train on half a batch."""
    single = weights_after(network(), 1)  # all kernels are there
    net, before = network(), _thread._count()
    with monkeypatch.context() as patch, forced_threads(3):
        patch.setattr(thread_call, "_thread", failing(count, KeyboardInterrupt()))
        history = net.train(X, Y, 50, 3, 0.01, optimizer="adam")
    assert history.stopped == "interrupted" and still_running(before) == 0
    assert net.parameters.vector.tobytes() == network().parameters.vector.tobytes()
    net.runs = 0
    assert weights_after(net, 2) == single


def test_a_thread_that_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    single = weights_after(network(), 1)
    net, before = network(), _thread._count()
    with monkeypatch.context() as patch:
        patch.setattr(thread_call, "_thread", failing(2, RuntimeError("can't start new thread")))
        assert weights_after(net, 3) == single  # one thread did it all
    assert still_running(before) == 0 and not ACTIVE_CALLS.calls
    assert weights_after(network(), 2) == single


def test_a_callback_that_raises_leaves_no_thread() -> None:
    def raises(report: Any) -> None:
        raise LookupError("mine")

    net, before = network(), _thread._count()
    with pytest.raises(LookupError, match="mine"), forced_threads(2):
        net.train(X, Y, 50, 3, callbacks=[raises])
    assert still_running(before) == 0 and not ACTIVE_CALLS.calls


def test_ctrl_c_does_not_interrupt_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside Numba it would leave the engine broken for the rest of the process."""
    handler, going, ended = signal.getsignal(signal.SIGINT), threading.Event(), threading.Event()

    def build(_: KernelSpec) -> tuple[str, bytes]:
        os.kill(os.getpid(), signal.SIGINT)
        if going.wait(TIMEOUT):
            ended.set()
        return "symbol", b"code"

    monkeypatch.setattr(kernels, "build", build)
    with pytest.raises(KeyboardInterrupt):
        cache.compile_kernel(KernelSpec("one_hot", "float32"))
    assert not ended.is_set() and signal.getsignal(signal.SIGINT) is handler
    going.set()
    assert ended.wait(TIMEOUT)


def test_a_thread_that_ends_before_its_first_line_is_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Python gives one that is set for a thread to the one it has just started."""
    started: list[Any] = []

    def start_new_thread(*arguments: Any) -> None:
        started.append(None)
        _thread.start_new_thread(*(arguments if len(started) > 1 else (len, ((),))))

    monkeypatch.setattr(compiler_thread, "threads_are_real", lambda: True)
    monkeypatch.setattr(compiler_thread, "_thread", SimpleNamespace(start_new_thread=start_new_thread))
    assert run_uninterrupted(lambda: 5) == 5 and len(started) == 2


def test_threads_that_compiled_leave_no_entry_behind() -> None:
    """`threading` makes one for any thread that asks which it is, and keeps it for good."""
    before = threading.enumerate()
    thread = run_uninterrupted(threading.current_thread)
    assert thread not in before and threading.enumerate() == before
    with pytest.raises(ZeroDivisionError):
        run_uninterrupted(lambda: (threading.current_thread(), 1 // 0))
    assert threading.enumerate() == before


def test_errors_of_the_compiler_come_from_its_thread() -> None:
    with pytest.raises(EngineUnavailable, match="no kernel of kind 'convolution'"):
        cache.compile_kernel(KernelSpec("convolution", "float32"))
    assert run_uninterrupted(threading.get_ident) != threading.get_ident()


def test_deferred_signals_reach_their_handler() -> None:
    """Once, with its arguments, at the end of the block."""
    received: list[Any] = []
    handler = signal.signal(signal.SIGINT, lambda *arguments: received.append(arguments))
    try:
        with defer_signals():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            assert received == []
        assert [number for number, frame in received] == [signal.SIGINT] and received[0][1] is not None
        signal.raise_signal(signal.SIGINT)
        assert len(received) == 2
    finally:
        signal.signal(signal.SIGINT, handler)


def test_signals_are_deferred_on_the_main_thread_only() -> None:
    handler, handlers = signal.getsignal(signal.SIGINT), []

    def other() -> None:
        with defer_signals():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert handlers == [handler]


RANDOM = """
import random, signal, sys, threading
import numpy as np
from glassnet import NeuralNetwork
from glassnet.engine.threads import ACTIVE_CALLS, ThreadTuner

x, y = np.random.default_rng(0).normal(size=(2, 20, 500)).astype(np.float32)

def network():
    return NeuralNetwork([20, 64, 64, 20], ["relu", "tanh", "linear"], seed=1)

def bits(threads):
    net = network()
    net.train(x, y, 50, 3, 0.01, optimizer="adam", threads=threads)
    return net.parameters.vector.tobytes()

def press(*_):
    if armed:
        raise KeyboardInterrupt

single, rng, ended = bits(1), random.Random(0), 0
ThreadTuner.threads = lambda tuner: 1 if tuner.limit == 1 else 2
assert bits(2) == single
signal.signal(signal.SIGALRM, press)
for number in range(200):
    net = network()
    try:
        armed = True
        signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-4, 0.05), 1)  # again, for Python loses one in a __del__
        history = net.train(x, y, 50, 10**6, 1e-4, threads=2)
        armed = False
        ended += history.stopped == "interrupted"
    except KeyboardInterrupt:  # before the first step
        armed = False
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert np.isfinite(net.parameters.vector).all() and np.isfinite(net.predict(x)).all()
    assert not ACTIVE_CALLS.calls, number
assert threading.active_count() == 1, threading.enumerate()
assert bits(2) == single
print(ended)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no interval timers")
def test_200_interruptions_at_random_times() -> None:
    command = [sys.executable, "-W", "error", "-c", RANDOM]
    ended = subprocess.run(command, env=os.environ.copy(), capture_output=True, text=True, timeout=TIMEOUT)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 10
