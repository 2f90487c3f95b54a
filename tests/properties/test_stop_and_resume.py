"""Stopped anywhere and resumed equals never stopped: many runs, killed at a random step or moment, and their sha256."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet import Adam, BatchNorm, Dropout, Momentum, NeuralNetwork
from glassnet.files.checkpoint import write_checkpoint
from glassnet.files.storage import read_tensors

CHANCE = np.random.default_rng(7)
X, Y = CHANCE.random((3, 41)).astype(np.float32), CHANCE.random((2, 41)).astype(np.float32)
OPTIMIZERS = {"sgd": "sgd", "momentum": Momentum(0.8), "adam": Adam(beta2=0.95)}
PAIRS = [(name, patience) for name in OPTIMIZERS for patience in (None, 4)]


class Stopped(BaseException):
    """Stands for the end of the process."""


def sha256(optimizer: str, patience: int | None, engine: str, **files: Any) -> str:
    """The hash of everything that a run of 8 epochs leaves."""
    net = NeuralNetwork([3, 5, Dropout(0.2), BatchNorm(), 2], ["tanh", "linear"], seed=3, engine=engine)
    run = {"batch_size": 6, "epochs": 8, "lr": 0.05, "optimizer": OPTIMIZERS[optimizer], "schedule": "cosine"}
    validation = {} if patience is None else {"validation": 0.25, "patience": patience}
    history = net.train(X, Y, **run, **validation, **files, verbose=0)
    digest = hashlib.sha256(net.parameters.vector.tobytes() + net.statistics.vector.tobytes())
    digest.update(repr([tuple(report._replace(seconds=0)) for report in history]).encode())
    digest.update(f"{history.best_epoch} {history.stopped}".encode())
    return digest.hexdigest()


def stopped_after(writes: int, monkeypatch: pytest.MonkeyPatch, *run: Any, **files: Any) -> None:
    """Start or resume a run that ends in its checkpoint after so many others."""
    left = [writes]

    def write(*arguments: Any) -> None:
        if not left[0]:
            raise Stopped
        left[0] -= 1
        write_checkpoint(*arguments)

    with monkeypatch.context() as patch, contextlib.suppress(Stopped):
        patch.setattr("glassnet.files.checkpoint.write_checkpoint", write)
        sha256(*run, **files)


def killed_after(seconds: float, *run: Any, **files: Any) -> None:
    """Start or resume a run in a process that is killed after so many seconds."""
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            sha256(*run, **files)
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.parametrize("count", [2, pytest.param(50, marks=pytest.mark.soak)])
@pytest.mark.parametrize(("optimizer", "patience"), PAIRS)
def test_pairs_of_runs_have_equal_hashes(
    optimizer: str, patience: int | None, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every second run is killed by a signal; each is stopped twice."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    chance = np.random.default_rng(count)
    expected = {engine: sha256(optimizer, patience, engine) for engine in ("numpy", "compiled")}
    equal = begun = 0
    for number in range(count):
        engine = "numpy" if number % 2 else "compiled"
        run: tuple[Any, ...] = (optimizer, patience, engine)
        every = None if number % 3 == 0 else int(chance.integers(1, 12))
        files = {"checkpoint": tmp_path / f"{number}", "every": every, "resume": True}
        for _ in range(2):
            if engine == "numpy" and hasattr(os, "fork"):
                killed_after(float(chance.uniform(0.005, 0.06)), *run, **files)
            else:
                stopped_after(int(chance.integers(0, 9)), monkeypatch, *run, **files)
        if (tmp_path / f"{number}").exists():
            begun += read_tensors(tmp_path / f"{number}")[1]["checkpoint"]["state"]["step"] > 0
        equal += sha256(*run, **files) == expected[engine]
    assert equal == count and begun >= count // 3
