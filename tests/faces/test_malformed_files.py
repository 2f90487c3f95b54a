"""Forty malformed files of each format: an error of ours each, in a second of work, twice the file's size and 16 MB.

They are read one after the other in a process of its own, which must still be alive in the end.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glassnet import NeuralNetwork

from .measured_reading import Reading, read_measured

MB = 1 << 20
COUNT = 40
CSV = b"a,b,y\n" + b"".join(b"%d,%d.5,%d\n" % (k, k, k % 2) for k in range(200))


def cut(content: bytes, count: int) -> Iterator[bytes]:
    """The content without its end, at some places."""
    for place in np.linspace(0, len(content) - 1, count).astype(int):
        yield content[:place]


def put(content: bytes, place: int, *parts: bytes) -> Iterator[bytes]:
    """The content with other bytes at a place."""
    place %= len(content)
    for part in parts:
        yield content[:place] + part + content[place + len(part) :]


def csv_files() -> Iterator[bytes]:
    for line in (
        b"1\n",
        b"1,2\n",
        b"1,2,3,4\n",
        b'1,"2\n',
        b'"1,2,3\n',
        b"1,2,\x00\n",
        b"1,2,\xff\xfe\xc3\xa9\n",
        b"," * 300_000,
    ):
        yield CSV + line
        yield CSV[:6] + line + CSV[6:]
        yield line + CSV
    yield from (b"", b"\n", b"\xef\xbb\xbf", b"\xff\xfe", b"a", b"a,b", b",", b"a,a\n1,2\n", b"\0" * 1000)
    yield from (
        b"%PDF-1.4",
        b"{}",
        b'[{"a": 1}]',
        b"<html></html>",
        b"SQLite format 3\0",
        b"BZh9",
        b"a,b\n" + b"x" * 3 * MB,
    )
    yield b"a,b\n1," + b"\xe9\xc3\xa9" * 100_000


def gzip_files() -> Iterator[bytes]:
    packed = gzip.compress(CSV)
    yield from cut(packed, 12)
    for place in range(-8, 0):  # the checksum and the size at the end
        yield packed[:place] + bytes((packed[place] ^ 1,)) + packed[place:][1:]
    yield from put(packed, 2, b"\0", b"\x09", b"\xff")
    yield from put(packed, 3, b"\x08" * 90, b"\x04\xff\xff\xff\xff\xff\xff\xff\xff")
    yield from put(packed, 20, b"\0" * 9, b"\xff" * 9, b"\xaa" * 99)
    yield from (packed + b"x", packed + b"\x1f\x8b", packed + packed[:20], gzip.compress(packed), gzip.compress(b""))
    for block in (b"\0", b"1,2\n", b"a", b"\n", b'"', b","):
        yield gzip.compress(block * (20 * MB // len(block)))
    yield packed[:10]


def parquet_files() -> Iterator[bytes]:
    file = io.BytesIO()
    pq.write_table(pa.table({"a": range(500), "s": ["x", "é"] * 250}), file)
    good = file.getvalue()
    length = struct.unpack("<I", good[-8:-4])[0]
    yield from (content for content in cut(good, 21) if content.startswith(b"PAR1"))
    yield from put(good, -8, *(struct.pack("<I", size) for size in (0, 1, length - 1, length + 1, 2**31, 2**32 - 1)))
    yield from put(good, -4, b"PAR2", b"PARE", b"\0\0\0\0")
    start = len(good) - 8 - length
    yield from put(good, start, b"\0" * 8, b"\xff" * 8, b"\x15\x04\x19\x7c\xff\xff\xff\xff\x7f", b"\x19" * 64)
    yield from put(good, 4, b"\xff" * 64, b"\x15\x00\x15\xfe\xff\xff\xff\x1f")
    yield from (b"PAR1" + bytes(size) + b"PAR1" for size in (0, 4, 8, 1000))
    yield good[: start + 4] + b"\x15\x06" * (length // 2) + good[-8:]


def zip_of(x: bytes, **more: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"x": x, **more}.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def npy_of(shape: str, descr: str = "<f8") -> bytes:
    """A .npy file of 48 bytes with any header."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode("latin-1")
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header.ljust(118) + bytes(48)


def npy_files() -> Iterator[bytes]:
    good = npy_of("(2, 3)")
    shapes = (
        "(-2,-3)",
        "(True,6)",
        "(2.,3.)",
        "(9**99)",
        "([2],)",
        "()",
        "6",
        "None",
        "(2,3,0)",
        "(" * 9,
        "'6'",
        "(10**9,)",
    )
    yield from map(npy_of, (*shapes, "(1,)*40", "(99999999999,)", "(2,  )"))
    for descr in ("|O", "|V0", "<U0", "|V8", "<c8", "<M8", "xxx", "", "<f0", "<f9", "f8,f8", "\0\0\0"):
        yield npy_of("(2, 3)", descr)
    yield from cut(good[:-1], 9)
    yield from (
        good + b"1",
        good[:6] + b"\x09\0" + good[8:],
        good[:8] + b"\xff\xff" + good[10:],
        good[:8] + b"\0\0" + good[10:],
    )


def npz_files() -> Iterator[bytes]:
    contents = list(npy_files())
    yield from (zip_of(content) for content in contents[:27])
    good = zip_of(np_bytes(np.zeros((40, 3))))
    yield from (content for content in cut(good, 9) if content.startswith(b"PK"))
    yield from put(good, 30, b"\xff" * 6)
    yield from put(good, -20, b"\xff" * 8, b"\0" * 20)
    yield from (zip_of(np_bytes(np.zeros((2, 3))), y=np_bytes(np.zeros(3))), zip_of(np_bytes(np.array([[np.nan]]))))
    yield zip_of(np_bytes(np.zeros((100 * MB // 8, 1))))


def np_bytes(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def model_files() -> Iterator[bytes]:
    path = Path("model")
    NeuralNetwork([3, 4, 2], seed=0).save(path)
    good = path.read_bytes()
    length = struct.unpack("<Q", good[:8])[0]
    header = json.loads(good[8 : 8 + length])
    yield from cut(good, 14)
    yield from put(
        good, 0, *(struct.pack("<Q", size) for size in (0, 1, length - 1, length + 1, 2**31, 2**63, 2**64 - 1))
    )
    for change in (
        lambda tensor: tensor.update(shape=[-4, 3]),
        lambda tensor: tensor.update(shape=[4.0, 3]),
        lambda tensor: tensor.update(shape=[True, 12]),
        lambda tensor: tensor.update(shape=[2**40, 2**40]),
        lambda tensor: tensor.update(shape="x"),
        lambda tensor: tensor.update(dtype="F16"),
        lambda tensor: tensor.update(dtype=None),
        lambda tensor: tensor.update(data_offsets=[0, 2**60]),
        lambda tensor: tensor.update(data_offsets=[-8, 40]),
        lambda tensor: tensor.update(data_offsets=[40, 0]),
        lambda tensor: tensor.update(data_offsets=None),
        lambda tensor: tensor.clear(),
    ):
        document = json.loads(json.dumps(header))
        change(next(entry for name, entry in document.items() if name != "__metadata__"))
        yield framed(json.dumps(document).encode(), good[8 + length :])
    for text in (b"{", b"[]", b"null", b"[" * 100_000, b'{"a":' * 9_000, b"{}", b'{"__metadata__": []}', b" " * 2 * MB):
        yield framed(text, good[8 + length :])


def framed(header: bytes, rest: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + rest


def idx_of(*sizes: int, kind: int = 8, data: bytes = b"") -> bytes:
    return struct.pack(f">HBB{len(sizes)}I", 0, kind, len(sizes), *sizes) + data


def idx_files() -> Iterator[bytes]:
    good = idx_of(10, 2, 2, data=bytes(40))
    yield from cut(good, 12)
    yield from put(good, 0, b"\1", b"\0\1", b"PK\3\4", b"\0\0\x0d", b"\0\0\x08\0", b"\0\0\x08\xff", b"\0\0\x08\x09")
    yield from (idx_of(*sizes) for sizes in ((2**32 - 1,), (2**31, 2), (2**32 - 1,) * 8, (1,), (10, 2)))
    yield from (good + b"1", good * 2, idx_of(10, 2, data=bytes(19)), idx_of(3, kind=9, data=b"123"))
    packed = gzip.compress(good)
    yield from (content for content in cut(packed, 9) if len(content) > 2)
    yield from (gzip.compress(good + b"1"), gzip.compress(good[:-1]), gzip.compress(idx_of(2**31) + bytes(30 * MB)))
    yield from (packed[:-2] + b"\0\1", packed[:-6] + b"\0" * 6)


FORMATS: dict[str, tuple[str, Callable[[], Iterator[bytes]]]] = {
    "csv": ("table", csv_files),
    "csv.gz": ("table", gzip_files),
    "parquet": ("table", parquet_files),
    "npy": ("arrays", npy_files),
    "npz": ("arrays", npz_files),
    "model": ("model", model_files),
    "idx": ("idx", idx_files),
}


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Path, Reading]]]:
    """What came of the malformed files of each format."""
    folder = tmp_path_factory.mktemp("malformed")
    (folder / "good").write_bytes(CSV)
    files: list[tuple[str, Path]] = [("table", folder / "good")]
    with contextlib.chdir(folder):
        for name, (kind, make) in FORMATS.items():
            contents = list(make())
            assert len(contents) >= COUNT and len(set(contents)) == len(contents)
            for number, content in enumerate(contents):
                files.append((kind, folder / f"{number}.{name}"))
                files[-1][1].write_bytes(content)
    found = list(zip((path for _, path in files), read_measured(files), strict=True))
    assert found[0][1].error == ""
    return {name: [pair for pair in found if pair[0].name.partition(".")[2] == name] for name in FORMATS}


@pytest.mark.parametrize("name", FORMATS)
def test_malformed_files(name: str, readings: dict[str, list[tuple[Path, Reading]]]) -> None:
    for path, reading in readings[name]:
        assert reading.error == "ours" and str(path) in reading.message, (path.name, reading, path.read_bytes()[:80])
        assert reading.message.endswith(".") and "\n" not in reading.message, reading.message
        assert reading.seconds <= 1 and reading.bytes <= 2 * path.stat().st_size + 16 * MB, (path.name, reading)
