"""Summaries merge over blocks of rows; preparations survive JSON and old files; DataFrames read as files do."""

from __future__ import annotations

import json
import time
from datetime import date, datetime
from datetime import time as clock
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet import MLPClassifier
from glassnet.data import statistics
from glassnet.data.choice import ColumnChooser
from glassnet.data.options import ReadingOptions
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.readings import BooleanReading, CategoryReading, NumberReading
from glassnet.data.row import RowPreparation
from glassnet.data.running_summary import RunningSummary
from glassnet.data.statistics import Levels, NumberStatistics
from glassnet.data.stored import from_json
from glassnet.data.summary import ColumnSummary, Summary
from glassnet.data.table import Table
from glassnet.data.target import NumberTarget
from glassnet.errors import DataError

ROWS = 200
RNG = np.random.default_rng(0)
TEXTS: dict[str, list[str | None]] = {
    "plain": [f"{v:.4f}" for v in RNG.normal(size=ROWS)],
    "gaps": [None if k % 7 == 0 else str(k % 5) for k in range(ROWS)],
    "comma": [f"{v:.3f}".replace(".", ",") for v in RNG.normal(size=ROWS)],
    "word": [f"{v:.4f}" if k % 50 else "?" for k, v in enumerate(RNG.normal(size=ROWS))],
    "town": [f"t{k * k % 11}" for k in range(ROWS)],
    "flag": [("yes", "no")[k % 3 == 0] for k in range(ROWS)],
    "when": [f"{k % 28 + 1:02}.{k % 12 + 1:02}.20{k % 20:02}" for k in range(ROWS)],
    "code": [f"{k % 6:03}" for k in range(ROWS)],
    "counter": [str(k) for k in range(ROWS)],
    "constant": ["x"] * ROWS,
    "empty": [None] * ROWS,
}


def table_of(columns: dict[str, Any], rows: slice = slice(None)) -> Table:
    return Table("t", pa.table({name: pa.array(cells[rows]) for name, cells in columns.items()}))


def blocks(columns: dict[str, Any], cuts: list[int]) -> Summary:
    """The merged summaries of blocks of rows."""
    edges = [0, *cuts, ROWS]
    parts = [Summary.of(table_of(columns, slice(*edge)), edge[0]) for edge in pairwise(edges)]
    merged = parts[0]
    for part in parts[1:]:
        merged = merged.merge(part)
    return merged


# ---- blocks of rows


@pytest.mark.parametrize("cuts", [[], [50], [1, 100, 199], [7 * k for k in range(1, 28)]])
def test_a_preparation_from_merged_blocks_is_that_of_the_whole_table(cuts: list[int]) -> None:
    table = table_of(TEXTS)
    whole = TablePreparation.fit(table, "", np.arange(ROWS))
    merged = TablePreparation.from_summary(blocks(TEXTS, cuts), "")
    assert merged.features == whole.features and merged.left_out == whole.left_out
    assert [column.reading for column in merged.columns] == [column.reading for column in whole.columns]
    np.testing.assert_allclose(merged.transform(table), whole.transform(table), rtol=1e-5, atol=1e-5)
    values = whole.values(table)
    assert list(values) == [column.name for column in whole.columns] and values["code"].tolist() == [
        k % 6 for k in range(ROWS)
    ]
    assert set(whole.left_out) == {"counter", "constant", "empty"}


def one_by_one(columns: dict[str, Any], cuts: list[int]) -> dict[str, ColumnSummary]:
    """The summaries of each column on its own, merged block by block in bounded memory."""
    result: dict[str, ColumnSummary] = {}
    for first, last in pairwise([0, *cuts, ROWS]):
        table = table_of(columns, slice(first, last))
        for name in table.names:
            new = ColumnSummary.of(name, table, first, many=name in result and result[name].has_many)
            new = new.limited(ROWS, ROWS)
            result[name] = result[name].merge(new).limited(ROWS, ROWS) if name in result else new
    return result


def running(columns: dict[str, Any], cuts: list[int]) -> Summary:
    """The summary of blocks of rows that are added one after another."""
    summary = RunningSummary()
    for edge in pairwise([0, *cuts, ROWS]):
        summary.add(table_of(columns, slice(*edge)))
    result = summary.result()
    assert result is not None
    return result


LATE: dict[str, list[Any]] = {  # plain numbers at first, and something else in a later block
    "word": [f"{k}.5" for k in range(ROWS - 1)] + ["?"],
    "gap": [f"{k}.25" for k in range(ROWS - 1)] + [None],
    "blank": [f"{k}.25" for k in range(ROWS - 1)] + [""],
    "code": [str(k) for k in range(ROWS - 1)] + ["007"],
    "long": [str(k) for k in range(ROWS - 1)] + ["1234567890123456"],
    "nan": [f"{k}.25" for k in range(ROWS - 1)] + ["nan"],
    "inf": [*RNG.normal(size=ROWS - 1), np.inf],
    "whole": [str(k * k % 1_009) for k in range(ROWS - 1)] + ["1.125"],
    "grouped": [f"{k + 1}.125" for k in range(ROWS)],
    "rising": [float(k) for k in range(ROWS)],
    "huge": [1e308 * (-1) ** k for k in range(ROWS)],
    "digits": [str(k % 10) for k in range(ROWS)],
    "integers": [k % 10 for k in range(ROWS)],
    "halves": [k % 10 / 2 for k in range(ROWS)],
    "typed": list(RNG.normal(size=ROWS)),
}


@pytest.mark.parametrize("cuts", [[], [50], [10, 100, 199], [7 * k for k in range(1, 28)]])
def test_blocks_that_are_added_hold_what_merged_ones_do(cuts: list[int]) -> None:
    columns = TEXTS | {f"late {name}": cells for name, cells in LATE.items()}
    merged, added = one_by_one(columns, cuts), running(columns, cuts)
    assert list(added.columns) == list(merged) and added.rows == ROWS
    for name, ours in added.columns.items():
        theirs = merged[name]
        for field in ("kind", "rows", "missing", "levels", "trimmed", "codes", "point", "type_name", "declared"):
            assert getattr(ours, field) == getattr(theirs, field), (name, field)
        for field, value in vars(theirs.numbers).items():
            np.testing.assert_allclose(getattr(ours.numbers, field), value, 1e-12, 1e-9, err_msg=f"{name}, {field}")


def test_columns_of_plain_numbers_are_summarised_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {f"c{k}": [f"{v:.4f}" for v in RNG.normal(size=ROWS)] for k in range(30)}
    of, calls = ColumnSummary.of.__func__, []  # type: ignore[attr-defined]
    monkeypatch.setattr(
        ColumnSummary, "of", classmethod(lambda *args, **kw: (calls.append(args[1]), of(*args, **kw))[1])
    )
    running(columns | {"town": TEXTS["town"]}, [50, 100, 150])
    assert len(calls) == 31 + 3  # a call per column in the first block, then those for "town"


def test_a_block_of_numbers_and_one_with_a_word_are_one_column() -> None:
    values = RNG.normal(size=ROWS)
    cells: list[Any] = [f"{v:.6f}" for v in values]
    cells[150] = "unknown"
    merged = blocks({"x": cells}, [100])
    reading = ColumnChooser(merged).choose("x").reading
    assert isinstance(reading, NumberReading)
    statistics = merged.columns["x"].numbers
    assert statistics.count == ROWS - 1
    known = np.delete(values, 150)
    assert statistics.mean * statistics.size == pytest.approx(known.mean(), abs=1e-6)


CELLS = st.lists(st.integers(-(10**8), 10**8).map(lambda k: k / 1000) | st.none(), min_size=1, max_size=40)


@given(
    CELLS,
    CELLS,
    st.sampled_from([1.0, 1e-200, 1e200]),
)
def test_number_statistics_merge(first: list[float | None], second: list[float | None], size: float) -> None:
    one, two = (np.array([np.nan if v is None else v * size for v in values]) for values in (first, second))
    merged = NumberStatistics.of(one).merge(NumberStatistics.of(two, len(one)))
    whole = NumberStatistics.of(np.append(one, two))
    assert (merged.count, merged.missing, merged.whole) == (whole.count, whole.missing, whole.whole)
    if whole.count:
        assert merged.consecutive == whole.consecutive
        assert (merged.low, merged.high, merged.median) == (whole.low, whole.high, whole.median)
        scale = max(abs(whole.low), abs(whole.high)) or 1.0
        assert merged.mean * merged.size / scale == pytest.approx(whole.mean * whole.size / scale, abs=1e-12)
        deviation = np.sqrt([s.squares / s.count for s in (merged, whole)]) * [merged.size, whole.size] / scale
        assert deviation[0] == pytest.approx(deviation[1], abs=1e-7)


def test_the_sample_of_many_rows_is_the_same_for_any_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MAX_SAMPLE", 500)
    values = RNG.normal(size=20_000)
    whole = NumberStatistics.of(values)
    merged = NumberStatistics.of(values[:3000]).merge(NumberStatistics.of(values[3000:], 3000))
    np.testing.assert_array_equal(merged.sample, whole.sample)
    assert len(whole.sample) == 500 and abs(whole.median - np.median(values)) < 0.15
    assert abs(whole.quantiles(0.9) - 1.28) < 0.2


def test_levels_keep_the_most_frequent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MAX_LEVELS", 3)
    first, second = Levels.of(pa.array(list("aaabbcd"))), Levels.of(pa.array(list("aabbbe")))
    merged = first.merge(second)
    assert merged.counts == {"a": 5, "b": 5, "c": 1} and merged.other == 2 and merged.total == 13


def test_blocks_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(DataError, match="holds text in one part and int64 in another"):
        Summary.of(table_of({"x": ["a"]})).merge(Summary.of(table_of({"x": [1]})))
    with pytest.raises(DataError, match="has other columns than t"):
        Summary.of(table_of({"x": ["a"]})).merge(Summary.of(table_of({"z": ["a"]})))
    assert Summary.of(table_of({"x": [None]})).merge(Summary.of(table_of({"x": [1.0, 2.0]}))).columns["x"].rows == 3


# ---- JSON


def test_a_preparation_survives_json() -> None:
    table = table_of(TEXTS)
    fitted = TablePreparation.fit(table, "", np.arange(ROWS))
    document = {"preparation": fitted.to_json(), "target": NumberTarget("y", [0.0], [1.0], NumberReading()).to_json()}
    loaded, target = from_json(json.loads(json.dumps(document)), "m")
    assert loaded == fitted and target.reading == NumberReading()
    np.testing.assert_array_equal(loaded.transform(table), fitted.transform(table))  # type: ignore[arg-type,call-arg]


def test_files_of_version_0_1_still_open() -> None:
    columns = [
        {"kind": "number", "name": "n", "median": 2.0, "mean": 1.0, "scale": 0.5, "indicator": True},
        {"kind": "category", "name": "c", "levels": [" a", "b"], "boolean": False},
        {"kind": "category", "name": "f", "levels": ["false", "true"], "boolean": True},
    ]
    target = {"kind": "regression", "name": "y", "mean": [0.0], "scale": [1.0]}
    loaded, _ = from_json({"preparation": {"kind": "table", "columns": columns}, "target": target}, "m")
    table = table_of({"n": ["3", None, "1"], "c": [" a", "b", "a"], "f": ["true", "FALSE", None]})
    expected = [[1, 0, 1, 0, 0, 1], [0.5, 1, 0, 1, 1, 0], [0, 0, 0, 0, 0, 0]]
    np.testing.assert_array_equal(loaded.transform(table), expected)  # type: ignore[arg-type,call-arg]


# ---- DataFrames


FRAMES: dict[str, Any] = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
}
TYPED = {
    "n": [1.5, None, 3.0, 4.0],
    "i": [3, 1, 2, 9],
    "b": [True, False, None, True],
    "s": ["u", "v", None, "u"],
    "d": [date(2020, 1, 1), date(2020, 3, 1), None, date(2021, 1, 1)],
    "t": [datetime(2020, 1, 1, 12), datetime(2020, 3, 1), None, datetime(2021, 1, 1)],
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_of_every_library_give_the_same_inputs(kind: str) -> None:
    reference = Table("t", pa.table(TYPED))
    fitted = TablePreparation.fit(reference, "", np.arange(4))
    table = Table.from_frame(FRAMES[kind](TYPED))
    np.testing.assert_array_equal(fitted.transform(table), fitted.transform(reference))
    assert TablePreparation.fit(table, "", np.arange(4)).features == fitted.features
    assert [column.reading.kind for column in fitted.columns] == ["number"] * 2 + [
        "boolean",
        "category",
        "date",
        "date",
    ]


def test_names_of_any_type() -> None:
    frame = pd.DataFrame({0: [1, 2, 3], 1.5: ["a", "b", "a"], ("x", 1): [0.1, 0.2, 0.4], "y": [1, 0, 1]})
    table = Table.from_frame(frame)
    assert table.names == ["0", "1.5", "x, 1", "y"]
    chooser = ColumnChooser(Summary.of(table), ReadingOptions(drop=[0], category=[("x", 1)]), table)
    assert chooser.choose("0").reading is None and isinstance(chooser.choose("x, 1").reading, CategoryReading)


def test_categories_mixed_cells_and_other_types_of_pandas() -> None:
    frame = pd.DataFrame(
        {
            "category": pd.Categorical(["u", "v", "u", None]),
            "mixed": [1, "x", None, 2.5],
            "numbers": pd.array([1, None, 2, 3], "Int64"),
            "period": pd.to_timedelta([1, 2, 3, 4], "h"),
            "time": [clock(12), clock(6), None, clock(0)],
            "list": [[1], [2], [3], [4]],
            "zoned": pd.to_datetime(["2020-01-01T00:00+01:00"] * 3 + ["2020-05-01T00:00+01:00"], utc=True),
        }
    )
    fitted = TablePreparation.fit(Table.from_frame(frame), "", np.arange(4))
    kinds = {column.name: column.reading.kind for column in fitted.columns}
    assert kinds == {
        **{"category": "category", "mixed": "category", "numbers": "number", "period": "number"},
        **{"time": "date", "zoned": "date"},
    }
    assert "has type list" in fitted.left_out["list"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns are named 'a'"),
        (pd.DataFrame([[1, 2]], columns=[0, "0"]), "two columns are named '0'"),
        (pd.DataFrame({"a": []}), "has no rows"),
        ([[1, 2]], "is a list, not a DataFrame"),
        (np.zeros((2, 2)), "is a ndarray, not a DataFrame"),
    ],
)
def test_frames_that_cannot_be_used(frame: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        Table.from_frame(frame)
    assert message in str(caught.value)


def test_many_levels() -> None:
    table = Table("t", pa.table({"x": [f"u{k * k % 40_000}" for k in range(80_000)]}))
    fitted = TablePreparation.fit(table, "", np.arange(80_000))
    (column,) = fitted.columns
    assert isinstance(column.reading, CategoryReading) and not column.reading.complete
    assert len(column.reading.levels) == 2_000 and len(column.features) == 100
    assert fitted.prepare(table).notes == []  # rare levels were seen, although they are not listed


def test_booleans_of_all_types_have_the_same_codes() -> None:
    reading = BooleanReading()
    for cells in ([True, None, False], [1, None, 0], [1.0, None, 0.0], ["yes", "NA", "no"], ["T", "", "F"]):
        assert reading.values(table_of({"x": cells}), "x").tolist() == [1, -1, 0]


def test_reading_is_linear_in_the_number_of_columns() -> None:
    def seconds(columns: int) -> float:
        table = Table("t", pa.table({f"c{k}": pa.array(["1.5", "2.5", "3.5"]) for k in range(columns)}))
        begin = time.process_time()
        fitted = TablePreparation.fit(table, "c0", np.arange(3))
        fitted.transform(table)
        return time.process_time() - begin

    seconds(50)
    assert min(seconds(1200) for _ in range(2)) < 9 * min(
        seconds(300) for _ in range(3)
    )  # 4 times as many columns; 16 where each looks through all names


@pytest.mark.parametrize("name", [0, 1.5, ("a", 1)])
def test_an_estimator_names_a_column_of_text_by_any_name(name: Any) -> None:
    frame = pd.DataFrame({name: ["u", "v"], ("b", 2): [1.0, 2.0]})
    frame.columns = pd.Index([name, ("b", 2)], tupleize_cols=False)
    with pytest.raises(DataError, match=r"of X holds String, not numbers \(it begins with \['u'\]\)") as caught:
        MLPClassifier().fit(frame, [0, 1])
    assert f"column {name!r} of X" in str(caught.value)


# ---- single rows


def test_a_row_gives_the_inputs_of_the_table() -> None:
    numbers = {"n": [1.5, None, 3.0] * 40, "i": list(range(3, 123)), "b": [True, False, None] * 40}
    texts = {name: cells[:120] for name, cells in TEXTS.items()}
    table = table_of({**texts, **numbers})
    fitted = TablePreparation.fit(table, "", np.arange(120))
    rows = RowPreparation(fitted)
    expected = fitted.transform(table)
    names = [column.name for column in fitted.columns]
    for index in range(0, 120, 7):
        row = {name: table.column(name)[index].as_py() for name in names}
        np.testing.assert_array_equal(rows.transform(row)[0], expected[index])
    with pytest.raises(DataError, match="lacks column 'town'"):
        rows.transform({name: row[name] for name in names if name != "town"})
    for name, cell in (("plain", "abc"), ("comma", "1.5"), ("flag", "maybe"), ("n", float("inf")), ("plain", "1e999")):
        with pytest.raises(DataError, match=f"column {name!r}"):
            rows.transform({**row, name: cell})


SINGLE = [
    "007",
    " t3 ",
    "T3",
    "yes",
    "No",
    "1",
    1,
    True,
    None,
    "",
    "NA",
    "0.0",
    2.5,
    "1e3",
    "٣",
    "1_0",
    "5\n",
    "\u00a01",
]


@pytest.mark.parametrize("cell", SINGLE)
def test_a_single_cell_is_read_or_refused_as_in_a_table(cell: Any) -> None:
    columns = ("plain", "town", "flag", "code", "comma")
    fitted = TablePreparation.fit(table_of({name: TEXTS[name] for name in columns}), "", np.arange(ROWS))
    for column in fitted.columns:
        results: list[Any] = []
        for by_row in (True, False):
            single = TablePreparation([column])
            try:
                row = RowPreparation(single).transform({column.name: cell}) if by_row else None
                table = table_of({column.name: [cell]})
                results.append((single.transform(table) if row is None else row)[0].tolist())
            except DataError:
                results.append("refused")
        assert results[0] == results[1]
