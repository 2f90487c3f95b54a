"""One row as a dict or as a DataFrame of one row is predicted as among many, in a fraction of the time."""

from __future__ import annotations

import copy
import pickle
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from glassnet import TabularClassifier, TabularRegressor
from glassnet.errors import DataError
from glassnet.tabular.base_tabular import BaseTabular
from glassnet.tabular.column_warnings import ColumnWarning
from glassnet.tabular.hyperparameters import Hyperparameters
from glassnet.tabular.single_row import row_of_array

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ROWS = 200
RNG = np.random.default_rng(0)
DAYS = pd.Timestamp("2019-12-30") + pd.to_timedelta(RNG.integers(0, 900, ROWS), "D")
FRAME = pd.DataFrame(
    {
        "number": np.where(RNG.random(ROWS) < 0.1, np.nan, RNG.normal(size=ROWS)),
        "narrow": RNG.normal(size=ROWS).astype(np.float32),
        "whole": RNG.integers(0, 1000, ROWS),
        "code": pd.Categorical(RNG.choice(["x", "y", "z"], ROWS)),
        "text": np.where(RNG.random(ROWS) < 0.1, None, RNG.choice([f"t{k}" for k in range(20)], ROWS)),
        "flag": RNG.choice([True, False], ROWS),
        "yes": RNG.choice(["yes", "no"], ROWS),
        "day": DAYS,
        "moment": DAYS + pd.to_timedelta(RNG.integers(0, 86_400_000, ROWS), "ms"),
        "iso": DAYS.strftime("%Y-%m-%d"),
        "german": DAYS.strftime("%d.%m.%Y"),
        "american": DAYS.strftime("%m/%d/%Y %H:%M"),
        "comma": RNG.choice(["1,5", "2,25", "1.000,75"], ROWS),
        7: RNG.integers(0, 2, ROWS),
    }
)
TARGET = FRAME["flag"].to_numpy() + FRAME["narrow"].to_numpy()


@pytest.fixture(scope="module")
def model() -> Iterator[TabularClassifier]:
    hyperparameters, BaseTabular._hyperparameters = (
        BaseTabular._hyperparameters,
        Hyperparameters(members=2, epochs=2, width=8, layers=2),
    )
    yield TabularClassifier(random_state=0).fit(FRAME, np.digitize(TARGET, [0, 1]))
    BaseTabular._hyperparameters = hyperparameters


def test_a_row_of_a_table_alone(model: TabularClassifier) -> None:
    expected, polars = model.predict_proba(FRAME), pl.from_pandas(FRAME.rename(columns=str))
    inputs = model._inputs(FRAME)
    arrow = pa.Table.from_pandas(FRAME.rename(columns=str), preserve_index=False)
    for row in range(0, ROWS, 3):
        cells = {name: FRAME[name].iloc[row] for name in FRAME}
        answers = {
            "dict": model.predict_proba_row(cells),
            "pandas": model.predict_proba(FRAME.iloc[row : row + 1])[0],
            "polars": model.predict_proba(polars[row])[0],
            "arrow": model.predict_proba(arrow.slice(row, 1))[0],
            "list of a dict": model.predict_proba([{str(name): cell for name, cell in cells.items()}])[0],
            "array": model.predict_proba(FRAME.iloc[row : row + 1].to_numpy(object))[0],
        }
        assert model._single_row.inputs(cells).tobytes() == inputs[row].tobytes(), row
        for name, answer in answers.items():  # the last bit of a linear model depends on the number of rows
            np.testing.assert_allclose(answer, expected[row], rtol=1e-12, err_msg=f"{name} {row}")
        assert model.predict_row(cells) == model.classes_[expected[row].argmax()]


def test_cells_as_a_service_gets_them(model: TabularClassifier) -> None:
    row = 5
    cells = {str(name): FRAME[name].iloc[row] for name in FRAME}
    texts = {
        **cells,
        "whole": str(cells["whole"]),
        "flag": "TRUE" if cells["flag"] else "f",
        "yes": cells["yes"] == "yes",
    }
    texts |= {"day": cells["day"].strftime("%Y-%m-%d"), "iso": datetime.fromisoformat(cells["iso"]), "more": object()}
    for name in ("number", "narrow"):
        texts[name] = repr(float(cells[name]))
    assert model.predict_proba_row(texts).tolist() == model.predict_proba_row(cells).tolist()
    missing = {name: None if isinstance(cell, str) else cell for name, cell in cells.items()}
    frame = FRAME.iloc[[row, row]].rename(columns=str).assign(**{k: None for k, v in missing.items() if v is None})
    with warnings.catch_warnings(action="ignore"):
        expected = model.predict_proba(frame)[0]
    with warnings.catch_warnings(record=True, action="always") as caught:
        assert model.predict_proba_row(missing) == pytest.approx(expected, rel=1e-12)
    assert {str(warning.message).split(":")[0] for warning in caught} == {"iso", "german", "american", "comma"}
    assert all(warning.filename == __file__ and warning.category is ColumnWarning for warning in caught)
    with pytest.warns(ColumnWarning, match=r"code: 1 of 1 cells is not in the training data .* and counts as unknown"):
        model.predict_row(cells | {"code": "X"})


def test_what_is_wrong_with_a_row_is_said(model: TabularClassifier) -> None:
    cells = {str(name): FRAME[name].iloc[0] for name in FRAME}
    with pytest.raises(DataError, match=r"the row lacks column 'whole'"):
        model.predict_row({name: cell for name, cell in cells.items() if name != "whole"})
    with pytest.raises(DataError, match=r"the row row 1, column 'whole': 'many' is not a number"):
        model.predict_row(cells | {"whole": "many"})
    with pytest.raises(DataError, match=r"X lacks column 'whole'"):
        model.predict(FRAME[:1].drop(columns="whole"))
    double = pd.concat([FRAME, FRAME[["whole"]]], axis=1)[:1]
    with pytest.raises(DataError, match="'whole'"):
        model.predict(double)


def test_copies_prepare_rows_themselves(model: TabularClassifier) -> None:
    cells = {str(name): FRAME[name].iloc[0] for name in FRAME}
    expected = model.predict_proba_row(cells).tolist()
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.predict_proba_row(cells).tolist() == expected


@pytest.mark.usefixtures("model")
def test_numbers_of_one_row() -> None:
    one = TabularRegressor(random_state=0).fit(FRAME, TARGET)
    two = TabularRegressor(random_state=0).fit(FRAME, np.stack([TARGET, -TARGET], 1))
    cells = {name: FRAME[name].iloc[3] for name in FRAME}
    assert one.predict_row(cells) == pytest.approx(one.predict(FRAME)[3], rel=1e-12)
    assert two.predict_row(cells) == pytest.approx(two.predict(FRAME)[3], rel=1e-12)
    x = FRAME[["narrow", "whole"]].to_numpy(np.float64)
    array = TabularRegressor(random_state=0).fit(x, TARGET)
    assert array.predict_row({"x0": x[3, 0], "x1": x[3, 1]}) == pytest.approx(array.predict(x)[3], rel=1e-12)


@pytest.mark.usefixtures("model")
def test_one_row_of_an_array_of_mixed_cells() -> None:
    X = FRAME[["narrow", "text", "yes", "comma", "whole", "flag"]].to_numpy(object)
    for given in (X, np.where(X == None, "", X).astype(str)):  # noqa: E711
        fit = TabularRegressor(random_state=0).fit(given, TARGET)
        inputs = fit._inputs(given)
        for row in range(0, ROWS, 7):
            cells = given[row : row + 1]
            assert row_of_array(cells, fit._names) == dict(zip(fit._names, cells[0].tolist(), strict=True))
            assert fit._inputs(cells).tobytes() == inputs[row].tobytes(), row
        with pytest.raises(ValueError, match="X has 5 features, but TabularRegressor is expecting 6"):
            fit.predict(given[:1, :5])
        with pytest.raises(DataError, match=r"X row 1, column 'x4': 'many' is not a number"):
            fit.predict(np.array([[*given[0, :4], "many", given[0, 5]]], object))
    days = FRAME[["day", "whole"]].to_numpy(object)
    assert row_of_array(days[:1], ["x0", "x1"]) is None, "dates go the way of a table"


def cpu_seconds(call: Callable[[], Any], repetitions: int = 30) -> float:
    """The median over some calls."""
    call()
    times = []
    for _ in range(repetitions):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


def test_a_single_row_takes_about_a_millisecond(model: TabularClassifier) -> None:
    cells = {name: FRAME[name].iloc[3] for name in FRAME}
    assert cpu_seconds(lambda: model.predict_proba_row(cells)) < 0.004
    assert cpu_seconds(lambda: model.predict_proba(FRAME[:1])) < 0.008
