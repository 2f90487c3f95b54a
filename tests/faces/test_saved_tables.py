"""Files of tabular models: raw columns are predicted as before, and a file that lies is refused."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import glassnet
from glassnet import TabularClassifier, TabularRegressor
from glassnet.data.target import ClassTarget
from glassnet.errors import DataError, ModelFileError
from glassnet.files.header import MAX_HEADER
from glassnet.files.storage import read_tensors, write_tensors
from glassnet.tabular.base_tabular import BaseTabular
from glassnet.tabular.calibration import Calibration
from glassnet.tabular.hyperparameters import Hyperparameters
from glassnet.tabular.intervals import Intervals, OutputIntervals
from glassnet.tabular.linear_path import LinearPath
from glassnet.tabular.model import TabularModel
from glassnet.tabular.model_file import write_tabular

from .document_paths import document_paths

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SAVED = Path(__file__).parent / "saved"
ROWS = 120
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "number": np.where(RNG.random(ROWS) < 0.1, np.nan, RNG.normal(size=ROWS)),
        "text ä": RNG.choice(["red", "Blue, dark", "grün"], ROWS),
        "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 900, ROWS), "D"),
        "flag": RNG.choice([True, False], ROWS),
        7: RNG.choice(["1,5", "2,25", "1.000,75"], ROWS),
        "id": [f"case {k}" for k in range(ROWS)],
    }
)
SCORE = FRAME["number"].fillna(0).to_numpy() + FRAME["flag"].to_numpy()
TARGETS: dict[str, Any] = {
    "text": np.where(SCORE > 0.3, "in ", "out"),
    "three": np.digitize(SCORE, [0, 1]) * 5 - 3,
    "bool": SCORE > 0.3,
    "uint64": np.where(SCORE > 0.3, 2**64 - 1, 1).astype(np.uint64),
    "float32": (SCORE > 0.3).astype(np.float32),
    "number": SCORE,
    "positive": np.exp(4 * SCORE),
    "several": np.stack([SCORE, SCORE**2], 1),
}
REGRESSIONS = ("number", "positive", "several")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two small members, trained in no time."""
    monkeypatch.setattr(BaseTabular, "_hyperparameters", Hyperparameters(members=2, epochs=2, width=8, layers=2))
    yield


def fitted(name: str, frame: Any = FRAME, **parameters: Any) -> Any:
    kind = TabularRegressor if name in REGRESSIONS else TabularClassifier
    return kind(random_state=0, **parameters).fit(frame, TARGETS[name])


def outputs(model: Any, frame: Any = FRAME) -> Any:
    """The probabilities or the numbers."""
    return model.predict_proba(frame) if isinstance(model, TabularClassifier) else model.predict(frame)


def same(first: Any, second: Any) -> None:
    assert first.dtype == second.dtype and first.shape == second.shape and first.tolist() == second.tolist()


@pytest.mark.parametrize("name", TARGETS)
def test_the_same_bits_come_back(tmp_path: Path, name: str) -> None:
    model = fitted(name, date=["day"], keep=("id",), preset="fast")
    model.save(tmp_path / "m")
    loaded = glassnet.load(tmp_path / "m")
    assert type(loaded) is type(model) and repr(loaded) == repr(model) and loaded.get_params() == model.get_params()
    same(outputs(loaded), outputs(model))
    same(loaded.predict(FRAME), model.predict(FRAME))
    same(outputs(loaded, pl.from_pandas(FRAME.rename(columns=str))), outputs(model))
    assert [member.best_epoch for member in loaded.members_] == [member.best_epoch for member in model.members_]
    for one, other in zip(loaded.members_, model.members_, strict=True):
        same(one.network.parameters.vector, other.network.parameters.vector)
        assert one.network.describe() == other.network.describe() and one.score == other.score
    assert loaded.notes_ == model.notes_ and repr(loaded.model_) == repr(model.model_)
    assert loaded.feature_names_in_.tolist() == model.feature_names_in_.tolist()
    if hasattr(model, "classes_"):
        same(loaded.classes_, model.classes_)
    type(model).load(tmp_path / "m").save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()


def with_parts(model: TabularModel) -> TabularModel:
    """The model with everything that may be fitted to rows that members left out."""
    width, count = model.preparation.width, model.members[0].network.architecture.outputs
    model.linear = LinearPath(
        0.25, RNG.normal(size=(width, count)), RNG.normal(size=count), isinstance(model.target, ClassTarget)
    )
    model.calibration = Calibration(1.5)
    model.intervals = Intervals(tuple(OutputIntervals(np.sort(RNG.normal(size=9)), ()) for _ in range(count)))
    return model


@pytest.mark.parametrize("name", ["three", "several"])
def test_what_was_fitted_to_rows_left_out_comes_back(tmp_path: Path, name: str) -> None:
    model = fitted(name)
    with_parts(model.model_)
    model.save(tmp_path / "m")
    loaded = glassnet.load(tmp_path / "m").model_
    for part in ("linear", "calibration", "intervals"):
        written, read = getattr(model.model_, part), getattr(loaded, part)
        assert type(read) is type(written) and read.to_json() == written.to_json()
        assert read.tensors().keys() == written.tensors().keys()
        for key, array in written.tensors().items():
            same(read.tensors()[key], array)
    assert loaded.output_range == model.model_.output_range
    same(loaded.inputs(glassnet.data.table.Table.from_frame(FRAME)), model.model_.inputs(_table()))


def _table() -> Any:
    from glassnet.data.table import Table

    return Table.from_frame(FRAME)


def test_the_notes_of_a_model_without_an_estimator_come_back(tmp_path: Path) -> None:
    model = fitted("three")
    write_tabular(tmp_path / "m.st", model.model_)  # as the command line does
    loaded = glassnet.load(tmp_path / "m.st")
    assert any(note.startswith("id: left out") for note in loaded.notes_)
    assert loaded.notes_ == model.notes_


SCRIPT = """
import sys, pandas, glassnet
print(glassnet.load(sys.argv[1]).predict_proba(pandas.read_pickle(sys.argv[2])).tobytes().hex())
"""


def test_another_process_predicts_the_same_bits(tmp_path: Path) -> None:
    model = fitted("three")
    model.save(tmp_path / "m")
    FRAME.to_pickle(tmp_path / "frame")
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "m"), str(tmp_path / "frame")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == model.predict_proba(FRAME).tobytes().hex()


def test_columns_that_are_renamed_or_retyped(tmp_path: Path) -> None:
    fitted("three").save(tmp_path / "m")
    loaded = glassnet.load(tmp_path / "m")
    same(loaded.predict_proba(FRAME.iloc[:, ::-1].assign(more=1)), loaded.predict_proba(FRAME))
    with pytest.raises(DataError, match=r"lacks column 'number'.*Did you mean 'numbers'"):
        loaded.predict(FRAME.rename(columns={"number": "numbers"}))
    with pytest.raises(DataError, match="'number'"):
        loaded.predict(FRAME.assign(number="much"))
    same(loaded.predict_proba(FRAME.assign(number=FRAME["number"].astype(str))), loaded.predict_proba(FRAME))


def test_an_array_keeps_its_columns(tmp_path: Path) -> None:
    x = RNG.normal(size=(ROWS, 3))
    model = TabularRegressor(random_state=0).fit(x, x[:, 0])
    model.save(tmp_path / "m")
    loaded = glassnet.load(tmp_path / "m")
    same(loaded.predict(x), model.predict(x))
    assert not hasattr(loaded, "feature_names_in_") and loaded.n_features_in_ == 3
    with pytest.raises(ValueError, match="X has 2 features, but TabularRegressor is expecting 3"):
        loaded.predict(x[:, :2])


def test_a_scorer_is_left_out_and_named(tmp_path: Path) -> None:
    model = fitted("three")
    model.metric = lambda estimator, x, y: 0.0
    with pytest.warns(UserWarning, match=r"is without metric \(a function\), .* set_params\(metric=...\)"):
        model.save(tmp_path / "m")
    assert glassnet.load(tmp_path / "m").metric == "auto"


def test_other_readers_say_what_the_file_is(tmp_path: Path) -> None:
    fitted("three").save(tmp_path / "m")
    for read in (glassnet.NeuralNetwork.load, TabularRegressor.load, glassnet.MLPClassifier.load):
        with pytest.raises(ModelFileError, match=r"holds a (fitted )?TabularClassifier, not a .*glassnet\.load\.$"):
            read(tmp_path / "m")
    glassnet.NeuralNetwork([2, 1], seed=1).save(tmp_path / "net")
    with pytest.raises(ModelFileError, match="holds a network without the preprocessing"):
        TabularClassifier.load(tmp_path / "net")


@pytest.mark.parametrize("columns", [1, 6])
def test_many_levels_fit_into_the_file(tmp_path: Path, columns: int) -> None:
    levels = 100_000 if columns == 1 else 2_000
    rng = np.random.default_rng(1)
    cells = {f"c{k}": [f'Ort "{n}"' for n in rng.permutation(levels)] for k in range(columns)}
    model = TabularClassifier(random_state=0, category=list(cells)).fit(pd.DataFrame(cells), np.arange(levels) % 3)
    model.save(tmp_path / "m")
    head = (tmp_path / "m").read_bytes()[:8]
    assert int.from_bytes(head, "little") < MAX_HEADER
    start = time.process_time()
    loaded = glassnet.load(tmp_path / "m")
    assert time.process_time() - start < 1
    part = pd.DataFrame(cells)[:50]
    same(loaded.predict_proba(part), model.predict_proba(part))


# Older files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["classes", "numbers"])
def test_files_of_older_commands_predict_raw_columns(name: str) -> None:
    frame = pd.read_csv(SAVED / f"{name}.csv")
    model = glassnet.load(SAVED / f"old_{name}.safetensors")
    if name == "classes":
        assert type(model) is TabularClassifier and model.classes_.tolist() == ["in", "out"]
        np.testing.assert_allclose(model.predict_proba(frame), frame[["p_in", "p_out"]], atol=1e-6)
    else:
        assert type(model) is TabularRegressor
        np.testing.assert_allclose(model.predict(frame), frame["prediction"], rtol=1e-5)
    assert model.feature_names_in_.tolist() == ["number", "color", "day", "flag"]
    with pytest.raises(DataError, match="lacks column 'color'"):
        model.predict(frame.drop(columns="color"))


def test_a_file_of_arrays_predicts_arrays() -> None:
    arrays = np.load(SAVED / "arrays.npz")
    model = glassnet.load(SAVED / "old_arrays.safetensors")
    np.testing.assert_allclose(model.predict_proba(arrays["x"]), arrays["p"], atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(arrays["x"].reshape(12, 4, 4)), arrays["p"], atol=1e-6)
    with pytest.raises(DataError, match="x has 15 features; the model was trained on 16"):
        model.predict(arrays["x"][:, 1:])


def test_an_older_file_is_saved_as_an_estimator(tmp_path: Path) -> None:
    frame = pd.read_csv(SAVED / "classes.csv")
    model = glassnet.load(SAVED / "old_classes.safetensors")
    model.save(tmp_path / "m")
    same(glassnet.load(tmp_path / "m").predict_proba(frame), model.predict_proba(frame))


def test_a_network_is_not_taken_out_of_its_preprocessing() -> None:
    for name in ("classes", "numbers", "arrays"):
        with pytest.raises(ModelFileError, match=r"preparation of its columns, .* read it with glassnet\.load"):
            glassnet.NeuralNetwork.load(SAVED / f"old_{name}.safetensors")


# Files that lie -------------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    model = fitted("three")
    with_parts(model.model_)
    model.save(tmp_path / "saved")
    return tmp_path / "saved"


def refusal(path: Path) -> str:
    """The sentence that refuses a file, or "" where the file is loaded and predicts."""
    start = time.process_time()
    try:
        loaded = glassnet.load(path)
    except ModelFileError as error:
        assert time.process_time() - start < 1
        assert str(error).startswith(str(path)) and str(error).endswith(".") and "\n" not in str(error)
        return str(error)
    with contextlib.suppress(DataError):  # another column or spelling is another model
        loaded.predict(FRAME)
    return ""


def test_a_file_cut_anywhere_is_refused(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    for length in range(0, len(whole), 301):
        (tmp_path / "m").write_bytes(whole[:length])
        assert refusal(tmp_path / "m")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_document_with_anything_changed_gives_a_sentence_or_a_model(saved: Path, tmp_path: Path) -> None:
    tensors, document = read_tensors(saved)
    refused, failures = 0, []
    for path, wrong in zip(document_paths(document)[1:], cycle([None, -1, "x", [], {}, 1e30, "left out"])):
        if path[:2] == ("members", 1):  # as the first
            continue
        changed = json.loads(json.dumps(document))
        place = changed
        for key in path[:-1]:
            place = place[key]
        if wrong == "left out":
            del place[path[-1]]
        else:
            place[path[-1]] = wrong
        write_tensors(tmp_path / "m", tensors, changed)
        try:
            refused += refusal(tmp_path / "m") != ""
        except (ArithmeticError, AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            failures.append((path, wrong, type(error).__name__, str(error)[:100]))
    assert not failures and refused > 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table["members"].pop(), "damaged"),
        (lambda table: table["target"]["classes"].append(99), "do not fit its network"),
        (lambda table: table["preparation"]["columns"].pop(), "do not fit its network"),
        (lambda table: table["range"].append([1.0]) if table["range"] else table.update(range=[[1.0], [0.0]]), "range"),
        (lambda table: table["linear"].update(weight=2), "linear path"),
        (lambda table: table["calibration"].update(temperature=0), "calibration"),
        (lambda table: table["intervals"].update(difficulties=[0]), "intervals"),
        (
            lambda table: (
                table["target"].update(kind="regression", mean=[0.0] * 3, scale=[1.0] * 3)
                or table["linear"].update(classes=False)
            ),
            "is not that of a",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(saved: Path, tmp_path: Path, change: Any, message: str) -> None:
    tensors, document = read_tensors(saved)
    change(document["table"])
    write_tensors(tmp_path / "m", tensors, document)
    assert message in refusal(tmp_path / "m")


def test_the_file_is_small_and_its_header_is_bounded(tmp_path: Path) -> None:
    BaseTabular._hyperparameters = Hyperparameters(members=8, epochs=2, width=8, layers=3)
    fitted("three").save(tmp_path / "m")
    assert int.from_bytes((tmp_path / "m").read_bytes()[:8], "little") < MAX_HEADER / 4
    assert len(read_tensors(tmp_path / "m")[0]) < 1000
    assert len(read_tensors(tmp_path / "m")[1]["members"]) == 8
