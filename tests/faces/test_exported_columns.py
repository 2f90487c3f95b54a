"""Columns as programs and people of many countries export them: numbers, dates and durations, or said to be none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from glassnet.cli.dataset import Dataset, find_task, prepare_dataset, read_data_file
from glassnet.data.choice import ColumnChooser
from glassnet.data.options import ReadingOptions
from glassnet.data.preprocessing import TablePreparation
from glassnet.data.readings import CategoryReading
from glassnet.data.row import RowPreparation
from glassnet.data.stored import stored_reading
from glassnet.data.summary import Summary
from glassnet.data.table import Table, read_table
from glassnet.errors import DataError

ROWS = 40
RANDOM = np.random.default_rng(0)
AMOUNTS = [round(value, 2) for value in (9000 * RANDOM.normal(size=ROWS)).tolist()]
SECONDS = 3600 + 2221 * np.arange(ROWS)  # up to 25 hours
PARTS = [(second // 3600, second // 60 % 60, second % 60) for second in SECONDS.tolist()]
DAYS = np.datetime64("2021-03-01") + 11 * np.arange(ROWS)
GERMAN_MONTHS = ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."]
FRENCH_MONTHS = ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."]
SPANISH_MONTHS = ["enero", "feb", "marzo", "abril", "mayo", "junio", "julio", "agosto", "sept", "octubre", "nov", "dic"]
ARABIC = str.maketrans("0123456789.", "٠١٢٣٤٥٦٧٨٩٫")
FULL_WIDTH = str.maketrans("0123456789.", "０１２３４５６７８９．")


def comma(value: float) -> str:
    """1234.5 as 1.234,50."""
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def dataset_of(path: Path, cells: list[str], other: list[str] | None = None) -> Dataset:
    """A table of the cells, of other numbers and of a target, with ; between them."""
    other = other or [str(k * k % 17) for k in range(len(cells))]
    lines = [
        "a;b;y",
        *(f"{cell};{b};{k * 7 % 11 + k / 8}" for k, (cell, b) in enumerate(zip(cells, other, strict=True))),
    ]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    data_file = read_data_file(str(path), "y", ReadingOptions())
    return prepare_dataset(data_file, find_task(data_file, "auto")[0], 0.2, 0, counts=False)


def note_on(dataset: Dataset, name: str = "a") -> str:
    return next((note for note in dataset.notes if note.startswith(f"{name}: ")), "")


def reading_of(dataset: Dataset, name: str = "a") -> Any:
    assert isinstance(dataset.preparation, TablePreparation)
    return next(column.reading for column in dataset.preparation.columns if column.name == name)


NUMBERS = {
    "minus behind": ([comma(abs(v)) + "-" * (v < 0) for v in AMOUNTS], AMOUNTS, "minus behind the number"),
    "blanks and a currency of another alphabet": (
        [comma(v).replace(".", " ") + " zł" for v in AMOUNTS],
        AMOUNTS,
        "decimal comma, thousands separators, currency zł",
    ),
    "a unit of another alphabet": ([f"{comma(v)} м³" for v in AMOUNTS], AMOUNTS, "unit м³"),
    "Arabic digits": ([f"{v:.2f}".translate(ARABIC) for v in AMOUNTS], AMOUNTS, ""),
    "full-width digits": ([f"{v:.2f}".translate(FULL_WIDTH) for v in AMOUNTS], AMOUNTS, ""),
    "hours beyond a day": ([f"{h}:{m:02}:{s:02}" for h, m, s in PARTS], SECONDS, "durations"),
    "minutes with hundredths": (
        [f"{k // 60}:{k % 60:02}.25" if k >= 60 else f"{k}.25" for k in range(40, 40 + ROWS)],
        np.arange(40, 40 + ROWS) + 0.25,
        "durations in seconds",
    ),
    "hours and minutes with units": ([f"{h}h {m}m {s}s" for h, m, s in PARTS], SECONDS, "durations"),
    "units of another language": ([f"{h} Std. {m} min" for h, m, _ in PARTS], SECONDS // 60 * 60, "durations"),
    "ISO durations": ([f"PT{h}H{m}M{s}S" for h, m, s in PARTS], SECONDS, "durations"),
    "durations of pandas": ([str(pandas.Timedelta(int(s), "s")) for s in SECONDS - 4000], SECONDS - 4000, "durations"),
}  # fmt: skip


@pytest.mark.parametrize(("cells", "values", "part"), NUMBERS.values(), ids=NUMBERS)
def test_numbers(tmp_path: Path, cells: list[str], values: Any, part: str) -> None:
    path = tmp_path / "t.csv"
    dataset = dataset_of(path, cells)
    reading = reading_of(dataset)
    assert reading.kind == "number" and part in note_on(dataset)
    np.testing.assert_allclose(reading.values(read_table(path), "a"), values, rtol=1e-12)


@pytest.mark.parametrize(
    "cells", [NUMBERS["minus behind"][0], NUMBERS["ISO durations"][0], NUMBERS["minutes with hundredths"][0]]
)
def test_a_spelling_is_stored_and_single_rows_are_read_by_it(tmp_path: Path, cells: list[str]) -> None:
    path = tmp_path / "t.csv"
    dataset = dataset_of(path, cells)
    assert isinstance(dataset.preparation, TablePreparation)
    reading = reading_of(dataset)
    document = {"kind": "number", "spelling": reading.spelling.to_json(), "missing": reading.missing}
    assert stored_reading(document) == reading
    one_by_one = RowPreparation(dataset.preparation)
    together = dataset.preparation.transform(read_table(path))
    rows = [one_by_one.transform({"a": cell, "b": k * k % 17}) for k, cell in enumerate(cells)]
    np.testing.assert_array_equal(np.concatenate(rows), together)
    for cell in ("5x", "58") if cells[0].startswith("P") else ("5x",):
        with pytest.raises(DataError, match=f"column 'a': '{cell}' is not a number"):
            one_by_one.transform({"a": cell, "b": 1})


@pytest.mark.parametrize(
    "cells",
    [
        [f"{k % 9 + 1}-" if k % 2 else str(k % 9 + 1) for k in range(ROWS)],  # grades
        [f"{k % 30 + 20}:{k * 7 % 30 + 20}" for k in range(ROWS)],  # scores
        [f"{k % 7} {'m' if k % 2 else 'h'}" for k in range(ROWS)],  # two units, never in one cell
        [f"P{k % 12}D" for k in range(ROWS)],  # codes
        [f"{k % 5 + 40}00W{k % 6 + 10}" for k in range(ROWS)],  # watts rather than weeks
        [str(k % 10) if k % 2 else f"{k % 10}D4" for k in range(ROWS)],  # codes, among them such as 3D4
    ],
    ids=["grades", "scores", "units", "codes", "watts", "hexadecimal"],
)
def test_what_may_as_well_be_something_else_stays_a_category(tmp_path: Path, cells: list[str]) -> None:
    assert reading_of(dataset_of(tmp_path / "t.csv", cells)).kind == "category"


@pytest.mark.parametrize(("mark", "what"), [("%", "percent signs"), ("K", "unit K"), (" €", "currency €")])
@pytest.mark.parametrize(("bare", "said"), [(13, "; 3 cells have none (0.25 is 0.25)"), (99, "")])
def test_numbers_without_the_mark_of_the_others_are_counted(
    tmp_path: Path, mark: str, what: str, bare: int, said: str
) -> None:
    cells = ["0" if k == 5 else "0.25" if k % bare == bare - 1 else f"{k + 1.5}{mark}" for k in range(ROWS)]
    expected = f"a: {what} (1.5{mark} is 1.5){said}; --category a overrules"
    assert note_on(dataset_of(tmp_path / "t.csv", cells)) == expected


def test_later_numbers_without_percent_signs_are_said(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path / "t.csv", [f"{k + 1.5}%" for k in range(ROWS)])
    assert isinstance(dataset.preparation, TablePreparation)
    for cells, said in ((["0.5", "0.25"], True), (["0.5", "50 %"], False), (["0", ""], False)):
        notes = dataset.preparation.prepare(Table.from_frame(pandas.DataFrame({"a": cells, "b": [1, 2]}))).notes
        assert any("no cell has a percent sign" in note and "0.5 is read as 0.5 %" in note for note in notes) == said


def test_durations_are_a_quantity_to_predict(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    times = [f"1:{k:02}.50" for k in range(ROWS)]
    path.write_text("\n".join(["a;y", *(f"{k % 7};{cell}" for k, cell in enumerate(times)), ""]))
    data_file = read_data_file(str(path), "y", ReadingOptions())
    assert find_task(data_file, "auto")[0] == "regression"


@pytest.mark.parametrize(("cell", "what"), [("8:{:02}", "times"), ("8:{:02} Uhr", "times"), ("2024-05-{:02}", "dates")])
def test_times_and_dates_to_predict_are_refused(tmp_path: Path, cell: str, what: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["a;y", *(f"{k % 7};{cell.format(k % 28 + 1)}" for k in range(ROWS)), ""]))
    with pytest.raises(DataError, match=f"the target 'y' holds {what}; convert it to numbers, such as"):
        read_data_file(str(path), "y", ReadingOptions())


def parts_of(day: Any) -> tuple[int, int, int]:
    """Year, month and day."""
    year, month, of_month = map(int, str(day).split("-"))
    return year, month, of_month


DATES = {
    "German": [f"{d}. {GERMAN_MONTHS[m - 1]} {y}" for y, m, d in map(parts_of, DAYS)],
    "French": [f"{d}{'er' * (d == 1)} {FRENCH_MONTHS[m - 1]} {y}" for y, m, d in map(parts_of, DAYS)],
    "Spanish": [f"{d} de {SPANISH_MONTHS[m - 1]} de {y}" for y, m, d in map(parts_of, DAYS)],
    "offset of hours": [f"{day} 02:00:00+02" for day in DAYS],
    "offset west": [f"{day - 1} 20:00:00.000-04" for day in DAYS],
    "Arabic digits": [str(day).translate(ARABIC) for day in DAYS],
    "Japanese": [f"{y}年{m}月{d}日" for y, m, d in map(parts_of, DAYS)],
    "Korean": [f"{y}년 {m}월 {d}일" for y, m, d in map(parts_of, DAYS)],
}


@pytest.mark.parametrize("cells", DATES.values(), ids=DATES)
def test_dates(tmp_path: Path, cells: list[str]) -> None:
    path = tmp_path / "t.csv"
    dataset = dataset_of(path, cells)
    assert note_on(dataset).startswith("a: dates")
    np.testing.assert_allclose(reading_of(dataset).values(read_table(path), "a"), DAYS.astype(np.int64), rtol=1e-12)


@pytest.mark.parametrize("word", ["Marathon", "Juniors", "Design", "1 Maison"])
def test_words_that_begin_like_months_are_categories(tmp_path: Path, word: str) -> None:
    dataset = dataset_of(tmp_path / "t.csv", [f"{word} {2015 + k % 5}" for k in range(ROWS)])
    assert isinstance(reading_of(dataset), CategoryReading)


@pytest.mark.parametrize(
    ("written", "first"),
    [("2021-Q2", "2021-04-01"), ("Q4 2022", "2022-10-01"), ("2023-W05", "2023-01-30"), ("2020W53", "2020-12-28")],
)
def test_quarters_and_weeks_are_their_first_days(tmp_path: Path, written: str, first: str) -> None:
    path = tmp_path / "t.csv"
    cells = [written if k % 2 else "2024-Q1" for k in range(ROWS)]
    dataset = dataset_of(path, cells)
    values = reading_of(dataset).values(read_table(path), "a")
    assert values[:2].tolist() == [np.datetime64(day).astype(np.int64) for day in ("2024-01-01", first)]


def test_a_week_that_a_year_does_not_have_is_no_date(tmp_path: Path) -> None:
    cells = ["2021-W53" if k == 3 else f"2021-W{k + 1:02}" for k in range(ROWS)]
    assert "line 5 has '2021-W53', which is no date: it is missing" in note_on(dataset_of(tmp_path / "t.csv", cells))


@pytest.mark.parametrize(("years", "said"), [((55, 66), "66 is 2066"), ((70, 99), ""), ((10, 24), "")])
def test_a_year_of_two_digits_far_ahead_is_said(tmp_path: Path, years: tuple[int, int], said: str) -> None:
    cells = [f"{k % 12 + 1}/{k % 28 + 1}/{years[k % 2]}" for k in range(ROWS)]
    note = note_on(dataset_of(tmp_path / "t.csv", cells))
    assert said in note if said else "two digits" not in note


def test_a_year_of_two_digits_after_the_name_of_a_month_is_said_too(tmp_path: Path) -> None:
    cells = [f"{k % 28 + 1}-Mär-{66 if k else 12}" for k in range(ROWS)]
    assert "66 is 2066" in note_on(dataset_of(tmp_path / "t.csv", cells))


def test_fractions_that_a_frame_declares_as_a_category_are_its_levels() -> None:
    frame = pandas.DataFrame({"a": pandas.Categorical(np.arange(ROWS) % 4 / 2), "b": np.arange(ROWS) ** 2 % 17})
    table = Table.from_frame(frame)
    plan = ColumnChooser(Summary.of(table), None, table).choose("a")
    assert isinstance(plan.reading, CategoryReading) and plan.reading.levels == ["0", "0.5", "1", "1.5"]
