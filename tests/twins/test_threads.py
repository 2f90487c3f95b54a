"""Any number of threads gives the same bits; none is left running; their number follows the timings."""

from __future__ import annotations

import os
import platform
import threading
from typing import Any

import numpy as np
import pytest

from glassnet import BatchNorm, Dropout, LayerNorm, NeuralNetwork
from glassnet.engine import threads
from glassnet.engine.threads import ThreadTuner, available_threads, run_threads

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
    history = net.train(x, y, 37, 4, 0.01, sample_weight=weights, threads=count, **options)
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


def test_an_interruption_ends_the_other_threads() -> None:
    abort, ended = np.zeros(1, np.int64), threading.Event()

    def work(argument: int) -> None:
        if argument == 0:
            raise KeyboardInterrupt
        while not abort[0]:
            pass
        ended.set()

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        run_threads(work, [0, 1], abort)
    assert ended.is_set() and abort[0] == 0 and threading.active_count() == before


def share_on_two_threads(tuner: ThreadTuner, one: float, two: float, seconds: float, call: float = 0.05) -> float:
    """Let a tuner choose for a while, where a step takes `one` or `two` seconds; the share of time on two threads."""
    spent = {1: 0.0, 2: 0.0}
    while sum(spent.values()) < seconds:
        threads = tuner.threads(None)
        steps = max(1, round(call / (one if threads == 1 else two)))
        duration = steps * (one if threads == 1 else two)
        tuner.record(threads, duration, steps)
        spent[threads] += duration
    return spent[2] / sum(spent.values())


@pytest.mark.parametrize("step", [1e-4, 5e-3, 0.3])
def test_the_tuner_takes_the_faster_choice(step: float) -> None:
    """Trials of the other choice cost little, however long a step is; when the machine changes, so does the choice."""
    tuner = ThreadTuner(2)
    assert tuner.threads(None) == 1 and tuner.threads(3) == 3
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
    assert ThreadTuner(1, heavy=True).threads(None) == 1


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
    assert tuner.threads(None) == 1
    tuner.record(1, 2e-3, 8)
    assert tuner.threads(None) == 2
    tuner.record(2, 5e-4, 1)
    assert tuner.threads(None) == 2


def test_a_small_step_stays_on_one_thread() -> None:
    tuner = ThreadTuner(2)
    tuner.record(1, 1e-3, 100)
    assert tuner.threads(None) == 1 and ThreadTuner(1).threads(None) == 1


def test_the_count_respects_affinity_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLASSNET_THREADS", raising=False)
    monkeypatch.setattr(threads, "cpu_quota", lambda: float("inf"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert available_threads() == 4
    monkeypatch.setenv("GLASSNET_THREADS", "2")
    assert available_threads() == 2
    monkeypatch.setattr(threads, "cpu_quota", lambda: 1.5)
    assert available_threads() == 1
