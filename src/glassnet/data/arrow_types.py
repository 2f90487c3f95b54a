"""The types of Arrow columns that the readers tell apart, and the few types that all others are turned into."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from glassnet.data.reading import Array

FIRST_CELLS = 100  # that tell most columns of text from numbers
SECONDS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


def is_number(kind: Any) -> bool:
    """Whether an Arrow type is numeric."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def is_text(kind: Any) -> bool:
    """Whether an Arrow type is text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def kind_of(kind: Any) -> str:
    """text, number, boolean, date, time, duration, empty, or other."""
    tests = {
        "text": is_text,
        "number": is_number,
        "boolean": pa.types.is_boolean,
        "time": pa.types.is_time,
        "duration": pa.types.is_duration,
        "date": pa.types.is_temporal,
        "empty": pa.types.is_null,
    }
    return next((name for name, test in tests.items() if test(kind)), "other")


def decoded_type(kind: Any) -> Any:
    """The type of what a column holds once a dictionary or runs are decoded."""
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return decoded_type(kind.value_type)
    return kind


def simplified(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with its dictionary decoded, and with text as one kind of text, which compute functions support."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_run_end_encoded(column.type):
        column = pa.chunked_array([pc.run_end_decode(chunk) for chunk in column.chunks], column.type.value_type)
    if pa.types.is_string_view(column.type) or pa.types.is_string(column.type):
        return column.cast(pa.large_string())
    return column


def without_views(table: pa.Table) -> pa.Table:
    """The table with text in a type that all of Arrow's functions take."""
    for index, field in enumerate(table.schema):
        if pa.types.is_string_view(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(pa.large_string()))
    return table


def as_text(column: pa.ChunkedArray) -> pa.Array:
    """The cells as text, in one array: whole numbers without a point, booleans as true and false."""
    kind = column.type
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_floating(kind):
        values = np.asarray(array.to_numpy(zero_copy_only=False), np.float64)
        with np.errstate(invalid="ignore"):
            whole = np.abs(values) < 2**53
            whole &= values == np.floor(values)
        integers = pa.array(np.where(whole, values, 0).astype(np.int64)).cast(pa.large_string())
        missing = pa.array(np.isnan(values))
        texts = pc.if_else(pa.array(whole), integers, array.cast(pa.float64()).cast(pa.large_string()))
        return pc.if_else(missing, pa.scalar(None, pa.large_string()), texts)
    return array if kind == pa.large_string() else array.cast(pa.large_string())


def as_float(column: pa.ChunkedArray) -> Array:
    """Numbers, booleans and durations (in seconds) as float64, NaN where null."""
    kind = column.type
    if pa.types.is_duration(kind):
        return as_float(column.cast(pa.int64())) / SECONDS[kind.unit]
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)


def plain_numbers(cells: pa.Array) -> Array:
    """Text as float64, NaN where null. Raises ArrowException if a cell is no plain number."""
    cells.slice(0, FIRST_CELLS).cast(pa.float64())  # a cast that fails takes ten times as long
    return np.asarray(cells.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def distinct_cells(column: pa.ChunkedArray) -> tuple[pa.Array, Array]:
    """The texts of a column, each of which occurs, and for each row the index of its text (−1 where null).

    They are distinct, unless a dictionary that the column is stored as holds a text twice.
    """
    if not pa.types.is_dictionary(column.type) or _dictionary_size(column) > len(column):
        encoded = as_text(simplified(column)).dictionary_encode()
        return encoded.dictionary, _indices(encoded)
    encoded = column.unify_dictionaries().combine_chunks()
    texts, indices = as_text(simplified(pa.chunked_array([encoded.dictionary]))), _indices(encoded)
    occurs = np.bincount(indices[indices >= 0], minlength=len(texts)) > 0
    if occurs.all():
        return texts, indices
    return texts.filter(occurs), spread(np.cumsum(occurs) - 1, indices, -1)


def _dictionary_size(column: pa.ChunkedArray) -> int:
    return sum(len(chunk.dictionary) for chunk in column.chunks)


def _indices(encoded: pa.DictionaryArray) -> Array:
    indices = pc.fill_null(encoded.indices.cast(pa.int64()), -1)
    return np.asarray(indices.to_numpy(zero_copy_only=False))


def spread(by_text: Array, indices: Array, null: Any) -> Array:
    """What belongs to each row, from what belongs to each distinct text."""
    return np.append(by_text, null)[indices]  # index −1 is the last
