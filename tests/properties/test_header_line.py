"""A first line that is no header is said to be none, and usual headers are left in peace."""

from __future__ import annotations

from pathlib import Path

import pytest

from glassnet.data.options import ReadingOptions
from glassnet.data.streamed_table import streamed_table
from glassnet.data.table import read_table
from glassnet.errors import DataError

ROWS = "anna,34,1.5\nbob,21,2.5\ncarl,22,2.5\n"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (ROWS, "looks like data, not names (anna, 34, 1.5); if so, give --no-header"),
        ("3,4,2024-05-01\n5,6,2024-05-02\n", "looks like data"),
        ("Report,,\n,,\nname,age,x\n" + ROWS, "line 1 looks like a title and line 3 like the header"),
        ("name,age,x\n" + ROWS, ""),
        ("name,age,2024\n" + ROWS, ""),
        ("0,1,2\n5,6,9\n", ""),
        ("2019,2020,2021,2023\n5,6,9,1\n", ""),
        (",a,b\n1,2,3\n", ""),
        ("only\n1\n2\n", ""),
    ],
)
def test_the_first_line_is_looked_at(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "d.csv").write_text(text)
    notes = " ".join(read_table(tmp_path / "d.csv").notes)
    assert part in notes and bool(part) == bool(notes)


def test_a_file_without_a_header_has_its_first_row_among_the_rows(tmp_path: Path) -> None:
    for text in (ROWS, "sep=,\n" + ROWS, "\n" + ROWS):
        (tmp_path / "d.csv").write_text(text)
        table = read_table(tmp_path / "d.csv", ReadingOptions(header=False))
        assert table.names == ["column_1", "column_2", "column_3"] and table.rows == 3
        assert table.column("column_1").to_pylist() == ["anna", "bob", "carl"]
        assert table.notes == ("the first row is data, as requested: the columns are called column_1 to column_3",)
        assert [table.row_name(row) for row in range(3)] == [
            f"line {text[: text.index(name)].count(chr(10)) + 1}" for name in ("anna", "bob", "carl")
        ]
    (tmp_path / "d.csv").write_text(ROWS + "dora,1\n")
    with pytest.raises(DataError, match="line 4 has 2 cells, but the first row has 3; correct the line"):
        read_table(tmp_path / "d.csv", ReadingOptions(header=False))


def test_a_header_that_looks_like_data_is_one_where_a_person_says_so(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(ROWS)
    table = read_table(tmp_path / "d.csv", ReadingOptions(header=True))
    assert table.names == ["anna", "34", "1.5"] and table.rows == 2 and table.notes == ()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("Report\n\nname,age,x\n" + ROWS, "line 3 like the header; delete the lines above it."),
        ("Population 2023\n\ntown,2022,2023\n" + ROWS, "line 3 like the header; delete the lines above it."),
        ("name,age,x\n" + ROWS.replace("\n", ",\n"), "the rows end with a delimiter: add one to the header"),
        ("age,x\n" + ROWS, "the rows have one cell more: add the missing name"),
        ("name,age,x\n" + ROWS + "total,3\n", "line 5 has 2 cells, but the header has 3; correct the line."),
        ("1,1,0.5\n2,3,1\n2,3,1\n", "The first row looks like data"),
    ],
)
def test_an_error_says_what_may_be_wrong_with_the_first_line(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "d.csv").write_text(text)
    with pytest.raises(DataError) as error:
        read_table(tmp_path / "d.csv")
    assert part in str(error.value)


def test_a_header_that_is_repeated_among_the_rows_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("name, age ,y\n" + ROWS + "name, age ,y\n" + ROWS + "name,age,y\n" + "name,34,y\n" + "dora,7,?\n")
    table = read_table(path)
    assert table.rows == 8 and table.column("y").to_pylist() == ["1.5", "2.5", "2.5"] * 2 + ["y", "?"]
    assert table.notes == ("2 rows repeat the header and are left out (line 5)",)
    assert [table.row_name(row) for row in (2, 3, 6, 7)] == ["line 4", "line 6", "line 10", "line 11"]
    with pytest.raises(DataError, match="line 5 repeats the header; delete such lines"):
        streamed_table(path, "y")


def test_a_column_of_its_own_name_is_no_repeated_header(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("y\nx\ny\n")
    assert read_table(tmp_path / "d.csv").rows == 2 and not read_table(tmp_path / "d.csv").notes
