"""x, y and sample weights as the user passes them, checked once and converted to rows for the executors.

Outside, samples are columns: x (fan_in, batch), y (fan_out, batch). Inside they are rows; an array whose transpose is
row-contiguous is read in place, any other is transposed once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from glassnet.array_likes import to_array
from glassnet.batches.targets import one_hot, one_hot_groups
from glassnet.errors import DataError, ParameterTypeError
from glassnet.program.architecture import Architecture
from glassnet.program.parameters import Array
from glassnet.tables.costs import Cost
from glassnet.tables.interval import NON_NEGATIVE

READ_IN_PLACE = ("float32", "float64", "uint8")
Arrays = Sequence[ArrayLike]
Weights = ArrayLike | None  # of the samples; None gives each the same


def numeric(name: str, values: Any) -> Array:
    """`values` as an array of real numbers; text, objects and complex numbers are refused."""
    if values is None:
        raise DataError(f"{name} is None; pass an array, samples as columns.")
    if hasattr(values, "toarray"):
        raise DataError(f"{name} is a sparse matrix; pass {name}.toarray().")
    if "numpy.ma" in sys.modules and np.ma.is_masked(values):  # importing it takes time
        raise DataError(f"{name} has masked values; fill them in or drop these samples first.")
    array = to_array(name, values)
    if array.dtype == object:
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            raise DataError(f"{name} holds objects that are not numbers; convert them to numbers first.") from None
        except OverflowError:
            raise DataError(f"{name} holds a whole number that is too large for float64; scale it first.") from None
    if array.dtype.kind not in "buif":
        kind = {"c": "complex numbers", "U": "text", "S": "text", "M": "dates"}.get(array.dtype.kind, str(array.dtype))
        hint = f" If the text looks like numbers, pass {name}.astype(float)." if kind == "text" else ""
        if kind == "text" and name == "y":
            hint += " If it is classes, pass their numbers: numpy.unique(y, return_inverse=True)[1]."
        raise DataError(f"{name} holds {kind}; glassnet needs real numbers.{hint}")
    return array


def input_rows(x: Any, fan_in: int, dtype: Any) -> Array:
    """x (fan_in, batch) as rows (batch, fan_in), checked. Raises DataError that names the first bad entry."""
    array = numeric("x", x)
    if array.ndim != 2:
        hint = f"; for one sample use x.reshape({fan_in}, 1)" if array.size == fan_in else ""
        hint = "; flatten images first, for example x.reshape(samples, -1).T" if array.ndim > 2 else hint
        needs = f"it needs two dimensions ({fan_in}, batch), samples as columns{hint}"
        raise DataError(f"x has shape {array.shape}; {needs}.")
    if array.shape[0] != fan_in:
        hint = " Its transpose would fit: pass x.T." if array.shape[1] == fan_in else ""
        needs = f"this network has {fan_in} inputs: samples are columns, so x is ({fan_in}, batch)"
        raise DataError(f"x has shape {array.shape}, but {needs}.{hint}")
    if array.shape[1] == 0:
        raise DataError(f"x has shape {array.shape}: there is no sample in it.")
    check_finite("x", array, dtype)
    return as_rows(array, dtype)


def as_rows(columns: Array, dtype: Any) -> Array:
    """The transpose, row-contiguous: a view where the array allows it, else one copy in `dtype`."""
    rows = columns.T
    in_place = rows.dtype.name in READ_IN_PLACE and rows.dtype.isnative and rows.strides[1] == rows.itemsize
    if in_place and rows.strides[0] >= 0 and rows.flags.aligned:
        return rows
    with np.errstate(under="ignore"):  # a number too small for the dtype is 0 in it
        return np.ascontiguousarray(rows, dtype)


def check_finite(name: str, columns: Array, dtype: Any = np.float64) -> None:
    """Raise DataError with the first NaN, infinity, or number that `dtype` cannot represent."""
    if columns.dtype.kind != "f":
        return
    largest = float(np.finfo(np.dtype(dtype)).max)
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = float(columns.min()), float(columns.max())
        if -largest <= low and high <= largest:
            return
        bad = ~(np.abs(columns) <= largest)
    feature, sample = (int(index[0]) for index in np.nonzero(bad.T)[::-1])
    value, count = columns[feature, sample], int(bad.sum())
    what = "NaN" if np.isnan(value) else "infinite" if np.isinf(value) else f"{value:g}, beyond {np.dtype(dtype)}"
    entries = f"{what} ({count} such entries in all; samples are columns)"
    advice = "scale that row" if np.isfinite(value) else "fill in or drop these"
    raise DataError(f"{name}[{feature}, {sample}] is {entries}; {advice} first.")


def target_rows(y: Any, cost: Cost, groups: Sequence[int], batch: int, dtype: Any) -> Array:
    """y as rows (batch, fan_out) in the cost's domain, or class numbers (batch,) as int64 where the cost accepts them.

    `groups` are the sizes of the output's distributions; class numbers of several, (groups, batch), become rows.
    """
    array, outputs = numeric("y", y), sum(groups)
    if array.ndim == 1 and cost.target_sum is not None and len(groups) == 1 < outputs:
        return _labels(array, cost, outputs, batch, dtype)
    if cost.target_sum is not None and array.ndim == 2 and 1 < len(groups) == len(array) < outputs:
        return _labels_of_groups(array, cost, groups, batch, dtype)
    if array.ndim == 1 and outputs == 1:
        array = array[np.newaxis, :]
    if array.ndim != 2 or array.shape[0] != outputs:
        raise DataError(_misshapen(array, cost, groups, batch))
    check_batch("y", array.shape[1], batch)
    check_finite("y", array, dtype)
    _check_domain(array, cost, groups)
    smoothed = cost.smoothed(array, groups)
    return as_rows(smoothed if smoothed is array else smoothed.astype(dtype), dtype)


def checked_targets(y: Array, count: int, architecture: Architecture, dtype: Any) -> Array:
    """y (fan_out, batch) or (batch,) as rows in one dtype, int64 for class numbers, checked as arrays in memory are."""
    rows = target_rows(y, architecture.cost, architecture.groups, count, dtype)
    check_batch("y", len(rows), count)
    if rows.ndim == 1:
        return rows
    with np.errstate(under="ignore"):
        return rows.astype(dtype, copy=False)


def weight_vector(weights: Weights, batch: int) -> Array | None:
    """Sample weights (batch,) as float64, none of them negative, or None."""
    if weights is None:
        return None
    array = numeric("sample_weight", weights)
    if array.ndim != 1:
        raise DataError(f"sample_weight has shape {array.shape}; it needs one number per sample: ({batch},).")
    check_batch("sample_weight", len(array), batch)
    index = NON_NEGATIVE.first_outside(array)
    if index is not None:
        raise DataError(f"sample_weight[{index[0]}] is {array[index]:g}; weights are finite numbers of at least 0.")
    if not array.any():
        raise DataError("every sample_weight is 0; at least one sample must count.")
    return array.astype(np.float64)


def check_shape(name: str, values: Any, shape: tuple[int, int]) -> None:
    """Raise where an array that `feedforward` returned comes back in another shape."""
    actual = numeric(name, values).shape
    if actual != shape:
        raise DataError(f"{name} has shape {actual}, but needs {shape}: (fan_out, batch), as feedforward returns it.")


def check_batch(name: str, count: int, batch: int) -> None:
    """Raise where the number of samples differs from that of x."""
    if count != batch:
        raise DataError(f"{name} has {count} samples, but x has {batch}; give one for each column of x.")


def _misshapen(array: Array, cost: Cost, groups: Sequence[int], batch: int) -> str:
    """The sentence about a y of the wrong shape."""
    heights = [sum(groups)] if cost.target_sum is None or len(groups) == 1 else [sum(groups), len(groups)]
    needs = ", or class numbers of shape ".join(f"({height}, {batch})" for height in heights)
    fits_transposed = array.ndim == 2 and array.shape[1] in heights and array.shape[0] == batch
    hint = " Its transpose would fit: pass y.T." if fits_transposed else ""
    is_line = array.shape in ((batch,), (1, batch), (batch, 1))
    if is_line and cost.target_sum is not None and len(groups) == 1:
        hint = " If these are class numbers, pass y.ravel()."
    elif is_line and cost.target_sum is None and np.array_equal(array, np.floor(array)) and sum(groups) > 1:
        one_hot_y = f"np.eye({sum(groups)})[{'y' if array.ndim == 1 else 'y.ravel()'}].T"
        hint = f" Class numbers need softmax outputs with categorical cross-entropy, or one-hot targets: {one_hot_y}."
    return f"y has shape {array.shape}, but needs {needs}: samples are columns.{hint}"


def _labels(array: Array, cost: Cost, outputs: int, batch: int, dtype: Any) -> Array:
    """Class numbers 0 .. outputs-1, unchanged unless the cost smooths its targets."""
    check_batch("y", len(array), batch)
    labels = _class_numbers("y", array, outputs)
    columns = one_hot(labels, outputs).T.astype(dtype)
    smoothed = cost.smoothed(columns, (outputs,))
    return labels if smoothed is columns else np.ascontiguousarray(smoothed.T, dtype)


def _labels_of_groups(array: Array, cost: Cost, groups: Sequence[int], batch: int, dtype: Any) -> Array:
    """Class numbers of each group, (groups, batch), as rows of 0 and 1: uint8, unless the cost smooths them."""
    check_batch("y", array.shape[1], batch)
    labels = [_class_numbers(f"y[{group}]", row, groups[group]) for group, row in enumerate(array)]
    rows = one_hot_groups(labels, groups)
    smoothed = cost.smoothed(rows.T, groups)
    return rows if smoothed.dtype == rows.dtype else np.ascontiguousarray(smoothed.T, dtype)


def _class_numbers(name: str, array: Array, classes: int) -> Array:
    """Whole numbers 0 .. classes-1 as int64."""
    if array.dtype.kind == "f" and (fractional := array != np.floor(array)).any():
        entry = _at(name, int(np.argmax(fractional)))
        raise DataError(f"{entry} is not a whole number; class numbers are 0 to {classes - 1}.")
    outside = (array < 0) | (array >= classes)
    if outside.any():
        sample = int(np.argmax(outside))
        raise DataError(f"{_at(name, sample)} is {array[sample]}, but the classes are 0 to {classes - 1}.")
    return array.astype(np.int64)


def _at(name: str, sample: int) -> str:
    """An entry of y, or of a row of y: y[3], y[1, 3]."""
    return f"{name.removesuffix(']')}, {sample}]" if name.endswith("]") else f"{name}[{sample}]"


def _check_domain(columns: Array, cost: Cost, groups: Sequence[int]) -> None:
    """Raise with the first target that lies outside the domain of the cost."""
    index = cost.targets.first_outside(columns)
    if index is not None:
        entry = f"y[{', '.join(map(str, index))}]"
        raise DataError(f"{entry} is {columns[index]:g}, but cost {cost.name!r} needs targets in {cost.targets}.")
    if cost.target_sum is None:
        return
    first = 0
    for size in groups:
        sums = columns[first : first + size].sum(axis=0)
        differs = np.abs(sums - cost.target_sum) > 1e-3
        if differs.any():
            sample, part = int(np.argmax(differs)), f"{first}:{first + size}" if len(groups) > 1 else ":"
            numbers = f"({len(groups)}, batch)" if len(groups) > 1 else "(batch,)"
            needs = f"cost {cost.name!r} needs {cost.target_sum:g} per sample"
            advice = f"pass one-hot columns, or class numbers of shape {numbers}"
            raise DataError(f"y[{part}, {sample}] adds up to {sums[sample]:g}, but {needs}; {advice}.")
        first += size


def real_dtype(dtype: Any) -> Any:
    """float32 or float64 as a NumPy dtype; anything else is refused."""
    try:
        result = np.dtype(dtype)
    except TypeError:
        result = None
    if dtype is None or result is None or result not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ParameterTypeError(f"dtype must be 'float32' or 'float64', not {dtype!r}.")
    return result
