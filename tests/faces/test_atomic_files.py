"""A save that is killed, cut off by a power failure or refused by the disk leaves the old file or the new one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet.errors import ModelFileError
from glassnet.files import atomic_file as module
from glassnet.files.atomic_file import atomic_file
from glassnet.files.storage import read_tensors, write_tensors

from .crash_states import ERRORS, Recorder, crash_states, opens_as

NEW = {"w1": np.arange(6000, dtype=np.float32).reshape(2, 3000), "b1": np.ones(7), "n": np.arange(2000)}


def save(path: Path, version: int) -> None:
    write_tensors(path, {name: array + version for name, array in NEW.items()}, {"version": version})


def version_of(path: Path) -> int:
    """The version in a file, all of whose numbers must be of it."""
    tensors, document = read_tensors(path)
    assert all((tensors[name] == array + document["version"]).all() for name, array in NEW.items())
    version: int = document["version"]
    return version


def recorded(path: Path, monkeypatch: pytest.MonkeyPatch, failing: int = -1, error: str = "") -> Recorder:
    """Save version 1 over version 0 with a recorder, which may make the save fail."""
    save(path, 0)
    with monkeypatch.context() as patch:
        recorder = Recorder(patch, failing, error)
        save(path, 1)
    return recorder


@pytest.mark.parametrize("states", [9, pytest.param(200, marks=pytest.mark.slow)])
def test_after_a_power_cut_there_is_the_old_file_or_the_new_one(
    states: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each state of the disk that the order of writes, fsync and rename allows; an acknowledged save is never lost."""
    recorder = recorded(tmp_path / "m", monkeypatch)
    names = [call.name for call in recorder.calls if call.name != "look"]
    assert names[0] == "open" and names[-3:] == ["fsync", "replace", "fsync folder"] and names.count("write") > 3
    old = tmp_path / "old"
    save(old, 0)
    found = [
        opens_as(tmp_path / "state", content, version_of)
        for content in crash_states(recorder.calls, old.read_bytes(), states)
    ]
    assert set(found) == {0, 1} and found[-states:] == [1] * states
    assert len(found) >= (500 if states > 100 else 20)


def test_without_fsync_a_power_cut_would_lose_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The replay sees a save that renames what is not on the disk yet."""
    calls = [call for call in recorded(tmp_path / "m", monkeypatch).calls if call.name != "fsync"]
    save(tmp_path / "m", 0)
    states = list(crash_states(calls, (tmp_path / "m").read_bytes(), 9))
    with pytest.raises(ModelFileError):
        for content in states:
            opens_as(tmp_path / "state", content, version_of)


@pytest.mark.parametrize("error", [*ERRORS, "short write"])
def test_every_call_that_fails_leaves_the_old_file(error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, calls = tmp_path / "m", recorded(tmp_path / "m", monkeypatch).calls
    failed = 0
    for failing, call in enumerate(calls):
        try:
            recorded(path, monkeypatch, failing, error)
        except ModelFileError as problem:
            assert str(problem).endswith("; the old file is unchanged.") and os.strerror(ERRORS[error]) in str(problem)
            assert version_of(path) == 0
            failed += 1
        else:
            assert version_of(path) == 1 and (error not in ERRORS or call.name in ("look", "fsync folder"))
        assert [file.name for file in tmp_path.iterdir()] == ["m"]
    assert failed == (sum(call.name not in ("look", "fsync folder") for call in calls) if error in ERRORS else 0)


def killed_in_a_save(path: Path, first: int, seconds: float) -> int:
    """Kill a process that saves without end, so long after its first save; the last save that it acknowledged."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            for number in range(first, first + 10**9):
                write_tensors(path, {"w": np.full(100_000, number, np.float32)}, {"k": number})
                os.write(writer, b"%d\n" % number)
        finally:
            os._exit(1)
    os.close(writer)
    with open(reader, "rb") as acknowledged:
        assert int(acknowledged.readline()) == first
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return max([first, *map(int, acknowledged.read().split())])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kills", [5, pytest.param(1000, marks=pytest.mark.soak)])
def test_a_killed_writer_leaves_a_whole_file_and_loses_no_acknowledged_save(kills: int, tmp_path: Path) -> None:
    """What killed writers leave behind is swept by the next save."""
    path, chance, first = tmp_path / "m", np.random.default_rng(0), 1
    left_over = 0
    for _ in range(kills):
        acknowledged = killed_in_a_save(path, first, float(chance.random() * 0.05))
        tensors, document = read_tensors(path)
        assert (tensors["w"] == document["k"]).all() and acknowledged <= document["k"] <= acknowledged + 1
        first = document["k"] + 1
        left_over += len(list(tmp_path.iterdir())) - 1
    write_tensors(path, NEW, {})
    assert [left.name for left in tmp_path.iterdir()] == ["m"] and left_over <= kills
    assert left_over or kills < 100


def test_several_writers_of_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = tmp_path / "m"
    with atomic_file(path) as first, atomic_file(path) as second:
        assert len(list(tmp_path.iterdir())) == 2
        first.write(b"1")
        save(path, 3)
        second.write(b"2")
    assert path.read_bytes() == b"1" and [left.name for left in tmp_path.iterdir()] == ["m"]


def test_a_file_that_is_left_over_is_removed_and_one_in_use_is_not(tmp_path: Path) -> None:
    path = tmp_path / "m"
    with atomic_file(path) as file:
        (used,) = tmp_path.iterdir()
        left = [used.with_name(used.name.replace("-0.tmp", f"-{number}.tmp")) for number in (1, 5)]
        for other in left:
            other.write_bytes(b"cut")
        save(path, 4)
        assert used.exists() and not any(other.exists() for other in left)
        file.write(b"x")


def listed_files(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A list that grows by every folder that is listed."""
    listed: list[Any] = []

    def watch(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments, **options: listed.append(arguments) or function(*arguments, **options)

    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, watch(getattr(os, name)))
    return listed


def test_a_save_does_not_list_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was 50 times slower in a folder of 100,000 files."""
    listed = listed_files(monkeypatch)
    save(tmp_path / "m", 0)
    assert listed == [] and [*os.scandir(tmp_path)] and listed


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A file system that cannot lock."""
    import fcntl

    def flock(descriptor: int, operation: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", flock)
    yield


def test_without_locks_nothing_is_taken_for_left_over(without_locks: None, tmp_path: Path) -> None:
    path = tmp_path / "m"
    with atomic_file(path) as file:
        file.write(b"1")
        save(path, 2)
        assert version_of(path) == 2
    assert path.read_bytes() == b"1" and [left.name for left in tmp_path.iterdir()] == ["m"]


def test_too_many_writers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WRITERS", 1)
    with atomic_file(tmp_path / "m") as file:
        file.write(b"1")
        with pytest.raises(ModelFileError, match="1 others are writing it at this moment; nothing was written"):
            save(tmp_path / "m", 0)
