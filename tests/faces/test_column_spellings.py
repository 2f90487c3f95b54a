"""One column in many spellings and separators: read as a person reads it, or the reason is given; never silently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pytest

from glassnet.cli.dataset import Dataset, find_task, prepare_dataset, read_data_file
from glassnet.data.choice import ColumnChooser
from glassnet.data.leakage import univariate_score
from glassnet.data.options import ReadingOptions
from glassnet.data.summary import Summary
from glassnet.data.table import Table, read_table
from glassnet.errors import DataError, ParameterError

ROWS = 60
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=ROWS)
B = [f"{value:.2f}" for value in RANDOM.normal(size=ROWS)]
Y = [f"{value:.2f}" for value in 3 * X + RANDOM.normal(size=ROWS)]
PLAIN = [f"{value * 1000:.2f}" for value in X]
THOUSANDS = [f"{value * 10000:,.2f}" for value in X]
DAYS = [str(np.datetime64("2021-03-01") + 7 * k) for k in range(ROWS)]
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
THREE_DECIMALS = [f"{k + 1}.{k * 7:03}" for k in range(ROWS)]
NUMBER, INDICATOR = ["a"], ["a", "a is missing"]


def european(cells: list[str]) -> list[str]:
    """1,234.5 as 1.234,5."""
    return [cell.translate(str.maketrans(",.", ".,")) for cell in cells]


def instead(word: str) -> list[str]:
    """Numbers with a word in every ninth cell."""
    return [cell if k % 9 else word for k, cell in enumerate(PLAIN)]


def write(path: Path, a: list[str], *, sep: str = ",", b: list[str] = B, y: list[str] = Y, **how: Any) -> Path:
    lines = [how.get("head", "a,b,y").replace(",", sep)]
    for cells in zip(a, b, y, strict=True):
        lines.append(sep.join(f'"{cell}"' if sep in cell else cell for cell in cells))
    text = how.get("newline", "\n").join([*lines, ""])
    path.write_bytes(text.encode(how.get("encoding", "utf-8")))
    return path


def prepared(path: Path, **options: Any) -> Dataset:
    data_file = read_data_file(str(path), "y", ReadingOptions(**options))
    return prepare_dataset(data_file, find_task(data_file, "auto")[0], 0.2, 0, counts=False)


def read(path: Path, dataset: Dataset, name: str = "a") -> Any:
    """The values of a column, and the names of the inputs that come from it."""
    column = next(column for column in dataset.preparation.columns if column.name == name)  # type: ignore[union-attr]
    return column.reading.values(read_table(path), name), column.features


def notes(dataset: Dataset) -> list[str]:
    return [note for note in dataset.notes if "alone it predicts" not in note]


GERMAN: dict[str, Any] = {"sep": ";", "b": european(B), "y": european(Y)}
WORDS = ["#DIV/0!", "\\N", "<NA>", "unknown", ".", "?", "n/a", "NULL", "*", "#N/A", "   ", "nan", "—"]
NUMBERS: dict[str, tuple[list[str], dict[str, Any], Any, str]] = {
    "comma and points": (
        european(THOUSANDS),
        {"sep": ";", "b": european(B), "y": european(Y)},
        X * 10000,
        "1.257,30 is 1257.3",
    ),
    "apostrophes": ([cell.replace(",", "'") for cell in THOUSANDS], {}, X * 10000, "1'257.30 is 1257.3"),
    "narrow spaces": ([c.replace(".", "\u202f") for c in european(THOUSANDS)], {"sep": ";"}, X * 10000, "is 1257.3"),
    "spaces": ([c.replace(".", " ") for c in european(THOUSANDS)], {"sep": "\t"}, X * 10000, "is 1257.3"),
    "dollars": ([f"${c}".replace("$-", "-$") for c in THOUSANDS], {}, X * 10000, "currency $ ($1,257.30 is 1257.3)"),
    "euros": ([f"{c} €" for c in european(THOUSANDS)], {"sep": ";"}, X * 10000, "currency € (1.257,30 € is 1257.3)"),
    "rupees": (["₹12,34,567", "₹1,00,000", "₹2,500"] * 20, {}, [1234567, 100000, 2500] * 20, "is 1234567"),
    "code of a currency": ([f"CHF {c}" for c in PLAIN], {}, X * 1000, "currency CHF (CHF 125.73 is 125.73)"),
    "kilograms": ([f"{abs(v):.3f} kg" for v in X], {}, np.abs(X), "unit kg (0.126 kg is 0.126)"),
    "degrees": ([f"{v * 10:.2f}°C" for v in X], {}, X * 10, "unit °C"),
    "percent and comma": ([f"{c}%" for c in european(PLAIN)], {"sep": ";"}, X * 1000, "decimal comma, percent signs"),
    "accounts": ([f"({c[1:]})" if c[0] == "-" else c for c in THOUSANDS], {}, X * 10000, "parentheses for minus"),
    "Fortran": ([f"{v:.4E}".replace("E", "D") for v in X], {}, X, "Fortran exponents (1.2573D-01 is 0.12573)"),
    "typographic minus": ([c.replace("-", "−") for c in PLAIN], {}, X * 1000, ""),
    "exponents": ([f"{v:.3e}" for v in X], {}, X, ""),
    "blanks": ([f" {c} " for c in PLAIN], {}, X * 1000, ""),
    "Windows": (PLAIN, {"newline": "\r\n", "encoding": "utf-8-sig"}, X * 1000, ""),
    "old Mac": (PLAIN, {"newline": "\r"}, X * 1000, ""),
    "UTF-16": (PLAIN, {"sep": "\t", "encoding": "utf-16"}, X * 1000, "is read as UTF-16"),
    "points for thousands": (
        THREE_DECIMALS,
        GERMAN,
        [(k + 1) * 1000 + k * 7 for k in range(ROWS)],
        "1.000 is 1000, as in other columns); --decimal point overrules",
    ),
    "points for decimals": (
        THREE_DECIMALS,
        {},
        [k + 1 + k * 7 / 1000 for k in range(ROWS)],
        "1.000 is 1, as in other columns); --decimal comma",
    ),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(tmp_path: Path, name: str) -> None:
    cells, how, expected, message = NUMBERS[name]
    path = write(tmp_path / "d.csv", cells, **how)
    dataset = prepared(path)
    values, features = read(path, dataset)
    assert features == NUMBER
    np.testing.assert_allclose(values, expected, rtol=1e-3, atol=0.006)
    listed = [note for note in notes(dataset) if note.startswith("a:") or "UTF" in note]
    assert message in listed[0] if message else not listed


@pytest.mark.parametrize("word", WORDS)
def test_words_for_a_missing_number(tmp_path: Path, word: str) -> None:
    path = write(tmp_path / "d.csv", instead(word))
    dataset = prepared(path)
    values, features = read(path, dataset)
    assert features == INDICATOR
    np.testing.assert_array_equal(np.isnan(values), np.arange(ROWS) % 9 == 0)
    assert (f"7 × {word!r} are missing" in " ".join(dataset.notes)) == bool(word.strip())


def test_a_word_that_is_told_to_be_missing(tmp_path: Path) -> None:
    for word in ("-999", "gone"):
        path = write(tmp_path / "d.csv", instead(word))
        values, features = read(path, prepared(path, missing=[word]))
        assert features == INDICATOR and np.isnan(values).sum() == 7
    path = write(tmp_path / "d.csv", ["red", "none", "Gone"] * 20)
    assert read(path, prepared(path, missing=["gone"]))[1] == ["a = none", "a = red"]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([f"{d[5:7]}/{d[8:]}/{d[:4]}" for d in DAYS], "dates, month first: 03/15/2021"),
        ([f"{d[8:]}/{d[5:7]}/{d[:4]}" for d in DAYS], "dates, day first: 15/03/2021"),
        ([f"{d[8:]}-{d[5:7]}-{d[2:4]}" for d in DAYS], "dates, day first: 15-03-21"),
        ([d.replace("-", "") for d in DAYS], "dates"),
        ([d.replace("-", "/") for d in DAYS], "dates"),
        ([f"{int(d[8:])} {MONTHS[int(d[5:7]) - 1]} {d[:4]}" for d in DAYS], "dates"),
        ([f"{MONTHS[int(d[5:7]) - 1]} {int(d[8:])}, {d[:4]}" for d in DAYS], "dates"),
        ([f"{d[8:]}-{MONTHS[int(d[5:7]) - 1].upper()}-{d[2:4]}" for d in DAYS], "dates"),
        ([f"{d}T00:00:00Z" for d in DAYS], "dates"),
        ([f"{d} 00:00" for d in DAYS], "dates"),
    ],
    ids=lambda cells: cells[2] if isinstance(cells, list) else "",
)
def test_dates(tmp_path: Path, cells: list[str], message: str) -> None:
    path = write(tmp_path / "d.csv", cells)
    dataset = prepared(path)
    values, features = read(path, dataset)
    np.testing.assert_array_equal(values, np.array(DAYS, "datetime64[D]").astype(np.int64))
    assert "a year" in features and "a Sunday" in features and "a sin(hour)" not in features
    assert notes(dataset)[0].startswith(f"a: {message};")


def test_times_and_missing_dates(tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", [f"{d} {k % 24}:30" if k % 6 else "unknown" for k, d in enumerate(DAYS)])
    dataset = prepared(path)
    values, features = read(path, dataset)
    assert features[-3:] == ["a sin(hour)", "a cos(hour)", "a is missing"] and np.isnan(values).sum() == 10
    inputs = dict(zip(dataset.preparation.features, dataset.x.T, strict=True))  # type: ignore[union-attr]
    assert inputs["a is missing"].sum() == 10 and not inputs["a Monday"][::6].any() and inputs["a Monday"].sum() == 50
    path = write(tmp_path / "t.csv", [f"{k % 24:02}:{k % 4 * 15:02}" for k in range(ROWS)])
    assert read(path, prepared(path))[1] == ["a sin(hour)", "a cos(hour)"]


@pytest.mark.parametrize("words", [("Y", "N"), ("yes", "No"), ("on", "off"), ("t", "f"), ("TRUE", "FALSE")])
def test_booleans(tmp_path: Path, words: tuple[str, str]) -> None:
    path = write(tmp_path / "d.csv", [words[k % 2] if k % 7 else "" for k in range(ROWS)])
    values, features = read(path, prepared(path))
    assert features == [f"a = {words[1]}", f"a = {words[0]}"]
    np.testing.assert_array_equal(values, [-1 if k % 7 == 0 else 1 - k % 2 for k in range(ROWS)])


CATEGORIES = {
    "leading zeros": ([f"0{k % 3}210" for k in range(ROWS)], "leading zeros"),
    "counts that end open": (["0", "1", "2", "3+"] * 15, "line 5 has '3+': most cells are numbers"),
    "one letter": (["1", "2", "3", "A"] * 15, "line 5 has 'A': most cells are numbers"),
    "blanks": ([f"{' ' * (k % 3)}{'red' if k % 2 else 'blue'}" for k in range(ROWS)], "blanks around 40 cells"),
    "numbers and dates": (["1", "x", "2020-01-01"] * 20, "both numbers and dates are read as a category"),
    "wrong dates": (["2020-01-31", "2020-02-28", "2020-02-30"] * 20, "mostly dates ('2020-02-30' is none)"),
    "other signs": ([f"~{k % 30}.5" for k in range(ROWS)], "numbers with other signs (~0.5) are read as a category"),
    "two units": ([f"{k % 5} {'kg' if k % 2 else 'lb'}" for k in range(ROWS)], "different words behind them (kg, lb)"),
    "Windows-1252": (["Köln", "Zürich", "Genève"] * 20, "is read as Windows-1252 (Köln)"),
}


@pytest.mark.parametrize("name", CATEGORIES)
def test_categories_are_said_where_they_might_be_something_else(tmp_path: Path, name: str) -> None:
    cells, message = CATEGORIES[name]
    path = write(tmp_path / "d.csv", cells, encoding="cp1252" if name == "Windows-1252" else "utf-8")
    dataset = prepared(path)
    assert read(path, dataset)[1] == [f"a = {level}" for level in sorted({cell.strip() for cell in cells})]
    assert message in str(dataset.notes)


OMITTED = {
    "hexadecimal": ([f"{k * 7919:08x}f" for k in range(ROWS)], "a", "an identifier, 60 different values in 60 cells"),
    "long numbers": ([str(10**17 + k * 7919) for k in range(ROWS)], "a", "an identifier, 60 different values"),
    "numbers by name": ([str(k * 7919 % 10007) for k in range(ROWS)], "customer_id", "60 different whole numbers"),
    "a permutation": ([str(k * 7 % 60 + 1) for k in range(ROWS)], "a", "each number from 1 to 60 once"),
    "a counter": ([str(k) for k in range(ROWS)], "a", "counts the rows from 0"),
    "free text": ([f"the item number {k} was good and cheap" for k in range(ROWS)], "a", "free text, 8 words per cell"),
    "a constant": (["x"] * ROWS, "a", "every cell is 'x'"),
    "a constant number": (["7.0"] * ROWS, "a", "every cell is 7"),
    "different units": (
        [f"{k} {'kg' if k % 2 else 'lb'}" for k in range(ROWS)],
        "a",
        "different words behind them (kg, lb)",
    ),
    "two orders": (
        [f"{d[8:]}/{d[5:7]}/{d[:4]}" if k % 2 else f"{d[5:7]}/{d[8:]}/{d[:4]}" for k, d in enumerate(DAYS)],
        "a",
        "dates in two orders (22/03/2021 and 03/15/2021)",
    ),
}


@pytest.mark.parametrize("name", OMITTED)
def test_columns_that_are_left_out_say_why_and_can_be_kept(tmp_path: Path, name: str) -> None:
    cells, column, message = OMITTED[name]
    path = write(tmp_path / "d.csv", cells, head=f"{column},b,y")
    dataset = prepared(path)
    assert dataset.preparation.features == ["b"]  # type: ignore[union-attr]
    (note,) = notes(dataset)
    assert note.startswith(f"{column}: left out: ") and message in note and note.endswith(f"--keep {column} overrules")
    assert len(prepared(path, keep=column).preparation.features) > 1  # type: ignore[union-attr]


def test_an_odd_cell_among_numbers_is_missing_and_said(tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", [cell if k != 20 else "abc" for k, cell in enumerate(PLAIN)])
    dataset = prepared(path)
    values, features = read(path, dataset)
    assert features == INDICATOR and np.flatnonzero(np.isnan(values)).tolist() == [20]
    assert notes(dataset) == ["a: line 22 has 'abc', which is no number: it is missing; --category a overrules"]


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        ([f"{c}%" for c in Y], "regression", "y: percent signs"),
        ([f"${abs(float(c)) * 1000:,.0f}" for c in Y], "regression", "currency $"),
        (european(Y), "regression", "y: decimal comma"),
        (
            [c if k != 7 else "N/A" for k, c in enumerate(Y)],
            "regression",
            "1 row without a target is left out (line 9 holds",
        ),
        (
            [str(k % 3) if k % 10 else "" for k in range(ROWS)],
            "classification",
            "6 rows without a target are left out (the first: line 2 is",
        ),
        ([("Yes", "No ")[k % 2] for k in range(ROWS)], "classification", "y: blanks around 30 cells are ignored"),
        ([("true", "false")[k % 2] for k in range(ROWS)], "classification", ""),
    ],
)
def test_targets(tmp_path: Path, y: list[str], task: str, message: str) -> None:
    path = write(tmp_path / "d.csv", PLAIN, y=y)
    data_file = read_data_file(str(path), "y")
    assert find_task(data_file, "auto")[0] == task
    assert message in " ".join(data_file.notes) if message else not data_file.notes


@pytest.mark.parametrize(
    ("odd", "message"),
    [("12..5", "holds '12..5', but most cells are numbers"), ("about 3", "--missing 'about 3' or --category y")],
)
def test_an_odd_cell_in_a_target_is_refused_with_its_line(tmp_path: Path, odd: str, message: str) -> None:
    path = write(tmp_path / "d.csv", PLAIN, y=[cell if k != 7 else odd for k, cell in enumerate(Y)])
    with pytest.raises(DataError, match="line 9, column 'y'") as caught:
        read_data_file(str(path), "y")
    assert message in str(caught.value)
    assert len(read_data_file(str(path), "y", ReadingOptions(missing=[odd])).values) == ROWS - 1
    assert find_task(read_data_file(str(path), "y", ReadingOptions(category=["y"])), "auto")[0] == "classification"


def test_a_column_that_gives_the_target_away_is_asked_about(tmp_path: Path) -> None:
    for b in ([f"{float(c) * 2.54 + 1:.4f}" for c in Y], [f"{-float(c) / 3:.4f}" for c in Y]):
        dataset = prepared(write(tmp_path / "d.csv", PLAIN, b=b))
        (note,) = (note for note in dataset.notes if "alone it predicts the target" in note)
        assert note.startswith("b: ") and "R² " in note and note.endswith("If not: --drop b")
        assert "b" in dataset.preparation.features  # type: ignore[union-attr]
    classes = [("high", "low")[float(c) > 0] for c in Y]
    dataset = prepared(write(tmp_path / "d.csv", PLAIN, b=[("A", "B")[float(c) > 0] for c in Y], y=classes))
    assert "b: alone it predicts the target (100.0% better than a constant)" in str(dataset.notes)
    rng = np.random.default_rng(1)
    y = rng.normal(size=1000)
    codes = rng.permutation(8)[np.clip(y * 2 + 4, 0, 7).astype(int)]
    assert univariate_score(np.exp(y / 4), y, classes=False) > 0.99
    assert univariate_score(codes, (codes > 3).astype(int), classes=True) == 1
    assert univariate_score(np.where(y > 1, np.nan, y + 0.3 * rng.normal(size=1000)), y, classes=False) < 0.95
    assert abs(univariate_score(rng.normal(size=1000), y, classes=False)) < 0.2
    noise = prepared(write(tmp_path / "d.csv", [f"{v:.3f}" for v in RANDOM.normal(size=ROWS)], y=classes))
    assert "alone" not in str(noise.notes)


# What a person asks for


def test_options_overrule_the_reading(tmp_path: Path) -> None:
    path = write(
        tmp_path / "d.csv", [f"0{k % 3 + 1}" for k in range(ROWS)], b=[f"0{k % 9 + 1}/02/2020" for k in range(ROWS)]
    )
    table = read_table(path)

    def kinds(**options: Any) -> list[str]:
        chooser = ColumnChooser(Summary.of(table), ReadingOptions(**options), table)
        plans = [chooser.choose(name) for name in ("a", "b")]
        return [plan.reading.kind if plan.reading else plan.left_out for plan in plans]

    assert kinds() == ["category", "date"]
    assert kinds(number="a", category=["b"]) == ["number", "category"]
    assert kinds(drop=["a,b"]) == ["left out as requested"] * 2
    days = []
    for order in ("dmy", "mdy"):
        chooser = ColumnChooser(Summary.of(table), ReadingOptions(date=[f"b={order}"]), table)
        days.append(chooser.choose("b").reading.values(table, "b")[:2])  # type: ignore[union-attr]
    np.testing.assert_array_equal(
        np.array(days, "int64").astype("datetime64[D]").astype(str),
        [["2020-02-01", "2020-02-02"], ["2020-01-02", "2020-02-02"]],
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"drop": ["c"]}, "has no column 'c'"),
        ({"number": ["a"], "category": ["a"]}, "'a' is both number and category"),
        ({"drop": ["a"], "keep": ["a"]}, "'a' is both drop and keep"),
        ({"date": ["a=mmdd"]}, "the order of a date is one of ymd, dmy, mdy"),
        ({"delimiter": ",,"}, "it must be one character, or one of comma, semicolon, tab, pipe, space"),
        ({"decimal": "dot"}, "it must be comma or point"),
        ({"encoding": "utf-9"}, "encoding 'utf-9' is unknown"),
        ({"date": ["b"]}, "column 'b' holds no dates"),
        ({"number": ["t"]}, "column 't' has no numbers"),
    ],
)
def test_options_that_cannot_be_used(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "d.csv", PLAIN, head="a,b,y")
    if "t" in options.get("number", []):
        path = write(tmp_path / "d.csv", ["u", "v", "w"] * 20, head="t,b,y")
    with pytest.raises((ParameterError, DataError)) as caught:
        prepared(path, **options)
    assert message in str(caught.value)


def test_encodings_and_delimiters_that_are_told(tmp_path: Path) -> None:
    towns = ["Łódź", "Gdańsk", "Poznań"] * 20
    path = write(tmp_path / "d.csv", towns, encoding="cp1250")
    with pytest.raises(DataError, match="is not UTF-8 text; save the file as UTF-8, or name its encoding"):
        read_table(path)
    assert read_table(path, ReadingOptions(encoding="cp1250")).column("a").to_pylist() == towns
    spaced = write(tmp_path / "s.csv", PLAIN, sep=" ")
    assert read_table(spaced, ReadingOptions(delimiter="space")).names == ["a", "b", "y"]
    with pytest.raises(DataError, match="line 4 is not ascii text"):
        (tmp_path / "e.csv").write_bytes("a,b\n1,2\n3,4\né,5\n".encode())
        read_table(tmp_path / "e.csv", ReadingOptions(encoding="ascii"))


# What was decided in training is used in prediction


@pytest.mark.parametrize(
    ("training", "later", "message"),
    [
        (european(PLAIN), ["1.5"], "'1.5' is not a number as the training data write them (decimal comma)"),
        (PLAIN, ["1,5"], "line 3, column 'a': '1,5' is not a number"),
        ([f"${c}" for c in PLAIN], ["€5"], "(currency $)"),
        ([f"{d[8:]}/{d[5:7]}/{d[:4]}" for d in DAYS], ["01/31/2020"], "not a date with the day first, as in"),
        (DAYS, ["01/02/2020"], "'01/02/2020' is not a date; write it as 2020-12-31"),
        (["yes", "no"] * 30, ["maybe"], "'maybe' is neither yes nor no"),
    ],
)
def test_cells_that_do_not_fit_are_refused(tmp_path: Path, training: list[str], later: list[str], message: str) -> None:
    preparation: Any = prepared(write(tmp_path / "d.csv", training, sep=";")).preparation
    (tmp_path / "later.csv").write_text(f"a;b\n{training[0]};1\n{later[0]};2\n")
    with pytest.raises(DataError) as caught:
        preparation.transform(read_table(tmp_path / "later.csv"))
    assert message in str(caught.value) and "line 3, column 'a'" in str(caught.value)


@pytest.mark.parametrize(
    ("training", "later"),
    [
        (DAYS, [f"{d[8:]}.{d[5:7]}.{d[:4]}" for d in DAYS]),
        (DAYS, [f"{d[5:7]}/{d[8:]}/{d[:4]}" for d in DAYS]),
        ([f"{d[8:]}/{d[5:7]}/{d[:4]}" for d in DAYS], DAYS),
        ([str(k % 2) for k in range(ROWS)], [("no", "yes")[k % 2] for k in range(ROWS)]),
        ([f"{c} kg" for c in PLAIN], PLAIN),
        ([str(k % 4) if k % 5 else "x" for k in range(ROWS)], [f" {k % 4} " if k % 5 else "x" for k in range(ROWS)]),
    ],
)
def test_other_spellings_of_the_same_cells_give_the_same_inputs(
    tmp_path: Path, training: list[str], later: list[str]
) -> None:
    preparation: Any = prepared(write(tmp_path / "d.csv", training)).preparation
    first, second = (preparation.transform(read_table(write(tmp_path / "l.csv", cells))) for cells in (training, later))
    np.testing.assert_array_equal(first, second)


def test_the_rows_tell_the_delimiter_although_others_are_more_frequent(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a;b;c\n" + "1,5;2,5;3,5\n" * 20)
    assert read_table(tmp_path / "d.csv").names == ["a", "b", "c"]
    (tmp_path / "d.csv").write_text("a, in m|b; in kg|c\n" + '"1,5;2"|2,5|3\n' * 20)
    assert read_table(tmp_path / "d.csv").names == ["a, in m", "b; in kg", "c"]


@pytest.mark.parametrize("first", ["", "sep=;\n", '"sep=;"\r\n'])
def test_lines_are_counted_from_the_first_of_the_file_also_after_rows_are_left_out(tmp_path: Path, first: str) -> None:
    rows = [f"{k * k % 17};{k}.5" for k in range(30)]
    rows[2] = "5;?"
    (tmp_path / "d.csv").write_text(first + "a;y\n" + "\n".join(rows), newline="")
    offset = 1 if first else 0
    data_file = read_data_file(str(tmp_path / "d.csv"), "y")
    assert f"line {4 + offset} holds '?'" in data_file.notes[0]
    assert f"line {5 + offset}, column 'y'" in data_file.location(2) and len(data_file.values) == 29
    rows[20] = "5;inf"
    (tmp_path / "d.csv").write_text(first + "a;y\n" + "\n".join(rows), newline="")
    with pytest.raises(DataError, match=f"line {22 + offset}, column 'y' is infinite"):
        read_data_file(str(tmp_path / "d.csv"), "y")


def test_consecutive_years_are_no_row_counter(tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", [str(1960 + k) for k in range(ROWS)], head="year,b,y")
    dataset = prepared(path)
    assert read(path, dataset, "year")[1] == ["year"] and not dataset.notes


@pytest.mark.parametrize(
    ("levels", "later", "count", "unseen", "nearest"),
    [
        (
            ["1", "2", "x"],
            ["1.0", "2", "x"],
            "1 of 3 cells is",
            "('1.0') and counts",
            ("1.0", "1"),
        ),
        (
            ["red", "blue"],
            ["RED", "red", ""],
            "1 of 2 cells is",
            "('RED') and counts",
            ("RED", "red"),
        ),
        (
            ["New York", "Rome"],
            ["new  york", "Oslo"],
            "all 2 cells are",
            "('new  york', 'Oslo') and count",
            ("new  york", "New York"),
        ),
        (
            ["blue", "red"],
            ["blu", "red"],
            "1 of 2 cells is",
            "('blu') and counts",
            ("blu", "blue"),
        ),
        (
            ["Köln", "Ulm"],
            ["Ko\u0308ln", "Ulm"],
            "1 of 2 cells is",
            "('Ko\u0308ln') and counts",
            ("Ko\u0308ln", "Köln"),
        ),
        (["Jena", "Ulm"], ["Bremen", "Ulm"], "1 of 2 cells is", "('Bremen') and counts", ()),
    ],
)
def test_the_nearest_level_of_an_unseen_cell(
    tmp_path: Path, levels: list[str], later: list[str], count: str, unseen: str, nearest: tuple[str, str] | tuple[()]
) -> None:
    preparation: Any = prepared(write(tmp_path / "d.csv", [levels[k % len(levels)] for k in range(ROWS)])).preparation
    (tmp_path / "later.csv").write_text("a,b\n" + "".join(f"{cell},1\n" for cell in later))
    x, notes = preparation.prepare(read_table(tmp_path / "later.csv"))
    hint = f"; {nearest[0]!r} may be the known level {nearest[1]!r}" if nearest else ""
    expected = f"a: {count} not in the training data {unseen} as unknown{hint}"
    assert notes == [expected] and not x[0, : len(levels)].any()


@pytest.mark.parametrize("library", [lambda frame: frame, polars.from_pandas], ids=["pandas", "polars"])
def test_what_a_frame_declares_as_a_category_is_one_although_its_cells_are_numbers(library: Any) -> None:
    zip_codes = pandas.Categorical(["98001", "98002", "98003"] * 10)
    table = Table.from_frame(library(pandas.DataFrame({"zip": zip_codes, "price": ["1", "2", "3"] * 10})))
    chooser = ColumnChooser(Summary.of(table), None, table)
    assert chooser.choose("zip").note == "zip: a category, as its type says; --number zip overrules"
    kinds = [reading.kind for name in table.names if (reading := chooser.choose(name).reading)]
    assert kinds == ["category", "number"]
