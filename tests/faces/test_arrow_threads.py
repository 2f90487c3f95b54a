"""A text that Arrow's threads still hold when its call returns is waited for: they would abort a process that ends."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow.csv
import pytest

from glassnet import NeuralNetwork
from glassnet.data.arrow_threads import MAX_WAIT, released_by_arrow
from glassnet.data.table import read_table
from glassnet.errors import DataError

SECONDS = 0.05  # that the thread of the test holds the text


@pytest.fixture
def holders(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads that hold what pyarrow read for a moment longer than the call."""
    read_csv, threads = pyarrow.csv.read_csv, list[threading.Thread]()

    def slow(source: Any, *arguments: Any) -> Any:
        buffer = source.read_buffer()
        source.seek(0)

        def hold(held: Any) -> None:
            time.sleep(SECONDS)

        threads.append(threading.Thread(target=hold, args=[buffer]))
        threads[-1].start()
        return read_csv(source, *arguments)

    monkeypatch.setattr(pyarrow.csv, "read_csv", slow)
    return threads


def test_a_table_is_read_when_nothing_holds_its_text(tmp_path: Path, holders: list[threading.Thread]) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    read_table(tmp_path / "t.csv")
    assert holders and not any(thread.is_alive() for thread in holders)


def test_an_error_of_the_reader_does_not_hold_the_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3\n")
    start = time.monotonic()
    with pytest.raises(DataError):
        read_table(tmp_path / "t.csv")
    assert time.monotonic() - start < MAX_WAIT


def test_a_block_is_read_when_nothing_holds_its_text(tmp_path: Path, holders: list[threading.Thread]) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n3,5\n" * 40)
    NeuralNetwork([1, 1], seed=0, engine="numpy").train(str(tmp_path / "t.csv"), "b", 8, 1, 0.1, verbose=0)
    assert holders and not any(thread.is_alive() for thread in holders)


def test_the_wait_is_bounded() -> None:
    content, start = bytes(range(200)), time.monotonic()
    with released_by_arrow(content):
        another = memoryview(content)
    assert MAX_WAIT <= time.monotonic() - start < MAX_WAIT + 5 and sys.getrefcount(another) > 1
