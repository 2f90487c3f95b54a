"""A network trains one run at a time: none in its own callback, none that a forked process has inherited.

And fits on several threads share the limit of BLAS threads.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from glassnet import NeuralNetwork, ParameterError, train_many
from glassnet.execution.blas_threads import one_blas_thread
from glassnet.training.training_lock import TrainingLock

X = np.random.default_rng(0).normal(size=(3, 20))


def network() -> NeuralNetwork:
    return NeuralNetwork([3, 4, 3], seed=1, engine="numpy")


@pytest.mark.parametrize(
    "train",
    [lambda net: net.train(X, X, 5, 1, 0.1), lambda net: train_many([network(), net], X, X, epochs=1)],
    ids=["train", "train_many"],
)
def test_a_callback_cannot_train_its_own_network(train: Callable[[NeuralNetwork], Any]) -> None:
    """The run goes on as if it had not tried."""
    refusals: list[str] = []
    net, other = network(), network()

    def callback(report: Any) -> None:
        with pytest.raises(ParameterError, match=r"this network is being trained.*deepcopy") as caught:
            train(net)
        refusals.append(str(caught.value))

    net.train(X, X, 5, 3, 0.1, callbacks=[callback])
    other.train(X, X, 5, 3, 0.1)
    assert len(refusals) == 3 and net.parameters.vector.tobytes() == other.parameters.vector.tobytes()
    net.train(X, X, 5, 1, 0.1)  # afterwards it can be trained again


def test_a_callback_may_train_another_network() -> None:
    net, other = network(), network()
    net.train(X, X, 5, 1, 0.1, callbacks=[lambda report: other.train(X, X, 5, 1, 0.1)])
    assert other.runs == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_trains_what_a_thread_of_its_parent_trains() -> None:
    net, started = network(), threading.Event()
    options: dict[str, Any] = {"callbacks": [lambda report: started.set()]}
    thread = threading.Thread(target=net.train, args=(X, X, 5, 10**7, 1e-3), kwargs=options)
    thread.start()
    try:
        assert started.wait(30)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that a process with threads is forked
            child = os.fork()
        if child == 0:
            thread = threading.Thread(target=lambda: (net.train(X, X, 5, 1, 1e-3), os._exit(0)), daemon=True)
            thread.start()
            thread.join(20)
            os._exit(1)  # it hangs
        assert os.waitpid(child, 0)[1] == 0
    finally:
        net.stop()
        thread.join(30)


def test_the_lock_says_how_often_it_is_held() -> None:
    lock, seen = TrainingLock(), list[bool]()
    assert not lock.is_held_here()
    with lock as first, lock as second:
        assert (first, second, lock.is_held_here()) == (1, 2, True)
        thread = threading.Thread(target=lambda: seen.append(lock.is_held_here()))
        thread.start()
        thread.join()
    assert not lock.is_held_here() and seen == [False]


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_fits_on_several_threads_share_the_limit_of_blas() -> None:
    """The first one to end must not lift the limit of the other, and the last one must."""
    ended, go_on = threading.Event(), threading.Event()

    def short() -> None:
        with one_blas_thread():
            go_on.wait(30)
        ended.set()

    with threadpool_limits(2, "blas"):
        before = blas_threads()
        thread = threading.Thread(target=short)
        thread.start()
        with one_blas_thread():
            go_on.set()
            assert ended.wait(30)
            assert set(blas_threads()) == {1}
        thread.join()
        assert blas_threads() == before == [2] * len(before) != []
