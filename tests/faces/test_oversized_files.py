"""Small files that unpack to much, and lines and cells without end, are refused as soon as a limit is passed."""

from __future__ import annotations

import gzip
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from glassnet.cli import dataset
from glassnet.cli.app import app
from glassnet.data import csv_file
from glassnet.data.table import read_table
from glassnet.data.text_encoding import invalid_utf8

from .measured_reading import read_measured

MB = 1 << 20


def gzipped(start: bytes, block: bytes, count: int) -> bytes:
    file = io.BytesIO()
    with gzip.open(file, "wb", 6) as packed:
        packed.write(start)
        for _ in range(count):
            packed.write(block)
    return file.getvalue()


def files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Files with a part of their refusal."""
    contents = {
        "rows.csv.gz": (gzipped(b"a,b\n", b"1,2\n" * 2**16, 150), "unpacks to more than 200 times its own size"),
        "zeros.csv.gz": (gzipped(b"", bytes(MB), 60), "unpacks to more than 200 times its own size"),
        "twice.csv.gz": (gzip.compress(gzipped(b"", bytes(MB), 60)), "damaged|NUL|not UTF-8"),
        "header.csv": (b"a," * 2**19, "line 1 has 524,289 columns; the limit is 100,000"),
        "line.csv": (b"a,b\n1," + b"2" * 17 * MB, "line 2 is longer than 16 MB"),
        "cell.csv": (b"a,b\n1,2\n1," + b"2" * 2 * MB + b"\n", "line 3: a cell is longer than 1 MB"),
        "row.csv": (b"a,b\n1,2\n" + b"1," * 2**19 + b"\n", "line 3 has 524,289 columns; the limit is 100,000"),
        "quote.csv": (b'a,b\n1,"' + b"2\n" * MB, "line 2: a cell is longer than 1 MB; look for a quote"),
        "quotes.csv": (b"a,b\n" + b'"' * 17 * MB, "line 2 is longer than 16 MB"),
    }
    for name, (content, expected) in contents.items():
        (folder / name).write_bytes(content)
        yield folder / name, expected


def test_files_that_are_too_large_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text('a,b\n"1",2\n')
    cases = list(files(tmp_path))
    readings = read_measured([("table", path) for path in (tmp_path / "good.csv", *(path for path, _ in cases))])
    assert readings[0].error == ""
    for (path, expected), reading in zip(cases, readings[1:], strict=True):
        assert reading.error == "ours" and any(part in reading.message for part in expected.split("|")), reading
        assert reading.seconds < 3 and reading.bytes < 2 * path.stat().st_size + 16 * MB, (path.name, reading)


def parquet_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Parquet files whose pages repeat, with a part of the refusal or nothing."""
    text = pa.DictionaryArray.from_arrays(np.zeros(200_000, np.int32), ["x" * 100_000])
    names = pa.DictionaryArray.from_arrays(np.arange(90_000, dtype=np.int32) % 2, ["x" * 900, "y"])
    tables = {
        "tall": (pa.table({"a": pa.nulls(10**8), "y": pa.nulls(10**8)}), "has 100,000,000 rows × 2 columns, 762 MB"),
        "text": (pa.table({"a": text, "y": range(200_000)}), "has text, 19,073 MB unpacked; the limit is 4,096 MB"),
        "names": (pa.table({"a": names, "b": pa.nulls(90_000), "y": range(90_000)}), ""),
    }
    for name, (table, expected) in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", store_schema=False)
        yield folder / f"{name}.parquet", expected


def test_parquet_files_that_unpack_to_too_much_are_refused_at_once(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": ["x", "y"], "y": [1, 2]}), tmp_path / "good.parquet")
    cases = list(parquet_files(tmp_path))
    readings = read_measured([("table", path) for path in (tmp_path / "good.parquet", *(path for path, _ in cases))])[
        1:
    ]
    for (path, expected), reading in zip(cases, readings, strict=True):
        assert reading.error == ("ours" if expected else "") and expected in reading.message, reading
        assert reading.seconds < 2 and (not expected or reading.bytes < 2 * path.stat().st_size + 64 * MB), reading


def test_repeated_text_is_read_as_it_was_written(tmp_path: Path) -> None:
    cells = ["x" * 900, "y", None] * 30_000
    for kind in (pa.string(), pa.large_string(), pa.binary()):
        table = pa.table({"a": pa.array(cells).cast(kind), "n": [["y"]] * 90_000, "y": range(90_000)})
        pq.write_table(table, tmp_path / "t.parquet")
        read = read_table(tmp_path / "t.parquet").data
        assert not pa.types.is_dictionary(read.column("a").type) and read.column("a").cast(kind).equals(table["a"])
        assert read.drop_columns("a").equals(table.drop_columns("a"))


@pytest.mark.parametrize("use", ["columns", "train"])
def test_a_table_of_too_many_columns_is_refused_before_they_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: str
) -> None:
    monkeypatch.setattr(dataset, "MAX_COLUMNS", 100)
    monkeypatch.setattr("glassnet.data.summary.Summary.of", lambda table: pytest.fail("a column was looked at"))
    (tmp_path / "w.csv").write_text(",".join(f"c{k}" for k in range(101)) + "\n" + ",".join("1" * 101) + "\n")
    more = ["--target", "c1", "--out", str(tmp_path / "m")] if use == "train" else []
    result = CliRunner().invoke(app, [use, str(tmp_path / "w.csv"), *more])
    assert result.exit_code == 2
    assert "w.csv has 101 columns; a model is trained on at most 100; write a file without those" in result.stderr


@pytest.mark.parametrize("offset", [0, 1, 1 << 20, (1 << 20) - 1, (1 << 20) - 2, 3 << 19])
def test_the_first_byte_that_is_no_text_is_found_in_any_block(offset: int) -> None:
    text = bytearray("é".encode() * (1 << 20))
    assert invalid_utf8(bytes(text)) is None
    text[offset] = 0xFF
    with pytest.raises(UnicodeDecodeError) as caught:
        text.decode()
    assert invalid_utf8(bytes(text)) == caught.value.start


@pytest.mark.parametrize(
    ("lengths", "expected"), [((4, 4, 4), False), ((4, 11, 4), True), ((10, 10), False), ((11,), True)]
)
def test_long_lines_are_noticed(lengths: tuple[int, ...], expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "MAX_CELL_LENGTH", 10)
    for newline in (b"\n", b"\r", b"\r\n"):
        assert csv_file.has_long_line(newline.join(b"x" * length for length in lengths)) == expected


STARVED = """
import resource, sys
from glassnet.data.table import read_table
with open("/proc/self/status") as file:
    size = next(1024 * int(line.split()[1]) for line in file if line.startswith("VmSize"))
resource.setrlimit(resource.RLIMIT_AS, (size + (600 << 20), resource.RLIM_INFINITY))
try:
    read_table(sys.argv[1])
except ValueError as error:
    print(error)
"""


def test_a_process_with_little_memory_is_not_ended(tmp_path: Path) -> None:
    """pyarrow throws what nobody catches where the memory for its columns is missing."""
    (tmp_path / "w.csv").write_text("\n".join(",".join([cell] * 99_999) for cell in ("a", "1")) + "\n")
    done = subprocess.run(
        [sys.executable, "-c", STARVED, tmp_path / "w.csv"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert re.search(r"w.csv takes [\d,]+ MB of memory, more than this process can get; give it fewer", done.stdout)
