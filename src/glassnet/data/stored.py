"""Preparation and target from the JSON of a model file, checking every value; also of files by older versions.

A file may be damaged or forged: what is rebuilt here is plain data of the expected types, or a ModelFileError.
"""

from __future__ import annotations

from typing import Any

from glassnet.data.columns import Column
from glassnet.data.date_spelling import DateSpelling
from glassnet.data.duration_spelling import PATTERNS as DURATION_PATTERNS
from glassnet.data.encodings import Encoding, OneHot, StandardizedNumber
from glassnet.data.number_spelling import NumberSpelling
from glassnet.data.preprocessing import ArrayPreparation, Preparation, TablePreparation
from glassnet.data.readings import BooleanReading, CategoryReading, DateReading, NumberReading, Reading
from glassnet.data.stored_encodings import stored_encoding
from glassnet.data.stored_values import reals, texts, typed
from glassnet.data.target import ClassTarget, NumberTarget, TargetColumn
from glassnet.errors import ModelFileError

ORDERS = ("ymd", "dmy", "mdy", "time")


def from_json(document: Any, path: str) -> tuple[Preparation, TargetColumn]:
    """Rebuild the "preparation" and "target" that `to_json` converted.

    Raises ModelFileError (a ValueError) if the file was not written by `glassnet train` or is damaged.
    """
    if not isinstance(document, dict) or "preparation" not in document:
        raise ModelFileError(f"{path} holds a network without the preprocessing of its data; use glassnet train.")
    try:
        return _preparation(document["preparation"]), _target(document["target"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"{path} is damaged: its columns are invalid ({error}); save it again.") from None


def table_preparation(document: Any, path: str) -> TablePreparation:
    """Rebuild the preparation of a table that `to_json` converted. Raises ModelFileError (a ValueError)."""
    try:
        return typed(_preparation(document), TablePreparation)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"{path} is damaged: its columns are invalid ({error}); save it again.") from None


def _preparation(document: dict[str, Any]) -> Preparation:
    if document["kind"] == "arrays":
        mean, scale, width = reals(document["mean"]), reals(document["scale"]), document["width"]
        if type(width) is not int or len(mean) != len(scale) or len(mean) not in (1, width):
            raise ValueError("width")
        return ArrayPreparation(mean, scale, width)
    if document["kind"] != "table":
        raise ValueError("kind")
    left_out = {typed(name, str): typed(reason, str) for name, reason in document.get("left_out", {}).items()}
    return TablePreparation([_column(column) for column in typed(document["columns"], list)], left_out)


def _column(document: dict[str, Any]) -> Column:
    name = typed(document["name"], str)
    if "reading" not in document:
        return Column(name, *_old_column(document))
    reading = stored_reading(document["reading"])
    return Column(name, reading, stored_encoding(document["encoding"], reading))


def _old_column(document: dict[str, Any]) -> tuple[Reading, Encoding]:
    """The columns of version 0.1: numbers, and categories with their levels as they were in the file."""
    if document["kind"] == "category":
        levels = texts(document["levels"])
        one_hot = OneHot(list(range(len(levels))), levels)
        if typed(document["boolean"], bool) and set(levels) <= {"false", "true"}:
            return BooleanReading(), OneHot([("false", "true").index(level) for level in levels], levels)
        return CategoryReading(levels, trim=False), one_hot
    if document["kind"] != "number":
        raise ValueError("kind")
    median, mean, scale = reals([document[key] for key in ("median", "mean", "scale")])
    return NumberReading(), StandardizedNumber(median, mean, scale, typed(document["indicator"], bool))


def stored_reading(document: dict[str, Any]) -> Reading:
    """A reading from its JSON. Raises ValueError, KeyError or TypeError for anything else."""
    missing = texts(document.get("missing", []))
    kind, spelling = document["kind"], document.get("spelling", {})
    if kind == "number":
        return NumberReading(_number_spelling(spelling), missing, typed(document.get("binary", False), bool))
    if kind == "date":
        order = spelling.get("order", "ymd")
        if order not in ORDERS:
            raise ValueError("order")
        return DateReading(DateSpelling(order), missing)
    if kind == "boolean":
        levels = texts(document.get("levels", ["false", "true"]))
        if len(levels) != 2:
            raise ValueError("levels")
        return BooleanReading(levels, missing)
    if kind != "category":
        raise ValueError("reading")
    flags = (typed(document.get(key, True), bool) for key in ("complete", "trim"))
    return CategoryReading(texts(document["levels"]), missing, *flags)


def _number_spelling(document: dict[str, Any]) -> NumberSpelling:
    default = NumberSpelling()
    for key, value in document.items():
        if not isinstance(value, type(getattr(default, key))):
            raise ValueError(key)
    if document.get("decimal", ".") not in (".", ","):
        raise ValueError("decimal")
    if document.get("duration", "") not in ("", *DURATION_PATTERNS):
        raise ValueError("duration")
    return NumberSpelling(**document)


def _target(document: dict[str, Any]) -> TargetColumn:
    name = typed(document["name"], str)
    reading = stored_reading(document["reading"]) if document.get("reading") else None
    if document["kind"] == "classification":
        return ClassTarget(name, _classes(document["classes"]), reading)
    mean, scale = reals(document["mean"]), reals(document["scale"])
    if len(mean) != len(scale) or not mean or 0 in scale:
        raise ValueError("target")
    smearing = reals(document.get("smearing", []))
    if len(smearing) not in (0, len(mean)) or not all(factor > 0 for factor in smearing):
        raise ValueError("smearing")
    return NumberTarget(name, mean, scale, reading, typed(document.get("log", False), bool), smearing)


def _classes(values: Any) -> list[Any]:
    """A list of two or more distinct classes of one type."""
    if not isinstance(values, list) or len(values) < 2 or len({type(value) for value in values}) != 1:
        raise ValueError("classes")
    if not isinstance(values[0], str | bool | int | float) or len(set(values)) != len(values):
        raise ValueError("classes")
    return values
