"""Draws rows that suit a model, or takes those of a person, and computes what glassnet predicts for them.

Drawn rows hold numbers within and beyond the usual range, missing cells, known and unknown levels, and dates.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from glassnet.batches.samples import input_rows
from glassnet.batches.sparse import dense
from glassnet.data.arrow_types import as_float, kind_of
from glassnet.data.columns import Column
from glassnet.data.encodings import StandardizedNumber
from glassnet.data.preprocessing import ArrayPreparation, TablePreparation
from glassnet.data.readings import BooleanReading, CategoryReading, DateReading, NumberReading
from glassnet.data.robust_number import RobustNumber
from glassnet.data.table import Table
from glassnet.data.target import ClassTarget
from glassnet.errors import DataError
from glassnet.estimators import MLPClassifier, MLPRegressor
from glassnet.export.columns import sentinels
from glassnet.export.examples import Examples
from glassnet.export.pipeline import TEXT, Pipeline
from glassnet.network import NeuralNetwork
from glassnet.tables.embeddings import Embedding
from glassnet.tabular.model import TabularModel
from glassnet.tabular.raw_columns import raw_table

Array = np.ndarray[Any, Any]
MICROSECONDS = 86_400 * 10**6  # of a day
MISSING_SHARE = 0.1
EDGES = ["1999-12-31", "2000-01-01", "2000-02-29", "1969-12-31", "2100-03-01", "2023-12-31", "2024-01-01", "1900-03-01"]
FAR = (50.0, -300.0)  # spreads from the median


def example_rows(model: Any, pipeline: Pipeline, count: int, given: Any = None) -> Examples:
    """Rows with the model's own predictions for them: `count` drawn ones, or those `given`, as `predict` takes them.

    For a NeuralNetwork these are columns (fan_in, batch). Raises DataError (a ValueError) for rows that do not fit.
    """
    rng = np.random.default_rng(0)
    if isinstance(model, NeuralNetwork):
        inputs = model.architecture.inputs
        x = _drawn_inputs(model, rng, count) if given is None else input_rows(given, inputs, model.dtype)
        x = x.astype(model.dtype)
        return Examples({pipeline.inputs[0].name: x}, {"output": model.predict(x.T).T})
    if isinstance(model, MLPClassifier | MLPRegressor):
        network: Any = model._synced_network()
        x = _drawn_inputs(network, rng, count) if given is None else np.asarray(dense(model._validated_X(given)))
        return _estimator_examples(model, pipeline, x.astype(network.dtype))
    tabular = model if isinstance(model, TabularModel) else model.model_
    return _tabular_examples(model, tabular, pipeline, rng, count, given)


def _drawn_inputs(network: NeuralNetwork, rng: Any, count: int) -> Array:
    """Normal numbers; codes where an embedding looks them up."""
    x = rng.normal(size=(count, network.architecture.inputs))
    for layer in network.architecture.input_layers:
        if isinstance(layer, Embedding):
            columns = range(x.shape[1]) if layer.inputs is None else layer.inputs
            for column, levels in zip(columns, layer.levels_of(x.shape[1]), strict=True):
                x[:, column] = rng.integers(0, levels + 2, count)
            break  # a later one reads the columns of this one
    return np.asarray(x)


def _estimator_examples(model: MLPClassifier | MLPRegressor, pipeline: Pipeline, x: Array) -> Examples:
    outputs: dict[str, Array] = {}
    if isinstance(model, MLPRegressor):
        outputs["prediction"] = model._outputs(x)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that x has no names of columns
            probabilities, labels = model.predict_proba(x), dense(model.predict(x))
        names = [output.name for output in pipeline.outputs]
        values = probabilities if isinstance(probabilities, list) else [probabilities]
        outputs |= dict(zip([name for name in names if name.startswith("probabilities")], values, strict=True))
        own = [name for name in names if name.startswith("label")]
        outputs |= dict(zip(own, [labels] if len(own) == 1 else list(labels.T), strict=True))
    return Examples({pipeline.inputs[0].name: x}, outputs)


# Tables ---------------------------------------------------------------------------------------------------------------


def _tabular_examples(
    model: Any, tabular: TabularModel, pipeline: Pipeline, rng: Any, count: int, given: Any
) -> Examples:
    if isinstance(tabular.preparation, ArrayPreparation):
        inputs = _array_inputs(tabular.preparation, rng, count, given)
        x = tabular.preparation.transform(next(iter(inputs.values())), "examples")
    else:
        names = None if isinstance(model, TabularModel) or model._is_named else model._names
        table = _drawn_table(tabular.preparation, rng, count) if given is None else _given_table(given, model, names)
        inputs = _table_inputs(tabular.preparation, pipeline, table, names)
        x = tabular.prepare(table).x
    if isinstance(tabular.target, ClassTarget):
        probabilities = tabular.probabilities(x)
        labels = np.array(tabular.target.classes)[probabilities.argmax(axis=1)]
        return Examples(inputs, {"label": labels, "probabilities": probabilities})
    return Examples(inputs, {"prediction": tabular.values(x)})


def _array_inputs(preparation: ArrayPreparation, rng: Any, count: int, given: Any) -> dict[str, Array]:
    if given is not None:
        return {"x": np.asarray(given).reshape(len(given), -1)}
    if preparation.is_bytes:
        return {"x": rng.integers(0, 256, (count, preparation.width)).astype(np.float32)}
    scale = np.array(preparation.scale)
    deviation = np.divide(1, scale, out=np.ones_like(scale), where=scale != 0)
    return {"x": preparation.mean + rng.normal(size=(count, preparation.width)) * deviation}


def _given_table(given: Any, model: Any, names: Sequence[str] | None) -> Table:
    table, named = raw_table(given, model)
    if names is not None and not named:
        if len(table.names) != len(names):
            raise DataError(f"examples has {len(table.names)} columns, but the model was fitted to {len(names)}.")
        table = Table(table.path, table.data.rename_columns(list(names)))
    return table


def _drawn_table(preparation: TablePreparation, rng: Any, count: int) -> Table:
    columns = {column.name: _drawn_column(column, rng, count) for column in preparation.columns}
    return Table("examples", pa.table(columns))


def _drawn_column(column: Column, rng: Any, count: int) -> pa.Array:
    reading, missing = column.reading, rng.random(count) < MISSING_SHARE
    if isinstance(reading, BooleanReading):
        return pa.array(rng.random(count) < 0.5, mask=missing)
    if isinstance(reading, CategoryReading):
        levels = np.array([*reading.levels, "a level that is not known"], object)
        return pa.array(levels[rng.integers(0, len(levels), count)], pa.large_string(), mask=missing)
    if isinstance(reading, DateReading):
        return _drawn_dates(reading, rng, count, missing)
    return pa.array(_drawn_numbers(column, rng, count), mask=missing)


def _drawn_numbers(column: Column, rng: Any, count: int) -> Array:
    """Numbers around the median, some far from it; 0 and 1 where there were no others."""
    if isinstance(column.reading, NumberReading) and column.reading.binary:
        return np.asarray(rng.integers(0, 2, count), np.float64)
    encoding = column.encoding
    assert isinstance(encoding, RobustNumber | StandardizedNumber)
    center = encoding.median if isinstance(encoding, RobustNumber) else encoding.mean
    spread = 1 / encoding.scale if encoding.scale else 1.0
    with np.errstate(over="ignore"):
        distances = rng.standard_t(3, count)
        distances[rng.permutation(min(count, 8))[:2]] = FAR[: min(count, 2)]
        numbers = np.nan_to_num(center + distances * spread)
    for sentinel in sentinels(column.reading):
        numbers[rng.random(count) < MISSING_SHARE] = sentinel
    return np.asarray(numbers)


def _drawn_dates(reading: DateReading, rng: Any, count: int, missing: Array) -> pa.Array:
    if reading.spelling.order == "time":
        return pa.array(rng.integers(0, MICROSECONDS, count), pa.time64("us"), mask=missing)
    days = rng.integers(-20_000, 30_000, count)
    days[: len(EDGES)] = rng.permutation(np.array(EDGES, "datetime64[D]").astype(np.int64))[:count]
    times = rng.integers(0, MICROSECONDS, count) * (rng.random(count) < 0.5)
    return pa.array(days * MICROSECONDS + times, pa.timestamp("us"), mask=missing)


def _table_inputs(
    preparation: TablePreparation, pipeline: Pipeline, table: Table, names: Sequence[str] | None
) -> dict[str, Array]:
    """The cells of a table as the inputs of the pipeline."""
    by_name = {column.name: column for column in preparation.columns}
    if names is not None and list(by_name) != [entry.name for entry in pipeline.inputs]:
        values = [_numbers(by_name[name], table) if name in by_name else np.zeros(table.rows) for name in names]
        return {"x": np.column_stack(values)}
    return {
        entry.name: _cells(by_name[entry.name], table, pipeline.quantities[entry.quantity].dtype == TEXT)
        for entry in pipeline.inputs
    }


def _numbers(column: Column, table: Table) -> Array:
    """A column of numbers or dates (n,): numbers as they are, also those that mean a missing cell."""
    cells = table.column(column.name)
    is_plain = isinstance(column.reading, NumberReading) and kind_of(cells.type) == "number"
    return as_float(cells) if is_plain else np.asarray(column.reading.values(table, column.name), np.float64)


def _cells(column: Column, table: Table, is_text: bool) -> Array:
    """A column (n, 1) of numbers or of texts."""
    reading = column.reading
    if not is_text:
        return _numbers(column, table)[:, np.newaxis]
    if isinstance(reading, BooleanReading):
        codes = reading.values(table, column.name)
        texts = [None if code < 0 else reading.levels[code] for code in codes.tolist()]
    else:
        assert isinstance(reading, CategoryReading)
        texts = reading.cells(table.column(column.name)).to_pylist()
    return np.array([[text] for text in texts], object)
