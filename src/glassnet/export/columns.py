"""From raw columns to the inputs of a network, as part of a pipeline: what readings and encodings do, as equations.

A number is given as a number, NaN where it is missing; a category or true/false as text; a date as days since
1970-01-01, because no target but Python parses dates. A cell that glassnet refuses, such as a word where a number is
expected, cannot be refused in a graph: it counts as missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import nan, pi
from typing import Any

import numpy as np
from numpy import clip, cos, sin, sqrt, where

from glassnet.data.columns import Column
from glassnet.data.encodings import DateParts, OneHot, StandardizedNumber
from glassnet.data.preprocessing import ArrayPreparation, Preparation, TablePreparation
from glassnet.data.readings import (
    FALSE_WORDS,
    TRUE_WORDS,
    BooleanReading,
    CategoryReading,
    DateReading,
    NumberReading,
    Reading,
)
from glassnet.data.robust_number import CLIP, FAR, FULL, RobustNumber
from glassnet.data.tabular_encodings import LevelCodes, RobustDateParts, SignedLevels
from glassnet.errors import ParameterError
from glassnet.export.pipeline import FLOAT32, FLOAT64, TEXT, Pipeline, Quantity
from glassnet.tables.entry import Value

NUMBER, WORD = Quantity(1, FLOAT64), Quantity(1, TEXT)
NO_LEVEL = -1.0


def add_preparation(pipeline: Pipeline, preparation: Preparation, names: Sequence[str] | None) -> str:
    """Add the inputs and the equations that prepare them; the name of the network's inputs (width,) float32.

    `names` are those of all columns of an array, in order: where all of its columns are numbers, it is one input.
    """
    if isinstance(preparation, ArrayPreparation):
        return _add_array(pipeline, preparation)
    return _Columns(pipeline, preparation, names).add()


def _add_array(pipeline: Pipeline, preparation: ArrayPreparation) -> str:
    """(x − mean)·scale of each feature, or bytes divided by 255."""
    width = preparation.width
    if preparation.is_bytes:
        x = pipeline.add_input("x", Quantity(width, FLOAT32), f"{width:,} numbers from 0 to 255, as they are stored")
        factor = float(preparation.scale[0])
        return pipeline.formula("inputs", lambda x: x * factor, x)
    x = pipeline.add_input("x", Quantity(width, FLOAT64), f"{width:,} numbers, as they are stored")
    mean, scale = (
        pipeline.constant(name, np.broadcast_to(values, width))
        for name, values in (("mean", preparation.mean), ("scale", preparation.scale))
    )
    return pipeline.convert(pipeline.formula("scaled", lambda x, m, s: (x - m) * s, x, mean, scale), FLOAT32)


class _Columns:
    """The columns of a table; robust numbers are prepared together, as in data/number_block.py."""

    def __init__(self, pipeline: Pipeline, preparation: TablePreparation, names: Sequence[str] | None) -> None:
        self.pipeline, self.preparation = pipeline, preparation
        readings = [column.reading for column in preparation.columns]
        is_array = names is not None and all(isinstance(reading, NumberReading) for reading in readings)
        self.names = list(names) if is_array and names is not None else None
        self.parts: list[str] = []  # quantities, float32
        self.positions: list[int] = []  # of their columns among the network's inputs
        self.whole = ""

    def add(self) -> str:
        """Add all columns."""
        if self.names is not None:
            note = f"{len(self.names):,} numbers, NaN where missing"
            self.whole = self.pipeline.add_input("x", Quantity(len(self.names), FLOAT64), note)
        starts = np.cumsum([0, *(len(column.features) for column in self.preparation.columns)]).tolist()
        columns = list(zip(self.preparation.columns, starts, strict=False))
        numbers = [(self._number(c), c.encoding, start) for c, start in columns if isinstance(c.encoding, RobustNumber)]
        if numbers:
            self._add_robust(*zip(*numbers, strict=True))
        for column, start in columns:
            if not isinstance(column.encoding, RobustNumber):
                self._add_column(column, start)
        order = {column.name: number for number, (column, _) in enumerate(columns)}
        self.pipeline.inputs.sort(key=lambda entry: order.get(entry.name, 0))
        joined = self.pipeline.concatenate("parts", self.parts)
        return self.pipeline.select("inputs", joined, np.argsort(self.positions).tolist())

    def _set(self, quantity: str, positions: Sequence[int]) -> None:
        self.parts.append(quantity)
        self.positions.extend(positions)

    def _number(self, column: Column) -> str:
        """The value of a column of numbers or dates, NaN where it is missing."""
        reading = column.reading
        if self.names is not None:
            value = self.pipeline.select("column", self.whole, [self.names.index(column.name)])
        else:
            note = _date_note(reading) if isinstance(reading, DateReading) else _number_note(reading)
            value = self.pipeline.add_input(column.name, NUMBER, note)
        if missing := sentinels(reading):
            value = self.pipeline.formula("value", lambda x: _without(x, missing), value)
        return value

    def _add_robust(self, names: Sequence[str], encodings: Sequence[RobustNumber], starts: Sequence[int]) -> None:
        """(value − median)·scale, clipped smoothly, of all numbers together; then their indicators."""
        pipeline = self.pipeline
        selected = [e for e in pipeline.equations if e.kind == "select" and e.writes[0] in names]
        if self.whole and len(selected) == len(names):  # columns of one array, unchanged
            values = pipeline.select("numbers", self.whole, [equation.settings[0] for equation in selected])
        else:
            values = pipeline.concatenate("numbers", names)
        self._set(_robust(pipeline, values, [e.median for e in encodings], [e.scale for e in encodings]), starts)
        gaps = [index for index, encoding in enumerate(encodings) if encoding.indicator]
        if gaps:
            indicated = pipeline.select("numbers_with_gaps", values, gaps)
            is_missing = pipeline.formula("is_missing", lambda x: where(x != x, FULL, 0.0), indicated)
            self._set(pipeline.convert(is_missing, FLOAT32), [starts[index] + 1 for index in gaps])

    def _add_column(self, column: Column, start: int) -> None:
        """A column that is encoded by itself."""
        encoding: Any = column.encoding
        match encoding:
            case StandardizedNumber():
                encoded = self._standardized(self._number(column), encoding)
            case DateParts():
                encoded = self._date(self._number(column), encoding)
            case OneHot():
                encoded = self._one_hot(self._level(column, [float(i) for i in range(len(encoding.codes))]), encoding)
            case SignedLevels():
                encoded = self._level(column, [-1.0, 1.0], 0.0)
            case LevelCodes():
                encoded = self._level(column, [float(i + 1) for i in range(len(encoding.codes))], 0.0)
            case _:
                raise ParameterError(
                    f"Column {column.name!r} has an encoding that cannot be exported; export networks."
                )
        self._set(encoded, range(start, start + len(column.features)))

    def _standardized(self, value: str, encoding: StandardizedNumber) -> str:
        median, mean, scale = encoding.median, encoding.mean, encoding.scale
        scaled = self.pipeline.formula("scaled", lambda x: (where(x != x, median, x) - mean) * scale, value)
        parts = [self.pipeline.convert(scaled, FLOAT32)]
        if encoding.indicator:
            is_missing = self.pipeline.formula("is_missing", lambda x: where(x != x, 1.0, 0.0), value)
            parts.append(self.pipeline.convert(is_missing, FLOAT32))
        return self.pipeline.concatenate("number", parts)

    def _one_hot(self, position: str, encoding: OneHot) -> str:
        count, full = len(encoding.codes), float(encoding.value)
        positions = self.pipeline.constant("positions", np.arange(count), FLOAT32)
        return self.pipeline.formula("levels", lambda p, k: where(p == k, full, 0.0), position, positions)

    def _level(self, column: Column, numbers: Sequence[float], other: float = NO_LEVEL) -> str:
        """The number of a level; `other` where the cell is missing or its level unknown."""
        reading, encoding = column.reading, column.encoding
        assert isinstance(reading, CategoryReading | BooleanReading)
        codes: list[int] = encoding.codes  # type: ignore[attr-defined]
        by_code = dict(zip(codes, numbers, strict=True))
        if isinstance(reading, BooleanReading):
            spellings = [
                (spelt, code) for code, group in enumerate((FALSE_WORDS, TRUE_WORDS)) for spelt in _spellings(group)
            ]
            spellings = [pair for pair in spellings if pair[0].lower() not in reading.missing]
            note = f"text: {reading.levels[0]} or {reading.levels[1]}, empty where missing"
        else:
            spellings = [(level, code) for code, level in enumerate(reading.levels)]
            note = f"text, one of {len(codes):,} known levels; an empty or any other text counts as unknown"
        text = self.pipeline.add_input(column.name, WORD, note)
        pairs = sorted((word, by_code[code]) for word, code in spellings if code in by_code)
        return self.pipeline.add("level_number", (text,), {"level": Quantity(1, FLOAT32)}, settings=(*pairs, other))[0]

    def _date(self, value: str, encoding: DateParts) -> str:
        """The parts of a date; 0 where it is missing."""
        pipeline = self.pipeline
        days = pipeline.formula("days", lambda x: where(x != x, 0.0, x), value)
        calendar = pipeline.add("calendar", (days,), {"calendar": Quantity(4, FLOAT64)})[0]
        year, position, weekday, hour = (pipeline.select(n, calendar, [i]) for i, n in enumerate(CALENDAR))
        parts = []
        if encoding.days:
            parts.append(self._date_number(days, encoding.days, encoding))
            parts += [self._date_number(year, encoding.years, encoding)] if encoding.years else []
            parts += self._cycle(position)
            weekdays = pipeline.constant("weekdays", np.arange(7))
            is_weekday = pipeline.formula("is_weekday", lambda d, k: where(d == k, 1.0, 0.0), weekday, weekdays)
            parts.append(pipeline.convert(is_weekday, FLOAT32))
        parts += self._cycle(hour) if encoding.hours else []
        known = pipeline.convert(pipeline.formula("known", lambda x: where(x != x, 0.0, 1.0), value), FLOAT32)
        joined = pipeline.formula("date", lambda x, k: x * k, pipeline.concatenate("date_parts", parts), known)
        if not encoding.indicator:
            return joined
        return pipeline.concatenate("date", [joined, pipeline.formula("is_missing", lambda k: 1 - k, known)])

    def _cycle(self, part: str) -> list[str]:
        """Sine and cosine of a part from 0 to 1."""
        waves = [
            self.pipeline.formula(name, lambda x, f=f: f(2 * pi * x), part)
            for name, f in (("sine", sin), ("cosine", cos))
        ]
        return [self.pipeline.convert(wave, FLOAT32) for wave in waves]

    def _date_number(self, value: str, scaling: list[float], encoding: DateParts) -> str:
        if isinstance(encoding, RobustDateParts):
            return _robust(self.pipeline, value, scaling[:1], scaling[1:])
        mean, scale = scaling
        return self.pipeline.convert(self.pipeline.formula("scaled", lambda x: (x - mean) * scale, value), FLOAT32)


CALENDAR = ("year", "position", "weekday", "hour")


def _robust(pipeline: Pipeline, values: str, medians: Sequence[float], scales: Sequence[float]) -> str:
    """`robust_scaled` of data/robust_number.py, with its roundings."""
    half = pipeline.constant("half_median", np.multiply(medians, 0.5))
    twice = pipeline.constant("twice_scale", np.multiply(scales, 2.0))
    known = pipeline.formula("known", lambda x, h: where(x != x, h, x * 0.5), values, half)
    scaled = pipeline.formula("scaled", lambda x, h, s: clip((x - h) * s, -FAR, FAR), known, half, twice)
    third = float(np.float32(1 / CLIP))
    return pipeline.formula("clipped", lambda x: _bent(x, third), pipeline.convert(scaled, FLOAT32))


def _bent(x: Value, third: float) -> Value:
    part = x * third
    return x / sqrt(part * part + 1)


def _without(x: Value, missing: Sequence[float]) -> Value:
    for number in missing:
        x = where(x == number, nan, x)
    return x


def sentinels(reading: Reading) -> list[float]:
    """The numbers that mean a missing cell in a column of numbers."""
    texts = reading.missing if isinstance(reading, NumberReading) else []
    return [float(text) for text in texts if _is_finite(text)]


def _spellings(texts: Sequence[str]) -> list[str]:
    """The words in all letter cases."""
    return ["".join(letters) for word in texts for letters in product(*({c.lower(), c.upper()} for c in word))]


def _number_note(reading: Any) -> str:
    spelling = reading.spelling.description() if isinstance(reading, NumberReading) else ""
    return "number, NaN where missing" + (f" (as a number, not as text with {spelling})" if spelling else "")


def _date_note(reading: DateReading) -> str:
    if reading.spelling.order == "time":
        return "time of day as a part of the day (0.5 is noon), NaN where missing"
    return "days since 1970-01-01, with the time of day (UTC) as a fraction, NaN where missing"


def _is_finite(word: str) -> bool:
    try:
        return bool(np.isfinite(float(word)))
    except ValueError:
        return False
