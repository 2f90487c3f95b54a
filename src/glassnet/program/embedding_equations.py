"""The equations of embeddings in NumPy: columns are copied, joined and taken apart, small products made side by side.

Samples are columns, as in `equations.py`. In a grouped product every group of rows of x has a small W of its own, the
rows of which lie one group below the other: w (groups·outputs, terms), x (groups·terms, batch).
"""

from __future__ import annotations

import numpy as np

from glassnet.program.parameters import Array


def select(x: Array, settings: tuple[int, ...]) -> Array:
    """Some rows of x, each one several times. `settings`: rows of x, copies, number of rows selected, which ones."""
    _, copies, _, *selected = settings
    return np.repeat(x[selected], copies, axis=0)


def add_selected(error: Array, settings: tuple[int, ...]) -> Array:
    """The errors of all copies of a row, added to that row; 0 for rows that were not selected. → (rows of x, batch)."""
    rows, copies, count, *selected = settings
    result = np.zeros((rows, error.shape[1]), error.dtype)
    parts = error[: count * copies].reshape(count, copies, error.shape[1])
    for number in range(copies):
        result[selected] += parts[:, number]
    return result


def concatenate(left: Array, right: Array, settings: tuple[int, ...]) -> Array:
    """The rows of both, one below the other."""
    return np.concatenate([left, right])


def split(x: Array, settings: tuple[int, ...]) -> tuple[Array, Array]:
    """The rows of x as two parts of the given sizes."""
    return x[: settings[0]], x[settings[0] :]


def _groups(rows: Array, size: int) -> Array:
    """(groups·size, n) → (groups, size, n)."""
    return rows.reshape(-1, size, rows.shape[1])


def grouped_affine(x: Array, w: Array, b: Array, settings: tuple[int, ...]) -> Array:
    """W·x + b of every group; w is given as (terms, groups·outputs). → (groups·outputs, batch)."""
    outputs, terms = settings
    return (_groups(w.T, outputs) @ _groups(x, terms)).reshape(len(b), -1) + b


def grouped_propagate(error: Array, w: Array, settings: tuple[int, ...]) -> Array:
    """Wᵀ·error of every group. → (groups·terms, batch)."""
    outputs, _ = settings
    return (_groups(w.T, outputs).swapaxes(1, 2) @ _groups(error, outputs)).reshape(-1, error.shape[1])


def grouped_bp4(error: Array, x: Array, settings: tuple[int, ...]) -> Array:
    """error·xᵀ / m of every group. → (terms, groups·outputs)."""
    outputs, terms = settings
    products = _groups(error, outputs) @ _groups(x, terms).swapaxes(1, 2)
    return products.reshape(-1, terms).T / error.shape[1]


def code_numbers(x: Array, settings: tuple[int, ...]) -> Array:
    """The number of the vector of each code: the codes of the first column, then of the second. → (columns, batch).

    The code is the nearest whole number, if it is 1 to levels, else 0.
    """
    pairs = np.array(settings[3:]).reshape(-1, 2)
    levels = pairs[:, 1:]
    codes = x[pairs[:, 0]] + x.dtype.type(0.5)
    known = (codes >= 1) & (codes < levels + 1)
    first = np.cumsum(levels + 1, axis=0) - levels - 1
    return np.where(known, codes, 0).astype(np.int64) + first


def look_up(x: Array, vectors: Array, settings: tuple[int, ...]) -> Array:
    """The vectors of the codes in some rows of x; what is no code counts as code 0. vectors (outputs, codes of all).

    `settings`: rows of x, outputs, number of columns with codes, and the number and the levels of each. → (columns ·
    outputs, batch).
    """
    numbers = code_numbers(x, settings)
    return vectors[:, numbers].transpose(1, 0, 2).reshape(-1, x.shape[1])


def look_up_gradient(error: Array, x: Array, settings: tuple[int, ...]) -> Array:
    """The sum of the errors of the samples that have a code, / m. → (outputs, codes of all)."""
    numbers = code_numbers(x, settings)
    codes = sum(settings[4::2]) + settings[2]
    result = np.zeros((codes, settings[1]), error.dtype)
    for column, parts in zip(numbers, _groups(error, settings[1]), strict=True):
        np.add.at(result, column, parts.T)
    return result.T / error.shape[1]
