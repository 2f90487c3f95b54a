"""What is fuzzed: each target reads a file of any bytes, and may raise nothing but a GlassnetError.

A new reader of files from outside is one more entry of TARGETS, with at least one seed in tests/corpus/NAME.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

import glassnet
from glassnet.data.arrays import read_arrays
from glassnet.data.choice import ColumnChooser
from glassnet.data.idx import read_idx
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.summary import Summary
from glassnet.data.table import read_table
from glassnet.data.target_cells import read_target
from glassnet.errors import GlassnetError

from .structure import changed_document

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
MAX_SECONDS = 5.0  # of one input of a few kilobytes; the corpus is tested for a second each
Mutation = Callable[[Path, np.random.Generator], bytes | None]


class Target(NamedTuple):
    """`read` reads a file; `tokens` are bytes that mean something in it; `mutate` changes one with its structure."""

    read: Callable[[Path], object]
    tokens: tuple[bytes, ...]
    mutate: Mutation | None = None


def learn_from(path: Path) -> None:
    """Read a table as a training does: all of its cells, and the last column as the target."""
    table = read_table(path)
    if 1 < len(table.names) <= 50:
        chooser = ColumnChooser(Summary.of(table), None, table)
        cells = read_target(table, table.names[-1], chooser)
        TablePreparation.fit(table, table.names[-1], cells.rows, chooser).transform(table)


NUMBERS = (
    b"0",
    b"-1",
    b"1e400",
    b"9999999999999999999999",
    b"NaN",
    b"1,5",
    b"-",
    b"2020-01-01",
    b"01.02.2020",
    b"true",
    b"1.000,5",
)
CSV = (
    b",",
    b";",
    b"\t",
    b"|",
    b'"',
    b'""',
    b"\r",
    b"\n",
    b"\r\n",
    b"\n\n",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\0",
    b"\xe9",
    b"\xc3\xa9",
    b"sep=;\n",
)
SHAPES = (
    b"(2, 3)",
    b"(-2, 3)",
    b"(True,)",
    b"(10000000000,)",
    b"()",
    b"<f8",
    b"|O",
    b"|V0",
    b"<U0",
    b"|b1",
    b"True",
    b"descr",
    b"PK\x05\x06",
)
OPERATORS = (b"Gemm", b"MatMul", b"Add", b"Relu", b"Softmax", b"Conv", b"transB", b"\x08\x07", b"raw_data", b"../x")
JSON = (
    b"null",
    b"-1",
    b"1e999",
    b"[]",
    b"{}",
    b'""',
    b"true",
    b"[[[[",
    b"F32",
    b"F64",
    b"U8",
    b"data_offsets",
    b"__metadata__",
    b"glassnet",
)
TARGETS = {
    "model": Target(glassnet.load, JSON, changed_document),
    "csv": Target(learn_from, CSV + NUMBERS),
    "parquet": Target(learn_from, (b"PAR1", b"\x15\x00", b"\x00\x00\x00\x00", b"\xff\xff\xff\x7f", b"\x19\x0c")),
    "arrays": Target(read_arrays, SHAPES),
    "onnx": Target(glassnet.from_onnx, OPERATORS),
    "idx": Target(read_idx, (b"\0\0\x08\x01", b"\xff\xff\xff\xff", b"\x1f\x8b\x08\x00")),
}


class SlowError(Exception):
    """A file of a few kilobytes took longer than MAX_SECONDS."""


def check(target: Target, path: Path) -> None:
    """Read a file. Raises whatever is not an error of ours, and SlowError."""
    start = time.monotonic()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            target.read(path)
    except GlassnetError as error:
        message = str(error)
        assert message.strip() and "\n" not in message, f"not one sentence: {message!r}"
    if (seconds := time.monotonic() - start) > MAX_SECONDS:
        raise SlowError(f"{seconds:.1f} s")


def seeds(name: str) -> list[Path]:
    """The files of a target's corpus."""
    return sorted(path for path in (CORPUS / name).iterdir() if path.is_file())
