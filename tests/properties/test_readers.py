"""Readers and preprocessing: cells as the csv module reads them, correct line numbers, statistics of training rows."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from glassnet.data.arrays import read_arrays
from glassnet.data.options import ReadingOptions
from glassnet.data.preprocessing import ArrayPreparation, TablePreparation
from glassnet.data.stored import from_json
from glassnet.data.table import Table, read_table
from glassnet.data.target import ClassTarget, NumberTarget, infer_task
from glassnet.errors import DataError

CELLS = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=6)
NEWLINES = st.sampled_from(["\n", "\r\n"])


def table_of(columns: dict[str, Any]) -> Table:
    return Table("t", pa.table(columns))


def csv_bytes(rows: list[list[str]], newline: str, quoting: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator=newline, quoting=quoting).writerows(rows)
    return text.getvalue().encode()


@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8),
    newline=NEWLINES,
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    mark=st.booleans(),
    compressed=st.booleans(),
)
def test_cells_equal_those_of_the_csv_module(
    tmp_path_factory: Any, rows: list[list[str]], newline: str, quoting: Any, mark: bool, compressed: bool
) -> None:
    content = b"\xef\xbb\xbf" * mark + csv_bytes([["first", "second"], *rows], newline, quoting)
    path = tmp_path_factory.getbasetemp() / "cells.csv"
    path.write_bytes(gzip.compress(content) if compressed else content)
    try:
        table = read_table(path, ReadingOptions(delimiter=","))
    except DataError:  # a first cell may look like another format
        assume(False)
    assert [[cell or "" for cell in row.values()] for row in table.data.to_pylist()] == rows


@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8),
    index=st.integers(0, 7),
    extra=st.booleans(),
    newline=NEWLINES,
    blank=st.integers(0, 2),
)
def test_the_line_of_a_ragged_row_is_right(
    tmp_path_factory: Any, rows: list[list[str]], index: int, extra: bool, newline: str, blank: int
) -> None:
    index = min(index, len(rows))
    head = newline * blank + csv_bytes([["first", "second"], *rows[:index]], newline, csv.QUOTE_MINIMAL).decode()
    ragged = "1,2,3" if extra else "1"
    tail = csv_bytes(rows[index:], newline, csv.QUOTE_MINIMAL).decode()
    path = tmp_path_factory.getbasetemp() / "ragged.csv"
    path.write_text(head + ragged + newline + tail, "utf-8", newline="")
    line = head.replace("\r\n", "\n").count("\n") + 1
    with pytest.raises(DataError, match=rf"line {line} has {'3 cells' if extra else '1 cell'}, but the header has 2"):
        read_table(path)


@given(rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8), newline=NEWLINES)
def test_the_line_of_each_row_is_right(tmp_path_factory: Any, rows: list[list[str]], newline: str) -> None:
    path = tmp_path_factory.getbasetemp() / "lines.csv"
    path.write_bytes(csv_bytes([["first", "second"], *rows], newline, csv.QUOTE_MINIMAL))
    table = read_table(path)
    for row in range(len(rows)):
        before = csv_bytes([["first", "second"], *rows[:row]], "\n", csv.QUOTE_MINIMAL)
        assert table.line is not None and table.line(row) == before.count(b"\n") + 1


@given(st.text(st.sampled_from('a1",;\n\r \t\ufeffé'), max_size=40))
def test_any_text_gives_a_table_or_an_error_message(tmp_path_factory: Any, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(text, "utf-8", newline="")
    try:
        table = read_table(path)
    except DataError as error:
        assert str(error).startswith(str(path)) and str(error).endswith(".")
        return
    assert table.rows and len(set(table.names)) == len(table.names)


def test_cells_of_a_csv_file_are_text_and_null_where_empty(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("i,f,b,s,n\n1,1.5,true,x,\n02,,false,NA,3\n,nan,TRUE,,4\n")
    table = read_table(tmp_path / "t.csv")
    assert table.data.to_pydict() == {
        **{"i": ["1", "02", None], "f": ["1.5", None, "nan"], "b": ["true", "false", "TRUE"]},
        **{"s": ["x", "NA", None], "n": [None, "3", "4"]},
    }


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    (tmp_path / "t.csv").write_text(f'"a,;\t|"{delimiter}b\n1{delimiter}2.5\n')
    assert read_table(tmp_path / "t.csv").data.to_pydict() == {"a,;\t|": ["1"], "b": ["2.5"]}


def test_parquet_and_csv_give_the_same_inputs(tmp_path: Path) -> None:
    columns = {"a": [1, 2, None], "b": [1.5, None, 2.5], "s": ["x", "y", "z"], "t": [True, False, True]}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("a,b,s,t\n1,1.5,x,true\n2,,y,false\n,2.5,z,true\n")
    tables = [read_table(tmp_path / name) for name in ("t.parquet", "t.csv")]
    first, second = (TablePreparation.fit(table, "", np.arange(3)) for table in tables)
    assert first == second
    np.testing.assert_array_equal(first.transform(tables[1]), second.transform(tables[0]))


# Preprocessing


def test_numbers_are_standardised_with_the_training_rows() -> None:
    values = np.array([1.0, 2.0, 4.0, 100.0])
    table = table_of({"x": values})
    prepared = TablePreparation.fit(table, "y", np.arange(3)).transform(table)[:, 0]
    np.testing.assert_allclose(prepared, (values - values[:3].mean()) / values[:3].std(), rtol=1e-6)


@given(st.lists(st.floats(-1e300, 1e300) | st.none(), min_size=2, max_size=20), st.floats(1e-3, 1e3))
def test_prepared_numbers_are_finite_centred_and_independent_of_scale(
    values: list[float | None], factor: float
) -> None:
    present = np.array([value for value in values if value is not None])
    assume(present.size and 1e296 > np.abs(present).max() > 1e-200)
    assume(np.ptp(present) > 1e-6 * np.abs(present).max())
    rows = np.arange(len(values))
    prepared, scaled = (
        TablePreparation.fit(table, "", rows).transform(table)
        for table in (table_of({"x": values}), table_of({"x": [v and v * factor for v in values]}))
    )
    assert np.isfinite(prepared).all() and abs(prepared[:, 0].mean()) < 1e-3
    np.testing.assert_allclose(prepared, scaled, rtol=1e-3, atol=1e-3)
    if present.size < len(values):
        assert prepared[:, 1].tolist() == [float(value is None) for value in values]


def test_missing_numbers_become_the_median_and_set_an_indicator() -> None:
    table = table_of({"x": [1.0, None, 3.0, 8.0]})
    fitted = TablePreparation.fit(table, "y", np.arange(4))
    prepared = fitted.transform(table)
    np.testing.assert_array_equal(prepared[:, 1], [0, 1, 0, 0])
    assert prepared[1, 0] == prepared[2, 0] and fitted.features == ["x", "x is missing"]
    complete = TablePreparation.fit(table_of({"x": [1.0, 2.0]}), "y", np.arange(2))
    assert complete.transform(table).shape == (4, 1)


@pytest.mark.parametrize("constant", [0.1, 1e300, -7, 0])
def test_a_column_that_is_constant_in_the_training_rows_becomes_zero(constant: float) -> None:
    table = table_of({"x": [constant] * 7 + [constant + 1]})
    assert not TablePreparation.fit(table, "y", np.arange(7)).transform(table)[:7].any()


def test_unknown_missing_and_rare_categories_are_zeros() -> None:
    levels = [f"{k:03}" for k in range(150)] + ["000", "149"]
    fitted = TablePreparation.fit(table_of({"s": levels}), "y", np.arange(152))
    prepared = fitted.transform(table_of({"s": ["000", "149", "148", "new", None, ""]}))
    assert prepared.shape == (6, 100) and prepared.sum(axis=1).tolist() == [1, 1, 0, 0, 0, 0]


def test_booleans_are_categories_in_any_spelling(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("b,y\ntrue,1\nfalse,2\n")
    fitted = TablePreparation.fit(read_table(tmp_path / "a.csv"), "y", np.arange(2))
    assert fitted.features == ["b = false", "b = true"]
    for true, false in (("TRUE", "False"), ("1", "0"), ("yes", "no"), ("T", "F"), ("1.0", "0.0")):
        (tmp_path / "b.csv").write_text(f"b,c\n{true},1\n{false},1\nNA,1\n,1\n")
        prepared = fitted.transform(read_table(tmp_path / "b.csv"))
        assert prepared.tolist() == [[0, 1], [1, 0], [0, 0], [0, 0]]
    for typed in ([True, False, None], [1, 0, None], [1.0, 0.0, None]):
        assert fitted.transform(table_of({"b": typed})).tolist() == [[0, 1], [1, 0], [0, 0]]
    (tmp_path / "b.csv").write_text("b,c\ntrue,1\nmaybe,1\n")
    with pytest.raises(DataError, match="line 3, column 'b': 'maybe' is neither true nor false"):
        fitted.transform(read_table(tmp_path / "b.csv"))


def test_columns_are_found_by_name_in_any_order_and_others_are_ignored() -> None:
    fitted = TablePreparation.fit(table_of({"a": [1, 2], "s": ["x", "y"], "y": [0, 1]}), "y", np.arange(2))
    expected = fitted.transform(table_of({"a": [1, 5], "s": ["x", "y"]}))
    reordered = fitted.transform(table_of({"other": [None, None], "s": ["x", "y"], "a": [1, 5]}))
    np.testing.assert_array_equal(expected, reordered)
    with pytest.raises(DataError, match="lacks column 's'"):
        fitted.transform(table_of({"a": [1]}))
    with pytest.raises(DataError, match=r"lacks 2 columns \('a', 's'\)"):
        fitted.transform(table_of({"b": [1]}))


def test_text_of_digits_stays_text_when_predicting(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("code,y\n01,1\n2b,2\n7,1\n")
    (tmp_path / "b.csv").write_text("code\n01\n7\n")
    fitted = TablePreparation.fit(read_table(tmp_path / "a.csv"), "y", np.arange(3))
    assert fitted.transform(read_table(tmp_path / "b.csv")).tolist() == [[1, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize("preparation", ["table", "arrays"])
def test_json_round_trip(preparation: str) -> None:
    x = np.random.default_rng(0).normal(size=(20, 3))
    table = table_of({"a": x[:, 0], "s": [f"é{k % 3}" for k in range(20)], "b": [k % 2 == 0 for k in range(20)]})
    rows = np.arange(20)
    fitted = TablePreparation.fit(table, "y", rows) if preparation == "table" else ArrayPreparation.fit(x, rows)
    for target in (ClassTarget("y", [True, False]), ClassTarget("y", ["a", "b"]), NumberTarget("y", [1.5], [0.1])):
        assert "reading" not in target.to_json()
        document = json.loads(json.dumps({"preparation": fitted.to_json(), "target": target.to_json()}))
        assert from_json(document, "m") == (fitted, target)


def test_bytes_are_divided_by_255() -> None:
    x = np.array([[0, 255], [51, 102]], np.uint8)
    prepared = ArrayPreparation.fit(x, np.arange(2)).transform(x, "f")
    assert prepared.dtype == np.float32
    np.testing.assert_allclose(prepared, x / 255, rtol=1e-6)


# Targets


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (np.array(["a", "b"], object), "classification"),
        (np.array([True, False]), "classification"),
        (np.array([0, 1, 1, 0]), "classification"),
        (np.array([0.0, 1.0, 1.0]), "classification"),
        (np.repeat(np.arange(20), 5), "classification"),
        (np.repeat(np.arange(20), 4), "regression"),
        (np.repeat(np.arange(21), 50), "regression"),
        (np.array([100, 250, 300]), "regression"),
        (np.array([0.5, 1.0] * 50), "regression"),
        (np.zeros((40, 2)), "regression"),
    ],
)
def test_the_task_is_inferred_from_the_target(values: Any, task: str) -> None:
    assert infer_task(values, "auto")[0] == task
    assert infer_task(values, "regression")[0] == "regression"


@pytest.mark.parametrize("values", [["b", "a", "b"], [True, False, True], [3, -1, 3], [2.0, 1.0, 2.0]])
def test_classes_keep_their_type(values: list[Any]) -> None:
    array = np.array(values, object if isinstance(values[0], str) else None)
    target = ClassTarget.fit("y", array)
    codes = target.encode(array)
    assert codes.tolist() == [1, 0, 1]
    decoded = target.decode(codes).to_pylist()
    assert decoded == values and [type(v) for v in decoded] == [type(v) for v in values]


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=20, unique=True))
def test_quantities_are_decoded_as_they_were_encoded(values: list[float]) -> None:
    array = np.array(values)
    assume(np.ptp(array) > 1e-6 * np.abs(array).max() > 1e-200)
    target = NumberTarget.fit("y", array)
    encoded = target.encode(array)
    assert abs(encoded.mean()) < 1e-6 and abs(encoded.std() - 1) < 1e-6
    np.testing.assert_allclose(target.decode(encoded)[:, 0], array, atol=1e-9 * np.abs(array).max())


# Arrays


def test_npz_arrays(tmp_path: Path) -> None:
    x, y = np.arange(12.0).reshape(4, 3), np.array([0, 1, 0, 1])
    for name, save in (("a.npz", np.savez), ("b.npz", np.savez_compressed)):
        save(tmp_path / name, x=np.asfortranarray(x), y=y)
        arrays = read_arrays(tmp_path / name)
        np.testing.assert_array_equal(arrays.x, x)
        np.testing.assert_array_equal(arrays.y, y)
    np.savez(tmp_path / "images.npz", x=np.zeros((4, 5, 6), np.uint8))
    images = read_arrays(tmp_path / "images.npz")
    assert images.x.shape == (4, 30) and images.image == (5, 6) and images.y is None


@pytest.mark.data
def test_mnist(shared: Path) -> None:
    arrays = read_arrays(shared / "mnist")
    assert arrays.x.shape == (60000, 784) and arrays.x.dtype == np.uint8 and arrays.image == (28, 28)
    assert arrays.y is not None and arrays.y[:5].tolist() == [5, 0, 4, 1, 9]
    assert arrays.test is not None and arrays.test[0].shape == (10000, 784) and arrays.test[1][:3].tolist() == [7, 2, 1]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [("churn", 5000, 20), ("credit", 4454, 14), ("diamonds", 53940, 10), ("king_county", 21613, 20)],
)
def test_real_tables(shared: Path, name: str, rows: int, columns: int) -> None:
    path = shared / "tables" / f"{name}.csv.gz"
    table = read_table(path)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        header, *cells = list(csv.reader(file))
    assert table.names == header and table.rows == len(cells) == rows and len(header) == columns
    fitted = TablePreparation.fit(table, header[-1], np.arange(rows))
    assert np.isfinite(fitted.transform(table)).all()
