"""A file, a copy or a pickle made while another thread trains has the parameters after one step, never of two."""

from __future__ import annotations

import copy
import os
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet
from glassnet import NeuralNetwork
from glassnet.execution.step_lock import StepLock

WIDTH, CHANGES = 700, 12


def saved(net: NeuralNetwork, path: Path) -> NeuralNetwork:
    net.save(path)
    return glassnet.load(path)


WAYS: dict[str, Callable[[NeuralNetwork, Path], Any]] = {
    "save": saved,
    "pickle": lambda net, path: pickle.loads(pickle.dumps(net)),
    "deepcopy": lambda net, path: copy.deepcopy(net),
    "astype": lambda net, path: net.astype("float64"),
}


def symmetric() -> NeuralNetwork:
    """A network in which all numbers of a matrix are equal, and stay so after every step."""
    net = NeuralNetwork([WIDTH, WIDTH, WIDTH], ["linear", "linear"], seed=0)
    for w in net.weights:
        w[...] = 1e-4
    return net


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_of_a_network_in_training_is_of_one_step(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # it takes a second on a busy disk
    net, ones = symmetric(), np.ones((WIDTH, 4), np.float32)
    run = {"batch_size": 1, "epochs": 10**6, "lr": 1e-9, "time_limit": 60, "verbose": 0}
    thread = threading.Thread(target=lambda: net.train(ones, ones, **run))
    thread.start()
    seen, until = set(), time.monotonic() + 50
    try:
        while len(seen) < CHANGES and time.monotonic() < until:
            copied = WAYS[way](net, tmp_path / "m")
            assert all(len(np.unique(w)) == 1 for w in copied.weights)
            seen.add(float(copied.weights[1][0, 0]))
    finally:
        net.stop()
        thread.join()
    assert len(seen) == CHANGES  # the network did change, and the training let others in


def test_a_run_lets_the_next_one_in_and_a_step_may_save() -> None:
    lock, order = StepLock(), list[str]()

    def save() -> None:
        with lock.between_steps():
            order.append("other")

    other = threading.Thread(target=save)
    with lock.steps(), lock.between_steps():  # the same thread, as in a validation metric that saves
        other.start()
        time.sleep(0.1)
    with lock.steps():
        order.append("run")
    other.join()
    assert order == ["other", "run"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_process_does_not_wait_for_a_thread_that_it_does_not_have() -> None:
    lock = StepLock()
    with lock.steps():
        child = os.fork()
        if not child:
            done = threading.Thread(target=lambda: lock.between_steps().__enter__(), daemon=True)
            done.start()
            done.join(10)
            os._exit(int(done.is_alive()))
        assert os.waitpid(child, 0)[1] == 0
