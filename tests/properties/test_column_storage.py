"""How Arrow stores a column changes nothing: text, dictionaries with any entries, views, one chunk or several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.data.arrow_types import as_text, distinct_cells
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.table import Table
from glassnet.data.tabular_encodings import tabular_encodings

ROWS = 60
COLUMNS: dict[str, list[str | None]] = {
    "colour": [None if k % 7 == 0 else ("red", "green ", "blue", " red")[k % 4] for k in range(ROWS)],
    "sign": [("+", "-")[k % 3 == 0] for k in range(ROWS)],
    "flag": [None if k % 11 == 0 else ("yes", "no")[k % 2] for k in range(ROWS)],
    "dotted": [f"{k % 28 + 1:02}.{k % 12 + 1:02}.2020" for k in range(ROWS)],
    "iso": [f"{2000 + k % 9}-{k % 12 + 1}-{k % 28 + 1}" for k in range(ROWS)],
    "price": [f"{k % 9}.{100 + k % 5},{k % 7}0 €" if k % 9 else "unknown" for k in range(ROWS)],
    "weight": [f"{k % 13}.5 kg" for k in range(ROWS)],
    "gaps": [f"{k % 13}.25" if k % 6 else "?" for k in range(ROWS)],
}
UNUSED = ["violet", "31/12/2020", "12/31/2020", "maybe", "9 km"]  # none of which may be read, refused or reported


def with_dictionary(column: pa.ChunkedArray, entries: list[str]) -> pa.DictionaryArray:
    """The column with a dictionary that begins with these entries."""
    cells = column.to_pylist()
    every = [*entries, *dict.fromkeys(cell for cell in cells if cell is not None)]
    codes = pa.array([None if cell is None else every.index(cell) for cell in cells], pa.uint8())
    return pa.DictionaryArray.from_arrays(codes, pa.array(every))


def in_chunks(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in chunks with dictionaries of their own."""
    return pa.chunked_array([column.slice(a, b).combine_chunks().dictionary_encode() for a, b in ((0, 7), (7, ROWS))])


STORAGES: dict[str, Callable[[pa.ChunkedArray], Any]] = {
    "dictionary": lambda column: column.dictionary_encode(),
    "unused entries": lambda column: with_dictionary(column, UNUSED),
    "more entries than rows": lambda column: with_dictionary(column, [*UNUSED, *(f"none {k}" for k in range(ROWS))]),
    "chunks": in_chunks,
    "view": lambda column: column.cast(pa.string_view()),
    "dictionary of large text": lambda column: column.cast(pa.large_string()).dictionary_encode(),
}


@pytest.mark.parametrize("storage", STORAGES)
def test_the_inputs_and_notes_are_the_same(storage: str) -> None:
    plain = Table("t", pa.table(COLUMNS))
    preparation = TablePreparation.fit(plain, "", np.arange(30, ROWS), encodings=tabular_encodings(8))
    assert len(preparation.columns) == len(COLUMNS)
    other = plain.data.set_column(0, "colour", pa.array(["pink", *COLUMNS["colour"][1:]]))  # a level that is unseen
    stored = pa.table({name: STORAGES[storage](other.column(name)) for name in other.column_names})
    expected, prepared = preparation.prepare(Table("t", other)), preparation.prepare(Table("t", stored))
    assert prepared.x.tobytes() == expected.x.tobytes()
    assert prepared.notes == expected.notes and "'pink'" in prepared.notes[0]


@given(st.lists(st.sampled_from([None, "a", "b", " a", "", "c"]), min_size=1, max_size=12), st.integers(0, 12))
def test_distinct_cells_are_the_cells(cells: list[str | None], cut: int) -> None:
    text = pa.chunked_array([pa.array(cells[:cut], pa.string()), pa.array(cells[cut:], pa.string())])
    entries = [entry for entry in ("z", "b", "y") if entry not in cells]
    for column in (text, text.dictionary_encode(), pa.chunked_array([with_dictionary(text, entries)])):
        texts, indices = distinct_cells(column)
        assert [None if index < 0 else texts[index].as_py() for index in indices.tolist()] == as_text(text).to_pylist()
        assert sorted(texts.to_pylist()) == sorted(set(cells) - {None})
