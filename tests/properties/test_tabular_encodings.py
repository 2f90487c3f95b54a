"""The tabular encodings: bounded inputs whatever a later file holds, zeros for what is unknown, the same from blocks.

Plain definitions, computed cell by cell in Python, are the oracle of the vectorised ones.
"""

from __future__ import annotations

import json
import math
import statistics as python_statistics
import time
from collections.abc import Mapping
from datetime import date, datetime
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.data.choice import ColumnChooser
from glassnet.data.date_spelling import DateSpelling, typed_days
from glassnet.data.encodings import PLAIN_ENCODINGS
from glassnet.data.number_block import NumberBlock
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.readings import CategoryReading, NumberReading
from glassnet.data.robust_number import FULL, RobustNumber
from glassnet.data.row import RowPreparation, _days
from glassnet.data.statistics import NumberStatistics
from glassnet.data.stored import from_json
from glassnet.data.summary import Summary
from glassnet.data.table import Table
from glassnet.data.tabular_encodings import (
    MAX_CODES,
    LevelCodes,
    fit_levels,
    tabular_encodings,
)
from glassnet.data.target import NumberTarget
from glassnet.errors import ModelFileError

Array = np.ndarray[Any, Any]
ROWS = 240
TABULAR_ENCODINGS, EMBEDDED_ENCODINGS = tabular_encodings(), tabular_encodings(8)
RNG = np.random.default_rng(5)
SETS = {
    "plain": PLAIN_ENCODINGS,
    "one-hot": TABULAR_ENCODINGS,
    "codes": EMBEDDED_ENCODINGS,
}
COLUMNS: dict[str, Any] = {
    "size": RNG.normal(size=ROWS) * 1e3,
    "gaps": [None if k % 7 == 0 else float(k % 30) for k in range(ROWS)],
    "text": [f"{v:.3f}" for v in RNG.normal(size=ROWS)],
    "counts": RNG.integers(0, 3, ROWS),
    "sex": [None if k % 11 == 0 else ("m", "f")[k % 3 == 0] for k in range(ROWS)],
    "town": [None if k % 13 == 0 else f"t{k * k % 23}" for k in range(ROWS)],
    "colour": [("red", "green", "blue")[k % 3] for k in range(ROWS)],
    "flag": [(True, False)[k % 2] for k in range(ROWS)],
    "when": [datetime(2020 + k % 3, k % 12 + 1, k % 28 + 1, k % 24, k % 60) for k in range(ROWS)],
    "iso": [None if k % 17 == 0 else f"20{k % 20:02}-{k % 12 + 1:02}-{k % 28 + 1:02}" for k in range(ROWS)],
}
FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)
CELLS = st.one_of(FINITE, st.integers(-3, 3).map(float), st.just(math.nan))


def table_of(columns: Mapping[str, Any], rows: slice = slice(None)) -> Table:
    return Table("t", pa.table({name: pa.array(list(cells)[rows]) for name, cells in columns.items()}))


TABLE = table_of(COLUMNS)
CHOOSER = ColumnChooser(Summary.of(TABLE), None, TABLE)


def fitted(encodings: Any, columns: Mapping[str, Any] = COLUMNS) -> TablePreparation:
    table, chooser = (TABLE, CHOOSER) if columns is COLUMNS else (table_of(columns), None)
    return TablePreparation.fit(table, "", np.arange(ROWS), chooser, encodings)


def encoded(encoding: Any, values: Any) -> Array:
    out = np.full((len(values), len(encoding.features("x"))), np.nan, np.float32)
    encoding.encode_into(np.asarray(values), out, str)
    return out


# ---- numbers


def plain_robust(training: list[float], value: float) -> float:
    """The definition, in Python's own arithmetic."""
    known = sorted(cell for cell in training if not math.isnan(cell))
    if math.isnan(value) or known[0] == known[-1]:
        return 0.0
    low, median, high = python_statistics.quantiles(known, n=4, method="inclusive")
    scale = 1 / (high - low) if high > low else 2 / (known[-1] - known[0])
    scaled = (value - median) * scale
    return scaled / math.sqrt(1 + (scaled / 3) ** 2)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40), st.lists(st.floats(-1e9, 1e9), max_size=5))
def test_numbers_follow_the_definition(training: list[float], later: list[float]) -> None:
    training = [round(value, 3) for value in training]
    encoding = RobustNumber.fit(NumberStatistics.of(np.array(training)), NumberReading())
    values = np.array([*training, *later, math.nan])
    expected = [plain_robust(training, value) for value in values]
    np.testing.assert_allclose(encoded(encoding, values)[:, 0], expected, rtol=3e-6, atol=3e-6)


@given(st.lists(CELLS, min_size=1, max_size=60), st.lists(CELLS, min_size=1, max_size=20))
def test_inputs_are_bounded_ordered_and_zero_where_missing(training: list[float], later: list[float]) -> None:
    """All float64 numbers, also in training: nothing overflows (NumPy raises under test), nothing is NaN."""
    statistics = NumberStatistics.of(np.array(training))
    encoding = RobustNumber.fit(statistics, None)
    values = np.sort(np.array(later + training))
    x = encoded(encoding, values)
    missing = np.isnan(values)
    assert np.isfinite(x).all() and np.abs(x).max() <= 3
    assert (x[missing, 0] == 0).all() and (np.diff(x[~missing], axis=0) >= 0).all()
    if statistics.missing:
        np.testing.assert_array_equal(x[:, -1], missing * np.float32(FULL))
        assert encoding.features("x")[-1] == "x is missing"


def test_a_range_beyond_what_float64_can_subtract_is_scaled() -> None:
    shares = np.linspace(-1, 1, 101)
    expected = [plain_robust(shares.tolist(), share) for share in shares.tolist()]
    for size in (np.finfo(float).max, 1e200, 1e-200, 1e-290):
        x = encoded(RobustNumber.fit(NumberStatistics.of(shares * size), None), shares * size)
        np.testing.assert_allclose(x[:, 0], expected, rtol=1e-6, atol=1e-7)


def test_equal_quartiles_fall_back_to_the_range_and_constants_are_zero() -> None:
    rare = np.array([0.0] * 9 + [4.0])
    encoding = RobustNumber.fit(NumberStatistics.of(rare), None)
    assert encoding.scale == 0.5 and encoded(encoding, rare)[-1, 0] == np.float32(FULL)
    constant = RobustNumber.fit(NumberStatistics.of(np.full(5, 7.0)), None)
    assert not encoded(constant, np.array([7.0, 8.0, 1e308])).any()
    empty = RobustNumber.fit(NumberStatistics.of(np.full(5, np.nan)), None)
    np.testing.assert_array_equal(encoded(empty, np.array([3.0, np.nan])), np.float32([[0, 0], [0, FULL]]))


def test_cells_missing_only_later_count_as_the_median_and_are_reported() -> None:
    preparation = fitted(TABULAR_ENCODINGS, {"size": np.arange(ROWS) * 1.5, "other": COLUMNS["size"]})
    x, (note,) = preparation.prepare(table_of({"size": [None, 179.25], "other": [1.0, 2.0]}))
    assert x[0, 0] == x[1, 0] == 0
    assert note.startswith("size: 1 of 2 cells are missing, none was in training; they count as the median ")
    assert note.endswith("179.25")


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=30), st.booleans())
def test_a_block_of_numbers_has_the_bits_of_its_columns(rows: list[Any], apart: bool) -> None:
    values = np.array(rows)
    encodings: list[Any] = [RobustNumber.fit(NumberStatistics.of(column), None) for column in values.T]
    widths = [len(encoding.features("x")) for encoding in encodings]
    starts = np.cumsum([0, *widths[:-1]]) + np.arange(len(widths)) * apart
    block = NumberBlock(encodings, starts.tolist())
    out = np.zeros((len(values), int(starts[-1] + widths[-1])), np.float32)
    block.encode_into(values, out)
    for encoding, start, width, column in zip(encodings, starts, widths, values.T, strict=True):
        np.testing.assert_array_equal(out[:, start : start + width], encoded(encoding, column))


# ---- levels


def test_two_levels_are_a_sign_and_unknown_ones_zero() -> None:
    preparation = fitted(TABULAR_ENCODINGS, {"sex": COLUMNS["sex"], "flag": COLUMNS["flag"]})
    assert preparation.features == ["sex = m", "flag = true"] and preparation.input_kinds == ["binary", "binary"]
    later = table_of({"sex": ["m", "f", None, "x"], "flag": [True, False, None, None]})
    np.testing.assert_array_equal(preparation.transform(later), [[1, 1], [-1, -1], [0, 0], [0, 0]])


def test_several_levels_are_one_hot_and_unknown_ones_zero() -> None:
    preparation = fitted(TABULAR_ENCODINGS, {"colour": COLUMNS["colour"]})
    later = table_of({"colour": ["blue", "red", None, "grey"]})
    assert preparation.features == ["colour = blue", "colour = green", "colour = red"]
    expected = np.float32([[FULL, 0, 0], [0, 0, FULL], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(preparation.transform(later), expected)
    assert preparation.input_kinds == ["level"] * 3 and preparation.code_counts == {}


def test_many_levels_become_codes_and_unknown_ones_zero() -> None:
    preparation = fitted(EMBEDDED_ENCODINGS, {"size": COLUMNS["size"], "town": COLUMNS["town"]})
    levels = preparation.columns[1].encoding.to_json()["levels"]
    assert preparation.input_kinds == ["number", "code"] and preparation.code_counts == {1: len(levels) + 1}
    later = table_of({"size": [0.0] * (len(levels) + 2), "town": [*levels, None, "elsewhere"]})
    assert preparation.transform(later)[:, 1].tolist() == [*range(1, len(levels) + 1), 0, 0]


def test_only_the_most_frequent_levels_have_codes() -> None:
    names = [f"t{k}" for k in range(MAX_CODES + 5)]
    counts = np.array([1, 1, 1, 1, 1, *range(2, MAX_CODES + 2)])
    encoding = fit_levels(counts, CategoryReading(names), max_one_hot=8)
    assert isinstance(encoding, LevelCodes) and encoding.codes == list(range(5, MAX_CODES + 5))
    assert encoded(encoding, [0, 4, 5, MAX_CODES + 4, -1, -2]).ravel().tolist() == [0, 0, 1, MAX_CODES, 0, 0]


def test_a_note_says_where_levels_are_too_many() -> None:
    def note(count: int, encodings: Any) -> str:
        digits_as_letters = str.maketrans("0123456789", "abcdefghij")  # digits would look like identifiers
        table = table_of({"town": [str(k % count).translate(digits_as_letters) for k in range(2 * count)]})
        return "; ".join(TablePreparation.fit(table, "", np.arange(table.rows), encodings=encodings).notes)

    assert note(100, TABULAR_ENCODINGS) == note(101, EMBEDDED_ENCODINGS) == note(MAX_CODES, EMBEDDED_ENCODINGS) == ""
    assert note(101, TABULAR_ENCODINGS) == "town: 101 levels, the 100 most frequent become inputs"
    assert (
        note(MAX_CODES + 1, EMBEDDED_ENCODINGS) == "town: more than 2,000 levels, the 2,000 most frequent are embedded"
    )


@given(st.lists(st.integers(0, 4), min_size=4, max_size=14), st.sampled_from([None, 2, 8]))
def test_levels_that_training_lacks_are_zeros(counts: list[int], max_one_hot: int | None) -> None:
    """Every code of the reading, also one above all that were seen."""
    reading = CategoryReading([f"t{k}" for k in range(len(counts))])
    encoding = fit_levels(np.array(counts), reading, max_one_hot=max_one_hot)
    x = encoded(encoding, np.arange(-2, len(counts)))
    assert ((x != 0).any(axis=1) == [False, False, *(count > 0 for count in counts)]).all()
    known = x[[False, False, *(count > 0 for count in counts)]]
    assert len(np.unique(known, axis=0)) == len(known)


# ---- dates


def test_dates_far_outside_the_training_range_stay_bounded() -> None:
    columns = {"when": COLUMNS["when"], "size": COLUMNS["size"]}
    preparation = fitted(TABULAR_ENCODINGS, columns)
    later = table_of({"when": [datetime(2023, 5, 1), datetime(2200, 1, 1), datetime(1, 1, 1)], "size": [0.0] * 3})
    x = preparation.transform(later)
    names = [preparation.features.index(f"when {part}") for part in ("days", "year")]
    assert preparation.input_kinds[:2] == ["number", "number"] and np.abs(x).max() <= 3
    assert 0.5 < x[0, names[0]] < 2 and (x[1, names] > 2.9).all() and (x[2, names] < -2.9).all()
    assert np.abs(fitted(PLAIN_ENCODINGS, columns).transform(later)).max() > 100


# ---- all of them


@pytest.mark.parametrize("name", SETS)
def test_kinds_and_names_belong_to_the_inputs(name: str) -> None:
    preparation = fitted(SETS[name])
    x = preparation.transform(TABLE)
    kinds = np.array(preparation.input_kinds)
    assert x.shape[1] == preparation.width == len(preparation.features) == len(kinds)
    assert len(set(preparation.features)) == len(kinds)
    assert [feature.endswith("is missing") for feature in preparation.features] == (kinds == "indicator").tolist()
    assert name == "plain" or np.unique(x[:, kinds == "binary"]).tolist() == [-1, 0, 1]
    assert set(preparation.code_counts) == set(np.flatnonzero(kinds == "code").tolist())
    if name != "plain":
        assert np.abs(x[:, kinds != "code"]).max() <= 3


@pytest.mark.parametrize("cuts", [[1], [120], [1, 8, 239], [7, 100, 101]], ids=str)
def test_blocks_of_rows_give_what_the_whole_gives(cuts: list[int]) -> None:
    edges = [0, *cuts, ROWS]
    parts = [Summary.of(table_of(COLUMNS, slice(*edge)), edge[0]) for edge in pairwise(edges)]
    summary = reduce(Summary.merge, parts)
    for name, encodings in SETS.items():
        of_blocks, whole = TablePreparation.from_summary(summary, "", encodings=encodings), fitted(encodings)
        assert of_blocks.features == whole.features
        if name != "plain":  # sums of blocks are rounded differently, quantiles are not
            assert of_blocks == whole
        np.testing.assert_allclose(of_blocks.transform(TABLE), whole.transform(TABLE), atol=1e-5)


@pytest.mark.parametrize("name", SETS)
def test_a_preparation_survives_json(name: str) -> None:
    preparation, table = fitted(SETS[name]), TABLE
    loaded, _ = from_json(json.loads(json.dumps(document_of(preparation))), "m")
    assert loaded == preparation
    np.testing.assert_array_equal(loaded.transform(table), preparation.transform(table))  # type: ignore[arg-type,call-arg]


@pytest.mark.parametrize("name", SETS)
def test_single_rows_have_the_bits_of_a_table(name: str) -> None:
    preparation, table = fitted(SETS[name]), TABLE
    rows, x = RowPreparation(preparation), preparation.transform(table)
    lists = table.data.to_pydict()
    for index in range(0, ROWS, 5):
        row = {column: cells[index] for column, cells in lists.items()}
        np.testing.assert_array_equal(rows.transform(row), x[index : index + 1])


def test_a_single_date_is_read_as_a_column_of_them() -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        parts = [int(rng.integers(*limits)) for limits in ((1000, 9999), (1, 13), (1, 29), (0, 24), (0, 60), (0, 60))]
        moment = datetime(*parts, microsecond=int(rng.integers(1_000_000)))  # type: ignore[arg-type,misc]
        assert _days(moment, "ymd") == typed_days(pa.array([moment]))[0]
        assert _days(moment.date(), "ymd") == typed_days(pa.array([moment.date()]))[0]
        for text in (
            str(moment.date()),
            f"{moment:%d.%m.%Y}",
            moment.isoformat(" ", "seconds"),
            moment.isoformat("T", "minutes"),
        ):
            assert _days(text, "dmy") == DateSpelling("dmy").parse(pa.array([text], pa.large_string()))[0][0]
    for text in ("2023-02-30", "2023-02-03 24:00", "31.01.2020", "", "0050-01-01"):
        assert _days(text, "ymd") is None
    assert math.isnan(_days(None, "ymd") or 0.0) and _days(date(1970, 1, 2), "dmy") == 1.0


def test_many_numbers_are_encoded_together() -> None:
    """2,000 columns, where a call per column takes 60 ms for a row and more for a table."""
    columns = {f"x{k}": pa.array(RNG.normal(size=50)) for k in range(2000)}
    preparation = TablePreparation.fit(Table("t", pa.table(columns)), "", np.arange(50), encodings=TABULAR_ENCODINGS)
    assert len(preparation.number_block.columns) == 2000
    rows, row = RowPreparation(preparation), {name: cells[0].as_py() for name, cells in columns.items()}
    assert cpu_seconds(lambda: rows.transform(row)) < 0.02


def test_ten_thousand_rows_of_mixed_columns_are_encoded_quickly() -> None:
    preparation = fitted(EMBEDDED_ENCODINGS)
    large = TABLE.take(np.arange(10_000) % ROWS)
    assert cpu_seconds(lambda: preparation.transform(large)) < 0.1


def cpu_seconds(run: Any) -> float:
    def once() -> float:
        start = time.thread_time()
        run()
        return time.thread_time() - start

    return min(once() for _ in range(5))


# ---- files


def document_of(preparation: TablePreparation) -> dict[str, Any]:
    return {"preparation": preparation.to_json(), "target": NumberTarget("y", [0.0], [1.0]).to_json()}


FORGED = {
    "a scale that is no number": ("robust", {"scale": "1"}),
    "an infinite median": ("robust", {"median": math.inf}),
    "no indicator": ("robust", {"indicator": None}),
    "a code without bounds": ("level_codes", {"codes": [10**12], "levels": ["a"]}),
    "a negative code": ("level_codes", {"codes": [-1], "levels": ["a"]}),
    "a code twice": ("level_codes", {"codes": [1, 1], "levels": ["a", "b"]}),
    "a code that is true": ("level_codes", {"codes": [True], "levels": ["a"]}),
    "three signs": ("signed", {"codes": [0, 1, 2], "levels": ["a", "b", "c"]}),
    "codes without levels": ("one_hot", {"levels": []}),
    "a value that is no number": ("one_hot", {"value": None}),
    "an encoding of dates": ("robust", {"kind": "robust_date_parts"}),
    "an unknown encoding": ("robust", {"kind": "unknown"}),
    "an unhashable kind": ("robust", {"kind": []}),
    "one day": ("robust_date_parts", {"days": [1.0]}),
}


@pytest.mark.parametrize("what", FORGED)
def test_forged_encodings_are_refused(what: str) -> None:
    kind, change = FORGED[what]
    document = json.loads(json.dumps(document_of(fitted(EMBEDDED_ENCODINGS))))
    column = next(item for item in document["preparation"]["columns"] if item["encoding"]["kind"] == kind)
    column["encoding"].update(change)
    with pytest.raises(ModelFileError, match="m is damaged: its columns are invalid"):
        from_json(document, "m")
