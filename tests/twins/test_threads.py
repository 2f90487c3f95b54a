"""Any number of threads gives the same bits; none is left running; their number follows the timings."""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from glassnet import BatchNorm, Dropout, LayerNorm, NeuralNetwork
from glassnet.engine import compiler_thread, executor, layout, processors, thread_call
from glassnet.engine.processors import available_threads
from glassnet.engine.thread_call import ThreadCall
from glassnet.engine.threads import ThreadTuner

from .forced_threads import forced_threads

NETWORKS: dict[str, dict[str, Any]] = {
    "dense": {"layers": [5, 33, 17, 3], "activations": ["relu", "tanh", "linear"]},
    "penalty": {"layers": [5, 9, 3], "activations": ["sigmoid", "linear"], "l1": 1e-3, "l2": 1e-2},
    "layers": {
        "layers": [5, Dropout(0.2), 33, BatchNorm(), 17, LayerNorm(), 3],
        "activations": ["relu"] * 2 + ["linear"],
    },
}


def trained(count: int, network: dict[str, Any], **options: Any) -> tuple[bytes, bytes, list[float]]:
    rng = np.random.default_rng(0)
    x, y, weights = rng.normal(size=(5, 203)), rng.normal(size=(3, 203)), rng.random(203)
    net = NeuralNetwork(**network, seed=1)
    with forced_threads(count):
        history = net.train(x, y, 37, 4, 0.01, sample_weight=weights, **options)
    return net.parameters.vector.tobytes(), net.statistics.vector.tobytes(), list(history["cost"])


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("options", [{"optimizer": "adam"}, {"clip_norm": 0.1}], ids=["adam", "clip"])
def test_the_same_bits_for_any_number_of_threads(name: str, options: dict[str, Any]) -> None:
    single = trained(1, NETWORKS[name], **options)
    for count in (2, 3, 8):
        assert trained(count, NETWORKS[name], **options) == single


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="denormals are flushed on x86 alone")
def test_denormals_count_as_zero_in_a_run_and_nowhere_else() -> None:
    """Unflushed, b ← b − ½·b would leave half of it; and NumPy on this thread must keep denormals afterwards."""
    tiny = np.full(64, 1e-40, np.float32)
    net = NeuralNetwork([1, 1], ["linear"], seed=0)
    net.weights[0], net.biases[0] = [[0.0]], [[tiny[0]]]
    assert net.predict(np.zeros((1, 1)))[0, 0] == tiny[0]
    net.train(np.zeros((1, 1)), np.zeros((1, 1)), 1, 1, 0.5)
    assert net.biases[0][0, 0] == 0
    assert (tiny * np.float32(1) == tiny).all() and tiny.all()


class WaitingKernel:
    """Behaves as the interpreter does: other threads wait at a barrier until the first one comes, or gives up."""

    def __init__(self, call: ThreadCall, first: Callable[[], None]) -> None:
        self.call, self.first, self.left = call, first, 0

    def __call__(self, pointer: int, unused: Any) -> None:
        if pointer == self.call.arguments[0].ctypes.data:
            self.first()
            return
        counters = self.call.counters[:: layout.COUNTER_STRIDE]
        counters[layout.COUNTERS.begun] += 1
        while not self.call.abort[0]:
            time.sleep(1e-3)
        time.sleep(0.05)
        self.left += 1
        counters[layout.COUNTERS.ended] += 1


def raise_late(error: BaseException) -> Callable[[], None]:
    """A function that raises when the other threads wait."""

    def late() -> None:
        time.sleep(0.05)
        raise error

    return late


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError(), SystemExit()])
def test_an_exception_ends_the_other_threads_first(error: BaseException) -> None:
    call = ThreadCall(3)
    kernel = WaitingKernel(call, raise_late(error))
    with pytest.raises(type(error)):
        call.run(kernel)
    assert kernel.left == 2


def test_a_thread_that_begins_after_the_end_of_a_call_leaves_at_once() -> None:
    """Its memory is still there, and the flag in it is set."""
    late: list[tuple[Any, Any]] = []
    threads = SimpleNamespace(start_new_thread=lambda kernel, arguments: late.append((kernel, arguments)))
    call = ThreadCall(2)
    with pytest.raises(KeyboardInterrupt), patch.object(thread_call, "_thread", threads):
        call.run(WaitingKernel(call, raise_late(KeyboardInterrupt())))
    (kernel, arguments), block = late[0], call.block
    assert arguments[1] is block and call.abort[0] == 1
    kernel(*arguments)


def test_without_further_threads_one_runs_all() -> None:
    single, refusals = trained(1, NETWORKS["dense"]), []

    def refuse(*arguments: Any) -> None:
        refusals.append(arguments)
        raise RuntimeError("can't start new thread")

    with patch.object(thread_call, "_thread", SimpleNamespace(start_new_thread=refuse)):
        assert trained(3, NETWORKS["dense"]) == single
    assert refusals


def test_the_wanted_number_is_a_maximum(monkeypatch: pytest.MonkeyPatch) -> None:
    """And never above what the process may use."""
    monkeypatch.setattr(executor, "available_threads", lambda: 2)
    limits: list[int] = []

    def threads(tuner: ThreadTuner) -> int:
        limits.append(tuner.limit)
        return 1

    monkeypatch.setattr(ThreadTuner, "threads", threads)
    net = NeuralNetwork([5, 3], seed=1)
    for wanted in (None, 1, 2, 100_000, 10**400):
        net.train(np.zeros((5, 4)), np.zeros((3, 4)), 4, 1, threads=wanted)
    assert limits == [2, 1, 2, 2, 2]


@pytest.mark.parametrize("setting", ["²", "0", "-1", "1.5", "two", "٣"])
def test_a_setting_that_is_no_number_of_threads(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSNET_THREADS", setting)
    processors.requested_threads.cache_clear()
    with pytest.warns(RuntimeWarning, match="GLASSNET_THREADS is .* not a whole number of at least 1; it is ignored"):
        assert available_threads() >= 1
    assert available_threads() >= 1  # said once


def test_a_setting_of_thousands_of_digits_is_more_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLASSNET_THREADS", raising=False)
    count = available_threads()
    monkeypatch.setenv("GLASSNET_THREADS", "9" * 5000)
    assert available_threads() == count


def test_coroutines_in_place_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As gevent's monkey.patch_all leaves them: a second thread would only run when the first one gives way."""
    monkeypatch.setattr("_thread.start_new_thread", lambda *arguments: None)
    assert available_threads() == 1
    assert compiler_thread.run_uninterrupted(threading.current_thread) is threading.current_thread()


def share_on_two_threads(tuner: ThreadTuner, one: float, two: float, seconds: float, call: float = 0.05) -> float:
    """Let a tuner choose for a while, where a step takes `one` or `two` seconds; the share of time on two threads."""
    spent = {1: 0.0, 2: 0.0}
    while sum(spent.values()) < seconds:
        threads = tuner.threads()
        steps = max(1, round(call / (one if threads == 1 else two)))
        duration = steps * (one if threads == 1 else two)
        tuner.record(threads, duration, steps)
        spent[threads] += duration
    return spent[2] / sum(spent.values())


@pytest.mark.parametrize("step", [1e-4, 5e-3, 0.3])
def test_the_tuner_takes_the_faster_choice(step: float) -> None:
    """Trials of the other choice cost little, however long a step is; when the machine changes, so does the choice."""
    tuner = ThreadTuner(2)
    assert tuner.threads() == 1
    assert share_on_two_threads(tuner, step, step / 1.7, 60) > 0.95
    assert share_on_two_threads(tuner, step, step * 1.4, 3 + 20 * step) < 0.6
    assert share_on_two_threads(tuner, step, step * 1.4, 60) < 0.05
    share_on_two_threads(tuner, step, step / 1.7, 3 + 20 * step)
    assert share_on_two_threads(tuner, step, step / 1.7, 60) > 0.95


def test_heavy_steps_begin_with_all_threads() -> None:
    """A run of five steps spends none on one thread; a longer one tries whether one thread is faster."""
    tuner = ThreadTuner(2, heavy=True)
    assert share_on_two_threads(tuner, 0.5, 0.3, 1.5) == 1
    assert share_on_two_threads(tuner, 0.5, 0.3, 60) > 0.9
    tuner = ThreadTuner(2, heavy=True)
    assert share_on_two_threads(tuner, 0.3, 0.5, 10) < 0.5 and share_on_two_threads(tuner, 0.3, 0.5, 60) < 0.1
    assert ThreadTuner(1, heavy=True).threads() == 1


def test_one_slow_call_does_not_decide() -> None:
    """Other work on the machine may have made it slow."""
    tuner = ThreadTuner(2)
    share_on_two_threads(tuner, 1e-3, 6e-4, 5)
    for _ in range(2):
        tuner.record(2, 0.1, 10)
        assert tuner.current == 2
    tuner.record(2, 0.1, 10)
    assert tuner.current == 1


def test_short_calls_do_not_count() -> None:
    """Starting a thread takes as long as some steps, so such a timing says nothing about a step."""
    tuner = ThreadTuner(2)
    tuner.record(1, 3e-4, 1)
    assert tuner.threads() == 1
    tuner.record(1, 2e-3, 8)
    assert tuner.threads() == 2
    tuner.record(2, 5e-4, 1)
    assert tuner.threads() == 2


def test_a_small_step_stays_on_one_thread() -> None:
    tuner = ThreadTuner(2)
    tuner.record(1, 1e-3, 100)
    assert tuner.threads() == 1 and ThreadTuner(1).threads() == 1


def test_the_count_respects_affinity_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLASSNET_THREADS", raising=False)
    monkeypatch.setattr(processors, "cpu_quota", lambda: float("inf"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert available_threads() == 4
    monkeypatch.setenv("GLASSNET_THREADS", "2")
    assert available_threads() == 2
    monkeypatch.setattr(processors, "cpu_quota", lambda: 1.5)
    assert available_threads() == 1
