"""Small files that unpack to much, and lines and cells without end, are refused as soon as a limit is passed."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from glassnet.data import csv_file
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
    readings = read_measured("table", [tmp_path / "good.csv", *(path for path, _ in cases)])
    assert readings[0].error == ""
    for (path, expected), reading in zip(cases, readings[1:], strict=True):
        assert reading.error == "ours" and any(part in reading.message for part in expected.split("|")), reading
        assert reading.seconds < 3 and reading.bytes < 2 * path.stat().st_size + 16 * MB, (path.name, reading)


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
