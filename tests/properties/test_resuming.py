"""A run that is killed at any epoch and resumed from its checkpoint equals an uninterrupted run, bit for bit."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassnet import BatchNorm, Dropout, History, ModelFileError, NeuralNetwork, Report, custom_activation
from glassnet.files import run_description
from glassnet.files.checkpoint import write_checkpoint
from glassnet.files.storage import read_tensors, write_tensors
from glassnet.tables.optimizers import OPTIMIZERS

X, Y = np.random.default_rng(0).random((3, 22)), np.random.default_rng(1).random((2, 22))
WEIGHTS = np.random.default_rng(2).random(22) * (np.arange(22) % 5 > 0)
LAYERS = (3, 4, Dropout(0.3), BatchNorm(), 4, 2)
CUBIC = custom_activation("cubic", lambda z: z + 0.1 * z**3, lambda z: 1 + 0.3 * z**2)
RUN: dict[str, Any] = {"batch_size": 5, "epochs": 6, "lr": 0.1, "optimizer": "adam", "schedule": "cosine"}
RUN |= {"validation": 0.25, "patience": 5, "sample_weight": WEIGHTS, "clip_norm": 0.5, "lr_factors": [1, 0.5, 2]}
RUN |= {"max_norm": 1.0, "dropout_schedule": "flat_cos"}


@pytest.fixture(autouse=True)
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here loses power, and a busy disk takes a second for each checkpoint."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


class Killed(Exception):
    """Stands for the end of the process."""


def network(engine: str = "numpy", layers: Any = LAYERS, **rest: Any) -> NeuralNetwork:
    return NeuralNetwork(layers, **{"activations": [CUBIC, "tanh", "linear"], "seed": 5, "engine": engine, **rest})


def killed_at(epoch: int) -> Any:
    """A callback that ends the process after an epoch, before its checkpoint is written."""

    def die(report: Report) -> None:
        if report.epoch == epoch:
            raise Killed

    return die


def numbers(net: NeuralNetwork, history: History) -> tuple[Any, ...]:
    """Everything that must be equal bit for bit, which the seconds need not be."""
    reports = [tuple(report._replace(seconds=0)) for report in history]
    return (
        net.parameters.vector.tobytes(),
        net.statistics.vector.tobytes(),
        reports,
        history.best_epoch,
        history.stopped,
    )


@pytest.mark.parametrize(("engine", "optimizer"), [("numpy", "sgd"), ("compiled", "adam")])
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(epoch=st.integers(1, 6), every=st.none() | st.integers(1, 9), more=st.integers(1, 6))
def test_a_killed_and_resumed_run_equals_an_uninterrupted_one(
    engine: str, optimizer: str, epoch: int, every: int | None, more: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It is killed twice; a run killed before its first checkpoint starts from the beginning."""
    run = {**RUN, "optimizer": optimizer, "validation_metric": "rmse"}
    uninterrupted = network(engine)
    expected = numbers(uninterrupted, uninterrupted.train(X, Y, **run))
    files = {"checkpoint": tmp_path_factory.mktemp("run") / "checkpoint", "every": every, "resume": True}
    for end in (epoch, max(epoch, more)):
        with pytest.raises(Killed):
            network(engine).train(X, Y, **run, **files, callbacks=[killed_at(end)])
    net = network(engine)
    assert numbers(net, net.train(X, Y, **run, **files)) == expected


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_is_resumed_with_its_states(name: str, tmp_path: Path) -> None:
    run = {**RUN, "optimizer": name}
    uninterrupted = network()
    expected = numbers(uninterrupted, uninterrupted.train(X, Y, **run))
    with pytest.raises(Killed):
        network().train(X, Y, **run, checkpoint=tmp_path / "c", callbacks=[killed_at(4)])
    net, reports = network(), list[Report]()
    history = net.train(X, Y, **run, checkpoint=tmp_path / "c", resume=True, callbacks=[reports.append])
    assert numbers(net, history) == expected and [report.epoch for report in reports] == [4, 5, 6]


def test_the_second_run_of_a_network_is_resumed(tmp_path: Path) -> None:
    """The order of a run depends on how many there were before."""
    nets = [network() for _ in range(3)]
    for net in nets:
        net.train(X, Y, epochs=1)
    expected = numbers(nets[0], nets[0].train(X, Y, **RUN))
    with pytest.raises(Killed):
        nets[1].train(X, Y, **RUN, checkpoint=tmp_path / "c", callbacks=[killed_at(3)])
    assert numbers(nets[2], nets[2].train(X, Y, **RUN, checkpoint=tmp_path / "c", resume=True)) == expected


def test_without_resume_a_run_starts_from_the_beginning(tmp_path: Path) -> None:
    """Whatever the file contains, also where it is that of another run."""
    network().train(X, Y, epochs=3, checkpoint=tmp_path / "c")
    for _ in range(2):
        net, reports = network(), list[Report]()
        history = net.train(X, Y, **RUN, checkpoint=tmp_path / "c", callbacks=[reports.append])
        assert reports == list(history) and reports[0].epoch == 1


def test_a_finished_run_is_resumed_to_its_end(tmp_path: Path) -> None:
    first, second = network(), network()
    expected = numbers(first, first.train(X, Y, **RUN, checkpoint=tmp_path / "c"))
    assert numbers(second, second.train(X, Y, **RUN, checkpoint=tmp_path / "c", resume=True)) == expected


@pytest.mark.parametrize(("every", "steps"), [(None, [5, 10, 15, 20]), (2, range(2, 21, 2)), (7, [7, 14]), (99, [])])
def test_a_checkpoint_is_written_after_each_epoch_or_every_so_many_steps(
    every: int | None, steps: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = list[int]()

    def record(path: Path, training: Any, description: Any) -> None:
        written.append(training.counters.step)
        write_checkpoint(path, training, description)

    monkeypatch.setattr("glassnet.files.checkpoint.write_checkpoint", record)
    network().train(X, Y, batch_size=5, epochs=4, checkpoint=tmp_path / "c", every=every)
    assert written == list(steps) and [file.name for file in tmp_path.iterdir()] == ["c"] * bool(steps)


def test_a_run_is_resumed_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    uninterrupted, net, reports = network(), network(), list[Report]()
    expected = numbers(uninterrupted, uninterrupted.train(X, Y, **RUN))
    files = {"checkpoint": tmp_path / "c", "every": 3, "resume": True}
    with pytest.raises(Killed):
        network().train(X, Y, **RUN, **files, callbacks=[killed_at(2)])
    assert read_tensors(tmp_path / "c")[1]["checkpoint"]["state"]["batch"] > 0
    assert numbers(net, net.train(X, Y, **RUN, **files, callbacks=[reports.append])) == expected
    assert reports[0].epoch == 2


def test_a_full_disk_costs_the_checkpoint_and_not_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, net, full = network(), network(), [False, True, True, True, False, False]

    def fsync(descriptor: int) -> None:
        if full.pop(0):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        calls.append(descriptor)

    calls = list[int]()
    expected = numbers(plain, plain.train(X, Y, **RUN))
    monkeypatch.setattr("glassnet.files.atomic_file._sync_folder", lambda folder: None)
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.warns(RuntimeWarning, match="No space left on device; the old file is unchanged") as caught:
        history = net.train(X, Y, **RUN, checkpoint=tmp_path / "c")
    assert numbers(net, history) == expected and len(calls) == 3 and not full
    assert [
        str(warning.message) for warning in caught
    ] == history.warnings and "The training goes on" in history.warnings[0]
    assert read_tensors(tmp_path / "c")[1]["checkpoint"]["state"]["epoch"] == len(history)


def test_the_data_are_hashed_once_per_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = list[Any]()
    monkeypatch.setattr(run_description, "data_hash", lambda sources: hashed.append(sources) or "0")
    for resume in (False, True):
        network().train(X, Y, **RUN, checkpoint=tmp_path / "c", resume=resume)
        assert len(hashed) == 2  # the samples that are trained on, and those that validate
        hashed.clear()


KILLED_BY_SIGNAL = """
import os, signal, sys
import numpy as np
from glassnet import Dropout, NeuralNetwork
net = NeuralNetwork([2, 8, Dropout(0.2), 1], seed=5)
x = np.random.default_rng(0).random((2, 50))
die = [lambda report: report.epoch == 4 and os.kill(os.getpid(), signal.SIGKILL)] if sys.argv[2] == "die" else []
more = {} if sys.argv[2] == "uninterrupted" else {"checkpoint": sys.argv[1], "resume": True}
net.train(x, x[:1], epochs=7, lr=0.1, optimizer="adam", callbacks=die, **more)
print(net.parameters.vector.tobytes().hex())
"""


def test_a_process_killed_by_a_signal_is_resumed_by_another(tmp_path: Path) -> None:
    def run(how: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-c", KILLED_BY_SIGNAL, str(tmp_path / "c"), how]
        return subprocess.run(command, env=os.environ.copy(), capture_output=True, text=True, timeout=60)

    uninterrupted, killed, resumed = run("uninterrupted"), run("die"), run("resume")
    assert killed.returncode == -signal.SIGKILL and (tmp_path / "c").exists()
    assert resumed.returncode == 0 and resumed.stdout == uninterrupted.stdout and len(uninterrupted.stdout) > 100


# ---- what is refused


def other(**changes: Any) -> Any:
    """A run that differs in some arguments of `train` from the one that wrote the checkpoint."""
    return lambda path: network().train(X, Y, **{**RUN, **changes}, checkpoint=path, resume=True)


def other_network(**changes: Any) -> Any:
    return lambda path: network(**changes).train(X, Y, **RUN, checkpoint=path, resume=True)


@pytest.mark.parametrize(
    ("train", "name"),
    [
        (other(batch_size=4), "batch_size"),
        (other(epochs=7), "epochs"),
        (other(lr=0.2), "lr"),
        (other(optimizer="sgd"), "optimizer"),
        (other(schedule="step"), "schedule"),
        (other(patience=4), "patience"),
        (other(clip_norm=0.25), "clip_norm"),
        (other(clip_value=1.0), "clip_value"),
        (other(lr_factors=[1, 1, 1]), "factors"),
        (other(sample_weight=WEIGHTS[::-1]), "data"),
        (other(validation=0.5), "data"),
        (other(validation=(X[:, :5], Y[:, :5])), "data"),
        (other_network(seed=6), "seed"),
        (other_network(l2=0.5), "l2"),
        (other_network(dtype="float64"), "dtype"),
        (other_network(layers=(3, 4, Dropout(0.2), BatchNorm(), 4, 2)), "layers"),
        (other_network(activations=["tanh", "tanh", "linear"]), "activations"),
        (lambda path: network().train(X[:, ::-1], Y, **RUN, checkpoint=path, resume=True), "data"),
        (lambda path: network().train(X, Y + 1, **RUN, checkpoint=path, resume=True), "data"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_checkpoint_of_another_run_is_refused(train: Any, name: str, tmp_path: Path) -> None:
    network().train(X, Y, **RUN, checkpoint=tmp_path / "c", callbacks=[lambda report: report.epoch == 2])
    content = (tmp_path / "c").read_bytes()
    with pytest.raises(ModelFileError) as caught:
        train(tmp_path / "c")
    message = str(caught.value)
    assert message.startswith(str(tmp_path)) and "another run" in message and "train without resume" in message
    assert name in message and (tmp_path / "c").read_bytes() == content


def test_other_validation_data_are_refused(tmp_path: Path) -> None:
    validation = (X[:, :6], Y[:, :6])
    run = {**RUN, "validation": validation, "checkpoint": tmp_path / "c"}
    network().train(X, Y, **run, callbacks=[lambda report: report.epoch == 2])
    with pytest.raises(ModelFileError, match="another run: its validation data is '"):
        network().train(X, Y, **run | {"validation": (X[:, 1:7], Y[:, :6]), "resume": True})
    network().train(X, Y, **run | {"resume": True})


STATES: list[tuple[dict[str, Any], str]] = [
    ({"epoch": 10**9}, "epoch 1,000,000,001"),
    ({"epoch": 1.0}, "state.epoch is 1.0"),
    ({"epoch": -1}, "state.epoch is -1"),
    ({"batch": 10**9}, "with more than 1,000,000,000 batches"),
    ({"step": 10**9}, "step 1,000,000,000 is not batch 0"),
    ({"step": None}, "state.step is None"),
    ({"waited": 3}, "a best epoch beyond them"),
    ({"best_epoch": 3}, "a best epoch beyond them"),
    ({"best_cost": 1.5}, "state.best_cost is 1.5; it must be text"),
    ({"best_cost": "much"}, "could not convert"),
    ({"cost_sum": "0"}, "state.cost_sum is '0'"),
    ({"reports": [[1]] * 2}, "reports[0] is [1]; it must be 8 values"),
    ({"reports": {"a": 1}}, "no report for each of 2 epochs"),
    ({"reports": [[2, 1, 0.5, 0.1, None, None, 0, None]] * 2}, "reports[0] is of epoch 2"),
    ({"reports": [[1, 5, "0.5", 0.1, None, None, 0, None]] * 2}, "reports[0][2] is '0.5'"),
]


@pytest.mark.parametrize(("change", "message"), STATES, ids=[message for _, message in STATES])
def test_impossible_states_are_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    network().train(X, Y, **RUN, checkpoint=tmp_path / "c", callbacks=[lambda report: report.epoch == 2])
    tensors, document = read_tensors(tmp_path / "c")
    document["checkpoint"]["state"].update(change)
    write_tensors(tmp_path / "c", tensors, document)
    net = network()
    with pytest.raises(ModelFileError, match=re.escape(message)) as caught:
        net.train(X, Y, **RUN, checkpoint=tmp_path / "c", resume=True)
    assert "is a damaged checkpoint" in str(caught.value) and net.runs == 0


@pytest.mark.parametrize("name", ["parameters", "state0", "best_parameters", "best_statistics"])
@pytest.mark.parametrize("change", [lambda array: None, lambda array: array[:-1], lambda array: array.astype("f8")])
def test_impossible_arrays_are_refused(name: str, change: Any, tmp_path: Path) -> None:
    network().train(X, Y, **RUN, checkpoint=tmp_path / "c", callbacks=[lambda report: report.epoch == 2])
    tensors, document = read_tensors(tmp_path / "c")
    tensors[name] = change(tensors[name])
    write_tensors(tmp_path / "c", {name: array for name, array in tensors.items() if array is not None}, document)
    with pytest.raises(ModelFileError, match=f"damaged checkpoint: this state has no {name!r} that fits"):
        network().train(X, Y, **RUN, checkpoint=tmp_path / "c", resume=True)


def test_a_refused_checkpoint_does_not_change_the_network(tmp_path: Path) -> None:
    network().train(X, Y, **RUN, checkpoint=tmp_path / "c")
    net = network()
    before = (net.parameters.vector.tobytes(), net.statistics.vector.tobytes())
    with pytest.raises(ModelFileError):
        net.train(X, Y, **{**RUN, "lr": 0.3}, checkpoint=tmp_path / "c", resume=True)
    assert (net.parameters.vector.tobytes(), net.statistics.vector.tobytes()) == before
    assert net.history is None and net.runs == 0


def test_model_files_and_damaged_files_are_refused_as_checkpoints(tmp_path: Path) -> None:
    network().save(tmp_path / "model")
    (tmp_path / "text").write_text("no checkpoint at all")
    for name, message in (("model", "no checkpoint of a run"), ("text", str(tmp_path / "text"))):
        with pytest.raises(ModelFileError, match=message):
            network().train(X, Y, **RUN, checkpoint=tmp_path / name, resume=True)


def test_a_refused_checkpoint_does_not_change_the_history_and_samples(tmp_path: Path) -> None:
    net, rng = NeuralNetwork([3, 4, 1], seed=0), np.random.default_rng(0)
    net.train(rng.random((3, 20)), rng.random((1, 20)), epochs=2)
    history, samples = net.history, net.recent_samples
    (tmp_path / "bad").write_bytes(b"no checkpoint")
    with pytest.raises(ModelFileError):
        net.train(rng.random((3, 20)), rng.random((1, 20)), epochs=2, checkpoint=tmp_path / "bad", resume=True)
    assert net.history is history and net.recent_samples is samples
