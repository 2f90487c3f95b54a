"""How a run ends and what it leaves behind: validation, early stopping, limits, callbacks, Ctrl-C, the History."""

from __future__ import annotations

import contextlib
import fcntl
import io
import math
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet import BatchNorm, Dropout, History, NeuralNetwork, Report
from glassnet.batches.sources import split_indices
from glassnet.execution.executor import ENGINES
from glassnet.training.progress import progress

from ..limits import cpu_limit

Array = np.ndarray[Any, Any]
engines = pytest.mark.parametrize("engine", ENGINES)


def network(engine: str = "numpy", layers: Any = (2, 4, 2), **rest: Any) -> NeuralNetwork:
    return NeuralNetwork(layers, **{"seed": 3, "engine": engine, **rest})


def data(samples: int = 12, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, samples)), rng.random((2, samples))


def is_usable(net: NeuralNetwork) -> bool:
    """Finite, and it predicts, saves its state and trains on."""
    x, y = data()
    finite = all(np.isfinite(parameters.vector).all() for parameters in (net.parameters, net.statistics))
    return finite and bool(np.isfinite(net.predict(x)).all()) and len(net.train(x, y, epochs=2)) == 2


# ---- validation


@given(st.integers(2, 300), st.floats(0.01, 0.6), st.integers(0, 2**32))
def test_no_sample_is_in_both_parts(samples: int, fraction: float, seed: int) -> None:
    training, validation = split_indices(samples, fraction, (seed,))
    assert np.array_equal(np.sort(np.concatenate([training, validation])), np.arange(samples))
    assert len(validation) == max(1, round(samples * fraction))
    again = split_indices(samples, fraction, (seed,))
    assert np.array_equal(training, again[0]) and np.array_equal(validation, again[1])
    other = split_indices(samples, fraction, (seed + 1,))[1]
    assert samples < 30 or len(validation) < 5 or not np.array_equal(validation, other)


@engines
def test_a_fraction_trains_on_the_other_samples_only(engine: str) -> None:
    x, y = data(20)
    weights = np.linspace(0.5, 2, 20)
    training, validation = split_indices(20, 0.3, (3,))
    nets = [network(engine) for _ in range(2)]
    share = nets[0].train(x, y, 3, 4, 1.0, validation=0.3, sample_weight=weights)
    parts = nets[1].train(x[:, training], y[:, training], 3, 4, 1.0, sample_weight=weights[training])
    assert np.array_equal(share["cost"], parts["cost"])
    assert nets[0].parameters.vector.tobytes() == nets[1].parameters.vector.tobytes()
    cost = nets[0].cost(x[:, validation], y[:, validation], weights[validation])
    assert share[-1].validation_cost == pytest.approx(cost, rel=1e-6)


@engines
def test_the_validation_cost_is_that_of_the_network_after_the_epoch(engine: str) -> None:
    """By the equations of inference, penalty included, in however many blocks the samples are computed."""
    x, y = data(12)
    validation = data(500, seed=1)
    net = network(engine, (2, 4, BatchNorm(), Dropout(0.5), 2), l2=0.1)
    costs: list[float] = []

    def compute_cost(report: Report) -> None:
        penalty = 0.05 * sum((w**2).sum() for w in net.weights)
        costs.append(((net.predict(validation[0]) - validation[1]) ** 2).sum() / 1000 + penalty)

    history = net.train(x, y, batch_size=5, epochs=3, lr=1.0, validation=validation, callbacks=[compute_cost])
    np.testing.assert_allclose(history["validation_cost"], costs, rtol=1e-5)
    assert np.isnan(network(engine).train(x, y, epochs=1)["validation_cost"]).all()


@engines
def test_the_accuracy_is_reported_for_classes(engine: str) -> None:
    x = data(40)[0]
    labels = (x[0] > 0).astype(int)
    for layers, activations, cost in (
        ((2, 2), ["softmax"], "categorical_cross_entropy"),
        ((2, 1), None, "binary_cross_entropy"),
    ):
        net = NeuralNetwork(layers, activations, cost, seed=1, engine=engine)
        y = labels if layers[-1] == 2 else labels[np.newaxis]
        history = net.train(x, y, epochs=3, lr=1.0, validation=(x, y))
        a = net.predict(x)
        predicted = a.argmax(axis=0) if len(a) == 2 else a[0] > 0.5
        assert history[-1].accuracy == pytest.approx((predicted == labels).mean())


# ---- early stopping


@engines
def test_early_stopping_restores_the_best_weights(engine: str) -> None:
    """The validation targets are the opposite of the training targets, so the cost soon rises."""
    x, y = data(12)
    net = network(engine, (2, 4, BatchNorm(), 2))
    states: list[tuple[bytes, bytes]] = []
    copy_state = [lambda report: states.append((net.parameters.vector.tobytes(), net.statistics.vector.tobytes()))]
    validation = (x, np.clip(0.8 * net.predict(x) + 0.2 * (1 - y), 0, 1))
    history = net.train(x, y, 4, 500, 0.5, validation=validation, patience=3, callbacks=copy_state)
    best = int(np.argmin(history["validation_cost"])) + 1
    assert history.best_epoch == best and len(history) == best + 3 < 500
    assert (net.parameters.vector.tobytes(), net.statistics.vector.tobytes()) == states[best - 1]
    assert net.cost(*validation) == pytest.approx(min(history["validation_cost"]), rel=1e-6)
    assert "3 epochs" in history.stopped


@engines
def test_a_run_with_patience_that_reaches_its_end_restores_the_best_too(engine: str) -> None:
    x, y = data(12)
    net = network(engine)
    validation = (x, 1 - y)
    history = net.train(x, y, 4, 30, 0.5, validation=validation, patience=50)
    assert len(history) == 30 and history.stopped == ""
    assert history.best_epoch == int(np.argmin(history["validation_cost"])) + 1 < 30
    assert net.cost(*validation) == pytest.approx(min(history["validation_cost"]), rel=1e-6)


@engines
def test_patience_counts_from_the_last_best_epoch(engine: str) -> None:
    x, y = data(30)
    net = network(engine)
    history = net.train(x, y, 5, 60, 3.0, validation=0.4, patience=4)
    costs = history["validation_cost"]
    best = [int(np.argmin(costs[: end + 1])) for end in range(len(costs))]
    waits = [end - epoch for end, epoch in enumerate(best)]
    assert max(waits[:-1]) < 4 and (waits[-1] == 4 or len(costs) == 60)


# ---- what chooses the best epoch


@engines
def test_of_equal_epochs_the_last_is_the_best_but_no_progress(engine: str) -> None:
    x, y = data(20)
    values = iter([3.0, 2.0, 2.0, 5.0, 2.0, 2.5, math.nan, 1.0])
    net, vectors = network(engine), list[bytes]()
    keep = [lambda report: vectors.append(net.parameters.vector.tobytes())]
    run: dict[str, Any] = {"validation": (x, y), "validation_metric": lambda a, y: next(values), "callbacks": keep}
    history = net.train(x, y, 5, 30, 0.5, patience=5, **run)
    assert len(history) == 7 and history.best_epoch == 5 and "5 epochs" in history.stopped
    assert net.parameters.vector.tobytes() == vectors[4] != vectors[1]
    assert history["validation_metric"][:6].tolist() == [3, 2, 2, 5, 2, 2.5]


def test_a_metric_without_patience_chooses_among_all_epochs() -> None:
    x, y = data(40)
    labels = (x[0] > 0).astype(int)
    for metric, own in (
        ("error", lambda a, y: (a.argmax(axis=0) != y).mean()),
        ("rmse", lambda a, y: np.sqrt(((a - np.eye(2)[y].T) ** 2).mean())),
    ):
        results = []
        for each in (metric, own):
            net = network("compiled", activations=["tanh", "softmax"], cost="categorical_cross_entropy")
            history = net.train(x, labels, 8, 25, 0.3, validation=0.3, validation_metric=each)
            best = np.flatnonzero(history["validation_metric"] == history["validation_metric"].min())[-1] + 1
            assert len(history) == 25 and history.best_epoch == best
            results.append((net.parameters.vector.tobytes(), history["validation_metric"]))
        assert results[0][0] == results[1][0] and results[0][1] == pytest.approx(results[1][1], rel=1e-5)
        assert history.best_by != f"validation {metric}"
    history = network().train(x, y, epochs=3, validation=(x, y), validation_metric="cost")
    assert history.best_by == "validation cost" and history.best_epoch == 3 and "metric" not in str(history[-1])


def test_rmse_weighs_the_samples_of_a_held_out_part() -> None:
    x, y = data(30)
    weights = np.arange(30.0)
    net = network()
    history = net.train(x, y, 5, 2, 0.5, validation=0.5, sample_weight=weights, validation_metric="rmse")
    rows = split_indices(30, 0.5, (net.seed,))[1]
    squares = ((net.predict(x[:, rows]) - y[:, rows]) ** 2).mean(axis=0)
    assert history["validation_metric"].min() == pytest.approx(np.sqrt(np.average(squares, weights=weights[rows])))


# ---- limits, callbacks, progress


@engines
@pytest.mark.parametrize(("epochs", "samples", "size"), [(10**6, 200, 100), (1, 200_000, 1)])
def test_a_time_limit_ends_the_run_at_a_step(engine: str, epochs: int, samples: int, size: int) -> None:
    """Between epochs, and within the first one."""
    net = network(engine, (2, 20, 2))
    with cpu_limit(1):
        history = net.train(*data(samples), size, epochs, 0.01, time_limit=0.05)
    assert len(history) < epochs
    assert history.stopped == "the time limit was reached" and is_usable(net)


@engines
def test_callbacks_get_every_report_and_true_ends_the_run(engine: str) -> None:
    x, y = data()
    first: list[Report] = []
    second: list[Report] = []
    ends = [first.append, lambda report: report.epoch == 3, second.append, lambda report: "a truth that is not True"]
    history = network(engine).train(x, y, epochs=9, validation=0.25, callbacks=ends)
    assert first == second == list(history) and [report.epoch for report in first] == [1, 2, 3]
    assert history.stopped == "a callback ended it"
    plain = network(engine).train(x, y, epochs=9, callbacks=ends[3:])
    assert len(plain) == 9 and plain.stopped == ""


@engines
def test_an_error_in_a_callback_is_raised_and_the_network_stays_usable(engine: str) -> None:
    net = network(engine)
    with pytest.raises(ZeroDivisionError):
        net.train(*data(), epochs=5, callbacks=[lambda report: 1 / 0])
    assert is_usable(net)


@pytest.mark.parametrize("verbose", [0, None, 1])
def test_lines_outside_a_terminal_only_with_verbose(verbose: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    history = network().train(*data(), epochs=3, validation=0.25, verbose=verbose)
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.splitlines() == ([str(report) for report in history] if verbose else [])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("verbose", "seconds", "appears"), [(0, 0.0, False), (None, 9.0, False), (None, 0.0, True), (1, 9.0, True)]
)
def test_a_bar_on_a_terminal(
    verbose: int | None, seconds: float, appears: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With verbose=None it appears once a run has lasted QUIET_SECONDS."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("glassnet.training.progress.QUIET_SECONDS", seconds)
    history = network().train(*data(), epochs=3, verbose=verbose)
    text = f"epoch 3/3  cost {history[-1].cost:.4g}  took "
    assert (text in terminal.getvalue()) == appears and bool(terminal.getvalue()) == appears


def frames(printed: str) -> list[str]:
    """The states of the line on a terminal, without the codes for colours and the cursor."""
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", printed))
    return [line for line in lines if line.strip()]


@pytest.mark.parametrize("width", [30, 40, 80, 81, 100, 160])
def test_the_bar_fits_every_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest texts: nothing wraps, and at 80 columns there is a bar with both costs and the time."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("glassnet.training.progress.UPDATE_SECONDS", 0.0)
    monkeypatch.setenv("COLUMNS", str(width))
    with progress(10_000, 1) as show:
        show.advance(0)
        for epoch in (9_998, 9_999):
            show(Report(epoch, 0, 1.234e-5, 0.001, 2.345e-5, 0.98765, 0.0))
            time.sleep(0.15)  # rich draws ten times a second
    shown = frames(terminal.getvalue())
    assert shown and max(map(len, shown)) <= width
    last = f"epoch 9999/10000{'  cost 1.234e-05  validation 2.345e-05' if width >= 80 else ''}"
    assert last in shown[-1] and "took 0." in shown[-1] and ("accuracy 98.77%" in shown[-1]) == (width >= 100)
    assert all(line.startswith(("━", "╸")) for line in shown)


def test_a_long_epoch_shows_the_bar_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time left follows the steps of the first epoch, and a time limit that is nearer."""
    bar, clock = RecordedBar(), [0.0]
    monkeypatch.setattr("glassnet.training.progress.time.perf_counter", lambda: clock[0])
    monkeypatch.setattr("glassnet.training.progress._display", lambda verbose: bar)
    with progress(10, None) as show:
        for tenth in range(10):
            show.advance(tenth / 10)
            clock[0] += 6
        show(Report(1, 5, 0.5, 0.1))
    assert bar.states[:2] == [(0.01, ("epoch 1/10", "9:54 left")), (0.02, ("epoch 1/10", "9:48 left"))]
    assert bar.states[-2:] == [
        (0.1, ("epoch 1/10", "cost 0.5", "9:00 left")),
        (0.1, ("epoch 1/10", "cost 0.5", "took 1:00")),
    ]
    with progress(10, 1, time_limit=20) as show:
        show.advance(0)
        clock[0] += 5
        show.advance(0.1)
    assert bar.states[-2] == (0.25, ("epoch 1/10", "15 s left"))


class RecordedBar:
    def __init__(self) -> None:
        self.states: list[tuple[float, Any]] = []

    def update(self, done: float, texts: Any) -> None:
        self.states.append((round(done, 4), texts))

    def close(self) -> None:
        pass


def test_what_a_callback_prints_stays_on_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where stdout is a file and stderr a terminal, the bar must not take the lines of the file."""
    terminal, file = Terminal(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", file)
    network().train(*data(), epochs=3, verbose=1, callbacks=[lambda report: print("mine", report.epoch)])
    assert file.getvalue() == "mine 1\nmine 2\nmine 3\n" and "mine" not in terminal.getvalue()


def test_a_bar_on_a_real_terminal_of_80_columns() -> None:
    code = (
        "import numpy as np, glassnet, time\n"
        "x = np.zeros((2, 12)); net = glassnet.NeuralNetwork([2, 4, 1], engine='numpy', seed=0)\n"
        "net.train(x, x[:1], epochs=10**7, time_limit=2, validation=0.25)\n"
    )
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    run = subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env=environment | {"TERM": "xterm"})
    os.close(theirs)
    printed = b""
    with contextlib.suppress(OSError):  # EIO: the other end is closed
        while part := os.read(ours, 1 << 16):
            printed += part
    os.close(ours)
    assert run.wait() == 0
    shown = frames(printed.decode())
    assert len(shown) > 2 and max(map(len, shown)) < 80
    assert all("epoch " in line and "━" in line for line in shown) and " left" in shown[1] and "took " in shown[-1]


# ---- Ctrl-C


@engines
def test_ctrl_c_in_a_callback_ends_the_run(engine: str) -> None:
    def press(report: Report) -> None:
        if report.epoch == 2:
            raise KeyboardInterrupt

    net = network(engine)
    history = net.train(*data(), epochs=9, callbacks=[press])
    assert len(history) == 2 and history.stopped == "interrupted" and net.history is history and net.runs == 1
    assert is_usable(net)


@engines
def test_ctrl_c_restores_the_best_weights_with_patience(engine: str) -> None:
    def press(report: Report) -> None:
        if report.epoch == 5:
            raise KeyboardInterrupt

    x, y = data(12, 1)
    net = network(engine)
    history = net.train(x, y, 4, 9, 5.0, validation=(x, 1 - y), patience=50, callbacks=[press])
    assert len(history) == 5 > int(np.argmin(history["validation_cost"])) + 1 == history.best_epoch
    assert net.cost(x, 1 - y) == pytest.approx(min(history["validation_cost"]), rel=1e-6)


INTERRUPTED = """
import sys
import numpy as np
from glassnet import NeuralNetwork, Training

def announced(self, run=Training.run, **rest):
    if len(self.counters.reports) >= epoch:
        Training.run = run
        print("go", flush=True)
    return run(self, **rest)

engine, epoch = sys.argv[1], int(sys.argv[2])
samples, size = (500, 50) if epoch else (300000, 1)
x, y = np.random.default_rng(0).random((2, samples)), np.zeros((1, samples))
Training.run = announced
net = NeuralNetwork([2, 64, 1], seed=0, engine=engine)
history = net.train(x, y, size, 10**6, 1e-4)
assert net.history is history and history.stopped == "interrupted", history
assert len(history) >= epoch and bool(epoch) == bool(history), history
assert np.isfinite(net.parameters.vector).all() and np.isfinite(net.predict(x)).all()
net.train(x[:, :500], y[:, :500], 50, 2)
print("usable")
"""


@engines
@pytest.mark.parametrize("epoch", [0, 3])
def test_a_real_sigint(engine: str, epoch: int) -> None:
    """SIGINT, within the first epoch and after the third, ends `train` with a History and a usable network."""
    command = [sys.executable, "-W", "error", "-c", INTERRUPTED, engine, str(epoch)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=os.environ.copy(), **pipes) as process:
        assert process.stdout is not None and process.stdout.readline() == "go\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "usable\n", "")


# ---- the History


def test_a_history_is_a_sequence_of_reports_with_columns() -> None:
    net = network()
    history = net.train(*data(12), batch_size=5, epochs=4, lr=0.5, schedule="exponential")
    assert net.history is history and len(history) == 4 and isinstance(history[0], Report)
    assert history[-1] is history[3] and history[1:3] == [history[1], history[2]] and list(history)[2] is history[2]
    assert [list(history[name]) for name in ("epoch", "step")] == [[1, 2, 3, 4], [3, 6, 9, 12]]
    assert history["cost"].dtype == np.float64 and (history["cost"] > 0).all() and np.isfinite(history["cost"]).all()
    assert (np.diff(history["seconds"]) >= 0).all() and np.isnan(history["accuracy"]).all()
    np.testing.assert_allclose(history["lr"], 0.5 * 0.95 ** np.arange(4), rtol=1e-12)
    assert "4 epochs" in repr(history) and str(history[-1]) in repr(history)
    assert history.stopped == "" and history.best_epoch is None and history.warnings == []


def test_an_unknown_quantity_of_a_history_is_refused_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"'loss'.*cost.*validation_cost"):
        History()["loss"]
    with pytest.raises(IndexError):
        History()[0]
    assert "no epoch" in repr(History()) and len(History()["cost"]) == 0


def test_every_run_has_its_own_history() -> None:
    net = network()
    first = net.train(*data(), epochs=2)
    second = net.train(*data(), epochs=3)
    assert (len(first), len(second), net.runs) == (2, 3, 2) and net.history is second and second[0].step == 2
