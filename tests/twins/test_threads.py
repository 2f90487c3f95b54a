"""Any number of threads gives the same bits; none is left behind; the count follows what was measured."""

from __future__ import annotations

import os
import platform
import threading
from typing import Any

import numpy as np
import pytest

from glassnet import BatchNorm, Dropout, LayerNorm, NeuralNetwork
from glassnet.engine import threads
from glassnet.engine.threads import Pace, available, run_together

NETWORKS: dict[str, dict[str, Any]] = {
    "dense": {"layers": [5, 33, 17, 3], "activations": ["relu", "tanh", "linear"]},
    "penalty": {"layers": [5, 9, 3], "activations": ["sigmoid", "linear"], "l1": 1e-3, "l2": 1e-2},
    "layers": {
        "layers": [5, Dropout(0.2), 33, BatchNorm(), 17, LayerNorm(), 3],
        "activations": ["relu"] * 2 + ["linear"],
    },
}


def trained(count: int, words: dict[str, Any], **rest: Any) -> tuple[bytes, bytes, list[float]]:
    rng = np.random.default_rng(0)
    x, y, weights = rng.normal(size=(5, 203)), rng.normal(size=(3, 203)), rng.random(203)
    net = NeuralNetwork(**words, seed=1)
    history = net.train(x, y, 37, 4, 0.01, sample_weight=weights, threads=count, **rest)
    return net.parameters.vector.tobytes(), net.statistics.vector.tobytes(), list(history["cost"])


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rest", [{"optimizer": "adam"}, {"clip_norm": 0.1}], ids=["adam", "clip"])
def test_the_same_bits_for_any_number_of_threads(name: str, rest: dict[str, Any]) -> None:
    alone = trained(1, NETWORKS[name], **rest)
    for count in (2, 3, 8):
        assert trained(count, NETWORKS[name], **rest) == alone


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
        run_together(work, [0, 1], abort)
    assert ended.is_set() and abort[0] == 0 and threading.active_count() == before


def paced(pace: Pace, one: float, two: float, seconds: float, stretch: float = 0.05) -> float:
    """Let a pace choose for a while, where a step takes `one` or `two` seconds; the share of time on two threads."""
    spent = {1: 0.0, 2: 0.0}
    while sum(spent.values()) < seconds:
        threads = pace.threads(None)
        steps = max(1, round(stretch / (one if threads == 1 else two)))
        took = steps * (one if threads == 1 else two)
        pace.took(threads, took, steps)
        spent[threads] += took
    return spent[2] / sum(spent.values())


@pytest.mark.parametrize("step", [1e-4, 5e-3, 0.3])
def test_a_pace_takes_what_is_faster(step: float) -> None:
    """Trying the other way costs little, however long a step is; when the machine changes, so does the choice."""
    pace = Pace(2)
    assert pace.threads(None) == 1 and pace.threads(3) == 3
    assert paced(pace, step, step / 1.7, 60) > 0.95
    assert paced(pace, step, step * 1.4, 3 + 20 * step) < 0.6
    assert paced(pace, step, step * 1.4, 60) < 0.05
    paced(pace, step, step / 1.7, 3 + 20 * step)
    assert paced(pace, step, step / 1.7, 60) > 0.95


def test_heavy_steps_begin_with_all_threads() -> None:
    """Of a run of five steps none is spent on one thread; a longer one finds out whether one thread is faster."""
    pace = Pace(2, heavy=True)
    assert paced(pace, 0.5, 0.3, 1.5) == 1
    assert paced(pace, 0.5, 0.3, 60) > 0.9
    pace = Pace(2, heavy=True)
    assert paced(pace, 0.3, 0.5, 10) < 0.5 and paced(pace, 0.3, 0.5, 60) < 0.1
    assert Pace(1, heavy=True).threads(None) == 1


def test_one_bad_stretch_does_not_decide() -> None:
    """Somebody else's work has made it slow; the next one tells the truth."""
    pace = Pace(2)
    paced(pace, 1e-3, 6e-4, 5)
    for _ in range(2):
        pace.took(2, 0.1, 10)
        assert pace.now == 2
    pace.took(2, 0.1, 10)
    assert pace.now == 1


def test_short_stretches_tell_nothing() -> None:
    """Starting a thread takes as long as some steps: a network may not be judged by that."""
    pace = Pace(2)
    pace.took(1, 3e-4, 1)
    assert pace.threads(None) == 1
    pace.took(1, 2e-3, 8)
    assert pace.threads(None) == 2
    pace.took(2, 5e-4, 1)
    assert pace.threads(None) == 2


def test_a_small_step_stays_on_one_thread() -> None:
    pace = Pace(2)
    pace.took(1, 1e-3, 100)
    assert pace.threads(None) == 1 and Pace(1).threads(None) == 1


def test_the_count_respects_affinity_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLASSNET_THREADS", raising=False)
    monkeypatch.setattr(threads, "quota", lambda: float("inf"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert available() == 4
    monkeypatch.setenv("GLASSNET_THREADS", "2")
    assert available() == 2
    monkeypatch.setattr(threads, "quota", lambda: 1.5)
    assert available() == 1
