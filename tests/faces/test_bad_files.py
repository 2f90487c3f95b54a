"""Damaged, malicious and unsupported files: one sentence that names the file, the location and what to do."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glassnet.data import csv_file, reading, zip_file
from glassnet.data.arrays import read_arrays
from glassnet.data.choice import ColumnChooser
from glassnet.data.options import ReadingOptions
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.stored import from_json
from glassnet.data.summary import Summary
from glassnet.data.table import Table, read_table
from glassnet.data.target import ClassTarget, NumberTarget
from glassnet.data.target_cells import TargetCells, read_target
from glassnet.errors import DataError, ModelFileError


def sentence(call: Any, *arguments: Any) -> str:
    """The message of the DataError that a call raises, which must be one sentence."""
    with pytest.raises(DataError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message and "  " not in message
    return message


CSV = [
    (b"", "is empty"),
    (b"\n\r\n \n", "is empty"),
    (b"\xef\xbb\xbf", "is empty"),
    (b"a,b\n", "has a header but no rows"),
    (b"a,b", "has a header but no rows"),
    (b"a,b\n1,2\n3\n", "line 3 has 1 cell, but the header has 2"),
    (b'a,b\n"1\n\n",2\n3,4,5\n', "line 5 has 3 cells, but the header has 2"),
    (b"a,b\r1,2\r3\r", "line 3 has 1 cell"),
    (b"a,b,a\n1,2,3\n", "two columns are named 'a'"),
    (b'a,b\n1,2\n3,"x\n5,6\n', "the quote opened on line 3 is never closed"),
    (b'"', "the quote opened on line 1 is never closed"),
    (b'a,b\n1,"', "the quote opened on line 2 is never closed"),
    (b"a,b\n1,\x00\n", "looks binary (NUL at byte 6)"),
    ("a,b\n1,2\n".encode("utf-16-be"), "binary"),
    (b"a,b\n1,2\n3,\xe9\xc3\xa9\n", "line 3 is not UTF-8"),
    (b"a,b\n1,2\n3,\x81\n", "line 3 is not UTF-8"),
    (b"a,b\n1,2\n3,\xa6\xbf\xf7\x81\n", "line 3 is not UTF-8"),
    (b'{"a": [1, 2]}', "JSON"),
    (b'[{"a": 1}]', "JSON"),
    (b"<!DOCTYPE html><html></html>", "HTML"),
    (bytes(257) + b"ustar" + bytes(250), "tar archive"),
    (b",".join(b"c%d" % k for k in range(100_001)), "100,001 columns; the limit is 100,000"),
    (b'a,b\n1,"' + b"x" * (1 << 20) + b'y"\n', "line 2: a cell is longer than 1 MB"),
    (pickle.dumps({}), "pickle file"),
    (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
    (b"PK\x03\x04" + bytes(99), "zip file"),
    (b"SQLite format 3\x00", "SQLite"),
    (b"\x93NUMPY\x01\x00", "NumPy"),
    (b"PAR1" + bytes(20), "damaged Parquet"),
    (b"PAR1", "damaged Parquet"),
    (b"\x1f\x8b" + bytes(20), "damaged"),
    (gzip.compress(b"a,b\n1,2\n" * 1000)[:-20], "damaged"),
    (gzip.compress(b""), "is empty"),
]


@pytest.mark.parametrize(("content", "expected"), CSV, ids=[expected for _, expected in CSV])
def test_tables(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    message = sentence(read_table, path)
    assert message.startswith(str(path)) and expected in message


def test_missing_files_and_folders(tmp_path: Path) -> None:
    assert "does not exist" in sentence(read_table, tmp_path / "no.csv")
    assert "does not exist" in sentence(read_arrays, tmp_path / "no.npz")
    assert "is a folder" in sentence(read_table, tmp_path)
    assert "is a folder without Parquet files, and without IDX files" in sentence(read_arrays, tmp_path)
    (tmp_path / "orders.csv").write_text("a,b")
    assert sentence(read_arrays, tmp_path).endswith(f"; name its file, {tmp_path / 'orders.csv'}.")


def test_a_file_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 1_000_000))
    assert "larger than 1 MB" in sentence(reading.read_bytes, tmp_path / "bomb.csv.gz", 1 << 20)


def test_ambiguous_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file.CsvScanner, "count", lambda self, width: 7)
    (tmp_path / "data.csv").write_text('a,b\n"1",2\n')
    assert "ambiguous quotes" in sentence(read_table, tmp_path / "data.csv")


@pytest.mark.parametrize("offset", range(0, 400, 7))
def test_a_parquet_file_with_a_changed_byte(tmp_path: Path, offset: int) -> None:
    pq.write_table(pa.table({"a": [1, 2, 3], "s": ["x", "y", "z"]}), tmp_path / "t.parquet")
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    content[offset % len(content)] ^= 0xFF
    (tmp_path / "t.parquet").write_bytes(content)
    try:
        read_table(tmp_path / "t.parquet")
    except DataError as error:
        assert str(tmp_path) in str(error)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([[1, 2], [3]]), "no usable column besides 'y' (x: left out: it has type list"),
        (pa.array([b"x", b"y"]), "has type binary"),
        (pa.array([None, None], pa.float64()), "has no values"),
        (pa.array([float("nan")] * 2), "has no values"),
        (pa.array(["", ""]), "has no values"),
        (pa.array([None, None]), "has no values"),
        (pa.array([float("inf"), 1]), "row 1, column 'x' is infinite"),
    ],
)
def test_columns_that_cannot_be_used(column: Any, expected: str) -> None:
    table = Table("t.parquet", pa.table({"x": column, "y": [1, 2]}))
    assert expected in sentence(TablePreparation.fit, table, "y", np.arange(2))


def test_a_text_cell_in_a_number_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("age,y\n1,a\n2,b\n")
    (tmp_path / "b.csv").write_text('note,age\n"two\nlines",3\nx,NA\nx,abc\n')
    fitted = TablePreparation.fit(read_table(tmp_path / "a.csv"), "y", np.arange(2))
    message = sentence(fitted.transform, read_table(tmp_path / "b.csv"))
    assert message == f"{tmp_path / 'b.csv'} line 5, column 'age': 'abc' is not a number."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,y\n1,x\n2,\n3,\n", "line 3, column 'y' is missing (2 in total)"),
        ("a,y\n1,1\n2,\n", "line 3, column 'y' is missing (1 in total)"),
        ("a,y\n1,1\n2,1e999\n3,2\n", "line 3, column 'y' is infinite"),
        ("a,y\n1,2020-01-01\n2,2020-01-02\n", "dates"),
        ("a,y\n1,\n2,\n", "'y' cannot be used: it has no values"),
        ("a,y\n" + "".join(f"{k},{k}.5\n" for k in range(30)) + "3,abc\n", "line 32, column 'y' holds 'abc'"),
        ("a,z\n1,2\n", "no column 'y'. Columns: a, z."),
        ("a,Y\n1,2\n", "Did you mean 'Y'?"),
    ],
)
def test_targets_that_cannot_be_used(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    table = read_table(tmp_path / "t.csv")

    def read() -> TargetCells:
        return read_target(
            table, "y", ColumnChooser(Summary.of(table), ReadingOptions(drop_missing_target=False), table)
        )

    assert expected in sentence(read)


def test_targets_that_cannot_be_learnt() -> None:
    assert "single class ('a')" in sentence(ClassTarget.fit, "y", np.array(["a", "a"], object))
    assert "has fractions" in sentence(ClassTarget.fit, "y", np.array([0.5, 1]))
    assert "single value (3)" in sentence(NumberTarget.fit, "y", np.array([3.0, 3.0]))
    assert "holds 'a'" in sentence(NumberTarget.fit, "y", np.array(["a", "b"], object))
    assert "'c'" in sentence(ClassTarget("y", ["a", "b"]).encode, np.array(["a", "c"], object))


def npz(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


GOOD = npy(np.zeros((2, 3)))
NPZ: list[tuple[dict[str, Any], str]] = [
    ({"a": GOOD}, "holds 'a'; it must hold an array x"),
    ({}, "holds no arrays"),
    ({"x": npy(np.array([{}, {}], object))}, "Python objects (pickle)"),
    ({"x": npy(np.zeros(3))}, "one row per sample"),
    ({"x": npy(np.zeros((0, 3)))}, "x is empty"),
    ({"x": npy(np.array([["a"]]))}, "must hold real numbers"),
    ({"x": npy(np.array([[1 + 2j]]))}, "must hold real numbers"),
    ({"x": npy(np.array([[1, 2], [3, np.nan]]))}, "1 NaN or infinite values, the first (nan) at row 1, column 1"),
    (
        {"x": npy(np.array([[1, -np.inf], [3, np.nan]]))},
        "2 NaN or infinite values, the first (-inf) at row 0, column 1, counted from 0",
    ),
    ({"x": GOOD, "y": npy(np.zeros(3))}, "x has 2 rows but y has 3; samples must be rows: save x.T"),
    ({"x": GOOD, "y": npy(np.zeros((2, 1, 1)))}, "y has shape"),
    ({"x": GOOD[:-8]}, "declares shape (2, 3) of float64 (48 bytes), but holds 40 bytes"),
    ({"x": GOOD + b"12345678"}, "but holds 56 bytes"),
    ({"x": b"junk"}, "is not a valid NumPy array"),
    ({"x": GOOD[:6] + b"\x09" + GOOD[7:]}, "is not a valid NumPy array"),
    ({"x": GOOD.replace(b"(2, 3)", b"(2,-3)")}, "its shape is (2, -3)"),
    ({"x": GOOD.replace(b"(2, 3), }", b"(-2,-3),}")}, "its shape is (-2, -3)"),
    ({"x": GOOD.replace(b"(2, 3), }  ", b"(True, 6),}")}, "its shape is (True, 6)"),
    ({"x": GOOD.replace(b"(2, 3), }  ", b"(2.0, 3), }")}, "is not a valid NumPy array"),
    ({"x": GOOD.replace(b"<f8", b"|V0")}, "has dtype |V0; it must hold real numbers"),
    ({"x": GOOD.replace(b"<f8", b"<U0")}, "has dtype <U0; it must hold real numbers"),
    ({"x": GOOD.replace(b"<f8", b"|V8")}, "has dtype |V8; it must hold real numbers"),
    ({"x": GOOD.replace(b"'<f8'", b"'3f8'")}, "has dtype"),
    ({"x": GOOD.replace(b"<f8", b"<M8")}, "has dtype datetime64; it must hold real numbers"),
    ({"x": GOOD.replace(b"<f8", b"xxx")}, "is not a valid NumPy array"),
    ({"x": GOOD.replace(b"(2, 3), }", b"(2, 3)**9")}, "is not a valid NumPy array"),
    ({"x": GOOD.replace(b"(2, 3), }", b"9**99999}")}, "is not a valid NumPy array"),
    ({"x": GOOD[:8]}, "it ends within its header"),
    ({"x": GOOD[:6] + b"\x02\x00" + b"\xff\xff\xff\x7f" + GOOD[10:]}, "its header is longer than 10,000 bytes"),
]


@pytest.mark.parametrize(("members", "expected"), NPZ, ids=[expected for _, expected in NPZ])
def test_npz(tmp_path: Path, members: dict[str, Any], expected: str) -> None:
    message = sentence(read_arrays, npz(tmp_path / "d.npz", **members))
    assert message.startswith(str(tmp_path / "d.npz")) and expected in message


def test_npz_that_declares_or_unpacks_to_terabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = GOOD.replace(b"(2, 3), }" + b" " * 13, b"(10000000000000, 3), }")
    assert huge != GOOD
    assert "(240 TB), but holds 48 bytes" in sentence(read_arrays, npz(tmp_path / "d.npz", x=huge))
    monkeypatch.setattr(zip_file, "UNCHECKED_BYTES", 1 << 20)
    assert "unpacks from" in sentence(read_arrays, npz(tmp_path / "d.npz", x=npy(np.zeros((1000, 1000)))))


def test_a_npz_file_whose_list_of_contents_is_long_encrypted_or_odd(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        for index in range(4000):
            archive.writestr(f"{index:0300}.npy", b"")
    assert "its list of contents has" in sentence(read_arrays, tmp_path / "d.npz")
    with zipfile.ZipFile(tmp_path / "d.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", GOOD)
    assert "compressed in a way that NumPy does not use" in sentence(read_arrays, tmp_path / "d.npz")
    content = bytearray(npz(tmp_path / "d.npz", x=GOOD).read_bytes())
    for start in (6, content.find(b"PK\x01\x02") + 8):
        content[start] |= 1
    (tmp_path / "d.npz").write_bytes(content)
    assert "is encrypted" in sentence(read_arrays, tmp_path / "d.npz")


def test_npy(tmp_path: Path) -> None:
    """A .npy file holds x; what its header says is checked against its size."""
    for x in (np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3))):
        np.save(tmp_path / "x.npy", x)
        arrays = read_arrays(tmp_path / "x.npy")
        assert arrays.y is None and np.array_equal(arrays.x, x) and arrays.x.dtype == x.dtype
    (tmp_path / "x.npy").write_bytes(GOOD.replace(b"(2, 3), }" + b" " * 11, b"(10000000000000,), }"))
    message = sentence(read_arrays, tmp_path / "x.npy")
    assert message == (
        f"{tmp_path / 'x.npy'} declares shape (10000000000000,) of float64 (80 TB), but holds 48 bytes; save it again."
    )
    np.save(tmp_path / "x.npy", np.array([[{}]], object), allow_pickle=True)
    assert "holds Python objects (pickle), which are refused" in sentence(read_arrays, tmp_path / "x.npy")
    assert "a table is needed here" in sentence(read_table, tmp_path / "x.npy")


@pytest.mark.parametrize("offset", range(0, 300, 3))
def test_npz_with_a_changed_byte(tmp_path: Path, offset: int) -> None:
    content = bytearray(npz(tmp_path / "d.npz", x=GOOD).read_bytes())
    content[offset % len(content)] ^= 0x55
    (tmp_path / "d.npz").write_bytes(content)
    try:
        read_arrays(tmp_path / "d.npz")
    except DataError as error:
        assert str(tmp_path) in str(error)


def idx(*sizes: int, data: bytes | None = None, kind: int = 8) -> bytes:
    head = struct.pack(">HBB", 0, kind, len(sizes)) + struct.pack(f">{len(sizes)}I", *sizes)
    return head + (bytes(int(np.prod(sizes))) if data is None else data)


IDX: list[tuple[dict[str, bytes], str]] = [
    ({"train-images-idx3-ubyte": idx(2, 3, 3)}, "has train-images but no train-labels"),
    ({"train-images-idx3-ubyte": idx(2, 3, 3), "train-labels-idx1-ubyte": idx(3)}, "2 images, but"),
    ({"train-images-idx3-ubyte": idx(0, 3, 3), "train-labels-idx1-ubyte": idx(0)}, "no images"),
    ({"train-images-idx3-ubyte": idx(2, 3, 3, data=b"12"), "train-labels-idx1-ubyte": idx(2)}, "18 bytes"),
    ({"train-images-idx3-ubyte": idx(2, 3, 3) + b"1", "train-labels-idx1-ubyte": idx(2)}, "holds more"),
    ({"train-images-idx3-ubyte": idx(2**32 - 1, 2**32 - 1, 3, data=b""), "train-labels-idx1-ubyte": idx(2)}, "damaged"),
    (
        {"train-images-idx3-ubyte": idx(2, 3, 3, kind=13), "train-labels-idx1-ubyte": idx(2)},
        "is not an IDX file of bytes",
    ),
    ({"train-images-idx3-ubyte": b"", "train-labels-idx1-ubyte": idx(2)}, "is not an IDX file"),
    ({"train-images-idx3-ubyte": b"\0\0\x08\x03\0\0", "train-labels-idx1-ubyte": idx(2)}, "damaged"),
    ({"train-images-idx3-ubyte": idx(2), "train-labels-idx1-ubyte": idx(2)}, "2 or more dimensions"),
    ({"train-images-idx3-ubyte.gz": b"\x1f\x8bxxxxxxx", "train-labels-idx1-ubyte": idx(2)}, "damaged"),
    (
        {
            **{"train-images-idx3-ubyte": idx(2, 3, 3), "train-labels-idx1-ubyte": idx(2)},
            **{"t10k-images-idx3-ubyte": idx(2, 4, 3), "t10k-labels-idx1-ubyte": idx(2)},
        },
        "the shapes of the images differ",
    ),
]


@pytest.mark.parametrize(("files", "expected"), IDX, ids=[expected for _, expected in IDX])
def test_idx(tmp_path: Path, files: dict[str, bytes], expected: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    message = sentence(read_arrays, tmp_path)
    assert message.startswith(str(tmp_path)) and expected in message


@pytest.mark.parametrize(
    "change",
    [
        {"preparation": None},
        {"preparation": {"kind": "other"}},
        {"preparation": {"kind": "table", "columns": [{"kind": "number", "name": 3}]}},
        {"preparation": {"kind": "table", "columns": [{"kind": "category", "name": "a", "levels": [1]}]}},
        {"preparation": {"kind": "arrays", "mean": [0, 0], "scale": [1], "width": 2}},
        {"preparation": {"kind": "arrays", "mean": ["0"], "scale": [1], "width": 2}},
        {"target": {"kind": "classification", "name": "y", "classes": ["a"]}},
        {"target": {"kind": "classification", "name": "y", "classes": ["a", 1]}},
        {"target": {"kind": "classification", "name": "y", "classes": [[], []]}},
        {"target": {"kind": "regression", "name": "y", "mean": [0.0], "scale": [0.0]}},
        {"target": {}},
    ],
)
def test_an_invalid_preparation(change: dict[str, Any]) -> None:
    good = {
        "preparation": {"kind": "arrays", "mean": [0.0], "scale": [1.0], "width": 2},
        "target": {"kind": "regression", "name": "y", "mean": [0.0], "scale": [1.0]},
    }
    from_json(good, "m")
    with pytest.raises(ModelFileError, match=r"^m is damaged: its columns are invalid"):
        from_json(good | change, "m")
    with pytest.raises(ModelFileError, match="glassnet train"):
        from_json(None, "m")
