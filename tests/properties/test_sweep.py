"""Networks trained at once end as if trained one by one; an error carries the number of its network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from glassnet import DivergedError, GlassnetError, NeuralNetwork, train_many
from glassnet.engine import executor

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(3, 200)), RNG.random((1, 200))
OPTIONS: dict[str, Any] = {"epochs": 5, "lr": 0.01, "optimizer": "adam", "verbose": 0}


def networks_of(count: int, **options: Any) -> list[NeuralNetwork]:
    return [NeuralNetwork([3, 5 + seed, 1], ["tanh", "linear"], seed=seed, **options) for seed in range(count)]


def ended_by(stop: Callable[[], None], networks: list[NeuralNetwork], **options: Any) -> list[Any]:
    """Their histories, where `stop` is called once, after 50 epochs of one of them."""
    once = iter([stop])

    def trained(report: Any) -> None:
        if report.epoch == 50:
            next(once, lambda: None)()

    return train_many(networks, X, Y, epochs=20_000, verbose=0, callbacks=[trained], **options)


@pytest.mark.parametrize("threads", [None, 1, 3])
@pytest.mark.parametrize("order", "CF")
def test_the_bits_are_those_of_training_one_by_one(threads: int | None, order: Any) -> None:
    one_by_one, together = networks_of(5), networks_of(5)
    x = np.asarray(X, order=order)
    histories = [net.train(X, Y, validation=0.2, **OPTIONS) for net in one_by_one]
    results = train_many(together, x, Y, threads=threads, validation=0.2, **OPTIONS)
    assert [list(history["cost"]) for history in results] == [list(history["cost"]) for history in histories]
    assert all((a.parameters.vector == b.parameters.vector).all() for a, b in zip(one_by_one, together, strict=True))


def test_networks_may_differ_in_dtype_and_engine() -> None:
    networks = [*networks_of(1), *networks_of(1, dtype="float64"), *networks_of(1, engine="numpy")]
    histories = train_many(networks, X, Y, **OPTIONS)
    costs = [history["cost"][-1] for history in histories]
    assert np.allclose(costs, costs[0], rtol=1e-4)
    assert costs[1] == networks_of(1, dtype="float64")[0].train(X, Y, **OPTIONS)["cost"][-1]


def test_a_failing_network_is_named_and_the_others_are_trained() -> None:
    networks = networks_of(3)
    networks[1].weights[1][...] = 1e30
    with pytest.raises(DivergedError, match=r"^network 1: training diverged"):
        train_many(networks, X, Y, **OPTIONS)
    assert all(net.history is not None and len(net.history) == 5 for net in (networks[0], networks[2]))


def threads_of_python() -> int:
    """Without those that Python met while they compiled: it never learns that they have ended."""
    return sum(not thread.name.startswith("Dummy") for thread in threading.enumerate())


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interruption_ends_all_of_them(threads: int) -> None:
    networks, before = networks_of(4), threads_of_python()
    histories = ended_by(lambda: os.kill(os.getpid(), signal.SIGINT), networks, threads=threads)
    assert [history.stopped for history in histories] == ["interrupted"] * 4
    assert len(histories[0]) > 0
    assert threads_of_python() == before
    assert np.isfinite(networks[0].predict(X)).all()


def test_an_interruption_before_all_are_submitted_trains_none(monkeypatch: pytest.MonkeyPatch) -> None:
    networks, submit, calls = networks_of(4), ThreadPoolExecutor.submit, iter(range(9))
    before = [net.parameters.vector.copy() for net in networks]

    def interrupted(self: ThreadPoolExecutor, *arguments: Any, **options: Any) -> Any:
        future = submit(self, *arguments, **options)
        if next(calls) == 2:
            raise KeyboardInterrupt
        return future

    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupted)
    histories = train_many(networks, X, Y, epochs=300, verbose=0)
    assert [(len(history), history.stopped) for history in histories] == [(0, "interrupted")] * 4
    assert all((a == net.parameters.vector).all() for a, net in zip(before, networks, strict=True))


def test_an_error_in_a_callback_carries_the_number_of_its_network() -> None:
    def broken(report: Any) -> None:
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken") as caught:
        train_many(networks_of(2), X, Y, callbacks=[broken], **OPTIONS)
    assert caught.value.__notes__ == ["This was network 0 of train_many."]


def test_one_network_can_be_stopped_from_another_thread() -> None:
    networks = networks_of(1)
    histories = ended_by(networks[0].stop, networks)
    assert histories[0].stopped == "interrupted" and len(networks[0].train(X, Y, **OPTIONS)) == 5


def test_a_second_training_of_one_network_waits_and_predictions_do_not() -> None:
    net, order, second = networks_of(1)[0], list[str](), threading.Event()

    def record(name: str) -> None:
        order.append(name)
        second.set()

    options = OPTIONS | {"epochs": 2}
    later = threading.Thread(target=lambda: net.train(X, Y, callbacks=[lambda report: record("second")], **options))
    predicting = threading.Thread(target=lambda: (net.predict(X[:, :1]), net.predict(X), order.append("predicted")))

    def first(report: Any) -> None:
        if report.epoch == 1:
            later.start()
            predicting.start()
            predicting.join(10)
            assert not second.wait(0.3)
        order.append("first")

    net.train(X, Y, callbacks=[first], **options)
    later.join()
    assert order == ["predicted", "first", "first", "second", "second"]


@pytest.mark.parametrize(("others", "threads"), [(0, {2}), (1, set())])
def test_a_training_uses_one_thread_while_another_runs(
    others: int, threads: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = set[int]()
    monkeypatch.setattr(executor.ThreadTuner, "threads", lambda tuner: 2)

    class CountedCall(executor.ThreadCall):
        """A call on several threads, whose number is noted."""

        def __init__(self, threads: int) -> None:
            counts.add(threads)
            super().__init__(threads)

    monkeypatch.setattr(executor, "ThreadCall", CountedCall)
    with ExitStack() as calls:
        for _ in range(others):
            calls.enter_context(executor.ACTIVE_CALLS.enter())
        networks_of(1)[0].train(X, Y, **OPTIONS)
    assert counts == threads


def test_no_networks_are_no_histories() -> None:
    assert train_many([], X, Y) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda nets: nets + nets[:1], "networks.0. and networks.2. are the same"),
        (lambda nets: [*nets, "net"], "networks.2. is str"),
        (lambda nets: nets[0], "must be a list of networks, not NeuralNetwork"),
    ],
)
def test_wrong_networks_are_refused(change: Any, sentence: str) -> None:
    with pytest.raises(GlassnetError, match=sentence):
        train_many(change(networks_of(2)), X, Y)


@pytest.mark.parametrize("options", [{"checkpoint": "a"}, {"resume": True}, {"threads": 0}, {"epochs": -1}])
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(GlassnetError, match=next(iter(options))):
        train_many(networks_of(2), X, Y, **options)


def test_a_misspelt_option_is_refused_before_anything_is_trained() -> None:
    nets = networks_of(2)
    before = [net.parameters.vector.copy() for net in nets]
    with pytest.raises(GlassnetError, match=r"'batchsize' is unknown\. Did you mean 'batch_size'"):
        train_many(nets, X, Y, batchsize=5)
    for net, vector in zip(nets, before, strict=True):
        assert (net.parameters.vector == vector).all()


POLARS = """
import os, signal
import numpy as np
import polars
from glassnet import NeuralNetwork, train_many
rng = np.random.default_rng(0)
networks = [NeuralNetwork([3, 5 + seed, 1], ["tanh", "linear"], seed=seed) for seed in range(3)]
once = iter([lambda: os.kill(os.getpid(), signal.SIGINT)])
stop = lambda report: report.epoch == 50 and next(once, bool)() or None
x, y = rng.normal(size=(3, 200)), rng.random((1, 200))
print([h.stopped for h in train_many(networks, x, y, epochs=20_000, threads=1, verbose=0, callbacks=[stop])])
"""


def test_an_interruption_stops_all_where_another_library_handles_the_signal_first() -> None:
    done = subprocess.run([sys.executable, "-c", POLARS], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == str(["interrupted"] * 3), done.stderr
