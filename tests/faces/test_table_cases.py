"""Small files as real life produces them: what `glassnet train`, `evaluate`, `predict` and `columns` make of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from typer.testing import CliRunner

from glassnet.cli.app import app
from glassnet.cli.dataset import DataFile, Dataset, find_task, prepare_dataset, read_data_file
from glassnet.data.options import ReadingOptions

CASES = Path(__file__).parent / "cases"
QUICK = ["--hidden", "8", "--epochs", "3", "--quiet"]


def run(*arguments: Any) -> Any:
    """Run a command that must succeed; its stdout and stderr."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result


def refused(*arguments: Any) -> str:
    """Run a command that must be refused; the sentence on stderr."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 2 and result.stderr.count("\n") == 1, result.output
    return str(result.stderr)


def prepared(path: Path, target: str | None, **options: Any) -> tuple[DataFile, str, Dataset]:
    """A file as it would be trained on: its rows and target, the task, inputs and notes."""
    data_file = read_data_file(str(path), target, ReadingOptions(**options))
    task, _ = find_task(data_file, "auto")
    return data_file, task, prepare_dataset(data_file, task, 0.2, 0, counts=False)


def inputs(dataset: Dataset) -> list[str]:
    return dataset.preparation.features  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "target", "task", "features", "notes"),
    [
        ("dec_mixed.csv", "y", "regression", ["a", "b"], ["a: decimal comma (9,47 is 9.47)"]),
        ("dec_tab.tsv", "y", "regression", ["a", "b"], ["a: decimal comma (9,47 is 9.47)"]),
        ("dec_quoted.csv", "y", "regression", ["a", "b"], ["a: decimal comma (10,50 is 10.5)"]),
        ("thou.csv", "y", "regression", ["a", "b"], ["a: thousands separators (10,502.92 is 10502.92)"]),
        ("n_nbsp.csv", "y", "regression", ["a", "b"], ["a: thousands separators (2\u00a0562 is 2562)"]),
        ("n_pct.csv", "y", "regression", ["a", "b"], ["a: percent signs (0.5% is 0.5)"]),
        ("n_paren.csv", "y", "regression", ["a", "b"], ["a: parentheses for minus ((0.53) is -0.53)"]),
        ("m_dash.csv", "y", "regression", ["a", "a is missing", "b"], ["a: 7 × '-' are missing"]),
        ("m_none_most.csv", "y", "regression", ["a", "a is missing", "b"], ["a: 40 × 'None' are missing"]),
        ("q_target.csv", "y", "regression", ["a", "b"], ["y: 1 row without a target is left out (line 11 holds '?')"]),
        ("thou_target.csv", "y", "regression", ["a", "b"], ["y: thousands separators (20,569.41 is 20569.41)"]),
        ("zip_target.csv", "code", "classification", ["a", "b"], ["code: read as text, because"]),
        ("ws_target.csv", "k", "classification", ["a", "b"], ["k: blanks around 10 cells are ignored"]),
        ("emptycol.csv", "y", "regression", ["a", "b"], ["notes: left out: it has no values"]),
        ("trail.csv", "y", "regression", ["a", "b"], ["Unnamed: 3: left out: it has no values and no name"]),
        ("trail2.csv", "y", "regression", ["a", "b"], ["Unnamed: 3: left out", "Unnamed: 4: left out"]),
        ("index.csv", "k", "classification", ["a"], ["Unnamed: 0: left out: it counts the rows from 0"]),
        ("t_sortid.csv", "k", "classification", ["a", "b", "c"], ["id: left out: it counts the rows from 1"]),
        ("p_index.parquet", "k", "classification", ["a", "b", "y"], ["__index_level_0__: left out: the row labels"]),
        ("p_named_index.parquet", "k", "classification", ["a", "b", "y"], ["customer: left out: the row labels"]),
        ("p_view_target.parquet", "k", "classification", ["a", "b"], []),
        ("sep_line.csv", "y", "regression", ["a", "b"], []),
        ("pipe.csv", "y", "regression", ["a", "b"], []),
        ("c_semi_hdr_comma.csv", "k", "classification", ["a (x,y,z)", "b"], []),
        ("parts.parquet", "k", "classification", ["a", "b"], ["1 Parquet file is read as a table"]),
        ("y_int1.npz", None, "classification", None, []),
        ("y_u64.npz", None, "classification", None, []),
    ],
)
def test_files_are_read_as_a_person_reads_them(
    name: str, target: str | None, task: str, features: list[str] | None, notes: list[str]
) -> None:
    _, chosen, dataset = prepared(CASES / name, target)
    assert chosen == task
    assert features is None or inputs(dataset) == features
    assert np.isfinite(dataset.x).all()
    listed = [note for note in dataset.notes if "alone it predicts" not in note]
    assert len(listed) == len(notes)
    assert all(expected in note for expected, note in zip(notes, listed, strict=True)), listed


@pytest.mark.parametrize(("name", "first"), [("dec_mixed.csv", [10, 9.47, 12.56]), ("n_paren.csv", [0.5, -0.53, 2.56])])
def test_the_numbers_are_those_that_are_written(name: str, first: list[float]) -> None:
    data_file, _, dataset = prepared(CASES / name, "y")
    column = dataset.preparation.columns[0]  # type: ignore[union-attr]
    values = column.reading.values(data_file.data, "a")
    np.testing.assert_allclose(values[:3], first)
    np.testing.assert_allclose(dataset.x[:3, 0], (values[:3] - column.encoding.mean) * column.encoding.scale, rtol=1e-5)


def test_a_date_has_the_same_parts_in_both_spellings() -> None:
    _, _, iso = prepared(CASES / "datecol.csv", "y")
    _, _, german = prepared(CASES / "datecol_de.csv", "y")
    assert inputs(iso) == inputs(german) and "when days" in inputs(iso) and "when Monday" in inputs(iso)
    np.testing.assert_array_equal(iso.x, german.x)
    wednesday = inputs(iso).index("when Wednesday")
    assert iso.x[:8, wednesday].tolist() == [1, 0, 0, 0, 0, 0, 0, 1]  # 2020-01-01 was one
    assert "when: dates, day first: 13.01.2020" in german.notes[0]


def test_a_row_counter_is_kept_where_asked_and_a_later_file_may_lack_it(tmp_path: Path) -> None:
    assert inputs(prepared(CASES / "t_sortid.csv", "k", keep=["id"])[2]) == ["a", "b", "c", "id"]
    assert inputs(prepared(CASES / "p_index.parquet", "k", keep="__index_level_0__")[2])[-1] == "__index_level_0__"
    run("train", CASES / "index.csv", "--target", "k", "--out", tmp_path / "m", *QUICK)
    (tmp_path / "later.csv").write_text("a\n0.5\n-0.5\n")
    run("predict", tmp_path / "m", tmp_path / "later.csv", "--out", tmp_path / "p.csv")


@pytest.mark.parametrize("trained", ["tr_bool.csv", "tr_int.csv"])
def test_booleans_mean_the_same_in_every_spelling(tmp_path: Path, trained: str) -> None:
    run("train", CASES / trained, "--target", "y", "--out", tmp_path / "m", *QUICK)
    outputs = []
    for name in ("te_10.csv", "te_TF.csv"):
        result = run("predict", tmp_path / "m", CASES / name, "--out", tmp_path / "p.csv")
        assert "Note" not in result.stderr
        outputs.append((tmp_path / "p.csv").read_bytes())
    scores = [
        run("evaluate", tmp_path / "m", CASES / name).stdout.split("RMSE")[1] for name in ("tr_bool.csv", "tr_int.csv")
    ]
    assert outputs[0] == outputs[1] and scores[0] == scores[1]


def test_unseen_categories_are_counted_aloud(tmp_path: Path) -> None:
    run("train", CASES / "tr_bool.csv", "--target", "y", "--out", tmp_path / "m", *QUICK)
    message = {}
    for name in ("te_case.csv", "te_unseen.csv"):
        message[name] = run("predict", tmp_path / "m", CASES / name, "--out", tmp_path / "p.csv").stderr
    start = "Warning: c: all 6 cells are not in the training data"
    assert (
        f"{start} ('Blue', 'Red', 'Green') and count as unknown; 'Blue' may be the known level 'blue'"
        in message["te_case.csv"]
    )
    assert f"{start} ('purple') and count as unknown\n" in message["te_unseen.csv"]


def test_a_target_without_a_value_is_named_with_its_line(tmp_path: Path) -> None:
    file, model = CASES / "q_target.csv", tmp_path / "m"
    for task in ("auto", "regression"):
        output = run("train", file, "--target", "y", "--out", model, "--task", task, *QUICK).stdout
        assert "59 rows" in output and "regression of 'y'" in output
    assert "y: 1 row without a target is left out (line 11 holds '?')" in run("evaluate", model, file).stderr
    refusal = refused("train", file, "--target", "y", "--out", model, "--drop-missing-target", "no", *QUICK)
    assert "line 11, column 'y' is missing (1 in total)" in refusal


@pytest.mark.parametrize(
    ("name", "target", "classes"),
    [
        ("zip_target.csv", "code", {"007", "012"}),
        ("k_pm.csv", "k", {"+", "-"}),
        ("ws_target.csv", "k", {"yes", "no"}),
        ("y_u64.npz", None, {"9223372036854775808", "9223372036854775809"}),
        ("y_int1.npz", None, {"0", "1"}),
        ("p_view_target.parquet", "k", {"yes", "no"}),
    ],
)
def test_classes_come_back_as_they_were_written(
    tmp_path: Path, name: str, target: str | None, classes: set[str]
) -> None:
    arguments = ["--target", target] if target else []
    run(
        "train",
        CASES / name,
        "--out",
        tmp_path / "m",
        *arguments,
        "--hidden",
        "8",
        "--epochs",
        "30",
        "--lr",
        "0.01",
        "--quiet",
    )
    run("predict", tmp_path / "m", CASES / name, "--out", tmp_path / "p.csv")
    text = pyarrow.csv.ConvertOptions(column_types={"prediction": pa.string()})
    predicted = pyarrow.csv.read_csv(tmp_path / "p.csv", convert_options=text).column("prediction").to_pylist()
    assert set(predicted) == classes
    accuracy = re.search(r"accuracy +([\d.]+)%", run("evaluate", tmp_path / "m", CASES / name).stdout)
    assert accuracy and float(accuracy[1]) > 80


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("z.zip", "is a zip file with ok.csv; unpack it and give the table in it."),
        ("x.xlsx", "is an Excel workbook; save the sheet as CSV (UTF-8)."),
        ("c_json.csv", "is a JSON file; save the table as CSV or Parquet"),
    ],
)
def test_other_files_are_named_for_what_they_are(tmp_path: Path, name: str, message: str) -> None:
    assert message in refused("train", CASES / name, "--target", "k", "--out", tmp_path / "m")


def test_counts_are_a_regression_where_the_cost_is_for_counts(tmp_path: Path) -> None:
    arguments = ["--target", "y", "--out", tmp_path / "m", "--cost", "poisson", *QUICK]
    assert "regression of 'y' (the cost is for counts" in run("train", CASES / "h_count.csv", *arguments).stdout


@pytest.mark.parametrize("name", ["r_5rows.csv", "r_zero.csv"])
def test_a_constant_target_among_the_validation_rows_loses_no_model(tmp_path: Path, name: str) -> None:
    output = run("train", CASES / name, "--target", "y", "--out", tmp_path / "m", "--seed", "3", *QUICK).stdout
    assert "no R², because these rows have a single target value" in output
    assert "R²" in run("evaluate", tmp_path / "m", CASES / name).stdout


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_targets_of_any_size(tmp_path: Path, size: float) -> None:
    x = np.random.default_rng(0).normal(size=100)
    rows = "".join(f"{a:.4f},{(2 * a + 1) * size!r}\n" for a in x)
    (tmp_path / "d.csv").write_text("a,y\n" + rows.replace("np.float64(", "").replace(")", ""))
    arguments = ["--target", "y", "--out", tmp_path / "m", "--hidden", "8", "--epochs", "60", "--lr", "0.01", "--quiet"]
    run("train", tmp_path / "d.csv", *arguments)
    r2 = re.search(r"R² +(\S+)", run("evaluate", tmp_path / "m", tmp_path / "d.csv").stdout)
    assert r2 and float(r2[1]) > 0.9


def test_columns_prints_the_reading_without_training() -> None:
    output = run("columns", CASES / "datecol_de.csv", "--target", "y").stdout
    lines = [re.split(r"  +", line) for line in output.splitlines()]
    assert ["column", "type", "missing", "values", "use"] in lines
    assert ["a", "number", "0", "0.7 to 17.8", "1 input"] in lines
    assert ["when", "date", "0", "2020-01-01 to 2020-01-28", "10 inputs"] in lines
    assert ["y", "number", "0", "2.4 to 36.3", "target"] in lines
    assert "regression of 'y'" in output and "day first: 13.01.2020" in output
    assert "when    category" in run("columns", CASES / "datecol_de.csv", "--category", "when").stdout
    assert "has no column 'wenn'. Did you mean 'when'?" in refused("columns", CASES / "datecol.csv", "--date", "wenn")
    assert "holds arrays" in refused("columns", CASES / "y_int1.npz")


def test_the_output_in_the_documentation_is_real() -> None:
    root = Path(__file__).parents[2]
    output = run("columns", root / "docs" / "data" / "orders.csv", "--target", "late").stdout
    assert output.replace(f"{root}/", "") in (root / "docs" / "tables.md").read_text("utf-8")
