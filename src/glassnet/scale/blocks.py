"""What people pass as the data of a run in lanes, as blocks that are read where they are trained on.

Arrays, Dask's arrays and DataFrames, lists of blocks and Parquet files become a list of `RawBlock`: a function and its
arguments, so that nothing is read here. Samples are rows, as in files. Blocks count from 0, as Dask's partitions do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from glassnet.array_likes import to_array
from glassnet.batches.block_order import even_parts, with_ends
from glassnet.batches.run_data import is_path
from glassnet.data.frame import column_name
from glassnet.errors import DataError, ParameterError, ParameterTypeError, counted, no_column
from glassnet.scale.block_loading import array_block, frame_block, parquet_block, table_block
from glassnet.scale.parquet_groups import parquet_groups

ARRAY_BYTES = 24 << 20  # of a block that is cut from one array
FEW_VALUES = 8  # shapes that are listed in a message
UNFIT = "divide both in the same way"


class RawBlock(NamedTuple):
    """A block that is not read yet: `load(*arguments)` gives it; an argument may be a Delayed of Dask.

    It is arrays (x, y, weights or None) with samples as rows, or a Table that has the target among its columns. `rows`
    is their number, where that is known without reading.
    """

    load: Callable[..., Any]
    arguments: tuple[Any, ...]
    rows: int | None = None


class RawBlocks(NamedTuple):
    """All blocks of the data, in order. `target` names the column to predict of blocks that are tables, else ""."""

    blocks: tuple[RawBlock, ...]
    target: str = ""
    columns: tuple[str, ...] = ()  # of x, where they have names
    name: str = "the data"

    @property
    def are_tables(self) -> bool:
        """Whether the blocks are tables, whose columns have to be prepared, and not arrays of numbers."""
        return bool(self.target)


def raw_blocks(blocks: Any, y: Any = None, sample_weight: Any = None, *, lanes: int = 8) -> RawBlocks:
    """The blocks of whatever a person passes. Raises DataError, ParameterError or ParameterTypeError.

    Parameters
    ----------
    blocks : x, samples as rows: an array, a dask.array or dask.dataframe; or a list of blocks, each a pair (x, y), a
        Delayed that gives one, or with y the name of a column a DataFrame; or a Parquet file or folder (a path or URL)
    y : the targets, divided as x is; or the name of the column of a table to predict; None where blocks hold them
    sample_weight : divided as x is, where x and y are arrays
    lanes : an array in memory is cut into a multiple of as many blocks
    """
    if sample_weight is not None and (y is None or isinstance(y, str)):
        raise ParameterError("sample_weight is for arrays: pass x, y and sample_weight, each divided in the same way.")
    if is_path(blocks):
        return _of_parquet(str(blocks), y)
    if is_dask(blocks, "array"):
        return _of_dask_arrays(blocks, y, sample_weight)
    if is_dask(blocks, "dataframe"):
        return _of_dask_frame(blocks, y, sample_weight)
    if y is None or isinstance(y, str) or _is_list_of_delayed(blocks):
        return _of_list(blocks, y)
    return _of_arrays(blocks, y, sample_weight, lanes)


def is_dask(value: Any, kind: str = "") -> bool:
    """Whether a value is a collection of Dask: array, dataframe or delayed; told without importing Dask."""
    name = type(value).__module__
    return (name == "dask" or name.startswith("dask.")) and name.startswith(f"dask.{kind}")


# Collections of Dask ------------------------------------------------------------------------------------------------


def _of_dask_arrays(x: Any, y: Any, weights: Any) -> RawBlocks:
    if x.ndim != 2:
        raise DataError(f"x has shape {_shape(x)}; it needs two dimensions, samples as rows: (samples, features).")
    if y is None or isinstance(y, str):
        raise ParameterTypeError("y must be the targets of x, a dask.array with the same chunks of rows.")
    x = x.rechunk({1: -1}) if x.numblocks[1] > 1 else x
    others = {name: value for name, value in (("y", y), ("sample_weight", weights)) if value is not None}
    parts = {name: _divided_as(x, name, value) for name, value in others.items()}
    delayed = x.to_delayed().ravel().tolist()
    _check_number(len(delayed), {name: len(part) for name, part in parts.items()})
    sizes = [None if math.isnan(size) else int(size) for size in x.chunks[0]]
    rows = zip(delayed, parts["y"], parts.get("sample_weight") or [None] * len(delayed), strict=True)
    return RawBlocks(tuple(RawBlock(array_block, row, size) for row, size in zip(rows, sizes, strict=True)))


def _divided_as(x: Any, name: str, value: Any) -> list[Any]:
    """The blocks of y or of the weights, as Delayed. Raises DataError where they are not divided as x is."""
    if is_dask(value, "dataframe"):
        return partitions(value)
    if not is_dask(value, "array"):
        raise ParameterTypeError(f"{name} is of type {type(value).__name__}; it must be a collection of Dask, as x is.")
    value = value.rechunk({1: -1}) if value.ndim == 2 and value.numblocks[1] > 1 else value
    if hasattr(x, "chunks"):
        ours, theirs = x.chunks[0], value.chunks[0]
        known = not any(map(math.isnan, (*ours, *theirs)))
        if known and sum(ours) != sum(theirs):
            raise DataError(f"{name} has {sum(theirs):,} rows, but x has {sum(ours):,}.")
        value = value.rechunk({0: ours}) if known and ours != theirs else value
    return list(value.to_delayed().ravel())


def _of_dask_frame(frame: Any, y: Any, weights: Any) -> RawBlocks:
    if frame.ndim != 2:
        raise DataError("x is a single column; pass a DataFrame: df[['a']].")
    names = [column_name(name) for name in frame.columns]
    if isinstance(y, str):
        delayed = list(frame.to_delayed())
        _check_target(y, names, "the DataFrame")
        return RawBlocks(
            tuple(RawBlock(table_block, (part, None, y, number, names)) for number, part in enumerate(delayed)), y
        )
    if y is None:
        raise ParameterTypeError("y must be the targets of the DataFrame, or the name of the column to predict.")
    _check_divisions(frame, y)
    delayed, parts = partitions(frame), {"y": _divided_as(frame, "y", y)}
    if weights is not None:
        _check_divisions(frame, weights, "sample_weight")
        parts["sample_weight"] = _divided_as(frame, "sample_weight", weights)
    _check_number(len(delayed), {name: len(part) for name, part in parts.items()})
    rows = zip(delayed, parts["y"], parts.get("sample_weight") or [None] * len(delayed), strict=True)
    if weights is None and not are_numbers(frame):
        target = free_name(column_name(getattr(y, "name", None) or "y"), names)
        tables = ((part, own, target, number, names) for number, (part, own, _) in enumerate(rows))
        return RawBlocks(tuple(RawBlock(table_block, table) for table in tables), target, tuple(names))
    return RawBlocks(tuple(RawBlock(frame_block, (*row, names)) for row in rows), "", tuple(names))


def partitions(frame: Any) -> list[Any]:
    """The partitions of a DataFrame or Series of Dask as Delayed, as many as it has, to go with those of another one.

    Dask reads several partitions of Parquet files as one if few of their columns are asked for: then it is told not to.
    """
    delayed = list(frame.to_delayed())
    return delayed if len(delayed) == frame.npartitions else list(frame.to_delayed(optimize_graph=False))


def are_numbers(frame: Any) -> bool:
    """Whether all columns of a DataFrame are numbers or booleans, by their types."""
    return all(getattr(dtype, "kind", "O") in "fiub" for dtype in frame.dtypes)


def free_name(name: str, taken: Sequence[str]) -> str:
    """The name of a column, with underscores behind it where another column has it."""
    return free_name(f"{name}_", taken) if name in taken else name


def _check_divisions(frame: Any, other: Any, name: str = "y") -> None:
    """Raise DataError where two DataFrames of Dask are known to be divided differently."""
    if not (is_dask(other, "dataframe") and frame.known_divisions and other.known_divisions):
        return
    if frame.divisions != other.divisions:
        ours, theirs = (", ".join(map(str, each.divisions[:FEW_VALUES])) for each in (frame, other))
        advice = f"{UNFIT}: {name}.repartition(divisions=list(x.divisions))"
        raise DataError(f"the divisions of x are {ours}, but those of {name} are {theirs}; {advice}.")


def _check_number(blocks: int, others: dict[str, int]) -> None:
    for name, count in others.items():
        if count != blocks:
            raise DataError(f"x has {counted(blocks, 'block')}, but {name} has {count}; {UNFIT}.")


def _shape(x: Any) -> str:
    return str(tuple("?" if isinstance(n, float) and math.isnan(n) else n for n in x.shape)).replace("'", "")


# Lists, arrays and files --------------------------------------------------------------------------------------------


def _is_list_of_delayed(blocks: Any) -> bool:
    return isinstance(blocks, (list, tuple)) and len(blocks) > 0 and all(is_dask(block, "delayed") for block in blocks)


def _of_list(blocks: Any, y: Any) -> RawBlocks:
    """A list of pairs (x, y), of Delayed, or of DataFrames where y names a column."""
    if hasattr(blocks, "columns"):  # one DataFrame in memory
        blocks = [blocks]
    if not isinstance(blocks, (list, tuple)) or not blocks:
        kinds = "a list of blocks (x, y), a collection of Dask, or with y an array"
        raise ParameterTypeError(f"blocks must be {kinds}, not of type {type(blocks).__name__}.")
    if isinstance(y, str):
        return _of_frames(blocks, y)
    if y is not None:
        if not isinstance(y, (list, tuple)) or len(y) != len(blocks):
            raise ParameterTypeError(f"y must be a list of {len(blocks)} blocks, as x is.")
        return RawBlocks(tuple(RawBlock(array_block, (*pair, None)) for pair in zip(blocks, y, strict=True)))
    return RawBlocks(tuple(_of_pair(number, block) for number, block in enumerate(blocks)))


def _of_frames(frames: Sequence[Any], target: str) -> RawBlocks:
    """A list of DataFrames, or of Delayed that give one."""
    names = next((tuple(map(column_name, frame.columns)) for frame in frames if hasattr(frame, "columns")), ())
    if names:
        _check_target(target, names, "the DataFrame")
    blocks = (RawBlock(table_block, (part, None, target, number, names)) for number, part in enumerate(frames))
    return RawBlocks(tuple(blocks), target)


def _of_pair(number: int, block: Any) -> RawBlock:
    if is_dask(block, "delayed"):
        return RawBlock(array_block, (block,))
    if not isinstance(block, (tuple, list)) or len(block) not in (2, 3):
        raise ParameterTypeError(
            f"block {number} is of type {type(block).__name__}; it must be a pair (x, y) with samples as rows."
        )
    delayed = any(is_dask(part, "delayed") for part in block)
    parts = (*block, *[None] * (3 - len(block)))
    return RawBlock(array_block, parts, None if delayed else len(to_array("x", block[0])))


def _of_arrays(x: Any, y: Any, weights: Any, lanes: int) -> RawBlocks:
    """Arrays in memory, cut into blocks of nearly equal size: views of them."""
    names = tuple(map(column_name, x.columns)) if hasattr(x, "columns") else ()
    x, y = to_array("x", x), to_array("y", y)
    weights = None if weights is None else to_array("sample_weight", weights)
    for name, array in (("y", y), ("sample_weight", weights)):
        if array is not None and (array.ndim < 1 or len(array) != len(x)):
            raise DataError(f"{name} has shape {array.shape}, but x has {len(x):,} rows; samples are rows here.")
    ends = with_ends(even_parts(len(x), _number_of_parts(x, lanes)))
    parts = [slice(first, last) for first, last in pairwise(ends.tolist())]
    arrays = ((x[part], y[part], None if weights is None else weights[part]) for part in parts)
    return RawBlocks(tuple(RawBlock(array_block, each, len(each[0])) for each in arrays), columns=names)


def _number_of_parts(x: np.ndarray[Any, Any], lanes: int) -> int:
    """Into how many blocks an array is cut: a multiple of the lanes, none much larger than ARRAY_BYTES."""
    return max(1, min(len(x), lanes * -(-x.nbytes // (lanes * ARRAY_BYTES))))


def _of_parquet(path: str, y: Any) -> RawBlocks:
    if not isinstance(y, str):
        raise ParameterTypeError(f"y must be the name of the column of {path} to predict, not {y!r:.60}.")
    groups = parquet_groups(path)
    _check_target(y, groups[0].columns, path)
    blocks = (RawBlock(parquet_block, (group, number), group.rows) for number, group in enumerate(groups))
    return RawBlocks(tuple(blocks), y, name=path)


def _check_target(target: str, names: Sequence[str], where: str) -> None:
    if target not in names:
        raise DataError(no_column(where, target, names))
