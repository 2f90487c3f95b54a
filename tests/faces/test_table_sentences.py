"""What is wrong with a file, in one sentence, by the command and in Python; the cases are those a person meets."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from glassnet.cli.app import app
from glassnet.data.arrays import read_arrays
from glassnet.data.table import read_table
from glassnet.errors import DataError

QUICK = "--hidden", "2", "--epochs", "1", "--quiet"


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


GOOD = npy(np.zeros((2, 3)))
ROWS = b"a,b,y\n" + b"".join(b"%d,%d,%d\n" % (k, k * k % 7, k % 2) for k in range(40))
NOT_READ = {
    "empty": (b"", "is empty."),
    "only a header": (b"a,b,y\n", "has a header but no rows."),
    "ragged": (b"a,b,y\n1,2,3\n4,5\n", "line 3 has 2 cells, but the header has 3; correct the line."),
    "open quote": (b'a,b,y\n1,2,3\n4,"5,6\n7,8,9\n', "the quote opened on line 3 is never closed."),
    "open quote, long file": (
        b'a,b,y\n1,2,3\n4,"5,6\n' + b"7,8,9\n" * 180_000,
        "line 3: a cell is longer than 1 MB; look for a quote that is never closed.",
    ),
    "binary": (b"\x7fELF\x02\x01\x01\0", "looks binary (NUL at byte 7); give a CSV, Parquet or .npz file."),
    "UTF-16 without a mark": (
        ROWS.decode().encode("utf-16-le"),
        "looks binary (NUL at byte 1); if it is UTF-16 text, give --encoding utf-16-le.",
    ),
    "columns": (
        b"a," * 2_000_000,
        "line 1 has 2,000,001 columns; the limit is 100,000; drop columns, or exchange rows and columns.",
    ),
    "cell": (
        b"a,b,y\n1," + b"x" * (2 << 20) + b",3\n",
        "line 2: a cell is longer than 1 MB; look for a quote that is never closed.",
    ),
    "names": (b"a,b,a,y\n1,2,3,4\n", "two columns are named 'a'; rename one."),
    "gzip": (
        gzip.compress(b"a,b,y\n" + b"1,2,0\n" * 3_000_000),
        "unpacks to more than 200 times its own size; if you trust it, unpack it (gunzip) first.",
    ),
    "80 TB": (
        GOOD.replace(b"(2, 3), }" + b" " * 11, b"(10000000000000,), }"),
        "declares shape (10000000000000,) of float64 (80 TB), but holds 48 bytes; save it again.",
    ),
    "objects": (npy(np.array([{}], object)), "holds Python objects (pickle), which are refused; save numbers or text."),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sentences")
    (folder / "t.csv").write_bytes(ROWS)
    arguments = ["train", str(folder / "t.csv"), "--target", "y", "--out", str(folder / "model"), *QUICK]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    return folder / "model"


def refusal(*arguments: Any) -> str:
    """The sentence of a refused command."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 2 and result.stderr.count("\n") == 1, result.output
    return result.stderr.removeprefix("glassnet: ").removesuffix("\n")


@pytest.mark.parametrize(("content", "expected"), NOT_READ.values(), ids=NOT_READ)
def test_a_file_that_is_not_read(model: Path, tmp_path: Path, content: bytes, expected: str) -> None:
    """Training, predicting and reading in Python give the same sentence, and leave nothing."""
    path, arrays = tmp_path / "d.csv", content.startswith(b"\x93NUMPY")  # the contents tell the format
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        (read_arrays if arrays else read_table)(path)
    message = str(caught.value)
    assert message.startswith(str(path)) and message.endswith(expected)
    target = ["--target", str(path) if arrays else "y"]  # of .npy files, the second one
    assert refusal("train", path, *target, "--out", tmp_path / "m", *QUICK) == message
    assert refusal("predict", model, path, "--out", tmp_path / "p.csv") == message
    assert [entry.name for entry in tmp_path.iterdir()] == ["d.csv"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (ROWS.replace(b"y", b"Y"), "d.csv has no column 'y'. Did you mean 'Y'? Columns: a, b, Y."),
        (ROWS + b"1e400,1,1\n", "d.csv line 42, column 'a' is infinite or too large; correct or empty the cell."),
        (ROWS + b"1,1,1e400\n", "d.csv line 42, column 'y' is infinite or too large; correct or empty the cell."),
    ],
)
def test_a_column_that_cannot_be_used(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "d.csv").write_bytes(content)
    assert refusal("train", tmp_path / "d.csv", "--target", "y", "--out", tmp_path / "m", *QUICK).endswith(expected)


def test_marks_and_decimal_commas_are_read(model: Path, tmp_path: Path) -> None:
    """A byte order mark is skipped in silence, UTF-16 and decimal commas are said."""
    for content, note in (
        (b"\xef\xbb\xbf" + ROWS, ""),
        (ROWS.decode().encode("utf-16"), "is read as UTF-16"),
        (b"a;b;y\n" + b"".join(b"%d,5;2;%d\n" % (k, k % 2) for k in range(40)), "decimal comma (0,5 is 0.5)"),
    ):
        (tmp_path / "d.csv").write_bytes(content)
        result = CliRunner().invoke(app, ["columns", str(tmp_path / "d.csv"), "--target", "y"])
        assert result.exit_code == 0 and note in result.stdout and ("Note" in result.stdout or not note)
        assert result.stdout.count("read as UTF-16") == bool("UTF" in note)


def test_a_npy_file_is_x_to_predict_from(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    np.savez(tmp_path / "d.npz", x=x, y=(x[:, 0] > 0).astype(int))
    np.save(tmp_path / "x.npy", x)
    run = CliRunner().invoke
    assert run(app, ["train", str(tmp_path / "d.npz"), "--out", str(tmp_path / "m"), *QUICK]).exit_code == 0
    for name in ("d.npz", "x.npy"):
        arguments = ["predict", str(tmp_path / "m"), str(tmp_path / name), "--out", str(tmp_path / f"{name}.csv")]
        assert run(app, arguments).exit_code == 0
    assert (tmp_path / "d.npz.csv").read_bytes() == (tmp_path / "x.npy.csv").read_bytes()
    message = refusal("train", tmp_path / "x.npy", "--out", tmp_path / "n")
    assert message.startswith("--target is missing: the .npy file of the targets of ") and "x.npy" in message
